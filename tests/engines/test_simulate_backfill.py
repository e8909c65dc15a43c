"""Backfilling: the rules one by one, BOIN without responses, and the operating characteristics of another program.

`bfboin_oc.csv` is of bfboin 0.1.1, `get.oc.bf(ntrial = 2000, accrual = "poisson", n.cap = 12)`, BOIN at a target of
0.25 in cohorts of three. Its program closes a dose once more than `n.cap` patients were treated there, so 13 here.
"""

import csv
from pathlib import Path

import numpy as np
import pytest

from doseopt import (
    BFBOIN,
    BOIN,
    Exact,
    Faults,
    MaxPatients,
    Modified,
    Onset,
    Simulate,
    SimulateBackfill,
    after,
    make_scenarios,
)
from doseopt.clock.lattice import Gaps

TEXT = (Path(__file__).parent / "bfboin_oc.csv").read_text()
ROWS = list(csv.DictReader(TEXT.splitlines()))
TRIALS, THEIRS = 400, 2000
RULE = BFBOIN(doses=4, target=0.25, tie="stay", cohorts=8, n_cap=13)


def numbers(row, name):
    return np.array([float(each) for each in row[name].split("|")])


def near(values, theirs):
    """Within four standard errors of the difference of two simulations."""
    error = values.std(axis=0) * np.sqrt(1 / TRIALS + 1 / THEIRS)
    return (np.abs(values.mean(axis=0) - theirs) <= 4 * np.maximum(error, 2e-3)).all()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['scenario']}-{row['response']}-{row['rate_per_window']}")
def test_operating_characteristics_of_another_program(row):
    p, q = numbers(row, "p"), numbers(row, "response")
    rate = float(row["rate_per_window"])
    engine = SimulateBackfill(Gaps(rate), Onset("weibull"), trials=TRIALS, seed=3)
    outcomes = engine(RULE, make_scenarios([p], p_eff=[q]))
    n, y = (outcomes[name].to_numpy()[0] for name in ("n", "y"))
    assert near(n, numbers(row, "n_dose"))
    assert near(y, numbers(row, "tox"))
    assert near(n.sum(axis=1), float(row["total_n"]))
    assert near(outcomes["time"].to_numpy()[0] - 1 / rate, float(row["duration"]))  # theirs is from the first patient
    theirs = np.array([float(row["sel_none"]), *numbers(row, "sel")])
    found = (outcomes["selected"].to_numpy()[0][:, None] == np.arange(-1, 4)).mean(axis=0)
    error = np.sqrt(np.maximum(theirs * (1 - theirs), 2e-3) * (1 / TRIALS + 1 / THEIRS))
    assert (np.abs(found - theirs) <= 4 * error).all()


def test_without_responses_each_trial_is_that_of_the_design_itself():
    """Cohorts are the same whenever patients come."""
    base, scenarios = BOIN(doses=4, target=0.25), make_scenarios([[0.08, 0.25, 0.4, 0.55]], p_eff=[[0.0] * 4])
    drawn = SimulateBackfill(Gaps(3.0), trials=300)(BFBOIN(doses=4, target=0.25, cohorts=8), scenarios)
    plain = Simulate(trials=300)(Modified(base, (MaxPatients(n=24),)), scenarios)
    assert int(drawn["backfilled"].sum()) == 0
    for name in ("n", "y", "selected"):
        np.testing.assert_array_equal(drawn[name], plain[name])


@pytest.mark.parametrize(
    ("n", "y", "dose", "answer"),
    [
        ([3, 0, 0, 0], [0, 0, 0, 0], 0, 1),
        ([3, 0, 0, 0], [1, 0, 0, 0], 0, 0),  # 1/3 is above lambda_d, and there is no lower dose
        ([3, 0, 0, 0], [3, 0, 0, 0], 0, None),
        ([9, 3, 0, 0], [0, 1, 0, 0], 1, 0),
        ([9, 3, 0, 0], [0, 3, 0, 0], 1, 0),
        ([9, 3, 0, 0], [0, 3, 0, 0], 0, 0),  # the next dose is eliminated
        ([9, 3, 3, 0], [3, 0, 0, 0], 2, 2),  # 3/9 at the lowest; pooled 3/15 is between the boundaries
        ([6, 3, 0, 0], [3, 0, 0, 0], 1, 0),
    ],
)
def test_the_next_dose(n, y, dose, answer):
    assert RULE.next_dose(n, y, dose) == answer


def test_a_trial_that_is_written_down_counts_patients_at_lower_doses_and_not_their_cohorts():
    """Two are backfilled beside the cohort at dose 2; the escalation has had two cohorts of at most two."""
    design = BFBOIN(doses=3, target=0.25, cohorts=2)
    decided = [design.decide(after(design, seen)) for seen in ("1NNN 1NN", "1NNN 1NN 2NNN", "1NNN 2NNN 1NN")]
    assert [(each.dose.item() + 1, each.stop.item()) for each in decided] == [(2, 0), (3, 2), (3, 2)]
    assert design.facts.cap == 6 + 2 * 9


def test_a_dose_is_open_from_a_response_until_the_cap_while_it_is_safe():
    seen = [True, True, True]
    assert RULE.opens([3, 3, 3], [0, 0, 0], [3, 3, 3], seen) == [0, 1]
    assert RULE.opens([3, 3, 3], [0, 0, 0], [3, 13, 3], seen) == [0]
    assert RULE.opens([3, 3, 3], [0, 0, 0], [3, 3, 3], [False, True, True]) == [1]
    assert RULE.opens([6, 3, 3], [3, 1, 0], [6, 3, 3], seen) == []  # 3/6, and 4/9 with the next dose
    assert RULE.opens([6, 9, 3], [3, 0, 0], [6, 9, 3], seen) == [0, 1]  # 3/6, but 3/15 with the next dose


def test_patients_are_the_same_in_each_scenario():
    scenarios = make_scenarios([[0.1, 0.2, 0.3, 0.4]] * 2, ["one", "same"], p_eff=[[0.3] * 4] * 2)
    outcomes = SimulateBackfill(Gaps(3.0), trials=20)(RULE, scenarios)
    assert np.array_equal(outcomes["n"][0], outcomes["n"][1])
    assert outcomes.attrs["engine"] == "simulated"


def test_what_makes_no_design_is_refused():
    with pytest.raises(Faults, match=r"n_cap: wanted a whole number in \[1, 100\], got 0"):
        BFBOIN(doses=2, target=0.25, n_cap=0)
    with pytest.raises(Faults, match="titration: wanted false"):
        BFBOIN(doses=2, target=0.25, titration=True)
    with pytest.raises(Faults, match=r"modifiers\[0\]: wanted none over a design that backfills"):
        Modified(RULE, (MaxPatients(n=24),))
    with pytest.raises(Faults, match="got one that backfills lower doses"):
        Exact()(RULE, make_scenarios([[0.1, 0.2, 0.3, 0.4]]))
    with pytest.raises(Faults, match="wanted one that backfills lower doses"):
        SimulateBackfill(Gaps(3.0))(BOIN(doses=2, target=0.25), make_scenarios([[0.1, 0.2]], p_eff=[[0.1, 0.2]]))
