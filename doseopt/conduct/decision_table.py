"""The decision table of a design that looks at one dose: what y DLTs in n patients at the current dose mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from doseopt.core.design import Design, Phase
from doseopt.core.parameters import Fault, Faults, nearest
from doseopt.core.state import BoolArray, IntArray
from doseopt.designs.boin12 import BOIN12
from doseopt.designs.decision_table import DecisionTable
from doseopt.designs.interval import DOWN, UP, IntervalDesign, tables
from doseopt.designs.layers import layers
from doseopt.designs.rolling_six import RollingSix
from doseopt.display.decision_table import LETTERS
from doseopt.study.study import Study

type StrArray = npt.NDArray[np.str_]

MOST, WITHOUT_CAP = 99, 30
"""Patients of the largest table, and of that of a design without a cap."""


def table_design(design: Design) -> IntervalDesign | RollingSix | None:
    """Return the design under its modifiers whose rule is a table, or None."""
    rule = layers(design).rule
    if not isinstance(rule, IntervalDesign | RollingSix) or rule.facts.outcomes.beside:
        return None
    return rule if rule.facts.backfill is None else None


def with_table(study: Study) -> list[str]:
    """Return the names of the designs of a study that have a decision table, in its order."""
    designs = study.designs.items()
    return [name for name, design in designs if table_design(design) is not None or weighs_efficacy(design)]


def weighs_efficacy(design: Design) -> bool:
    """Tell whether a design has a table of scores, see `scores_table`, in place of one of decisions."""
    return isinstance(layers(design).rule, BOIN12)


def chosen(study: Study, name: str) -> str:
    """Return the name, or that of the first design with a table; refuse what has none."""
    fitting = with_table(study)
    if name in fitting or (not name and fitting):
        return name or fitting[0]
    if name and name not in study.designs:
        message = f"no design {name!r} in the study{nearest(name, study.designs)}"
    else:
        which = repr(name) if name else "none"
        have = f"these have a table: {', '.join(fitting)}" if fitting else "none of the study has a table"
        message = (
            f"wanted a design whose decisions depend on patients and DLTs at the current dose alone, got {which}; "
            f"{have}. For any design: doseopt paths"
        )
    raise Faults([Fault("design", message)], study.name)


def decision_table(study: Study, name: str = "", patients: int | None = None) -> xr.Dataset:
    """Return the decision table of a design of a study.

    Parameters
    ----------
    study : Study
    name : str
        Of the design; left out: the first that has a table.
    patients : int, optional
        Largest number of patients at one dose; the design's cap when left out, 30 without one.

    Returns
    -------
    Dataset
        `decision` (n, y), a letter of `LETTERS`, empty where y > n; `stops_at_lowest` (n, y), whether the trial ends
        there at the lowest dose; by n the boundaries `escalate` (if y is at most), `deescalate`, `eliminate` and
        `stop_at_lowest` (if y is at least), -1 for none; `in_order` (n), whether the decisions go from E to DU as y
        rises, without which boundaries cannot say them; `whole_cohorts` (n), whether n is a multiple of the cohort
        size; by rule, `reading` and `source` of the design's description.

    Raises
    ------
    Faults
        If there is no such design, or it has no table, or one with pending patients.
    """
    name = chosen(study, name)
    design = study.designs[name]
    base = table_design(design)
    if not isinstance(base, IntervalDesign) or base.facts.pending:
        wanted = "wanted a design that looks at DLTs, and waits until every outcome is known"
        other = "scores_table" if weighs_efficacy(design) else "pending_table"
        raise Faults([Fault("design", f"{wanted}; of {name!r} see {other}")], study.name)
    n = _sizes(design, base, patients)
    decision, stops = _decisions(base, n)
    cohort = 0 if varies(design) else base.cohort
    boundaries = {
        key: ("n", value, {"units": "patients", "long_name": text, "none": -1})
        for key, (value, text) in _boundaries(decision, stops).items()
    }
    whole = n % cohort == 0 if cohort else np.zeros(len(n), bool)
    known = described(study, name, base)
    return known.assign(
        {
            "decision": (("n", "y"), decision, {"long_name": "decision for y DLTs in n patients at the current dose"}),
            "stops_at_lowest": (("n", "y"), stops, {"long_name": "the trial stops there at the lowest dose"}),
            **boundaries,
            "in_order": ("n", _in_order(decision)),
            "whole_cohorts": ("n", whole, {"long_name": "a multiple of the cohort size"}),
            "n": ("n", n, {"units": "patients", "long_name": "evaluable patients at the current dose"}),
            "y": ("y", np.arange(n.max() + 1), {"units": "patients", "long_name": "patients with a DLT there"}),
        },
    ).assign_attrs(cohort=cohort)


def described(study: Study, name: str, rule: IntervalDesign | RollingSix) -> xr.Dataset:
    """Return what any decision table says of its design: by rule, `reading` and `source`; and what it is made from."""
    rows = study.designs[name].describe()
    return xr.Dataset(
        {"reading": ("rule", [row.reading for row in rows]), "source": ("rule", [row.source for row in rows])},
        coords={"rule": [row.rule for row in rows]},
        attrs={**study.provenance(), "design": name, "kind": type(rule).__name__, "target": rule.target},
    )


def check_patients(patients: int | None) -> None:
    """Refuse a table of no patients, or of more than it has room for."""
    if patients is not None and not 1 <= patients <= MOST:
        raise Faults([Fault("patients", f"wanted a whole number in [1, {MOST}], got {patients}")])


def _sizes(design: Design, base: IntervalDesign, patients: int | None) -> IntArray:
    """Return the n of the table: all up to the largest, or those that the user's own table has."""
    check_patients(patients)
    most = (
        patients if patients is not None else WITHOUT_CAP if design.facts.cap is None else min(design.facts.cap, MOST)
    )
    if not isinstance(base, DecisionTable):
        return np.arange(1, most + 1)
    found = [size for size in base.sizes if size <= most]
    if not found:
        raise Faults([Fault("patients", f"wanted at least {base.sizes[0]}, where the table begins, got {most}")])
    return np.array(found)


