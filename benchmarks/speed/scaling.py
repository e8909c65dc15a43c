"""How time, states and memory grow with patients, doses, scenarios and cohort size."""

from __future__ import annotations

from functools import partial
from typing import Any

from benchmarks.speed import cases
from benchmarks.speed.measure import Record, Task, timed, traced_peak

AXES: dict[str, tuple[int, ...]] = {
    "patients": (6, 9, 12, 18, 24, 30, 36),
    "doses": (3, 4, 5, 6, 7, 8),
    "scenarios": (1, 10, 100, 1000, 10_000),
    "cohort": (1, 2, 3, 6),
}
"""Along each axis the rest is 4 doses, 30 patients in threes, one scenario."""
FAMILIES = ("3+3", "BOIN", "CRM")


def design_of(family: str, axis: str, x: int) -> Any:
    """Return the design of a point; a 3+3 has the cap only where patients vary, and its own cohorts."""
    sizes = {axis: x} if axis != "scenarios" else {}
    if family == "3+3":
        return cases.three_plus_three(**sizes)
    return (cases.boin if family == "BOIN" else cases.crm)(**sizes)


def _measured(repeats: int, family: str, axis: str, x: int) -> Record:
    """Time the exact operating characteristics with nothing cached, and count states and bytes."""
    p = cases.thousand(x) if axis == "scenarios" else (cases.TRUTH if axis != "doses" else _truth(x),)
    call = partial(cases.exact, design_of(family, axis, x), p)
    record, (graph, *_) = timed(call, repeats)
    counts = graph.counts()
    return record | {"axis": axis, "x": x, "design": family, "counts": counts, "peak_bytes": traced_peak(call)}


def _truth(doses: int) -> tuple[float, ...]:
    return tuple(0.05 + 0.5 * j / (doses - 1) for j in range(doses))


def _task(family: str, axis: str, x: int) -> Task:
    slow = x not in (AXES[axis][-2:] if axis == "cohort" else AXES[axis][:2])  # single patients are the slowest
    return Task(f"scaling/{axis}/{family}/{x}", partial(_measured, family=family, axis=axis, x=x), slow)


TASKS = tuple(
    _task(family, axis, x)
    for axis, xs in AXES.items()
    for family in FAMILIES
    if (family, axis) != ("3+3", "cohort")
    for x in xs
)
