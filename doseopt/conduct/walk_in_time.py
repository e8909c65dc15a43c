"""One simulated trial of a design that decides while patients are pending, told arrival by arrival."""

from __future__ import annotations

from typing import Any

import numpy as np

from doseopt.clock.fates import DLT, GONE
from doseopt.clock.lattice import NoMoreArrivals
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import CONTINUE, NONE, BoolArray, FloatArray, IntArray
from doseopt.engines.exact import observed_rates, rates_beside
from doseopt.engines.follow_up import NO_DLT
from doseopt.engines.pending_trials import PendingTrials
from doseopt.engines.simulate import Simulate
from doseopt.engines.ways import fates_of
from doseopt.records.trial import Trial
from doseopt.study.on_pending import in_time_for
from doseopt.study.study import Study


def walk_in_time(study: Study, trial: Trial, design: str, scenario: str, seed: int) -> dict[str, Any]:
    """Simulate one trial in continuous time, by the clock of the study, and keep what happens at each arrival.

    It is the first of the trials that a comparison simulates with this seed.

    Parameters
    ----------
    study : Study
        With a clock.
    trial : Trial
        Without patients: who came before the walk has no place in its calendar.
    design, scenario : str
        Names in the study.
    seed : int

    Returns
    -------
    dict
        `arrivals`, one each: the `day`, the tally of outcomes known (`n`, `y`), the `pending` patients with their
        days of follow-up, the `level` that the patient is given, None if the patient is turned away, and `stop`, why
        the trial is over, empty if it goes on; `patients`, one each: `level`, the day each `came` and the outcome was
        `known`, whether it is a `dlt`, `lost` of one who is replaced or left out, and `moderate` of one with a moderate
        toxicity, where the design looks at it; `window`, `stop`, and `mtd` (index, or NONE).
    """
    if trial.patients:
        wanted = "wanted no patients so far, as the design decides while patients are pending, whose days are drawn"
        raise Faults([Fault("outcomes", wanted)])
    rule = study.designs[design]
    engine = in_time_for(study, Simulate(1, seed))
    truth = study.scenarios.sel(scenario=[scenario])
    p = observed_rates(rule, truth)
    trials = engine.simulator
    fates, beside = fates_of(truth, engine.onset), rates_beside(rule.facts.outcomes, truth)
    told = _Told(rule, trials.gaps, trials.onset, p, fates, seed, 1, 0, beside)
    try:
        ends = told.run()
    except NoMoreArrivals:
        raise Faults([engine.too_few()]) from None
    assert study.clock is not None
    window = study.clock.window
    patients = [
        {
            "level": int(told.at[0, k]) + 1,
            "came": window * float(told.came[0, k]),
            "known": window * float(told.known[0, k]),
            "dlt": bool(told.fate[0, k] == DLT),
            **({"lost": True} if told.fate[0, k] >= GONE else {}),
            **({"moderate": True} if told.fate[0, k] in NO_DLT and not told.mild[0, k] else {}),
        }
        for k in range(int(told.treated[0]))
    ]
    for one in told.story:
        one["day"] *= window
        one["pending"] = [{"level": level, "days": window * share} for level, share in one["pending"]]
    reason = rule.facts.stops[int(told.stop[0]) - 1]
    mtd = int(np.ravel(ends[3])[0])
    found = {"arrivals": told.story, "patients": patients, "window": window, "stop": reason}
    return found | {"mtd": None if mtd == NONE else mtd + 1}


class _Told(PendingTrials):
    """One trial, told.

    Attributes
    ----------
    story : list of dict
        In windows.
    """

    def __init__(self, *of: Any) -> None:
        super().__init__(*of)
        self.story: list[dict[str, Any]] = []

    def meet(self, rows: IntArray, day: FloatArray) -> BoolArray:
        """Let a patient come, and tell it."""
        self._learn(rows, day)
        state, pending = self.seen(rows, day)
        treated = self.treated[0]
        goes_on = super().meet(rows, day)
        waiting = zip(pending.dose[0].tolist(), pending.share[0].tolist(), strict=True)
        stop = int(self.stop[0])
        self.story.append(
            {
                "day": float(day[0]),
                "n": state.n[0].tolist(),
                "y": state.y[0].tolist(),
                "pending": [(dose + 1, share) for dose, share in waiting if dose >= 0],
                "level": int(self.at[0, treated]) + 1 if self.treated[0] > treated else None,
                "stop": "" if stop == CONTINUE else self.design.facts.stops[stop - 1],
            }
        )
        return goes_on
