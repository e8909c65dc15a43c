"""The tables of designs in a study file: read, put on the study's doses, and written again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, cast

from doseopt.core.definition import Definition
from doseopt.core.design import Phase
from doseopt.core.parameters import Domain, Faults
from doseopt.designs import DESIGNS
from doseopt.designs.layers import Layers, layers
from doseopt.designs.modified import Modified, clashes
from doseopt.designs.policy_table import PolicyTable
from doseopt.designs.selecting import Selecting
from doseopt.scenarios import OBDRule
from doseopt.scenarios.doses import Doses
from doseopt.study.expanding import expansion_table, read_expansion
from doseopt.study.most_probable import KIND, MostProbable, most_probable_table, read_most_probable
from doseopt.study.naming import names_table, read_names
from doseopt.study.obd import SHARED, given_by
from doseopt.study.own_doses import OF_A_PLACE, doses_given, on_grid, own_place, read_place
from doseopt.study.reader import Reader, key, plain
from doseopt.study.rules import read_rules, rule_table, without_rules
from doseopt.study.runnable import obstacles
from doseopt.study.said import Said

OF_A_DESIGN = {
    "modifiers": Said("rules laid over it, a list of tables with their kinds", Domain(list), []),
    "selection": Said("rule of another design, or most_probable, that names the MTD at the end, with its kind"),
    "names": Said("when a dose may be named", example={"at_least": 6}),
    "expansion": Said("more patients at the dose selected, and when it is lowered"),
    "below_lowest": Said(
        'what it does where its rule wants to go below the lowest dose: "stop" or "stay"', Domain(str), "stay"
    ),
    **OF_A_PLACE,
}
"""Keys of a design's table that are not its parameters."""


