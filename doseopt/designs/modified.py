"""A design with modifiers: a design again."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby, pairwise
from typing import cast

import numpy as np

from doseopt.core.design import (
    Design,
    Modifier,
    Phase,
    Row,
    SeesPending,
    decision_of,
    estimated_by,
    highest_admissible,
    posterior_of,
    with_dose,
)
from doseopt.core.facts import Facts
from doseopt.core.outcome_space import GRADED
from doseopt.core.parameters import Fault, Faults
from doseopt.core.posterior import Posterior
from doseopt.core.reason import Reason
from doseopt.core.state import CONTINUE, NONE, BoolArray, Decision, FloatArray, IntArray, Pending, TrialState, where
from doseopt.designs.naming import lowered
from doseopt.designs.together import check_types, together
from doseopt.display.card import Card

type Ask = Callable[[int, Decision], Decision]
"""A modifier, by its position, and the decision that it is shown -> its answer."""


@dataclass(frozen=True)
class Modified(Card):
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

    Examples
    --------
    The order in which modifiers are named does not matter.

    >>> from doseopt import CRM, MaxPatients, Modified, NoSkipping, after
    >>> crm = CRM(doses=4, target=0.25, skeleton=(0.05, 0.1, 0.15, 0.25))
    >>> design = Modified(crm, (MaxPatients(n=12), NoSkipping()))
    >>> design.decide(after(design, "1NNN")).dose.item() + 1, design.facts.cap
    (2, 12)
    """

    base: Design
    modifiers: tuple[Modifier, ...]

    def __post_init__(self) -> None:
        """Bind the modifiers to the base and refuse combinations that make no trial."""
        check_types(self.base, self.modifiers)
        object.__setattr__(self, "modifiers", tuple(self.modifiers))
        faults = clashes(self.base, self.modifiers)
        if faults:
            raise Faults(faults, type(self.base).__name__)
        object.__setattr__(self, "modifiers", tuple(m.bind(self.base) for m in self.modifiers))

    @cached_property
    def _base_facts(self) -> Facts:
        """The base's, which it may put together anew each time."""
        return self.base.facts

    @cached_property
    def facts(self) -> Facts:
        """The base's, with every reason that a modifier may give, the smallest cap, and what modifiers keep."""
        base = self._base_facts
        parts: tuple[Facts | Modifier, ...] = (base, *self.modifiers)
        undoable = (*base.undoable, *(reason.name for reason in self._reasons if reason.undoable))
        return dataclasses.replace(
            base,
            outcomes=GRADED if any(m.graded for m in self.modifiers) else base.outcomes,
            memory=tuple(name for part in parts for name in part.memory),
            stops=tuple(dict.fromkeys((*base.stops, *(reason.name for reason in self._reasons)))),
            undoable=tuple(dict.fromkeys(undoable)),
            cap=min((part.cap for part in parts if part.cap is not None), default=None),
            max_enrolled=min((part.max_enrolled for part in parts if part.max_enrolled is not None), default=None),
            ends=any(part.ends for part in ((*self.modifiers,) if self._reopens else parts)),
            comers=next((part.comers for part in parts if part.comers is not None), None),
            skips=base.skips and not any(m.forbids_skipping for m in self.modifiers),
            excluding=base.excluding if all(m.by_table for m in self.modifiers) else None,
            exclusion=", or ".join(filter(None, (base.exclusion, *(m.exclusion for m in self.modifiers)))),
            titrating=next((at.stop - 1 for _, at in self._titration), base.titrating),
            moderate=next((at.start for m, at in self._titration if m.graded), base.moderate),
        )

    @property
    def _titration(self) -> list[tuple[Modifier, slice]]:
        """The titration, and where it keeps how far it is, if patients may be pending."""
        parts = zip(self.modifiers, self._slices[1:], strict=True)
        return [(m, at) for m, at in parts if m.phase == Phase.RUN_IN and m.memory and self._base_facts.pending]

    @property
    def _reopens(self) -> bool:
        """Whether a rule that sizes its own cohorts may be sent below the dose that it wants, and then has no end."""
        return self._base_facts.sizes_own_cohorts and any(m.phase == Phase.CLOSE for m in self.modifiers)

    @property
    def _reasons(self) -> tuple[Reason, ...]:
        """Why the modifiers may stop a trial."""
        return tuple(reason for modifier in self.modifiers for reason in modifier.reasons)

    @cached_property
    def _by_code(self) -> dict[str, IntArray]:
        """What is known of each stop code that a modifier may give: its place among them, and what `Reason` says."""
        known = {reason.name: reason for reason in sorted(self._reasons, key=lambda reason: reason.place)}
        places = {name: place for place, name in enumerate(known)}
        none = Reason(())
        rows = [(len(known), none), *((places.get(s, len(known)), known.get(s, none)) for s in self.facts.stops)]
        return {
            "place": np.array([place for place, _ in rows]),
            "selects_none": np.array([reason.selects_none for _, reason in rows], np.int64),
        }

    @cached_property
    def _order(self) -> list[tuple[Phase, list[int]]]:
        """The modifiers of each phase, in the order in which they act."""
        order = sorted(range(len(self.modifiers)), key=lambda i: (self.modifiers[i].phase, self.modifiers[i].rank))
        return [(phase, [*group]) for phase, group in groupby(order, key=lambda i: self.modifiers[i].phase)]

    @cached_property
    def _slices(self) -> list[slice]:
        """Where each part's memory lies."""
        ends = np.cumsum(
            [0, len(self._base_facts.memory), *(len(modifier.memory) for modifier in self.modifiers)]
        ).tolist()
        return [slice(a, b) for a, b in pairwise(ends)]

    def _views(self, state: TrialState) -> list[TrialState]:
        """Return the state as each part sees it, the base without patients whom a titration leaves out."""
        if not self.facts.memory:
            return [state] * len(self._slices)
        base, *rest = [state.with_memory(state.memory[:, s]) for s in self._slices]
        for modifier, view in zip(self.modifiers, rest, strict=True):
            if modifier.phase == Phase.RUN_IN and modifier.memory:
                base = TrialState(*modifier.counted(view), base.dose, base.memory)
        return [base, *rest]

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Return the memory of all parts after a cohort."""
        base, *views = self._views(before)
        told, space = outcome, self._base_facts.outcomes
        if outcome.shape[1] > len(space):  # a moderate toxicity is none to the base
            told = np.stack([outcome[:, 0], outcome[:, 1:].sum(axis=1)], axis=1)
        if space.efficacy:  # efficacy is nothing to a rule laid over the base
            dlts = space.dlts(outcome)
            outcome = np.stack([dlts, outcome.sum(axis=1) - dlts], axis=1)
        kept = [self.base.remember(base, given, told)]
        kept += [part.remember(view, given, outcome) for part, view in zip(self.modifiers, views, strict=True)]
        return np.concatenate(kept, axis=1)

    @cached_property
    def _codes(self) -> list[IntArray]:
        """The codes of this design for the reasons to stop of each part, by the part's own."""
        named = [tuple(reason.name for reason in modifier.reasons) for modifier in self.modifiers]
        parts = [self._base_facts.stops, *named]
        return [np.array([CONTINUE, *(1 + self.facts.stops.index(name) for name in each)]) for each in parts]

    def _recode(self, decision: Decision, part: int) -> Decision:
        """Translate the stop codes of a part, 0 for the base, into this design's."""
        return Decision(decision.dose, decision.size, self._codes[part][decision.stop])

    def _modify(self, decision: Decision, state: TrialState, pending: Pending | None = None) -> Decision:
        """Apply the modifiers phase by phase; within a phase the order cannot matter.

        To a rule that does not look at pending patients they are treated ones. Where the base waits for them the next
        dose is open: only reasons to stop that do not depend on it are asked for.
        """
        seen = state.treated(pending)
        resolved = self._views(state)
        views = resolved if seen is state else self._views(seen)

        def ask(i: int, asked: Decision) -> Decision:
            modifier = self.modifiers[i]
            if pending is not None and modifier.sees_pending:
                return cast(SeesPending, modifier)(resolved[1 + i], asked, pending)
            return modifier(views[1 + i], asked)

        waits = decision.size == 0 if pending is not None else np.zeros(len(decision), bool)
        for phase, group in self._order:
            waits |= (decision.size == 0) & (pending is not None)
            if phase == Phase.STOP:
                stop = np.where(decision.stop == CONTINUE, self._reason(ask, decision, waits), decision.stop)
                decision = Decision(decision.dose, decision.size, stop)
                continue
            for i in group:
                if phase == Phase.DEMAND:
                    decision = self._demanded(ask, decision, i, seen)
                else:
                    answer = self._answer(ask, decision, i, seen)
                    on = (decision.stop == CONTINUE) & ((phase == Phase.CAP) | ~waits)
                    decision = where(on, answer, decision)
        return decision

    def _answer(self, ask: Ask, decision: Decision, i: int, view: TrialState) -> Decision:
        """Return the decision as one modifier leaves it, kept to admissible doses; `view` is the state as treated."""
        modifier = self.modifiers[i]
        going = Decision(decision.dose, decision.size, np.zeros_like(decision.stop))
        answer = self._recode(ask(i, going), 1 + i)
        if modifier.phase in (Phase.CLOSE, Phase.FLOOR, Phase.RESTRICT):
            lowered = highest_admissible(answer.dose, self.admissible(view))
            stop = answer.stop
            if modifier.phase == Phase.CLOSE:
                stop = np.where(lowered < 0, 1 + self.facts.stops.index(modifier.reasons[0].name), CONTINUE)
            return Decision(np.where(lowered >= 0, lowered, decision.dose), answer.size, stop)
        if modifier.phase == Phase.RUN_IN:
            allowed = self.admissible(view)[view.at, answer.dose] | (answer.size == 0)
            return where(allowed, answer, Decision(decision.dose, decision.size, answer.stop))
        return answer

    def _reason(self, ask: Ask, decision: Decision, waits: BoolArray) -> IntArray:
        """Return the stop code of the foremost reason that a stopping rule gives for each decision, [S]."""
        place, best = self._by_code["place"], np.zeros(len(decision), np.int64)
        going = Decision(decision.dose, decision.size, np.zeros_like(decision.stop))
        for i, modifier in enumerate(self.modifiers):
            if modifier.phase == Phase.STOP:
                found = self._recode(ask(i, going), 1 + i).stop
                found = np.where(waits & modifier.asks_next_dose, CONTINUE, found)
                best = np.where(place[found] < place[best], found, best)
        return best

    def _demanded(self, ask: Ask, decision: Decision, i: int, view: TrialState) -> Decision:
        """Undo endings at an admissible dose; the stopping rules that a demand cannot undo are then looked at again."""
        undoable = np.isin(decision.stop, [1 + self.facts.stops.index(name) for name in self.facts.undoable])
        undoable &= self.admissible(view)[view.at, decision.dose]
        asked = Decision(decision.dose, decision.size, undoable.astype(np.int64))
        answer = ask(i, asked)
        undone = undoable & (answer.stop == CONTINUE)
        again = self._reason(ask, answer, np.zeros(len(answer), bool))
        again = np.where(self._by_code["selects_none"][again] == 1, again, CONTINUE)
        return where(undone, Decision(answer.dose, answer.size, again), decision)

    def with_dose(self, position: int, value: float) -> Modified:
        """Return the design and its modifiers with one dose more."""
        modifiers = tuple(modifier.with_dose(position, value) for modifier in self.modifiers)
        return Modified(with_dose(self.base, position, value), modifiers)

    def first(self) -> Decision:
        """Return the first cohort, through the modifiers like any other."""
        empty = TrialState.empty(self.facts.doses, len(self.facts.memory))
        return self._modify(self._recode(self.base.first(), 0), empty)

    def decide(self, state: TrialState, pending: Pending | None = None) -> Decision:
        """Return what the base decides, as the modifiers leave it."""
        view = self._views(state)[0]
        decision = decision_of(self.base, view, pending) if self._base_facts.pending else self.base.decide(view)
        return self._modify(self._recode(decision, 0), state, pending)

    def admissible(self, state: TrialState) -> BoolArray:
        """Return the doses that the base calls admissible and no modifier closes."""
        base, *views = self._views(state)
        allowed: BoolArray = self.base.admissible(base)
        for modifier, view in zip(self.modifiers, views, strict=True):
            if modifier.phase == Phase.CLOSE:
                allowed = allowed & ~modifier.closed(view)
        return allowed

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the base's MTD, or the highest admissible dose below one that a modifier closes, if it may be named.

        None if a part that selects no dose stopped the trial.
        """
        own = {name: 1 + i for i, name in enumerate(self._base_facts.stops)}
        to_base = np.array([CONTINUE, *(own.get(name, CONTINUE) for name in self.facts.stops)])
        mtd = self.base.select(self._views(state)[0], to_base[stop])
        if any(modifier.phase == Phase.CLOSE for modifier in self.modifiers):
            mtd = lowered(mtd, self._views(state)[0], self.admissible(state), self.facts.names)
        return np.where(self._by_code["selects_none"][stop] == 1, NONE, mtd)

    def posterior(self, state: TrialState, pending: Pending | None = None) -> Posterior:
        """Return the base's posterior."""
        return posterior_of(self.base, self._views(state)[0], pending)

    def estimated(self, state: TrialState, pending: Pending | None = None) -> FloatArray:
        """Return the base's own estimate."""
        return estimated_by(self.base, self._views(state)[0], pending)

    def describe(self) -> list[Row]:
        """Return the base's rows and one for each modifier."""
        return [*self.base.describe(), *(row for modifier in self.modifiers for row in modifier.describe())]


def clashes(base: Design, modifiers: Sequence[Modifier] | Mapping[int, Modifier]) -> list[Fault]:
    """Return why modifiers cannot be laid over a design, or not together; by position, some may be left out."""
    placed = dict(modifiers) if isinstance(modifiers, Mapping) else dict(enumerate(modifiers))
    if base.facts.backfill is not None:
        wanted = "wanted none over a design that backfills lower doses: its own keys cap the escalation and each dose"
        return [Fault(f"modifiers[{i}]", wanted) for i in placed]
    found = together(placed)
    capped = {i: m for i, m in placed.items() if m.phase == Phase.CAP}
    rest = {i: m for i, m in placed.items() if i not in capped}
    clashing = {i: m.clash(base) for i, m in rest.items()}
    if capped:
        sound = not found and not any(clashing.values())
        under = Modified(base, tuple(rest.values())) if sound else base
        clashing |= {i: m.clash(under) for i, m in capped.items()}
    return [fault.under(f"modifiers[{i}]") for i, fault in sorted(clashing.items()) if fault is not None] + found
