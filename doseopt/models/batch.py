"""Posteriors of a batch of trials, put together from the posteriors of its distinct tallies.

Tallies are solved in groups of like size: the nodes of a tally of N patients are those for N rounded up to a power of
two, so that a tally gets the same nodes in whatever batch it comes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from doseopt.models.base import Posterior
from doseopt.rows import unique_rows
from doseopt.state import FloatArray, IntArray

FEWEST = 32
"""For fewer patients than these the nodes are no coarser: posteriors after very few are the furthest from normal."""

type Values = tuple[float, ...]


@dataclass(frozen=True, eq=False)
class Batch[P: Posterior]:
    """The posterior in a batch of S trials.

    Parameters
    ----------
    parts : sequence of Posterior
        Of distinct tallies, U in all.
    order : int array [S]
        Which of the U each trial has.
    """

    parts: Sequence[P]
    order: IntArray

    def joined(self, ask: Callable[[P], FloatArray]) -> FloatArray:
        """Return what the parts answer, in the order of the trials, [S, ...]."""
        answers = [ask(part) for part in self.parts]
        return (answers[0] if len(answers) == 1 else np.concatenate(answers))[self.order]

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [S, D]."""
        return self.joined(lambda part: part.mean())

    def sd(self) -> FloatArray:
        """Return the posterior standard deviation of the DLT rate, [S, D]."""
        return self.joined(lambda part: part.sd())

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [S, D]."""
        return self.joined(lambda part: part.prob(low, high))

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [S, D]."""
        return self.joined(lambda part: part.quantile(q))

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood without binomial coefficients, [S]."""
        return self.joined(lambda part: part.log_marginal())


class Engine(Protocol):
    """What computes the posteriors of one model."""

    def posterior(self, n: IntArray, y: IntArray) -> Posterior:
        """Return the posterior after y DLTs in n patients at each dose, [S, D]."""
        ...

    def nodes(self, patients: int) -> int:
        """Return how many nodes are visited for a tally of so many patients."""
        ...


def nominal_size(patients: IntArray) -> IntArray:
    """Return the number of patients whose nodes serve these: the next power of two."""
    return np.asarray(1 << np.frexp(np.maximum(patients, FEWEST) - 0.5)[1].astype(np.int64))


def solved[P: Posterior](
    n: IntArray, y: IntArray, solve: Callable[[int, IntArray, IntArray], P]
) -> tuple[list[P], IntArray]:
    """Solve each distinct tally once.

    Parameters
    ----------
    n, y : int array [S, K]
    solve : callable
        Given a number of patients and tallies [U, K] of no more than so many, returns their posteriors.

    Returns
    -------
    parts : list of Posterior
    order : int array [S]
        As ``Batch`` takes them.
    """
    first, inverse = unique_rows([*n.T, *y.T])
    n, y = n[first], y[first]
    sizes = nominal_size(n.sum(axis=1))
    size = int(sizes[0]) if len(sizes) else FEWEST
    if (sizes == size).all():
        return [solve(size, n, y)], inverse
    groups = [(int(size), np.flatnonzero(sizes == size)) for size in np.unique(sizes)]
    place = np.empty(len(n), np.int64)
    place[np.concatenate([rows for _, rows in groups])] = np.arange(len(n))
    return [solve(size, n[rows], y[rows]) for size, rows in groups], place[inverse]


class Kept[P]:
    """The last answer, kept because several rules ask about the same trials; arrays are known by identity."""

    def __init__(self) -> None:
        self._last: tuple[IntArray, IntArray, object, P] | None = None

    def __call__(self, n: IntArray, y: IntArray, compute: Callable[[], P], at: object = None) -> P:
        """Return the last answer if it is to the same question, else compute it."""
        last = self._last
        if last is not None and last[0] is n and last[1] is y and last[2] == at:
            return last[3]
        result = compute()
        self._last = (n, y, at, result)
        return result
