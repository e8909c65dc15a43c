"""The optimal biological dose in a study file: `[obd]`, and what designs take from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doseopt.core.parameters import Fault
from doseopt.scenarios import OBDRule
from doseopt.scenarios.specs import Spec
from doseopt.study.reader import Reader, key, plain

SHARED = ("phi_e", "u2", "u3")
"""What designs take from it, unless their tables say another value."""


def read_obd(reader: Reader, table: Any, target: float) -> OBDRule | None:
    """Build what the optimal biological dose is; None where the file does not say."""
    built: OBDRule | None = None if table is None else reader.build(OBDRule, table, "obd", {"phi_t": target})
    return built


def obd_table(rule: OBDRule, target: float) -> dict[str, Any]:
    """Return the table, defaults left out."""
    found: dict[str, Any] = plain(rule, without=["phi_t"] if rule.phi_t == target else ())
    return found


def given_by(rule: OBDRule | None) -> dict[str, float]:
    """Return what every design is given of it."""
    return {} if rule is None else {name: getattr(rule, name) for name in SHARED}


def without_efficacy(rule: OBDRule | None, specs: Mapping[str, Spec | None]) -> list[Fault]:
    """Return the scenarios that do not state the efficacy by which the dose is judged."""
    if rule is None:
        return []
    lacking = [name for name, spec in specs.items() if spec is not None and getattr(spec, "p_eff", None) is None]
    wanted = "wanted p_eff, the efficacy rates by which [obd] says which dose is right; missing"
    return [Fault(f"scenarios.{key(name)}", wanted) for name in lacking]
