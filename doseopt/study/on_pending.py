"""Designs of a study whose trials depend on when patients come, evaluated by its clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import xarray as xr

from doseopt.clock.competing import CONSTANT
from doseopt.clock.lattice import Calendar, Gaps, Lattice, NoMoreArrivals
from doseopt.clock.onset import Onset
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import TrialState
from doseopt.engines.budget import MAX_PENDING, TooManyStates
from doseopt.engines.exact_calendars import ExactCalendars
from doseopt.engines.exact_pending import ExactPending
from doseopt.engines.simulate import Simulate
from doseopt.engines.simulate_backfill import SimulateBackfill
from doseopt.engines.simulate_pending import SimulatePending
from doseopt.engines.ways import fates_of
from doseopt.study.clock import Clock
from doseopt.study.study import Study

type Engine = Callable[[Design, xr.Dataset], xr.Dataset]

UNIFORM = Onset("uniform")
ON_LATTICE = ("fixed", "bernoulli", "dates")
"""Laws of the arrivals that are exact in slots, or given the one calendar that there is."""
GAPS = ("fixed", "poisson", "uniform")
"""Laws of the time between arrivals."""
DRAWN = (*GAPS, "dates")
"""Those that can be simulated."""
MOST_LEAVING = 300_000
"""States that are followed at the most where patients may leave: some seconds a scenario."""
TRIALS, SEED = 4_000, 1
"""Of a design in a scenario, where its duration is simulated and nothing else is."""


@dataclass(frozen=True)
class InTime:
    """What evaluates a design that decides while patients are pending, by the clock of a study.

    Arrivals at equal gaps, in slots, and on listed dates are evaluated exactly; others exactly given each of the
    calendars that the clock asks for, and simulated in continuous time if it asks for none. So are designs that the
    exact engine refuses as too large.

    Parameters
    ----------
    clock : Clock
    onset : Onset
    exact : bool
        Whether it may be exact.
    simulate : Simulate, optional
        Says how many trials are simulated, and with which seed; None if none may be.
    """

    clock: Clock
    onset: Onset
    exact: bool
    simulate: Simulate | None

    @property
    def trials(self) -> int:
        """Trials a scenario where one is simulated."""
        return 1 if self.simulate is None else self.simulate.trials

    @property
    def draws(self) -> tuple[int, int]:
        """Trials a scenario, and the seed, where times are simulated."""
        return (TRIALS, SEED) if self.simulate is None else (self.simulate.trials, self.simulate.seed)

    def __call__(self, design: Design, scenarios: xr.Dataset, start: TrialState | None = None) -> xr.Dataset:
        """Return the outcomes of a design; see `ExactPending`."""
        kind, why, fates = self.clock.accrual.kind, {}, fates_of(scenarios, self.onset)
        by_calendar = kind in DRAWN and kind not in ON_LATTICE and self.clock.calendars is not None and start is None
        if design.facts.times:
            why = {"why": "the rule asks when DLTs occurred"}
        elif kind not in ON_LATTICE and not by_calendar:
            why = {"why": "patients come in no slots"}
        elif fates is not None and (by_calendar or (fates.loses and kind == "dates")):
            why = {"why": "patients may leave the window, and come in no slots"}
        elif self.exact:
            try:
                return self._averaged(design, scenarios) if by_calendar else self._exactly(design, scenarios, start)
            except (TooManyStates, MemoryError):
                if self.simulate is None:
                    raise
        if self.simulate is None and design.facts.times:
            wanted = "wanted one that does not ask when DLTs occurred, as adaptive weights do, or simulated trials"
            raise Faults([Fault("design", wanted)])
        if self.simulate is None or start is not None:
            wanted = f"wanted arrivals of kind {' or '.join(map(repr, ON_LATTICE))}, got {kind!r}"
            more = "; or simulated trials" if self.simulate is None and kind in DRAWN else ""
            calendars = "; or calendars = 200 in the [clock]" if more and kind != "fixed" and not by_calendar else ""
            raise Faults([Fault("clock.accrual.kind", f"{wanted}{more}{calendars}")])
        return self.drawn(design, scenarios).assign_attrs(why)

    def _exactly(self, design: Design, scenarios: xr.Dataset, start: TrialState | None) -> xr.Dataset:
        """Evaluate a design in slots, or given its one calendar."""
        most = self.most_states(scenarios)
        try:
            return ExactPending(lattice_of(self.clock), self.onset, max_states=most)(design, scenarios, start)
        except NoMoreArrivals:
            raise Faults([self.too_few()]) from None

    def most_states(self, scenarios: xr.Dataset) -> int:
        """Return how many states are followed at the most: fewer where patients may leave, each scenario by itself."""
        return MAX_PENDING if fates_of(scenarios, self.onset) is None else MOST_LEAVING

    def _averaged(self, design: Design, scenarios: xr.Dataset) -> xr.Dataset:
        """Evaluate a design given each of some calendars."""
        assert self.clock.calendars is not None
        engine = ExactCalendars(gaps_of(self.clock), self._at_event(), self.clock.calendars, self.draws[1])
        return engine(design, scenarios)

    def drawn(self, design: Design, scenarios: xr.Dataset) -> xr.Dataset:
        """Simulate the trials of a design in continuous time; see `SimulatePending`."""
        try:
            return self.simulator(design, scenarios)
        except NoMoreArrivals:
            raise Faults([self.too_few()]) from None

    @property
    def simulator(self) -> SimulatePending:
        """The engine that simulates trials in continuous time."""
        if self.clock.accrual.kind == "bernoulli":
            wanted = f"wanted arrivals of kind {' or '.join(map(repr, DRAWN))} for simulated trials, got 'bernoulli'"
            raise Faults([Fault("clock.accrual.kind", wanted)])
        listed = self.clock.accrual.kind == "dates"
        arrivals = calendar_of(self.clock) if listed else gaps_of(self.clock)
        return SimulatePending(arrivals, self._at_event(), *self.draws)

    def _at_event(self) -> Onset:
        """Return the onset of trials in which a DLT is known at once."""
        if self.clock.known == "at_visit":
            wanted = "wanted 'at_event', as trials in no slots know a DLT when it occurs, got 'at_visit'"
            raise Faults([Fault("clock.known", wanted)])
        return self.onset

    def too_few(self) -> Fault:
        """Say that trials go on after the last listed arrival."""
        listed = f"wanted more arrivals than the {len(self.clock.accrual.dates)} listed"
        wanted = f"{listed}: after the last, a design that decides while patients are pending still has to be asked"
        return Fault("clock.accrual.dates", wanted)


def calendar_of(clock: Clock) -> Calendar:
    """Return the listed arrivals of a clock, in windows."""
    return Calendar(tuple(day / clock.window for day in clock.accrual.days(clock.start)))


def lattice_of(clock: Clock) -> Lattice | Calendar:
    """Return the slots of a clock: one an arrival where these come at equal gaps; the first comes after one slot."""
    if clock.accrual.kind == "dates":
        return calendar_of(clock)
    each = clock.accrual.rate(clock.window) * clock.window
    visits = tuple(day / clock.window for day in clock.visits if day <= clock.window)
    seen = visits if clock.known == "at_visit" else ()
    if clock.accrual.kind == "fixed":
        return Lattice(each, 1.0, seen, opened=1.0)
    return Lattice(float(clock.slots), each, seen, opened=1.0)


def engine_for(study: Study, engine: Engine, design: Design) -> Engine:
    """Return what evaluates a design of a study: the engine itself, but for one whose trials depend on the clock."""
    if design.facts.backfill is not None:
        return backfilling_for(study, engine)
    return in_time_for(study, engine) if design.facts.pending else engine


def backfilling_for(study: Study, engine: Engine) -> SimulateBackfill:
    """Return what simulates the designs of a study that backfill lower doses."""
    if study.clock is None:
        raise Faults([Fault("clock", "missing; wanted for a design that backfills lower doses")])
    simulate, which = simulator_of(engine), "as a design backfills lower doses"
    if simulate is None:
        raise Faults([Fault("design", "wanted one that backfills no lower doses, or simulated trials")])
    found = _unserved(study.clock, which)
    if study.clock.accrual.kind not in GAPS:
        wanted = f"wanted {' or '.join(map(repr, GAPS))}, {which}, got {study.clock.accrual.kind!r}"
        found.append(Fault("clock.accrual.kind", wanted))
    if study.clock.known == "at_visit":
        found.append(Fault("clock.known", f"wanted 'at_event', {which}, got 'at_visit'"))
    if study.window_events is not None:
        found.append(Fault("window_events", f"wanted none, {which}"))
    if found:
        raise Faults(found, study.name)
    clock, resolved = study.clock, study.clock.evaluate == "resolved"
    return SimulateBackfill(gaps_of(clock), _onset(study, clock), resolved, simulate.trials, simulate.seed)


def in_time_for(study: Study, engine: Engine) -> InTime:
    """Return what evaluates the designs of a study that decide while patients are pending."""
    if study.clock is None:
        raise Faults([Fault("clock", "missing; wanted for a design that decides while patients are pending")])
    if faults := _unserved(study.clock, "as a design decides while patients are pending"):
        raise Faults(faults)
    return InTime(study.clock, _onset(study, study.clock), not isinstance(engine, Simulate), simulator_of(engine))


def simulator_of(engine: Engine) -> Simulate | None:
    """Return what of an engine says how many trials are simulated, and with which seed; None if none may be."""
    return engine if isinstance(engine, Simulate) else getattr(engine, "simulate", None)


def seed_of(engine: Engine) -> int:
    """Return the seed by which days are drawn, and trials simulated of which nothing else is."""
    drawing = simulator_of(engine)
    return SEED if drawing is None else drawing.seed


def gaps_of(clock: Clock) -> Gaps:
    """Return the law of the time between arrivals, in windows."""
    return Gaps(clock.accrual.rate(clock.window) * clock.window, clock.accrual.kind)


def _unserved(clock: Clock, which: str) -> list[Fault]:
    """Say what of a clock trials in continuous time do not know."""
    found = [Fault("clock.closed", f"wanted 'lost', {which}, got {clock.closed!r}")] if clock.queue else []
    waits = vars(clock.stagger).items()
    return found + [Fault(f"clock.stagger.{name}", f"wanted 0, {which}, got {days:g}") for name, days in waits if days]


def _onset(study: Study, clock: Clock) -> Onset:
    """Return when DLTs occur: as the clock says, else uniformly, or at a constant hazard beside other events."""
    return clock.law or (UNIFORM if study.window_events is None else CONSTANT)
