"""The rules of a class of designs: what a policy may do."""

from __future__ import annotations

from dataclasses import dataclass

from doseopt.core.parameters import Fault, Faults
from doseopt.designs.modifiers import TooToxic
from doseopt.designs.tallies import Course


@dataclass(frozen=True)
class Rules:
    """The class of designs: what a policy may do.

    Parameters
    ----------
    patients : int
        Most patients N.
    cohort, first_cohort : int
        Sizes; `first_cohort` as the others when left out. The last cohort is what is left.
    start : int
        Level of the first cohort, counted from 1; it is always treated.
    no_skipping : bool
        Never above the highest dose tried + 1.
    coherent : bool
        No escalation right after a cohort with a DLT fraction at or above the target.
    early_stop : bool
        Whether the trial may stop before N patients.
    select_untried : bool
        Whether an untried dose may be selected.
    too_toxic : TooToxic, optional
        Stop, selecting none, when Pr(p_1 > above) > confidence under Beta(1, 1) at the lowest dose.

    Examples
    --------
    >>> from doseopt import Rules
    >>> Rules(patients=12, cohort=3).cohort
    3
    """

    patients: int
    cohort: int = 1
    first_cohort: int | None = None
    start: int = 1
    no_skipping: bool = True
    coherent: bool = False
    early_stop: bool = True
    select_untried: bool = True
    too_toxic: TooToxic | None = None

    def course(self, doses: int) -> Course:
        """Return the course of its cohorts, or report what is wrong with them."""
        faults = [
            Fault(name, f"wanted a whole number of at least 1, got {value!r}")
            for name, value in (("patients", self.patients), ("cohort", self.cohort), ("start", self.start))
            if not isinstance(value, int) or value < 1
        ]
        first = self.cohort if self.first_cohort is None else self.first_cohort
        if not faults and not 1 <= first <= self.patients:
            faults.append(Fault("first_cohort", f"wanted 1 to {self.patients}, the patients, got {first!r}"))
        if not faults and self.start > doses:
            faults.append(Fault("start", f"wanted a level of 1 to {doses}, got {self.start}"))
        safe = self.too_toxic
        if safe is not None and (safe.dose, safe.prior, safe.selects) != (1, None, "none"):
            wanted = "wanted one that looks at the lowest dose under Beta(1, 1), after which no dose is selected"
            faults.append(Fault("too_toxic", f"{wanted}, got {safe!r}"))
        if faults:
            raise Faults(faults, "bayes_optimal")
        return Course(doses, self.patients, self.cohort, first, self.start, not self.no_skipping)

    def describe(self) -> str:
        """Say the class in one sentence."""
        cohorts = "one patient at a time" if self.cohort == 1 else f"cohorts of {self.cohort}"
        first = "" if self.first_cohort in (None, self.cohort) else f" after a first one of {self.first_cohort}"
        words = [
            f"{cohorts}{first}, at most {self.patients}",
            "no skipping" if self.no_skipping else "skipping allowed",
            "coherent" if self.coherent else "",
            "stopping free" if self.early_stop else "no early stop",
            "" if self.select_untried else "no untried dose selected",
            "" if self.too_toxic is None else f"stop when Pr(p_1 too high) > {self.too_toxic.confidence:g}",
        ]
        return ", ".join(word for word in words if word)
