"""The page Compare: designs at a curve, what is attainable, and where which design is best."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from shlex import quote
from typing import TYPE_CHECKING, Any

import numpy as np

from doseopt.app.desk import Desk, Given, Tell
from doseopt.app.given import names, rates, text
from doseopt.app.weighing import NAME, curve_of, numbers_at, numbers_of, reason_not, weighing
from doseopt.comparison.evaluate import dose_coordinates
from doseopt.core.parameters import Fault, Faults
from doseopt.core.text import counted
from doseopt.display.labels import dose_labels
from doseopt.display.panels import doses as doses_of
from doseopt.engines.budget import TooManyStates
from doseopt.engines.graph import most_patients
from doseopt.scenarios.mtd_rule import judged_on, planned_of
from doseopt.scenarios.specs import FixedScenario

if TYPE_CHECKING:
    import xarray as xr

    from doseopt.core.design import Design
    from doseopt.study.study import Study

SLICE = 0.1
"""Seconds after which the numbers of designs that are ready are not kept waiting for further graphs."""


def curve(desk: Desk, given: Given, tell: Tell) -> dict[str, Any]:
    """Return the numbers of designs at a curve, and what is right there.

    `p`, the DLT rates at the planned doses; `designs`, the names of those that are shown; all if left out. Graphs are
    made for `SLICE` seconds; designs that then have none are `waiting` for the next question.
    """
    study = desk.known
    p = rates(given, "p", len(study.doses.as_planned.labels))
    chosen = study.choose(names(given, "designs"))
    live = {name: design for name, design in chosen.items() if not reason_not(study, design)}
    refused: dict[str, str] = {}
    waiting: list[str] = []
    begun = time.monotonic()
    for name, design in live.items():
        if name not in desk.weighings:
            if time.monotonic() - begun > SLICE:
                waiting.append(name)
                continue
            try:
                tell(name)
                desk.weighings[name] = weighing(study, design, desk.states)
            except TooManyStates as error:
                refused[name] = str(error)
    ready = {name: desk.weighings[name] for name in live if name in desk.weighings}
    scenario = curve_of(study, p)
    right, _ = judged_on(study.mtd, scenario["p_dlt"].to_numpy(), planned_of(scenario))
    return {
        "numbers": numbers_at(study, ready, p),
        "refused": refused,
        "waiting": waiting,
        "right": right[0].tolist(),
        "rates": scenario["p_dlt"].to_numpy()[0].tolist(),
        "command": f"doseopt compare {desk.command} --truth {quote(' '.join(f'{each:g}' for each in p))}",
    }


def at_rest(desk: Desk, given: Given, tell: Tell) -> dict[str, Any]:
    """Return the numbers of a design that does not follow the hand, as `doseopt compare` finds them."""
    from doseopt.comparison.compare import compare

    study = desk.known
    p = rates(given, "p", len(study.doses.as_planned.labels))
    name = text(given, "design", 200)
    study.choose([name])
    asked = dataclasses.replace(study.only([name]), scenario_specs={NAME: FixedScenario(p)})
    found = compare(asked, progress=tell, posteriors=False)
    how = str(found["engine"].item()) if found["engine"].size == 1 else ""
    return {"numbers": numbers_of(found), "p": list(p), "engine": how}


def attainable(desk: Desk, given: Given, tell: Tell) -> dict[str, Any]:
    """Return what each design attains under the study's belief, and the best that designs of its kind can."""
    from doseopt.attainable.attained import averages, best_of

    study = desk.known
    belief, attained, optima, refused = averages(study, _waiting(study), tell, best_of)
    rows = {}
    for name, (rules, row) in attained.items():
        best = optima[rules]
        value = None if best is None else float(best.optimum.value)
        rows[name] = {"attained": float(row["utility"]), "attainable": value, "rules": rules.describe()}
    about = {"belief": belief.source, "utility": study.utility.describe(), "refused": refused}
    return {"rows": rows, **about, "command": f"doseopt limits {desk.command}"}


