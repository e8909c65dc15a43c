"""Operating characteristics over drawn calendars of arrivals, each exact, for arrivals that are no lattice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from doseopt.clock.lattice import Calendar, Gaps, NoMoreArrivals
from doseopt.clock.onset import Onset
from doseopt.core.design import Design
from doseopt.core.parameters import check, param
from doseopt.core.state import TrialState
from doseopt.engines.budget import MAX_STATES
from doseopt.engines.exact import observed_rates
from doseopt.engines.exact_pending import demand_pending, label, weigh
from doseopt.engines.pending import Walk
from doseopt.engines.simulate import Patients
from doseopt.engines.ways import FREE, Ends, Law

FEWEST = 8
"""Arrivals of a calendar at first; it goes on where trials need more."""


@dataclass(frozen=True)
class ExactCalendars:
    """Operating characteristics of a design that decides while patients are pending, averaged over calendars.

    Given the calendar of arrivals they are exact, so that only the choice of calendars is left to chance. A trial that
    stops with nobody pending is over at the arrival that it turns away: up to a gap after all outcomes were known.

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
    >>> parts = ExactCalendars(Gaps(2.0), calendars=2).each(
    ...     RollingSix(doses=1, target=0.25), make_scenarios([[0.3]], ["one"])
    ... )
    >>> [round(float((part["weight"] * (part["selected"] == 0)).sum()), 4) for part in parts]
    [0.4202, 0.4202]
    """

    gaps: Gaps = param(kind=Gaps, doc="time between arrivals")
    onset: Onset = param(Onset("uniform"), kind=Onset, doc="law of the onset")
    calendars: int = param(200, low=1, doc="calendars")
    seed: int = param(1, low=0, doc="seed of the calendars")
    max_states: int = param(MAX_STATES, low=1, doc="states at the most")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def each(self, design: Design, scenarios: xr.Dataset) -> Iterator[xr.Dataset]:
        """Yield the outcomes of a design given each calendar, see `ExactPending`.

        Parameters
        ----------
        design : Design
        scenarios : Dataset
        """
        demand_pending(design)
        p = observed_rates(design, scenarios)
        start = TrialState.empty(design.facts.doses, len(design.facts.memory))
        arrivals = Patients(self.calendars, np.random.SeedSequence((self.seed, 1)))
        law = Law(self.onset, None if self.onset.kind in FREE else p)
        for number in range(self.calendars):
            ends = self._ends(design, start, law, arrivals, number)
            yield label(design, scenarios, ends, *weigh(ends, start, p, law))

    def _ends(self, design: Design, start: TrialState, law: Law, arrivals: Patients, number: int) -> Ends:
        """Follow the trials of one calendar, which is made longer until all of them are over."""
        many = design.facts.cap or FEWEST
        while True:
            u = arrivals.tolerance(np.full(many, number), np.arange(many))
            calendar = Calendar(np.cumsum(self.gaps.draw(u)))
            try:
                return Walk(design, calendar, law, start, self.max_states).ends()
            except NoMoreArrivals:
                many *= 2
