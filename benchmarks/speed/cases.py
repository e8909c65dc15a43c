"""The designs and problems that are timed and counted, and how to forget what is cached.

It is loaded with the package of an earlier commit, too (`beside.py`): above the functions stands what all have.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

import doseopt
from doseopt import Belief, MTDRule, Rules, belief_of_rates, build_graph
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterLogistic

if TYPE_CHECKING:
    from doseopt.core.state import FloatArray, IntArray
    from doseopt.engines.graph import Reach

TARGET = 0.25
TRUTH = (0.05, 0.15, 0.30, 0.45)
MTD = MTDRule(TARGET)
DOSE_VALUES = (0.15e9, 0.5e9, 1.5e9, 4.5e9)
TALLIES = 2000
SIMULATED = 10_000


def three_plus_three(doses: int = 4, patients: int | None = None) -> Any:
    """Return a 3+3, six patients at the MTD; without a cap it ends by itself."""
    design = doseopt.ThreePlusThree(doses=doses, target=TARGET)
    return design if patients is None else doseopt.Modified(design, (doseopt.MaxPatients(n=patients),))


def interval(kind: type, doses: int = 4, patients: int = 30, cohort: int = 3) -> Any:
    """Return an interval design as it comes."""
    return doseopt.Modified(kind(doses=doses, target=TARGET, cohort=cohort), (doseopt.MaxPatients(n=patients),))


def boin(doses: int = 4, patients: int = 30, cohort: int = 3) -> Any:
    """Return BOIN as it comes."""
    return interval(doseopt.BOIN, doses, patients, cohort)


def crm(
    doses: int = 4, patients: int = 30, cohort: int = 3, model: str = "empiric", restricted: bool = True
) -> doseopt.Modified:
    """Return a CRM; restricted: no dose skipped, no escalation right after a toxic cohort, as `crmsim` of R dfcrm."""
    skeleton = doseopt.IndifferenceInterval(prior_mtd=(doses + 1) // 2, halfwidth=0.05)
    base = doseopt.CRM(doses=doses, target=TARGET, skeleton=skeleton, model=model, cohort=cohort)
    rules = (doseopt.NoSkipping(), doseopt.Coherent()) if restricted else ()
    return doseopt.Modified(base, (*rules, doseopt.MaxPatients(n=patients)))


def blrm(doses: int = 4, patients: int = 30) -> doseopt.Modified:
    """Return a BLRM in threes, at 4 doses or 5."""
    values = (*DOSE_VALUES, 13.5e9)[:doses]
    base = doseopt.BLRM(doses=doses, target=TARGET, dose_values=values, unit="cells", reference_dose=1.5e9)
    return doseopt.Modified(base, (doseopt.MaxPatients(n=patients),))


GRAPHS: dict[str, tuple[Callable[..., Any], dict[str, int]]] = {
    "BOIN 30 x 3": (boin, {}),
    "BOIN 30 x 1": (boin, {"cohort": 1}),
    "BOIN 60 x 3": (boin, {"patients": 60}),
    "BOIN 40 x 1": (boin, {"patients": 40, "cohort": 1}),
    "BOIN 6 doses 60 x 3": (boin, {"doses": 6, "patients": 60}),
    "CRM 30 x 3": (crm, {}),
    "CRM 30 x 1": (crm, {"cohort": 1}),
    "CRM 45 x 3": (crm, {"patients": 45}),
    "CRM 6 doses 60 x 3": (crm, {"doses": 6, "patients": 60}),
    "BLRM 30 x 3": (blrm, {}),
    "BLRM 5 doses 45 x 3": (blrm, {"doses": 5, "patients": 45}),
    "BLRM 60 x 3": (blrm, {"patients": 60}),
}
"""Patients x cohort; 4 doses unless said."""


def graph_case(name: str) -> Any:
    """Return the design of a graph that is timed."""
    kind, sizes = GRAPHS[name]
    return kind(**sizes)


def thousand(count: int = 1000) -> FloatArray:
    """Return increasing DLT rates at 4 doses, [count, 4]."""
    return np.sort(np.random.default_rng(1).random((count, 4)), axis=1)


def exact(design: Any, p: Any = (TRUTH,)) -> tuple[Reach, FloatArray, FloatArray, FloatArray]:
    """Return the graph, made anew, P(selected), E[n_j] and E[y_j] in each scenario: what simulations report, too."""
    from doseopt.engines.exact import ending_weights

    graph = build_graph(design)
    weight = ending_weights(graph, np.asarray(p))
    chosen = (graph.selected[:, None] == np.arange(-1, design.facts.doses)).astype(float)
    n, y = graph.state.n[graph.ending].astype(float), graph.state.y[graph.ending].astype(float)
    return graph, weight @ chosen, weight @ n, weight @ y


def load() -> None:
    """Load what a first graph of each kind loads: that is part of a command's time, which is measured apart."""
    from doseopt.core.compiled import loops

    loops()
    for design in (boin(), crm(), blrm(patients=6)):
        exact(design)


