"""The table of scores of BOIN12: rows of Lin et al. 2020, Table 3, as a protocol prints them."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import doseopt
from doseopt import BOIN, BOIN12, Faults, MTDRule, Study
from doseopt.cli import app
from doseopt.conduct.decision_table import decision_table
from doseopt.conduct.scores_table import scores_table
from doseopt.reports.render.document import Table
from doseopt.reports.sections.scores_table import scores_table_document
from doseopt.scenarios.doses import Doses

RDS = Path(doseopt.__file__).parent / "verify" / "reference" / "boin12_rds.csv"
ROWS = [row for row in csv.DictReader(RDS.read_text().splitlines()) if row["config"].startswith("Lin2020")]


def study(**keys):
    designs = {"BOIN": BOIN(doses=2, target=0.35), "BOIN12": BOIN12(doses=2, target=0.35, **keys)}
    return Study("a trial", 0.35, MTDRule(0.35), Doses(("1", "2")), {}, designs)


def test_rows_of_the_published_table():
    document = scores_table_document(scores_table(study(), "BOIN12"))
    (table,) = [block for block in document.blocks if isinstance(block, Table)]
    found, n = {}, ""
    for patients, dlts, *scores in table.rows:
        n = patients or n
        found |= {(n, dlts, str(e)): score for e, score in enumerate(scores) if score}
    assert len(ROWS) == 89  # of 166 cells
    theirs = {(row["Patients"], row["Toxicity"], row["Efficacy"]): row["RDS"].removesuffix(".0") for row in ROWS}
    assert {cell: found[cell] for cell in theirs} == theirs
    down = "from so many DLTs on: 2 of 3, 3 of 6, 4 of 9. At or below the lower boundary up to: 0 of 3, 1 of 6, 2 of 9."
    assert down in table.notes[0]  # y/n of at least 0.4189, at most 0.2763


def test_utilities_that_tell_who_had_both_make_a_row_of_each():
    found = scores_table(study(u2=30.0, u3=50.0), "BOIN12", patients=3)
    cells = set(zip(*(found[name].values.tolist() for name in ("n", "y", "e", "both")), strict=True))
    assert {(3, 2, 2, 1), (3, 2, 2, 2)} <= cells
    assert (3, 2, 2, 0) not in cells
    head = next(b for b in scores_table_document(found).blocks if isinstance(b, Table)).head
    assert head == ("n", "DLT", "both", "0", "1", "2", "3")


def test_designs_with_another_table_say_which():
    with pytest.raises(Faults, match="of 'BOIN12' see scores_table"):
        decision_table(study(), "BOIN12")
    with pytest.raises(Faults, match="of 'BOIN' see decision_table"):
        scores_table(study(), "BOIN")
    with pytest.raises(Faults, match="patients: wanted at least a cohort of 3, got 2"):
        scores_table(study(), "BOIN12", patients=2)


def test_the_command_prints_it_and_writes_its_cells(tmp_path):
    file = tmp_path / "efficacy.toml"
    file.write_text(
        'title = "t"\ntarget = 0.35\n[doses]\nlabels = ["1", "2"]\n[designs.BOIN12]\nkind = "boin12"\n'
        'modifiers = [{ kind = "max_patients", n = 12 }]\n'
    )
    ran = CliRunner().invoke(app, ["table", str(file), "--json", "--out", str(tmp_path / "out")])
    assert ran.exit_code == 0, ran.output
    answer = json.loads(ran.stdout)
    assert answer["table"][0] == {"n": 0, "y": 0, "e": 0, "both": -1, "desirability": pytest.approx(0.295), "score": 60}
    assert (tmp_path / "out" / "table.csv").read_text().count("\n") == 1 + 1 + 16 + 49 + 100
