"""What the amendment report shows of a record."""

from types import SimpleNamespace

from conduct.test_endpoints import CONTROLS, read

from doseopt.reports.render.document import Figure, Table
from doseopt.reports.sections.data_so_far import of_record


def test_courses_and_survival_are_drawn_and_compared_with_the_controls(tmp_path):
    dossier = SimpleNamespace(record=read(tmp_path), study=SimpleNamespace(historical=CONTROLS))
    blocks = of_record(dossier)
    assert [block.name for block in blocks if isinstance(block, Figure)] == ["swimmer", "survival"]
    assert any("probability (%) that it is better" in block.caption for block in blocks if isinstance(block, Table))


def test_without_controls_there_is_the_curve_alone_and_without_a_record_nothing(tmp_path):
    dossier = SimpleNamespace(record=read(tmp_path), study=SimpleNamespace(historical=None))
    assert [block.name for block in of_record(dossier) if isinstance(block, Figure)] == ["swimmer", "survival"]
    assert of_record(SimpleNamespace(record=None)) == []
