"""The largest increment from one dose to the next, as a ratio."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np

from doseopt.core.design import Design, Phase, Row
from doseopt.core.parameters import Fault, are_numbers, check, param
from doseopt.core.state import Decision, TrialState
from doseopt.designs.modifiers.rule import Rule

MOST_RATIO = 1e6
"""Of two doses in a row."""
ROUNDING = 1e-12


def values_fault(value: Any) -> str | None:
    """Return what is wrong with doses as numbers."""
    right = are_numbers(value) and bool(value) and min(value) > 0
    if right and all(a < b for a, b in pairwise(value)):
        return None
    return f"wanted the doses as increasing numbers above 0, got {value!r}"


def _ratio_fault(value: Any) -> str | None:
    values = value if isinstance(value, tuple) else (value,)
    if values and are_numbers(values) and all(1 <= v <= MOST_RATIO for v in values):
        return None
    return f"wanted a ratio such as 2 (the next dose at most twice the last), or a list of them, got {value!r}"


def _from_fault(value: Any) -> str | None:
    if value is None or (are_numbers(value) and value and min(value) > 0 and list(value) == sorted(set(value))):
        return None
    return f"wanted a list of increasing numbers above 0, got {value!r}"


@dataclass(frozen=True)
class MaxRatio(Rule):
    """The next dose is at most `ratio` times the last one given.

    A ratio of 2 is "twice the last dose", which is "an increment of 100%". With several ratios they hold by the range
    of the last dose, or by the DLTs seen in the trial.

    Parameters
    ----------
    ratio : float or tuple of float
        1 or more each.
    from_dose : tuple of float, optional
        Doses from which on the second ratio holds, the third, and so on; in the unit of the doses.
    from_dlts : tuple of int, optional
        The same by the DLTs seen so far.
    dose_values : tuple of float
        The doses as numbers; in a study file those of the design's doses.

    Notes
    -----
    BLRM's own `max_increment` is the increment: 1 there is a ratio of 2 here. Names: "IncrementsRelative",
    "IncrementsRelativeDLT" of R's crmPack, which state increments, too.

    Examples
    --------
    Doubling until the first DLT, then half as much again:

    >>> from doseopt import CRM, MaxRatio, Modified, after
    >>> crm = CRM(doses=4, target=0.25, skeleton=(0.01, 0.02, 0.1, 0.25))
    >>> rule = MaxRatio(ratio=(2, 1.5), from_dlts=(1,), dose_values=(10, 20, 30, 40))
    >>> design = Modified(crm, (rule,))
    >>> [design.decide(after(design, seen)).dose.item() + 1 for seen in ("2NNN", "1NNT 2NNNNNN")]
    [4, 3]
    """

    ratio: float | tuple[float, ...] = param(kind=tuple, custom=_ratio_fault, doc="next dose over the last, at most")
    dose_values: tuple[float, ...] = param(kind=tuple, custom=values_fault, doc="the doses as numbers: doses.values")
    from_dose: tuple[float, ...] | None = param(
        None, kind=tuple, custom=_from_fault, doc="doses from which on the second ratio holds, the third, ..."
    )
    from_dlts: tuple[int, ...] | None = param(
        None, kind=tuple, custom=_from_fault, doc="DLTs seen from which on the second ratio holds, the third, ..."
    )

    phase: ClassVar[Phase] = Phase.RESTRICT

    def __post_init__(self) -> None:
        """Check that there is a ratio for each range."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        if self.from_dose is not None and self.from_dlts is not None:
            return [Fault("from_dlts", "wanted it or from_dose, got both; lay two rules over the design")]
        ranges = len(self.from_dose or self.from_dlts or ())
        if len(self._ratios) != ranges + 1:
            wanted = f"wanted {ranges + 1} ratio{'s' * (ranges > 0)}, one a range of from_dose or from_dlts"
            return [Fault("ratio", f"{wanted}, got {len(self._ratios)}")]
        return []

    @property
    def _ratios(self) -> tuple[float, ...]:
        return self.ratio if isinstance(self.ratio, tuple) else (self.ratio,)

    @classmethod
    def example(cls) -> Self:
        """Return the rule as the conformance checks try it, over four doses."""
        return cls(ratio=(2.0, 1.5), from_dlts=(1,), dose_values=(1.0, 2.0, 3.0, 6.0))

    def clash(self, base: Design) -> Fault | None:
        """Refuse another number of doses."""
        if len(self.dose_values) != base.facts.doses:
            return Fault("dose_values", f"wanted {base.facts.doses} values, one a dose, got {len(self.dose_values)}")
        return None

    def with_dose(self, position: int, value: float) -> Self:
        """Add the value of the new dose."""
        values = (*self.dose_values[:position], value, *self.dose_values[position:])
        return dataclasses.replace(self, dose_values=values)

    def __call__(self, state: TrialState, decision: Decision) -> Decision:
        """Lower the dose to the highest within the ratio."""
        values = np.array(self.dose_values)
        last = values[np.maximum(state.dose, 0)]
        by = last if self.from_dose is not None else state.y.sum(axis=1)
        starts = np.array(self.from_dose or self.from_dlts or (), float)
        ratio = np.array(self._ratios)[(by[:, None] * (1 + ROUNDING) >= starts).sum(axis=1)]
        within = values <= (last * ratio * (1 + ROUNDING))[:, None]
        ceiling = np.where(state.started, within.sum(axis=1) - 1, decision.dose)
        return dataclasses.replace(decision, dose=np.minimum(decision.dose, ceiling))

    def describe(self) -> list[Row]:
        """Return the rule in words."""
        starts = self.from_dose or self.from_dlts or ()
        what = "doses from {:g} on" if self.from_dose else "{:g} DLT(s) on"
        first, *more = self._ratios
        parts = [f"{first:g} times the last"]
        parts += [f"from {what.format(s)} {r:g} times" for s, r in zip(starts, more, strict=True)]
        return [Row("largest ratio", f"the next dose is at most {', '.join(parts)}".replace("from doses from", "from"))]
