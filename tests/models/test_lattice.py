"""Two populations, partly pooled, by quadrature: a plain rule over all five parameters, and laws."""

import dataclasses

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm

from doseopt.core.parameters import Faults
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.populations import TwoPopulations
from doseopt.models.quadrature import posterior_after
from doseopt.models.quadrature.lattice import solve

BLRM = TwoParameterLogistic.weakly_informative((0.15e9, 0.5e9, 1.5e9, 4.5e9), "cells", 1.5e9)
MODEL = TwoPopulations(BLRM, ("CLF", "ACLF"))
N, Y = np.array([[3, 3, 6, 3], [3, 6, 3, 3]]), np.array([[0, 0, 1, 2], [0, 1, 0, 0]])
WEIGHTS = ((), (), (0.5,), (), (), (0.25, 0.8), (), ())


def plain(weights):
    """Mean and second moment of the rates in both populations, and the log evidence, by a product of uniform nodes.

    The model is stated anew: log a_g = log a + tau e_g, log tau ~ N(log 0.5, (log 2 / 1.96)^2).
    """
    z = np.linspace(-7.5, 7.5, 61)
    w = norm.pdf(z) * (z[1] - z[0])
    tau = 0.5 * np.exp(np.log(2) / 1.96 * z)
    total, first, second = 0.0, np.zeros((2, 4)), np.zeros((2, 4))
    log_a, fine = np.log(0.25) + 1.5 * z, np.linspace(-7.5, 7.5, 81)
    for z_b, w_b in zip(fine, norm.pdf(fine) * (fine[1] - fine[0]), strict=True):
        slope = np.exp(0.7 * z_b)
        each = []
        for g in range(2):
            p = expit(log_a[:, None, None, None] + tau[:, None, None] * z[:, None] + slope * np.log([0.1, 1 / 3, 1, 3]))
            f = np.prod(p ** Y[g] * (1 - p) ** (N[g] - Y[g]), axis=-1)
            for j in range(4):
                for share in weights[4 * g + j] if weights else ():
                    f = f * (1 - share * p[..., j])
            f = f * w
            each.append((f.sum(-1), np.einsum("ate,ated->atd", f, p), np.einsum("ate,ated->atd", f, p * p)))
        mass = w_b * w[:, None] * w
        total += (mass * each[0][0] * each[1][0]).sum()
        for g in range(2):
            other = mass * each[1 - g][0]
            first[g] += np.einsum("at,atd->d", other, each[g][1])
            second[g] += np.einsum("at,atd->d", other, each[g][2])
    return first / total, second / total, np.log(total)


@pytest.mark.parametrize("weights", [(), WEIGHTS])
def test_they_are_those_of_a_plain_rule(weights):
    posterior = solve(MODEL, N, Y, None, weights)
    mean, square, evidence = plain(weights)
    assert posterior.mean() == pytest.approx(mean, abs=1e-8)
    assert posterior.sd() == pytest.approx(np.sqrt(square - mean**2), abs=1e-8)
    assert posterior.log_marginal() == pytest.approx([evidence, evidence], abs=1e-8)
    # the distribution function: E p = 1 - int F, E p^2 = 1 - int 2 p F
    x, w = np.polynomial.legendre.leggauss(200)
    below = posterior.below((1 + x) / 2)
    assert 1 - np.einsum("c,gcd->gd", w / 2, below) == pytest.approx(mean, abs=1e-8)
    assert 1 - np.einsum("c,gcd->gd", w / 2 * (1 + x), below) == pytest.approx(square, abs=1e-8)
    cut = posterior.quantile(0.95)
    for g in range(2):
        assert np.diag(posterior.below(cut[g])[g]) == pytest.approx([0.95] * 4, abs=1e-9)


def test_populations_that_hardly_differ_are_one_and_far_apart_ones_know_nothing_of_each_other():
    alike = dataclasses.replace(MODEL, between=0.05, between_log_sd=0.01)
    together = posterior_after(BLRM, N.sum(axis=0), Y.sum(axis=0))
    assert solve(alike, N, Y).mean()[0] == pytest.approx(together.mean()[0], abs=2e-3)
    swapped = solve(MODEL, N[::-1], Y[::-1])
    assert swapped.mean()[::-1] == pytest.approx(solve(MODEL, N, Y).mean(), abs=1e-12)


def test_doses_given_are_columns_of_their_own():
    doses = (0.15e9, 0.5e9, 1.5e9, 4.5e9)
    n = np.concatenate([N - [[0, 0, 2, 0], [0, 0, 0, 0]], [[2], [0]]], axis=1)
    y = np.concatenate([Y, [[0], [0]]], axis=1)
    split = solve(MODEL, n, y, at=(*doses, 1.5e9))
    assert split.mean() == pytest.approx(solve(MODEL, N, Y).mean(), abs=1e-10)


def test_a_prior_that_needs_too_many_nodes_is_refused():
    with pytest.raises(Faults, match="between"):
        solve(dataclasses.replace(MODEL, between=1e-4), N, Y)
