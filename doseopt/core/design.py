"""Designs, the modifiers that change one, and the one place where admissibility is enforced.

A design is a frozen dataclass of the parameters that a protocol would state, with pure methods that see the
:class:`~doseopt.core.state.TrialState` and nothing else. Modifiers are a flat tuple, applied in fixed phases, so that
the order in which a user writes them cannot change the trial:

    CLOSE < FLOOR < RESTRICT < COME < SIZE < RUN_IN < STOP < DEMAND < CAP

CLOSE says which doses are not admissible besides those that the base excludes: the highest admissible one below is
given and selected, and the trial stops where there is none. FLOOR only raises the dose, within the admissible ones, and
RESTRICT only lowers a ceiling on it. COME makes room for the most patients who come (at most one rule), SIZE sets the
places of the cohort (at most one). RUN_IN replaces the base
design until its own part of the trial is over (at most one). STOP acts on trials that go on; of several reasons the
foremost is kept (`Reason`). DEMAND may undo a reason that is `undoable`. CAP comes last: it truncates the cohort that
all others agreed on, and stops the trial.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol, cast, runtime_checkable

import numpy as np

from doseopt.core.comers import Comers
from doseopt.core.facts import Facts
from doseopt.core.parameters import Fault
from doseopt.core.posterior import Posterior
from doseopt.core.reason import Reason
from doseopt.core.state import BoolArray, Decision, FloatArray, IntArray, Pending, TrialState
from doseopt.core.tunable import Tunable


@dataclass(frozen=True)
class Row:
    """One line of a design's description: the rule, how it is read here, and where it is from."""

    rule: str
    reading: str
    source: str = ""


class Phase(enum.IntEnum):
    """When a modifier acts."""

    CLOSE = 0
    FLOOR = 1
    RESTRICT = 2
    COME = 3
    SIZE = 4
    RUN_IN = 5
    STOP = 6
    DEMAND = 7
    CAP = 8


class Design(Protocol):
    """A dose-finding design: (what has been seen) -> (what to do next). Frozen, so that it hashes.

    Examples
    --------
    >>> from doseopt import BOIN, Design
    >>> design: Design = BOIN(doses=3, target=0.25)
    >>> design.first().dose.item() + 1, design.facts.target
    (1, 0.25)
    """

    def __hash__(self) -> int: ...
    @property
    def facts(self) -> Facts:
        """What is fixed before the trial begins."""
        ...

    def first(self) -> Decision:
        """Return the first cohort, a batch of one."""
        ...

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Return the memory after a cohort, [S, M]; `outcome` [S, K] counts its patients by category, DLT first."""
        ...

    def decide(self, state: TrialState) -> Decision:
        """Return what happens next in trials that have begun: the rule."""
        ...

    def admissible(self, state: TrialState) -> BoolArray:
        """Return which doses may be given or selected, [S, D]."""
        ...

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the MTD, or NONE, [S]; `stop` is the design's own reason, or 0 if something else ended the trial."""
        ...

    def describe(self) -> list[Row]:
        """Return the rules, the readings chosen and their sources."""
        ...


class DecidesOnPending(Design, Protocol):
    """A design whose `facts.pending` is true: it need not wait until all patients were followed to the end."""

    def decide(self, state: TrialState, pending: Pending | None = None) -> Decision:
        """Return what happens next; the tally holds the patients who are not pending. A size of 0 is to wait."""
        ...

    def posterior(self, state: TrialState, pending: Pending | None = None) -> Posterior:
        """Return the posterior of the DLT rates by which the design itself judges, pending patients included."""
        ...

    def estimated(self, state: TrialState, pending: Pending | None = None) -> FloatArray:
        """Return the design's own estimate of the DLT rates, pending patients included, nan where none, [S, D]."""
        ...


@runtime_checkable
class Estimates(Protocol):
    """A design that says what it believes of the DLT rates."""

    def posterior(self, state: TrialState) -> Posterior:
        """Return the posterior of the DLT rates by which the design itself judges."""
        ...

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the design's own estimate of the DLT rates, nan where it makes none, [S, D]."""
        ...


@runtime_checkable
class Screens(Protocol):
    """A design that tells with little work where its posterior need not be asked."""

    def may_exceed(self, state: TrialState, rate: float, confidence: float) -> BoolArray:
        """Tell where Pr(DLT rate > rate) may be above a confidence, [S, D]; elsewhere it is not."""
        ...


@runtime_checkable
class Extendable(Protocol):
    """A design that can have one dose more."""

    def with_dose(self, position: int, value: float) -> Design:
        """Return the design with one dose more, of that value, standing at that index."""
        ...


@runtime_checkable
class Tuned(Protocol):
    """A design with parameters that a calibration may tune."""

    def tunable(self) -> tuple[Tunable, ...]:
        """Return the parameters that a calibration may tune."""
        ...

    def tuned(self, values: Mapping[str, float]) -> Design:
        """Return the design with other values of some of them."""
        ...


