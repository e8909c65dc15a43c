"""Readings of the DLT window beside designs that decide while patients are pending."""

from doseopt.comparison.compare import compare
from doseopt.reports.sections.window import window_blocks, window_ranges, window_sentences
from doseopt.study.file import parse_study


def test_designs_that_decide_on_pending_patients_are_not_read_and_stand_beside_the_others():
    text = """
    title = "t"
    target = 0.25
    planned_enrolment = 6
    [doses]
    labels = ["1", "2"]
    [clock]
    window = 28
    accrual = { kind = "fixed", per_window = 2 }
    [silences]
    death_in_window = { probability = 0.15 }
    [scenarios]
    a = [0.1, 0.3]
    [designs."BOIN"]
    kind = "boin"
    modifiers = [{ kind = "max_patients", n = 6 }]
    [designs."TITE-BOIN"]
    kind = "tite_boin"
    modifiers = [{ kind = "max_patients", n = 6 }]
    """
    found = compare(parse_study(text))
    right = found["correct_selection_by_reading"]
    assert right.sel(design="TITE-BOIN").isnull().all()
    assert right.sel(design="BOIN").notnull().all()
    why = "TITE-BOIN: decides while patients are pending: wanted the reading in [window_events]"
    assert right.attrs["not_computed_for"] == why
    days = found["duration_by_reading"].attrs["not_computed_for"]
    assert days.startswith("BOIN: no law of the duration is known exactly, as where patients are replaced")
    assert found["correct_selection"].notnull().all()
    said = [block for block in window_blocks(found) if hasattr(block, "notes")]
    assert all("a design that decides while patients are pending" in " ".join(table.notes) for table in said)
    assert "nan" not in str(said)
    assert "Right most often, of the" in window_sentences(found)[0]
    assert "BOIN by" in window_sentences(found)[0]
    (table,) = window_ranges(found, "BOIN", "TITE-BOIN")
    assert [name for name, _ in table.groups] == ["BOIN"]  # of the other no reading is known
