"""Places of labels: beside what they name if there is room, else in a column at the right, none over another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from doseopt.core.state import FloatArray

type Box = tuple[float, float, float, float]
GAP = 5.0
"""Points between a label and what it names."""


@dataclass(frozen=True)
class Label:
    """A label of a size, in points, for an anchor, in points from the lower left corner of the axes."""

    text: str
    width: float
    height: float
    x: float
    y: float


def overlap(a: Box, b: Box) -> bool:
    """Return whether two boxes (left, bottom, right, top) share more than an edge."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def along(x: FloatArray, y: FloatArray, step: float = 2.0) -> Iterable[Box]:
    """Return small boxes along a line, for labels to keep off."""
    for k in range(len(x) - 1):
        n = max(int(np.hypot(x[k + 1] - x[k], y[k + 1] - y[k]) / step), 1)
        for s in np.linspace(0, 1, n + 1):
            px, py = x[k] + s * (x[k + 1] - x[k]), y[k] + s * (y[k + 1] - y[k])
            yield (px - 1.5, py - 1.5, px + 1.5, py + 1.5)


def beside(label: Label, taken: Sequence[Box], room: Box, gaps: Sequence[float] = (GAP,)) -> Box | None:
    """Return a free box next to the anchor and inside `room`, the nearest first, or None."""
    w, h = label.width, label.height
    for g in gaps:
        for left, bottom in (
            (g, -h / 2), (-g - w, -h / 2), (g, -h - g), (g, g), (-g - w, -h - g), (-g - w, g),
            (-w / 2, -h - g), (-w / 2, g),
        ):  # fmt: skip
            box = (label.x + left, label.y + bottom, label.x + left + w, label.y + bottom + h)
            inside = box[0] >= room[0] and box[1] >= room[1] and box[2] <= room[2] and box[3] <= room[3]
            if inside and not any(overlap(box, other) for other in taken):
                return box
    return None


def spread(wanted: Sequence[float], heights: Sequence[float], low: float, high: float) -> list[float]:
    """Return centres as near to the wanted ones as boxes allow that do not overlap, between `low` and `high`."""
    order = sorted(range(len(wanted)), key=lambda k: (wanted[k], k))
    centre = dict.fromkeys(order, 0.0)
    edge = low
    for k in order:
        centre[k] = max(wanted[k], edge + heights[k] / 2)
        edge = centre[k] + heights[k] / 2
    edge = high
    for k in reversed(order):
        centre[k] = min(centre[k], edge - heights[k] / 2)
        edge = centre[k] - heights[k] / 2
    return [centre[k] for k in range(len(wanted))]
