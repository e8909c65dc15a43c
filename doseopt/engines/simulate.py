"""The same outcomes by drawing patients; for what cannot be merged, and to check the exact engine.

A patient is one uniform number u: a DLT at dose j if u < p_j, a moderate toxicity if u lies in the next
(1 - p_j) m_j; with efficacy or without it in the same way on either side of p_j. All designs treat the same patients in
the same order, so that differences between designs are paired, and so are differences between scenarios.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import xarray as xr

from doseopt.core.compiled import compiled
from doseopt.core.design import Design
from doseopt.core.distinct import unique_rows
from doseopt.core.parameters import Fault, Faults, check, demand, param
from doseopt.core.state import CONTINUE, NONE, Decision, FloatArray, IntArray, TrialState
from doseopt.core.trial import advance, decide_and_select, demand_waiting
from doseopt.engines.budget import MAX_WORK, STEADY, TooManyStates, work_of
from doseopt.engines.enrolling import enrolled_of, enrolling, lost_chances
from doseopt.engines.entries import entries_of_trials
from doseopt.engines.exact import Exact, observed_rates, rates_beside
from doseopt.engines.outcomes import make_outcomes
from doseopt.engines.patients import Patients
from doseopt.engines.visited import MOST_COHORTS, Visited

COHORTS_ABOUT = 10
"""Cohorts of a trial, about."""
ROWS = 100_000
"""Trials at a time, all scenarios counted."""


@dataclass(frozen=True)
class Simulate:
    """Simulated operating characteristics with Monte Carlo standard errors.

    Parameters
    ----------
    trials : int
        Trials a scenario.
    seed : int
        One seed a run. Patient i of every trial has a stream of its own, spawned from it, whichever design treats
        them and whatever the number of scenarios.

    Examples
    --------
    Without DLTs every trial selects the highest dose.

    >>> from doseopt import Simulate, ThreePlusThree, make_scenarios
    >>> outcomes = Simulate(trials=100, seed=1)(ThreePlusThree(doses=2, target=0.25), make_scenarios([[0, 0]], ["no"]))
    >>> set(outcomes["selected"].values.ravel().tolist())
    {1}
    """

    trials: int = param(10_000, low=1, doc="trials a scenario")
    seed: int = param(1, low=0, doc="seed of the run")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def __call__(self, design: Design, scenarios: xr.Dataset, start: TrialState | None = None) -> xr.Dataset:
        """Simulate the trials of a design in every scenario; see `Exact` for the arguments."""
        design = enrolling(design, scenarios, start)
        start = TrialState.empty(design.facts.doses, len(design.facts.memory)) if start is None else start
        p = observed_rates(design, scenarios)
        space = design.facts.outcomes
        chances = (*lost_chances(design, scenarios), *space.chances(p, rates_beside(space, scenarios)))
        each = max(1, ROWS // len(p))
        sizes = {first: min(each, self.trials - first) for first in range(0, self.trials, each)}
        pieces = (Patients(many, np.random.SeedSequence(self.seed), first) for first, many in sizes.items())
        facts = design.facts
        plain = space.tallied and facts.ends and facts.comers is None and facts.nodes is None
        if plain and compiled(COHORTS_ABOUT * self.trials * len(p)):
            demand_waiting(design)
            visited = Visited(design, start, p)
            n, y, mtd, stop = _joined([visited.run(patients) for patients in pieces])
            passages = visited.entries(self.trials)
        else:
            n, y, mtd, stop, before = _joined([run_trials(design, start, patients, chances) for patients in pieces])
            passages = entries_of_trials(n, before, start.n[0])
        weight = np.full((len(p), self.trials), 1 / self.trials)
        attrs = {"engine": "simulated", "trials": float(self.trials), "seed": self.seed}
        ends = {"n": n, "y": y, "selected": mtd, "stop": stop, "weight": weight}
        return make_outcomes(design, scenarios, **ends, entries=passages, reasons=design.facts.stops, attrs=attrs)


def _joined(pieces: Sequence[tuple[IntArray, ...]]) -> Iterator[IntArray]:
    """Yield each array of all pieces in one, [R, T, ...]."""
    return (np.concatenate(part, axis=1) for part in zip(*pieces, strict=True))


type Watch = Callable[[IntArray, Decision, IntArray], object]
"""Trials that go on, [Q], counted scenario by scenario, what they are given, and outcomes of the cohorts, [Q, K]."""


def run_trials(
    design: Design,
    start: TrialState,
    patients: Patients,
    chances: Sequence[FloatArray],
    watch: Watch = lambda *_: None,
) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray]:
    """Run all trials of all scenarios, cohort by cohort; a rule is asked once about trials that are in the same state.

    Parameters
    ----------
    design : Design
    start : TrialState
    patients : Patients
        Of T trials, the same ones in each scenario.
    chances : sequence of float array [R, D]
        Of all outcome categories but the last, each given none of those before.
    watch : callable
        Told each cohort.

    Returns
    -------
    n, y : int array [R, T, D]
    selected, stop : int array [R, T]
    before : int array [R, T, D]
        Patients treated before the first at each dose, -1 for none.
    """
    shape = len(chances[0]), patients.trials
    rows = shape[0] * shape[1]
    state = start[np.zeros(rows, np.int64)]
    running, seen = np.arange(rows), np.zeros(rows, np.int64)
    n, y = np.zeros((2, rows, design.facts.doses), np.int64)
    mtd, reason, before = np.full(rows, NONE), np.zeros(rows, np.int64), np.full(n.shape, -1)
    work = 0
    for cohorts in range(MOST_COHORTS):
        first, inverse = unique_rows([*state.n.T, *state.y.T, state.dose, *state.memory.T])
        work = _worked(design, work, state[first], start, cohorts)
        decision, ended = decide_and_select(design, state[first])
        chosen = np.full(len(first), NONE)
        chosen[decision.stop != CONTINUE] = ended
        done = (decision.stop != CONTINUE)[inverse]
        at = running[done]
        n[at], y[at] = state.n[done], state.y[done]
        mtd[at], reason[at] = chosen[inverse[done]], decision.stop[inverse[done]]
        running, state, seen = running[~done], state[~done], seen[~done]
        if not len(running):
            n, y, before = (each.reshape(*shape, -1) for each in (n, y, before))
            return n, y, mtd.reshape(shape), reason.reshape(shape), before
        given = decision[inverse[~done]]
        scenario, trial = np.divmod(running, patients.trials)
        given = as_they_come(design, given, patients, trial, cohorts)
        room = _room(design, state, given)
        outcome = _treat(design, given, room, trial, seen, patients, [chance[scenario] for chance in chances])
        watch(running, given, outcome)
        new = (state.n[state.at, given.dose] == 0) & (design.facts.outcomes.evaluated(outcome) > 0)
        before[running[new], given.dose[new]] = state.total[new]
        seen = seen + outcome.sum(axis=1)
        state = advance(design, state, given, outcome)
    raise Faults([Fault("", f"a trial did not end within {MOST_COHORTS} cohorts: add a max_patients modifier")])


def _worked(design: Design, before: int, state: TrialState, start: TrialState, so_far: int) -> int:
    """Return the nodes of quadratures visited so far, these distinct states after so many cohorts included.

    Raises
    ------
    TooManyStates
        If they are too many, or will be with as many in every cohort until the cap.
    """
    here, now = work_of(design, len(state), int(state.total.max())), int(state.total.min())
    steady = design.facts.cap is not None and set(design.facts.stops) <= STEADY
    cohorts = (design.facts.cap or 0) - now if steady else 0
    cohorts //= max((now - int(start.total[0])) // so_far, 1) if so_far else 1
    ahead = before + here * (1 + max(cohorts, 0))
    if ahead > MAX_WORK:
        message = (
            f"the posteriors of the states that are simulated take about {ahead:.2g} nodes, more than {MAX_WORK:.2g}; "
            "lower max_patients, simulate fewer trials or scenarios, or take a prior that is less vague or correlated"
        )
        raise TooManyStates(message)
    return before + here


def as_they_come(design: Design, given: Decision, patients: Patients, trial: IntArray, cohort: int) -> Decision:
    """Return the i-th cohorts of some trials with as many patients as come, no more than there are places."""
    comers = design.facts.comers
    if comers is None:
        return given
    size = comers.treated(patients.coming(trial, np.full(len(trial), cohort)), given.size)
    return Decision(given.dose, size, given.stop)


def _room(design: Design, state: TrialState, given: Decision) -> IntArray:
    """Return how many patients can be enrolled for the next cohort, [T]: more than its size where some are replaced."""
    facts = design.facts
    if not facts.outcomes.replaces or facts.max_enrolled is None:
        return given.size
    return facts.max_enrolled - enrolled_of(facts, state)


def _treat(
    design: Design,
    given: Decision,
    room: IntArray,
    trial: IntArray,
    seen: IntArray,
    patients: Patients,
    chances: Sequence[FloatArray],
) -> IntArray:
    """Draw the outcomes of one cohort in each trial, which has seen some patients; chances [T, D]; returns [T, K]."""
    who = np.repeat(np.arange(len(trial)), room)
    first = np.repeat(np.cumsum(room) - room, room)
    u = patients.tolerance(trial[who], seen[who] + np.arange(len(who)) - first)
    space = design.facts.outcomes
    category = space.draw(u, *(chance[who, given.dose[who]] for chance in chances))
    if space.replaces:  # nobody comes once the places are taken
        filled = np.concatenate([[0], np.cumsum(category != 0)])
        came = filled[:-1] - filled[first] < given.size[who]
        who, category = who[came], category[came]
    return np.stack([np.bincount(who[category == k], minlength=len(trial)) for k in range(len(space))], axis=1)


@dataclass(frozen=True)
class ExactWherePossible:
    """Exact operating characteristics of every design whose graph is not refused, simulated ones of the others.

    Parameters
    ----------
    exact : Exact
        If it stops trials once they are settled, which a simulation does not, nothing is simulated.
    simulate : Simulate
    refused : set of Design
        Designs found too large, so that none is tried twice.

    Examples
    --------
    >>> from doseopt import ExactWherePossible, ThreePlusThree, make_scenarios
    >>> ExactWherePossible()(ThreePlusThree(doses=1, target=0.25), make_scenarios([[0.3]], ["one"])).attrs["engine"]
    'exact'
    """

    exact: Exact = field(default_factory=Exact)
    simulate: Simulate = field(default_factory=Simulate)
    refused: set[Design] = field(default_factory=set, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Check the engines."""
        demand(isinstance(self.exact, Exact), "exact", "Exact", self.exact)
        demand(isinstance(self.simulate, Simulate), "simulate", "Simulate", self.simulate)

    @property
    def trials(self) -> int:
        """Trials a scenario where one is simulated."""
        return self.simulate.trials

    def __call__(self, design: Design, scenarios: xr.Dataset, start: TrialState | None = None) -> xr.Dataset:
        """Return the outcomes of a design; see `Exact`. A design without a rule that ends every trial is refused."""
        if design not in self.refused:
            try:
                return self.exact(design, scenarios, start)
            except TooManyStates:
                if self.exact.settled or not design.facts.ends:
                    raise
                self.refused.add(design)
        return self.simulate(design, scenarios, start)
