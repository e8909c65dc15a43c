"""Patients enrolled where those not evaluable are replaced: evaluable ones, and a negative binomial a dose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from doseopt.core.state import FloatArray, IntArray

TAIL = 1e-15
"""Probability that the law leaves out, at the most."""
ROOM = 1 << 22
"""Complex numbers at a time."""


@dataclass(frozen=True, eq=False)
class Enrolled:
    """The law of the number of patients enrolled, in R scenarios.

    Attributes
    ----------
    probability : float array [R, 1 + X]
        Of 0, 1, ..., X patients.
    """

    probability: FloatArray

    @property
    def mean(self) -> FloatArray:
        """Mean, [R]."""
        return np.asarray(self.probability @ np.arange(self.probability.shape[1]))

    @property
    def sd(self) -> FloatArray:
        """Standard deviation, [R]."""
        off = np.arange(self.probability.shape[1]) - self.mean[:, None]
        return np.asarray(np.sqrt((self.probability * off**2).sum(axis=1)))

    def above(self, patients: float) -> FloatArray:
        """Return the probability of more patients than these, [R]."""
        return np.asarray(self.probability[:, np.arange(self.probability.shape[1]) > patients].sum(axis=1))

    def quantile(self, level: FloatArray) -> IntArray:
        """Return the smallest numbers with at least these probabilities at or below them, [Q] -> [R, Q]."""
        reached = np.cumsum(self.probability, axis=1)[:, None, :] >= np.asarray(level)[:, None] - 1e-12
        return np.asarray(reached.argmax(axis=2))


def enrolled(n: IntArray, weight: FloatArray, removed: FloatArray) -> Enrolled:
    """Return the law of the number enrolled until all patients of the endings are evaluable.

    Parameters
    ----------
    n : int array [E, D]
        Evaluable patients of each ending.
    weight : float array [R, E]
        Its probability.
    removed : float array [R, D]
        Probability that a patient enrolled at a dose is replaced, below 1.

    Notes
    -----
    The number is sum_j n_j plus the sum of negative binomials, NB(n_j, 1 - removed_j). Its generating function
    sum_e w_e prod_j (z (1 - r_j) / (1 - r_j z))^n_ej is taken at the roots of unity, as many as leave out less than
    1e-15, and inverted by a Fourier transform.

    Examples
    --------
    One patient who stays with probability 1/2: 1, 2, 3, ... enrolled with 1/2, 1/4, 1/8, ...

    >>> law = enrolled(np.array([[1]]), np.array([[1.0]]), np.array([[0.5]]))
    >>> law.probability[0, :4].round(6).tolist(), round(float(law.mean[0]), 9)
    ([0.0, 0.5, 0.25, 0.125], 2.0)
    """
    from scipy.stats import nbinom

    distinct, which = np.unique(n, axis=0, return_inverse=True)
    each = np.stack([np.bincount(which.reshape(-1), w, len(distinct)) for w in weight])
    most = int(distinct.sum(axis=1).max())
    longest = most + int(nbinom.isf(TAIL, max(most, 1), 1 - removed.max(initial=0))) + 1
    length = 1 << int(np.ceil(np.log2(longest + 1)))
    z = np.exp(-2j * np.pi * np.arange(length // 2 + 1) / length)
    found = np.empty((len(weight), length))
    for row, (w, r) in enumerate(zip(each, removed, strict=True)):
        factor = np.log(z * (1 - r[:, None]) / (1 - r[:, None] * z))
        parts = range(0, len(distinct), max(ROOM // len(z), 1))
        step = parts.step
        transform = sum(w[first : first + step] @ np.exp(distinct[first : first + step] @ factor) for first in parts)
        found[row] = np.fft.irfft(transform, length)
    return Enrolled(np.maximum(found[:, : longest + 1], 0))
