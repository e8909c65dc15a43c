"""Graph x scenarios -> outcomes, without replicates and without Monte Carlo error."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.design import Design
from doseopt.core.facts import Facts
from doseopt.core.outcome_space import OutcomeSpace
from doseopt.core.parameters import Fault, Faults, check, param
from doseopt.core.remembered import remembered
from doseopt.core.state import FloatArray, IntArray, TrialState
from doseopt.engines.budget import MAX_STATES
from doseopt.engines.cohort_outcomes import enrolled_orders, orders_of
from doseopt.engines.enrolling import enrolling, loses, lost_chances
from doseopt.engines.entries import entries
from doseopt.engines.graph import Graph, Reach, graph_of, reach_of
from doseopt.engines.outcomes import make_outcomes
from doseopt.engines.settled import SETTLED, settle
from doseopt.scenarios import lacking

type Weigh = Callable[[IntArray], FloatArray]
"""States -> the probability of reaching each in each scenario, [R, S]."""
MOST_BYTES = 1 << 27
"""Of the endings that are remembered, besides the last ones, where patients are lost."""
LOG_ZERO = -1e300
"""Stands for log 0, so that 0 * log 0 = 0 and exp(k log 0) = 0 for k >= 1."""


@dataclass(frozen=True)
class Exact:
    """Exact operating characteristics: every ending of a design with its probability in each scenario.

    Exact is the evaluation: each probability is a sum of finitely many products, with rounding errors only. What the
    scenario says remains an assumption, and a posterior inside a design is as accurate as its quadrature.

    Parameters
    ----------
    max_states : int
        Refuse larger graphs.
    max_bytes : int, optional
        Refuse graphs that could need more memory while they are made; what is allowed here when left out.
    settled : bool
        Stop a trial as soon as every ending that it can still reach selects the same dose (reason "settled").

    Examples
    --------
    With one dose 3+3 selects it if at most 1 of 6 patients has a DLT: at a rate of 0.3, 0.7^6 + 6 x 0.3 x 0.7^5.

    >>> from doseopt import Exact, ThreePlusThree, make_scenarios
    >>> outcomes = Exact()(ThreePlusThree(doses=1, target=0.25), make_scenarios([[0.3]], ["one"]))
    >>> round(float((outcomes["weight"] * (outcomes["selected"] == 0)).sum()), 4)
    0.4202
    """

    max_states: int = param(MAX_STATES, low=1, doc="states of a graph at the most")
    max_bytes: int | None = param(
        None, kind=int, low=1, optional=True, doc="bytes that a graph may need while it is made"
    )
    settled: bool = param(False, doc="stop once the selection is settled")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def __call__(self, design: Design, scenarios: xr.Dataset, start: TrialState | None = None) -> xr.Dataset:
        """Weigh the endings of a design.

        Parameters
        ----------
        design : Design
        scenarios : Dataset
            With `p_dlt`, `p_observed`, `p_moderate` and where stated `p_eff` (scenario, dose).
        start : TrialState, optional
            Start midway (see `doseopt.after`); the endings then count the patients treated before, too.

        Returns
        -------
        Dataset
            Outcomes; attrs hold the counts of states, edges, endings and paths. Endings of equal tallies that stop and
            select alike are one, where tallies say how likely they are.
        """
        design = enrolling(design, scenarios, start)
        p, space = observed_rates(design, scenarios), design.facts.outcomes
        own = (SETTLED,) if self.settled else ()
        beside = rates_beside(space, scenarios)
        if space.lost:
            chances = (p, *lost_chances(design, scenarios), *(() if beside is None else (beside,)))
            rates = tuple(tuple(tuple(row) for row in each.tolist()) for each in chances)
            return make_outcomes(design, scenarios, reasons=(*design.facts.stops, *own), **_lost(self, design, rates))
        if tallied(design.facts):
            asked = design, start, self.max_states, self.max_bytes
            reach = settle(graph_of(*asked)) if self.settled else reach_of(*asked)
            weigh = partial(state_weights, reach.merged, p, p_beside=beside)
            return weighed(reach.merged, design, scenarios, weigh, weigh, own).assign_attrs(reach.counts())
        graph = graph_of(design, start, self.max_states, self.max_bytes)
        graph = settle(graph) if self.settled else graph
        weigh = partial(np.take, edge_weights(graph, p, beside), axis=1)
        return weighed(graph, design, scenarios, weigh, weigh, own)


@remembered(MOST_BYTES)
def _lost(engine: Exact, design: Design, rates: tuple[tuple[tuple[float, ...], ...], ...]) -> dict[str, Any]:
    """Return the endings of a design as it enrols where patients are lost: a comparison asks for them again.

    Rates are those of a DLT, the chances of being lost, and those beside for a design that looks at more than DLTs.
    """
    p, *lost = (np.array(each) for each in rates)
    beside = lost.pop() if design.facts.outcomes.beside else None
    graph = graph_of(design, None, engine.max_states, engine.max_bytes)
    graph = settle(graph) if engine.settled else graph
    return _ended(graph, *(partial(np.take, weights, axis=1) for weights in _passages(graph, p, beside, lost)))


def weighed(
    graph: Reach, design: Design, scenarios: xr.Dataset, weigh: Weigh, passing: Weigh, own: tuple[str, ...] = ()
) -> xr.Dataset:
    """Return the outcomes of a graph: `weigh` says what its endings weigh, `passing` when a dose is first given.

    The engine's own reasons for stopping come behind those of the design.
    """
    reasons = (*design.facts.stops, *own)
    return make_outcomes(design, scenarios, reasons=reasons, **_ended(graph, weigh, passing))


def _ended(graph: Reach, weigh: Weigh, passing: Weigh) -> dict[str, Any]:
    """Return what `make_outcomes` is told of the endings of a graph."""
    weight, ended = weigh(graph.ending), graph.packed[graph.ending]
    return {
        "n": np.ascontiguousarray(ended.n),
        "y": np.ascontiguousarray(ended.y),
        "selected": graph.selected,
        "stop": graph.decision.stop[graph.ending],
        "weight": weight,
        "entries": entries(graph, weight, passing),
        "attrs": {"engine": "exact", "trials": float("inf"), **graph.counts()},
    }


def observed_rates(design: Design, scenarios: xr.Dataset) -> FloatArray:
    """Return the rates that trials are weighed with, [R, D], or say that they are of other doses, or not enough."""
    if scenarios.sizes["dose"] != design.facts.doses:
        wanted = f"wanted scenarios of {design.facts.doses} doses, as the design has, got {scenarios.sizes['dose']}"
        raise Faults([Fault("scenarios", wanted)])
    if not design.facts.pending and not design.facts.outcomes.lost and loses(design, scenarios):
        wanted = (
            "wanted events that count, or patients who are replaced without a cap on those enrolled: patients who are "
            "left out have no place in cohorts that are told one by one"
        )
        raise Faults([Fault("window_events", wanted)])
    return np.asarray(scenarios["p_observed"].to_numpy())


def rates_beside(space: OutcomeSpace, scenarios: xr.Dataset) -> FloatArray | None:
    """Return what scenarios state beside the DLT rates as far as it is looked at, [R, D], or say which lack it.

    P(moderate toxicity | no DLT), or P(efficacy); None if DLTs are all that is looked at.
    """
    if not space.beside:
        return None
    without = lacking(scenarios, space.beside)
    if without:
        names, what = ", ".join(map(repr, without)), "efficacy" if space.efficacy else "moderate toxicity"
        wanted = f"this design looks at {what}; wanted {space.beside} in every scenario, missing in {names}"
        raise Faults([Fault("", wanted)])
    return np.asarray(scenarios[space.beside].to_numpy())


def tallied(facts: Facts) -> bool:
    """Tell whether a state says how many patients had which outcome, so that it has a likelihood, path by path."""
    return facts.outcomes.tallied or (facts.responses and not facts.outcomes.lost)


def log_of(p: FloatArray) -> FloatArray:
    """Return the logarithm, with a number that stands for log 0, elementwise."""
    with np.errstate(divide="ignore"):
        return np.maximum(np.log(p), LOG_ZERO)


def ending_weights(graph: Reach, p: FloatArray, p_beside: FloatArray | None = None) -> FloatArray:
    """Return the probability of each ending in each scenario, [R, E]."""
    return state_weights(graph, p, graph.ending, p_beside)


def state_weights(graph: Reach, p: FloatArray, rows: IntArray, p_beside: FloatArray | None = None) -> FloatArray:
    """Return the probability of reaching some states in each scenario, [R, Q], as paths x likelihood.

    With `p_beside` the rates of efficacy, of which the states hold the tally: it is independent of the DLTs.
    """
    counts = seen_by(graph, rows, p_beside is not None)
    factors = np.concatenate([*counts, np.log(graph.paths[rows])[:, None]], axis=1).T
    weight = np.concatenate([*log_rates(p, p_beside), np.ones((len(p), 1))], axis=1) @ factors
    return np.asarray(np.exp(weight, out=weight))


def seen_by(graph: Reach, rows: IntArray, beside: bool, doses: slice = slice(None)) -> list[FloatArray]:
    """Return the counts [Q, D] of which, times `log_rates`, the log likelihood of what some doses saw is the sum."""
    state, start = graph.packed[rows], graph.start[:1]
    n, y = (state.n - start.n)[:, doses].astype(float), (state.y - start.y)[:, doses].astype(float)
    if not beside:
        return [y, n - y]
    memory = slice(0, graph.design.facts.doses)
    e = (state.memory[:, memory] - start.memory[:, memory]).astype(float)[:, doses]
    return [y, n - y, e, n - e]


def log_rates(p: FloatArray, p_beside: FloatArray | None, doses: slice = slice(None)) -> list[FloatArray]:
    """Return the log rates [R, D] of the counts that `seen_by` returns."""
    each = (p,) if p_beside is None else (p, p_beside)
    return [log_of(part) for rates in each for part in (rates[:, doses], 1 - rates[:, doses])]


def edge_weights(
    graph: Graph, p: FloatArray, p_beside: FloatArray | None = None, lost: Sequence[FloatArray] = ()
) -> FloatArray:
    """Return the probability of reaching each state in each scenario, [R, S], edge by edge.

    Serves designs with more than two outcome categories; for two it is the second route to `ending_weights`.
    """
    return _passages(graph, p, p_beside, lost)[0]


def _passages(
    graph: Graph, p: FloatArray, p_beside: FloatArray | None, lost: Sequence[FloatArray]
) -> tuple[FloatArray, FloatArray]:
    """Return the probability of reaching each state, and of going on from it as its decision says, [R, S] each.

    They differ where the dose given next has no evaluable patient in the cohort, and the trial is asked again.
    """
    facts, (each, kind) = graph.design.facts, (_chances_of_kinds(graph, p, p_beside, lost), graph.kinds[1])
    repeats = facts.outcomes.lost > 0 and facts.max_enrolled is not None
    weight = np.zeros((len(p), len(graph.state)))
    again = np.zeros_like(weight if repeats else weight[:, :0])
    weight[:, : len(graph.start)] = 1
    for states, into in graph.layers():
        if into.start == into.stop:
            continue
        source, at = graph.source[into], graph.target[into] - states.start
        none = np.flatnonzero(graph.state.total[source] == graph.state.total[graph.target[into]]) if repeats else None
        for r, chances in enumerate(each.T):
            passed = weight[r, source] * chances[kind[into]]
            weight[r, states] = np.bincount(at, passed, states.stop - states.start)
            if none is not None:
                np.add.at(again[r], source[none], passed[none])
    return weight, weight - again if repeats else weight


def edge_chances(
    graph: Graph, p: FloatArray, p_beside: FloatArray | None = None, lost: Sequence[FloatArray] = ()
) -> FloatArray:
    """Return the probability of each edge in each scenario, [L, R].

    Parameters
    ----------
    graph : Graph
    p, p_beside : float array [R, D]
        P(DLT), and what `rates_beside` returns for the design, of patients who can be evaluated.
    lost : sequence of float array [R, D]
        Of `lost_chances`.
    """
    return np.asarray(_chances_of_kinds(graph, p, p_beside, lost)[graph.kinds[1]])


def all_left_out(facts: Facts, left_out: FloatArray, size: IntArray) -> FloatArray:
    """Return the probability that all of a cohort are left out, each of whom is with a probability; elementwise."""
    if facts.comers is None:
        return np.asarray(left_out**size)
    many = facts.comers.table(int(size.max(initial=0)))[size]
    return np.asarray((many * left_out[..., None] ** np.arange(many.shape[-1])).sum(axis=-1))


def _chances_of_kinds(
    graph: Graph, p: FloatArray, p_beside: FloatArray | None, lost: Sequence[FloatArray]
) -> FloatArray:
    """Return the probability of each kind of edge in each scenario, [Q, R]."""
    rows = graph.kinds[0]
    source, ways, facts = graph.source[rows], graph.category_counts[rows], graph.design.facts
    dose, size, space = graph.decision.dose[source], graph.decision.size[source], facts.outcomes
    chances = (*lost, *space.chances(p, p_beside))
    if len(chances) != len(space) - 1:
        raise Faults([Fault("", f"wanted chances of {', '.join(space.names[:-1])}, got {len(chances)}")])
    each = np.moveaxis(space.probabilities(*chances), -1, 0)
    orders = enrolled_orders(space, size, ways, facts.comers) if space.lost else orders_of(ways, size, facts.comers)
    exponents = np.arange(ways.max(initial=0) + 1)[:, None, None]
    chance = np.repeat(orders[:, None], len(p), axis=1)
    for q, count in zip(each, ways.T, strict=True):
        chance *= (q.T**exponents)[count, dose]
    if space.lost and facts.max_enrolled is None:
        chance /= 1 - all_left_out(facts, lost[0].T[dose], size[:, None])  # such a cohort leads back
    return np.asarray(chance)
