"""Posterior summaries of the tallies that trials can end with: each once, whichever designs reach it."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import xarray as xr

from doseopt.beliefs.right import Definitions, RightAfter
from doseopt.core.beside import begun
from doseopt.core.distinct import row_keys
from doseopt.core.state import FloatArray, IntArray
from doseopt.measures.endings import TOO_HIGH
from doseopt.models.kinds import PosteriorCurve
from doseopt.models.quadrature import quadrature
from doseopt.models.quadrature.batch import Engine

LEVEL = 0.90
"""Of the intervals: equal-tailed, exact posterior quantiles."""
MOST_NODES = 5 * 10**9
"""Nodes of a quadrature that are visited for one comparison, all tallies together."""
MOST_TALLIES = 200_000
"""Tallies whose posterior is computed for one comparison."""
PIECE = 1 << 13
"""Tallies at a time."""


class Estimates:
    """Posterior summaries of the tallies that trials can end with, those that carry most weight first.

    Parameters
    ----------
    model : a model of `models.curves`, or BetaBinomial
    outcomes : iterable of Dataset
        Of one or several designs on the same doses, in any order, each with any scenarios. A tally counts by its
        probability in all of them together.
    most_nodes : int, optional
        Nodes of the quadrature that are visited, all tallies together.
    definitions : Definitions, optional
        The definition of what is right, one.

    Attributes
    ----------
    mean, lower, upper, over : float array [U, D]
        Of the tallies so far, `done` of them; the ends of the interval are exact posterior quantiles, and `over` is the
        probability of a rate above `TOO_HIGH`.
    right : float array [U, 1 + D]
        The probability that no dose, and that each dose, is right; nan without a definition.
    wanted : int
        Tallies that `run` computes: all, unless they are more than `MOST_TALLIES`, or need more than `most_nodes`.
    prior : dict of str to float array [D]
        The same before any patient, once some tallies are done.
    """

    def __init__(
        self,
        model: PosteriorCurve,
        outcomes: Iterable[xr.Dataset],
        most_nodes: int | None = None,
        definitions: Definitions | None = None,
    ) -> None:
        self._model, self._definitions = model, definitions
        keys, weight = _weighed(outcomes)
        order = np.argsort(-weight, kind="stable")
        self._rank = np.empty(len(order), np.int64)
        self._rank[order] = np.arange(len(order))
        self._keys = keys
        self._tallies = keys[order].view(np.int32).reshape(len(keys), -1).astype(np.int64)
        doses = self._tallies.shape[1] // 2
        nodes = quadrature(model).nodes(int(self._tallies[:, :doses].sum(axis=1).max()))
        nodes += 0 if self._right is None else self._right.nodes()
        self.done, self.wanted = 0, min(len(order), MOST_TALLIES, max(1, (most_nodes or MOST_NODES) // nodes))
        self.mean, self.lower, self.upper, self.over = np.full((4, self.wanted, doses), np.nan)
        self.right = np.full((self.wanted, 1 + doses), np.nan)
        self.prior: dict[str, FloatArray] = {}

    def run(self, progress: Callable[[int], object] = lambda _: None) -> None:
        """Compute the posteriors; when interrupted those done so far are kept, and the next call goes on there.

        Parameters
        ----------
        progress : callable, optional
            Told how many tallies are done.
        """
        while self.done < self.wanted:
            self.advance()
            progress(self.done)

    def advance(self) -> None:
        """Compute the posteriors of the next tallies."""
        rows = slice(self.done, min(self.done + PIECE, self.wanted))
        wait = self._begin_right(*np.hsplit(self._tallies[rows], 2))
        nobody = np.zeros((0 if self.prior else 1, self._tallies.shape[1]), np.int64)
        found = summaries(quadrature(self._model), np.concatenate([self._tallies[rows], nobody]))
        if not self.prior:
            self.prior = {name: value[-1] for name, value in zip(("mean", "lower", "upper"), found, strict=False)}
        known = (value[: rows.stop - rows.start] for value in found)
        self.mean[rows], self.lower[rows], self.upper[rows], self.over[rows] = known
        if wait is not None:
            self.right[rows] = wait()[:, 0]
        self.done = rows.stop

    @property
    def complete(self) -> bool:
        """Whether the posterior of every tally has been computed."""
        return self.done == len(self._rank)

    @functools.cached_property
    def _right(self) -> RightAfter | None:
        return None if self._definitions is None else RightAfter(self._model, self._definitions)

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process is told: not the nodes of what is right, which it can make."""
        return {name: value for name, value in self.__dict__.items() if name != "_right"}

    def _begin_right(self, n: IntArray, y: IntArray) -> Callable[[], FloatArray] | None:
        """Begin to compute beside what is right after some tallies."""
        if self._right is None:
            return None
        self._right.refine(*np.hsplit(self._tallies[:PIECE], 2))  # here and by the first, for all tallies to come
        return begun(functools.partial(self._right, n, y))

    def rank(self, n: IntArray, y: IntArray) -> IntArray:
        """Return where the tallies [..., D] stand among all; those before `done` have their posterior."""
        return np.asarray(self._rank[np.searchsorted(self._keys, _keys_of(n, y))].reshape(n.shape[:-1]))

    def at(self, n: IntArray, y: IntArray) -> FloatArray:
        """Return mean, lower, upper and over at any tallies [T, D], computed now where they are not yet: [4, T, D]."""
        keys = _keys_of(n, y)
        place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        rank = self._rank[place]
        known = (self._keys[place] == keys) & (rank < self.done)
        found = np.empty((4, *n.shape))
        found[:, known] = [part[rank[known]] for part in (self.mean, self.lower, self.upper, self.over)]
        if not known.all():
            found[:, ~known] = summaries(quadrature(self._model), np.concatenate([n, y], axis=1)[~known])
        return found


def summaries(engine: Engine, tallies: IntArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return posterior mean, ends of the interval, and probability of a rate above `TOO_HIGH`, [U, D] each.

    Parameters
    ----------
    engine : Engine
        Of `quadrature`.
    tallies : int array [U, 2D]
        Patients, then DLTs, at each dose.
    """
    doses, tail = tallies.shape[1] // 2, (1 - LEVEL) / 2
    posterior = engine.posterior(tallies[:, :doses], tallies[:, doses:])
    ends = posterior.quantile(tail), posterior.quantile(1 - tail)
    return posterior.mean(), *ends, posterior.prob(TOO_HIGH)


def _keys_of(n: IntArray, y: IntArray) -> Any:
    """Return the keys of tallies [..., D], in one row after the other."""
    return row_keys(n.reshape(-1, n.shape[-1]), y.reshape(-1, y.shape[-1]))


def _weighed(outcomes: Iterable[xr.Dataset]) -> tuple[Any, FloatArray]:
    """Return the distinct tallies, sorted by key, and the probability of each in all scenarios and designs together."""
    keys, weight = np.zeros(0, "S1"), np.zeros(0)
    for part in outcomes:
        here = part["weight"].to_numpy() if part["n"].ndim == 3 else part["weight"].to_numpy().sum(axis=0)
        keys = np.concatenate([keys, _keys_of(part["n"].to_numpy(), part["y"].to_numpy())])
        keys, inverse = np.unique(keys, return_inverse=True)
        weight = np.bincount(inverse, np.concatenate([weight, here.ravel()]), len(keys))
    return keys, weight
