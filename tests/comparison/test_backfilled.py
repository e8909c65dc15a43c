"""Backfilling: the rules one by one, BOIN without responses, and the operating characteristics of another program.

`bfboin_oc.csv` is of bfboin 0.1.1, `get.oc.bf(ntrial = 2000, accrual = "poisson", n.cap = 12)`, BOIN at a target of
0.25 in cohorts of three. Its program closes a dose once more than `n.cap` patients were treated there, so 13 here.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from doseopt import (
    BOIN,
    Exact,
    Faults,
    MaxPatients,
    Modified,
    MTDRule,
    judged,
    make_scenarios,
    operating_characteristics,
)
from doseopt.comparison.backfilled import SimulateBackfill
from doseopt.designs.backfill import Backfill

TEXT = (Path(__file__).parent / "bfboin_oc.csv").read_text()
ROWS = list(csv.DictReader(TEXT.splitlines()))
TRIALS, THEIRS = 400, 2000
RULE = Backfill(BOIN(doses=4, target=0.25, tie="stay"), n_cap=13)


def numbers(row, name):
    return np.array([float(each) for each in row[name].split("|")])


def near(values, theirs):
    """Within four standard errors of the difference of two simulations."""
    error = values.std(axis=0) * np.sqrt(1 / TRIALS + 1 / THEIRS)
    return (np.abs(values.mean(axis=0) - theirs) <= 4 * np.maximum(error, 2e-3)).all()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['scenario']}-{row['response']}-{row['rate_per_window']}")
def test_operating_characteristics_of_another_program(row):
    p, q = numbers(row, "p"), numbers(row, "response")
    engine = SimulateBackfill(RULE, cohorts=8, per_window=float(row["rate_per_window"]), trials=TRIALS, seed=3)
    outcomes = engine(make_scenarios([p], p_eff=[q]))
    n, y = (outcomes[name].to_numpy()[0] for name in ("n", "y"))
    assert near(n, numbers(row, "n_dose"))
    assert near(y, numbers(row, "tox"))
    assert near(n.sum(axis=1), float(row["total_n"]))
    assert near(outcomes["duration"].to_numpy()[0], float(row["duration"]))
    theirs = np.array([float(row["sel_none"]), *numbers(row, "sel")])
    found = (outcomes["selected"].to_numpy()[0][:, None] == np.arange(-1, 4)).mean(axis=0)
    error = np.sqrt(np.maximum(theirs * (1 - theirs), 2e-3) * (1 / TRIALS + 1 / THEIRS))
    assert (np.abs(found - theirs) <= 4 * error).all()


def test_without_responses_it_is_the_design_itself():
    """Cohorts are the same whenever patients come: BOIN's exact operating characteristics, within four errors."""
    base, scenarios = BOIN(doses=4, target=0.25), make_scenarios([[0.08, 0.25, 0.4, 0.55]], p_eff=[[0.0] * 4])
    drawn = SimulateBackfill(Backfill(base), cohorts=8, trials=1000)(scenarios)
    assert int(drawn["backfilled"].sum()) == 0
    exact = Exact()(Modified(base, (MaxPatients(n=24),)), scenarios)
    ours, theirs = (operating_characteristics(judged(each, MTDRule(target=0.25))) for each in (drawn, exact))
    for name in ("selection", "patients", "dlts", "no_selection"):
        apart, exactly = np.abs(ours[name] - theirs[name]).to_numpy(), theirs[name].to_numpy()
        rare = np.sqrt(exactly * (1 - exactly) / 1000) if name.endswith("selection") else 0.0
        assert (apart <= 4 * np.maximum(ours[f"{name}_mcse"].to_numpy(), rare)).all()


@pytest.mark.parametrize(
    ("n", "y", "dose", "answer"),
    [
        ([3, 0, 0, 0], [0, 0, 0, 0], 0, (1, 4)),
        ([3, 0, 0, 0], [1, 0, 0, 0], 0, (0, 4)),  # 1/3 is above lambda_d, and there is no lower dose
        ([3, 0, 0, 0], [3, 0, 0, 0], 0, (None, 0)),
        ([9, 3, 0, 0], [0, 1, 0, 0], 1, (0, 4)),
        ([9, 3, 0, 0], [0, 3, 0, 0], 1, (0, 1)),
        ([9, 3, 3, 0], [3, 0, 0, 0], 2, (2, 4)),  # 3/9 at the lowest; pooled 3/15 is between the boundaries
        ([6, 3, 0, 0], [3, 0, 0, 0], 1, (0, 4)),
    ],
)
def test_the_next_dose(n, y, dose, answer):
    assert RULE.next_dose(n, y, dose, 4) == answer


def test_a_dose_is_open_from_a_response_until_the_cap_while_it_is_safe():
    seen = [True, True, True]
    assert RULE.opens([3, 3, 3], [0, 0, 0], [3, 3, 3], seen) == [0, 1]
    assert RULE.opens([3, 3, 3], [0, 0, 0], [3, 13, 3], seen) == [0]
    assert RULE.opens([3, 3, 3], [0, 0, 0], [3, 3, 3], [False, True, True]) == [1]
    assert RULE.opens([6, 3, 3], [3, 1, 0], [6, 3, 3], seen) == []  # 3/6, and 4/9 with the next dose
    assert RULE.opens([6, 9, 3], [3, 0, 0], [6, 9, 3], seen) == [0, 1]  # 3/6, but 3/15 with the next dose


def test_patients_are_the_same_in_each_scenario():
    scenarios = make_scenarios([[0.1, 0.2, 0.3, 0.4]] * 2, ["one", "same"], p_eff=[[0.3] * 4] * 2)
    outcomes = SimulateBackfill(RULE, trials=20)(scenarios)
    assert np.array_equal(outcomes["n"][0], outcomes["n"][1])
    assert outcomes.attrs["engine"] == "simulated"


def test_what_makes_no_rule_is_refused():
    with pytest.raises(Faults, match="n_cap: wanted a whole number of at least 1, got 0"):
        Backfill(BOIN(doses=2, target=0.25), n_cap=0)
    with pytest.raises(Faults, match="base: wanted an interval design that waits"):
        Backfill(None)
