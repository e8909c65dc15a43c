"""Choosing the MTD at the end of a trial."""

from __future__ import annotations

import functools

import numpy as np

from doseopt.core.compiled import compiled
from doseopt.core.state import NONE, BoolArray, FloatArray, IntArray

TIE = 1e-12
"""Two distances to the target closer than this count as a tie: rounding must not decide a trial."""


def closest(estimate: FloatArray, target: float, allowed: BoolArray) -> IntArray:
    """Return the allowed dose whose estimate is closest to the target, ties to the lower; NONE if none is allowed.

    Parameters
    ----------
    estimate : float array [S, D]
    target : float
    allowed : bool array [S, D]

    Returns
    -------
    int array [S]
    """
    distance = _distances(estimate, target, allowed)
    least, found = distance.min(axis=0), np.zeros(len(estimate), np.int64)
    for dose in reversed(range(1, len(distance))):
        found = np.where(distance[dose] <= least + TIE, dose, found)
    return np.where(np.isinf(least), NONE, np.where(distance[0] <= least + TIE, 0, found))


def surely_closest(
    estimate: FloatArray, off: FloatArray, target: float, allowed: BoolArray
) -> tuple[IntArray, BoolArray]:
    """Return the allowed dose that is closest to the target by estimates whose errors have bounds.

    Parameters
    ----------
    estimate, off : float array [S, D]
        Estimates, and bounds of their errors; nan where there is none.
    target : float
    allowed : bool array [S, D]

    Returns
    -------
    dose : int array [S]
    sure : bool array [S]
        Where `closest` says the same of the right estimates, whatever they are.
    """
    distance, off = _distances(estimate, target, allowed), np.ascontiguousarray(off.T)
    may_be = distance - off <= (distance + off).min(axis=0) + TIE
    return np.arange(len(distance)) @ may_be, may_be.sum(axis=0) == 1


def _distances(estimate: FloatArray, target: float, allowed: BoolArray) -> FloatArray:
    """Return how far the estimates are from the target, infinity where a dose is not allowed, one dose a row, [D, S].

    Columns [S, D] are too short to look along.
    """
    return np.ascontiguousarray(np.where(allowed, np.abs(estimate - target), np.inf).T)


def least_penalised(penalty: FloatArray, allowed: BoolArray) -> IntArray:
    """Return the allowed dose with the least penalty, ties to the lower; NONE if none is allowed.

    A dose whose penalty is infinite comes after all others; of several the highest comes first.

    Parameters
    ----------
    penalty : float array [S, D]
    allowed : bool array [S, D]

    Returns
    -------
    int array [S]
    """
    penalty = np.where(allowed, penalty, np.inf)
    highest = np.where(allowed, np.arange(penalty.shape[1]), NONE).max(axis=1)
    return np.where(np.isfinite(penalty).any(axis=1), closest(penalty, 0.0, allowed), highest)


def isotonic(n: IntArray, y: IntArray, allowed: BoolArray, prior: float = 0.05) -> FloatArray:
    """Estimate DLT rates that do not decrease with dose, from the allowed doses.

    Weighted isotonic regression of (y + a)/(n + 2a), weights the inverse variance of Beta(y + a, n - y + a), written
    as max-min of block means; then k * 1e-10 is added to the k-th allowed dose, so that equal estimates are ordered.

    Parameters
    ----------
    n, y : int array [S, D]
        Patients and DLTs.
    allowed : bool array [S, D]
        Doses that take part.
    prior : float
        a.

    Returns
    -------
    float array [S, D]
        nan at doses that take no part.

    References
    ----------
    Liu & Yuan 2015, JRSS-C 64:507; Yan et al. 2020, Journal of Statistical Software 94(13).
    """
    tables = _weights(1 << int(n.max(initial=1)).bit_length(), prior)
    if loops := compiled(n.size):
        by_dose = (np.ascontiguousarray(each.T) for each in (n, y, allowed))
        return np.asarray(loops.block_means(*by_dose, *tables)).T
    nothing, doses = np.zeros((len(n), 1)), n.shape[1]
    mass, total = (np.cumsum(np.hstack([nothing, np.where(allowed, each[n, y], 0.0)]), axis=1) for each in tables)
    result = np.full(n.shape, -np.inf)
    for low in range(doses):
        least = np.full(len(n), np.inf)
        for high in range(doses - 1, low - 1, -1):
            block = mass[:, high + 1] - mass[:, low]
            mean = (total[:, high + 1] - total[:, low]) / np.where(block > 0, block, 1)
            least = np.where((block > 0) & allowed[:, high], np.minimum(least, mean), least)
            result[:, high] = np.where(allowed[:, low], np.maximum(result[:, high], least), result[:, high])
    return np.where(allowed, result + 1e-10 * np.cumsum(allowed, axis=1), np.nan)


@functools.lru_cache(maxsize=16)
def _weights(size: int, prior: float) -> tuple[FloatArray, FloatArray]:
    """Return the weight of each tally of fewer patients, and what it adds to a weighted sum of rates, [n, y] each."""
    n, y = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    a, b = y + prior, np.maximum(n - y, 0) + prior
    weight = (a + b) ** 2 * (a + b + 1) / (a * b)
    return weight, weight * a / (a + b)