class Modifier(Protocol):
    """A rule laid over a design.

    Attributes
    ----------
    phase : Phase
        When it acts.
    rank : int
        Order within the phase, where several may set the same thing.
    ends : bool
        Whether it ends every trial.
    by_table : bool
        Whether its answer depends on no more of a trial than what `Facts.excluding` says, and the decision it is shown.
    sees_pending : bool
        Whether it looks at pending patients, see `SeesPending`; to any other rule they are treated ones without a DLT.
    """

    phase: ClassVar[Phase]
    rank: ClassVar[int]
    ends: ClassVar[bool]
    by_table: ClassVar[bool]
    sees_pending: ClassVar[bool]

    @property
    def reasons(self) -> tuple[Reason, ...]:
        """Why it may stop a trial; stop code k of its decision is the k-th."""
        ...

    @property
    def asks_next_dose(self) -> bool:
        """Whether it stops no trial while the next dose is open, as the base waits for pending patients."""
        ...

    @property
    def graded(self) -> bool:
        """Whether it tells moderate toxicities from none."""
        ...

    def counted(self, state: TrialState) -> tuple[IntArray, IntArray]:
        """Return the patients and DLTs that the design under it counts, [S, D] each."""
        ...

    @property
    def forbids_skipping(self) -> bool:
        """Whether no dose more than one level above the highest tried is given under it."""
        ...

    @property
    def exclusion(self) -> str:
        """Why a dose is not admissible under it, in words; empty if it closes none."""
        ...

    def closed(self, state: TrialState) -> BoolArray:
        """Return which doses are not admissible under it, [S, D]."""
        ...

    @property
    def memory(self) -> tuple[str, ...]:
        """Names of what the rule keeps beside the tally."""
        ...

    @property
    def cap(self) -> int | None:
        """Most patients that it lets a trial treat, None if it says nothing of them."""
        ...

    @property
    def comers(self) -> Comers | None:
        """How many patients come for a cohort; None if it says nothing of them."""
        ...

    @property
    def max_enrolled(self) -> int | None:
        """Most patients that it lets a trial enrol, those not evaluable included; None if it says nothing of them."""
        ...

    def bind(self, base: Design) -> Modifier:
        """Return the rule with what was left open filled in from the design."""
        ...

    def clash(self, base: Design) -> Fault | None:
        """Say why the rule cannot be laid over this design, or None."""
        ...

    def with_dose(self, position: int, value: float) -> Modifier:
        """Return the rule for one dose more, of that value, standing at that index."""
        ...

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Return the rule's memory after a cohort, [S, M]."""
        ...

    def __call__(self, state: TrialState, decision: Decision) -> Decision:
        """Return the decision as this rule leaves it; it is shown trials that go on."""
        ...

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        ...


class SeesPending(Modifier, Protocol):
    """A rule that looks at pending patients: where there may be some it is shown them, apart from the tally."""

    def __call__(self, state: TrialState, decision: Decision, pending: Pending | None = None) -> Decision:
        """Return the decision as this rule leaves it."""
        ...


def is_design(value: object) -> bool:
    """Tell whether a value is a design."""
    return all(callable(getattr(type(value), name, None)) for name in ("first", "decide", "admissible", "select"))


def is_modifier(value: object) -> bool:
    """Tell whether a value is a modifier."""
    return isinstance(getattr(type(value), "phase", None), Phase) and callable(value)


def decision_of(design: Design, state: TrialState, pending: Pending | None = None) -> Decision:
    """Return what a design decides, shown the pending patients if it looks at them."""
    return cast(DecidesOnPending, design).decide(state, pending) if design.facts.pending else design.decide(state)


def posterior_of(design: Design, state: TrialState, pending: Pending | None = None) -> Posterior:
    """Return the posterior of the DLT rates by which a design itself judges, shown the pending patients if it looks."""
    assert isinstance(design, Estimates)
    return cast(DecidesOnPending, design).posterior(state, pending) if design.facts.pending else design.posterior(state)


def estimated_by(design: Design, state: TrialState, pending: Pending | None = None) -> FloatArray:
    """Return a design's own estimate of the DLT rates, nan where it has none, [S, D]; shown the pending if it asks."""
    if not isinstance(design, Estimates):
        return np.full(state.n.shape, np.nan)
    return cast(DecidesOnPending, design).estimated(state, pending) if design.facts.pending else design.estimated(state)


def with_dose(design: Design, position: int, value: float) -> Design:
    """Return a design with one dose more, of that value, standing at that index."""
    assert isinstance(design, Extendable)
    return design.with_dose(position, value)


def highest_admissible(dose: IntArray, admissible: BoolArray) -> IntArray:
    """Return the highest admissible dose at or below each dose, or -1 if there is none, [S]."""
    if admissible.all():
        return np.asarray(np.minimum(dose, admissible.shape[1] - 1))
    highest = np.full(len(dose), -1)
    for level, open_ in enumerate(admissible.T):
        highest = np.where(open_ & (level <= dose), level, highest)
    return highest
