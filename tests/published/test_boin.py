"""BOIN: numbers of the literature, of R's packages and of independent enumerations."""

import numpy as np
import pytest
from published.reading import assert_printed, entries
from scipy.stats import norm
from test_behaviour import answer

from doseopt.core.state import NONE, TrialState
from doseopt.core.trial import after, step
from doseopt.designs import BOIN
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.engines.exact import Exact
from doseopt.engines.graph import graph_of
from doseopt.scenarios import make_scenarios


def exact(design, p):
    """P(none, 1..D), E[n_j], E[DLT]."""
    outcomes = Exact()(design, make_scenarios([p]))
    weight = outcomes["weight"].to_numpy()[0]
    choice = outcomes["selected"].to_numpy()[:, None] == np.arange(NONE, design.facts.doses)
    return weight @ choice, weight @ outcomes["n"].to_numpy(), float(weight @ outcomes["y"].sum("dose").to_numpy())


def assert_digits(found, wanted, digits):
    np.testing.assert_allclose(found, wanted, rtol=0, atol=0.5000001 * 10.0**-digits)


@pytest.mark.parametrize("entry", entries("lambdas"), ids=lambda entry: entry["case"])
def test_boundaries(entry):
    """Liu & Yuan 2015, JRSS-C 64:507, formulas; R BOIN 2.7.2."""
    design = BOIN(doses=4, target=entry["target"])
    assert_printed(design.lambda_e, entry["printed"]["lambda_e"])
    assert_printed(design.lambda_d, entry["printed"]["lambda_d"])


TABLES = {e["design"]["target"]: e["printed"] for e in entries("boundaries") if e["design"]["kind"] == "boin"}


@pytest.mark.parametrize("target", TABLES)
def test_decision_tables(target):
    """R BOIN 2.7.2 `get.boundary`, n = 1..24: up if y <=, down if y >=, eliminate if y >= ("-": never).

    Read off the conduct at dose 2 of 3, where every move can be seen.
    """
    design = BOIN(doses=3, target=target)
    for n, (up, down, out) in enumerate(zip(*(row.split() for row in TABLES[target].values()), strict=True), start=1):
        y = np.arange(n + 1)
        zero = np.zeros_like(y)
        tallies = np.stack([zero, np.full_like(y, n), zero], axis=1), np.stack([zero, y, zero], axis=1)
        state = TrialState(*tallies, np.ones_like(y), np.zeros((n + 1, 0), np.int64))
        wanted = np.where(y <= int(up), 2, np.where(y >= int(down), 0, 1))
        np.testing.assert_array_equal(design.decide(state).dose, wanted)
        eliminated = y >= int(out) if out != "-" else np.zeros(n + 1, bool)
        np.testing.assert_array_equal(~design.admissible(state)[:, 1], eliminated)


def test_conduct():
    """R escalation 0.2.3, target 0.30, 5 doses: the next dose after each cohort."""
    design = BOIN(doses=5, target=0.30)
    cohorts = ["1NNN", "2NNN", "3NTT", "2NTN", "3NNN", "3NNN", "4TTT", "3NTN", "3NNT", "3TNN"]
    found = [step(design, after(design, " ".join(cohorts[: i + 1]))).dose[0] + 1 for i in range(len(cohorts))]
    assert found == [2, 3, 2, 3, 3, 4, 3, 3, 3, 3]


def test_selection_of_the_mtd():
    """Yan et al. 2020, Journal of Statistical Software 94(13)."""
    n, y = np.array([[3, 3, 15, 9, 0]]), np.array([[0, 0, 4, 4, 0]])
    state = TrialState(n, y, np.array([3]), np.zeros((1, 0), np.int64))
    assert BOIN(doses=5, target=0.3).select(state, np.array([0]))[0] + 1 == 3


def test_exact_operating_characteristics_of_four_doses():
    """Exact: enumeration independent of this project, at least two implementations agreeing."""
    design = Modified(BOIN(doses=4, target=0.30), (MaxPatients(18),))
    selection, patients, dlts = exact(design, (0.05, 0.15, 0.30, 0.45))
    assert_digits(selection, [0.000211, 0.015285, 0.291729, 0.466233, 0.226542], 6)
    assert_digits(patients, [3.947587, 6.108458, 5.657944, 2.283158], 6)
    assert_digits([patients.sum(), dlts], [17.997148, 3.838453], 6)
    assert graph_of(design).counts()["paths"] == 1669