def varies(design: Design) -> bool:
    """Tell whether a modifier sets other cohort sizes than the design's own."""
    return any(modifier.phase == Phase.SIZE for modifier in layers(design).laid)


def _decisions(base: IntervalDesign, n: IntArray) -> tuple[StrArray, BoolArray]:
    """Return the letters, and where the lowest dose ends the trial, [n, y] each."""
    most = int(n.max())
    moves, out, lowest = tables(base, most + 1)
    by_move = np.where(moves == UP, "E", np.where(moves == DOWN, "D", "S"))
    possible = np.arange(most + 1) <= n[:, None]
    return np.where(possible, np.where(out, "DU", by_move)[n], ""), lowest[n] & possible


def _in_order(decision: StrArray) -> BoolArray:
    """Return for which n the decisions go from E to DU as y rises, [n]."""
    rank = np.select([decision == letter for letter in LETTERS], range(len(LETTERS)), len(LETTERS))
    return np.asarray((np.diff(rank, axis=1) >= 0).all(axis=1))


def _boundaries(decision: StrArray, stops: BoolArray) -> dict[str, tuple[IntArray, str]]:
    """Return each boundary, [n], with what it means."""
    last = np.where(decision == "E", np.arange(decision.shape[1]), -1).max(axis=1)

    def first(where: BoolArray) -> IntArray:
        return np.where(where.any(axis=1), where.argmax(axis=1), -1)

    return {
        "escalate": (last, "escalate if y is at most"),
        "deescalate": (first((decision == "D") | (decision == "DU")), "de-escalate if y is at least"),
        "eliminate": (first(decision == "DU"), "eliminate the dose if y is at least"),
        "stop_at_lowest": (first(stops), "stop the trial at the lowest dose if y is at least"),
    }


def as_object(ds: xr.Dataset) -> dict[str, Any]:
    """Return a decision table as JSON holds it: one entry for each n, null where there is no boundary."""
    entries = []
    for i, n in enumerate(ds["n"].to_numpy().tolist()):
        names = ("escalate", "deescalate", "eliminate", "stop_at_lowest")
        limits = {name: int(ds[name].to_numpy()[i]) for name in names}
        entries.append(
            {"n": n, "decisions": [str(letter) for letter in ds["decision"].to_numpy()[i] if letter]}
            | {name: None if value < 0 else value for name, value in limits.items()}
            | {"in_order": bool(ds["in_order"].to_numpy()[i])}
        )
    return {
        **ds.attrs,
        "letters": dict(LETTERS),
        "table": entries,
        "rules": entries_of(ds, "rule", "reading", "source"),
    }


def entries_of(ds: xr.Dataset, *names: str) -> list[dict[str, Any]]:
    """Return variables of one dimension as JSON holds them, one entry for each place; null where a value is unknown."""
    rows = zip(*(ds[name].to_numpy().tolist() for name in names), strict=True)
    return [{name: None if value != value else value for name, value in zip(names, row, strict=True)} for row in rows]
