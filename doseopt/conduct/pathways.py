"""Dose transition pathways: every way the next cohorts can turn out, what the design does then, and how likely it is.

References
----------
Yap, Billingham, Cheung, Craddock & O'Quigley 2017, Clinical Cancer Research 23:7440.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from doseopt.conduct.groupings import with_warning
from doseopt.conduct.question import check_trial
from doseopt.core.cohort import format_outcomes
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults, nearest
from doseopt.core.state import CONTINUE, Decision, FloatArray, IntArray, TrialState
from doseopt.core.trial import advance, decide_and_select
from doseopt.designs.unfinished import pending_next
from doseopt.designs.waiting import made_to_wait, where_no_time_passes
from doseopt.display.pathways import cohort_of, courses
from doseopt.engines.cohort_outcomes import cohort_outcomes
from doseopt.engines.exact import observed_rates, rates_beside
from doseopt.models.kinds import PosteriorCurve
from doseopt.models.quadrature import quadrature
from doseopt.records.trial import Trial
from doseopt.study.study import Study

MOST_PATHS = 2000
"""Paths of the largest tree."""


@dataclass(frozen=True, eq=False)
class _Nodes:
    """Nodes of the tree; the parents are positions among all nodes, -1 for the root."""

    state: TrialState
    decision: Decision
    mtd: IntArray
    parent: IntArray
    outcome: IntArray
    orders: FloatArray

    @classmethod
    def joined(cls, layers: list[_Nodes]) -> _Nodes:
        """Join layers."""
        decision = Decision(*(np.concatenate([getattr(x.decision, f) for x in layers]) for f in Decision.__slots__))
        rest = (np.concatenate([getattr(x, f) for x in layers]) for f in ("mtd", "parent", "outcome", "orders"))
        return cls(TrialState.concatenate([x.state for x in layers]), decision, *rest)

    @property
    def given(self) -> IntArray:
        """Dose of each node's cohort (index), -1 at the root."""
        return np.where(self.parent < 0, -1, self.state.dose)


def paths(
    study: Study,
    trial: Trial,
    name: str,
    cohorts: int = 3,
    scenario: str = "",
    judge: str = "",
) -> xr.Dataset:
    """Return the dose transition pathways of a design of a study.

    The probability of a path is, with `scenario`, the product of its cohorts' binomial probabilities. Without, it is
    the posterior predictive one of the study's common model, the DLT rates being unknown but the same in all cohorts,

        Pr(y_1, ..., y_k | data) = prod_i C(m_i, y_i) L(data and y_1, ..., y_k) / L(data),

    with L the marginal likelihood and m_i the size of cohort i. Moderate toxicity is predicted by no model: without
    `scenario` the paths of a design that looks at it have no probability.

    Parameters
    ----------
    study : Study
    trial : Trial
        What was seen so far. Of an unfinished last cohort, the rest comes first.
    name : str
        Of the design.
    cohorts : int
        How many cohorts ahead.
    scenario : str
        Whose true DLT rates weigh the paths.
    judge : str
        Name of the design by which the last cohort is unfinished; this one when left out.

    A design that decides while patients are pending is taken as one that follows every cohort up before it does.

    Returns
    -------
    Dataset
        By `node`, the root first and parents before children: `parent` (-1 at the root); `depth`, cohorts ahead;
        `given`, `patients`, `dlts` and `moderate` of the node's cohort, its level counted from 1 (0 at the root); the
        decision: `level` and `size` of the next cohort, 0 where the trial stops, `stop`, why (empty where it goes on),
        and `mtd`, the level declared, 0 for none; `pending`, patients of the next cohort who are; `leaf`; `branch`, the
        probability given the parent, and `probability`, from the root on; `n` and `y` (node, dose).

    Raises
    ------
    Faults
        If there is no such design or scenario, or there are more than 2000 paths.
    """
    check_trial(study, trial)
    scenarios = _checked(study, name, cohorts, scenario)
    judging = made_to_wait(study.designs[judge or name])
    design = made_to_wait(study.designs[name])
    seen = trial.after(judging)
    design, start = seen.standing(design)
    layers = _grown(design, start, cohorts)
    nodes = _Nodes.joined(layers)
    if scenarios is None and design.facts.outcomes.graded:
        branch = np.full(len(nodes.parent), np.nan)
        weights = "none: the design looks at moderate toxicity, which no posterior predicts (--scenario weighs)"
    elif scenarios is None:
        branch = _predicted(study.curve(), nodes)
        weights = f"posterior predictive, {study.describe_model()}"
    else:
        branch = _under(design, scenarios, nodes)
        weights = f"true DLT rates of scenario {scenario}"
    attrs = {
        **study.provenance(),
        "design": name,
        "target": study.target,
        "cohorts": cohorts,
        "outcomes": format_outcomes(seen.cohorts),
        "scenario": scenario,
        "weights": weights,
        "followed_up": where_no_time_passes(study.designs[name]),
        **with_warning(trial, judging).provenance(),
    }
    depth = np.repeat(np.arange(len(layers)), [len(layer.state) for layer in layers])
    return _labelled(study, design, nodes, depth, branch, attrs)