def test_exact_operating_characteristics_of_five_doses():
    """Exact: enumeration independent of this project, at least two implementations agreeing."""
    design = Modified(BOIN(doses=5, target=0.30), (MaxPatients(30),))
    selection, _, _ = exact(design, (0.05, 0.15, 0.30, 0.45, 0.60))
    assert_digits(selection, [0.000211, 0.011693, 0.232062, 0.546330, 0.193704, 0.016000], 6)
    assert graph_of(design).counts()["paths"] == 282586


APP = [  # rates; the app's stopped and doses 1..4, in per cent, each to its last digit, and patients; the exact values
    (
        (0.27, 0.44, 0.52, 0.61),
        (["16", "68.4", "13.9", "1.5", "0.2"], "27"),
        ([17.047, 67.053, 14.530, 1.293, 0.077], 26.905),
    ),
    (
        (0.11, 0.27, 0.42, 0.64),
        (["0.4", "17.8", "61.4", "19.6", "0.8"], "29.9"),
        ([0.412, 18.341, 62.504, 18.037, 0.706], 29.905),
    ),
]


@pytest.mark.parametrize(("p", "app", "wanted"), APP)
def test_operating_characteristics_of_a_public_app(p, app, wanted):
    """A public BOIN app, target 0.27, cohorts of 3, N = 30, 1000 trials; exact values: independent enumeration.

    The app's are compared within its Monte Carlo error (Bonferroni at 1e-4 over 12 comparisons) and its rounding.
    """
    outcomes = Exact()(Modified(BOIN(doses=4, target=0.27), (MaxPatients(30),)), make_scenarios([p]))
    weight, n = outcomes["weight"].to_numpy()[0], outcomes["n"].sum("dose").to_numpy()
    choice = outcomes["selected"].to_numpy()[:, None] == np.arange(NONE, 4)
    values = np.column_stack([100 * choice, n])
    mean = weight @ values
    assert_digits(mean[:-1], wanted[0], 3)
    assert_digits(mean[-1], wanted[1], 3)
    error = np.sqrt(weight @ (values - mean) ** 2 / 1000)
    printed = [*app[0], app[1]]
    rounding = np.array([0.5 * 10.0 ** -len(x.partition(".")[2]) for x in printed])
    assert (np.abs(mean - np.array(printed, float)) <= norm.isf(1e-4 / 2 / 12) * error + rounding).all()


# Beside the paper and R: where two options meet


def seen(outcomes, cap=30, **options):
    return answer(Modified(BOIN(doses=4, target=0.30, **options), (MaxPatients(n=cap),)), outcomes)


def test_titration_does_not_fill_a_dose_that_is_eliminated():
    # Pr(p > 0.3 | 1 of 1) = 1 - 0.3^2 = 0.91
    assert seen("1N 2T", titration=True) == (2, 2)
    assert seen("1N 2T", titration=True, eliminate_from=1, cutoff=0.92) == (2, 2)
    assert seen("1N 2T", titration=True, eliminate_from=1, cutoff=0.90) == (1, 3)
    assert seen("1T", titration=True, eliminate_from=1, cutoff=0.90) == ("too_toxic", None)


def test_titration_with_cohorts_of_one_has_nothing_to_fill():
    assert seen("1N 2T", titration=True, cohort=1) == (1, 1)
    assert seen("1N 2N 3N 4N", titration=True, cohort=1) == (4, 1)
    assert seen("1N 2N 3N 4N", titration=True, cohort=2) == (4, 1)


def test_the_bound_of_the_mtd_is_lambda_d_and_not_the_target():
    # lambda_d = 0.3585; the estimates (y + 0.05)/(n + 0.1) at dose 2 are 0.336 of 2 in 6 and 0.445 of 4 in 9
    assert seen("1NNN 2NNT 2NNT", cap=9, bounded=True) == ("max_patients", 2)
    assert seen("1NNN 2NNT 2NNT 2NTT", cap=12) == ("max_patients", 2)
    assert seen("1NNN 2NNT 2NNT 2NTT", cap=12, bounded=True) == ("max_patients", 1)
