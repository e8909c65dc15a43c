"""The ladder of amendments: what each step from a registered design gains, and what it costs, from where a trial is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import xarray as xr

from doseopt.amendment.library import library_designs
from doseopt.amendment.outlook import expected, model_now
from doseopt.amendment.steps import RUNGS, Step, all_steps, ladder_steps
from doseopt.beliefs import Belief
from doseopt.beliefs.of_model import COARSE
from doseopt.comparison.window_readings import WindowReading
from doseopt.core.cohort import format_outcomes
from doseopt.core.design import Design
from doseopt.core.parameters import Faults
from doseopt.core.progress import Progress
from doseopt.core.state import FloatArray
from doseopt.designs.waiting import made_to_wait
from doseopt.display.outlook import STUDY_MODEL
from doseopt.engines.budget import TooManyStates
from doseopt.engines.graph import forget_larger, most_patients
from doseopt.measures.operating_characteristics import METRICS
from doseopt.records.trial import Trial
from doseopt.study.study import Study

MEASURES = (
    "correct_selection",
    "overdose_selection",
    "no_selection",
    "sample_size",
    "patients_below_mtd",
    "dlts_above_mtd",
)
"""Of each step."""
SCENARIOS = "mean over the scenarios"
LEAST = 5e-4
"""Gain of a probability that a table shows."""


def ladder(
    study: Study, trial: Trial, registered: str, amended: Sequence[str] = (), progress: Progress = lambda _: None
) -> xr.Dataset:
    """Return what the steps of the ladder attain, from the smallest change on.

    Parameters
    ----------
    study : Study
    trial : Trial
        So far; without patients for an amendment before the first.
    registered : str
        A design of the study.
    amended : sequence of str
        Its designs that are steps, too.
    progress : callable, optional

    Returns
    -------
    Dataset
        `MEASURES` (average, step), averaged over the study's model after the data, and over the scenarios; patients and
        DLTs count from the start of the trial, those below the MTD where a dose is right. Steps that cannot go on from
        where the trial is are left out. `most_patients`, `rung`, `rung_name`, `says` (what of the protocol is changed)
        and `outcome` (whether that is what is declared the MTD, and so a primary outcome that is registered) (step);
        `window`, how an event in the DLT window counts in a step that is evaluated with it, else empty.

    Examples
    --------
    What is declared when the cap ends the trial, in one sentence:

    >>> from doseopt import Trial, load_study
    >>> study = load_study("renji-elo-first")
    >>> found = ladder(study, Trial(study.doses), "ATD+3+3 cap 10")
    >>> at = found["correct_selection"].sel(average=SCENARIOS)
    >>> [round(100 * at.sel(step=step).item(), 1) for step in ("ATD+3+3 cap 10", "reading stated")]
    [19.2, 48.5]
    """
    return _attained(study, trial, registered, ladder_steps(study, registered, amended), progress)


def search(
    study: Study,
    trial: Trial,
    registered: str,
    library: bool = True,
    progress: Progress = lambda _: None,
    further: Mapping[str, Design] | None = None,
) -> xr.Dataset:
    """Return what all combinations of changes attain, as `ladder` does, with all rules of the study and the library.

    They are in order of their rung, of the number of `changes` (step), of whether they change what is declared the MTD,
    of the most patients and, where these agree, of correct selection averaged over the study's model.

    Parameters
    ----------
    study : Study
    trial : Trial
    registered : str
    library : bool
        Whether designs of the library are sought, too: in their usual form, not calibrated.
    progress : callable, optional
    further : mapping of str to Design, optional
        Designs whose rules are sought, too: calibrated ones, say.
    """
    others = (library_designs(study) if library else {}) | dict(further or {})
    found = all_steps(study, registered, others)
    ds = _attained(study, trial, registered, found, progress)
    gain = ds["correct_selection"].sel(average=STUDY_MODEL)
    keys = (-gain, ds["most_patients"], ds["outcome"], ds["changes"], ds["rung"])
    ds = ds.isel(step=np.lexsort([key.to_numpy() for key in keys]))
    return ds.assign_attrs(further="\n".join(further or ()))


def _attained(study: Study, trial: Trial, registered: str, steps: Sequence[Step], progress: Progress) -> xr.Dataset:
    """Return the measures of steps from where the trial is."""
    seen = trial.after(made_to_wait(study.designs[registered]))
    beliefs = {STUDY_MODEL: model_now(study, trial, COARSE), SCENARIOS: Belief(study.scenarios)}
    each: list[list[dict[str, float]]] = []
    most: list[int] = []
    known: list[Step] = []
    for number, step in enumerate(steps, 1):
        progress(f"ladder, step {number} of {len(steps)}: {step.name}")
        design, start = seen.standing(made_to_wait(step.design))
        try:  # it may be too large, a policy may not know the tally, and who was left out before is not known
            now = beliefs if step.window is None else _read(study, step.window, beliefs)
            each.append([expected(study, design, belief, start, MEASURES)[0] for belief in now.values()])
        except (TooManyStates, Faults):
            if step.window is None and step.design == study.designs[registered]:
                raise
            continue
        most.append(most_patients(design, start))
        known.append(step)
        forget_larger()
    left_out = "\n".join(step.name for step in steps if step not in known)
    steps = known
    values = np.array([[[found[b][name] for found in each] for b in range(len(beliefs))] for name in MEASURES])
    data = {
        name: (
            ("average", "step"),
            value,
            {"units": METRICS[name].units, "long_name": f"{METRICS[name].long_name}, averaged"},
        )
        for name, value in zip(MEASURES, values, strict=True)
    }
    coords = {
        "average": list(beliefs),
        "step": [step.name for step in steps],
        "rung": ("step", [step.rung for step in steps]),
        "rung_name": ("step", [RUNGS[step.rung] for step in steps]),
        "says": ("step", [step.says for step in steps]),
        "changes": ("step", [len(step.changes) for step in steps]),
        "outcome": ("step", [step.outcome for step in steps]),
        "window": ("step", ["" if step.window is None else step.window.label for step in steps]),
    }
    attrs = {
        **study.provenance(),
        "registered": registered,
        "outcomes": format_outcomes(seen.cohorts),
        "model": study.describe_model(),
        "left_out": left_out,
    }
    most_attrs = {"units": "patients", "long_name": "most patients of a trial"}
    return xr.Dataset(data | {"most_patients": ("step", most, most_attrs)}, coords, attrs)


def _read(study: Study, window: WindowReading, beliefs: Mapping[str, Belief]) -> dict[str, Belief]:
    """Return beliefs with what happens in the DLT window by a reading; true rates stay as they are."""
    stated = {SCENARIOS: Belief(window.met(study, lambda read: read.scenarios))}
    return {name: stated.get(name) or _met(study, window, each) for name, each in beliefs.items()}


def _met(study: Study, window: WindowReading, belief: Belief) -> Belief:
    """Return a belief in true rates with those that rules meet."""
    finer = None if belief.finer is None else partial(_finer_met, study, window, belief.finer)
    scenarios = window.met(study, lambda read: read.met(belief.scenarios))
    return dataclasses.replace(belief, scenarios=scenarios, finer=finer)


def _finer_met(study: Study, window: WindowReading, finer: Callable[[], Belief]) -> Belief:
    return _met(study, window, finer())


def first_reaching(ds: xr.Dataset, average: str = STUDY_MODEL) -> list[int]:
    """Return the steps that select correctly more often than all before, by position: each value has its first step.

    Parameters
    ----------
    ds : Dataset
        Of `ladder` or `search`.
    average : str
        By which average.
    """
    right = _comparable(ds, average)
    found: list[int] = []
    for k, value in enumerate(right):
        if not found or value > right[found[-1]] + LEAST:
            found.append(k)
    return found


def reaching(ds: xr.Dataset, wanted: float, average: str = STUDY_MODEL) -> int | None:
    """Return the first step, by position, that selects correctly with a wanted probability; None if none does."""
    enough = np.flatnonzero(_comparable(ds, average) >= wanted)
    return int(enough[0]) if enough.size else None


def _comparable(ds: xr.Dataset, average: str) -> FloatArray:
    """Return correct selection by step; nan of those in whose DLT window something else happens than in the study."""
    right = ds["correct_selection"].sel(average=average).to_numpy()
    return np.where(ds["window"].to_numpy() == "", right, np.nan)
