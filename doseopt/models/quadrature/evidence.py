"""Ratios of marginal likelihoods: predictive probabilities, and each patient predicted from all others.

What the data D say of a further outcome is p(D and outcome) / p(D), exact to the accuracy of the two. A patient left
out is predicted by p(D) / p(D without the patient): leave-one-out without importance sampling.
"""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln

from doseopt.core.state import FloatArray, IntArray
from doseopt.models.base import Model
from doseopt.models.cloglog import TwoParameterCloglog
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.kinds import PosteriorCurve
from doseopt.models.populations import TwoPopulations
from doseopt.models.quadrature import lattice, quadrature
from doseopt.models.quadrature.batch import Values

type Curve = Model | PosteriorCurve | TwoPopulations


def log_evidence(model: Curve, n: IntArray, y: IntArray, at: Values | None = None) -> FloatArray:
    """Return the log marginal likelihood of the patients of each tally in their order, [S].

    Parameters
    ----------
    model : Model, ModelAverage, BetaBinomial or TwoPopulations
    n, y : int array [S, K]
        Of two populations the columns of one after those of the other.
    at : tuple of float [K]
        Doses with data of a two-parameter logistic model; the model's own unless given.
    """
    if isinstance(model, TwoPopulations):
        rows, first = np.unique(np.concatenate([n, y], axis=1), axis=0, return_inverse=True)
        split = [row.reshape(2, 2, -1) for row in rows]
        each = [lattice.solve(model, n_, y_, at).log_marginal()[0] for n_, y_ in split]
        return np.array(each)[first.ravel()]
    if isinstance(model, TwoParameterCloglog):
        return quadrature(model).posterior(n, y, at).log_marginal()
    if isinstance(model, TwoParameterLogistic):
        return quadrature(model).posterior(n, y, at).log_marginal()
    return quadrature(model).posterior(n, y).log_marginal()


def predictive(model: Curve, n: IntArray, y: IntArray, sizes: IntArray, at: Values | None = None) -> list[FloatArray]:
    """Return for each column the probabilities of 0, 1, ... DLTs in so many further patients there, given the data.

    Parameters
    ----------
    n, y : int array [K]
    sizes : int array [K]
        Further patients.

    Returns
    -------
    list of float array
        One [size + 1] a column; Pr(k) = C(size, k) p(D and k of size) / p(D).
    """
    column = np.repeat(np.arange(len(n)), sizes + 1)
    count = np.concatenate([np.arange(size + 1) for size in sizes.tolist()])
    more = np.eye(len(n), dtype=np.int64)[column]
    size = sizes[column]
    each = log_evidence(
        model,
        np.vstack([n[None], n + more * size[:, None]]),
        np.vstack([y[None], y + more * count[:, None]]),
        at,
    )
    log_choose = gammaln(size + 1) - gammaln(count + 1) - gammaln(size - count + 1)
    chance = np.exp(log_choose + each[1:] - each[0])
    return np.split(chance, np.cumsum(sizes + 1)[:-1])


def left_out(model: Curve, n: IntArray, y: IntArray, at: Values | None = None) -> FloatArray:
    """Return the log predictive probability of a patient's outcome given all others, nan where there is none, [2, K].

    Without and with a DLT; summed over the patients it is the expected log predictive density (elpd).

    Parameters
    ----------
    n, y : int array [K]

    References
    ----------
    Vehtari, Gelman, Gabry 2017, Statistics and Computing 27:1413.
    """
    found = np.full((2, len(n)), np.nan)
    dlt, column = np.nonzero(np.stack([n - y, y]))
    one = np.eye(len(n), dtype=np.int64)[column]
    each = log_evidence(model, np.vstack([n[None], n - one]), np.vstack([y[None], y - one * dlt[:, None]]), at)
    found[dlt, column] = each[0] - each[1:]
    return found
