"""The doses that a design of a study file has for its own: planned ones, without those it drops, with those it inserts.

Its table counts levels on them; where the study's grid holds more, the design is wrapped in ``OnGrid``, and the cap on
enrolment is laid over that.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from doseopt.core.design import Phase
from doseopt.core.parameters import Domain, nearest
from doseopt.designs.layers import layers, with_cap
from doseopt.designs.modified import Modified
from doseopt.designs.on_grid import OnGrid
from doseopt.scenarios.doses import MIDPOINTS, Doses
from doseopt.study.reader import Reader
from doseopt.study.said import Said

OF_A_PLACE = {
    "drop": Said("planned doses that it does not give, by label", Domain(list), []),
    "insert": Said("insertable doses that it gives from the start, by label", Domain(list), []),
    "inserts": Said("whether it inserts doses as the trial goes on", Domain(bool), False),
}
"""Keys of a design's table that say which doses are its own."""


@dataclass(frozen=True)
class Place:
    """Where a design stands on the grid: its own doses, the planned ones that it drops, and whether it inserts."""

    planned: tuple[int, ...]
    dropped: tuple[int, ...]
    inserts: bool


def own_place(doses: Doses) -> Place:
    """Return the place of a design that gives the planned doses and no other."""
    return Place(doses.planned(), (), False)


def doses_given(grid: Doses, own: tuple[int, ...]) -> dict[str, Any]:
    """Return what the study says of a design's own doses: how many, and where known as numbers."""
    number: dict[str, Any] = {"doses": len(own)}
    if grid.values is not None:
        number |= {"dose_values": tuple(grid.values[position] for position in own), "unit": grid.unit}
    return number


def on_grid(design: Any, grid: Doses, place: Place) -> Any:
    """Lay a design over its part of the grid, and its enrolment cap over the grid, where it counts every patient."""
    caps = tuple(modifier for modifier in layers(design).laid if modifier.phase == Phase.CAP)
    values = grid.values or tuple(float(level + 1) for level in range(len(grid.labels)))
    placed = OnGrid(with_cap(design, None), values, place.planned, place.inserts, place.dropped)
    return Modified(placed, caps) if caps else placed


def read_place(reader: Reader, table: Mapping[str, Any], where: str, doses: Doses | None) -> Place | None:
    """Read which doses a design drops and inserts; None if that is wrong."""
    before = len(reader.faults)
    inserts = reader.value(table.get("inserts", False), f"{where}.inserts", OF_A_PLACE["inserts"].domain)
    known = () if doses is None else doses.grid().labels
    dropped = _read_labels(reader, table.get("drop", []), f"{where}.drop", known, _not_dropped, doses)
    inserted = _read_labels(reader, table.get("insert", []), f"{where}.insert", known, _not_inserted, doses)
    if inserts and "insert" in table:
        wanted = "wanted insert (doses from the start) or inserts (one after an exclusion), got both"
        reader.fault(f"{where}.inserts", wanted)
    if doses is None:
        return None
    if inserts and doses.insertable is None:
        wanted = 'wanted doses.insertable too, e.g. insertable = "midpoints"'
        reader.fault(f"{where}.inserts", f"{wanted}, got none")
    if set(dropped) >= set(doses.labels):
        reader.fault(f"{where}.drop", "wanted at least one planned dose left, got all of them dropped")
    if len(reader.faults) > before:
        return None
    own = [*(label for label in doses.labels if label not in dropped), *inserted]
    place = [tuple(i for i, label in enumerate(known) if label in some) for some in (own, dropped)]
    return Place(place[0], place[1], bool(inserts))


def _read_labels(
    reader: Reader,
    value: Any,
    where: str,
    known: Iterable[str],
    wrong: Callable[[str, Doses], str | None],
    doses: Doses | None,
) -> list[str]:
    """Return the labels of a list that name doses, each once."""
    if not isinstance(value, list):
        reader.fault(where, f'wanted a list of labels of doses, e.g. ["{next(iter(known), "1")}"], got {value!r}')
        return []
    labels: list[str] = []
    for i, label in enumerate(value):
        if not isinstance(label, str):
            message: str | None = f"wanted a label in quotes, got {label!r}{nearest(str(label), known)}"
        elif label in labels:
            message = f"named twice: {label!r}"
        else:
            labels.append(label)
            message = None if doses is None else wrong(label, doses)
        if message:
            reader.fault(f"{where}[{i}]", message)
    return labels


def _not_dropped(label: str, doses: Doses) -> str | None:
    """Say why a label names no dose that a design may drop."""
    if label in doses.labels:
        return None
    if label in doses.grid().labels:
        return f"{label!r} is insertable: the design does not use it unless insert or inserts says so; leave it out"
    return f"no planned dose {label!r}{nearest(label, doses.labels)}"


def _not_inserted(label: str, doses: Doses) -> str | None:
    """Say why a label names no dose that a design may insert."""
    insertable = [name for name in doses.grid().labels if name not in doses.labels]
    if label in insertable:
        return None
    if label in doses.labels:
        return f"{label!r} is planned: the design uses it unless drop says otherwise; leave it out"
    if insertable:
        return f"no insertable dose {label!r}{nearest(label, insertable)}"
    if doses.values is None:
        return "wanted doses.values and doses.insertable too: a dose between two others takes numbers"
    found = [x for x in dataclasses.replace(doses, insertable=MIDPOINTS).grid().labels if x not in doses.labels]
    return f'wanted doses.insertable too, e.g. insertable = "{MIDPOINTS}", which is {", ".join(found)}; got none'
