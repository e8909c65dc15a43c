"""The base of interval designs that state an interval of rates like the target."""

from __future__ import annotations

from dataclasses import dataclass

from doseopt.core.parameters import Fault, param
from doseopt.core.tunable import Tunable
from doseopt.designs.interval import SafeIntervalDesign


@dataclass(frozen=True)
class MarginDesign(SafeIntervalDesign):
    """A safe interval design with an interval [phi - margin_left, phi + margin_right] of rates like the target.

    Parameters
    ----------
    margin_left, margin_right : float
        How far below and above the target the interval reaches.
    """

    margin_left: float = param(0.05, low=0, high=1, open_low=True, doc="how far below the target the interval reaches")
    margin_right: float = param(0.05, low=0, high=1, open_low=True, doc="how far above the target the interval reaches")

    def tunable(self) -> tuple[Tunable, ...]:
        """Return the margins, with what all have."""
        widest = 0.6 * min(self.target, 1 - self.target)
        margins = (Tunable(name, 0.01, widest) for name in ("margin_left", "margin_right"))
        return (*margins, *super().tunable())

    def _faults(self) -> list[Fault]:
        found = super()._faults()
        if not isinstance(self.target, int | float) or not 0 < self.target < 1:
            return found
        room = {"margin_left": ("the target", self.target), "margin_right": ("1 - target", 1 - self.target)}
        for name, (what, most) in room.items():
            margin = getattr(self, name)
            if isinstance(margin, int | float) and most <= margin <= 1:
                found.append(Fault(name, f"wanted less than {what} ({most:g}), got {margin:g}"))
        return found

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.target - self.margin_left

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.target + self.margin_right
