"""The user's own decision table, from a study file and from CSV."""

import pickle

import numpy as np
import pytest
import tomli_w

from doseopt import DecisionTable, Keyboard
from doseopt.core.parameters import Faults
from doseopt.core.text import neutral
from doseopt.core.trial import after, selected, step
from doseopt.designs.decision_table import decisions_from_csv
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.engines.exact import Exact
from doseopt.engines.graph import graph_of
from doseopt.scenarios import make_scenarios
from doseopt.study.file import load_study, parse_study

# Ji et al. 2010, Fig. 2: mTPI at target 0.30
MTPI = ("3: E S D DU", "6: E E S S DU DU DU", "9: E E S S S DU DU DU DU DU")


def table(*decisions, **options):
    return DecisionTable(doses=4, target=0.30, decisions=decisions or MTPI, **options)


@pytest.mark.parametrize(
    ("outcomes", "level"),
    [
        ("1NNN", 2),
        ("1NNN 2NNT", 2),
        ("1NNN 2NTT", 1),
        ("1NNN 2NNT 2NNT", 2),
        ("1NNN 2NNT 2NNN", 3),
        ("1NNN 2TTT 1NNN", 1),  # up to 2, which is eliminated
        ("1NTT", 1),
        ("1NNN 2NNN 3NNN 4NNN", 4),
    ],
)
def test_the_next_dose_is_the_tables(outcomes, level):
    decision = step(table(), after(table(), outcomes))
    assert (decision.dose[0] + 1, decision.size[0], decision.stop[0]) == (level, 3, 0)


def test_du_at_the_lowest_dose_ends_the_trial():
    design = table()
    state = after(design, "1TTT")
    decision = step(design, state)
    assert design.facts.stops[decision.stop[0] - 1] == "too_toxic"
    assert selected(design, state, decision.stop)[0] == -1


def test_a_table_is_the_design_that_it_was_copied_from():
    """Keyboard's own table, written out, gives Keyboard's operating characteristics."""
    keyboard, lines = Keyboard(doses=4, target=0.25, start=2), []
    for n in range(1, 13):
        y = np.arange(n + 1)
        moves, out = keyboard.moves(np.full_like(y, n), y), keyboard.eliminates(np.full_like(y, n), y)
        lines.append(f"{n}: " + " ".join("DU" if o else "DSE"[m + 1] for m, o in zip(moves, out, strict=True)))
    scenarios = make_scenarios([(0.05, 0.15, 0.30, 0.45), (0.3, 0.4, 0.5, 0.6)])
    cap = (MaxPatients(11),)
    wanted = Exact()(Modified(keyboard, cap), scenarios)
    design = DecisionTable(doses=4, target=0.25, decisions=tuple(lines), start=2)
    found = Exact()(Modified(design, cap), scenarios)
    for name in ("n", "y", "selected", "weight"):
        np.testing.assert_array_equal(found[name].to_numpy(), wanted[name].to_numpy())


def test_it_hashes_compares_and_pickles():
    assert hash(table()) == hash(table())
    assert table() == pickle.loads(pickle.dumps(table())) != table("3: E S D D")


def test_a_tally_outside_the_table_is_named():
    design = table()
    with pytest.raises(Faults, match=r"wanted a row for n = 4 at dose level 2.*the table has n = 3, 6, 9") as caught:
        step(design, after(design, "1NNN 2NNNT"))
    assert isinstance(caught.value, ValueError)


