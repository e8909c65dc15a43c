"""Rules that are laid over a design together: what they may be, and which exclude each other."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

from doseopt.core.design import Modifier, Phase, is_design, is_modifier
from doseopt.core.parameters import Fault, Faults


def check_types(base: object, modifiers: object) -> None:
    """Refuse what is no design, and what are no modifiers."""
    found = [] if is_design(base) else [Fault("base", f"wanted a design, got {base!r}")]
    if isinstance(modifiers, tuple | list):
        wrong = {i: m for i, m in enumerate(modifiers) if not is_modifier(m)}
        found += [Fault(f"modifiers[{i}]", f"wanted a modifier, got {m!r}") for i, m in wrong.items()]
    else:
        found.append(Fault("modifiers", f"wanted a list of modifiers, got {modifiers!r}"))
    if found:
        raise Faults(found, "Modified")


def together(placed: Mapping[int, Modifier]) -> list[Fault]:
    """Return which modifiers cannot be laid over any design together, by position."""
    caps = dict.fromkeys(type(m) for m in placed.values() if m.phase == Phase.CAP)
    found = []
    for phase in (Phase.COME, Phase.SIZE, Phase.RUN_IN, Phase.DEMAND, *caps):
        same = [i for i, m in placed.items() if phase in (m.phase, type(m))]
        if len(same) > 1:
            wanted = f"wanted at most one {placed[same[1]].phase.name.lower()} rule, got {len(same)}"
            found.append(Fault(f"modifiers[{same[1]}]", wanted))
    many = [i for i, m in placed.items() if m.phase in (Phase.RESTRICT, Phase.STOP)]
    twice = [(i, j) for i, j in combinations(many, 2) if placed[i] == placed[j]]
    found += [Fault(f"modifiers[{j}]", f"stands already in modifiers[{i}]") for i, j in twice]
    return found
