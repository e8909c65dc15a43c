"""The 3+3 design in its published variants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from doseopt.core.design import Row
from doseopt.core.parameters import MOST_DOSES, param
from doseopt.designs.a_plus_b import CountedDesign, Counts


@dataclass(frozen=True)
class ThreePlusThree(CountedDesign):
    """3+3 (A+B with A = B = 3), with or without de-escalation.

    0/3: up. 1/3: three more, then up at 1/6. At least 2: the dose is too toxic; it and all above are excluded. What is
    done about a dose below an excluded one depends on the tallies, not on the order in which the doses were given.

    Parameters
    ----------
    doses : int
    target : float
        Not used by the rule; the rate that other designs and modifiers are compared at.
    start : int
        First dose level, counted from 1.
    on_descent : {"three_then_six", "six", "declare"}
        A dose below an excluded one that has fewer than 6 patients: filled to 3 and then to 6; filled to 6 at once;
        or declared the MTD as it stands (no de-escalation), even if `start` is above it and nobody was treated there.
    confirm_top : bool
        Six patients before the top dose can be the MTD; otherwise 0 of 3 suffices there.
    mtd_at_cap : {"definition", "not_excluded"}
        The MTD when something else stops the trial: the highest dose with at most 1 DLT in at least 6, or the highest
        dose tried that is not excluded.

    Notes
    -----
    Names: "3+3", "traditional", "A+B without / with de-escalation". Variant 1 of the package's documentation is
    ``on_descent="declare", confirm_top=False`` (Storer 1989), variant 2 ``confirm_top=False``, variant 3 the default
    (Korn 1994 asks six patients at the MTD). They differ in their operating characteristics, and R packages in which
    they implement.

    References
    ----------
    Storer 1989, Biometrics 45:925; Korn et al. 1994, Statistics in Medicine 13:1799; Lin & Shih 2001, Biostatistics
    2:203.

    Examples
    --------
    Up after 0 of 3 DLTs, three more after 1 of 3, down after 2 of 3:

    >>> from doseopt import ThreePlusThree, after
    >>> design = ThreePlusThree(doses=3, target=0.25)
    >>> [design.decide(after(design, f"1NNN 2{seen}")).dose.item() + 1 for seen in ("NNN", "NNT", "NTT")]
    [3, 2, 1]
    """

    doses: int = param(kind=int, low=1, high=MOST_DOSES)
    target: float = param(kind=float, low=0, high=1, open_low=True, open_high=True, doc="target DLT rate")
    start: int = param(1, low=1, doc="first dose level")
    on_descent: str = param(
        "three_then_six", choices=("three_then_six", "six", "declare"), doc="a dose below an excluded one"
    )
    confirm_top: bool = param(True, doc="six patients before the top dose can be the MTD")
    mtd_at_cap: str = param(
        "definition",
        choices=("definition", "not_excluded"),
        declares=True,
        doc="MTD when the enrolment cap stops the trial",
    )

    @classmethod
    def example(cls) -> Self:
        """Return the design as the conformance checks try it."""
        return cls(doses=4, target=0.25)

    @property
    def counts(self) -> Counts:
        """Patients and DLTs that the rule counts to."""
        return Counts(a=3, whole=6, c=1, d=1, e=1)

    def describe(self) -> list[Row]:
        """Return the rule, the reading chosen for each of its silences, and the source."""
        rule = "0/3: up; 1/3: three more, up at 1/6; 2 or more: dose excluded, with all above"
        return [Row("escalation", rule, "Storer 1989"), *super().describe()]
