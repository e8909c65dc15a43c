"""Obstacles: why the trials of a design that was read without a fault could not run."""

from __future__ import annotations

from typing import Any

from doseopt.core.design import Phase
from doseopt.core.parameters import Fault, Faults
from doseopt.designs.decision_table import DecisionTable
from doseopt.designs.layers import layers
from doseopt.designs.modifiers import CohortRange, CohortsByDLT, CohortsByDose, CohortsInOrder
from doseopt.designs.policy import Policy

WALKED = 20_000
"""States at the most that are walked through."""


def obstacles(design: Any) -> list[Fault]:
    """Return why trials of a design would not end, hold no cohort, or leave the table that decides."""
    if not design.facts.ends:
        wanted = 'wanted a rule that ends every trial, e.g. { kind = "max_patients", n = 24 }, got none'
        return [Fault("modifiers", wanted)]
    parts = layers(design)
    own = [
        size
        for m in parts.laid
        if isinstance(m, CohortRange | CohortsByDose | CohortsByDLT | CohortsInOrder)
        for size in m.sizes
    ]
    sizes = own or [getattr(parts.rule, "cohort", 1)]
    cap = next((m.cap for m in parts.laid if m.phase == Phase.CAP), None) or max(sizes)
    if max(sizes) > cap:
        return [Fault("modifiers", f"wanted a cap of at least one cohort of {max(sizes)}, got {cap}")]
    return (
        _not_in_table(design)
        if any(isinstance(rule, DecisionTable | Policy) for rule in (parts.rule, parts.selector))
        else []
    )


def _not_in_table(design: Any) -> list[Fault]:
    """Return what a trial meets that its design's table does not have, as far as `WALKED` states show it."""
    from doseopt.engines.budget import TooManyStates
    from doseopt.engines.graph import build_graph

    try:
        build_graph(design, max_states=WALKED)
    except TooManyStates:
        return []
    except Faults as faults:
        return [Fault(fault.where or "table", fault.message) for fault in faults.faults]
    return []
