"""Other rules than the registered one: of the study and of the bundled library, on its doses and at any cap."""

from __future__ import annotations

import math
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from doseopt.core.design import Design
from doseopt.core.parameters import Faults
from doseopt.designs.layers import in_any_order, layers, tunable, with_cap
from doseopt.designs.waiting import made_to_wait
from doseopt.engines.budget import STEADY, TooManyStates
from doseopt.engines.graph import most_patients
from doseopt.study.designs import read_designs
from doseopt.study.file import BUNDLED
from doseopt.study.reader import Reader
from doseopt.study.study import Study


def library_designs(study: Study) -> dict[str, Design]:
    """Return the designs of the library that fit a study, with the library's own caps, by name.

    A CRM's prior MTD is the dose above the middle, a BLRM's reference dose the study's; without doses as numbers there
    is no BLRM. The table of one's own is left out.

    Parameters
    ----------
    study : Study

    Examples
    --------
    >>> from doseopt import load_study
    >>> "Keyboard" in library_designs(load_study())
    True
    """
    tables = tomllib.loads((BUNDLED / "library.toml").read_text(encoding="utf-8"))["designs"]
    doses = study.doses.as_planned
    count = len(doses.labels)
    given = {"target": study.target, "doses": count, "dose_values": doses.values, "unit": doses.unit}
    found: dict[str, Design] = {}
    for name, table in tables.items():
        reader = Reader()
        designs = read_designs(reader, {name: _fitted(table, study, count)}, doses, given)
        if table["kind"] != "table" and not reader.faults:
            found |= designs
    return found


def rules_to_tune(study: Study, registered: str) -> dict[str, Design]:
    """Return the other rules of the study and the library that can be tuned, at the registered design's most patients.

    Parameters
    ----------
    study : Study
    registered : str
        One of its designs.
    """
    design = study.designs[registered]
    capped = at_cap(study, other_rules(study, design, library_designs(study)), most_patients(made_to_wait(design)))
    return {name: other for name, other in capped.items() if tunable(other)}


def _fitted(table: dict[str, Any], study: Study, count: int) -> dict[str, Any]:
    """Return the table of a design of the library for the doses of a study."""
    fitted = dict(table)
    if "skeleton" in table:
        fitted["skeleton"] = table["skeleton"] | {"prior_mtd": count // 2 + 1 if count > 1 else 1}
    if "initial" in table:
        fitted["initial"] = [level for level in range(1, count + 1) for _ in range(3)]
    if "reference_dose" in table and study.posterior.reference_dose is not None:
        fitted["reference_dose"] = study.posterior.reference_dose
    return fitted


def other_rules(study: Study, design: Design, library: Mapping[str, Design] | None = None) -> dict[str, Design]:
    """Return designs of other rules than a design's, one a rule, that look at DLTs alone; by name."""
    found: dict[str, Design] = {}
    for name, other in (dict(study.designs) | dict(library or {}) | dict(study.designs)).items():
        seen, facts = [design, *found.values()], other.facts
        if facts.outcomes.beside or facts.backfill is not None:
            continue
        if not any(same(with_cap(other, 1000), with_cap(k, 1000)) for k in seen):
            found[name] = other
    return {name: other for name, other in found.items() if layers(other).rule != layers(design).rule}


def at_cap(study: Study, others: Mapping[str, Design], cap: int) -> dict[str, Design]:
    """Return designs with so many patients at most, by the name that the study has for them or one with the cap in it.

    Those whose first cohort is larger, and rules that have no cap of their own, are left out.
    """
    found: dict[str, Design] = {}
    for name, other in others.items():
        try:
            capped = with_cap(other, cap)
        except Faults:  # not even the first cohort
            continue
        own = (known for known, each in study.designs.items() if same(each, capped))
        said = re.sub(rf"\b{other.facts.cap}\b", str(cap), name)
        said = said if re.search(rf"\b{cap}\b", said) else f"{name}, cap {cap}"
        if most_of(capped) <= cap:
            found[next(own, said)] = capped
    return found


def same(one: Design, other: Design) -> bool:
    """Tell whether two designs are one, in whatever order their modifiers are written."""
    return in_any_order(one) == in_any_order(other)


def most_of(design: Design) -> float:
    """Return the most patients of a trial: the cap, unless the graph of a design that may end before tells."""
    cap = design.facts.cap
    if cap is not None and set(design.facts.stops) <= STEADY:
        return cap
    try:
        return most_patients(made_to_wait(design))
    except TooManyStates:
        return cap or math.inf
