"""When a design may name a dose: the key `names` of its table, and `[mtd] definition`, which it may refer to."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from doseopt.core.definition import Definition, Names
from doseopt.core.parameters import Domain, Fault, Faults, declared
from doseopt.designs.naming import Naming
from doseopt.designs.selecting import Selecting
from doseopt.study.reader import Reader, plain
from doseopt.study.said import MISSING, Said

EXAMPLE = 'definition = { patients = 6, rate = "1/6" }'
FURTHER = {"dlts": 1, "otherwise": "best", "unless_complete": True}
"""Keys of `Names`, and an example of each."""
EVIDENCE = {
    "at_least": Said("patients at the dose", Domain(int, 1), MISSING, 6),
    "rate": Said("the largest share of them with a DLT, exact", Domain(str), "1", "1/6"),
    **{
        name: Said(field.metadata["doc"], field.metadata["domain"], field.default, FURTHER[name])
        for name, field in declared(Names).items()
        if name in FURTHER
    },
}
WANTED = 'wanted "any", { at_least = 6 } or "definition"'


def read_definition(reader: Reader, mtd: Any) -> Definition | None:
    """Build the definition of the MTD by its evidence that the table `[mtd]` states."""
    if not isinstance(mtd, Mapping) or "definition" not in mtd:
        return None
    found: Definition | None = reader.build(Definition, mtd["definition"], "mtd.definition", {})
    return found or Definition(patients=1)  # stands for one that is wrong, so that a design may refer to it


def read_names(reader: Reader, value: Any, where: str, design: Any, definition: Definition | None) -> Any:
    """Lay a naming rule over a design.

    Parameters
    ----------
    reader : Reader
        Collects the faults.
    value : Any
        What stands at `where`.
    where : str
    design : Design, optional
        With its selection, without modifiers; None if it could not be read.
    definition : Definition, optional
        The study's.
    """
    found = _evidence(reader, value, where, definition)
    selecting: Any = design.selector if isinstance(design, Selecting) else design
    at_cap = getattr(selecting, "mtd_at_cap", None)
    if at_cap == "not_excluded":
        reader.fault(where, 'wanted it or mtd_at_cap = "not_excluded", which is names = "any", got both')
    elif value == "any" and at_cap is not None:
        selecting = dataclasses.replace(selecting, mtd_at_cap="not_excluded")
        return dataclasses.replace(design, selector=selecting) if isinstance(design, Selecting) else selecting
    try:
        return design if found is None or design is None else Naming(design, found)
    except Faults as faults:
        reader.faults.extend(Fault(f"{where}.otherwise", fault.message) for fault in faults.faults)
        return design


def _evidence(reader: Reader, value: Any, where: str, definition: Definition | None) -> Definition | None:
    """Return what a dose must meet to be named; None if nothing, or after noting a fault."""
    if value == "definition" and definition is None:
        reader.fault(where, f"wanted it in [mtd] too, e.g. {EXAMPLE}, got none")
    if value in ("any", "definition"):
        return definition if value == "definition" else None
    if not isinstance(value, Mapping):
        reader.fault(where, f"{WANTED}, got {value!r}")
        return None
    before = len(reader.faults)
    table = reader.table(value, where, EVIDENCE)
    patients = reader.value(table.get("at_least"), f"{where}.at_least", EVIDENCE["at_least"].domain)
    rate = table.get("rate", "1")
    message = declared(Definition)["rate"].metadata["domain"].fault(rate)
    if message:
        reader.fault(f"{where}.rate", message)
    further = {
        name: reader.value(table[name], f"{where}.{name}", EVIDENCE[name].domain) for name in FURTHER if name in table
    }
    if len(reader.faults) > before:
        return None
    return Names(patients, rate, **further) if further else Definition(patients, rate)


def names_table(names: Definition | None, definition: Definition | None) -> dict[str, Any]:
    """Return a naming rule as a design's table says it."""
    if names is None:
        return {}
    table = plain(names)
    return {"names": "definition" if names == definition else {"at_least": table.pop("patients"), **table}}
