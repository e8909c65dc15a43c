"""The utility of a trial: a correct selection, less a price of what it cost the patients."""

from __future__ import annotations

from dataclasses import dataclass

from doseopt.core.parameters import check, param


@dataclass(frozen=True)
class Utility:
    """1 for a correct selection, less the prices.

    What is correct is the study's definition of the MTD: where no dose is acceptable, selecting none is.

    Parameters
    ----------
    none : float
        The reward for selecting none where only that is correct.
    per_dlt, per_patient_above_mtd, per_patient : float
        Prices, in correct selections.

    Examples
    --------
    >>> from doseopt import Utility
    >>> Utility(per_dlt=0.1).per_patient
    0.0
    """

    none: float = param(1.0, low=0, doc="reward for selecting none where only that is correct")
    per_dlt: float = param(0.0, low=0, doc="price of a patient with a DLT")
    per_patient_above_mtd: float = param(0.0, low=0, doc="price of a patient treated above the MTD")
    per_patient: float = param(0.0, low=0, doc="price of a patient")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    @property
    def is_correct_selection(self) -> bool:
        """Whether it is the probability of correct selection: nothing has a price, and none counts as any other."""
        return self == Utility()

    def describe(self) -> str:
        """Say the utility in one sentence."""
        if self.is_correct_selection:
            return "probability of correct selection"
        none = "" if self.none == 1 else f" ({self.none:g} where only selecting none is correct)"
        prices = {
            "a patient with a DLT": self.per_dlt,
            "a patient above the MTD": self.per_patient_above_mtd,
            "a patient": self.per_patient,
        }
        less = ", ".join(f"{price:g} for {what}" for what, price in prices.items() if price)
        return f"1 for a correct selection{none}" + (f", less {less}" if less else "")
