"""Exact operating characteristics of designs that decide while patients are pending."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from doseopt.clock.fates import Fates
from doseopt.clock.lattice import Calendar, Lattice
from doseopt.clock.onset import Onset
from doseopt.core.design import Design
from doseopt.core.distinct import unique_rows
from doseopt.core.parameters import Fault, Faults, check, param
from doseopt.core.remembered import remembered
from doseopt.core.state import NONE, FloatArray, TrialState
from doseopt.engines.budget import MAX_PENDING
from doseopt.engines.entries import labelled
from doseopt.engines.exact import log_of, observed_rates, rates_beside
from doseopt.engines.outcomes import make_outcomes
from doseopt.engines.pending import Walk
from doseopt.engines.ways import MEANS, WEIGHT, Ends, Entries, Law, Rates, fates_of, law_of, rates_of

MOST_BYTES = 1 << 27
"""Of the walks that are remembered, besides the last one."""
SCENARIOS = 8
"""At a time, where ways are weighed by the truth."""


def _no_slots(value: object) -> str | None:
    return None if isinstance(value, Lattice | Calendar) else f"wanted a Lattice or a Calendar, got {value!r}"


@dataclass(frozen=True)
class ExactPending:
    """Exact operating characteristics of a design that decides while patients are pending, on a lattice of time slots.

    With fixed accrual (`arrival` = 1) the lattice is no approximation; nor is it with listed arrivals, a `Calendar`. A
    trial that stops with patients pending, or at its cap, follows them up; one that stops with nobody pending is over,
    with listed arrivals, at the one that it turns away. Of a design that waits for all outcomes see `Exact`.

    Parameters
    ----------
    lattice : Lattice or Calendar
    onset : Onset
        When in the window DLTs occur. If that does not depend on the DLT rate, one walk serves all scenarios.
    by_scenario : bool
        Weigh each scenario's ways by its own probabilities also where that is not needed: a second route.
    max_states : int
        Refuse designs with more.

    Examples
    --------
    Two patients in a window, so that half of the window of one is known when the next comes:

    >>> from doseopt import ExactPending, Lattice, RollingSix, make_scenarios
    >>> outcomes = ExactPending(Lattice(2.0))(RollingSix(doses=1, target=0.25), make_scenarios([[0.3]], ["one"]))
    >>> round(float((outcomes["weight"] * (outcomes["selected"] == 0)).sum()), 4)
    0.4202
    """

    lattice: Lattice | Calendar = param(kind=object, custom=_no_slots, doc="time slots, or arrivals")
    onset: Onset = param(Onset("uniform"), kind=Onset, doc="law of the onset")
    by_scenario: bool = param(False, doc="weigh scenario by scenario")
    max_states: int = param(MAX_PENDING, low=1, doc="states at the most")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def __call__(self, design: Design, scenarios: xr.Dataset, start: TrialState | None = None) -> xr.Dataset:
        """Weigh the endings of a design, see `Exact`; outcomes also hold `MEANS` of each ending.

        Parameters
        ----------
        design : Design
        scenarios : Dataset
            With `p_dlt`, `p_observed` and, for a design that looks at it, `p_moderate` (scenario, dose).
        start : TrialState, optional
            Start midway, with nobody pending.
        """
        demand_pending(design)
        begin = TrialState.empty(design.facts.doses, len(design.facts.memory)) if start is None else start
        p, fates = observed_rates(design, scenarios), fates_of(scenarios, self.onset)
        moderate, which = rates_beside(design.facts.outcomes, scenarios), np.arange(len(p))
        law = law_of(self.onset, p, fates, self.by_scenario, moderate)
        if law.free and moderate is not None:  # scenarios that differ in the DLT rates alone have the same ways
            kinds, which = np.unique(moderate, axis=0, return_inverse=True)
            law = dataclasses.replace(law, moderate=kinds)
        rows = (tuple(getattr(begin, name)[0].ravel().tolist()) for name in begin.__slots__)
        rates = rates_of(law.p), rates_of(law.moderate)
        ends = _ends(design, self.lattice, self.onset, *rates, fates, self.max_states, *rows).of(which)
        weight, entry = weigh(ends, begin, p, law)
        return label(design, scenarios, ends, weight, entries_of(ends, entry, weight))


def demand_pending(design: Design) -> None:
    """Refuse a design that waits, and one that asks when DLTs occurred, which a state does not hold."""
    if not design.facts.pending:
        raise Faults([Fault("design", "wanted one that decides while patients are pending; see doseopt.Exact")])
    if design.facts.times:
        wanted = "wanted one that does not ask when DLTs occurred, as adaptive weights do; see doseopt.SimulatePending"
        raise Faults([Fault("design", wanted)])


@remembered(MOST_BYTES)
def _ends(
    design: Design,
    lattice: Lattice | Calendar,
    onset: Onset,
    p: Rates | None,
    moderate: Rates | None,
    fates: Fates | None,
    max_states: int,
    *start: tuple[int, ...],
) -> Ends:
    """Follow the trials from the state that has these rows, some scenarios at a time if they are weighed by these."""
    n, y, dose, memory = (np.array(row, np.int64) for row in start)
    begin = TrialState(n[None], y[None], dose, memory[None])
    rates, beside = (None if part is None else np.array(part) for part in (p, moderate))
    law = Law(onset, rates, fates, beside)
    parts = [
        Walk(design, lattice, law.rows(slice(first, first + SCENARIOS)), begin, max_states).ends()
        for first in range(0, law.scenarios, SCENARIOS)
    ]
    return parts[0] if len(parts) == 1 else joined(parts)


def joined(parts: Sequence[Ends]) -> Ends:
    """Return the ends of some scenarios beside those of others, which may differ if trials can go on for ever."""
    names = "n", "y", "given", "selected", "stop"
    columns = [np.concatenate([getattr(part, name) for part in parts]) for name in names]
    first, kind = unique_rows([each.astype(np.int64) for column in columns for each in np.atleast_2d(column.T)])
    kinds = np.split(kind, np.cumsum([len(part.n) for part in parts])[:-1])
    scenarios = [part.sums.shape[1] for part in parts]
    sums = np.zeros((len(parts[0].sums), sum(scenarios), len(first)))
    weight = np.zeros((sum(scenarios), sum(len(part.entries.n) for part in parts)))
    row = column = 0
    for part, at, many in zip(parts, kinds, scenarios, strict=True):
        sums[:, row : row + many, at] = part.sums
        weight[row : row + many, column : column + len(part.entries.n)] = part.entries.weight
        row, column = row + many, column + len(part.entries.n)
    one = [dataclasses.replace(part.entries, weight=part.entries.weight[:1]) for part in parts]
    entries = dataclasses.replace(Entries.joined(one), weight=weight)
    n, y, given, selected, stop = (each[first] for each in columns)
    return Ends(n, y, given, selected, stop, sums, entries, max(part.states for part in parts))


def weigh(ends: Ends, begin: TrialState, p: FloatArray, law: Law) -> tuple[FloatArray, FloatArray]:
    """Return the probabilities of the endings, [R, E], and of the entries, [R, Q], in each scenario."""
    if not law.free:
        return ends.sums[WEIGHT], ends.entries.weight
    n, y = (ends.n - begin.n).astype(float), (ends.y - begin.y).astype(float)
    ways = log_of(ends.sums[WEIGHT])
    alike = ways[0] if len(ways) == 1 else np.zeros(len(n))
    factors = np.concatenate([y, n - y, alike[:, None]], axis=1).T
    weight = np.concatenate([log_of(p), log_of(1 - p), np.ones((len(p), 1))], axis=1) @ factors
    if len(ways) > 1:
        weight += ways
    return np.asarray(np.exp(weight, out=weight)), _weigh_entries(ends.entries, begin, p)


def _weigh_entries(entries: Entries, begin: TrialState, p: FloatArray) -> FloatArray:
    """Return the probability of passing where a dose is given first, in each scenario, [R, Q]."""
    n, y = (entries.n - begin.n).astype(float), (entries.y - begin.y).astype(float)
    weight = log_of(entries.weight) + log_of(p) @ y.T + log_of(1 - p) @ (n - y).T
    for at, come in zip(entries.pending.T, entries.come.T, strict=True):
        has = at > 0
        weight[:, has] += log_of(1 - p[:, at[has] - 1] * come[has])
    return np.asarray(np.exp(weight))


def entries_of(ends: Ends, entry: FloatArray, weight: FloatArray) -> dict[str, Any]:
    """Return the variables of the entries, those of trials that end among them; alike ones are one.

    Parameters
    ----------
    ends : Ends
    entry, weight : float arrays [R, Q], [R, E]
        Probabilities of the entries and of the endings.
    """
    first = ends.entries
    given = np.concatenate([first.given, ends.given])
    patients = np.concatenate([first.n.sum(axis=1) + (first.pending > 0).sum(axis=1), ends.n.sum(axis=1)])
    dose = np.concatenate([first.dose, np.full(len(ends.n), NONE)])
    kinds, kind = unique_rows([*given.T.astype(np.int64), patients, dose])
    of = (kind[:, None] == np.arange(len(kinds))).astype(float)
    summed = entry @ of[: len(first.dose)] + weight @ of[len(first.dose) :]
    return labelled(given[kinds], patients[kinds], dose[kinds], summed)


def label(design: Design, scenarios: xr.Dataset, ends: Ends, weight: FloatArray, entries: dict[str, Any]) -> xr.Dataset:
    """Return the outcomes of a design, with the means of what is counted on the way to each ending."""
    outcomes = make_outcomes(
        design,
        scenarios,
        n=ends.n,
        y=ends.y,
        selected=ends.selected,
        stop=ends.stop,
        weight=weight,
        entries=entries,
        reasons=design.facts.stops,
        attrs={"engine": "exact", "trials": float("inf"), "states": ends.states, "endings": len(ends.n)},
    )
    means = ends.sums[1:] / np.where(ends.sums[WEIGHT] > 0, ends.sums[WEIGHT], 1)
    of_all = means.shape[1] == 1
    dims = ("ending",) if of_all else ("scenario", "ending")
    named = zip(MEANS, means[:, 0] if of_all else means, strict=True)
    return outcomes.assign({name: (dims, value, {"long_name": MEANS[name]}) for name, value in named})
