"""A naming rule: the dose that a design selects is named only on enough evidence; otherwise none is."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, runtime_checkable

import numpy as np

from doseopt.core.definition import Definition, Names
from doseopt.core.design import (
    Design,
    Row,
    decision_of,
    estimated_by,
    highest_admissible,
    is_design,
    posterior_of,
    with_dose,
)
from doseopt.core.facts import Facts
from doseopt.core.parameters import Fault, Faults
from doseopt.core.posterior import Posterior
from doseopt.core.state import NONE, BoolArray, Decision, FloatArray, IntArray, Pending, TrialState
from doseopt.designs.defaults import Around


@dataclass(frozen=True)
class Naming(Around):
    """A design whose selected dose is named only where the patients treated at it meet a definition.

    No other dose takes its place: the trial then names none. It is laid over any selection, also one that a design is
    given later (`Selecting`), and changes neither doses nor the end of a trial.

    Parameters
    ----------
    base : Design
    definition : Definition

    Examples
    --------
    Without a DLT 3+3 goes up on three patients; what it would declare at a cap of 3 has too few:

    >>> import numpy as np
    >>> from doseopt import Definition, Naming, ThreePlusThree, after
    >>> design = ThreePlusThree(doses=2, target=0.25, mtd_at_cap="not_excluded")
    >>> state = after(design, "1NNN")
    >>> for each in (design, Naming(design, Definition(6))):
    ...     each.select(state, stop=np.zeros(1, int)).item()
    0
    -1
    """

    base: Design
    definition: Definition

    def __post_init__(self) -> None:
        """Refuse what is no design and no definition."""
        found = [] if is_design(self.base) else [Fault("base", f"wanted a design, got {self.base!r}")]
        if not isinstance(self.definition, Definition):
            found.append(Fault("definition", f"wanted a Definition, got {self.definition!r}"))
        elif self.definition.finds_another and not _can_choose(self.base):
            wanted = 'wanted otherwise = "none" in a design that does not say which of some doses is the best'
            found.append(Fault("names.otherwise", wanted))
        if found:
            raise Faults(found, "Naming")

    @cached_property
    def facts(self) -> Facts:
        """The base's, and what a named dose must meet."""
        return dataclasses.replace(self.base.facts, names=self.definition)

    def with_dose(self, position: int, value: float) -> Naming:
        """Return the design with one dose more."""
        return Naming(with_dose(self.base, position, value), self.definition)

    def decide(self, state: TrialState, pending: Pending | None = None) -> Decision:
        """Return what the base decides."""
        return decision_of(self.base, state, pending)

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the base's MTD where its patients meet the definition, else none, or the best that does."""
        return named(self.base, self.definition, state, stop)

    def posterior(self, state: TrialState, pending: Pending | None = None) -> Posterior:
        """Return the base's posterior."""
        return posterior_of(self.base, state, pending)

    def estimated(self, state: TrialState, pending: Pending | None = None) -> FloatArray:
        """Return the base's own estimate."""
        return estimated_by(self.base, state, pending)

    def describe(self) -> list[Row]:
        """Return the base's rows, and what a dose must meet to be named."""
        best = self.definition.finds_another
        otherwise = "the best dose that meets it is named otherwise" if best else "none is named otherwise"
        return [*self.base.describe(), Row("naming", f"{self.definition.describe()}; {otherwise}")]


@runtime_checkable
class SelectsAmong(Protocol):
    """A design that can say which of some doses it would call the MTD."""

    def select_among(self, state: TrialState, stop: IntArray, allowed: BoolArray) -> IntArray:
        """Return the MTD among the allowed doses [S, D], or NONE, [S]."""
        ...


def _can_choose(design: Design) -> bool:
    """Tell whether a design, and the one that selects in its place, can say which of some doses is the best."""
    return isinstance(design, SelectsAmong) and isinstance(getattr(design, "selector", design), SelectsAmong)


def named(design: Design, definition: Definition, state: TrialState, stop: IntArray) -> IntArray:
    """Return the MTD of a design under a rule of naming, or NONE, [S]; `stop` is the design's own reason."""
    mtd = design.select(state, stop)
    if not isinstance(definition, Names):
        return definition.named(mtd, state.n, state.y)
    found = definition.named(mtd, state.n, state.y)
    if definition.finds_another and isinstance(design, SelectsAmong):
        found = design.select_among(state, stop, definition.met(state.n, state.y))
    complete = np.array(["", *design.facts.stops])[stop] == "complete"
    return np.where(complete & definition.unless_complete, mtd, found)


def lowered(mtd: IntArray, state: TrialState, allowed: BoolArray, names: Definition | None) -> IntArray:
    """Return the highest allowed dose at or below each MTD; one in its place is held to the rule of naming."""
    below = np.where(mtd == NONE, NONE, highest_admissible(mtd, allowed))
    if names is None:
        return below
    if names.finds_another:
        instead = highest_admissible(mtd, allowed & names.met(state.n, state.y))
    else:
        instead = names.named(below, state.n, state.y)
    return np.where(below == mtd, mtd, instead)
