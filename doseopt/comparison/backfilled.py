"""Backfilled trials: an interval design whose lower doses are open while a cohort is followed up, simulated in time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import xarray as xr

from doseopt.clock.onset import Onset
from doseopt.core.outcome_space import EFFICACY
from doseopt.core.parameters import check, param
from doseopt.core.state import NONE, FloatArray, TrialState
from doseopt.designs.backfill import Backfill
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.engines.entries import entries_of_trials
from doseopt.engines.exact import observed_rates, rates_beside
from doseopt.engines.outcomes import make_outcomes

TOO_TOXIC, OVER = 1, 2
"""Why a trial stops: codes of an interval design under `MaxPatients`."""
BLOCK = 512
"""Random numbers drawn at a time for a trial."""


@dataclass
class _Course:
    """One trial as it goes on: a patient is a dose, when the outcome is known, and whether it is a DLT."""

    doses: int
    at: int
    cohort: list[tuple[float, bool]] = field(default_factory=list)
    beside: list[tuple[int, float, bool]] = field(default_factory=list)
    n: list[int] = field(init=False)
    y: list[int] = field(init=False)
    first_response: list[float] = field(init=False)
    entered: list[int] = field(init=False)
    treated: int = 0

    def __post_init__(self) -> None:
        self.n, self.y = [0] * self.doses, [0] * self.doses
        self.first_response, self.entered = [np.inf] * self.doses, [-1] * self.doses

    def known(self, day: float) -> tuple[list[int], list[int]]:
        """Return patients and DLTs of finished cohorts, and of backfilling as far as outcomes are known before."""
        n, y = self.n.copy(), self.y.copy()
        for dose, when, dlt in self.beside:
            if when < day:
                n[dose] += 1
                y[dose] += dlt
        return n, y

    def assigned(self) -> list[int]:
        """Return the patients at each dose, those of the current cohort apart."""
        found = self.n.copy()
        for dose, _, _ in self.beside:
            found[dose] += 1
        return found


@dataclass(frozen=True)
class SimulateBackfill:
    """Trials with backfilling, simulated in time with Monte Carlo errors. Patients come by a Poisson process.

    Escalation cohorts are opened until `cohorts` are finished. Patients of backfilling who are pending when the last
    cohort has been followed up do not count; the trial is over then.

    Parameters
    ----------
    rule : Backfill
    cohorts : int
        Of the escalation, at the most.
    per_window : float
        Patients who come in one DLT window.
    onset : Onset
        When in the window DLTs occur. Responses are seen at its end.
    trials, seed : int
        As of `Simulate`; a trial's patients are the same in every scenario.

    Examples
    --------
    Nobody responds, so that nobody is backfilled; three patients a window make a cohort of three last two on average.

    >>> from doseopt import BOIN, make_scenarios
    >>> from doseopt.comparison.backfilled import SimulateBackfill
    >>> from doseopt.designs.backfill import Backfill
    >>> trials = SimulateBackfill(Backfill(BOIN(doses=2, target=0.25)), cohorts=2, per_window=3.0, trials=10)
    >>> outcomes = trials(make_scenarios([[0.0, 0.0]], ["safe"], p_eff=[[0.0, 0.0]]))
    >>> outcomes["n"].values[0, 0].tolist(), int(outcomes["backfilled"].sum())
    ([3, 3], 0)
    """

    rule: Backfill
    cohorts: int = param(8, kind=int, low=1, doc="cohorts of the escalation at the most")
    per_window: float = param(3.0, kind=float, low=0, open_low=True, doc="patients who come in one DLT window")
    onset: Onset = field(default_factory=lambda: Onset("weibull"))
    trials: int = param(2000, kind=int, low=1, doc="trials a scenario")
    seed: int = param(1, kind=int, low=0, doc="seed of the run")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def __call__(self, scenarios: xr.Dataset) -> xr.Dataset:
        """Return the outcomes: as of any engine, with `duration` (windows) and `backfilled` (patients) of each trial.

        Parameters
        ----------
        scenarios : Dataset
            With `p_eff`, the rates of response.
        """
        base = self.rule.base
        design = Modified(base, (MaxPatients(n=self.cohorts * base.cohort),))
        p, q = observed_rates(design, scenarios), rates_beside(EFFICACY, scenarios)
        assert q is not None
        shape = (len(p), self.trials, base.doses)
        n, y, extra, before = np.zeros((4, *shape), np.int64)
        stop, lasted = np.zeros(shape[:2], np.int64), np.zeros(shape[:2])
        for r, (rates, responses) in enumerate(zip(p, q, strict=True)):
            for t in range(self.trials):
                course, stopped, day = self._run(np.random.default_rng((self.seed, t)), rates, responses)
                n[r, t], y[r, t] = course.known(day)
                extra[r, t] = n[r, t] - course.n
                before[r, t], stop[r, t], lasted[r, t] = course.entered, stopped, day
        before[n == 0] = NONE
        tally = n.reshape(-1, base.doses), y.reshape(-1, base.doses)
        flat = TrialState(*tally, np.zeros(stop.size, np.int64), np.zeros((stop.size, 0), np.int64))
        chosen = base.select(flat, np.where(stop == TOO_TOXIC, 1, 0).ravel()).reshape(stop.shape)
        attrs = {"engine": "simulated", "trials": float(self.trials), "seed": self.seed, "why": "backfilling in time"}
        ends = {"n": n, "y": y, "selected": chosen, "stop": stop, "weight": np.full(shape[:2], 1 / self.trials)}
        entries = entries_of_trials(n, before, np.zeros(base.doses, np.int64))
        found = make_outcomes(design, scenarios, **ends, entries=entries, reasons=design.facts.stops, attrs=attrs)
        dims = ("scenario", "ending")
        return found.assign(
            duration=(dims, lasted, {"units": "windows", "long_name": "from the first patient to the last follow-up"}),
            backfilled=((*dims, "dose"), extra, {"units": "patients", "long_name": "patients of backfilling"}),
        )

    def _run(self, rng: np.random.Generator, p: FloatArray, q: FloatArray) -> tuple[_Course, int, float]:
        """Run one trial; return it, why it stopped, and when the last cohort was known."""
        base, rule = self.rule.base, self.rule
        course, day, done, room = _Course(base.doses, base.start - 1), 0.0, 0, base.doses
        draws: Any = iter(())

        def patient(dose: int) -> tuple[float, bool]:
            """Treat a patient who comes now."""
            share = float(self.onset.when(np.array(u), np.array(p[dose])))
            if course.entered[dose] < 0:
                course.entered[dose] = course.treated
            course.treated += 1
            if responds < q[dose]:
                course.first_response[dose] = min(course.first_response[dose], day + 1)
            return (day + share, True) if u < p[dose] else (day + 1, False)

        while True:
            row = next(draws, None)
            if row is None:
                waits, rest = rng.exponential(1 / self.per_window, BLOCK), rng.random((BLOCK, 2))
                draws = iter(np.column_stack([waits, rest]).tolist())
                row = next(draws)
            wait, u, responds = row
            day += wait if course.treated else 0.0
            if len(course.cohort) < base.cohort:
                course.cohort.append(patient(course.at))
            elif (last := max(when for when, _ in course.cohort)) < day:
                course.n[course.at] += base.cohort
                course.y[course.at] += sum(dlt for _, dlt in course.cohort)
                dose, room = rule.next_dose(*course.known(day), course.at, room)
                done += 1
                if dose is None or done == self.cohorts:
                    return course, TOO_TOXIC if dose is None else OVER, last
                course.at, course.cohort = dose, []
                course.cohort.append(patient(dose))
            elif course.at and min(course.first_response[: course.at]) < day:
                n, y = course.known(day)
                n[course.at] += sum(when < day for when, _ in course.cohort)
                y[course.at] += sum(dlt and when < day for when, dlt in course.cohort)
                seen, upto = [when < day for when in course.first_response], course.at + 1
                if found := rule.opens(n[:upto], y[:upto], course.assigned(), seen):
                    course.beside.append((found[-1], *patient(found[-1])))
