"""The key `expansion` of a design's table: more patients at the dose selected."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doseopt.core.parameters import Faults
from doseopt.designs.expanding import Expanding, Expansion
from doseopt.study.reader import Reader, plain


def read_expansion(reader: Reader, table: Any, where: str, design: Any) -> Any:
    """Add the expansion that a design's table states to the design, which is None if it could not be read."""
    if not isinstance(table, Mapping) or "expansion" not in table:
        return design
    expansion = reader.build(Expansion, table["expansion"], f"{where}.expansion", {})
    if design is None or expansion is None:
        return design
    try:
        return Expanding(design, expansion)
    except Faults as faults:
        reader.faults.extend(fault.under(where) for fault in faults.faults)
        return design


def expansion_table(expansion: Expansion | None) -> dict[str, Any]:
    """Return an expansion as a design's table says it."""
    return {} if expansion is None else {"expansion": plain(expansion)}
