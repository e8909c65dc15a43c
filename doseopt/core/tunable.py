"""Parameters of a design that may be tuned: declared with the design, read by the calibration."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tunable:
    """A free parameter of a design and the range in which it is sought.

    Parameters
    ----------
    name : str
    low, high : float
    whole : bool
        Whether it is a whole number.
    usual : bool
        Whether it is tuned when nothing else is asked for.
    group : str
        Parameters of one group are tuned together, and asked for by the group's name.
    """

    name: str
    low: float
    high: float
    whole: bool = False
    usual: bool = True
    group: str = ""

    @property
    def key(self) -> str:
        """How it is asked for."""
        return self.group or self.name

    def rounded(self, value: float) -> float:
        """Return a value as a protocol would state it: four decimals, or a whole number."""
        return round(value) if self.whole else round(float(value), 4)


COHORT = Tunable("cohort", 1, 4, whole=True, usual=False)
