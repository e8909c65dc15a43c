"""The utility of a trial: a correct selection, less a price of what it cost the patients."""

from __future__ import annotations

from dataclasses import dataclass

from doseopt.core.parameters import check, param


@dataclass(frozen=True)
class ErrorPrices:
    """What a wrong selection costs; a right one costs nothing. They make the score of a selection, not the utility.

    Parameters
    ----------
    too_low, none, too_high : float
        Of a dose one level below the lowest right one; of no dose where one is right; of a dose one level above the
        highest right one.
    further : float
        Of each further level.

    Examples
    --------
    >>> ErrorPrices(too_high=3).describe()
    '0 right, -1 one level too low, -1 none, -3 one level too high, -1 more for each further level'
    """

    too_low: float = param(1.0, low=0, doc="price of a dose one level too low")
    none: float = param(1.0, low=0, doc="price of no dose where one is right")
    too_high: float = param(2.0, low=0, doc="price of a dose one level too high")
    further: float = param(1.0, low=0, doc="price of each further level")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def describe(self) -> str:
        """Say the scores in one line."""
        each = {"one level too low": self.too_low, "none": self.none, "one level too high": self.too_high}
        each["more for each further level"] = self.further
        return ", ".join(["0 right", *(f"{0 - price:g} {what}" for what, price in each.items())])


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
    errors : ErrorPrices
        Of the score of a selection, which stands beside the utility.

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
    errors: ErrorPrices = param(ErrorPrices(), kind=ErrorPrices, table=ErrorPrices, doc="prices of wrong selections")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    @property
    def is_correct_selection(self) -> bool:
        """Whether it is the probability of correct selection: nothing has a price, and none counts as any other."""
        return self == Utility(errors=self.errors)

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
