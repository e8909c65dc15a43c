"""Arrivals of patients: how many in a month, and by which law."""

from __future__ import annotations

from dataclasses import dataclass

from doseopt.core.parameters import Fault, check, param

MONTH = 30.4375
"""Days in a month."""


@dataclass(frozen=True)
class Accrual:
    """How patients arrive who could be enrolled.

    Parameters
    ----------
    kind : str
        `poisson`, or `fixed`, one every 1/rate.
    per_month, per_window : float, optional
        The rate, one of the two.

    Examples
    --------
    >>> from doseopt import Accrual
    >>> Accrual("poisson", per_month=2).rate(28) * 30.4375
    2.0
    """

    kind: str = param("poisson", choices=("poisson", "fixed"), doc="law of the arrivals")
    per_month: float | None = param(None, kind=float, low=0, open_low=True, optional=True, doc="patients a month")
    per_window: float | None = param(None, kind=float, low=0, open_low=True, optional=True, doc="patients a window")

    def __post_init__(self) -> None:
        """Check the declared parameters."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        given = [name for name in ("per_month", "per_window") if getattr(self, name) is not None]
        if len(given) == 1:
            return []
        return [Fault("", f"wanted one of per_month and per_window, got {' and '.join(given) or 'none'}")]

    def rate(self, window: float) -> float:
        """Return the patients that arrive in a day, for a window of so many days."""
        if self.per_month is not None:
            return self.per_month / MONTH
        assert self.per_window is not None
        return self.per_window / window

    def describe(self) -> str:
        """Say it in words."""
        unit, rate = ("month", self.per_month) if self.per_month is not None else ("window", self.per_window)
        how = {"fixed": "one after the other at equal gaps", "poisson": "at random (Poisson)"}
        return f"{rate:g} patients a {unit}, {how[self.kind]}"
