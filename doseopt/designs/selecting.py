"""Estimation apart from allocation: a design's trials with another final selection."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from doseopt.core.design import (
    Design,
    Row,
    decision_of,
    estimated_by,
    highest_admissible,
    is_design,
    posterior_of,
    with_dose,
)
from doseopt.core.parameters import Fault, Faults
from doseopt.core.posterior import Posterior
from doseopt.core.state import NONE, BoolArray, Decision, FloatArray, IntArray, Pending, TrialState
from doseopt.designs.defaults import Around
from doseopt.designs.naming import SelectsAmong

ALLOCATION = (
    "decision",
    "cohorts",
    "first stage",
    "largest increment",
    "titration",
    "what ends titration early",
    "a titration dose with a DLT",
    "a dose below an excluded one with fewer than 6",
    "top dose after 0/3",
    "the incomplete keys at 0 and 1",
    "the shorter pieces at 0 and 1",
    "K1 and K2",
    "pending patients",
    "waiting",
)
"""Rows of a selector that say how it would give doses: it gives none."""
WORDS = {"next dose": "choice"}


@dataclass(frozen=True)
class Selecting(Around):
    """A design whose MTD is chosen by another design's rule.

    The base allocates and stops; the selector reads the tally and selects, as it would at the end of a trial of its
    own. A dose that the base has excluded is not selected: the highest admissible dose below it is. A trial that the
    base stopped as too toxic selects none.

    Parameters
    ----------
    base : Design
    selector : Design
        Any design without memory: ``BOIN`` for isotonic regression, ``CRM`` or ``BLRM`` for a model's choice.

    Raises
    ------
    Faults
        If the selector keeps memory, or has another number of doses.

    Examples
    --------
    A 3+3 whose MTD is chosen by isotonic regression.

    >>> from doseopt import BOIN, Selecting, ThreePlusThree
    >>> base = ThreePlusThree(doses=3, target=0.25)
    >>> Selecting(base, BOIN(doses=3, target=0.25)).describe()[-1].reading
    'a dose that allocation has excluded is not selected; the next lower one is'
    """

    base: Design
    selector: Design

    def __post_init__(self) -> None:
        """Check that the selector can read the base's tally."""
        wrong = [] if is_design(self.base) else [Fault("base", f"wanted a design, got {self.base!r}")]
        if not (isinstance(self.selector, SelectsAmong) or is_design(self.selector)):
            wrong.append(Fault("selector", f"wanted a design, or what selects among doses, got {self.selector!r}"))
        if wrong:
            raise Faults(wrong, "Selecting")
        found = []
        if self.selector.facts.memory:
            found.append(
                Fault(
                    "", f"wanted a rule that reads the tally alone, got one that keeps {self.selector.facts.memory[0]}"
                )
            )
        if self.selector.facts.doses != self.base.facts.doses:
            found.append(
                Fault(
                    "doses", f"wanted {self.base.facts.doses} doses, as the design has, got {self.selector.facts.doses}"
                )
            )
        if found:
            raise Faults(found, "selection")

    def with_dose(self, position: int, value: float) -> Selecting:
        """Return both designs with one dose more."""
        return Selecting(with_dose(self.base, position, value), with_dose(self.selector, position, value))

    def decide(self, state: TrialState, pending: Pending | None = None) -> Decision:
        """Return what the base decides."""
        return decision_of(self.base, state, pending)

    def _tally(self, state: TrialState) -> TrialState:
        return state.with_memory(np.zeros((len(state), 0), np.int64))

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the selector's MTD, lowered to a dose that the base has not excluded."""
        wanted = self.selector.select(self._tally(state), np.zeros_like(stop))
        mtd = np.where(wanted == NONE, NONE, highest_admissible(wanted, self.base.admissible(state)))
        mtd = np.where(self._toxic(stop), NONE, mtd)
        names = self.base.facts.names  # a naming rule of the base holds for any selection
        return mtd if names is None else names.named(mtd, state.n, state.y)

    def _toxic(self, stop: IntArray) -> BoolArray:
        return np.asarray(np.array(["", *self.base.facts.stops])[stop] == "too_toxic")

    def select_among(self, state: TrialState, stop: IntArray, allowed: BoolArray) -> IntArray:
        """Return the selector's MTD among some doses, those that the base has excluded left out."""
        assert isinstance(self.selector, SelectsAmong)
        open_ = allowed & self.base.admissible(state)
        mtd = self.selector.select_among(self._tally(state), np.zeros_like(stop), open_)
        return np.where(self._toxic(stop), NONE, mtd)

    def posterior(self, state: TrialState, pending: Pending | None = None) -> Posterior:
        """Return the base's posterior, by which its modifiers judge."""
        return posterior_of(self.base, state, pending)

    def estimated(self, state: TrialState, pending: Pending | None = None) -> FloatArray:
        """Return the selector's estimate of the DLT rates."""
        return estimated_by(self.selector, self._tally(state), pending)

    def describe(self) -> list[Row]:
        """Return the base's rows, and what the selection rests on in the selector's own words, its prior included."""
        own = [row for row in self.selector.describe() if row.rule not in ALLOCATION]
        rows = [Row(f"selection: {WORDS.get(row.rule, row.rule)}", row.reading, row.source) for row in own]
        limit = Row("selection: limit", "a dose that allocation has excluded is not selected; the next lower one is")
        return [row for row in self.base.describe() if "MTD" not in row.rule] + rows + [limit]