def simulate(design: Any, trials: int = SIMULATED) -> Any:
    """Return simulated outcomes in one scenario."""
    return doseopt.Simulate(trials)(design, doseopt.make_scenarios([TRUTH]))


POLICIES: dict[str, tuple[int, Rules]] = {
    "4_doses_30_in_threes": (4, Rules(30, cohort=3)),
    "4_doses_25_singles": (4, Rules(25)),
    "4_doses_30_singles": (4, Rules(30)),
    "5_doses_30_in_threes": (5, Rules(30, cohort=3)),
    "5_doses_20_singles": (5, Rules(20)),
    "6_doses_30_in_threes": (6, Rules(30, cohort=3)),
    "6_doses_15_singles": (6, Rules(15)),
}


def belief(doses: int, points: int = 20) -> Belief:
    """Return 400 scenarios unless said otherwise."""
    try:
        from doseopt.beliefs import LogisticFamily
    except ImportError:  # the first edition
        from doseopt.scenarios import LogisticFamily

    return belief_of_rates(LogisticFamily(location=doses - 0.5, location_sd=1.5, points=points).rates(doses, TARGET))


def policy(name: str) -> doseopt.Policy:
    """Return the optimal policy of a problem."""
    doses, rules = POLICIES[name]
    return doseopt.bayes_optimal(belief(doses), MTD, rules).design


SD = 1.34**0.5
SKELETONS: Sequence[tuple[float, ...]] = ((0.05, 0.12, 0.25, 0.40), (0.10, 0.20, 0.30, 0.40), (0.02, 0.05, 0.10, 0.25))
MODELS: dict[str, Any] = {
    "empiric": Empiric(SKELETONS[0], SD),
    "logistic": OneParameterLogistic(SKELETONS[0], SD),
    "two_parameter": TwoParameterLogistic.weakly_informative(DOSE_VALUES, "cells", 1.5e9),
    "beta": BetaBinomial(4),
    "average": ModelAverage(tuple(Empiric(s, SD) for s in SKELETONS), (1 / 3, 1 / 3, 1 / 3)),
}


def tallies() -> tuple[IntArray, IntArray]:
    """Return distinct tallies of 3 to 36 patients at 4 doses."""
    rng = np.random.default_rng(1)
    drawn: dict[tuple[int, ...], None] = {}
    while len(drawn) < TALLIES:
        n = rng.multinomial(rng.integers(3, 37), rng.dirichlet(np.ones(4)))
        drawn[(*n.tolist(), *rng.binomial(n, np.sort(rng.random(4))).tolist())] = None
    rows = np.array(list(drawn))
    return rows[:, :4], rows[:, 4:]


CALIBRATED = """
title = "CRMs"
target = 0.25
doses = { labels = ["1", "2", "3", "4"] }
belief = { kind = "generator", generator = "paoletti", seed = 1, count = 200 }
[scenarios]
s = [0.05, 0.15, 0.25, 0.4]
[designs.CRM]
kind = "crm"
skeleton = { prior_mtd = 3, halfwidth = 0.05 }
modifiers = [
    { kind = "no_skipping" }, { kind = "coherent" }, { kind = "too_toxic" }, { kind = "max_patients", n = 24 },
]
"""


def fresh() -> None:
    """Forget everything that the package keeps: graphs, posteriors' grids, numberings of tallies."""
    for name, module in list(sys.modules.items()):
        if name.startswith("doseopt."):
            classes = [value for value in vars(module).values() if isinstance(value, type)]
            for owner in (module, *classes):
                for value in list(vars(owner).values()):
                    if hasattr(value, "cache_clear") and not isinstance(value, type):
                        value.cache_clear()