def _checked(study: Study, name: str, cohorts: int, scenario: str) -> xr.Dataset | None:
    """Return the scenario asked for; refuse names that do not exist, all together."""
    found = []
    if name not in study.designs:
        what = f"no design {name!r} in the study" if name else "missing; wanted a design of the study"
        found.append(Fault("design", what + nearest(name, study.designs)))
    if cohorts < 1:
        found.append(Fault("cohorts", f"wanted a whole number of at least 1, got {cohorts}"))
    scenarios = study.scenarios if scenario else None
    if scenarios is not None:
        known = [str(s) for s in scenarios["scenario"].to_numpy()]
        if scenario not in known:
            found.append(Fault("scenario", f"no scenario {scenario!r} in the study{nearest(scenario, known)}"))
    if found:
        raise Faults(found, study.name)
    return None if scenarios is None else scenarios.sel(scenario=[scenario])


def _grown(design: Design, start: TrialState, cohorts: int) -> list[_Nodes]:
    """Return the tree, a layer for each number of cohorts; it ends early where all trials have stopped."""
    nothing = np.zeros((1, len(design.facts.outcomes)), np.int64)
    layers = [_decided(design, start, np.full(1, -1), nothing, np.ones(1))]
    base, ended, facts = 0, 0, design.facts
    for depth in range(1, cohorts + 1):
        last = layers[-1]
        going = np.flatnonzero(last.decision.stop == CONTINUE)
        if not len(going):
            break
        ended += len(last.state) - len(going)
        ways = [cohort_outcomes(int(size), len(facts.outcomes), facts.comers) for size in last.decision.size[going]]
        counts = np.array([len(outcome) for outcome, _ in ways])
        if ended + counts.sum() > MOST_PATHS:
            raise Faults([_too_many(depth, int(ended + counts.sum()))])
        rows = np.repeat(going, counts)
        outcome, orders = (np.concatenate(part) for part in zip(*(_fewest_first(*way) for way in ways), strict=True))
        state = advance(design, last.state[rows], last.decision[rows], outcome)
        layers.append(_decided(design, state, rows + base, outcome, orders))
        base += len(last.state)
    return layers


def _fewest_first(outcome: IntArray, orders: FloatArray) -> tuple[IntArray, FloatArray]:
    """Order the ways a cohort can turn out by DLTs, then by moderate toxicities."""
    order = np.lexsort(outcome.T[::-1])
    return outcome[order], orders[order]


def _too_many(depth: int, count: int) -> Fault:
    message = f"{depth} cohorts ahead make {count:,} paths, more than {MOST_PATHS:,}"
    fewer = f"wanted at most {depth - 1}" if depth > 1 else "wanted smaller cohorts"
    return Fault("cohorts", f"{message}; {fewer}, or a later start given as outcomes so far")


def _decided(design: Design, state: TrialState, parent: IntArray, outcome: IntArray, orders: FloatArray) -> _Nodes:
    """Ask the design what it does at the nodes of a layer."""
    decision, chosen = decide_and_select(design, state)
    mtd = np.zeros(len(state), np.int64)
    mtd[decision.stop != CONTINUE] = 1 + chosen
    return _Nodes(state, decision, mtd, parent, outcome, orders)


