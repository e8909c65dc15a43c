"""Misfits: parts of a study that do not go together, and designs that it cannot weigh."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from doseopt.beliefs import StatedBelief
from doseopt.core.design import is_design
from doseopt.core.parameters import Fault
from doseopt.scenarios import MTDRule, without_moderate
from doseopt.study.reader import key

if TYPE_CHECKING:
    from doseopt.study.study import Study


def misfits(study: Study) -> list[Fault]:
    """Return what are no designs and no definitions, and designs that do not fit the doses."""
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


def unweighed(study: Study) -> list[Fault]:
    """Say which designs a study cannot weigh.

    Those that look at moderate toxicity, without its rates; those that decide while patients are pending, without a
    clock.
    """
    lacking = without_moderate(study.scenarios) if study.scenario_specs else []
    some = ", ".join(map(repr, lacking[:3])) + (", ..." if len(lacking) > 3 else "")
    wanted = f"looks at moderate toxicity; wanted p_moderate in every scenario, missing in {some}"
    graded = [name for name, design in study.designs.items() if design.facts.outcomes.graded]
    found = [Fault(f"designs.{key(name)}", wanted) for name in graded if lacking]
    clock = 'decides while patients are pending; wanted a [clock], as window = 28, accrual = { kind = "fixed", '
    pending = [name for name, design in study.designs.items() if design.facts.pending and study.clock is None]
    return found + [Fault(f"designs.{key(name)}", f"{clock}per_month = 2 }}; missing") for name in pending]
