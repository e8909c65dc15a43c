"""CRM against R's dfcrm 0.2-2.1."""

import numpy as np
import pytest
from peers.reading import assert_operating_characteristics, grouped, read, vector
from scipy.special import log_expit

from doseopt.core.state import TrialState
from doseopt.designs import CRM
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, MaxPatients, NoSkipping
from doseopt.models.quadrature import quadrature
from doseopt.models.skeleton import IndifferenceInterval

PRIOR = grouped(read("dfcrm_getprior.csv"), "model", "target", "nlevel")


@pytest.mark.parametrize("key", PRIOR, ids="/".join)
def test_getprior(key):
    """`getprior`, every row, to its fifteen digits; for rates as small as 1e-141 those of the logarithm."""
    model, target, doses = key
    for row in PRIOR[key]:
        interval = IndifferenceInterval(prior_mtd=int(row["nu"]), halfwidth=float(row["halfwidth"]))
        found = interval.rates(float(target), int(doses), model, float(row["intcpt"]))
        np.testing.assert_allclose(np.log(found), np.log(vector(row["prior"])), rtol=1e-14, atol=1e-13)


FITS = read("dfcrm_fits.csv")


def moments(model, intercept, skeleton, sd, n, y, within):
    """Posterior mean and variance of b by a dense trapezoid rule over +-14 sd, cut at |b| <= within."""
    b = np.linspace(-14 * sd, 14 * sd, 6001)[:, None]
    s = np.array(skeleton)
    if model == "empiric":
        log_p = np.minimum(np.exp(b) * np.log(s), -1e-300)
        log_q = np.log(-np.expm1(log_p))
    else:
        eta = intercept + np.exp(b) * (np.log(s / (1 - s)) - intercept)
        log_p, log_q = log_expit(eta), log_expit(-eta)
    log_f = (y * log_p).sum(axis=1) + ((n - y) * log_q).sum(axis=1) - b[:, 0] ** 2 / (2 * sd**2)
    f = np.exp(log_f - log_f.max()) * (np.abs(b[:, 0]) <= within)
    mean = (f @ b)[0] / f.sum()
    return np.array([mean, f @ (b[:, 0] - mean) ** 2 / f.sum()])


@pytest.mark.parametrize("row", FITS, ids=[row["id"] for row in FITS])
def test_fits(row):
    """`crm`, every row: posterior mean and variance of b, plug-in rates and MTD.

    Against the `*_tight` columns within 1e-8, and within 1e-10 against a dense rule of this test's own. Where sd(b) = 2
    and the data are few the tight columns lack the prior's tail beyond |b| = 12: they lie as much as 7e-7 off the
    variance that an integral to 28 has; so much, as the dense rule finds it, is granted there, and nothing elsewhere.
    """
    doses, skeleton = int(row["K"]), tuple(vector(row["prior"]))
    level, tox = (np.array(vector(row[name], int)) for name in ("level", "tox"))
    n, y = (np.bincount(level - 1, weights=w, minlength=doses).astype(np.int64)[None] for w in (np.ones(len(tox)), tox))
    target, sd, intercept = float(row["target"]), float(row["scale"]), float(row["intcpt"] or 3)
    design = CRM(doses=doses, target=target, skeleton=skeleton, model=row["model"], prior_sd=sd, intercept=intercept)
    posterior = quadrature(design.curve).posterior(n, y)
    found = np.array([posterior.theta_mean()[0], posterior.theta_variance()[0]])
    full, cut = (moments(row["model"], intercept, skeleton, sd, n[0], y[0], within) for within in (np.inf, 12))
    np.testing.assert_allclose(found, full, rtol=0, atol=1e-10)
    tight = np.array([float(row["estimate_tight"]), float(row["post_var_tight"])])
    assert (np.abs(found - tight) <= 1e-8 + np.abs(full - cut)).all()

    # dfcrm's own integrals: it may miss by what its two columns differ, and its rates are the curve at its estimate.
    estimate = float(row["estimate"])
    assert abs(found[0] - estimate) <= abs(tight[0] - estimate) + 1e-8 + abs(full - cut)[0]
    rates = np.exp(design.curve.log_dlt_rate(np.array([[estimate]]), np))[0]
    np.testing.assert_allclose(rates, vector(row["ptox"]), rtol=0, atol=1e-11)
    np.testing.assert_allclose(posterior.plugin()[0], vector(row["ptox"]), rtol=0, atol=2.5e-5 if sd == 2 else 1e-6)
    state = TrialState(n, y, level[-1:] - 1, np.zeros((1, 0), np.int64))
    assert design.decide(state).dose[0] + 1 == int(row["mtd"])
    assert design.select(state, np.zeros(1, np.int64))[0] + 1 == int(row["mtd"])


EXACT = grouped([row for row in read("exact_boin_crm.csv") if row["design"] == "CRM"], "run")


@pytest.mark.parametrize("rows", EXACT.values(), ids=["".join(key) for key in EXACT])
def test_exact_operating_characteristics(rows):
    """Recursion in which `crm` decides, under the rules of `crmsim(restrict = ...)`."""
    row = rows[0]
    base = CRM(
        doses=4,
        target=float(row["target"]),
        skeleton=IndifferenceInterval(prior_mtd=int(row["nu"]), halfwidth=float(row["halfwidth"])),
        model=row["model"],
        prior_sd=float(row["scale"]),
        cohort=int(row["cohortsize"]),
    )
    restrictions = (NoSkipping(), Coherent()) if row["restrict"] == "TRUE" else ()
    assert_operating_characteristics(Modified(base, (*restrictions, MaxPatients(int(row["N"])))), rows, atol=1e-9)
