"""What a design is, how modifiers change one, and the one place where admissibility is enforced.

A design is a frozen dataclass of the parameters that a protocol would state, with pure methods that see the
:class:`~doseopt.state.TrialState` and nothing else. Modifiers are a flat tuple, applied in fixed phases, so that the
order in which a user writes them cannot change the trial:

    RESTRICT < SIZE < RUN_IN < STOP < CAP

RESTRICT only lowers a ceiling on the dose. SIZE sets the cohort size (at most one rule). RUN_IN replaces the base
design until its own part of the trial is over (at most one). STOP acts on trials that go on; of several reasons the
one of highest rank is kept. CAP comes last: it truncates the cohort that all others agreed on, and stops the trial.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Protocol

import numpy as np

from doseopt.models.base import Posterior
from doseopt.models.beta import BetaBinomial
from doseopt.parameters import Fault, Faults
from doseopt.state import CONTINUE, NONE, BoolArray, Decision, IntArray, TrialState


@dataclass(frozen=True)
class Row:
    """One line of a design's description: the rule, how it is read here, and where it is from."""

    rule: str
    reading: str
    source: str = ""


class Phase(enum.IntEnum):
    """When a modifier acts."""

    RESTRICT = 0
    SIZE = 1
    RUN_IN = 2
    STOP = 3
    CAP = 4


class Design(Protocol):
    """A dose-finding design: (what has been seen) -> (what to do next). Frozen, so that it hashes."""

    def __hash__(self) -> int: ...
    @property
    def doses(self) -> int:
        """Number of doses."""
        ...

    @property
    def target(self) -> float:
        """Target DLT rate."""
        ...

    @property
    def categories(self) -> int:
        """2 outcomes a patient (DLT, not), or 3 (DLT, moderate, neither)."""
        ...

    @property
    def memory(self) -> tuple[str, ...]:
        """Names of what the design keeps beside the tally: small named integers; often none."""
        ...

    @property
    def stops(self) -> tuple[str, ...]:
        """The reasons to stop that the design may give; a stop code is 1 + the position here."""
        ...

    @property
    def ends(self) -> bool:
        """Whether every trial ends without a modifier's help."""
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

    def posterior(self, state: TrialState) -> Posterior:
        """Return the posterior of the DLT rates by which the design itself judges."""
        ...

    def describe(self) -> list[Row]:
        """Return the rules, the readings chosen and their sources."""
        ...


class Defaults:
    """What most designs share: nothing to remember, two outcome categories, every dose admissible.

    A design inherits these and supplies ``doses``, ``target``, ``first``, ``decide``, ``select`` and ``describe``.

    Attributes
    ----------
    stops : tuple of str
        The reasons this design may give; ``Decision.stop`` is 1 + the position here.
    categories : int
        2 outcomes a patient (DLT, not), or 3 (DLT, moderate, neither).
    ends : bool
        Whether every trial ends without a modifier's help.
    """

    doses: int
    stops: ClassVar[tuple[str, ...]] = ()
    ends: ClassVar[bool] = False

    @property
    def categories(self) -> int:
        """Outcome categories a patient."""
        return 2

    @property
    def memory(self) -> tuple[str, ...]:
        """Names of what the design keeps beside the tally."""
        return ()

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Return the memory after a cohort, [S, M]."""
        return np.zeros((len(before), 0), np.int64)

    def admissible(self, state: TrialState) -> BoolArray:
        """Return which doses may be given or selected, [S, D]."""
        return np.ones(state.n.shape, bool)

    def posterior(self, state: TrialState) -> Posterior:
        """Return the posterior of the DLT rates that the design's own rules would use; Beta(1, 1) if it has none."""
        return BetaBinomial(self.doses).posterior(state.n, state.y)


class Modifier(Protocol):
    """A rule laid over a design.

    Attributes
    ----------
    phase : Phase
        When it acts.
    rank : int
        Order within the phase, where several may set the same thing: the reason of lowest rank is kept.
    stops : tuple of str
        The reasons it may give.
    ends : bool
        Whether it ends every trial.
    selects_none : bool
        Whether a trial that it stops selects no dose.
    """

    phase: ClassVar[Phase]
    rank: ClassVar[int]
    stops: ClassVar[tuple[str, ...]]
    ends: ClassVar[bool]
    selects_none: ClassVar[bool]

    @property
    def memory(self) -> tuple[str, ...]:
        """Names of what the rule keeps beside the tally."""
        ...

    def bind(self, base: Design) -> Modifier:
        """Return the rule with what was left open filled in from the design."""
        ...

    def clash(self, base: Design) -> Fault | None:
        """Say why the rule cannot be laid over this design, or None."""
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


def highest_admissible(dose: IntArray, admissible: BoolArray) -> IntArray:
    """Return the highest admissible dose at or below each dose, or -1 if there is none, [S]."""
    level = np.arange(admissible.shape[1])
    allowed = admissible & (level <= dose[:, None])
    return np.where(allowed, level, -1).max(axis=1)


