"""A design that decides while patients are pending, made to wait until everybody has been followed up."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

from doseopt.core.design import Design, Row, decision_of, estimated_by, is_design, posterior_of, with_dose
from doseopt.core.facts import Facts
from doseopt.core.parameters import Fault, Faults
from doseopt.core.posterior import Posterior
from doseopt.core.state import Decision, FloatArray, IntArray, TrialState
from doseopt.designs.defaults import Around


@dataclass(frozen=True)
class Waiting(Around):
    """A design that is asked only when nobody is pending: with it, what not waiting costs and saves is compared.

    Parameters
    ----------
    base : Design
        One that decides while patients are pending.

    Examples
    --------
    TITE-BOIN that waits is BOIN:

    >>> from doseopt import BOIN, TITEBOIN, Waiting, after
    >>> waiting, boin = Waiting(TITEBOIN(doses=3, target=0.25)), BOIN(doses=3, target=0.25)
    >>> [design.decide(after(design, "1NNN 2NNT")).dose.item() + 1 for design in (waiting, boin)]
    [1, 1]
    """

    base: Design

    def __post_init__(self) -> None:
        """Refuse what is no design, and one that waits anyway."""
        if not is_design(self.base) or not self.base.facts.pending:
            wanted = "wanted a design that decides while patients are pending"
            raise Faults([Fault("base", f"{wanted}, got {self.base!r}")], "Waiting")

    @cached_property
    def facts(self) -> Facts:
        """The base's, but that it waits."""
        return dataclasses.replace(self.base.facts, pending=False)

    def with_dose(self, position: int, value: float) -> Waiting:
        """Return the design with one dose more."""
        return Waiting(with_dose(self.base, position, value))

    def decide(self, state: TrialState) -> Decision:
        """Return what the base decides when nobody is pending."""
        return decision_of(self.base, state)

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the base's MTD."""
        return self.base.select(state, stop)

    def posterior(self, state: TrialState) -> Posterior:
        """Return the base's posterior."""
        return posterior_of(self.base, state)

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the base's own estimate."""
        return estimated_by(self.base, state)

    def describe(self) -> list[Row]:
        """Return the base's rows, and that it waits."""
        return [*self.base.describe(), Row("follow-up", "every cohort is followed up before the next decision")]