def maps(desk: Desk, given: Given, tell: Tell) -> dict[str, Any]:
    """Return maps of where which design is best, as a page; `doseopt limits` draws them beside the optimal policies."""
    from doseopt.attainable.maps import truth_map
    from doseopt.reports.sections.limits import maps_document

    study = desk.known
    able = _waiting(study)
    if study.doses.plan is not None:
        raise Faults([Fault("doses", "wanted a study that inserts no doses: maps are over curves of the planned ones")])
    found = truth_map(able, study.mtd, tell)
    mean = found["map_correct_selection"].mean(("odds_ratio", "location"))
    most = [float(most_patients(design)) for design in able.values()]
    found = found.assign(utility=mean, most_patients=("design", most), regret=("design", [np.nan] * len(most)))
    found = found.assign_attrs(study.provenance(), mtd_rule=study.mtd.describe(), target=study.target)
    tell("drawing the maps")
    return {"html": desk.page("maps", maps_document(found)), "command": f"doseopt limits {desk.command}"}


def _waiting(study: Study) -> dict[str, Design]:
    """Return the designs that look at DLTs only, and wait for them."""
    found = {n: d for n, d in study.designs.items() if not (d.facts.outcomes.beside or d.facts.in_time)}
    if not found:
        raise Faults([Fault("designs", "wanted one that looks at DLTs only, and waits for them")])
    return found


def about(desk: Desk) -> dict[str, Any]:
    """Return what a page shows of the study before anything is computed."""
    study, proposal = desk.known, desk.known.proposal
    stated = _stated(study)
    start = _start(study, stated)
    scenario = curve_of(study, tuple(start))
    labels, unit = _doses(scenario.assign_coords(dose_coordinates(study, scenario)))
    planned = planned_of(scenario).tolist()
    return {
        "title": study.title,
        "registry": study.registry,
        "target": study.target,
        "rule": study.mtd.describe(),
        "labels": [labels[j] for j in planned],
        "all_labels": labels,
        "planned": planned,
        "unit": unit,
        "scenarios": stated,
        "start": start,
        "designs": {
            name: {
                "rules": [[row.rule, row.reading] for row in design.describe()],
                "why_not": reason_not(study, design),
            }
            for name, design in study.designs.items()
        },
        "window": None if study.clock is None else study.clock.window,
        "definition": None if study.definition is None else study.definition.describe(),
        "registered": None if proposal is None else proposal.registered,
        "amended": [] if proposal is None else list(proposal.amended),
        "hash": study.hash,
        "size": f"{counted(len(study.designs), 'design')}, {counted(len(planned), 'dose')}",
        "command": desk.command,
    }


def _stated(study: Study) -> dict[str, list[float]]:
    """Return the curves that a study states."""
    fixed = ((name, spec) for name, spec in study.scenario_specs.items() if isinstance(spec, FixedScenario))
    return {name: list(spec.p_dlt) for name, spec in fixed if len(spec.p_dlt) == len(study.doses.as_planned.labels)}


def _start(study: Study, stated: Mapping[str, list[float]]) -> list[float]:
    """Return the curve to begin with: of those stated the first whose MTD is nearest to the middle dose."""
    doses = len(study.doses.as_planned.labels)
    if not stated:
        return [float(p) for p in np.linspace(0.05, min(2 * study.target, 0.9), doses).round(3)]
    at = study.mtd.mtd(np.array([*stated.values()]))
    off = np.where(at < 0, doses, np.abs(at - doses / 2))
    return [*stated.values()][int(np.argmin(off))]


def _doses(scenario: xr.Dataset) -> tuple[list[str], str]:
    """Return what to call the doses, and their unit."""
    labels, unit = doses_of(scenario)
    return dose_labels(scenario) if unit == "dose level" else (labels, unit)
