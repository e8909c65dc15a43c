"""What a protocol does not say, and the ways to read it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from typing import Any

from doseopt.comparison.window_readings import WindowReading, window_silences
from doseopt.core.definition import Definition
from doseopt.core.design import Design
from doseopt.core.parameters import Domain, declared
from doseopt.designs.layers import layers, with_cap, with_names, with_rule
from doseopt.display.readings import ACTUAL, CAP, NAMES, TARGET
from doseopt.scenarios import ActualDose
from doseopt.study.study import Study

TARGETS = (0.20, 0.25, 0.30, 1 / 3)


def _same(study: Study, design: Design) -> tuple[Study, Design]:
    return study, design


@dataclass(frozen=True)
class Reading:
    """One way to read a silence.

    Parameters
    ----------
    factor : str
        What the protocol is silent on.
    value : str
    parameters : mapping
        Parameters of the design under this reading.
    change : callable
        Study and design -> the same under this reading, for what is no parameter of the design.
    """

    factor: str
    value: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    change: Callable[[Study, Design], tuple[Study, Design]] = _same


def read(study: Study, design: Design, readings: Sequence[Reading]) -> tuple[Study, Design]:
    """Return study and design under several readings at once.

    Raises
    ------
    Faults
        If the readings exclude each other.
    """
    parameters = {name: value for reading in readings for name, value in reading.parameters.items()}
    found = study, _ruled(design, tuple(parameters.items()))
    for reading in readings:
        found = reading.change(*found)
    return found


@lru_cache(maxsize=16)  # combinations differ in other readings first
def _ruled(design: Design, parameters: tuple[tuple[str, Any], ...]) -> Design:
    """Return a design whose rule has these parameters."""
    return with_rule(design, lambda rule: dataclasses.replace(rule, **dict(parameters)))


def readings_of(study: Study, design: Design) -> dict[str, list[Reading]]:
    """Return the silences of a design and the readings of each, the one in use first.

    They are the parameters of the design that have choices, a yes or no, or declared `readings`; its enrolment cap,
    hard or none, if it ends without one; whether a dose must meet a definition to be named, if study or design have
    one; the target; the actual dose, planned or off by up to the tolerance; and what happens in the DLT window, as
    far as the study states or elicits it.

    Parameters
    ----------
    study : Study
    design : Design
    """
    base = layers(design).rule
    found: dict[str, list[Reading]] = {}
    for name, declaration in declared(type(base)).items():
        domain: Domain = declaration.metadata["domain"]
        values = domain.choices or domain.readings or ((True, False) if domain.kind is bool else ())
        now = getattr(base, name)
        if values:
            each = [now, *(v for v in values if v != now)]
            found[name] = [Reading(name, _word(v), {name: v}) for v in each]
    names = layers(design).names
    if names is not None or study.definition is not None:
        each = [names, *(v for v in (study.definition, None) if v != names)]
        found[NAMES] = [
            Reading(NAMES, "the dose selected" if v is None else v.describe(), change=partial(_with_names, v))
            for v in each
        ]
    without = with_cap(design, None)
    if without != design and without.facts.ends:
        found[CAP] = [Reading(CAP, str(design.facts.cap)), Reading(CAP, "none", change=_without_cap)]
    others = [t for t in TARGETS if abs(t - study.target) > 1e-9]
    found[TARGET] = [Reading(TARGET, f"{t:.3g}", {"target": t}, _with_target(t)) for t in others]
    found[TARGET].insert(0, Reading(TARGET, f"{study.target:.3g}"))
    if study.doses.tolerance is not None and study.doses.values is not None:
        off = f"off by up to {100 * study.doses.tolerance:g}%"
        found[ACTUAL] = [Reading(ACTUAL, "as planned"), Reading(ACTUAL, off, change=_off_dose)]
    for factor, readings in window_silences(study).items():
        ways = sorted(readings, key=lambda way: not way.in_use(study))
        found[factor] = [Reading(factor, way.words, change=partial(_in_window, way)) for way in ways]
    return found


def _word(value: Any) -> str:
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _with_names(names: Definition | None, study: Study, design: Design) -> tuple[Study, Design]:
    return study, with_names(design, names)


def _in_window(way: WindowReading, study: Study, design: Design) -> tuple[Study, Design]:
    return way.of(study), design


def _without_cap(study: Study, design: Design) -> tuple[Study, Design]:
    return study, with_cap(design, None)


def _with_target(target: float) -> Callable[[Study, Design], tuple[Study, Design]]:
    def change(study: Study, design: Design) -> tuple[Study, Design]:
        mtd = dataclasses.replace(study.mtd.at(target), none_above=None)
        return dataclasses.replace(study, target=target, mtd=mtd), design

    return change


def _off_dose(study: Study, design: Design) -> tuple[Study, Design]:
    specs = {
        name: dataclasses.replace(spec, transform=ActualDose()) if spec.transform is None else spec
        for name, spec in study.scenario_specs.items()
    }
    return dataclasses.replace(study, scenario_specs=specs), design