def test_what_no_trial_reaches_need_not_be_in_the_table():
    design = Modified(table(), (MaxPatients(9),))
    assert graph_of(design).counts()["endings"] > 0
    with pytest.raises(Faults, match="wanted a row for n = 12 at dose level"):
        graph_of(Modified(table(), (MaxPatients(12),)))


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("3: E S D", "decisions[1]: wanted 4 decisions, for y = 0 to 3, got 3"),
        ("E S D DU", "decisions[1]: wanted 'n: decisions for y = 0 to n', e.g. '3: E S D DU', got 'E S D DU'"),
        ("0: E", "decisions[1]: n: wanted a whole number in [1, 1000], got '0'"),
        ("x: E D", "decisions[1]: n: wanted a whole number in [1, 1000], got 'x'"),
        ("2: E S D", "decisions[1]: n = 2 stands already in decisions[0]"),
        ("1: e D", "decisions[1]: y = 0: unknown decision 'e'; did you mean 'E'?"),
        ("1: E DUU", "decisions[1]: y = 1: unknown decision 'DUU'; did you mean 'DU'?"),
        ("1: E X", "decisions[1]: y = 1: unknown decision 'X'; known: E, S, D, DU"),
    ],
)
def test_faults_of_a_line(line, fault):
    with pytest.raises(Faults) as caught:
        table("2: E D D", line)
    assert [str(f) for f in caught.value.faults] == [fault]


def test_all_faults_come_together():
    with pytest.raises(Faults) as caught:
        table("1: E", "3: E S X Y", cohort=0, start=5)
    assert [str(f).split(": ")[0] for f in caught.value.faults] == [
        "cohort",
        "start",
        "decisions[0]",
        "decisions[1]",
        "decisions[1]",
    ]


@pytest.mark.parametrize("value", [(), "3: E S D DU", (3, 4), None])
def test_what_is_no_table(value):
    with pytest.raises(Faults, match="decisions: wanted a list of lines 'n: decisions for y = 0 to n'"):
        DecisionTable(doses=4, target=0.30, decisions=value)


# CSV

GOOD = "n,y,decision\n2,0,E\n2,1,S\n2,2,DU\n1,1,D\n1,0,E\n"


def written(tmp_path, text):
    path = tmp_path / "mine.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        GOOD,
        "\ufeff" + GOOD,
        " n , y , decision \n 2,0,E\n2, 1, S\n2,2,DU\n1,1,D\n1,0,E\n",
        GOOD.replace("\n", "\r\n"),
        "sep=;\n" + GOOD.replace(",", ";") + ";;\n",
        GOOD.replace("n,y,decision", "N,Y,Decision").replace("2,", "2.0,"),
    ],
    ids=["plain", "with a byte-order mark", "with blanks", "with carriage returns", "Excel, Europe", "pandas"],
)
def test_csv(tmp_path, text):
    assert decisions_from_csv(written(tmp_path, text)) == ("1: E D", "2: E S DU")


def csv_faults(path):
    with pytest.raises(Faults) as caught:
        decisions_from_csv(path)
    assert caught.value.title == str(path)
    return [str(f) for f in caught.value.faults]


def test_all_faults_of_a_csv_come_together(tmp_path):
    text = "n,y,decision\n3,0,E\n3,1,e\n3,2\n3,0,S\n2,3,D\n0,0,E\nx,0,E\n6,0,E\n6,6,DU\n"
    assert csv_faults(written(tmp_path, text)) == [
        "line 3: decision: unknown decision 'e'; did you mean 'E'?",
        "line 4: wanted as many fields as the header has, 3, got 2",
        "line 5: n = 3, y = 0 stands already in line 2",
        "line 6: y: wanted a whole number in [0, 2], got '3'",
        "line 7: n: wanted a whole number in [1, 1000], got '0'",
        "line 8: n: wanted a whole number in [1, 1000], got 'x'",
        "n = 3: missing y = 2, 3",
        "n = 6: missing y = 1, 2, 3, 4, 5",
    ]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ["line 1: wanted a column 'n'", "line 1: wanted a column 'y'", "line 1: wanted a column 'decision'"]),
        (
            "n,y,decison\n",
            ["line 1: unknown column 'decison'; did you mean 'decision'"],
        ),
        ("n,y,y,decision\n", ["line 1: column 'y' stands twice"]),
        ("n,y,decision\n", ["wanted one row for each n and y below the header, got none"]),
    ],
)
def test_a_header_that_lacks_something(tmp_path, text, wanted):
    found = csv_faults(written(tmp_path, text))
    assert len(found) == len(wanted)
    assert all(f.startswith(w) for f, w in zip(found, wanted, strict=True)), found


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (GOOD + "x" * 140_000 + ",0,E\n", "line 7: wanted fields of at most 131072 letters; is it the right file?"),
        (GOOD + '3,0,"E\n', "line 7: a quotation mark opens here that is not closed, or stands inside a field"),
        (GOOD + "3," + "9" * 5000 + ",E\n", "line 7: y: wanted a whole number in [0, 3], got '9999"),
        (GOOD.replace("1,0,E", "1,0," + "E" * 1000), "line 6: decision: unknown decision 'EEEE"),
    ],
    ids=["long field", "open quotation", "long number", "long decision"],
)
def test_a_csv_that_is_extreme_is_refused_in_bounded_words(tmp_path, text, fault):
    (found,) = csv_faults(written(tmp_path, text))
    assert found.startswith(fault)
    assert len(found) < 200


