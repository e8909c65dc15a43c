"""Probabilities that each dose is right to name as the MTD, after tallies, by several definitions of right at once."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from doseopt.beliefs.belief import Belief
from doseopt.beliefs.independent import right_if_independent
from doseopt.beliefs.of_model import FINE, Tally, belief_of_model
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.beta import BetaBinomial
from doseopt.models.kinds import PosteriorCurve
from doseopt.scenarios.mtd_rule import MTDRule

ENOUGH = 5e-4
"""Difference from the coarser rule that is small enough: the finer one then errs by a fifth of it and less."""
ROOM = 1 << 17
"""Numbers in the largest array, so that it stays in the processor's cache."""
PROBED = 256
"""Tallies, the first ones, by which the rules for many are found to be fine enough."""


@dataclass(frozen=True)
class Definitions:
    """Definitions of what is right, M of them, on the planned doses of D.

    Parameters
    ----------
    rules : sequence of MTDRule
    planned : sequence of int
        Where the planned doses stand; no other is right.
    """

    rules: Sequence[MTDRule]
    planned: Sequence[int]

    def right(self, p_dlt: FloatArray) -> BoolArray:
        """Return which doses are right, [..., D] -> [..., M, D]."""
        planned, found = list(self.planned), np.zeros((*p_dlt.shape[:-1], len(self.rules), p_dlt.shape[-1]), bool)
        for m, rule in enumerate(self.rules):
            found[..., m, planned] = rule.acceptable(p_dlt[..., planned])
        return found

    def judged(self, p_dlt: FloatArray) -> FloatArray:
        """Return whether none, and which doses, are right: 0 or 1, [..., D] -> [..., M, 1 + D]."""
        right = self.right(p_dlt)
        return np.concatenate([~right.any(axis=-1, keepdims=True), right], axis=-1).astype(float)

    def belief(
        self, model: PosteriorCurve, n: IntArray, y: IntArray, at: Tally | None = None, fineness: int = FINE
    ) -> Belief:
        """Return the posterior of a model with parameters after one tally [D], split where what is right changes."""

        def right(p: FloatArray, by: Definitions = self) -> BoolArray:
            return by.right(p).reshape(len(p), -1)

        each = (Definitions((rule,), self.planned) for rule in self.rules if rule.rule == "interval")
        kinked = [functools.partial(right, by=one) for one in each]
        return belief_of_model(model, n, y, right, at, fineness=fineness, kinked=kinked)


class RightAfter:
    """Probabilities that none, and that each dose, is right after tallies, by quadrature.

    Nodes are those of the prior, split where what is right changes, weighed by the likelihood: the same for all
    tallies. They are refined until a coarser rule gives the same within `ENOUGH` at the first tallies asked for.

    Parameters
    ----------
    model : a model of `models.curves`, or BetaBinomial
    definitions : Definitions
    """

    def __init__(self, model: PosteriorCurve, definitions: Definitions) -> None:
        self._model, self._definitions, self._fine = model, definitions, False

    @functools.cached_property
    def _belief(self) -> Belief:
        nobody = np.zeros(self._model.doses, np.int64)
        return self._definitions.belief(self._model, nobody, nobody)

    def __call__(self, n: IntArray, y: IntArray) -> FloatArray:
        """Return the probabilities, [U, D] -> [U, M, 1 + D]."""
        if isinstance(self._model, BetaBinomial):
            return right_of_beta(self._model, self._definitions, n, y)
        self.refine(n, y)
        return self._weighed(n, y, self._belief.as_sum())

    def nodes(self) -> int:
        """Return how many nodes are visited for each tally."""
        return 1 if isinstance(self._model, BetaBinomial) else int(np.count_nonzero(self._belief.weights))

    def refine(self, n: IntArray, y: IntArray) -> None:
        """Make the nodes fine enough for the first of some tallies, unless that has been done."""
        if self._fine or isinstance(self._model, BetaBinomial):
            return
        self._fine, n, y = True, n[:PROBED], y[:PROBED]
        while self._belief.finer is not None:
            coarse = Belief(self._belief.scenarios, self._belief.check).as_sum()
            off = self._weighed(n, y, coarse) - self._weighed(n, y, self._belief.as_sum())
            if np.abs(off).max(initial=0) <= ENOUGH:
                return
            self.__dict__["_belief"] = self._belief.finer()

    def _weighed(self, n: IntArray, y: IntArray, belief: Belief) -> FloatArray:
        p = np.clip(belief.p_dlt, 1e-300, 1 - 2.0**-53)
        logs = np.concatenate([np.log(p), np.log1p(-p)], axis=1).T
        judged = self._definitions.judged(belief.p_dlt)
        columns = np.column_stack([np.ones(len(p)), judged.reshape(len(p), -1)]) * belief.weights[:, None]
        seen = np.concatenate([y, n - y], axis=1).astype(float)
        found = np.empty((len(n), columns.shape[1]))
        several = max(1, ROOM // len(p))
        for start in range(0, len(n), several):
            log_f = seen[start : start + several] @ logs
            log_f -= log_f.max(axis=1, keepdims=True)
            found[start : start + several] = np.exp(log_f, out=log_f) @ columns
        return (found[:, 1:] / found[:, :1]).reshape(len(n), *judged.shape[1:])


def right_of_beta(model: BetaBinomial, definitions: Definitions, n: IntArray, y: IntArray) -> FloatArray:
    """Return the same of independent doses, [U, D] -> [U, M, 1 + D]."""
    posterior, planned = model.posterior(n, y), list(definitions.planned)
    found = np.zeros((len(n), len(definitions.rules), 1 + model.doses))
    for m, rule in enumerate(definitions.rules):
        each = right_if_independent(posterior.alpha[:, planned], posterior.beta[:, planned], rule)
        found[:, m, [0, *(1 + j for j in planned)]] = each
    return found
