"""Convex infinite bounds penalisation: how far a DLT rate is from the target, infinitely far at 0 and at 1.

delta(p) = (p - phi)^2 / (p^a (1 - p)^(2 - a)), of which the posterior expectation is asked for. With a < 1 rates above
phi weigh more than those as far below.

Under a one-parameter model with b ~ N(mean, sd^2) it is a sum over b, by the trapezoid rule, which for such integrands
converges geometrically. As b grows rates fall to 0 faster than the normal density: where the DLTs seen do not hold the
curve up, p^-a has no expectation. That is seen from the exponents of exp(b), not from the sum.
"""

from __future__ import annotations

import numpy as np

from doseopt.core.distinct import unique_rows
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.base import GaussianPrior
from doseopt.models.curves import Empiric, OneParameterLogistic
from doseopt.models.likelihood import log1mexp

FAR, STEPS = 9.0, 200
"""Standard deviations of b that are summed over, and nodes in each."""
CHUNK = 64
"""Tallies at a time."""
EQUAL = 1e-9
"""Exponents that differ by less are equal."""


def expected_penalty(
    model: Empiric | OneParameterLogistic, n: IntArray, y: IntArray, target: float, a: float
) -> FloatArray:
    """Return the posterior expectation of delta(p) at each dose after tallies, [S, D] -> [S, D]; infinity if it is.

    Parameters
    ----------
    model : Empiric or OneParameterLogistic
        With a normal prior of b.
    n, y : int array [S, D]
        Patients and DLTs.
    target : float
        phi.
    a : float
        Asymmetry, in (0, 2).

    References
    ----------
    Mozgunov & Jaki 2020, Statistics in Medicine 39:1715.

    Examples
    --------
    With one DLT in three patients at it the lowest of five doses is the best one; before the first DLT no dose has an
    expectation under the power model.

    >>> model = Empiric((0.05, 0.1, 0.25, 0.4, 0.6), 1.34**0.5)
    >>> n, y = np.array([[3, 0, 0, 0, 0], [3, 0, 0, 0, 0]]), np.array([[1, 0, 0, 0, 0], [0, 0, 0, 0, 0]])
    >>> expected_penalty(model, n, y, 0.33, 0.3).round(3).tolist()
    [[0.175, 0.277, 0.925, 2.369, 7.887], [inf, inf, inf, inf, inf]]
    """
    prior = model.prior()
    assert isinstance(prior, GaussianPrior)
    steps = np.arange(-round((FAR + 2 * prior.scale) * STEPS), round(FAR * STEPS) + 1)
    z = steps / STEPS
    log_p = model.log_dlt_rate((prior.mean[0] + prior.scale * z)[:, None], np)
    log_q = log1mexp(log_p, np)
    with np.errstate(divide="ignore"):
        log_delta = 2 * np.log(np.abs(np.exp(log_p) - target)) - a * log_p - (2 - a) * log_q
    first, inverse = unique_rows([*n.T, *y.T])
    n, y = n[first], y[first]
    down, up = model.exponents
    infinite = a * down + (2 - a) * up > (y @ down + (n - y) @ up)[:, None] + EQUAL
    found = np.empty(n.shape)
    for rows in np.array_split(np.arange(len(n)), -(-len(n) // CHUNK)):
        log_f = y[rows] @ log_p.T + (n - y)[rows] @ log_q.T - z**2 / 2
        log_f -= log_f.max(axis=1, keepdims=True)
        total = np.exp(log_f).sum(axis=1)
        for j in range(n.shape[1]):
            found[rows, j] = np.exp(np.minimum(log_f + log_delta[:, j], 700.0)).sum(axis=1) / total
    return np.where(infinite, np.inf, found)[inverse]
