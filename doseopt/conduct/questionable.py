"""Decisions that a reader would question, found by search over all states that a design's trials can reach.

Every kind is a question about one step of a trial: the cohort that was treated (an edge of the graph) and the decision
that followed (at the state it leads to).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from scipy.special import betainc

from doseopt.core.cohort import Cohort, format_outcomes
from doseopt.core.state import CONTINUE, NONE, BoolArray, FloatArray, IntArray
from doseopt.engines.exact import edge_weights, observed_rates, rates_beside
from doseopt.engines.graph import Graph

MARGIN = 0.05
"""A DLT fraction is well above the target from this much above it on."""
ELIMINATE_FROM, CERTAIN = 3, 0.95
"""BOIN eliminates a dose with this many patients and Pr(p > target) above this, under Beta(1, 1)."""
ROUNDING = 1e-12


@dataclass(frozen=True, eq=False)
class Steps:
    """Every step that a trial of the design can take: a cohort and the decision after it; arrays [L].

    Attributes
    ----------
    given : int array
        Dose of the cohort.
    size, dlts : int array
        Its patients and those with a DLT.
    n, y : int array [L, D]
        The tally after it.
    highest : int array
        Highest dose tried.
    going : bool array
        Whether the trial goes on.
    dose : int array
        Next dose, without meaning where the trial stops.
    mtd : int array
        Dose declared, NONE where none is or the trial goes on.
    admissible : bool array [L, D]
    target : float
    """

    given: IntArray
    size: IntArray
    dlts: IntArray
    n: IntArray
    y: IntArray
    highest: IntArray
    going: BoolArray
    dose: IntArray
    mtd: IntArray
    admissible: BoolArray
    target: float

    def at[T: np.generic](self, table: npt.NDArray[T], dose: IntArray) -> npt.NDArray[T]:
        """Look a table [L, D] up at one dose a step; the lowest where the dose has no meaning."""
        return table[np.arange(len(dose)), np.clip(dose, 0, table.shape[1] - 1)]

    @property
    def up(self) -> BoolArray:
        """Whether the next cohort gets a higher dose."""
        return self.going & (self.dose > self.given)


def steps_of(graph: Graph) -> Steps:
    """Return all steps of a design's graph, in the order of its edges."""
    source, target = graph.source, graph.target
    mtd = np.full(len(graph.state), NONE)
    mtd[graph.ending] = graph.selected
    state = graph.state[target]
    return Steps(
        given=graph.decision.dose[source],
        size=graph.category_counts.sum(axis=1),
        dlts=graph.category_counts[:, 0],
        n=state.n,
        y=state.y,
        highest=state.highest_tried,
        going=graph.decision.stop[target] == CONTINUE,
        dose=graph.decision.dose[target],
        mtd=mtd[target],
        admissible=graph.design.admissible(graph.state)[target],
        target=graph.design.facts.target,
    )


def _after_two_of_three(s: Steps) -> BoolArray:
    n, y = s.at(s.n, s.given), s.at(s.y, s.given)
    cohort, dose = (s.dlts >= 2) & (3 * s.dlts >= 2 * s.size), (y >= 2) & (3 * y >= 2 * n)
    return np.asarray(s.up & (cohort | dose))


def _incoherent_up(s: Steps) -> BoolArray:
    return np.asarray(s.up & (s.dlts >= s.target * s.size - ROUNDING))


def _incoherent_down(s: Steps) -> BoolArray:
    return np.asarray(s.going & (s.dose < s.given) & (s.dlts == 0))


def _inadmissible(s: Steps) -> BoolArray:
    return s.going & ~s.at(s.admissible, s.dose)


def _condemned(s: Steps) -> BoolArray:
    n, y = s.at(s.n, s.dose), s.at(s.y, s.dose)
    tail = betainc(1 + n - y, 1 + y, 1 - s.target)
    return s.going & (n >= ELIMINATE_FROM) & (tail > CERTAIN)


def _skips(s: Steps) -> BoolArray:
    return s.going & (s.dose > s.highest + 1)


def _declares_untried(s: Steps) -> BoolArray:
    return np.asarray((s.mtd != NONE) & (s.at(s.n, s.mtd) == 0))


def _declares_toxic(s: Steps) -> BoolArray:
    n, y = s.at(s.n, s.mtd), s.at(s.y, s.mtd)
    return np.asarray((s.mtd != NONE) & (y >= 2) & (y > (s.target + MARGIN) * n + ROUNDING))


@dataclass(frozen=True)
class Kind:
    """A kind of decision to search for: what it is in words, and which steps show it."""

    text: str
    found: Callable[[Steps], BoolArray]
    declares: bool = False


KINDS = {
    "up_after_two_of_three": Kind("goes up after 2 of 3 or more", _after_two_of_three),
    "up_after_toxic_cohort": Kind("goes up after a cohort at or above target", _incoherent_up),
    "down_after_no_dlt": Kind("goes down after a cohort without DLT", _incoherent_down),
    "skips": Kind("skips an untried dose", _skips),
    "gives_inadmissible": Kind("gives a dose that it has excluded", _inadmissible),
    "gives_condemned": Kind("gives a dose that BOIN would eliminate", _condemned),
    "declares_untried": Kind("declares an untried dose the MTD", _declares_untried, declares=True),
    "declares_toxic": Kind("declares a dose well above the target", _declares_toxic, declares=True),
}
"""What is searched for."""
NOTE = (
    "2 of 3: at least 2 DLTs, in the last cohort or in all patients at its dose. At or above target: the DLT fraction "
    "of the last cohort. BOIN would eliminate: from 3 patients on, Pr(rate > target) > 0.95 under Beta(1, 1). Well "
    "above the target: at least 2 DLTs, and a DLT fraction more than 0.05 above it."
)
"""How the kinds are to be read."""


