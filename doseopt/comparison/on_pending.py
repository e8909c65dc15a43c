"""Designs of a study that decide while patients are pending: what evaluates them, and how long their trials take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from doseopt.clock.competing import CONSTANT
from doseopt.clock.lattice import Gaps, Lattice
from doseopt.clock.onset import Onset
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray, TrialState
from doseopt.engines.budget import TooManyStates
from doseopt.engines.duration_pending import duration_law
from doseopt.engines.exact_pending import ExactPending
from doseopt.engines.simulate import Simulate
from doseopt.engines.simulate_pending import SimulatePending
from doseopt.engines.ways import MEANS
from doseopt.study.clock import Clock
from doseopt.study.study import Study

type Engine = Callable[[Design, xr.Dataset], xr.Dataset]

UNIFORM = Onset("uniform")
ON_LATTICE = ("fixed", "bernoulli")
"""Laws of the arrivals that are exact in slots."""
DRAWN = ("fixed", "poisson", "uniform")
"""Those that can be simulated."""
MOST_TIMED = 500_000
"""States that are followed slot by slot at the most."""
ROUNDING = 1e-9
"""By which days and probabilities may be off."""


@dataclass(frozen=True)
class InTime:
    """What evaluates a design that decides while patients are pending, by the clock of a study.

    Arrivals at equal gaps, and in slots, are evaluated exactly; others are simulated in continuous time. So are designs
    that the exact engine refuses as too large.

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

    def __call__(self, design: Design, scenarios: xr.Dataset, start: TrialState | None = None) -> xr.Dataset:
        """Return the outcomes of a design; see `ExactPending`."""
        kind, why = self.clock.accrual.kind, {}
        if kind not in ON_LATTICE:
            why = {"why": "patients come in no slots"}
        elif design.facts.times:
            why = {"why": "the rule asks when DLTs occurred"}
        elif self.exact:
            try:
                return ExactPending(lattice_of(self.clock), self.onset)(design, scenarios, start)
            except (TooManyStates, MemoryError):
                if self.simulate is None:
                    raise
        if self.simulate is None or start is not None or kind not in DRAWN:
            kinds = ON_LATTICE if self.simulate is None or start is not None else DRAWN
            more = "; or simulated trials" if self.simulate is None and kind in DRAWN else ""
            wanted = f"wanted arrivals of kind {' or '.join(map(repr, kinds))}, got {kind!r}{more}"
            raise Faults([Fault("clock.accrual.kind", wanted)])
        per_window = self.clock.accrual.rate(self.clock.window) * self.clock.window
        engine = SimulatePending(Gaps(per_window, kind), self.onset, self.simulate.trials, self.simulate.seed)
        return engine(design, scenarios).assign_attrs(why)


def lattice_of(clock: Clock) -> Lattice:
    """Return the slots of a clock: one an arrival where these come at equal gaps; the first comes after one slot."""
    each = clock.accrual.rate(clock.window) * clock.window
    visits = tuple(day / clock.window for day in clock.visits if day <= clock.window)
    seen = visits if clock.known == "at_visit" else ()
    if clock.accrual.kind == "fixed":
        return Lattice(each, 1.0, seen, opened=1.0)
    return Lattice(float(clock.slots), each, seen, opened=1.0)


def engine_for(study: Study, engine: Engine, design: Design) -> Engine:
    """Return what evaluates a design of a study: the engine itself, but for one that decides on pending patients."""
    if not design.facts.pending:
        return engine
    events = study.window_events
    if events is not None and any(event.reading != "dlt" for event in events.events.values()):
        wanted = "wanted events that count as DLTs (reading = 'dlt'), as a design decides while patients are pending"
        raise Faults([Fault("window_events", wanted)])
    if study.clock is None:
        raise Faults([Fault("clock", "missing; wanted for a design that decides while patients are pending")])
    if faults := _unserved(study.clock):
        raise Faults(faults)
    simulate = engine if isinstance(engine, Simulate) else getattr(engine, "simulate", None)
    return InTime(study.clock, _onset(study, study.clock), not isinstance(engine, Simulate), simulate)


