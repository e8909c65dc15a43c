"""Operating characteristics over drawn calendars of arrivals, each exact, for arrivals that are no lattice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from doseopt.clock.lattice import Calendar, Gaps, NoMoreArrivals
from doseopt.clock.onset import Onset
from doseopt.core.design import Design
from doseopt.core.distinct import unique_rows
from doseopt.core.parameters import Fault, Faults, check, param
from doseopt.core.remembered import remembered
from doseopt.core.state import FloatArray, TrialState
from doseopt.engines.budget import MAX_PENDING, TooManyStates
from doseopt.engines.entries import labelled
from doseopt.engines.exact import observed_rates, rates_beside
from doseopt.engines.exact_pending import demand_pending, entries_of, label, weigh
from doseopt.engines.patients import Patients
from doseopt.engines.pending import Walk
from doseopt.engines.ways import WEIGHT, Ends, Law, Rates, fates_of, law_of, rates_of

GIVEN = "exact given calendars"
"""What outcomes call this engine."""
FEWEST = 8
"""Arrivals of a calendar at first; it goes on where trials need more."""
MOST_ENDINGS = 1 << 22
"""Of all calendars, before equal ones are merged."""
MOST_BYTES = 1 << 28
"""Of the averages that are remembered, besides the last one."""

type Part = tuple[Ends, FloatArray, dict[str, Any]]
"""Given a calendar: how trials end, the probabilities of the endings, [R, E], and the variables of the entries."""


@dataclass(frozen=True)
class ExactCalendars:
    """Operating characteristics of a design that decides while patients are pending, averaged over calendars.

    Given the calendar of arrivals they are exact, so that only the choice of calendars is left to chance: the Monte
    Carlo error of a mean is its standard deviation over calendars by the root of their number, which the outcomes call
    `trials`. A trial that stops with nobody pending is over at the arrival that it turns away: up to a gap after all
    outcomes were known.

    Parameters
    ----------
    gaps : Gaps
        Law of the time between arrivals.
    onset : Onset
    calendars : int
    seed : int
        The calendars are those that trials of `SimulatePending` with this seed meet.
    max_states : int
        Refuse designs with more, in a calendar.

    Examples
    --------
    The selection of rolling six at a single dose depends on the calendar in no way.

    >>> from doseopt import ExactCalendars, RollingSix, make_scenarios
    >>> from doseopt.clock.lattice import Gaps
    >>> engine = ExactCalendars(Gaps(2.0), calendars=2)
    >>> outcomes = engine(RollingSix(doses=1, target=0.25), make_scenarios([[0.3]], ["one"]))
    >>> round(float((outcomes["weight"] * (outcomes["selected"] == 0)).sum()), 4)
    0.4202
    """

    gaps: Gaps = param(kind=Gaps, doc="time between arrivals")
    onset: Onset = param(Onset("uniform"), kind=Onset, doc="law of the onset")
    calendars: int = param(200, low=2, doc="calendars")
    seed: int = param(1, low=0, doc="seed of the calendars")
    max_states: int = param(MAX_PENDING, low=1, doc="states at the most")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def __call__(self, design: Design, scenarios: xr.Dataset) -> xr.Dataset:
        """Weigh the endings of a design over all calendars, see `ExactPending`.

        Parameters
        ----------
        design : Design
        scenarios : Dataset

        Returns
        -------
        Dataset
            With `by_calendar` (calendar, [scenario,] ending), the probability of the ending given a calendar by that
            over all, and `entry_by_calendar` (calendar, scenario, entry), that of the entry given a calendar.
        """
        p = observed_rates(design, scenarios)
        if fates_of(scenarios, self.onset) is not None:
            wanted = "wanted none, or events that count as DLTs, over calendars; see doseopt.SimulatePending"
            raise Faults([Fault("window_events", wanted)])
        beside = rates_beside(design.facts.outcomes, scenarios)
        ends, weight, by_calendar, entries, by_entry = _averaged(design, self, rates_of(p), rates_of(beside))
        outcomes = label(design, scenarios, ends, weight, entries)
        dims = ("calendar", "ending") if by_calendar.ndim == 2 else ("calendar", "scenario", "ending")
        about = {"engine": GIVEN, "trials": float(self.calendars), "seed": self.seed}
        each = {"by_calendar": (dims, by_calendar), "entry_by_calendar": (("calendar", "scenario", "entry"), by_entry)}
        return outcomes.assign(each).assign_attrs(about)

    def each(self, design: Design, p: FloatArray, moderate: FloatArray | None = None) -> Iterator[Part]:
        """Yield what is known of the trials of a design given each calendar.

        Parameters
        ----------
        design : Design
        p : float array [R, D]
            DLT rates.
        moderate : float array [R, D], optional
            P(moderate toxicity | no DLT), for a design that looks at it.
        """
        demand_pending(design)
        start = TrialState.empty(design.facts.doses, len(design.facts.memory))
        arrivals = Patients(self.calendars, np.random.SeedSequence((self.seed, 1)))
        law = law_of(self.onset, p, moderate=moderate)
        endings = 0
        for number in range(self.calendars):
            ends = self._ends(design, start, law, arrivals, number)
            endings += len(ends.n)
            if endings / (number + 1) * self.calendars > MOST_ENDINGS:
                size = f"the trials of this design have {len(ends.n):,} endings in a calendar"
                raise TooManyStates(f"{size}, too many for {self.calendars:,} calendars; take fewer, or simulate it")
            weight, entry = weigh(ends, start, p, law)
            yield ends, weight, entries_of(ends, entry, weight)

    def _ends(self, design: Design, start: TrialState, law: Law, arrivals: Patients, number: int) -> Ends:
        """Follow the trials of one calendar, which is made longer until all of them are over."""
        many = design.facts.cap or FEWEST
        while True:
            u = arrivals.tolerance(np.full(many, number), np.arange(many))
            calendar = Calendar(tuple(np.cumsum(self.gaps.draw(u)).tolist()))
            try:
                return Walk(design, calendar, law, start, self.max_states).ends()
            except NoMoreArrivals:
                many *= 2


@remembered(MOST_BYTES)
def _averaged(
    design: Design,
    engine: ExactCalendars,
    p: Rates | None,
    moderate: Rates | None,
) -> tuple[Ends, FloatArray, FloatArray, dict[str, Any], FloatArray]:
    """Return endings and their probabilities over all calendars, those given each, and entries likewise."""
    parts = list(engine.each(design, np.array(p), None if moderate is None else np.array(moderate)))
    each = [ends for ends, *_ in parts]
    columns = [np.concatenate([getattr(ends, name) for ends in each]) for name in ("n", "y", "selected", "stop")]
    first, kind = unique_rows([*columns[0].T, *columns[1].T, *columns[2:]])
    kinds = np.split(kind, np.cumsum([len(ends.n) for ends in each])[:-1])
    sums = _sum([ends.sums for ends in each], kinds, len(first)) / len(each)
    weight = _sum([part[1] for part in parts], kinds, len(first)) / len(each)
    given = np.zeros((len(each), *sums.shape[1:]))
    for row, ends, at in zip(given, each, kinds, strict=True):
        row[:, at] = ends.sums[WEIGHT]
    given /= np.where(sums[WEIGHT] > 0, sums[WEIGHT], 1)
    n, y, selected, stop = (column[first] for column in columns)
    merged = Ends(n, y, n > 0, selected, stop, sums, each[0].entries, sum(ends.states for ends in each))
    entries, by_entry = _entries([part[2] for part in parts])
    return merged, weight, given[:, 0] if given.shape[1] == 1 else given, entries, by_entry


def _sum(values: Sequence[FloatArray], kinds: Sequence[Any], count: int) -> FloatArray:
    """Return the sums of [.., E] by kinds [E] of so many, over all parts."""
    total = np.zeros((*values[0].shape[:-1], count))
    for value, kind in zip(values, kinds, strict=True):
        total[..., kind] += value  # within a part no kind occurs twice
    return total


def _entries(parts: Sequence[dict[str, Any]]) -> tuple[dict[str, Any], FloatArray]:
    """Return the entries of all calendars with their mean weight, and the weights given each, [C, R, Q]."""
    given, patients, dose = (
        np.concatenate([part[f"entry_{name}"][1] for part in parts]) for name in ("given", "patients", "dose")
    )
    first, kind = unique_rows([*given.T.astype(np.int64), patients, dose])
    weights = [part["entry_weight"][1] for part in parts]
    kinds = np.split(kind, np.cumsum([weight.shape[1] for weight in weights])[:-1])
    each = np.stack([_sum([weight], [at], len(first)) for weight, at in zip(weights, kinds, strict=True)])
    return labelled(given[first], patients[first], dose[first], each.mean(axis=0)), each