def read_designs(reader: Reader, table: Any, doses: Doses | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """Build the designs of a study file, each on its own doses.

    Parameters
    ----------
    reader : Reader
        Collects the faults.
    table : Any
        What stands in the file.
    doses : Doses, optional
        None if they could not be read.
    given : mapping
        What the study gives to every design.
    """
    if not isinstance(table, Mapping) or not table:
        first = table[0] if isinstance(table, list) and table and isinstance(table[0], Mapping) else {}
        name, kind = first.get("name", "3+3"), first.get("kind", "three_plus_three")
        example = f"[designs.{json.dumps(str(name))}] with kind = {json.dumps(kind, default=str)}"
        listed = "wanted a table for each, its name in the header, not [[designs]] with name = ...:"
        reader.fault("designs", f"{listed} {example}" if first else f"wanted at least one, e.g. {example}")
        return {}
    return {name: _read_one(reader, value, f"designs.{key(name)}", doses, given) for name, value in table.items()}


def _read_one(reader: Reader, table: Any, where: str, doses: Doses | None, given: Mapping[str, Any]) -> Any:
    return read_expansion(reader, table, where, _read_placed(reader, table, where, doses, given))


def _read_placed(reader: Reader, table: Any, where: str, doses: Doses | None, given: Mapping[str, Any]) -> Any:
    """Build a design on its place on the grid, without an expansion."""
    place = read_place(reader, table if isinstance(table, Mapping) else {}, where, doses)
    if place is None or doses is None:
        moved = isinstance(table, Mapping) and ("drop" in table or "insert" in table)
        return _read_design(reader, table, where, {**given, "doses": None} if moved else given)
    grid = doses.grid()
    design = _read_design(reader, table, where, {**given, **doses_given(grid, place.planned)})
    if design is not None and isinstance(layers(design).selector, MostProbable) and place != own_place(doses):
        reader.fault(f"{where}.selection", "wanted a design on the planned doses, of which one is right; drop none")
    if design is None or (grid is doses and not place.dropped):
        return design
    try:
        return on_grid(design, grid, place)
    except Faults as faults:
        reader.faults.extend(f.under(where) for f in faults.faults)
        return design


def _read_base(reader: Reader, table: Any, where: str, given: Mapping[str, Any]) -> Any:
    """Build a design without its modifiers; a `selection` of its own is another design's rule, at the same target."""
    table = without_rules(reader, table, where, OF_A_DESIGN)
    base = reader.kind(table, where, DESIGNS, given, OF_A_DESIGN, ["doses"])
    if not isinstance(table, Mapping) or "selection" not in table:
        return base
    place = f"{where}.selection"
    for name in OF_A_DESIGN:
        if isinstance(table["selection"], Mapping) and name in table["selection"]:
            reader.fault(f"{place}.{name}", "unknown key; a selection is the rule of one design alone")
    if isinstance(table["selection"], Mapping) and table["selection"].get("kind") == KIND:
        selector = read_most_probable(reader, table["selection"], place, base, given.get("mtd"))
        return None if selector is None else Selecting(base, cast(Any, selector))  # it gives no doses
    of_base = given if base is None else {**given, "target": base.target}
    selector = reader.kind(table["selection"], place, DESIGNS, of_base, OF_A_DESIGN, ["doses"])
    if base is None or selector is None:
        return None
    try:
        return Selecting(base, selector)
    except Faults as faults:
        reader.faults.extend(f.under(place) for f in faults.faults)
        return None


def _read_design(reader: Reader, table: Any, where: str, given: Mapping[str, Any]) -> Any:
    base = _read_base(reader, table, where, given)
    if isinstance(table, Mapping) and "names" in table:
        base = read_names(reader, table["names"], f"{where}.names", base, given.get("definition"))
    built = read_rules(reader, table, where, base, given)
    if base is None or built is None:
        return base
    modifiers = {i: m for i, m in enumerate(built) if m is not None}
    whole = len(modifiers) == len(
        built
    )  # a modifier that could not be read may change the first cohort, and so the cap
    found = clashes(base, {i: m for i, m in modifiers.items() if whole or m.phase != Phase.CAP})
    reader.faults.extend(fault.under(where) for fault in found)
    if found or not whole:
        return base
    design = Modified(base, tuple(built)) if built else base
    reader.faults.extend(fault.under(where) for fault in obstacles(design))
    return design


def policy_files(designs: Iterable[Any]) -> dict[PolicyTable, str]:
    """Return the policies that designs look up, and the name of each one's file beside the study: all different."""
    names: dict[PolicyTable, str] = {}
    for table in (table for design in designs for table in _policies(design)):
        name = table.in_file()
        if name.casefold() in (other.casefold() for other in names.values()):
            name = f"{name.removesuffix('.policy')}-{table.digest}.policy"
        names.setdefault(table, name)
    return names


def _policies(design: Any) -> list[PolicyTable]:
    """Return the policies that the designs inside a design look up."""
    parts = layers(design)
    tables = [getattr(part, "table", None) for part in (parts.rule, parts.selector)]
    return [table for table in tables if isinstance(table, PolicyTable)]


def design_table(
    design: Any,
    target: float,
    doses: Doses,
    files: Mapping[PolicyTable, str],
    definition: Definition | None = None,
    obd: OBDRule | None = None,
) -> dict[str, Any]:
    """Return the table of a design, without what the study gives to every design anyway.

    Parameters
    ----------
    design : Design
    target : float
        The study's.
    doses : Doses
        As the study file states them.
    files : mapping of PolicyTable to str
        Of `policy_files`.
    definition : Definition, optional
        The study's, to which a naming rule may refer.
    obd : OBDRule, optional
        The study's, from which designs take their utilities.
    """
    grid = doses.grid()
    parts = layers(design)
    placed = parts.grid
    own = {
        "target": target,
        **given_by(obd),
        **doses_given(grid, doses.planned() if placed is None else placed.planned),
    }
    table = _table(parts, own, files) | names_table(parts.names, definition) | expansion_table(parts.expansion)
    if placed is None:
        return table
    inserted = set(placed.planned) - set(doses.planned())
    for name, positions in (("drop", placed.dropped), ("insert", sorted(inserted))):
        if positions:
            table[name] = [grid.labels[position] for position in positions]
    return table | ({"inserts": True} if placed.inserts else {})


def _table(parts: Layers, given: Mapping[str, Any], files: Mapping[PolicyTable, str]) -> dict[str, Any]:
    target = parts.rule.facts.target
    without = ["doses", *(name for name, value in given.items() if getattr(parts.rule, name, None) == value)]
    result: dict[str, Any] = plain(parts.rule, {type(parts.rule): DESIGNS.kind(type(parts.rule))}, without)
    for name in given.keys() & set(SHARED):  # a default is said where the study gives another value
        if getattr(parts.rule, name, given[name]) != given[name]:
            result[name] = getattr(parts.rule, name)
    looked_up = getattr(parts.rule, "table", None)
    if isinstance(looked_up, PolicyTable):
        result["table"] = files[looked_up]
    if parts.laid:
        result["modifiers"] = [rule_table(modifier, target, given) for modifier in parts.laid]
    if isinstance(parts.selector, MostProbable):
        result["selection"] = most_probable_table(parts.selector)
    elif parts.selector is not None:
        result["selection"] = _table(layers(parts.selector), {**given, "target": target}, files)
    return result
