"""The hazard model with exposure: against a plain integral that shares no line with it, and by NUTS."""

import numpy as np
import pytest
from scipy.stats import norm

from doseopt.core.parameters import Faults
from doseopt.models.cloglog import CLOGLOG_MEAN, TwoParameterCloglog
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.external import External, RobustPrior
from doseopt.models.nuts.draws import SampledPosterior
from doseopt.models.nuts.independent import draw_independently
from doseopt.models.quadrature import posterior_after, quadrature
from doseopt.testing.models import check_model

DOSES = (0.15e9, 0.5e9, 1.5e9, 4.5e9)
MODEL = TwoParameterCloglog(DOSES, "cells", 1.5e9, CLOGLOG_MEAN, ((2.25, 0.3), (0.3, 0.49)))
EXTERNAL = External((3, 6, 6, 0), (0, 1, 3, 0), 0.4)
N, Y = np.array([3, 3, 6, 0]), np.array([0, 0, 2, 0])
FOLLOWED, STRUCK = ((), (0.5,), (0.25, 0.7), ()), ((), (), (0.4,), ())


def plain(n, y, followed=((),) * 4, struck=((),) * 4, external=None, given=(0.1, 1 / 3, 1.0, 3.0)):
    """Mean, sd and log evidence by Gauss-Legendre panels over 9 sds of (log a, log b).

    A DLT has the likelihood 1 - exp(-H), or H exp(-u H) if its time u is known; else exp(-H), or exp(-w H).
    """
    x, w = np.polynomial.legendre.leggauss(20)
    z = (np.linspace(-9, 8.7, 60)[:, None] + 0.15 * (1 + x)).ravel()
    mass = np.tile(0.15 * w, 60) * norm.pdf(z)
    r = 0.3 / (1.5 * 0.7)
    log_a = np.log(-np.log(0.8)) + 1.5 * z[:, None]
    slope = np.exp(0.7 * (r * z[:, None] + np.sqrt(1 - r**2) * z))

    def hazard(d):
        return np.exp(np.minimum(log_a + slope * np.log(d), 50))

    joint = np.outer(mass, mass)
    if external is not None:
        seen = [1 - np.exp(-hazard(d)) for d in (0.1, 1 / 3, 1.0, 3.0)]
        like = np.prod(
            [p**b * (1 - p) ** (a - b) for p, a, b in zip(seen, external.n, external.y, strict=True)], axis=0
        )
        joint = joint * (1 - external.weight + external.weight * like / (joint * like).sum())
    for d, a, b, part, times in zip(given, n, y, followed, struck, strict=True):
        h = hazard(d)
        joint = joint * (1 - np.exp(-h)) ** (b - len(times)) * np.exp(-h * (a - b + sum(part) + sum(times)))
        joint = joint * h ** len(times)
    rates = [1 - np.exp(-hazard(d)) for d in (0.1, 1 / 3, 1.0, 3.0)]
    mean = np.array([(joint * p).sum() for p in rates]) / joint.sum()
    square = np.array([(joint * p**2).sum() for p in rates]) / joint.sum()
    return mean, np.sqrt(square - mean**2), np.log(joint.sum())


@pytest.mark.parametrize(
    ("n", "y", "followed", "struck"),
    [
        (N, Y, FOLLOWED, STRUCK),
        (N, Y, ((),) * 4, ((),) * 4),
        (0 * N, 0 * Y, ((), (), (0.3,), ()), ((),) * 4),
        (8 * N, np.array([1, 1, 9, 0]), FOLLOWED, STRUCK),
        (N, N, ((),) * 4, ((), (0.1, 0.2, 0.9), (), ())),
    ],
)
def test_posteriors_are_those_of_a_plain_integral(n, y, followed, struck):
    posterior = posterior_after(MODEL, n, y, None, followed, struck)
    mean, sd, evidence = plain(n, y, followed, struck)
    assert posterior.mean()[0] == pytest.approx(mean, abs=1e-10)
    assert posterior.sd()[0] == pytest.approx(sd, abs=1e-10)
    assert posterior.log_marginal()[0] == pytest.approx(evidence, abs=1e-10)
    cut = posterior.quantile(0.9)[0][:3]
    assert np.diag(posterior.below(cut)[0])[:3] == pytest.approx([0.9] * 3, abs=1e-7)


