"""Likelihoods of rates in order by powers of one of the rates, as logarithms: see ``ordered``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from scipy.special import betaln, gammaln, logsumexp

from doseopt.core.state import FloatArray, IntArray

ROOM = 1 << 22
"""Numbers in the largest array."""
SAFE = -300.0
"""Logarithm from which on a product of two such numbers is one, too."""


def walk(
    n: IntArray, y: IntArray, share: Sequence[FloatArray], patients: int
) -> Iterator[tuple[FloatArray, FloatArray]]:
    """Give for each dose in turn what those before it say of its rate, and that with its own data.

    Parameters
    ----------
    n, y : int array [U, D]
        Patients, and those with the event, whose rate rises against the turn.
    share : two float arrays [D]
        Beta parameters of the share of 1 - rate by which each dose is above the next in turn.
    patients : int
        N, of all doses.

    Yields
    ------
    before, here : float array [U, N + 1]
        Logarithms of the factors of rate^i (1 - rate)^(M - i), M the patients so far.
    """
    before = np.full((len(n), patients + 1), -np.inf)
    before[:, 0] = 0.0
    size = np.zeros(len(n), np.int64)
    for j in range(n.shape[1]):
        here = shift(before, y[:, j])
        size = size + n[:, j]
        yield before, here
        if j + 1 < n.shape[1]:
            before = np.full_like(here, -np.inf)
            for most in np.unique(size).tolist():
                rows = np.flatnonzero(size == most)
                before[rows, : most + 1] = expand(here[rows, : most + 1], share[0][j], share[1][j])


def expand(log_f: FloatArray, a: float, b: float) -> FloatArray:
    """Return the factors by powers of the next rate, [R, M + 1] -> [R, M + 1]; the share between them is Beta(a, b)."""
    kernel = log_kernel(log_f.shape[1] - 1, a, b)
    if np.min(kernel, where=kernel > -np.inf, initial=0.0) > SAFE and _narrow(log_f):
        top = np.maximum(log_f.max(axis=1, keepdims=True), np.finfo(float).min)  # finite where all factors are 0
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.exp(log_f - top) @ np.exp(kernel)) + top)
    several = max(1, ROOM // kernel.size)
    parts = [log_f[first : first + several, :, None] + kernel for first in range(0, len(log_f), several)]
    return np.concatenate([logsumexp(part, axis=1) for part in parts])


def log_kernel(most: int, a: float, b: float) -> FloatArray:
    """Return the logarithms of what each power of a rate adds to those of the rate before, [M + 1, M + 1]."""
    power, kept = np.meshgrid(np.arange(most + 1), np.arange(most + 1), indexing="ij")
    risen = np.maximum(power - kept, 0)
    log_mean = betaln(a + risen, b + most - power) - betaln(a, b)
    return np.where(kept > power, -np.inf, log_choose(power, np.minimum(kept, power)) + log_mean)


def log_choose(n: IntArray | int, k: IntArray | int) -> FloatArray:
    """Return the logarithm of the binomial coefficient."""
    return np.asarray(gammaln(np.add(n, 1)) - gammaln(np.add(k, 1)) - gammaln(np.subtract(n, k) + 1))


def _narrow(log_f: FloatArray) -> bool:
    """Tell whether all factors but those that are 0 are within range of each other, so that none need be logarithms."""
    least = np.min(log_f, axis=1, where=log_f > -np.inf, initial=np.inf)
    return bool((log_f.max(axis=1) - least < -SAFE).all())


def shift(log_f: FloatArray, by: IntArray) -> FloatArray:
    """Return the factors of one power the higher for each event, [U, N + 1] -> [U, N + 1]."""
    at = np.arange(log_f.shape[1]) - by[:, None]
    return np.where(at >= 0, np.take_along_axis(log_f, np.maximum(at, 0), axis=1), -np.inf)


def turn(log_f: FloatArray, size: IntArray) -> FloatArray:
    """Return factors of powers of 1 - rate by powers of the rate, of so many patients in all."""
    at = size[:, None] - np.arange(log_f.shape[1])
    return np.where(at >= 0, np.take_along_axis(log_f, np.maximum(at, 0), axis=1), -np.inf)


def product(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return the factors of a product, [U, N + 1]."""
    if _narrow(one) and _narrow(other):
        tops = [part.max(axis=1, keepdims=True) for part in (one, other)]
        left, right = (np.exp(part - top) for part, top in zip((one, other), tops, strict=True))
        plain = np.zeros_like(one)
        for i in range(one.shape[1]):
            plain[:, i:] += left[:, i : i + 1] * right[:, : one.shape[1] - i]
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(plain) + sum(tops))
    found = np.full_like(one, -np.inf)
    for i in range(one.shape[1]):
        here = one[:, i : i + 1]
        if (here > -np.inf).any():
            found[:, i:] = np.logaddexp(found[:, i:], here + other[:, : one.shape[1] - i])
    return found
