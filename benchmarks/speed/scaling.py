"""How time, states and memory grow with patients, doses, scenarios and cohort size."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.speed import cases
from benchmarks.speed.measure import Record, Task, apart, timed

AXES: dict[str, tuple[int, ...]] = {
    "patients": (6, 12, 18, 24, 30, 36, 45, 60),
    "singles": (10, 15, 20, 25, 30, 35, 40),
    "doses": (3, 4, 5, 6, 7, 8),
    "scenarios": (1, 10, 100, 1000, 10_000),
    "cohort": (1, 2, 3, 6),
}
"""Along each axis the rest is 4 doses, 30 patients in threes, one scenario; along doses 45 patients."""
FAMILIES = ("3+3", "BOIN", "CRM")
OWN_COHORTS = ("singles", "cohort")
"""Axes without the 3+3."""


def design_of(family: str, axis: str, x: int) -> Any:
    """Return the design of a point; a 3+3 has the cap only where patients vary, and its own cohorts."""
    if family == "3+3":
        return cases.three_plus_three(**({axis: x} if axis in ("patients", "doses") else {}))
    sizes = {
        "singles": {"patients": x, "cohort": 1},
        "doses": {"doses": x, "patients": 45},
        "scenarios": {},
    }.get(axis, {axis: x})
    return (cases.boin if family == "BOIN" else cases.crm)(**sizes)


def point(family: str, axis: str, x: int, repeats: int) -> Record:
    """Time the exact operating characteristics with nothing cached, and count states."""
    cases.load()
    p = cases.thousand(x) if axis == "scenarios" else (cases.TRUTH if axis != "doses" else _truth(x),)
    record, (graph, *_) = timed(partial(cases.exact, design_of(family, axis, x), p), repeats)
    return record | {"axis": axis, "x": x, "design": family, "counts": graph.counts()}


def _truth(doses: int) -> tuple[float, ...]:
    return tuple(0.05 + 0.5 * j / (doses - 1) for j in range(doses))


def _task(family: str, axis: str, x: int) -> Task:
    quick = axis in ("patients", "singles") and x == AXES[axis][0]
    return Task(f"scaling/{axis}/{family}/{x}", partial(apart, point, family, axis, x), not quick)


TASKS = tuple(
    _task(family, axis, x)
    for axis, xs in AXES.items()
    for family in FAMILIES
    if family != "3+3" or axis not in OWN_COHORTS
    for x in xs
)
