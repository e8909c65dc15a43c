"""Rules that are laid over a design, as its table lists them: read, and written again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from doseopt.core.design import Modifier
from doseopt.core.parameters import Faults
from doseopt.designs.modifiers import JOINED, MODIFIERS, BelowLowest
from doseopt.designs.modifiers.joined import Joined
from doseopt.designs.modifiers.stopping import StopRule
from doseopt.study.reader import Reader, plain

STOPS = {kind: rule for kind, rule in MODIFIERS.items() if issubclass(rule, StopRule)}
"""Kinds of rule that can be joined."""
LOWEST = ("stop", "stay")
WAYS = "all = [...] or any = [...]"


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
    listed = table.get("modifiers", [])
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


def _read_rule(reader: Reader, rule: Any, where: str, kinds: Mapping[str, type], given: Mapping[str, Any]) -> Any:
    """Build a rule, or several that are joined."""
    how = [name for name in JOINED if isinstance(rule, Mapping) and name in rule]
    if not how:
        return reader.kind(rule, where, kinds, given)
    if len(rule) > 1:
        reader.fault(where, f"wanted {WAYS} alone in a table, got {', '.join(map(str, rule))}; nest one in the other")
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