@dataclass(frozen=True)
class Modified:
    """A design with modifiers: a design again.

    Parameters
    ----------
    base : Design
    modifiers : tuple of Modifier
        In any order; what a modifier left open (a target, say) is filled in from the base.

    Raises
    ------
    Faults
        If two modifiers exclude each other, or a cap lies below the first cohort.
    """

    base: Design
    modifiers: tuple[Modifier, ...]

    def __post_init__(self) -> None:
        """Bind the modifiers to the base and refuse combinations that make no trial."""
        faults = [
            fault.under(f"modifiers[{i}]")
            for i, m in enumerate(self.modifiers)
            if (fault := m.clash(self.base)) is not None
        ]
        for phase in (Phase.SIZE, Phase.RUN_IN):
            same = [i for i, m in enumerate(self.modifiers) if m.phase == phase]
            if len(same) > 1:
                faults.append(
                    Fault(f"modifiers[{same[1]}]", f"wanted at most one {phase.name.lower()} rule, got {len(same)}")
                )
        if faults:
            raise Faults(faults, type(self.base).__name__)
        object.__setattr__(self, "modifiers", tuple(m.bind(self.base) for m in self.modifiers))

    @property
    def _parts(self) -> tuple[Design | Modifier, ...]:
        return self.base, *self.modifiers

    @property
    def doses(self) -> int:
        """Number of doses."""
        return int(self.base.doses)

    @property
    def target(self) -> float:
        """Target DLT rate."""
        return float(self.base.target)

    @property
    def categories(self) -> int:
        """Outcome categories a patient."""
        return int(self.base.categories)

    @property
    def stops(self) -> tuple[str, ...]:
        """Every reason that a part may give, each once."""
        return tuple(dict.fromkeys(name for part in self._parts for name in part.stops))

    @property
    def ends(self) -> bool:
        """Whether every trial ends."""
        return any(part.ends for part in self._parts)

    @property
    def memory(self) -> tuple[str, ...]:
        """Names of what the parts keep, the base first."""
        return tuple(name for part in self._parts for name in part.memory)

    def _slices(self) -> list[slice]:
        """Return where each part's memory lies."""
        ends = np.cumsum([0, *(len(part.memory) for part in self._parts)]).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]

    def _views(self, state: TrialState) -> list[TrialState]:
        """Return the state as each part sees it."""
        return [state.with_memory(state.memory[:, s]) for s in self._slices()]

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Return the memory of all parts after a cohort."""
        views = zip(self._parts, self._views(before), strict=True)
        return np.concatenate([part.remember(view, given, outcome) for part, view in views], axis=1)

    def _recode(self, decision: Decision, stops: tuple[str, ...]) -> Decision:
        """Translate a part's stop codes into this design's."""
        codes = np.array([CONTINUE, *(1 + self.stops.index(name) for name in stops)])
        return Decision(decision.dose, decision.size, codes[decision.stop])

    def _modify(self, decision: Decision, views: list[TrialState]) -> Decision:
        """Apply the modifiers phase by phase; within a phase the order cannot matter."""
        order = sorted(range(len(self.modifiers)), key=lambda i: (self.modifiers[i].phase, self.modifiers[i].rank))
        for i in order:
            modifier = self.modifiers[i]
            going = Decision(decision.dose, decision.size, np.zeros_like(decision.stop))
            answer = self._recode(modifier(views[1 + i], going), modifier.stops)
            if modifier.phase == Phase.RESTRICT:
                lowered = highest_admissible(answer.dose, self.base.admissible(views[0]))
                answer = Decision(np.where(lowered >= 0, lowered, decision.dose), answer.size, answer.stop)
            if modifier.phase == Phase.RUN_IN:
                allowed = self.base.admissible(views[0])[views[0].at, answer.dose]
                dose, size = (
                    np.where(allowed, a, d) for a, d in ((answer.dose, decision.dose), (answer.size, decision.size))
                )
                answer = Decision(dose, size, answer.stop)
            on = decision.stop == CONTINUE
            decision = Decision(
                np.where(on, answer.dose, decision.dose),
                np.where(on, answer.size, decision.size),
                np.where(on, answer.stop, decision.stop),
            )
        return decision

    def first(self) -> Decision:
        """Return the first cohort, through the modifiers like any other."""
        empty = TrialState.empty(self.doses, len(self.memory))
        return self._modify(self._recode(self.base.first(), self.base.stops), self._views(empty))

    def decide(self, state: TrialState) -> Decision:
        """Return what the base decides, as the modifiers leave it."""
        views = self._views(state)
        return self._modify(self._recode(self.base.decide(views[0]), self.base.stops), views)

    def admissible(self, state: TrialState) -> BoolArray:
        """Return the doses that the base calls admissible."""
        allowed: BoolArray = self.base.admissible(self._views(state)[0])
        return allowed

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the base's MTD, unless a part that selects no dose stopped the trial."""
        own = {name: 1 + i for i, name in enumerate(self.base.stops)}
        to_base = np.array([CONTINUE, *(own.get(name, CONTINUE) for name in self.stops)])
        mtd = self.base.select(self._views(state)[0], to_base[stop])
        silent = [1 + self.stops.index(s) for m in self.modifiers for s in m.stops if m.selects_none]
        return np.where(np.isin(stop, silent), NONE, mtd)

    def posterior(self, state: TrialState) -> Posterior:
        """Return the base's posterior."""
        posterior: Posterior = self.base.posterior(self._views(state)[0])
        return posterior

    def describe(self) -> list[Row]:
        """Return the base's rows and one for each modifier."""
        return [row for part in self._parts for row in part.describe()]
