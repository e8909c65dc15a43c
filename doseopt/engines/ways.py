"""Ways of a trial with pending patients: how they are weighed, what is summed over them, and how they end."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr

from doseopt.clock.fates import DLT, NONE, Fates
from doseopt.clock.onset import Onset
from doseopt.core.design import Design
from doseopt.core.facts import FULL
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import CONTINUE, BoolArray, Decision, FloatArray, IntArray, Pending, TrialState
from doseopt.core.trial import step

FREE = ("uniform", "visits")
"""Onset laws under which the time of a DLT, given that there is one, does not depend on its probability."""
MEANS = {
    "time": "mean time until the outcomes of all patients are known, in windows",
    "square": "mean of its square",
    "turned_away": "mean number of patients turned away while the trial waits",
    "decisions": "mean number of decisions on a patient or a cohort who come",
    "pending": "mean number of patients pending at these, summed over them",
    "while_pending": "mean number of these at which somebody is pending",
    "closed": "mean time from patients turned away to the next who come, in windows",
}
"""What outcomes say of each ending besides its weight."""
ESCALATED = "whether a dose was escalated from while a patient was pending there who was to have a DLT"
SUMS = ("weight", *MEANS)
"""What is summed over the ways to a state, each times the weight of the way; times so far."""
WEIGHT, TIME, SQUARE, TURNED, DECIDED, WAITED, WAITING, CLOSED = range(len(SUMS))
"""The last only where slots differ in length: else it is in proportion to who is turned away."""

type Rates = tuple[tuple[float, ...], ...]
"""Of scenarios and doses."""
type Batch = tuple[IntArray, FloatArray]
"""Packed states [W, S], and their sums [M, R, S]."""


@dataclass(frozen=True, eq=False)
class Entries:
    """Trials at the first patient of a dose, Q of them, as they are before.

    Attributes
    ----------
    n, y : int array [Q, D]
        Patients whose outcome is known, and DLTs.
    pending : int array [Q, k]
        0, or 1 + the dose of a pending patient, or more.
    given : bool array [Q, D]
        Doses given.
    come : float array [Q, k]
        Probability that a DLT, if there is one, would be known of a patient in that place.
    dose : int array [Q]
        The dose that is new.
    weight : float array [R, Q]
    """

    n: IntArray
    y: IntArray
    pending: IntArray
    given: BoolArray
    come: FloatArray
    dose: IntArray
    weight: FloatArray

    @classmethod
    def joined(cls, parts: Sequence[Entries]) -> Entries:
        """Return several batches as one."""
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(
            *(np.concatenate([getattr(part, name) for part in parts], -1 if name == "weight" else 0) for name in names)
        )


@dataclass(frozen=True, eq=False)
class Ends:
    """How the trials of a design end, E ways, and what is summed over the ways to each.

    Attributes
    ----------
    n, y : int array [E, D]
        Patients and DLTs, all of them followed up.
    given : bool array [E, D]
        Doses given.
    selected, stop : int array [E]
        MTD, or -1; code of the reason to stop.
    sums : float array [M, R, E]
        `SUMS`, times in windows. With R = 1 and ways without the truth, else of R scenarios.
    entries : Entries
        Where a dose is given for the first time.
    states : int
        Distinct states at the start of a slot.
    """

    n: IntArray
    y: IntArray
    given: BoolArray
    selected: IntArray
    stop: IntArray
    sums: FloatArray
    entries: Entries
    states: int

    def of(self, rows: IntArray) -> Ends:
        """Return them for the scenarios of these rows; as they are where ways were weighed for one."""
        if self.sums.shape[1] == 1:
            return self
        entries = dataclasses.replace(self.entries, weight=self.entries.weight[rows])
        return dataclasses.replace(self, sums=self.sums[:, rows], entries=entries)


@dataclass(frozen=True)
class Law:
    """How ways are weighed: by the truth, or without it.

    Parameters
    ----------
    onset : Onset
    p : float array [R, D], optional
        DLT rates; None to weigh ways without them.
    fates : Fates, optional
        What becomes of patients where other events than DLTs happen; in place of `p`.
    moderate : float array [R, D], optional
        P(moderate toxicity | no DLT), by which ways are always weighed, of a design that looks at it.
    """

    onset: Onset
    p: FloatArray | None = None
    fates: Fates | None = None
    moderate: FloatArray | None = None

    @property
    def scenarios(self) -> int:
        """How many ways are weighed for, R; 1 without the truth."""
        if self.fates is not None:
            return len(self.fates.alone)
        return next((len(rates) for rates in (self.p, self.moderate) if rates is not None), 1)

    def rows(self, rows: slice) -> Law:
        """Return the law of some scenarios."""
        p, moderate = (None if rates is None else rates[rows] for rates in (self.p, self.moderate))
        return Law(self.onset, p, None if self.fates is None else self.fates.rows(rows), moderate)

    @property
    def free(self) -> bool:
        """Whether ways are weighed without the truth about DLTs."""
        return self.p is None and self.fates is None

    @property
    def kinds(self) -> tuple[int, ...]:
        """Fates that patients may have."""
        return (NONE, DLT) if self.fates is None else self.fates.kinds

    def between(self, now: FloatArray, later: FloatArray) -> FloatArray:
        """Return the weights of each of the `kinds` from a share of the window to another, by 1 + dose.

        [..] -> [kinds, .., R, 1 + D], of a patient without an event so far; [kinds, .., 1, 1] without the truth.
        """
        if self.fates is not None:
            before, by = (self.fates.known_by(share) for share in np.broadcast_arrays(now, later))
            new = by[[*self.kinds]] - before[[*self.kinds]]
            new[0] = by[NONE]
            new /= np.where(before[NONE] > 0, before[NONE], 1.0)
            first = np.zeros((*new.shape[:-1], 1))
            first[0] = 1
            return np.concatenate([first, np.maximum(new, 0.0)], axis=-1)
        now, later = np.broadcast_arrays(now[..., None, None], later[..., None, None])
        if self.p is None:
            dlt = self.onset.reached(later, np.ones(())) - self.onset.reached(now, np.ones(()))
            return np.stack([np.ones_like(dlt), dlt])
        p = np.concatenate([np.zeros((len(self.p), 1)), self.p], axis=1)
        before, by = (self.onset.reached(share, p) for share in (now, later))
        alive = np.where(before < 1, 1 - before, 1.0)
        return np.stack([1 - by, by - before]) / alive

    def occurs(self, now: FloatArray, later: FloatArray) -> BoolArray:
        """Return whether an event may become known from a share of the window to another, elementwise."""
        if self.fates is not None:
            return np.asarray(later > now)
        free = self.onset.reached(later, np.ones(())) > self.onset.reached(now, np.ones(()))
        return np.asarray((later > now) & (free | (self.onset.kind not in FREE)))


def rates_of(rates: FloatArray | None) -> Rates | None:
    """Return rates [R, D] as what is remembered by them."""
    return None if rates is None else tuple(map(tuple, rates.tolist()))


def fates_of(scenarios: xr.Dataset, onset: Onset) -> Fates | None:
    """Return what becomes of patients in some scenarios, None if all other events count as DLTs that follow the law.

    Parameters
    ----------
    scenarios : Dataset
        With `p_alone`, `hazard`, `rate_met`, `p_removed`, `p_left_out` and `share` where other events happen.
    onset : Onset
        Of a DLT, if nothing else happened.

    Raises
    ------
    Faults
        If the DLT rates that are met are others than those of the events.
    """
    if "hazard" not in scenarios:
        return None
    names = "p_alone", "hazard", "rate_met", "p_removed", "p_left_out", "share"
    alone, *parts = (scenarios[name].to_numpy() for name in names)
    rate, share = parts[1], parts[-1][..., None] * (1 - parts[2] - parts[3])
    if np.abs((share * rate).sum(axis=1) / share.sum(axis=1) - scenarios["p_observed"].to_numpy()).max() > 1e-9:
        wanted = "wanted none where DLTs are counted that are none and a design decides while patients are pending"
        raise Faults([Fault("window_events", wanted)])
    fates = Fates.of(onset, alone, *parts)
    return None if onset.kind == "constant" and fates.kinds == (NONE, DLT) else fates


def law_of(
    onset: Onset,
    p: FloatArray,
    fates: Fates | None = None,
    by_scenario: bool = False,
    moderate: FloatArray | None = None,
) -> Law:
    """Return how ways are weighed: without the truth where that is possible, unless by scenario."""
    return Law(onset, None if fates is not None or (onset.kind in FREE and not by_scenario) else p, fates, moderate)


def times(sums: FloatArray, table: FloatArray, dose: IntArray) -> FloatArray:
    """Return sums [M, R, S] times a table of [.., R, 1 + D], or of [.., 1, 1], by each dose, -1 for none."""
    return sums * (table[..., 1 + dose] if table.shape[-1] > 1 else table)


def let_pass(sums: FloatArray, mean: float, square: float) -> FloatArray:
    """Return the sums after a time that has this mean and this mean square."""
    passed = sums.copy()
    passed[SQUARE] += 2 * mean * sums[TIME] + square * sums[WEIGHT]
    passed[TIME] += mean * sums[WEIGHT]
    return passed


def ask(design: Design, state: TrialState, pending: Pending, loses: bool = False) -> Decision:
    """Return what a design decides; one that is open to the end waits for pending patients before it stops.

    Where patients may be lost (`loses`) so does a trial at its cap, as it goes on if one of them is; a stop for safety
    acts at once there, too.
    """
    given, facts = step(design, state, pending), design.facts
    if not facts.open_to_the_end and (not loses or facts.cap is None):
        return given
    early = (given.stop != CONTINUE) & (pending.dose >= 0).any(axis=1)
    if not facts.open_to_the_end and facts.cap is not None:
        enough = [code for code, name in enumerate(facts.stops, 1) if name == FULL or name in facts.undoable]
        early &= np.isin(given.stop, enough) & (state.treated(pending).total >= facts.cap)
    return Decision(given.dose, np.where(early, 0, given.size), np.where(early, CONTINUE, given.stop))


def count_decisions(sums: FloatArray, asked: BoolArray, digits: IntArray) -> FloatArray:
    """Return the sums after decisions where the design was asked, while these patients were pending."""
    counted = sums.copy()
    counted[DECIDED] += asked * sums[WEIGHT]
    many = (digits > 0).sum(axis=1)
    counted[WAITED] += asked * sums[WEIGHT] * many
    counted[WAITING] += sums[WEIGHT] * (asked & (many > 0))
    return counted
