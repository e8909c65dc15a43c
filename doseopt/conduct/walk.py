"""One simulated trial, told cohort by cohort: for teaching."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from doseopt.conduct.question import check_trial
from doseopt.conduct.walk_in_time import walk_in_time
from doseopt.core.design import Design, estimated_by
from doseopt.core.parameters import Fault, Faults, nearest
from doseopt.core.state import CONTINUE, NONE, Decision, TrialState
from doseopt.core.trial import advance, demand_waiting, selected, step
from doseopt.engines.exact import observed_rates, rates_beside
from doseopt.engines.patients import Patients
from doseopt.engines.simulate import as_they_come
from doseopt.records.replay import Standing
from doseopt.records.trial import Trial
from doseopt.scenarios.mtd_rule import judged_on, planned_of
from doseopt.study.study import Study


def walk(study: Study, trial: Trial, design: str, scenario: str, seed: int = 1) -> dict[str, Any]:
    """Simulate one trial of a design and keep every step of it.

    A patient is one uniform number, drawn as the simulator draws it: with one seed all designs meet the same patients.

    Parameters
    ----------
    study : Study
    trial : Trial
        So far; the walk goes on from there.
    design, scenario : str
        Names in the study.
    seed : int

    Returns
    -------
    dict
        `steps`, one a cohort: `level`, `size`, `letters` (outcomes), the tally at the dose after it (`n`, `y`), what
        is `inadmissible` from then on, the design's own estimates, and `then`: "up", "stay", "down" or the reason to
        stop; `mtd` (level or None), `true_mtd`, `correct`, and what the trial was made from. Of a design that decides
        while patients are pending no `steps`, but what `walk_in_time` returns.

    Raises
    ------
    Faults
        If the study has no such design or scenario.
    """
    check_trial(study, trial)
    known = [str(s) for s in study.scenarios["scenario"].to_numpy()]
    found = [
        Fault(concept, f"{f'not in the study: {name!r}' if name else 'missing'}{nearest(name, names)}")
        for concept, name, names in (("design", design, list(study.designs)), ("scenario", scenario, known))
        if name not in names
    ]
    if found:
        raise Faults(found, study.name)
    if study.designs[design].facts.pending:
        return _account_in_time(study, trial, design, scenario, seed)
    standing = trial.after(study.designs[design]).standing()
    patients = Patients(1, np.random.SeedSequence(seed))
    return account(study, standing, design, scenario, patients, 0) | trial.provenance() | {"seed": seed}


def _account_in_time(study: Study, trial: Trial, design: str, scenario: str, seed: int) -> dict[str, Any]:
    """Tell a trial of a design that decides while patients are pending."""
    told = walk_in_time(study, trial, design, scenario, seed)
    mtd = NONE if told["mtd"] is None else told["mtd"] - 1
    about = _about(study, study.designs[design], design, scenario, mtd)
    return about | told | trial.provenance() | {"seed": seed}


def account(
    study: Study, standing: Standing, design: str, scenario: str, patients: Patients, trial: int
) -> dict[str, Any]:
    """Tell one of several simulated trials, from where it stands on.

    Parameters
    ----------
    study : Study
    standing : Standing
        The design as the trial goes on with it, amid cohorts or not, and the state.
    design, scenario : str
        Names in the study.
    patients : Patients
        Of all the trials.
    trial : int
        Which of them.

    Returns
    -------
    dict
        As `walk`, without a seed.
    """
    rule, start = standing
    truth = study.scenarios.sel(scenario=[scenario])
    steps, mtd, reason = _steps(rule, truth, patients, trial, start)
    return _about(study, rule, design, scenario, mtd) | {"steps": steps, "stop": reason}


def _about(study: Study, rule: Design, design: str, scenario: str, mtd: int) -> dict[str, Any]:
    """Return what a trial was made from, and whether the MTD that it declares is right."""
    truth = study.scenarios.sel(scenario=[scenario])
    right, best = judged_on(study.mtd, truth["p_dlt"].to_numpy(), planned_of(truth))
    correct = bool(right[0, mtd]) if mtd != NONE else not right.any()
    return {
        **study.provenance(),
        "design": design,
        "scenario": scenario,
        "doses": list(study.doses.labels),
        "unit": study.doses.unit,
        "target": study.target,
        "p_dlt": truth["p_dlt"].to_numpy()[0].tolist(),
        "exclusion": rule.facts.exclusion,
        "mtd": None if mtd == NONE else mtd + 1,
        "true_mtd": None if best[0] < 0 else int(best[0]) + 1,
        "correct": correct,
        "mtd_rule": study.mtd.describe(),
    }


def _steps(
    design: Design, truth: xr.Dataset, patients: Patients, trial: int, start: TrialState
) -> tuple[list[dict[str, Any]], int, str]:
    """Run the trial; return its steps, the MTD (index or NONE) and why it stopped."""
    space = design.facts.outcomes
    chances = space.chances(observed_rates(design, truth), rates_beside(space, truth))
    demand_waiting(design)
    state, steps = start, list[dict[str, Any]]()
    given = step(design, state)
    while given.stop[0] == CONTINUE:
        given = as_they_come(design, given, patients, np.array([trial]), len(steps))
        dose, size = int(given.dose[0]), int(given.size[0])
        number = np.arange(size) + state.total[0] - start.total[0]
        u = patients.tolerance(np.full(size, trial), number)
        letters = "".join(space.letters[k] for k in space.draw(u, *(chance[0, dose] for chance in chances)))
        counts = space.counts(letters)
        state = advance(design, state, Decision(given.dose, given.size, given.stop), np.array([counts]))
        given = step(design, state)
        steps.append(_step(design, state, given, letters))
    return steps, int(selected(design, state, given.stop)[0]), design.facts.stops[given.stop[0] - 1]


def _step(design: Design, state: TrialState, given: Decision, letters: str) -> dict[str, Any]:
    dose = int(state.dose[0])
    move = ("down", "stay", "up")[int(np.sign(given.dose[0] - dose)) + 1]
    return {
        "level": dose + 1,
        "size": len(letters),
        "letters": letters,
        "n": int(state.n[0, dose]),
        "y": int(state.y[0, dose]),
        "inadmissible": (np.flatnonzero(~design.admissible(state)[0]) + 1).tolist(),
        "estimated": [None if np.isnan(x) else float(x) for x in estimated_by(design, state)[0]],
        "then": move if given.stop[0] == CONTINUE else design.facts.stops[given.stop[0] - 1],
        "next_level": int(given.dose[0]) + 1 if given.stop[0] == CONTINUE else None,
        "next_size": int(given.size[0]) if given.stop[0] == CONTINUE else None,
    }
