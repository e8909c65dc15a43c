"""Trials with backfilling, simulated in continuous time: lower doses are open while a cohort is followed up."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from doseopt.clock.lattice import Gaps
from doseopt.clock.onset import Onset
from doseopt.core.backfilling import Backfilling
from doseopt.core.beside import processes, spread
from doseopt.core.design import Design
from doseopt.core.outcome_space import EFFICACY
from doseopt.core.parameters import Fault, Faults, check, param
from doseopt.core.remembered import remembered
from doseopt.core.state import NONE, FloatArray, IntArray, TrialState
from doseopt.core.trial import select_in_pieces
from doseopt.engines.entries import entries_of_trials
from doseopt.engines.exact import observed_rates, rates_beside
from doseopt.engines.outcomes import make_outcomes
from doseopt.engines.patients import Patients

TOO_TOXIC, OVER = 1, 2
"""Why a trial stops."""
BLOCK = 64
"""Arrivals drawn at a time."""
PIECE = 250
"""Trials of a scenario that one process runs at a time."""
MOST_BYTES = 1 << 28
"""Of the trials that are remembered, besides the last ones."""
TIMES = {
    "time": ("windows", "from the opening to the last follow-up of a cohort"),
    "followed_up": ("windows", "from the opening to the last follow-up of anybody"),
    "turned_away": ("patients", "patients who come before the last cohort, while no place is free and no dose is open"),
}
"""Of each trial: its unit, and what it is."""


@dataclass
class _Course:
    """One trial as it goes on: a patient is a dose, when the outcome is known, and whether it is a DLT.

    Attributes
    ----------
    share, dlt, responds : list
        Of each patient in the order of treatment, at each dose: the share of the window after which the outcome is
        known, whether it is a DLT, and whether the patient responds.
    """

    share: list[list[float]]
    dlt: list[list[bool]]
    responds: list[list[bool]]
    at: int
    cohort: list[tuple[float, bool]] = field(default_factory=list)
    beside: list[tuple[int, float, bool]] = field(default_factory=list)
    n: list[int] = field(init=False)
    y: list[int] = field(init=False)
    first_response: list[float] = field(init=False)
    entered: list[int] = field(init=False)
    treated: int = 0
    turned_away: int = 0
    waiting: int = 0
    over: float = 0.0
    stop: int = 0

    def __post_init__(self) -> None:
        doses = len(self.share[0])
        self.n, self.y = [0] * doses, [0] * doses
        self.first_response, self.entered = [np.inf] * doses, [NONE] * doses

    def treat(self, dose: int, day: float) -> tuple[float, bool]:
        """Treat who comes on a day."""
        number = self.treated
        if self.entered[dose] < 0:
            self.entered[dose] = number
        if self.responds[number][dose]:
            self.first_response[dose] = min(self.first_response[dose], day + 1)
        self.treated += 1
        return day + self.share[number][dose], self.dlt[number][dose]

    def known(self, day: float) -> tuple[list[int], list[int]]:
        """Return patients and DLTs of finished cohorts, and of backfilling as far as outcomes are known before."""
        n, y = self.n.copy(), self.y.copy()
        for dose, when, dlt in self.beside:
            if when < day:
                n[dose] += 1
                y[dose] += dlt
        return n, y

    def highest_open(self, rules: Backfilling, day: float) -> int:
        """Return the highest dose that is open to backfilling, NONE if none is."""
        if not self.at or min(self.first_response[: self.at]) >= day:
            return NONE
        n, y = self.known(day)
        n[self.at] += sum(when < day for when, _ in self.cohort)
        y[self.at] += sum(dlt and when < day for when, dlt in self.cohort)
        assigned, upto = self.n.copy(), self.at + 1
        for dose, _, _ in self.beside:
            assigned[dose] += 1
        return max(rules.opens(n[:upto], y[:upto], assigned, [r < day for r in self.first_response]), default=NONE)

    def row(self) -> tuple[list[list[int]], list[float]]:
        """Return the trial as it ended: numbers by dose, and of the whole."""
        n, y = self.known(self.over)
        extra = [now - own for now, own in zip(n, self.n, strict=True)]
        last = max([self.over, *(when for _, when, _ in self.beside)])
        return [n, y, extra, self.entered], [self.stop, self.over, last, self.turned_away]


@dataclass(frozen=True)
class SimulateBackfill:
    """Simulated operating characteristics of a design with backfilling.

    Patients of backfilling who are pending when the last cohort has been followed up do not count; the trial is over
    then. Responses are seen at the end of the window. The first patient comes after a gap.

    Parameters
    ----------
    gaps : Gaps
        Law of the time between arrivals.
    onset : Onset
        When in the window DLTs occur.
    resolved : bool
        Whether a cohort is decided on once all outcomes are known, else a window after its last patient came.
    trials, seed : int
        As of `Simulate`; trials treat the same patients in the same order, and meet the same arrivals as those of
        `SimulatePending`.

    Examples
    --------
    Nobody responds, so that nobody is backfilled; three patients a window make a cohort of three last two on average.

    >>> from doseopt import BFBOIN, SimulateBackfill, make_scenarios
    >>> from doseopt.clock.lattice import Gaps
    >>> engine = SimulateBackfill(Gaps(3.0), trials=10)
    >>> scenarios = make_scenarios([[0.0, 0.0]], ["safe"], p_eff=[[0.0, 0.0]])
    >>> outcomes = engine(BFBOIN(doses=2, target=0.25, cohorts=2), scenarios)
    >>> outcomes["n"].values[0, 0].tolist(), int(outcomes["backfilled"].sum())
    ([3, 3], 0)
    """

    gaps: Gaps = param(kind=Gaps, doc="time between arrivals")
    onset: Onset = param(Onset("uniform"), kind=Onset, doc="law of the onset")
    resolved: bool = param(True, doc="whether a cohort is decided on once all outcomes are known")
    trials: int = param(10_000, low=1, doc="trials a scenario")
    seed: int = param(1, low=0, doc="seed of the run")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def __call__(self, design: Design, scenarios: xr.Dataset, start: TrialState | None = None) -> xr.Dataset:
        """Simulate the trials of a design in every scenario, which state `p_eff`, the rates of response.

        Outcomes also hold `TIMES` and `backfilled`, patients at each dose, of each trial.
        """
        rules, facts = design.facts.backfill, design.facts
        if rules is None:
            raise Faults([Fault("design", "wanted one that backfills lower doses; see doseopt.Simulate")])
        if start is not None:
            raise Faults([Fault("start", "wanted none: trials with backfilling are simulated from their beginning")])
        q = rates_beside(EFFICACY, scenarios)
        assert q is not None
        p = observed_rates(design, scenarios)
        by_dose, ends = _run(design, self, *(tuple(map(tuple, each.tolist())) for each in (p, q)))
        n, y, extra, before = np.moveaxis(by_dose, 2, 0)
        stop = ends[:, :, 0].astype(np.int64)
        tally = n.reshape(-1, facts.doses), y.reshape(-1, facts.doses)
        state = TrialState(*tally, np.zeros(stop.size, np.int64), np.zeros((stop.size, len(facts.memory)), np.int64))
        outcomes = make_outcomes(
            design,
            scenarios,
            n=n,
            y=y,
            selected=select_in_pieces(design, state, stop.ravel(), state.at).reshape(stop.shape),
            stop=stop,
            weight=np.full(stop.shape, 1 / self.trials),
            entries=entries_of_trials(n, np.where(n, before, NONE), np.zeros(facts.doses, np.int64)),
            reasons=facts.stops,
            attrs={"engine": "simulated", "trials": float(self.trials), "seed": self.seed, "why": "backfilling"},
        )
        dims = ("scenario", "ending")
        about = enumerate(TIMES.items(), 1)
        found = {name: (dims, ends[:, :, k], {"units": unit, "long_name": text}) for k, (name, (unit, text)) in about}
        patients = {"units": "patients", "long_name": "patients of backfilling"}
        return outcomes.assign(found).assign(backfilled=((*dims, "dose"), extra, patients))


type _Rates = tuple[tuple[float, ...], ...]


@remembered(MOST_BYTES)
def _run(design: Design, engine: SimulateBackfill, p: _Rates, q: _Rates) -> tuple[IntArray, FloatArray]:
    """Return how all trials end, [R, T, 4, D] and [R, T, 4]; a comparison asks for them again."""
    rules, cap = design.facts.backfill, design.facts.cap
    assert rules is not None
    assert cap is not None
    each = max(1, min(PIECE, -(-engine.trials // processes())))
    pieces = [(r, first) for r in range(len(p)) for first in range(0, engine.trials, each)]

    def piece(where: tuple[int, int]) -> tuple[IntArray, FloatArray]:
        r, first = where
        many = min(each, engine.trials - first)
        rows = [_run_to_its_end(rules, *of, engine.resolved) for of in _people(engine, cap, first, many, p[r], q[r])]
        return np.array([row[0] for row in rows]), np.array([row[1] for row in rows])

    by_dose, ends = (np.concatenate(part) for part in zip(*spread(piece, pieces), strict=True))
    shape = len(p), engine.trials, 4
    found = by_dose.reshape(*shape, -1), ends.reshape(shape)
    for part in found:
        part.flags.writeable = False
    return found


def _people(
    engine: SimulateBackfill, most: int, first: int, many: int, p: Sequence[float], q: Sequence[float]
) -> Iterator[tuple[Iterator[float], list[list[float]], list[list[bool]], list[list[bool]]]]:
    """Yield the gaps of each of some trials, and what becomes of the patients treated, see `_Course`."""
    patients, arrivals, responses = (
        Patients(many, np.random.SeedSequence(seed), first)
        for seed in (engine.seed, (engine.seed, 1), (engine.seed, 2))
    )
    u_all, v_all = patients.columns(0, most), responses.columns(0, most)

    def gaps(trial: int) -> Iterator[float]:
        for begin in itertools.count(0, BLOCK):
            yield from engine.gaps.draw(arrivals.columns(begin, begin + BLOCK)[:, trial]).tolist()

    for trial in range(many):
        u, v = u_all[:, trial, None], v_all[:, trial, None]
        share: list[list[float]] = engine.onset.when(u, np.array(p)).tolist()
        yield gaps(trial), share, (u < np.array(p)).tolist(), (v < np.array(q)).tolist()


def _run_to_its_end(
    rules: Backfilling,
    gaps: Iterator[float],
    share: list[list[float]],
    dlt: list[list[bool]],
    responds: list[list[bool]],
    resolved: bool,
) -> tuple[list[list[int]], list[float]]:
    """Return one trial as it ends, see `_Course.row`."""
    course, day, done, last = _Course(share, dlt, responds, rules.start - 1), 0.0, 0, np.inf
    while True:
        day += next(gaps)
        if len(course.cohort) < rules.cohort:
            course.cohort.append(course.treat(course.at, day))
            last = max(when for when, _ in course.cohort) if resolved else day + 1
            continue
        if last >= day:
            dose = course.highest_open(rules, day)
            if dose == NONE:
                course.waiting += 1
            else:
                course.beside.append((dose, *course.treat(dose, day)))
            continue
        course.n[course.at] += rules.cohort
        course.y[course.at] += sum(struck for _, struck in course.cohort)
        following, done = rules.next_dose(*course.known(day), course.at), done + 1
        if following is None or done == rules.cohorts:
            course.stop, course.over = (TOO_TOXIC if following is None else OVER), last
            return course.row()
        course.turned_away, course.waiting = course.turned_away + course.waiting, 0
        course.at, course.cohort = following, [course.treat(following, day)]
        last = course.cohort[0][0] if resolved else day + 1
