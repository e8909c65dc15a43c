"""Calendar of one trial under a design that decides on pending patients, and under the same one that waits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from doseopt.clock.lattice import Gaps
from doseopt.comparison.alike import waiting_alike
from doseopt.comparison.evaluate import dose_coordinates
from doseopt.core.parameters import Fault, Faults, nearest
from doseopt.core.state import FloatArray
from doseopt.designs.waiting import followed_up
from doseopt.engines.exact import rates_beside
from doseopt.engines.one_trial import Course, OneTrial
from doseopt.study.study import Study

DRAWN = ("fixed", "poisson", "uniform")
"""Laws of arrivals that one trial is drawn under."""


def trial_calendar(study: Study, design: str = "", scenario: str = "", seed: int = 1) -> xr.Dataset:
    """Return how one trial goes under a design that decides on pending patients, and under the same one that waits.

    Parameters
    ----------
    study : Study
        With a clock.
    design : str
        One that decides while patients are pending; the first of the study if left out.
    scenario : str
        The truth; the one in the middle of the list if left out.
    seed : int
        With one seed both designs meet the same patients, in the order of treatment, and the same arrivals.

    Returns
    -------
    Dataset
        Of the two designs (`course`), with the doses of the study, in days from the start: `calendar_came`,
        `calendar_known`, `calendar_level` (of the dose, from 1) and `calendar_dlt` (course, calendar_patient),
        `calendar_turned_away`, when others came, `calendar_closed` and `calendar_opened`, `calendar_end` and
        `calendar_mtd` (a level, 0 for none); nan beyond the last.

    Raises
    ------
    Faults
        If the study has no such design or scenario, or its clock no law for it.
    """
    if faults := [*_unknown(study, design, scenario), *undrawable(study)]:
        raise Faults(faults, study.name)
    assert study.clock is not None
    pending = [name for name, each in study.designs.items() if each.facts.pending]
    name, names = design or pending[0], [str(each) for each in study.scenarios["scenario"].to_numpy()]
    truth, clock = scenario or names[len(names) // 2], study.clock
    other = dict(zip(study.designs, waiting_alike(study), strict=True))[name]
    waits = study.designs[other] if other else followed_up(study.designs[name])
    assert waits is not None
    gaps = Gaps(clock.arrivals.rate * clock.window, clock.accrual.kind)
    p = study.scenarios["p_observed"].sel(scenario=truth).to_numpy()
    scenarios = study.scenarios.sel(scenario=[truth])
    beside = rates_beside(study.designs[name].facts.outcomes, scenarios)
    moderate = None if beside is None else beside[0]
    trial = OneTrial(gaps, clock.onset_beside(False), p, seed, 0, clock.evaluate == "resolved", moderate)
    courses = {name: trial.under(study.designs[name]), other or f"{name}, waiting": trial.under(waits)}
    found = _dataset(courses, clock.window).assign_coords(dose=study.scenarios["dose"].to_numpy())
    found = found.assign_coords(dose_coordinates(study, study.scenarios))
    about = {"scenario": truth, "seed": seed}
    described = study.provenance() | clock.attributes() | {"unit": study.doses.unit}
    return found.assign_attrs(described | {f"calendar_{key}": value for key, value in about.items()})


def with_calendar(study: Study, result: xr.Dataset) -> xr.Dataset:
    """Add the calendar of one trial to a comparison, where the study has one; see `trial_calendar`."""
    if undrawable(study):
        return result
    found = trial_calendar(study)
    about = {name: value for name, value in found.attrs.items() if name.startswith("calendar_")}
    return result.assign(found.data_vars).assign_coords(course=found["course"]).assign_attrs(about)


def undrawable(study: Study) -> list[Fault]:
    """Return why no single trial of a study is drawn in time; nothing if it is."""
    pending = any(design.facts.pending for design in study.designs.values())
    found = (
        [] if pending else [Fault("design", "wanted one that decides while patients are pending, the study has none")]
    )
    clock = study.clock
    if clock is None:
        return [*found, Fault("clock", "missing; wanted for the calendar of a trial")]
    if clock.accrual.kind not in DRAWN:
        wanted = f"wanted {' or '.join(map(repr, DRAWN))} for the calendar of a trial, got {clock.accrual.kind!r}"
        found.append(Fault("clock.accrual.kind", wanted))
    if clock.queue:
        found.append(Fault("clock.closed", f"wanted 'lost' for the calendar of a trial, got {clock.closed!r}"))
    if clock.known != "at_event":
        found.append(Fault("clock.known", f"wanted 'at_event' for the calendar of a trial, got {clock.known!r}"))
    waits = {name: days for name, days in vars(clock.stagger).items() if days}
    found += [Fault(f"clock.stagger.{n}", f"wanted 0 for the calendar of a trial, got {d:g}") for n, d in waits.items()]
    if study.window_events is not None:
        found.append(Fault("window_events", "wanted none for the calendar of a trial"))
    return found


def _unknown(study: Study, design: str, scenario: str) -> list[Fault]:
    """Return what the study does not have."""
    pending = [name for name, each in study.designs.items() if each.facts.pending]
    known = [str(each) for each in study.scenarios["scenario"].to_numpy()]
    asked: Sequence[tuple[str, str, list[str]]] = [("design", design, pending), ("scenario", scenario, known)]
    found = []
    for concept, name, names in asked:
        if not name or name in names:
            continue
        waits = "waits until everybody is followed up: wanted one that decides while patients are pending"
        what = f"{name!r} {waits}" if name in study.designs and concept == "design" else f"not in the study: {name!r}"
        found.append(Fault(concept, f"{what}{nearest(name, names)}"))
    return found


def _dataset(courses: dict[str, Course], window: float) -> xr.Dataset:
    """Label the courses, in days."""
    each = list(courses.values())

    def days(parts: Sequence[Sequence[float]]) -> FloatArray:
        found = np.full((len(parts), max(map(len, parts))), np.nan)
        for row, part in zip(found, parts, strict=True):
            row[: len(part)] = part
        return found

    patient, span = ("course", "calendar_patient"), ("course", "calendar_span")
    about: dict[str, tuple[Any, FloatArray, str, str]] = {
        "came": (patient, window * days([c.came for c in each]), "days", "day on which a patient was enrolled"),
        "known": (patient, window * days([c.known for c in each]), "days", "day on which the outcome was known"),
        "level": (patient, 1 + days([c.dose for c in each]), "1", "dose level of the patient"),
        "dlt": (patient, days([c.dlt for c in each]), "1", "1 for a DLT"),
        "turned_away": (
            ("course", "calendar_arrival"),
            window * days([c.turned_away for c in each]),
            "days",
            "day on which somebody came who was not enrolled",
        ),
        "closed": (span, window * days([[a for a, _ in c.closed] for c in each]), "days", "day enrolment was closed"),
        "opened": (span, window * days([[b for _, b in c.closed] for c in each]), "days", "day it was opened again"),
        "end": ("course", window * np.array([c.end for c in each]), "days", "day on which the trial was over"),
        "mtd": ("course", 1.0 + np.array([c.selected for c in each]), "1", "level of the MTD declared, 0 for none"),
    }
    variables = {
        f"calendar_{name}": (dims, value, {"units": unit, "long_name": text})
        for name, (dims, value, unit, text) in about.items()
    }
    return xr.Dataset(variables, coords={"course": list(courses)})
