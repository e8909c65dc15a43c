"""The doses of a study: those planned, and those that may be inserted between them."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from doseopt.core.parameters import Fault, are_numbers, check, native, nearest, param
from doseopt.core.state import FloatArray
from doseopt.core.text import name_fault
from doseopt.scenarios.dose_curve import curve

MIDPOINTS = "midpoints"


def _figures(labels: tuple[str, ...]) -> list[float]:
    """Return labels as figures; none if one is a name."""
    try:
        return [float(label) for label in labels]
    except ValueError:
        return []


def _texts_fault(value: Any) -> str | None:
    if value == ():
        return None
    if not isinstance(value, tuple) or not value or not all(isinstance(v, str) for v in value):
        return f"wanted a list of names, one a dose, got {value!r}"
    found = {i: name_fault(v) for i, v in enumerate(value)}
    if any(found.values()):
        return "; ".join(f"label {i + 1}: {message}" for i, message in found.items() if message)
    return f"wanted different names, got {list(value)}" if len(set(value)) < len(value) else None


def _values_fault(value: Any) -> str | None:
    if value is None:
        return None
    if not are_numbers(value) or any(v <= 0 for v in value) or any(a >= b for a, b in pairwise(value)):
        return f"wanted increasing numbers above 0, got {value!r}"
    return None


def _unit_fault(value: Any) -> str | None:
    if not isinstance(value, str):
        return f"wanted text, got {value!r}"
    return name_fault(value) if value else None


def _insertable_fault(value: Any) -> str | None:
    if value is None or value == MIDPOINTS:
        return None
    if isinstance(value, tuple) and value and _values_fault(value) is None:
        return None
    return f'wanted "{MIDPOINTS}" or increasing numbers above 0, got {value!r}'


@dataclass(frozen=True)
class Doses:
    """The planned doses, and with `insertable` those between them that a design may insert.

    Parameters
    ----------
    labels : tuple of str
        Left out: the values as they are written.
    values : tuple of float, optional
        In `unit`.
    unit : str
        Required with values: nothing that carries a unit has a silent default.
    tolerance : float, optional
        The actual dose may differ from the planned one by this fraction.
    insertable : "midpoints" or tuple of float, optional
        Doses that designs with ``inserts = true`` may add in the course, and designs with ``insert = [label]`` use from
        the start: the geometric midpoints between neighbours, or stated doses in `unit`, at most one between two
        neighbours.
    assumed : tuple of str
        Labels of doses that no source of the study states: they are marked wherever its doses are listed.
    plan : Doses, optional
        Of a grid, on which planned and insertable doses stand together: the doses that it was made from.
    """

    labels: tuple[str, ...] = param((), custom=_texts_fault, doc="a list of names, one a dose; the values if left out")
    values: tuple[float, ...] | None = param(None, kind=tuple, custom=_values_fault, doc="the doses as numbers")
    unit: str = param("", custom=_unit_fault, doc="unit of the values")
    tolerance: float | None = param(
        None, kind=float, low=0, high=1, open_high=True, optional=True, doc="share by which an actual dose may be off"
    )
    insertable: str | tuple[float, ...] | None = param(
        None, kind=tuple, custom=_insertable_fault, doc="doses that designs may insert; or how they are spaced"
    )
    assumed: tuple[str, ...] = param((), custom=_texts_fault, doc="labels of doses that no source of the study states")
    plan: Doses | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Name the doses by their values where no names are given, and check the parameters, alone and together."""
        labels, values = native(self.labels), native(self.values)
        if labels == () and _values_fault(values) is None:
            object.__setattr__(self, "labels", tuple(f"{value:.12g}" for value in values or ()))
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        """Return what is wrong between the parameters."""
        found = []
        if self.labels == () and self.values is None:
            found.append(Fault("labels", "missing; wanted a list of names, one a dose, or values and their unit"))
        named = _texts_fault(self.assumed) is None and _texts_fault(self.labels) is None
        strange = [label for label in self.assumed if label not in self.labels] if named else []
        if strange:
            found.append(Fault("assumed", f"no dose {strange[0]!r}{nearest(strange[0], self.labels)}"))
        if not isinstance(self.plan, Doses | None):
            found.append(Fault("plan", f"wanted the planned doses, got {self.plan!r}"))
        figures = _figures(self.labels) if named and self.values is None else []
        if figures != sorted(figures):
            wanted = "wanted the lowest dose first, or names with a word in them where the figures are no doses"
            found.append(Fault("labels", f"{wanted}, got {', '.join(self.labels)}"))
        if self.values is not None and not self.unit:
            found.append(Fault("unit", 'missing; wanted the unit of the values, e.g. "cells" or "mg"'))
        named = isinstance(self.labels, tuple) and self.labels != ()
        if named and isinstance(self.values, tuple) and len(self.values) != len(self.labels):
            found.append(Fault("values", f"wanted {len(self.labels)} values, one a label, got {len(self.values)}"))
        return found + self._insertable_faults()

    def _insertable_faults(self) -> list[Fault]:
        """Return what is wrong with the insertable doses, given the planned ones."""
        if self.insertable is None or _insertable_fault(self.insertable) or _values_fault(self.values):
            return []
        if self.values is None:
            return [Fault("insertable", "wanted doses.values too: a dose between two others takes numbers")]
        if self.insertable == MIDPOINTS:
            return []
        gaps = np.searchsorted(self.values, np.array(self.insertable, float))
        outside = [v for v, gap in zip(self.insertable, gaps, strict=True) if gap in (0, len(self.values))]
        if outside or len(set(gaps.tolist())) < len(gaps) or set(self.insertable) & set(self.values):
            wanted = "wanted doses between planned ones, at most one between two neighbours"
            return [Fault("insertable", f"{wanted}, got {list(self.insertable)}")]
        return []

    def grid(self) -> Doses:
        """Return planned and insertable doses together, as the doses of comparisons; the same without insertable."""
        if self.insertable is None or self.values is None:
            return self
        middle = tuple(math.sqrt(a * b) for a, b in pairwise(self.values))
        added = middle if self.insertable == MIDPOINTS else self.insertable
        label = dict(zip(self.values, self.labels, strict=True)) | {float(v): self._label(float(v)) for v in added}
        values = tuple(sorted(label))
        return dataclasses.replace(
            self, labels=tuple(label[v] for v in values), values=values, insertable=None, plan=self
        )

    @property
    def as_planned(self) -> Doses:
        """The planned doses, with what may be inserted, as a study file states them."""
        return self.plan or self

    def planned(self) -> tuple[int, ...]:
        """Return where the planned doses stand on the grid."""
        return tuple(self.grid().labels.index(label) for label in self.as_planned.labels)

    def _label(self, value: float) -> str:
        """Name an insertable dose as the planned ones are named: on the scale of their labels, if they have one."""
        scale = 1.0
        try:
            ratios = [v / float(label) for v, label in zip(self.values or (), self.labels, strict=True)]
        except (ValueError, ZeroDivisionError):
            ratios = []
        if ratios and max(ratios) <= min(ratios) * (1 + 1e-9):
            scale = ratios[0]
        return f"{value / scale:.3g}"

    def on_grid(self, rates: FloatArray) -> FloatArray:
        """Return rates [R, D] at the planned doses as rates on the grid, along the curve between doses."""
        grid = self.grid()
        if grid is self or grid.values is None or self.values is None:
            return rates
        known = ~np.isnan(rates).any(axis=1)
        result = np.full((len(rates), len(grid.values)), np.nan)
        result[known] = curve(rates[known], self.values)(grid.values)
        result[:, self.planned()] = rates
        return result