def _predicted(curve: PosteriorCurve, nodes: _Nodes) -> FloatArray:
    """Return the posterior predictive probability of each node given its parent, [node]."""
    evidence = quadrature(curve).posterior(nodes.state.n, nodes.state.y).log_marginal()
    return np.where(nodes.parent < 0, 1.0, nodes.orders * np.exp(evidence - evidence[nodes.parent]))


def _under(design: Design, scenarios: xr.Dataset, nodes: _Nodes) -> FloatArray:
    """Return the probability of each node given its parent under one scenario, [node]."""
    space = design.facts.outcomes
    rates = space.probabilities(*space.chances(observed_rates(design, scenarios), rates_beside(space, scenarios)))[0]
    chance = np.prod(rates[nodes.given] ** nodes.outcome, axis=1)
    return np.where(nodes.parent < 0, 1.0, nodes.orders * chance)


def _arrival(branch: FloatArray, parent: IntArray, depth: IntArray) -> FloatArray:
    """Return the probability of coming to each node, [node]."""
    probability = branch.copy()
    for d in range(1, int(depth.max()) + 1):
        rows = depth == d
        probability[rows] *= probability[parent[rows]]
    return probability


def _labelled(
    study: Study, design: Design, nodes: _Nodes, depth: IntArray, branch: FloatArray, attrs: dict[str, Any]
) -> xr.Dataset:
    """Put the nodes into a Dataset."""
    going = nodes.decision.stop == CONTINUE
    people, chance = {"units": "patients"}, {"units": "1"}
    coords: dict[str, Any] = {"dose": list(study.doses.labels)}
    if study.doses.values is not None:
        coords["dose_value"] = ("dose", list(study.doses.values), {"units": study.doses.unit})
    columns: dict[str, Any] = {
        "parent": (nodes.parent, {}),
        "depth": (depth, {"units": "cohorts"}),
        "given": (nodes.given + 1, {}),
        "patients": (nodes.outcome.sum(axis=1), people),
        "dlts": (nodes.outcome[:, 0], people),
        "moderate": (nodes.outcome[:, 1:-1].sum(axis=1), people),
        "level": (np.where(going, nodes.decision.dose + 1, 0), {}),
        "size": (np.where(going, nodes.decision.size, 0), people),
        "stop": (np.array(["", *design.facts.stops])[nodes.decision.stop], {}),
        "pending": (np.where(going, pending_next(design, nodes.state), 0), people),
        "mtd": (nodes.mtd, {}),
        "leaf": (~np.isin(np.arange(len(depth)), nodes.parent), {}),
        "branch": (branch, chance | {"long_name": "probability given the parent"}),
        "probability": (
            _arrival(branch, nodes.parent, depth),
            chance | {"long_name": "probability of coming here"},
        ),
    }
    variables: dict[str, Any] = {name: ("node", value, about) for name, (value, about) in columns.items()}
    variables |= {"n": (("node", "dose"), nodes.state.n, people), "y": (("node", "dose"), nodes.state.y, people)}
    return xr.Dataset(variables, coords=coords, attrs=attrs)


def as_object(ds: xr.Dataset) -> dict[str, Any]:
    """Return the pathways as JSON holds them: levels from 1, null where there is none."""
    labels = [str(label) for label in ds["dose"].to_numpy()]

    def decided(node: int) -> dict[str, Any]:
        level, size, mtd, pending = (int(ds[name].to_numpy()[node]) for name in ("level", "size", "mtd", "pending"))
        return {
            "level": level or None,
            "dose": labels[level - 1] if level else None,
            "size": size or None,
            "stop": str(ds["stop"].to_numpy()[node]) or None,
            "mtd": mtd or None,
            **({"pending": pending} if pending else {}),
        }

    found = []
    for course in courses(ds):
        seen = format_outcomes(tuple(cohort_of(ds, node) for node in course))
        steps = [
            {name: int(ds[name].to_numpy()[node]) for name in ("given", "patients", "dlts", "moderate")}
            for node in course
        ]
        leaf = course[-1] if course else 0
        chance = float(ds["probability"].to_numpy()[leaf])
        found.append(
            {"outcomes": seen, "probability": None if np.isnan(chance) else chance, **decided(leaf), "cohorts": steps}
        )
    return {**ds.attrs, "next": decided(0), "paths": found}
