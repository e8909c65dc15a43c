"""The same outcomes by drawing patients; for what cannot be merged, and to check the exact engine.

A patient is one uniform number u: a DLT at dose j if u < p_j, a moderate toxicity if u lies in the next
(1 - p_j) m_j. All designs treat the same patients in the same order, so that differences between designs are paired,
and so are differences between scenarios.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import xarray as xr

from doseopt.design import Design
from doseopt.engine.exact import moderate_rates, observed_rates
from doseopt.outcomes import make_outcomes
from doseopt.rows import unique_rows
from doseopt.state import CONTINUE, NONE, Decision, FloatArray, IntArray, TrialState
from doseopt.trial import advance, selected, step

MOST_COHORTS = 1000


@dataclass(frozen=True)
class Simulate:
    """Simulated operating characteristics with Monte Carlo standard errors.

    Parameters
    ----------
    trials : int
        Trials a scenario.
    seed : int
        One seed a run. Patient i of every trial has a stream of its own, spawned from it, whichever design treats
        them and whatever the number of scenarios.
    """

    trials: int = 10_000
    seed: int = 1

    def __call__(self, design: Design, scenarios: xr.Dataset, start: TrialState | None = None) -> xr.Dataset:
        """Simulate the trials of a design in every scenario; see `Exact` for the arguments."""
        start = TrialState.empty(design.doses, len(design.memory)) if start is None else start
        p = observed_rates(design, scenarios)
        moderate = moderate_rates(scenarios) if design.categories == 3 else np.zeros_like(p)
        patients = Patients(self.trials, np.random.SeedSequence(self.seed))
        runs = [run_trials(design, start, patients, p[r], moderate[r]) for r in range(len(p))]
        n, y, mtd, stop = (np.stack(part) for part in zip(*runs, strict=True))
        weight = np.full((len(p), self.trials), 1 / self.trials)
        attrs = {"engine": "simulated", "trials": float(self.trials), "seed": self.seed}
        ends = {"n": n, "y": y, "selected": mtd, "stop": stop, "weight": weight}
        return make_outcomes(design, scenarios, **ends, reasons=design.stops, attrs=attrs)


class Patients:
    """The latent tolerances of the patients of all trials, drawn when first needed.

    Parameters
    ----------
    trials : int
    seed : SeedSequence
        Patient i of the trials gets its i-th child.
    """

    def __init__(self, trials: int, seed: np.random.SeedSequence) -> None:
        self.trials = trials
        self._seed = seed
        self._columns: list[FloatArray] = []

    def tolerance(self, trial: IntArray, patient: IntArray) -> FloatArray:
        """Return the tolerance of a trial's i-th patient, elementwise."""
        missing = int(patient.max(initial=-1)) + 1 - len(self._columns)
        if missing > 0:
            for child in self._seed.spawn(missing):
                self._columns.append(np.random.default_rng(child).random(self.trials))
        result = np.empty(len(trial))
        for i in np.unique(patient).tolist():
            rows = patient == i
            result[rows] = self._columns[i][trial[rows]]
        return result


def run_trials(
    design: Design, start: TrialState, patients: Patients, p: FloatArray, moderate: FloatArray
) -> tuple[IntArray, IntArray, IntArray, IntArray]:
    """Run all trials of one scenario, cohort by cohort.

    Returns
    -------
    n, y : int array [T, D]
    selected, stop : int array [T]
    """
    trials = patients.trials
    state = start[np.zeros(trials, np.int64)]
    running = np.arange(trials)
    n, y = np.zeros((2, trials, design.doses), np.int64)
    mtd, reason = np.full(trials, NONE), np.zeros(trials, np.int64)
    for _ in range(MOST_COHORTS):
        first, inverse = unique_rows([*state.n.T, *state.y.T, state.dose, *state.memory.T])
        kinds = state[first]
        decision = step(design, kinds)
        ended = np.flatnonzero(decision.stop != CONTINUE)
        chosen = np.full(len(kinds), NONE)
        if len(ended):
            chosen[ended] = selected(design, kinds[ended], decision.stop[ended])
        done = (decision.stop != CONTINUE)[inverse]
        at = running[done]
        n[at], y[at] = state.n[done], state.y[done]
        mtd[at], reason[at] = chosen[inverse[done]], decision.stop[inverse[done]]
        running, state = running[~done], state[~done]
        if not len(running):
            return n, y, mtd, reason
        given = decision[inverse[~done]]
        outcome = _treat(design, state, given, running, patients, start, p, moderate)
        state = advance(design, state, given, outcome)
    raise RuntimeError(f"a trial did not end within {MOST_COHORTS} cohorts: add a max_patients modifier")


def _treat(
    design: Design,
    state: TrialState,
    given: Decision,
    trial: IntArray,
    patients: Patients,
    start: TrialState,
    p: FloatArray,
    moderate: FloatArray,
) -> IntArray:
    """Draw the outcomes of one cohort in each trial, [T, K]."""
    who = np.repeat(np.arange(len(trial)), given.size)
    order = np.arange(len(who)) - np.repeat(np.cumsum(given.size) - given.size, given.size)
    number = (state.total - start.total)[who] + order
    u = patients.tolerance(trial[who], number)
    dlt, other = p[given.dose[who]], moderate[given.dose[who]]
    category = np.where(u < dlt, 0, np.where((design.categories == 3) & (u < dlt + (1 - dlt) * other), 1, 2))
    columns = [np.bincount(who[category == k], minlength=len(trial)) for k in range(3)]
    return np.stack(columns if design.categories == 3 else [columns[0], columns[1] + columns[2]], axis=1)
