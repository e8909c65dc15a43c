"""Decision tables with pending patients: the published ones, and how they are shown."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

import doseopt
from doseopt import BOIN, TITEBOIN, TITECRM, CohortsByDLT, Faults, MaxPatients, Modified, MTDRule, RollingSix, Study
from doseopt.cli import app
from doseopt.clock.arrivals import Accrual
from doseopt.conduct.decision_table import decision_table
from doseopt.conduct.pending_table import as_object, pending_table
from doseopt.display.pending_table import lines
from doseopt.scenarios.doses import Doses
from doseopt.study.clock import Clock

REFERENCE = Path(doseopt.__file__).parent / "verify" / "reference"


def study(target=0.2, clock=None, **designs):
    return Study("a trial", target, MTDRule(target), Doses(("1", "2", "3")), {}, designs, clock=clock)


def cells(table):
    """Return the decision and the follow-up needed by n, y and pending."""
    names = ("n", "y", "pending", "text", "stay_from", "escalate_from")
    rows = zip(*(table[name].to_numpy().tolist() for name in names), strict=True)
    return {(n, y, c): rest for n, y, c, *rest in rows}


def test_the_smallest_follow_up_of_yuan_2018():
    """Target 0.20, nine patients: published to two digits, .77 2.15 .52 1.59 2.66 3.73; here by the formula."""
    found = cells(pending_table(study(tite=TITEBOIN(3, 0.2)), patients=9))
    up = {3: 0.7731, 4: 2.1506}
    stay = {1: 0.5198, 2: 1.5894, 3: 2.6590, 4: 3.7286}
    assert {c: found[9, 1, c][2] for c in up} == pytest.approx(up, abs=5e-5)
    assert {c: found[9, 2, c][1] for c in stay} == pytest.approx(stay, abs=5e-5)
    assert [found[9, 1, c][0] for c in (2, 3, 5)] == ["E", "E from 0.774 windows on, else S", "H"]
    assert [found[9, 2, c][0] for c in (0, 1, 5)] == ["S", "S from 0.52 windows on, else D", "H"]


def test_days_of_the_window_are_rounded_up():
    """.7731 of 28 days are 21.6."""
    clock = Clock(28, Accrual("fixed", per_month=2))
    found = cells(pending_table(study(clock=clock, tite=TITEBOIN(3, 0.2)), patients=9))
    assert found[9, 1, 3][0] == "E from 22 days on, else S"


def test_the_table_of_rolling_six_is_skolniks():
    found = cells(pending_table(study(six=RollingSix(3, 0.2))))
    letters = {"Escalate": "E", "Stay": "S", "De-escalate": "DU", "Suspend": "H"}
    published = list(csv.DictReader((REFERENCE / "rolling_six_table.csv").read_text().splitlines()))
    wanted = {
        tuple(int(cell[name]) for name in ("treated", "dlt", "pending")): letters[cell["decision_skolnik"]]
        for cell in published
    }
    assert len(wanted) == 83
    assert {key: text for key, (text, *_) in found.items() if key in wanted} == wanted


def test_cells_that_decide_alike_stand_in_one_line():
    shown = lines(pending_table(study(six=RollingSix(3, 0.2))))
    assert shown[-5:] == [
        ("6", "0", "1 or fewer", "E"),
        ("6", "0", "2 or more", "H"),
        ("6", "1", "0", "E"),
        ("6", "1", "1 or more", "H"),
        ("6", "2 or more", "any", "DU"),
    ]
    assert shown[0] == ("1", "any", "any", "S")
    boin = lines(pending_table(study(tite=TITEBOIN(3, 0.2)), patients=9))
    assert {n for n, *_ in boin} == {"3", "6", "9"}
    assert [row[2:] for row in boin if row[:2] == ("9", "1")][:2] == [
        ("2 or fewer", "E"),
        ("3", "E from 0.774 windows on, else S"),
    ]


def test_sizes_that_vary_show_every_number_of_patients():
    design = Modified(TITEBOIN(3, 0.2), (CohortsByDLT(before=1, after=3), MaxPatients(n=4)))
    table = pending_table(study(tite=design))
    assert {n for n, *_ in lines(table)} == {"1", "2", "3", "4"}
    assert table.attrs["cohort"] == 1


def test_each_kind_of_table_refuses_the_designs_of_the_other():
    both = study(boin=BOIN(3, 0.2), tite=TITEBOIN(3, 0.2), crm=TITECRM(3, 0.2, (0.1, 0.2, 0.3)))
    with pytest.raises(Faults, match="of 'tite' see pending_table"):
        decision_table(both, "tite")
    with pytest.raises(Faults, match="of 'boin' see decision_table"):
        pending_table(both, "boin")
    with pytest.raises(Faults, match="these have a table: boin, tite"):
        pending_table(both, "crm")
    with pytest.raises(Faults, match="patients: wanted a whole number"):
        pending_table(both, "tite", patients=0)


def test_json_has_an_entry_for_each_cell():
    found = as_object(pending_table(study(tite=TITEBOIN(3, 0.2)), patients=2))
    assert [(e["n"], e["y"], e["pending"]) for e in found["table"]][:3] == [(1, 0, 0), (1, 0, 1), (1, 1, 0)]
    assert found["table"][0]["escalate_from"] is None
    assert found["window"] is None
    json.dumps(found)


def test_the_command_prints_and_writes_it(tmp_path):
    file = tmp_path / "tite.toml"
    file.write_text(study(tite=Modified(TITEBOIN(3, 0.2), (MaxPatients(n=9),)), six=RollingSix(3, 0.2)).to_toml())
    printed = CliRunner().invoke(app, ["table", str(file), "--out", str(tmp_path / "out")])
    assert printed.exit_code == 0, printed.output
    assert "The others: six." in printed.output
    assert "H: wait: nobody is enrolled" in printed.output
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"table.csv", "table.pdf"}
    rows = list(csv.DictReader((tmp_path / "out" / "table.csv").read_text().splitlines()))
    (one,) = (row for row in rows if (row["n"], row["y"], row["pending"]) == ("9", "2", "1"))
    assert one["decision"] == "S from 0.52 windows on, else D"
    answered = CliRunner().invoke(app, ["table", str(file), "--design", "six", "--json"])
    assert json.loads(answered.output)["kind"] == "RollingSix"