def test_a_csv_that_is_not_there(tmp_path):
    (found,) = csv_faults(tmp_path / "none.csv")
    assert found.startswith("cannot be read: ")


# Study files

STUDY = {
    "title": "own table",
    "target": 0.30,
    "doses": {"labels": ["a", "b", "c", "d"]},
    "scenarios": {"s": [0.1, 0.2, 0.3, 0.4]},
    "designs": {"own": {"kind": "table", "decisions": list(MTPI), "modifiers": [{"kind": "max_patients", "n": 9}]}},
}


def test_a_study_file_may_hold_the_table():
    study = parse_study(tomli_w.dumps(STUDY))
    assert study.designs["own"] == Modified(table(), (MaxPatients(9),))
    assert parse_study(study.to_toml()) == study


def with_csv(tmp_path, name="mine.csv", **options):
    own = {"kind": "table", "decisions": name, "modifiers": [{"kind": "max_patients", "n": 2}], "cohort": 1}
    path = tmp_path / "study.toml"
    path.write_text(tomli_w.dumps(STUDY | {"designs": {"own": own | options}}), encoding="utf-8")
    return path


def test_a_study_file_may_name_a_csv_beside_it(tmp_path, monkeypatch):
    written(tmp_path, GOOD)
    study = load_study(with_csv(tmp_path))
    assert study.designs["own"].base == DecisionTable(doses=4, target=0.30, decisions=("1: E D", "2: E S DU"), cohort=1)
    assert parse_study(study.to_toml()) == study
    monkeypatch.chdir(tmp_path)
    assert load_study("study.toml") == study


def study_faults(path):
    with pytest.raises(Faults) as caught:
        load_study(path)
    return [str(f) for f in caught.value.faults]


def test_faults_of_a_csv_are_reported_with_those_of_its_study(tmp_path):
    written(tmp_path, GOOD.replace("2,1,S\n", "").replace("1,1,D", "1,1,U"))
    assert study_faults(with_csv(tmp_path, cohort=0)) == [
        "designs.own.decisions[mine.csv, line 4]: decision: unknown decision 'U'; did you mean 'DU'?",
        "designs.own.decisions[mine.csv, n = 2]: missing y = 1",
        "designs.own.cohort: wanted a whole number in [1, 100], got 0",
    ]


def test_a_good_csv_is_no_fault_beside_others(tmp_path):
    written(tmp_path, GOOD)
    assert study_faults(with_csv(tmp_path, cohort=0)) == [
        "designs.own.cohort: wanted a whole number in [1, 100], got 0"
    ]


@pytest.mark.parametrize("name", ["none.csv", "", "a\0b"])
def test_a_study_that_names_no_csv(tmp_path, name):
    (found,) = study_faults(with_csv(tmp_path, name))
    assert found.startswith(f"designs.own.decisions[{neutral(name)}]: cannot be read: ")


@pytest.mark.parametrize("value", [3, [], [3], {"3": "E S D DU"}, [["E", "D"]]])
def test_a_study_whose_table_is_none(value, tmp_path):
    (found,) = study_faults(with_csv(tmp_path, value))
    assert found.startswith("designs.own.decisions: wanted a list of lines 'n: decisions for y = 0 to n'")
