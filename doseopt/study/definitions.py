"""Definitions of what is right beside the main one: the key `also` of `[mtd]`, and designs put on another's target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doseopt.core.definition import Definition
from doseopt.core.design import Design
from doseopt.core.parameters import Domain, Fault, Faults, declared
from doseopt.core.text import name_fault
from doseopt.designs.layers import layers
from doseopt.designs.policy import Policy
from doseopt.scenarios import MTDRule
from doseopt.scenarios.doses import Doses
from doseopt.study.designs import design_table, read_designs
from doseopt.study.most_probable import MostProbable
from doseopt.study.reader import Reader, as_meant, plain
from doseopt.study.said import MISSING, Said

MAIN = "main"
"""Name of the definition that the study's own keys state."""
OF_ALSO = {"name": Said("what the definition is called", Domain(str), MISSING, "below")}
EXAMPLE = '[{ name = "highest below", rule = "highest_below" }]'


def read_also(reader: Reader, mtd: Any, target: float) -> dict[str, MTDRule]:
    """Build the further definitions of what is right that the table `[mtd]` states, by name.

    Parameters
    ----------
    reader : Reader
        Collects the faults.
    mtd : Any
        What stands in the file.
    target : float
        The study's, for a definition that states none.
    """
    listed = mtd.get("also", []) if isinstance(mtd, Mapping) else []
    if not isinstance(listed, list):
        reader.fault("mtd.also", f"wanted a list of tables, e.g. {EXAMPLE}, got {listed!r}")
        return {}
    found: dict[str, MTDRule] = {}
    for k, table in enumerate(listed):
        where = f"mtd.also[{k}]"
        rule = reader.build(MTDRule, table, where, {"target": target}, OF_ALSO)
        stated = as_meant(table, [*OF_ALSO, *declared(MTDRule)]) if isinstance(table, Mapping) else {"name": str(k)}
        name = stated.get("name", "")
        message = name_fault(name) if isinstance(name, str) else f"wanted text, got {name!r}"
        if "name" not in stated:
            message = "missing; wanted what the definition is called"
        elif name == MAIN:
            message = f"{MAIN!r} is the definition that [mtd] itself states; wanted another name"
        elif str(name) in found:
            message = f"named twice: {name!r}"
        if message and isinstance(table, Mapping):
            reader.fault(f"{where}.name", message)
        found[str(name)] = rule
    return found


def _also_tables(also: Mapping[str, MTDRule], target: float) -> list[dict[str, Any]]:
    """Return further definitions as a study file says them."""
    return [
        {"name": name, **plain(rule, without=["target"] if rule.target == target else [])}
        for name, rule in also.items()
    ]


def mtd_table(
    mtd: MTDRule, also: Mapping[str, MTDRule], definition: Definition | None, target: float
) -> dict[str, Any]:
    """Return the table `[mtd]` of the study file."""
    stated = {} if definition is None else {"definition": plain(definition)}
    further = {"also": _also_tables(also, target)} if also else {}
    return {**plain(mtd, without=["target"]), **stated, **further}


def aims(design: Design) -> bool:
    """Tell whether doses or selection of a design depend on a target that it can be given; of a policy they do not."""
    parts = layers(design)
    each = [part for part in (parts.rule, parts.selector) if part is not None]
    return any(part.facts.aims for part in each) and not any(isinstance(part, Policy) for part in each)


def retargeted(
    designs: Mapping[str, Design], target: float, old: float, doses: Doses, definition: Definition | None
) -> dict[str, Design]:
    """Return designs at another target: those that aim at the study's are read again from their tables with the other.

    What a table states by itself stays: a target of its own, a skeleton in numbers. A skeleton given as an interval and
    modifiers that take the target from the design follow it.

    Parameters
    ----------
    designs : mapping of str to Design
    target, old : float
        The other target, and the study's.
    doses : Doses
        As the study has them.
    definition : Definition, optional
        The study's, to which a naming rule may refer.

    Raises
    ------
    Faults
        If a design cannot be at that target.

    Examples
    --------
    >>> from doseopt import load_study
    >>> study = load_study("renji-elo")
    >>> found = retargeted(study.designs, 0.2, study.target, study.doses, study.definition)
    >>> found["CRM 10"].facts.target, found["ATD+3+3 cap 10"].facts.target
    (0.2, 0.25)
    """
    moved = {name: each for name, each in designs.items() if target != old == each.facts.target and aims(each)}
    if not moved:
        return dict(designs)
    planned, reader = doses.as_planned, Reader()
    tables = {name: design_table(design, old, planned, {}, definition) for name, design in moved.items()}
    given: dict[str, Any] = {"target": target, "doses": len(planned.labels), "definition": definition}
    for selector in (layers(design).selector for design in moved.values()):
        if isinstance(selector, MostProbable):
            given["mtd"] = selector.rule.at(target)
    read = read_designs(reader, tables, planned, given)
    if reader.faults:
        raise Faults(reader.faults)
    return {name: read.get(name, design) for name, design in designs.items()}


def untargetable(
    also: Mapping[str, MTDRule], designs: Mapping[str, Design], old: float, doses: Doses, definition: Definition | None
) -> list[Fault]:
    """Say which designs cannot be put on the target of a definition."""
    found = []
    for k, rule in enumerate(also.values()):
        try:
            retargeted(designs, rule.target, old, doses, definition)
        except Faults as faults:
            found += [Fault(f"mtd.also[{k}].target", f"at {rule.target:g}, {fault}") for fault in faults.faults]
    return found
