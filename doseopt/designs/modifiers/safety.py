"""A safety rule apart from the design: a dose that is probably too toxic by itself closes, with all above it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from doseopt.core.design import Design, Phase, Row
from doseopt.core.parameters import param
from doseopt.core.reason import Reason
from doseopt.core.state import BoolArray, Decision, TrialState
from doseopt.designs.modifiers.rule import Rule
from doseopt.models.beta import BetaBinomial


@dataclass(frozen=True)
class BetaSafety(Rule):
    """Close a dose j, with all above it, when n_j >= from and Pr(p_j > above) > confidence.

    p_j is Beta(a + y_j, b + n_j - y_j). A closed dose is neither given nor selected: the highest open one below is. If
    the lowest dose closes, the trial stops and no dose is selected.

    Parameters
    ----------
    a, b : float
        The prior p_j ~ Beta(a, b), each dose by itself.
    above : float, optional
        Left out: the design's target.
    confidence : float
    from_ : int
        Fewest patients at a dose before it can close; `from` in a study file.

    Notes
    -----
    It is the rule by which BOIN eliminates doses, laid over any design.

    Examples
    --------
    Pr(p > 0.25 | 3 of 3) is 0.9961 under Beta(1, 1), and BOIN's table closes a dose at 3 of 3:

    >>> from doseopt import CRM, BetaSafety, Modified, after
    >>> crm = CRM(doses=3, target=0.25, skeleton=(0.01, 0.02, 0.03))
    >>> design = Modified(crm, (BetaSafety(),))
    >>> [design.admissible(after(design, seen))[0].tolist() for seen in ("2NTT", "2TTT")]
    [[True, True, True], [True, False, False]]
    """

    a: float = param(1.0, low=0, open_low=True, doc="a of the Beta(a, b) prior at each dose")
    b: float = param(1.0, low=0, open_low=True, doc="b of the Beta(a, b) prior at each dose")
    above: float | None = param(
        None,
        kind=float,
        low=0,
        high=1,
        open_low=True,
        open_high=True,
        optional=True,
        doc="DLT rate that is too high; the design's target when left out",
    )
    confidence: float = param(0.95, low=0, high=1, open_low=True, open_high=True, doc="posterior probability to exceed")
    from_: int = param(3, low=1, doc="fewest patients at a dose before it can close")

    phase: ClassVar[Phase] = Phase.CLOSE

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it."""
        return cls(confidence=0.8)

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """One: the lowest dose is closed."""
        return (Reason(("too_toxic",), selects_none=True),)

    @property
    def exclusion(self) -> str:
        """Why a dose is closed."""
        above = "the target" if self.above is None else f"{self.above:g}"
        under = f"under Beta({self.a:g},{self.b:g})"
        return f"Pr(DLT rate > {above}) > {self.confidence:g} {under} at this dose or a lower one"

    def bind(self, base: Design) -> Self:
        """Take the design's target."""
        return dataclasses.replace(self, above=base.facts.target if self.above is None else self.above)

    def closed(self, state: TrialState) -> BoolArray:
        """Return which doses are closed, [S, D]."""
        assert self.above is not None
        over = BetaBinomial(state.n.shape[1], self.a, self.b).posterior(state.n, state.y).prob(self.above)
        return np.logical_or.accumulate((state.n >= self.from_) & (over > self.confidence), axis=1)

    def __call__(self, state: TrialState, decision: Decision) -> Decision:
        """Lower the dose to the highest that is open; stop where none is."""
        top = (~self.closed(state)).sum(axis=1) - 1
        dose = np.where(top < 0, decision.dose, np.minimum(decision.dose, top))
        return dataclasses.replace(decision, dose=dose, stop=np.where(top < 0, 1, decision.stop))

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        above = "the target" if self.above is None else f"{self.above:g}"
        rule = (
            f"a dose and all above close when n >= {self.from_} and Pr(p > {above}) > {self.confidence:g} under "
            f"Beta({self.a:g},{self.b:g}); at the lowest the trial stops, no dose selected"
        )
        return [Row("safety", rule)]
