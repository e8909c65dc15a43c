"""Places of labels: beside what they name if there is room, else in a column at the right, none over another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from doseopt.core.state import FloatArray
from doseopt.plots.scaffold import Axes, note
from doseopt.plots.style import GREY, SMALL, fitted, text_width

type Box = tuple[float, float, float, float]
type Spot = tuple[float, float]
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


def _away(box: Box, spot: Spot) -> float:
    """Return how far a point is from a box."""
    return float(np.hypot(max(box[0] - spot[0], spot[0] - box[2], 0), max(box[1] - spot[1], spot[1] - box[3], 0)))


def beside(
    label: Label, taken: Sequence[Box], room: Box, gaps: Sequence[float] = (GAP,), others: Sequence[Spot] = ()
) -> Box | None:
    """Return a free box next to the anchor and inside `room`, the nearest first, or None; none of the others nearer."""
    w, h = label.width, label.height
    for g in gaps:
        for left, bottom in (
            (g, -h / 2), (-g - w, -h / 2), (g, -h - g), (g, g), (-g - w, -h - g), (-g - w, g),
            (-w / 2, -h - g), (-w / 2, g),
        ):  # fmt: skip
            box = (label.x + left, label.y + bottom, label.x + left + w, label.y + bottom + h)
            inside = box[0] >= room[0] and box[1] >= room[1] and box[2] <= room[2] and box[3] <= room[3]
            if not inside or any(overlap(box, other) for other in taken):
                continue
            own = _away(box, (label.x, label.y))
            if all(_away(box, other) >= own for other in others):
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


@dataclass(frozen=True)
class End:
    """What stands at the right of the axes for the end (x, y) of a line; its height in points, its look.

    `leader` is the colour of a thin line to the end; None for no line.
    """

    text: str
    x: float
    y: float
    height: float
    leader: str | None
    look: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Canvas:
    """Axes whose limits are set, with their width and height in points, and what labels must keep off."""

    ax: Axes
    width: float
    height: float
    taken: list[Box] = field(default_factory=list)

    def place(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Return places in points from the lower left corner."""
        (left, right), (low, high) = self.ax.get_xlim(), self.ax.get_ylim()
        return (x - left) / (right - left) * self.width, (y - low) / (high - low) * self.height

    def keep_off_line(self, x: FloatArray, y: FloatArray) -> None:
        """Keep labels off a line."""
        self.taken.extend(along(*self.place(x, y)))

    def keep_off_marks(self, spots: Iterable[tuple[float, float]]) -> None:
        """Keep labels off marks."""
        self.taken.extend((x - 4, y - 4, x + 4, y + 4) for x, y in (self.place(*spot) for spot in spots))

    def beside(self, text: str, spot: Spot, gaps: Sequence[float], others: Sequence[Spot] = ()) -> Box | None:
        """Return a free box beside a mark and not nearer to others, and keep it; None if there is no room."""
        lines = text.split("\n")
        size = max(text_width(line, SMALL) for line in lines) + 2, len(lines) * (SMALL + 2.5) + 0.5
        room, places = (2, 2, self.width - 2, self.height), [self.place(*other) for other in others]
        box = beside(Label(text, *size, *self.place(*spot)), self.taken, room, gaps, places)
        self.taken.extend([] if box is None else [box])
        return box

    def write(self, text: str, spot: tuple[float, float], box: Box, near: float = 0) -> None:
        """Write into a box, with a thin line to the mark if that is not as near as so many points."""
        x, y = self.place(*spot)
        away = (box[0] + box[2]) / 2 - x, (box[1] + box[3]) / 2 - y
        close = max(abs(away[0]) - (box[2] - box[0]) / 2, abs(away[1]) - (box[3] - box[1]) / 2) <= near
        line = None if close else {"arrowstyle": "-", "color": GREY, "linewidth": 0.4, "shrinkA": 0, "shrinkB": 3}
        note(self.ax, text, spot, away, ha="center", va="center", linespacing=1.15, zorder=3, arrowprops=line)

    def name_marks(
        self,
        names: Sequence[str],
        texts: Sequence[str],
        spots: Sequence[Spot],
        room: float,
        gaps: Sequence[float] = (GAP, 9),
    ) -> list[End]:
        """Write a text beside each mark; where one finds no room, number all, and return their names for the right.

        The names are then cut to `room` points, and stand from the middle of the axes on down, or higher if many.
        """
        self.keep_off_marks(spots)
        if self._beside_all(texts, spots, gaps, spots):
            return []
        numbers = [str(k) for k in range(1, len(spots) + 1)]
        wide = tuple(range(4, 60, 4))
        if not self._beside_all(numbers, spots, wide, spots):
            self._beside_all(numbers, spots, wide, ())
        line, (low, high) = SMALL + 3, self.ax.get_ylim()
        top = max(self.height / 2, len(spots) * line)
        at = [low + (top - k * line) / self.height * (high - low) for k in range(len(spots))]
        each = zip(numbers, fitted(names, room - 8, SMALL), spots, at, strict=True)
        return [End(f"{number}  {name}", x, y, line, None, {}) for number, name, (x, _), y in each]

    def _beside_all(
        self, texts: Sequence[str], spots: Sequence[Spot], gaps: Sequence[float], others: Sequence[Spot]
    ) -> bool:
        """Write each text beside its mark, not nearer to others; none if one finds no room."""
        kept = len(self.taken)
        boxes = [self.beside(text, spot, gaps, others) for text, spot in zip(texts, spots, strict=True)]
        found = [box for box in boxes if box is not None]
        if len(found) < len(boxes):
            del self.taken[kept:]
            return False
        for text, spot, box in zip(texts, spots, found, strict=True):
            self.write(text, spot, box, near=6)
        return True

    def name_ends(self, ends: Sequence[End], away: float, below: float, above: float) -> None:
        """Write in a column so many points right of the axes, none over another, as near to the ends as that allows."""
        places = [self.place(end.x, end.y) for end in ends]
        centres = spread([y for _, y in places], [end.height for end in ends], -below, self.height + above)
        line: dict[str, Any] = {"arrowstyle": "-", "linewidth": 0.6, "shrinkA": 1, "shrinkB": 2, "relpos": (0, 0.5)}
        for end, (x, y), centre in zip(ends, places, centres, strict=True):
            look = {"ha": "left", "va": "center", "linespacing": 1.15, "annotation_clip": False} | end.look
            look["arrowprops"] = None if end.leader is None else line | {"color": end.leader}
            note(self.ax, end.text, (end.x, end.y), (self.width + away - x, centre - y), **look)
