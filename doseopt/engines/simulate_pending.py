"""Trials of designs that decide while patients are pending, simulated in continuous time.

A patient is one uniform number u: a DLT by the share s of the window if u < F(s), F the law of the onset at the dose.
Where other events happen three more numbers say of which population a patient is, when another event comes first, and
how it counts. All designs treat the same patients in the same order, those of `Simulate`, and meet the same arrivals.

A patient who is replaced before another cohort is opened gives the place to the next who comes, at the dose of the
cohort; one who is replaced later just counts no more. Who is left out keeps the place; a cohort all of whom are left
out is treated again. Where patients can be lost, a trial that has its cap waits until it is known who counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from doseopt.clock.fates import Fates
from doseopt.clock.lattice import Calendar, Gaps
from doseopt.clock.onset import Onset
from doseopt.core.beside import processes, spread
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults, check, param
from doseopt.core.remembered import remembered
from doseopt.engines.entries import entries_of_trials
from doseopt.engines.exact import observed_rates, rates_beside
from doseopt.engines.outcomes import make_outcomes
from doseopt.engines.pending_trials import PendingTrials
from doseopt.engines.ways import ESCALATED, MEANS, Rates, fates_of, rates_of

ROWS = 25_000
"""Trials at once, each of which keeps all its patients; more take more memory, and no less time."""
MOST_BYTES = 1 << 28
"""Of the trials that are remembered, besides the last ones."""


def _no_arrivals(value: object) -> str | None:
    return None if isinstance(value, Gaps | Calendar) else f"wanted Gaps or a Calendar, got {value!r}"


@dataclass(frozen=True)
class SimulatePending:
    """Simulated operating characteristics of a design that decides while patients are pending.

    Parameters
    ----------
    gaps : Gaps or Calendar
        Law of the time between arrivals, or when they are.
    onset : Onset
        When in the window DLTs occur.
    trials : int
        Trials a scenario.
    seed : int

    Examples
    --------
    Without DLTs every trial selects the highest dose.

    >>> from doseopt import RollingSix, SimulatePending, make_scenarios
    >>> from doseopt.clock.lattice import Gaps
    >>> engine = SimulatePending(Gaps(per_window=2.0), trials=100)
    >>> outcomes = engine(RollingSix(doses=2, target=0.25), make_scenarios([[0, 0]], ["no"]))
    >>> set(outcomes["selected"].values.ravel().tolist())
    {1}
    """

    gaps: Gaps | Calendar = param(kind=object, custom=_no_arrivals, doc="time between arrivals, or arrivals")
    onset: Onset = param(Onset("uniform"), kind=Onset, doc="law of the onset")
    trials: int = param(10_000, low=1, doc="trials a scenario")
    seed: int = param(1, low=0, doc="seed of the run")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def __call__(self, design: Design, scenarios: xr.Dataset) -> xr.Dataset:
        """Simulate the trials of a design in every scenario; outcomes also hold `MEANS` of each."""
        if not design.facts.pending:
            raise Faults([Fault("design", "wanted one that decides while patients are pending; see doseopt.Simulate")])
        p, fates = observed_rates(design, scenarios), fates_of(scenarios, self.onset)
        beside = rates_beside(design.facts.outcomes, scenarios)
        parts = _run(design, self, fates, rates_of(p) or (), rates_of(beside))
        n, y, before, mtd, stop, enrolled = (part.astype(np.int64) for part in parts[:6])
        early, last, *counts = parts[6:]
        outcomes = make_outcomes(
            design,
            scenarios,
            n=n,
            y=y,
            selected=mtd,
            stop=stop,
            weight=np.full(mtd.shape, 1 / self.trials),
            entries=entries_of_trials(n, before, np.zeros(n.shape[2], np.int64), before >= 0),
            reasons=design.facts.stops,
            attrs={"engine": "simulated", "trials": float(self.trials), "seed": self.seed},
        )
        named = zip(MEANS, [last, last**2, *counts], strict=True)
        found = {k: (("scenario", "ending"), v, {"long_name": MEANS[k]}) for k, v in named}
        found["escalated_before_dlt"] = (("scenario", "ending"), early, {"long_name": ESCALATED})
        if fates is not None and fates.loses:
            found["enrolled"] = (
                ("scenario", "ending"),
                enrolled,
                {"long_name": "patients enrolled", "units": "patients"},
            )
        return outcomes.assign(found)


@remembered(MOST_BYTES)
def _run(
    design: Design,
    engine: SimulatePending,
    fates: Fates | None,
    p: Rates,
    moderate: Rates | None,
) -> tuple[Any, ...]:
    """Return what `PendingTrials` finds of all trials, in pieces that fit; a comparison asks for them again.

    Whole numbers are of 16 bits: who is asked about in several ways keeps many.
    """
    each = max(1, min(ROWS // len(p), -(-engine.trials // processes())))

    def piece(first: int) -> list[np.ndarray]:
        given, many = (design, engine.gaps, engine.onset), min(each, engine.trials - first)
        beside = None if moderate is None else np.array(moderate)
        found = PendingTrials(*given, np.array(p), fates, engine.seed, many, first, beside).run()
        return [part.astype(np.int16) if part.dtype.kind == "i" else part for part in found]

    parts = spread(piece, range(0, engine.trials, each))
    found = tuple(np.concatenate(part, axis=1) for part in zip(*parts, strict=True))
    for part in found:
        part.flags.writeable = False
    return found
