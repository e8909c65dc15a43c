"""Probabilities that each dose is right where the DLT rates are independent: sums of products, one for each rule."""

from __future__ import annotations

import numpy as np
from scipy.special import betainc

from doseopt.core.state import BoolArray, FloatArray
from doseopt.scenarios.mtd_rule import TIE, MTDRule

CELLS = 600
"""Of the distance from the target, up to where it is as far as a rate can be on the nearer side, and from there on."""
ROOM = 1 << 21
"""Numbers in the largest array."""


def right_if_independent(alpha: FloatArray, beta: FloatArray, rule: MTDRule) -> FloatArray:
    """Return the probability that no dose, and that each dose, is right, [U, D] -> [U, 1 + D].

    With p_j ~ Beta(alpha_j, beta_j), independent, F_j its distribution function, t the target, c = `none_threshold` and
    C_j = [p_1 <= c] for j > 1: the highest dose below is j with Pr(C_j) F_j(t) prod_{k > j} (1 - F_k(t)). It is in an
    interval with Pr(C_j) Pr(low <= p_j <= high), and may be the highest below where none is. It is the closest with the
    integral of the law of |p_j - t| times prod_{k != j} Pr(|p_k - t| is larger), summed over cells.

    Parameters
    ----------
    alpha, beta : float array [U, D]
    rule : MTDRule

    Notes
    -----
    Of cells, only those of the closest dose err: by less than 1e-5.

    Examples
    --------
    Of two uniform rates the second is the highest of at most 0.5 with probability 0.5, the first with 0.25:

    >>> ones = np.ones((1, 2))
    >>> right_if_independent(ones, ones, MTDRule(0.5, "highest_below", none_above=0.5)).round(6).tolist()
    [[0.5, 0.25, 0.25]]
    """
    if rule.rule == "closest":
        right = _closest(alpha, beta, rule)
    elif rule.rule == "interval":
        right = _in_interval(alpha, beta, rule)
    else:
        low = betainc(alpha, beta, min(rule.target + TIE, 1.0))
        right = low * _above(1 - low)
        first = betainc(alpha[:, :1], beta[:, :1], min(rule.none_threshold + TIE, 1.0))
        right[:, 1:] *= first
    none = 1 - _any(alpha, beta, rule, right)
    return np.column_stack([np.clip(none, 0, 1), right])


def _above(probability: FloatArray) -> FloatArray:
    """Return the product over the doses above each, [U, D] -> [U, D]."""
    product = np.cumprod(probability[:, ::-1], axis=1)[:, ::-1]
    return np.column_stack([product[:, 1:], np.ones(len(product))])


def _any(alpha: FloatArray, beta: FloatArray, rule: MTDRule, right: FloatArray) -> FloatArray:
    """Return the probability that any dose is right, [U]."""
    if rule.rule != "interval":
        return np.asarray(right.sum(axis=1))
    below, inside = _parts(alpha, beta, rule)
    lowest = below[:, 0] + inside[:, 0]
    if rule.jumped == "below":
        return lowest  # the first dose is not above the interval: it or another one is right
    above = 1 - below - inside
    missed = below[:, 0] * ((below + above)[:, 1:].prod(axis=1) - below[:, 1:].prod(axis=1))
    return np.asarray(lowest - missed)


def _parts(alpha: FloatArray, beta: FloatArray, rule: MTDRule) -> tuple[FloatArray, FloatArray]:
    """Return the probabilities of rates below the interval, and in it, [U, D] each."""
    low, high = rule.interval
    below = betainc(alpha, beta, np.clip(low - TIE, 0, 1))
    return below, betainc(alpha, beta, np.clip(high + TIE, 0, 1)) - below


def _in_interval(alpha: FloatArray, beta: FloatArray, rule: MTDRule) -> FloatArray:
    """Return the probability that each dose is in the interval, or the highest below where none is, [U, D]."""
    below, inside = _parts(alpha, beta, rule)
    outside, above = 1 - inside, 1 - inside - below
    right = inside.copy()
    right[:, 1:] *= below[:, :1] + inside[:, :1]
    if rule.jumped == "none":
        right[:, -1] += below.prod(axis=1)
        return right
    under = np.cumprod(np.column_stack([np.ones(len(below)), below[:, :1], outside[:, 1:-1]]), axis=1)
    return np.asarray(right + under[:, : below.shape[1]] * below * _above(above))


def _cells(target: float) -> FloatArray:
    """Return the ends of cells of the distance from the target, finer where a rate comes close to 0 or 1."""
    nearer, ends = min(target, 1 - target), [0.0]
    for start, end in ((0.0, nearer), (nearer, 1 - nearer)):
        if end - start > TIE:  # the last cell is as wide as a tie
            ends += [*np.linspace(start, end, CELLS), *(end - np.geomspace(TIE, end - start, CELLS))]
    return np.unique(np.clip(ends, 0, 1))


def _closest(alpha: FloatArray, beta: FloatArray, rule: MTDRule) -> FloatArray:
    """Return the probability that each dose is the closest to the target, [U, D]."""
    target, ends = rule.target, _cells(rule.target)
    kinds, kind = np.unique(np.column_stack([alpha.ravel(), beta.ravel()]), axis=0, return_inverse=True)
    a, b = kinds.T[:, :, None]
    low, high = betainc(a, b, np.maximum(target - ends, 0)), betainc(a, b, np.minimum(target + ends, 1))
    within = high - low  # Pr(|p - t| <= end)
    limit = betainc(a, b, min(rule.none_threshold + TIE, 1.0))
    first = np.maximum(np.minimum(high, limit) - low, 0)  # the same, where p is at most c, too
    kind, (lines, doses) = kind.reshape(alpha.shape), alpha.shape
    right = np.empty(alpha.shape)
    several = max(1, ROOM // (doses * len(ends)))
    for start in range(0, lines, several):
        here = kind[start : start + several]
        law, farther = within[here], 1 - within[here]
        law[:, 0], farther[:, 0] = first[here[:, 0]], limit[here[:, 0]] - first[here[:, 0]]
        right[start : start + several] = _first_of(law, farther, np.diff(ends) < 1.5 * TIE)
    return right


def _first_of(law: FloatArray, farther: FloatArray, tie: BoolArray) -> FloatArray:
    """Return the probability that each dose has the smallest distance; law, farther [U, D, ends], tie [ends - 1]."""
    doses, right = law.shape[1], np.empty(law.shape[:2])
    # in a cell the others' laws are taken for linear; in one as narrow as a tie the lower dose wins
    at, later = farther[..., :-1], farther[..., 1:]
    for j in range(doses):
        ahead = np.ones((2, *law[:, 0, 1:].shape))
        for k in range(doses):
            if k != j:
                ahead[0] *= np.where(tie, (later if k < j else at)[:, k], at[:, k])
                ahead[1] *= np.where(tie, (later if k < j else at)[:, k], later[:, k])
        right[:, j] = (np.diff(law[:, j], axis=1) * ahead.mean(axis=0)).sum(axis=1)
    return right
