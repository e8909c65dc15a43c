"""Times of trials that are simulated as a whole: of designs with too many states for a graph, or on request."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import xarray as xr

from doseopt.clock.replaced import Enrolled, enrolled
from doseopt.comparison.drawn_times import enrolments, of_enrolments
from doseopt.comparison.evaluate import Engine
from doseopt.comparison.times import replaced_in, unlawful
from doseopt.core.design import Design
from doseopt.core.state import Decision, FloatArray, IntArray, TrialState
from doseopt.engines.calendars import outcome_of
from doseopt.engines.enrolling import enrolling, loses, lost_chances, replaced
from doseopt.engines.exact import observed_rates, rates_beside
from doseopt.engines.patients import Patients
from doseopt.engines.simulate import ROWS, run_trials
from doseopt.study.clock import Clock
from doseopt.study.on_pending import TRIALS, seed_of, simulator_of
from doseopt.study.study import Study

STEP = max(ROWS // TRIALS, 1)
"""Scenarios at a time."""


def times_of_simulated(
    scenarios: xr.Dataset, clock: Clock | None, design: Design, seed: int
) -> tuple[dict[str, FloatArray], Enrolled | None]:
    """Return how long trials take in each scenario, and the law of the number enrolled, of simulated trials.

    The patients are those of `Simulate(TRIALS, seed)`; the days on which they come are drawn beside, and so is nothing
    of who is replaced where those enrolled are not capped: that adds negative binomials.

    Parameters
    ----------
    scenarios : Dataset
        As for `times_of`.
    clock : Clock, optional
        Without one nothing is said of times.
    design : Design
    seed : int
    """
    design = enrolling(design, scenarios)
    space, doses = design.facts.outcomes, design.facts.doses
    rates = space.chances(observed_rates(design, scenarios), rates_beside(space, scenarios))
    chances = [*lost_chances(design, scenarios), *rates]
    days = [] if clock is None else enrolments(scenarios, clock, seed)
    between = 0.0 if clock is None else clock.stagger.between_cohorts_days
    ends, places = np.zeros((len(chances[0]), TRIALS)), np.zeros((len(chances[0]), TRIALS, doses), np.int64)
    treated = np.zeros(places.shape, bool)
    for first in range(0, len(places), STEP):

        def follow(running: IntArray, given: Decision, outcome: IntArray, begin: int = first) -> None:
            """Enrol the next cohort of the trials that go on."""
            for r in range(begin, min(begin + STEP, len(places))):
                rows = np.flatnonzero(running // TRIALS == r - begin)
                trials, dose, size = running[rows] % TRIALS, given.dose[rows], given.size[rows]
                places[r, trials, dose] += outcome[rows].sum(axis=1)
                if days and len(rows):
                    opened = ends[r, trials] + np.where(treated[r, trials].any(axis=1), between, 0)
                    seen = outcome_of(space, outcome[rows], size, np.zeros(len(rows), bool))
                    ends[r, trials] = days[r].follow(trials, opened, size, dose, ~treated[r, trials, dose], *seen)
                treated[r, trials, dose] = True

        start = TrialState.empty(doses, len(design.facts.memory))
        patients = Patients(TRIALS, np.random.SeedSequence(seed))
        run_trials(design, start, patients, [chance[first : first + STEP] for chance in chances], follow)
    times = {} if clock is None else of_enrolments(clock, ends, days)
    return times, _number(scenarios, places, space.replaces) if "per_evaluable" in scenarios else None


def _number(scenarios: xr.Dataset, places: IntArray, told: bool) -> Enrolled:
    """Return the law of the number enrolled for some places in cohorts, [R, T, D]; told are those replaced, too."""
    out = replaced(scenarios) * (not told)
    weight = np.full((1, TRIALS), 1 / TRIALS)
    each = [enrolled(places[r], weight, out[r : r + 1]).probability[0] for r in range(len(places))]
    longest = max(map(len, each))
    return Enrolled(np.array([np.pad(law, (0, longest - len(law))) for law in each]))


def told_why_simulated(study: Study, engine: Engine, result: xr.Dataset, found: Mapping[str, FloatArray]) -> xr.Dataset:
    """Say why times were simulated, and of which designs with how many trials, if any were."""
    if study.clock is None:
        return result
    designs, trials = study.designs.values(), result["trials"].to_numpy()
    pending = np.array([design.facts.in_time for design in designs])
    drawn, whole = (found["duration_mcse"] > 0).any(axis=1), np.isfinite(trials) & ~pending
    reasons, replaces = [], replaced_in(study.scenarios)
    if replaces:
        reasons = ["patients are replaced"]
    elif study.clock.lawless or (drawn & ~pending & ~whole).any():
        some = any(loses(design, study.scenarios) for design in designs)
        capped = any(design.facts.max_enrolled is not None for design in designs)
        come = some and any(design.facts.comers is not None for design in designs)
        why = "cohorts are treated as patients come, of whom some are left out" if come else ""
        reasons = [unlawful(study.clock, some, capped) or why or "the law takes too much memory or time"]
    if whole.any():
        reasons.append("trials are simulated as a whole")
    if (drawn & pending).any():
        fills = any(design.facts.backfill is not None for design in designs)
        reasons.append(
            "lower doses are backfilled" if fills else "trials with pending patients are followed in no slots"
        )
    if not reasons:
        return result
    drawing = simulator_of(engine)
    own = TRIALS if drawing is None else drawing.trials
    told = drawn | (replaces & ~pending)
    made = {}
    for name, what, value in (
        ("trials", "trials a scenario", np.where(pending, own, TRIALS)),
        ("seed", "seed", seed_of(engine)),
    ):
        each = np.where(told, value, np.nan)
        made[f"times_{name}"] = ("design", each, {"units": "1", "long_name": f"{what} by which times are simulated"})
    return result.assign(made).assign_attrs(times_simulated=" or ".join(reasons))
