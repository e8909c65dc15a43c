"""TITE-CRM: R's dfcrm, the likelihood integrated apart from the package, and CRM once nobody is pending."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, logit

import doseopt
from doseopt import CRM, TITECRM, Faults, MaxPatients, Modified, NoSkipping, TrialState
from doseopt.core.state import Pending
from doseopt.models.quadrature import fitted, one_parameter_nodes
from doseopt.models.quadrature.partial import Partial
from doseopt.testing import check_design

REFERENCE = Path(doseopt.__file__).parent / "verify" / "reference" / "titecrm_fits.csv"
"""dfcrm 0.2-2.1 `titecrm` with followup; `*_tight` are its integrals at a relative tolerance of 1e-11."""
ROWS = list(csv.DictReader(REFERENCE.read_text().splitlines()))
PRIOR = (0.06, 0.14, 0.25, 0.38)


def numbers(text):
    return np.array([float(part) for part in text.split("|")])


def case(row):
    """Return the design, and the data of one trial as it sees them."""
    level, dlt, follow_up = (numbers(row[name]) for name in ("level", "tox", "followup"))
    doses, window = int(row["K"]), float(row["window"])
    at, waiting = level.astype(int) - 1, (dlt == 0) & (follow_up < window)
    design = TITECRM(
        doses=doses,
        target=float(row["target"]),
        skeleton=tuple(numbers(row["prior"])),
        model=row["model"],
        intercept=float(row["intcpt"]),
        prior_sd=float(row["scale"]),
        weights=row["scheme"],
        cohort=1,
    )
    n, y = (np.bincount(at[some], minlength=doses)[None] for some in (~waiting, dlt == 1))
    state = TrialState(n, y, at[-1:], np.zeros((1, 0), int))
    share = follow_up / window
    return design, state, Pending(at[waiting][None], share[waiting][None], share[dlt == 1][None]), waiting


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_fits_of_dfcrm(row):
    design, state, pending, waiting = case(row)
    assert design.weigh(pending)[0] == pytest.approx(numbers(row["weights"])[waiting], abs=1e-12)
    posterior = design.posterior(state, pending)
    assert posterior.theta_mean()[0] == pytest.approx(float(row["estimate_tight"]), abs=1e-8)
    assert posterior.theta_variance()[0] == pytest.approx(float(row["post_var_tight"]), abs=1e-8)
    assert design.estimated(state, pending)[0] == pytest.approx(numbers(row["ptox"]), abs=2e-5)
    assert design.decide(state, pending).dose[0] + 1 == int(row["mtd"])


def batch(rng, trials=300, doses=4, most=6):
    """Return trials with pending patients."""
    n = rng.integers(0, 5, (trials, doses))
    y = rng.binomial(n, 0.3)
    dose = rng.integers(-1, doses, (trials, most))
    share = np.where(dose >= 0, rng.integers(0, 6, dose.shape) / 6, 0.0)
    return TrialState(n, y, rng.integers(0, doses, trials), np.zeros((trials, 0), int)), Pending(dose, share)


def integrals(design, n, y, dose, weight):
    """Return the posterior mean of b and of the DLT rate at the lowest dose, by adaptive integration."""
    s = np.array(design.rates)

    def rate(b):
        if design.model == "empiric":
            return s ** np.exp(b)
        return expit(design.intercept + np.exp(b) * (logit(s) - design.intercept))

    def integral(power, times):
        def f(b):
            p = rate(b)
            part = np.prod([1 - w * p[j] for j, w in zip(dose, weight, strict=True) if j >= 0])
            seen = np.prod(p**y * (1 - p) ** (n - y)) * np.exp(-(b**2) / (2 * design.prior_sd**2))
            return seen * part * b**power * (p[0] if times else 1.0)

        return sum(quad(f, k, k + 1, epsabs=1e-30, epsrel=1e-12)[0] for k in range(-10, 8))

    whole = integral(0, False)
    return integral(1, False) / whole, integral(0, True) / whole


@pytest.mark.parametrize("model", ["empiric", "logistic"])
def test_the_weighted_likelihood_integrated_apart(model):
    design = TITECRM(doses=4, target=0.25, skeleton=PRIOR, model=model, cohort=1)
    mean = dataclasses.replace(design, estimate="mean")
    state, pending = batch(np.random.default_rng(1), 12)
    for i in range(len(state)):
        b, lowest = integrals(design, state.n[i], state.y[i], pending.dose[i], pending.share[i])
        one = slice(i, i + 1)
        at_b = np.exp(design.curve.log_dlt_rate(np.array([[b]]), np))
        assert design.estimated(state[one], pending[one]) == pytest.approx(at_b, abs=1e-9)
        assert mean.estimated(state[one], pending[one])[0, 0] == pytest.approx(lowest, abs=1e-9)


@pytest.mark.parametrize("sd", [0.01, 0.3, 1.16, 9.0])
def test_very_many_tallies_at_once_are_as_those_one_by_one(sd):
    """With a narrow or a wide prior, where nodes do not do, too; each tally with panels of its own."""
    design = TITECRM(doses=4, target=0.25, skeleton=PRIOR, prior_sd=sd, cohort=1)
    state, pending = batch(np.random.default_rng(2))
    at_once = design.posterior(state, pending)
    alone = fitted.solve(design.curve, state.n, state.y, Partial(pending.dose, design.weigh(pending)))
    for ask in (lambda p: p.plugin(), lambda p: p.mean(), lambda p: p.prob(0.25), lambda p: p.prob(0.1, 0.4)):
        assert ask(at_once) == pytest.approx(ask(alone), abs=1e-9)


def test_nodes_that_do_not_do_are_replaced(monkeypatch):
    design = TITECRM(doses=4, target=0.25, skeleton=PRIOR, cohort=1)
    state, pending = batch(np.random.default_rng(3), 40)
    usual = design.posterior(state, pending)
    monkeypatch.setattr(one_parameter_nodes, "LARGEST", 1)  # of nodes: every tally gets panels of its own
    one_parameter_nodes.grid.cache_clear()
    panels = design.posterior(state, pending)
    for ask in (lambda p: p.plugin(), lambda p: p.mean(), lambda p: p.sd(), lambda p: p.prob(0.25)):
        assert ask(panels) == pytest.approx(ask(usual), abs=1e-9)
    assert panels.quantile(0.1) == pytest.approx(usual.quantile(0.1), abs=1e-6)
    assert panels.log_marginal() == pytest.approx(usual.log_marginal(), abs=1e-9)
    one_parameter_nodes.grid.cache_clear()


def test_adaptive_weights_by_hand():
    """DLTs at .2, .5 and .5 of the window: (m + (u - t_m)/(t_{m+1} - t_m))/4."""
    design = TITECRM(doses=1, target=0.25, skeleton=(0.25,), weights="adaptive")
    share, times = [0.0, 0.1, 0.2, 0.35, 0.5, 0.75], [0.5, np.nan, 0.2, 0.5]
    found = design.weigh(Pending(np.zeros((1, 6), int), np.array([share]), np.array([times])))
    assert found[0] == pytest.approx([0, 0.5 / 4, 1 / 4, 1.5 / 4, 3 / 4, 3.5 / 4], abs=1e-14)
    nobody = Pending(np.zeros((1, 6), int), np.array([share]), np.full((1, 2), np.nan))
    assert design.weigh(nobody)[0] == pytest.approx(share, abs=1e-15)


def test_adaptive_weights_ask_for_the_times_of_dlts():
    design = TITECRM(doses=4, target=0.25, skeleton=PRIOR, weights="adaptive")
    with pytest.raises(Faults, match='times: wanted the times of the DLTs for weights = "adaptive"'):
        design.decide(*batch(np.random.default_rng(4), 3))


@pytest.mark.parametrize("given", [{}, {"model": "logistic", "estimate": "mean"}, {"initial": (1, 1, 2, 3)}])
def test_with_nobody_pending_it_is_crm(given):
    options = {"doses": 4, "target": 0.25, "skeleton": PRIOR, "cohort": 2} | given
    crm, tite = CRM(**options), TITECRM(**options)
    state, pending = batch(np.random.default_rng(5))
    nobody = Pending(np.full_like(pending.dose, -1), np.zeros(pending.share.shape))
    wanted = crm.decide(state)
    assert np.array_equal(tite.estimated(state), crm.estimated(state))
    assert tite.estimated(state, nobody) == pytest.approx(crm.estimated(state), abs=1e-14)
    for found in (tite.decide(state), tite.decide(state, nobody)):
        assert np.array_equal(found.dose, wanted.dose)
        assert np.array_equal(found.size, wanted.size)
    stop = np.zeros(len(state), int)
    assert np.array_equal(tite.select(state, stop), crm.select(state, stop))


def test_a_whole_window_counts_as_a_patient_without_a_dlt():
    tite = TITECRM(doses=4, target=0.25, skeleton=PRIOR)
    state, pending = batch(np.random.default_rng(6))
    whole = Pending(pending.dose, np.ones(pending.share.shape))
    assert tite.estimated(state, whole) == pytest.approx(tite.estimated(state.treated(pending)), abs=1e-13)


def test_the_first_stage_counts_pending_patients():
    """Levels 1, 1, 2 one a patient: with one patient pending at level 1 the next gets level 1, then level 2."""
    design = TITECRM(doses=4, target=0.25, skeleton=PRIOR, cohort=1, initial=(1, 1, 2))
    nothing = np.zeros((1, 4), int)
    for pending, level in ((1, 1), (2, 2)):
        state = TrialState(nothing, nothing, np.array([0]), nothing[:, :0])
        given = design.decide(state, Pending(np.zeros((1, pending), int), np.full((1, pending), 0.5)))
        assert given.dose.tolist() == [level - 1]


@pytest.mark.parametrize("given", [{}, {"weights": "adaptive"}, {"estimate": "mean"}])
def test_it_keeps_the_promises_of_a_design(given):
    check_design(Modified(TITECRM(4, 0.25, PRIOR, cohort=2, **given), (NoSkipping(), MaxPatients(n=10))))


def test_adaptive_weights_ask_for_nothing_when_nobody_is_pending():
    design = TITECRM(doses=4, target=0.25, skeleton=PRIOR, weights="adaptive")
    state, pending = batch(np.random.default_rng(4), 3)
    for nobody in (Pending(pending.dose[:, :0], pending.share[:, :0]), Pending(0 * pending.dose - 1, pending.share)):
        assert np.array_equal(design.decide(state, nobody).dose, design.decide(state).dose)
