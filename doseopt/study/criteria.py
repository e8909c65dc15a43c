"""Criteria by which an amendment is recommended: a measure to be as large as possible, and bounds on others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from doseopt.core.parameters import Domain
from doseopt.scenarios import MTDRule
from doseopt.study.absent import near
from doseopt.study.definitions import MAIN
from doseopt.study.reader import Reader, key
from doseopt.study.said import MISSING, Said

MAXIMISE = "correct_selection"
CRITERIA = {
    "maximise": Said(
        "measure that is to be as large as possible; any other key is a measure with its bound",
        Domain(str),
        MISSING,
        MAXIMISE,
    ),
    "definition": Said("definition of what is right by which is judged", Domain(str), MAIN),
}


@dataclass(frozen=True)
class Criteria:
    """Criteria of a recommendation.

    Parameters
    ----------
    maximise : str
        The measure that is to be as large as possible.
    bounds : mapping of str to float
        Measures, and what they may be at most (or at least, where large is good).
    definition : str
        By which definition of the MTD is judged: the main one, or one of `also` in `[mtd]`.
    """

    maximise: str = MAXIMISE
    bounds: Mapping[str, float] = field(default_factory=dict)
    definition: str = MAIN

    def in_file(self) -> dict[str, Any]:
        """Return the table of the study file."""
        stated = {} if self.definition == MAIN else {"definition": self.definition}
        return {"maximise": self.maximise, **self.bounds, **stated}


def read_criteria(
    reader: Reader, table: Any, where: str, also: Mapping[str, MTDRule], target: float
) -> Criteria | None:
    """Build criteria; faults go to the reader, which may know who can tell whether there are such measures.

    Parameters
    ----------
    reader : Reader
    table : Any
        What stands in the file.
    where : str
        Its path.
    also : mapping of str to MTDRule
        The definitions of what is right beside the main one.
    target : float
        The study's, which the designs aim at that may be recommended.
    """
    if not isinstance(table, Mapping):
        example = f'{{ maximise = "{MAXIMISE}", overdose_selection = 0.15 }}'
        reader.fault(where, f"wanted a table such as {example}, got {table!r}")
        return None
    before = len(reader.faults)
    words = {name: value for name, value in table.items() if isinstance(value, str) and near(name, CRITERIA)}
    rest = {name: value for name, value in table.items() if name not in {*CRITERIA, *words}}
    table = reader.table(words, where, CRITERIA) | {name: table[name] for name in CRITERIA if name in table}
    if "maximise" not in table:
        reader.fault(f"{where}.maximise", f'missing; wanted a measure such as "{MAXIMISE}"')
    maximise = reader.value(table.get("maximise", MAXIMISE), f"{where}.maximise", Domain(str))
    domain = Domain(str, choices=(MAIN, *also))
    definition = reader.value(table.get("definition", MAIN), f"{where}.definition", domain)
    named = also.get(definition)  # None if it has faults of its own, too
    if named is not None and named.target != target:
        wanted = f"wanted a definition at the target of {target:g} that the designs aim at"
        reader.fault(f"{where}.definition", f"{wanted}; {definition!r} is at {named.target:g}")
    bounds = {name: reader.value(value, f"{where}.{key(name)}", Domain(float)) for name, value in rest.items()}
    sound = {name: bound for name, bound in bounds.items() if bound is not None}
    criteria = Criteria(MAXIMISE if maximise is None else maximise, sound, definition)
    reader.faults += reader.judge(criteria)
    return None if len(reader.faults) > before else criteria
