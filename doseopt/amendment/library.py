"""Designs of the bundled library on the doses of a study: in their usual form, not calibrated."""

from __future__ import annotations

import tomllib
from typing import Any

from doseopt.core.design import Design
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