def _unserved(clock: Clock) -> list[Fault]:
    """Say what of a clock the trials of designs that decide on pending patients do not know."""
    which = "as a design decides while patients are pending"
    found = [Fault("clock.closed", f"wanted 'lost', {which}, got {clock.closed!r}")] if clock.queue else []
    waits = vars(clock.stagger).items()
    return found + [Fault(f"clock.stagger.{name}", f"wanted 0, {which}, got {days:g}") for name, days in waits if days]


def _onset(study: Study, clock: Clock) -> Onset:
    """Return when DLTs occur: as the clock says, else uniformly, or at a constant hazard beside other events."""
    return clock.law or (UNIFORM if study.window_events is None else CONSTANT)


def times_of_pending(
    study: Study, engine: Engine, design: Design, days: Sequence[float], levels: Sequence[float]
) -> dict[str, FloatArray]:
    """Return how long the trials of a design take that decides while patients are pending, and whom it turns away.

    The duration ends when the outcomes of all patients are known. Quantiles and probabilities by a day are nan where
    the trials cannot be followed slot by slot.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible
        That the comparison is made with.
    design : Design
    days : sequence of float
        By which it is said how many trials are done.
    levels : sequence of float
        Of the quantiles.

    Returns
    -------
    dict of str to float array [R, ..]
        By the names of `in_time.TIMES`, in days, and `pending_at_decision`.
    """
    assert study.clock is not None
    clock, found = study.clock, engine_for(study, engine, design)(design, study.scenarios)
    weight = found["weight"]
    mean = {name: (weight * found[name]).sum("ending").to_numpy() for name in MEANS}
    window, after = clock.window, clock.after_window
    sd = window * np.sqrt(np.maximum(mean["square"] - mean["time"] ** 2, 0))
    exact = bool(np.isinf(found.attrs["trials"]))
    times, chance = _law(study, clock, design) if exact else _drawn(found)
    done, completed = (_below(times * window + later, chance, np.array(days)) for later in (0.0, after))
    quantile = window * _quantile(times, chance, np.array(levels))
    return {
        "duration": window * mean["time"],
        "duration_mcse": sd / np.sqrt(found.attrs["trials"]),
        "duration_sd": sd,
        "duration_quantile": quantile,
        "done_by": done,
        "completion": window * mean["time"] + after,
        "completion_sd": sd,
        "completion_quantile": quantile + after,
        "completed_by": completed,
        "turned_away": mean["turned_away"],
        "pending_at_decision": mean["pending"] / mean["decisions"],
    }


def _law(study: Study, clock: Clock, design: Design) -> tuple[FloatArray, FloatArray]:
    """Return the durations of trials, [1, T], and their probabilities, [R, T]; nan where they are too many."""
    p = study.scenarios["p_observed"].to_numpy()
    try:
        times, chance = duration_law(design, lattice_of(clock), _onset(study, clock), p, MOST_TIMED)
    except TooManyStates:
        return np.zeros((1, 1)), np.full((len(p), 1), np.nan)
    return times[None], chance


def _drawn(outcomes: xr.Dataset) -> tuple[FloatArray, FloatArray]:
    """Return the durations of simulated trials in order, [R, T], and their probabilities."""
    times = np.sort(outcomes["time"].to_numpy(), axis=1)
    return times, np.full(times.shape, 1 / times.shape[1])


def _below(times: FloatArray, chance: FloatArray, days: FloatArray) -> FloatArray:
    """Return the probability of at most these days, [R, Q]."""
    return np.asarray(((times[:, None, :] <= days[:, None] + ROUNDING) * chance[:, None, :]).sum(axis=2))


def _quantile(times: FloatArray, chance: FloatArray, levels: FloatArray) -> FloatArray:
    """Return the shortest times with at least these probabilities at or below them, [R, Q]."""
    reached = np.cumsum(chance, axis=1)[:, None, :] >= levels[:, None] - ROUNDING
    found = np.take_along_axis(np.broadcast_to(times, chance.shape), reached.argmax(axis=2), axis=1)
    return np.where(np.isnan(chance[:, :1]), np.nan, found)