def test_interval_probabilities_of_one_dose_are_those_of_a_line():
    """With log b fixed in effect, Pr(rate <= c) at the reference dose is that of log a on a fine line."""
    narrow = TwoParameterCloglog((1.0,), "mg", 1.0, CLOGLOG_MEAN, ((2.25, 0.0), (0.0, 1e-4)))
    z = np.linspace(-9, 9, 400_001)
    hazard = np.exp(np.log(-np.log(0.8)) + 1.5 * z)
    density = norm.pdf(z) * (1 - np.exp(-hazard)) * np.exp(-2.5 * hazard)
    wanted = np.interp(np.log(-np.log(2 / 3)), np.log(hazard), (np.cumsum(density) - density / 2) / density.sum())
    posterior = posterior_after(narrow, np.array([3]), np.array([1]), None, ((0.5,),))
    assert posterior.prob(0.0, 1 / 3)[0, 0] == pytest.approx(wanted, abs=1e-8)


def test_external_data_and_doses_that_were_given():
    robust = posterior_after(RobustPrior(MODEL, EXTERNAL), N, Y, None, FOLLOWED, STRUCK)
    assert robust.mean()[0] == pytest.approx(plain(N, Y, FOLLOWED, STRUCK, EXTERNAL)[0], abs=1e-10)
    at = (0.15e9, 0.45e9, 1.8e9, 4.5e9)
    given = posterior_after(MODEL, N, Y, at, FOLLOWED, STRUCK)
    assert given.mean()[0] == pytest.approx(plain(N, Y, FOLLOWED, STRUCK, None, (0.1, 0.3, 1.2, 3.0))[0], abs=1e-10)
    both = posterior_after(RobustPrior(MODEL, EXTERNAL), N, Y, at, FOLLOWED, STRUCK)
    assert both.mean()[0] == pytest.approx(plain(N, Y, FOLLOWED, STRUCK, EXTERNAL, (0.1, 0.3, 1.2, 3.0))[0], abs=1e-10)


def test_it_conforms_in_batches_too():
    check_model(MODEL)
    n = np.stack([N, 0 * N, N, 2 * N])
    batch = quadrature(MODEL).posterior(n, np.stack([Y, 0 * Y, Y, Y]))
    for row, (some, hit) in enumerate(((N, Y), (0 * N, 0 * Y), (N, Y), (2 * N, Y))):
        assert batch.mean()[row] == pytest.approx(plain(some, hit)[0], abs=1e-10)


def standardised(tree, exact, size):
    """z of means and of Pr(rate > 1/3) at four doses, and of the evidence."""
    draws, chance = SampledPosterior(tree), exact.prob(1 / 3)
    z = [(draws.mean() - exact.mean()) / draws.mean_mcse()]
    z += [(draws.prob(1 / 3) - chance) / np.sqrt(chance * (1 - chance) / size)]
    off = tree.attrs["log_marginal_likelihood"] - exact.log_marginal()[0]
    return np.ravel(z), abs(off) / (4 * tree.attrs["log_marginal_likelihood_mcse"] + 1e-9)


def test_draws_from_nodes_agree_with_the_integral():
    """Bound by a family-wise error of 1e-4. NUTS stands in `test_pymc`, beside what is compiled of the same model."""
    exact = posterior_after(MODEL, N, Y, None, FOLLOWED, STRUCK)
    tree = draw_independently(MODEL, N, Y, seed=20261129, draws=2000, weights=FOLLOWED, struck=STRUCK)
    z, off = standardised(tree, exact, 2000)
    assert np.abs(z).max() < norm.isf(1e-4 / 2 / 8)
    assert off < 1


def test_it_differs_from_the_logistic_model_by_its_link_alone():
    """At the reference dose both have the prior median 0.20."""
    logistic = TwoParameterLogistic.weakly_informative(DOSES, "cells", 1.5e9)
    hazard = TwoParameterCloglog(DOSES, "cells", 1.5e9, CLOGLOG_MEAN, logistic.cov)
    medians = [posterior_after(model, 0 * N, 0 * Y).quantile(0.5)[0, 2] for model in (logistic, hazard)]
    assert medians == pytest.approx([0.2, 0.2], abs=1e-9)


def test_data_that_no_lattice_holds_are_refused():
    narrow = TwoParameterCloglog(DOSES, "cells", 1.5e9, (-8.0, 0.0), ((0.01, 0.0), (0.0, 0.01)))
    with pytest.raises(Faults, match="9 standard deviations"):
        posterior_after(narrow, 200 * N, 200 * N)
