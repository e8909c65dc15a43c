"""Rules that are laid over a design, as its table lists them: read, and written again."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Container, Mapping, Sequence
from typing import Any

from doseopt.core.design import Modifier
from doseopt.core.parameters import Domain, Faults, written
from doseopt.designs import DESIGNS
from doseopt.designs.modifiers import JOINED, MODIFIERS, BelowLowest
from doseopt.designs.modifiers.joined import Joined
from doseopt.designs.modifiers.stopping import StopRule
from doseopt.study.absent import OF_RULES, letters
from doseopt.study.reader import Reader, as_meant, join, key, plain
from doseopt.study.said import MISSING, Said

STOPS = {kind: rule for kind, rule in MODIFIERS.items() if issubclass(rule, StopRule)}
"""Kinds of rule that can be joined."""
LOWEST = ("stop", "stay")
EXAMPLE = [{"kind": "enough_at_dose", "n": 6}, {"kind": "enough_patients", "n": 9}]
WAYS = {
    "all": Said("rules that end a trial, joined: where all of them hold", Domain(list), MISSING, EXAMPLE),
    "any": Said("rules that end a trial, joined: where any of them holds", Domain(list), MISSING, EXAMPLE),
}
"""The keys under which rules that end a trial are joined, nested if need be."""


def read_rules(reader: Reader, table: Any, where: str, base: Any, given: Mapping[str, Any]) -> list[Any] | None:
    """Build the rules that a design's table lays over it, None for each that is wrong.

    Parameters
    ----------
    reader : Reader
        Collects the faults.
    table : Any
        Of the design, at `where`.
    where : str
    base : Design, optional
        The design, without them; None if it could not be read.
    given : mapping
        What the study gives to every rule: the design's doses as numbers.

    Returns
    -------
    list of Modifier, optional
        None if they are no list.
    """
    if not isinstance(table, Mapping):
        return []
    listed = as_meant(table, ["modifiers"]).get("modifiers", [])
    if not isinstance(listed, list):
        reader.fault(f"{where}.modifiers", f"wanted a list of tables, got {listed!r}")
        return None
    known = {"dose_values": given.get("dose_values")} if given.get("doses") is None or "dose_values" in given else {}
    built = [_read_rule(reader, rule, f"{where}.modifiers[{i}]", MODIFIERS, known) for i, rule in enumerate(listed)]
    if "below_lowest" not in table:
        return built
    lowest = table["below_lowest"]
    if lowest not in LOWEST:
        reader.fault(f"{where}.below_lowest", f"wanted 'stop' or 'stay', got {lowest!r}")
    if base is not None and base.facts.below is None:
        reader.fault(f"{where}.below_lowest", "wanted it in a design with a rule for going down; leave it out")
        return built
    if any(isinstance(rule, BelowLowest) for rule in built):
        reader.fault(f"{where}.below_lowest", 'wanted it or the modifier of kind "below_lowest", got both')
    return [*built, BelowLowest()] if lowest == "stop" else built


IN_THE_DESIGN = {"expansion": "n = 12", "selection": 'kind = "crm"', "names": "at_least = 6"}
"""Keys of a design's own table that may be taken for modifiers, with an example of each."""


def _read_rule(reader: Reader, rule: Any, where: str, kinds: Mapping[str, type], given: Mapping[str, Any]) -> Any:
    """Build a rule, or several that are joined."""
    how = [name for name in JOINED if isinstance(rule, Mapping) and name in rule]
    kind = rule.get("kind") if isinstance(rule, Mapping) else None
    if isinstance(kind, str) and kind in IN_THE_DESIGN:
        own = ", ".join(f"{name} = {json.dumps(value, default=str)}" for name, value in rule.items() if name != "kind")
        example = f"{kind} = {{ {own or IN_THE_DESIGN[kind]} }}"
        reader.fault(f"{where}.kind", f"{kind} is no modifier; it stands in the design's table: {example}")
        return None
    if not how:
        return reader.kind(rule, where, kinds, given)
    if len(rule) > 1:
        came = f"got {', '.join(map(str, rule))}; nest one in the other"
        reader.fault(where, f"wanted all = [...] or any = [...] alone in a table, {came}")
        return None
    listed = rule[how[0]]
    if not isinstance(listed, list):
        reader.fault(f"{where}.{how[0]}", f"wanted a list of rules that end a trial, got {listed!r}")
        return None
    parts = [_read_rule(reader, part, f"{where}.{how[0]}[{i}]", STOPS, given) for i, part in enumerate(listed)]
    if None in parts:
        return None
    try:
        return JOINED[how[0]](tuple(parts))
    except Faults as faults:
        reader.faults.extend(fault.under(where) for fault in faults.faults)
        return None


def without_rules(reader: Reader, table: Any, where: str, known: Container[str]) -> Any:
    """Return a design's table without keys that name rules laid over it, noting how each is written."""
    if not isinstance(table, Mapping):
        return table
    base = DESIGNS.get(str(table.get("kind")))
    own = written(base) if base is not None else set().union(*map(written, DESIGNS.values()))
    found = {name: _meant(str(name)) for name in table if name not in own and name not in known}
    for name, kind in found.items():
        if kind:
            example = f"modifiers = [{{ {_as_modifier(kind, table[name])} }}]"
            reader.fault(join(where, key(name)), f"unknown key; {kind} is a modifier, e.g. {example}")
        elif base is not None and "cohort" not in own and letters(str(name)) in ("cohort", "cohortsize"):
            found[name] = "cohort"
            itself = f"unknown key; {table['kind']} sets the size of its cohorts itself; leave it out"
            reader.fault(join(where, key(name)), itself)
    return {name: value for name, value in table.items() if not found.get(name)}


def _meant(name: str) -> str:
    """Return the kind of rule that a key of a design means; empty if none."""
    meant = name if name in MODIFIERS else OF_RULES.get(letters(name), "")
    return meant if meant in MODIFIERS else ""


def _as_modifier(kind: str, value: Any) -> str:
    """Write a rule as an item of `modifiers`, with the value that stands at its name, where that may be its own."""
    rule: Any = MODIFIERS[kind]
    fields = written(rule)
    wanted = [name for name, field in fields.items() if field.default is dataclasses.MISSING] or list(fields)
    given = value if isinstance(value, Mapping) else {wanted[0]: value} if wanted and value is not True else {}
    example = plain(rule.example(), without=["dose_values"]) | {name: v for name, v in given.items() if name in fields}
    parts = [f'kind = "{kind}"', *(f"{name} = {json.dumps(v, default=str)}" for name, v in example.items())]
    return ", ".join(parts)


def rule_table(rule: Modifier, target: float, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of a rule, without what it would take from the design or the study anyway."""
    if isinstance(rule, Joined):
        return {rule.word: [rule_table(part, target, given) for part in rule.rules]}
    without = [name for name, value in given.items() if getattr(rule, name, None) == value]
    table: dict[str, Any] = plain(rule, {type_: kind for kind, type_ in MODIFIERS.items()}, without)
    for name in ("target", "above"):
        if table.get(name) == target:
            del table[name]
    return table


def flattened(rules: Sequence[Mapping[str, Any]], how: str) -> list[Mapping[str, Any]]:
    """Return tables of rules with those joined in a way among them spliced in."""
    found: list[Mapping[str, Any]] = []
    for rule in rules:
        found += flattened(rule[how], how) if "kind" not in rule and how in rule else [rule]
    return found
