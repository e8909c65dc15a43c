"""A selection by the probability that each dose is the MTD, as the study defines what is right."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.parameters import Domain, are_numbers
from doseopt.core.posterior import Posterior
from doseopt.core.state import NONE, BoolArray, FloatArray, IntArray, TrialState
from doseopt.models.beta import BetaBinomial
from doseopt.models.kinds import PosteriorCurve, describe_model
from doseopt.models.quadrature import quadrature
from doseopt.scenarios.mtd_rule import MTDRule
from doseopt.study.reader import Reader
from doseopt.study.said import MISSING, Said

if TYPE_CHECKING:
    from doseopt.beliefs.right import RightAfter

KIND = "most_probable"
TIE = 1e-9
"""Probabilities that differ less are a tie, which goes to the lower dose."""


def _prior_fault(value: Any) -> str | None:
    pair = tuple(value) if isinstance(value, list | tuple) else value
    if are_numbers(pair) and len(pair) == 2 and min(pair) > 0:
        return None
    return f"wanted [a, b] of Beta(a, b), two numbers above 0, got {value!r}"


KEYS = {
    "kind": Said("by the probability that each dose is the MTD", Domain(str, choices=(KIND,)), MISSING, KIND),
    "prior": Said(
        "a and b of the Beta(a, b) prior at each dose, for a design without a model of its own",
        Domain(list, custom=_prior_fault),
        [1.0, 1.0],
        [0.5, 0.5],
    ),
    "none": Said("whether no dose is selected where that is the most probable right answer", Domain(bool), True, True),
}
"""Keys of its table."""


@dataclass(frozen=True)
class MostProbable:
    """Select the dose that is most probably right to name, of the posterior of a model; ties to the lower.

    Parameters
    ----------
    model : a model of `models.curves`, or BetaBinomial
        Of the design that gives the doses, or independent doses.
    rule : MTDRule
        What is right: the study's `[mtd]`.
    none : bool
        Whether none is selected where it is more probable that no dose is right.

    Notes
    -----
    The probabilities are those of `doseopt posterior`: by quadrature split where the right dose changes, refined until
    a coarser rule differs by less than 0.0005; of independent doses sums of products.

    Examples
    --------
    Two uniform rates, the highest of at most 0.5 being right: none is with probability 0.5, each dose with 0.25.

    >>> import numpy as np
    >>> from doseopt import MTDRule, after, ThreePlusThree
    >>> from doseopt.models.beta import BetaBinomial
    >>> rule = MostProbable(BetaBinomial(2), MTDRule(0.5, "highest_below", none_above=0.5))
    >>> rule.chances(after(ThreePlusThree(doses=2, target=0.5), "")).round(6).tolist()
    [[0.5, 0.25, 0.25]]
    """

    model: PosteriorCurve
    rule: MTDRule
    none: bool = True

    @property
    def facts(self) -> Facts:
        """Doses and target."""
        return Facts(self.model.doses, self.rule.target)

    @functools.cached_property
    def _right(self) -> RightAfter:
        from doseopt.beliefs.right import Definitions, RightAfter  # which few studies need

        return RightAfter(self.model, Definitions((self.rule,), range(self.model.doses)))

    def chances(self, state: TrialState) -> FloatArray:
        """Return the probabilities that none, and that each dose, is right, [S, 1 + D]."""
        return self._right(state.n, state.y)[:, 0]

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the most probable dose, or NONE."""
        return self.select_among(state, stop, np.ones(state.n.shape, bool))

    def select_among(self, state: TrialState, stop: IntArray, allowed: BoolArray) -> IntArray:
        """Return the most probable dose among some, or NONE."""
        chance = self.chances(state)
        each = np.where(allowed, chance[:, 1:], -1.0)
        best = each.max(axis=1, keepdims=True)
        found = np.where(best[:, 0] >= 0, (each >= best - TIE).argmax(axis=1), NONE)
        return np.where(self.none & (chance[:, 0] > best[:, 0] + TIE), NONE, found)

    def posterior(self, state: TrialState) -> Posterior:
        """Return the posterior of the model."""
        if isinstance(self.model, BetaBinomial):
            return self.model.posterior(state.n, state.y)
        return quadrature(self.model).posterior(state.n, state.y)

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the posterior mean of the DLT rates."""
        return self.posterior(state).mean()

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        none = "; none where that is more probable" if self.none else ""
        what = self.rule.describe().removesuffix(".").removeprefix("Correct selection: ")
        return [
            Row("MTD", f"the dose with the highest posterior probability of being right, ties to the lower{none}"),
            Row("right is", what),
            Row("probabilities", describe_model(self.model)),
        ]


def read_most_probable(
    reader: Reader, table: Mapping[str, Any], where: str, base: Any, rule: MTDRule | None
) -> MostProbable | None:
    """Build the selection of a design from its table; None after noting a fault, or if the design could not be read.

    The model is the design's; a design without one is judged by independent doses.
    """
    before, known = len(reader.faults), reader.table(table, where, KEYS)
    if base is None:
        return None
    curve = getattr(base, "curve", None)
    if curve is not None and "prior" in known:
        reader.fault(f"{where}.prior", "wanted it for a design without a model of its own; leave it out")
    prior, none = (
        reader.value(known.get(name, KEYS[name].default), f"{where}.{name}", KEYS[name].domain)
        for name in ("prior", "none")
    )
    if len(reader.faults) > before:
        return None
    model = BetaBinomial(base.facts.doses, *map(float, prior)) if curve is None else curve
    return MostProbable(model, rule or MTDRule(base.facts.target), none)


def most_probable_table(selector: MostProbable) -> dict[str, Any]:
    """Return the table of such a selection."""
    found: dict[str, Any] = {"kind": KIND}
    if isinstance(selector.model, BetaBinomial) and (selector.model.a, selector.model.b) != (1, 1):
        found["prior"] = [selector.model.a, selector.model.b]
    return found if selector.none else found | {"none": False}