def search(graph: Graph, scenarios: xr.Dataset) -> xr.Dataset:
    """Find the decisions that a reader would question.

    Parameters
    ----------
    graph : Graph
    scenarios : Dataset

    Returns
    -------
    Dataset
        By `kind`: `found` (steps, that is cohort outcome and decision, that show it) of `steps`; `probability`
        (kind, scenario) that a trial does so at least once; and the likeliest example: `example`, the sequence of
        cohorts that ends in it, `level`, the level then given or declared (0 if none shows it),
        `example_probability` of just this sequence of cohorts, the order of patients within one apart, in
        `example_scenario`, where it is largest.
    """
    p = observed_rates(graph.design, scenarios)
    beside = rates_beside(graph.design.facts.outcomes, scenarios)
    steps = steps_of(graph)
    going, declaring = int(steps.going.sum()), int((steps.mtd != NONE).sum())
    likeliest = Likeliest.of(graph, p, beside)
    names = [str(s) for s in scenarios["scenario"].to_numpy()]
    rows = []
    for kind in KINDS.values():
        flagged = kind.found(steps)
        row: dict[str, Any] = {"found": int(flagged.sum()), "steps": declaring if kind.declares else going}
        row["probability"] = _ever(graph, flagged, p, beside)
        rows.append(row | _example(likeliest, steps, flagged, kind.declares, names))
    variables = {name: ("kind", [row[name] for row in rows]) for name in rows[0] if name != "probability"}
    probability = (("kind", "scenario"), np.array([row["probability"] for row in rows]))
    coords = {"kind": list(KINDS), "text": ("kind", [k.text for k in KINDS.values()]), "scenario": names}
    return xr.Dataset(variables | {"probability": probability}, coords=coords, attrs={"note": NOTE})


def _ever(graph: Graph, flagged: BoolArray, p: FloatArray, beside: FloatArray | None) -> FloatArray:
    """Return the probability that a trial takes at least one of the flagged steps, [R]."""
    if not flagged.any():
        return np.zeros(len(p))
    kept = {name: getattr(graph, name)[~flagged] for name in ("source", "target", "category_counts")}
    never = edge_weights(dataclasses.replace(graph, **kept), p, beside)[:, graph.ending].sum(axis=1)
    return np.clip(1 - never, 0, 1)


def _example(
    likeliest: Likeliest, steps: Steps, flagged: BoolArray, declares: bool, names: list[str]
) -> dict[str, Any]:
    """Return the likeliest way to take one of the flagged steps."""
    edges = np.flatnonzero(flagged)
    if not len(edges):
        return {"example": "", "level": 0, "example_probability": 0.0, "example_scenario": ""}
    values = likeliest.step[edges]
    first, r = np.unravel_index(int(values.argmax()), values.shape)
    edge = int(edges[first])
    return {
        "example": format_outcomes(likeliest.path(edge, int(r))),
        "level": int((steps.mtd if declares else steps.dose)[edge]) + 1,
        "example_probability": float(values[first, r]),
        "example_scenario": names[int(r)],
    }


@dataclass(frozen=True, eq=False)
class Likeliest:
    """The likeliest sequence of cohort outcomes into each state.

    Attributes
    ----------
    graph : Graph
    state : float array [S, R]
        Its probability in each scenario.
    step : float array [L, R]
        The same of the likeliest sequence that ends with each edge.
    """

    graph: Graph
    state: FloatArray
    step: FloatArray

    @classmethod
    def of(cls, graph: Graph, p: FloatArray, beside: FloatArray | None) -> Likeliest:
        """Go through the edges in order of patients treated, keeping the largest product."""
        dose, ways = graph.decision.dose[graph.source], graph.category_counts
        space = graph.design.facts.outcomes
        rates = np.moveaxis(space.probabilities(*space.chances(p, beside)), -1, 0)
        powers = [q.T[dose] ** ways[:, [k]] for k, q in enumerate(rates)]
        step = graph.orders[:, None] * np.prod(powers, axis=0)
        state = np.zeros((len(graph.state), len(p)))
        state[0] = 1
        patients = graph.state.total[graph.source]
        for count in np.unique(patients):
            rows = patients == count
            step[rows] *= state[graph.source[rows]]
            np.maximum.at(state, graph.target[rows], step[rows])
        return cls(graph, state, step)

    def path(self, edge: int, scenario: int) -> tuple[Cohort, ...]:
        """Return the cohorts of the likeliest sequence that ends with an edge."""
        cohorts: list[Cohort] = []
        while True:
            counts = self.graph.category_counts[edge].tolist()
            told = zip(reversed(self.graph.design.facts.outcomes.letters), reversed(counts), strict=True)
            letters = "".join(letter * count for letter, count in told)
            source = int(self.graph.source[edge])
            cohorts.insert(0, Cohort(int(self.graph.decision.dose[source]) + 1, letters))
            if source == 0:
                return tuple(cohorts)
            into = np.flatnonzero(self.graph.target == source)
            edge = int(into[self.step[into, scenario].argmax()])
