"""Misfits: parts of a study that do not go together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doseopt.beliefs import StatedBelief
from doseopt.core.design import is_design
from doseopt.core.parameters import Fault
from doseopt.scenarios import MTDRule
from doseopt.study.reader import key


def misfits(study: Any) -> list[Fault]:
    """Return what in a `Study` are no designs and no definitions, and designs and events that do not fit the rest."""
    wrong = {name: rule for name, rule in study.also.items() if not isinstance(rule, MTDRule)}
    found = [Fault(f"also.{key(name)}", f"wanted an MTDRule, got {rule!r}") for name, rule in wrong.items()]
    found += _no_designs(study.designs, len(study.doses.labels))
    fits = list(study.scenario_specs), len(study.doses.as_planned.labels), study.populations
    if study.window_events is not None:
        events = study.window_events.faults(*fits)
        events += [] if isinstance(study.belief, StatedBelief) else study.window_events.unbelieved()
        found += [fault.under("window_events") for fault in events]
    if study.silences is not None:
        silent = study.silences.faults(*fits, study.clock, study.window_events)
        found += [fault.under("silences") for fault in silent]
    if study.eligibility is not None and study.populations is not None:
        found += [f.under("eligibility") for f in study.eligibility.unknown_populations(study.populations.shares)]
    return found


def _no_designs(designs: Mapping[str, Any], doses: int) -> list[Fault]:
    """Return what are no designs, and designs of other numbers of doses."""
    found = []
    for name, design in designs.items():
        where = f"designs.{key(name)}"
        if not is_design(design):
            found.append(Fault(where, f"wanted a design, got {design!r}"))
        elif design.facts.doses != doses:
            found.append(Fault(where, f"wanted {doses} doses, as the study has, got {design.facts.doses}"))
    return found
