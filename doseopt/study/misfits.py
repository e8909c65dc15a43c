"""Misfits: parts of a study that do not go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from doseopt.beliefs import StatedBelief
from doseopt.core.design import is_design
from doseopt.core.parameters import Fault
from doseopt.scenarios import MTDRule
from doseopt.study.clock import Clock
from doseopt.study.obd import without_efficacy
from doseopt.study.populations import Populations
from doseopt.study.reader import key
from doseopt.study.silences import Silences
from doseopt.study.window_events import WindowEvents


def misfits(study: Any) -> list[Fault]:
    """Return what in a `Study` are no designs and no definitions, and designs and events that do not fit the rest."""
    wrong = {name: rule for name, rule in study.also.items() if not isinstance(rule, MTDRule)}
    found = [Fault(f"also.{key(name)}", f"wanted an MTDRule, got {rule!r}") for name, rule in wrong.items()]
    found += _no_designs(study.designs, len(study.doses.labels))
    if study.eligibility is not None and study.populations is not None:
        found += [f.under("eligibility") for f in study.eligibility.unknown_populations(study.populations.shares)]
    doses = len(study.doses.as_planned.labels)
    found += without_efficacy(study.obd, study.scenario_specs)
    return found + in_window(
        study.window_events,
        study.silences,
        (list(study.scenario_specs), doses, study.populations),
        study.clock,
        isinstance(study.belief, StatedBelief),
    )


def in_window(
    events: WindowEvents | None,
    silences: Silences | None,
    fits: tuple[Sequence[str], int, Populations | None],
    clock: Clock | None,
    stated: bool,
) -> list[Fault]:
    """Return what of the DLT window does not fit the rest of a study.

    Parameters
    ----------
    events : WindowEvents, optional
    silences : Silences, optional
    fits : tuple
        Scenarios, the number of planned doses, and populations.
    clock : Clock, optional
    stated : bool
        Whether what is believed of the DLT rates are the scenarios.
    """
    found = []
    if events is not None:
        each = events.faults(*fits) + ([] if stated else events.unbelieved())
        found += [fault.under("window_events") for fault in each]
    if silences is not None:
        found += [fault.under("silences") for fault in silences.faults(*fits, clock, events)]
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
