"""Posteriors of a batch of trials, put together from the posteriors of its distinct tallies.

Tallies are solved in groups of like size: the nodes of a tally of N patients are those for N rounded up to a power of
two, so that a tally gets the same nodes in whatever batch it comes.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from doseopt.core.distinct import unique_rows
from doseopt.core.posterior import Posterior
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.quadrature.partial import Partial

FEWEST = 32
"""For fewer patients than these the nodes are no coarser: posteriors after very few are the furthest from normal."""

type Values = tuple[float, ...]


class Distributed(Posterior, Protocol):
    """A posterior by quadrature, which knows its distribution function at many rates at once."""

    def below(self, rates: FloatArray) -> FloatArray:
        """Return Pr(rate <= each of the rates), all between 0 and 1: [S, C, D]."""
        ...


@dataclass(frozen=True, eq=False)
class Batch[P: Distributed]:
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

    def below(self, rates: FloatArray) -> FloatArray:
        """Return Pr(rate <= each of the rates), [S, C, D]."""
        return self.joined(lambda part: part.below(rates))

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [S, D]."""
        return self.joined(lambda part: part.quantile(q))

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood without binomial coefficients, [S]."""
        return self.joined(lambda part: part.log_marginal())


class Engine(Protocol):
    """What computes the posteriors of one model."""

    def posterior(self, n: IntArray, y: IntArray) -> Distributed:
        """Return the posterior after y DLTs in n patients at each dose, [S, D]."""
        ...

    def nodes(self, patients: int) -> int:
        """Return how many nodes are visited for a tally of so many patients."""
        ...


def nominal_size(patients: IntArray) -> IntArray:
    """Return the number of patients whose nodes serve these: the next power of two."""
    return np.asarray(1 << np.frexp(np.maximum(patients, FEWEST) - 0.5)[1].astype(np.int64))


type Parts[P] = list[tuple[IntArray, P]]
"""Posteriors, each with the rows of the tallies that it is of."""


def joined[P](parts: Parts[P], ask: Callable[[P], FloatArray]) -> FloatArray:
    """Return what the parts answer, in the order of their rows, [U, ...]."""
    if len(parts) == 1:
        return ask(parts[0][1])
    answers = np.concatenate([ask(part) for _, part in parts])
    found = np.empty_like(answers)
    found[np.concatenate([rows for rows, _ in parts])] = answers
    return found


def solved[P: Distributed](
    n: IntArray, y: IntArray, solve: Callable[..., Parts[P]], partial: Partial | None = None
) -> tuple[list[P], IntArray]:
    """Solve each distinct tally once.

    Parameters
    ----------
    n, y : int array [S, K]
    solve : callable
        Given a number of patients and tallies [U, K] of no more than so many, returns their posteriors; given patients
        who count in part, too, where there are some.
    partial : Partial, optional
        Patients of the S trials who count in part.

    Returns
    -------
    parts : list of Posterior
    order : int array [S]
        As ``Batch`` takes them.
    """
    kinds = [] if partial is None else [partial.kinds()[1]]
    first, inverse = unique_rows([*n.T, *y.T, *kinds])
    n, y, partial = n[first], y[first], None if partial is None else partial[first]
    sizes = nominal_size(n.sum(axis=1) + (0 if partial is None else partial.patients))
    parts: list[P] = []
    place, count = np.empty(len(n), np.int64), 0
    for size in sorted(set(sizes.tolist())) or [FEWEST]:
        rows = np.flatnonzero(sizes == size)
        for own, part in solve(size, n[rows], y[rows], *([] if partial is None else [partial[rows]])):
            parts.append(part)
            place[rows[own]] = np.arange(count, count + len(own))
            count += len(own)
    return parts, place[inverse]


def checked[P: Distributed](
    sure: BoolArray, quick: Callable[[BoolArray], P], careful: Callable[[IntArray], Parts[P]]
) -> Parts[P]:
    """Return posteriors that are quick where that is accurate enough, and careful elsewhere.

    Parameters
    ----------
    sure : bool array [U]
        Where the quick ones are accurate enough.
    quick, careful : callable
        Return the posteriors of some of the U tallies.
    """
    rows, rest = np.flatnonzero(sure), np.flatnonzero(~sure)
    parts = [(rows, quick(sure))] if len(rows) or not len(rest) else []
    return parts + ([(rest[own], part) for own, part in careful(rest)] if len(rest) else [])


class Kept[P]:
    """The last answer, kept because several rules ask about the same trials.

    Arrays are known by identity. The answer goes when one of them does: it is of no use to anyone any more.
    """

    def __init__(self) -> None:
        self._last: tuple[weakref.ref[IntArray], weakref.ref[IntArray], object, P] | None = None

    def __call__(self, n: IntArray, y: IntArray, compute: Callable[[], P], at: object = None) -> P:
        """Return the last answer if it is to the same question, else compute it."""
        last = self._last
        if last is not None and last[0]() is n and last[1]() is y and last[2] == at:
            return last[3]
        self._last = None  # before the next one needs room
        result = compute()
        self._last = (weakref.ref(n, self._forget), weakref.ref(y, self._forget), at, result)
        return result

    def _forget(self, gone: weakref.ref[IntArray]) -> None:
        last = self._last
        if last is not None and (gone is last[0] or gone is last[1]):
            self._last = None
