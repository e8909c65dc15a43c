"""An expansion cohort: more patients at the dose selected, with a rule that lowers it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from doseopt.core.design import Design, Row, estimated_by, highest_admissible, is_design, posterior_of, with_dose
from doseopt.core.distinct import unique_rows
from doseopt.core.facts import Facts
from doseopt.core.parameters import Fault, Faults, check, param
from doseopt.core.posterior import Posterior
from doseopt.core.state import CONTINUE, NONE, BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.designs.defaults import Around
from doseopt.designs.interval import beta_prior, beta_tail, in_words

KEPT, LOWERED, GONE = STOPS = ("mtd_kept", "mtd_lowered", "expansion_too_toxic")
"""Reasons to stop: the expansion is full at the dose it began at, or at a lower one; or no dose was left."""


@dataclass(frozen=True)
class Expansion:
    """What a protocol states of an expansion cohort.

    Parameters
    ----------
    n : int
        Patients in it.
    cohort : int, optional
        Patients after which the dose is looked at; all of them when left out.
    above : float, optional
        DLT rate that is too high; the design's target when left out.
    confidence : float
        The dose is lowered while Pr(DLT rate > above) > confidence, by all patients at the dose.
    prior : tuple of float
        a and b of the Beta(a, b) prior of the DLT rate at a dose.

    Notes
    -----
    Names: "dose expansion", "expansion cohort", "part B".

    References
    ----------
    Iasonos & O'Quigley 2013, Journal of Clinical Oncology 31:4014 (what expansion cohorts are for, and their size).

    Examples
    --------
    >>> from doseopt import Expansion
    >>> Expansion(n=12, cohort=6).describe(target=0.25).partition(";")[0]
    '12 more patients at the dose selected, 6 at a time'
    """

    n: int = param(kind=int, low=1, high=1000, doc="patients in the expansion")
    cohort: int | None = param(
        None, kind=int, low=1, optional=True, doc="patients after which the dose is looked at; all when left out"
    )
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
    confidence: float = param(0.95, low=0, high=1, open_low=True, open_high=True, doc="that lowers the dose")
    prior: tuple[float, float] = beta_prior(1.0, 1.0)

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def describe(self, target: float) -> str:
        """Return it in words."""
        looks = "" if self.cohort is None else f", {self.cohort} at a time"
        above = target if self.above is None else self.above
        rule = f"Pr(p > {above:g}) > {self.confidence:g} under {in_words(self.prior)} by all patients at the dose"
        return f"{self.n} more patients at the dose selected{looks}; one dose lower where {rule}"


@dataclass(frozen=True)
class Expanding(Around):
    """A design with an expansion cohort: when a trial ends with a dose selected, more patients are treated at it.

    After each cohort of the expansion the dose is looked at: while it is too toxic by all patients treated at it the
    next lower one takes its place, which gets the patients that are left. The trial selects the dose at which the
    expansion ends, or none where the lowest dose is too toxic. Trials that end without a dose have no expansion. Where
    the design skips no dose, an untried dose is expanded only next to a tried one.

    Parameters
    ----------
    base : Design
        With its modifiers; its cap on enrolment counts patients before the expansion.
    expansion : Expansion

    Examples
    --------
    3+3 declares dose 1 on 1 DLT in 6; of 6 more three have one, 4 in 12, which leaves it where 0.95 is asked for:

    >>> from doseopt import Expanding, Expansion, ThreePlusThree, after
    >>> design = Expanding(ThreePlusThree(doses=2, target=0.25), Expansion(n=6))
    >>> seen = [after(design, text) for text in ("1NNN 2TTN 1NNT", "1NNN 2TTN 1NNT 1NNNTTT")]
    >>> [(d.dose.item() + 1, d.size.item(), d.stop.item()) for d in map(design.decide, seen)]
    [(1, 6, 0), (1, 0, 3)]
    """

    base: Design
    expansion: Expansion

    def __post_init__(self) -> None:
        """Refuse what is no design and no expansion, and designs whose trials have no plain end."""
        found = [] if is_design(self.base) else [Fault("base", f"wanted a design, got {self.base!r}")]
        if not isinstance(self.expansion, Expansion):
            found.append(Fault("expansion", f"wanted an Expansion, got {self.expansion!r}"))
        if not found and self.base.facts.pending:
            found.append(Fault("expansion", "wanted a design that decides when all outcomes are known"))
        if not found and self.base.facts.backfill is not None:
            found.append(Fault("expansion", "wanted a design that does not backfill lower doses"))
        if not found and self.base.facts.max_enrolled is not None:
            found.append(Fault("expansion", "wanted a cap on evaluable patients (max_patients), got max_enrolled"))
        if found:
            raise Faults(found, "Expanding")

    @cached_property
    def facts(self) -> Facts:
        """The base's, with the patients of the expansion and how it may end.

        Memory: the dose selected and the dose given, from 1 on, and the patients so far; 0 before the expansion.
        """
        base = self.base.facts
        return dataclasses.replace(
            base,
            memory=(*base.memory, "expansion_of", "expansion_at", "expanded"),
            stops=(*base.stops, *STOPS),
            cap=None if base.cap is None else base.cap + self.expansion.n,
            exclusion=", or ".join(filter(None, (base.exclusion, "too toxic in the expansion"))),
            below=None,
            names=None,  # a rule of naming holds for the dose that is expanded
        )

    def _view(self, state: TrialState) -> TrialState:
        """Return the state as the base sees it."""
        return state.with_memory(state.memory[:, :-3])

    def _code(self, name: str) -> int:
        return 1 + len(self.base.facts.stops) + STOPS.index(name)

    def _tolerable(self, state: TrialState) -> BoolArray:
        """Return the doses below the lowest that is too toxic by the rule of the expansion, [S, D]."""
        above = self.base.facts.target if self.expansion.above is None else self.expansion.above
        toxic = beta_tail(state.n, state.y, above, *self.expansion.prior) > self.expansion.confidence
        return ~np.logical_or.accumulate(toxic & state.tried, axis=1)

    def _base_decides(self, state: TrialState) -> tuple[Decision, IntArray]:
        """Return what the base decides, and the dose that it selects where it ends, NONE elsewhere."""
        view = self._view(state)
        decision = self.base.decide(view)
        ended = decision.stop != CONTINUE
        mtd = np.full(len(state), NONE)
        if ended.any():
            mtd[ended] = self.base.select(view[ended], decision.stop[ended])
        return decision, mtd

    def decide(self, state: TrialState) -> Decision:
        """Return what the base decides; from its end on, the next cohort of the expansion."""
        of, at, given = state.memory[:, -3:].T
        dose, size, stop = np.zeros((3, len(state)), np.int64)
        mtd, before = at - 1, at == 0
        if before.any():
            decision, mtd[before] = self._base_decides(state[before])
            dose[before], size[before], stop[before] = decision.dose, decision.size, decision.stop
        on = mtd != NONE
        allowed = self.admissible(state) & self._tolerable(state)
        expanded = highest_admissible(self._reachable(mtd, state), allowed)
        left = self.expansion.n - given
        full = np.where(expanded == of - 1, self._code(KEPT), self._code(LOWERED))
        ends = np.where(expanded < 0, self._code(GONE), np.where(left <= 0, full, CONTINUE))
        places = np.clip(left, 0, self.expansion.cohort or self.expansion.n)
        pairs = ((np.maximum(expanded, 0), dose), (places, size), (ends, stop))
        return Decision(*(np.where(on, own, base) for own, base in pairs))

    def _reachable(self, mtd: IntArray, state: TrialState) -> IntArray:
        """Return the dose to expand: where the base skips none, at most one above the highest tried."""
        return mtd if self.base.facts.skips else np.minimum(mtd, state.highest_tried + 1)

    def admissible(self, state: TrialState) -> BoolArray:
        """Return what the base calls admissible; in the expansion, the doses up to its own that are tolerable."""
        at = state.memory[:, -2]
        own = self._tolerable(state) & (np.arange(self.base.facts.doses) < at[:, None])
        return np.where((at > 0)[:, None], own, self.base.admissible(self._view(state)))

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Return the base's memory, which the expansion leaves as it is, and where the expansion stands."""
        first, inverse = unique_rows([*before.n.T, *before.y.T, before.dose, *before.memory.T])
        state, mtd = before[first], np.full(len(first), NONE)
        open_ = (state.memory[:, -2] == 0) & state.started
        if open_.any():
            mtd[open_] = self._base_decides(state[open_])[1]
        of = np.where(before.memory[:, -2] > 0, before.memory[:, -3], 1 + mtd[inverse])
        on, memory = of > 0, before.memory.copy()
        if not on.all():
            off = ~on
            memory[off, :-3] = self.base.remember(self._view(before[off]), given[off], outcome[off])
        treated = self.facts.outcomes.evaluated(outcome)
        own = np.stack([of, 1 + given.dose, before.memory[:, -1] + treated], axis=1)
        memory[:, -3:] = np.where(on[:, None], own, 0)
        return memory

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the dose at which the expansion ends, none where none is left; before it, the base's MTD."""
        at, own = state.memory[:, -2], stop > len(self.base.facts.stops)
        mtd = np.full(len(state), NONE)
        before = (at == 0) & ~own
        if before.any():
            mtd[before] = self.base.select(self._view(state[before]), stop[before])
        expanded = highest_admissible(at - 1, self.admissible(state))
        return np.where(at > 0, expanded, mtd)

    def with_dose(self, position: int, value: float) -> Expanding:
        """Return the design with one dose more."""
        return Expanding(with_dose(self.base, position, value), self.expansion)

    def posterior(self, state: TrialState) -> Posterior:
        """Return the base's posterior."""
        return posterior_of(self.base, self._view(state))

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the base's own estimate."""
        return estimated_by(self.base, self._view(state))

    def describe(self) -> list[Row]:
        """Return the base's rows, and the expansion."""
        last = "the dose at which the expansion ends; none where the lowest dose is too toxic"
        rows = [Row("expansion", self.expansion.describe(self.base.facts.target)), Row("MTD after the expansion", last)]
        return [*self.base.describe(), *rows]
