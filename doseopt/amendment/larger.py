"""Caps that are larger and, in some scenarios, worse: where, by which trials, and which cap mends it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import xarray as xr

from doseopt.amendment.steps import cohort_of
from doseopt.core.design import Design
from doseopt.core.parameters import Faults
from doseopt.core.state import CONTINUE, BoolArray, FloatArray, IntArray
from doseopt.designs.interval import DOWN, STAY, UP, IntervalDesign
from doseopt.designs.layers import layers, with_cap
from doseopt.engines.budget import TooManyStates
from doseopt.engines.enrolling import loses
from doseopt.engines.exact import ending_weights
from doseopt.engines.graph import Graph, graph_of
from doseopt.engines.means import means_of
from doseopt.scenarios.mtd_rule import judged_on
from doseopt.study.study import Study

WORSE = 5e-4
"""Fall of a probability that a table shows."""
EXPLAINED = 1 / 3
"""Share of the scenarios that are worse from which on it is sought why."""
TRIED = 3
"""Caps that are tried to mend it, a cohort apart."""


@dataclass(frozen=True)
class Loss:
    """The trials that lose most of the right selections that a larger cap loses.

    Attributes
    ----------
    share : float
        Of what is lost, in the scenarios where the larger cap is worse.
    named : int
        The dose named at the smaller cap (index).
    n, y : int
        Patients and DLTs there.
    given : int
        The dose of the next cohort (index).
    size : int
        Patients of it.
    moves : (int, int, int) or None
        Of an interval design at n patients: the most DLTs with which it goes up, the fewest with which it goes down,
        and how many numbers of DLTs let it stay; -1 where none does.
    """

    share: float
    named: int
    n: int
    y: int
    given: int
    size: int
    moves: tuple[int, int, int] | None


@dataclass(frozen=True)
class Larger:
    """A larger cap that is worse than a smaller one in some scenarios.

    Attributes
    ----------
    smaller, larger : int
        Caps.
    change : DataArray
        Correct selection with the larger one minus that with the smaller one, (scenario).
    loss : Loss or None
        None where few scenarios are worse, or a trial with the larger cap is not one with the smaller cap that goes on.
    mended : (int, DataArray) or None
        The next cap that is worse than the smaller one in fewer scenarios, and its change; None if none tried is.
    """

    smaller: int
    larger: int
    change: xr.DataArray
    loss: Loss | None
    mended: tuple[int, xr.DataArray] | None


def worse_with_more(study: Study, design: Design, smaller: int) -> Larger | None:
    """Return where a design with its cap is worse than with a smaller one, and why; None if it is nowhere.

    Parameters
    ----------
    study : Study
    design : Design
        With a cap.
    smaller : int
        Most patients of the other one.

    Examples
    --------
    >>> from doseopt import load_study
    >>> study = load_study("renji-elo-first")
    >>> found = worse_with_more(study, study.designs["BOIN 13"], 10)
    >>> int((found.change < 0).sum()), found.mended[0]
    (6, 16)
    """
    larger = design.facts.cap
    try:
        small = with_cap(design, smaller)
    except Faults:  # not even the first cohort
        return None
    if larger is None or larger <= smaller or small.facts.cap != smaller:
        return None
    right = _right(study)
    before = _correct(study, small, right)
    change = _correct(study, design, right) - before
    if not (change < -WORSE).any():
        return None
    caps = range(larger + cohort_of(design), larger + TRIED * cohort_of(design) + 1, cohort_of(design))
    tried = ((cap, after - before) for cap, after in _small_enough(study, design, caps, right))
    fewer = (each for each in tried if (each[1] < -WORSE).sum() < (change < -WORSE).sum())
    mended = next(fewer, None)
    names = {"scenario": study.scenarios["scenario"].to_numpy()}

    def labelled(values: FloatArray) -> xr.DataArray:
        return xr.DataArray(values, dims="scenario", coords=names)

    worse = change < -WORSE
    loss = _most_lost(study, small, design, right, worse) if worse.mean() >= EXPLAINED else None
    return Larger(smaller, larger, labelled(change), loss, mended and (mended[0], labelled(mended[1])))


def _small_enough(
    study: Study, design: Design, caps: Iterable[int], right: FloatArray
) -> Iterator[tuple[int, FloatArray]]:
    """Return rising caps with correct selection in each scenario, as long as the graph is not too large."""
    for cap in caps:
        try:
            yield cap, _correct(study, with_cap(design, cap), right)
        except TooManyStates:
            return


def _right(study: Study) -> FloatArray:
    """Return whether none, and whether each dose, is right in each scenario, [R, 1 + D]."""
    p, planned = study.scenarios["p_dlt"].to_numpy(), np.array(study.doses.planned())
    acceptable, _ = judged_on(study.mtd, p, planned)
    return np.column_stack([~acceptable.any(axis=1), acceptable]).astype(float)


def _correct(study: Study, design: Design, right: FloatArray) -> FloatArray:
    """Return correct selection in each scenario, [R]."""
    scenarios = study.scenarios
    selection = means_of(design, scenarios["p_observed"].to_numpy(), scenarios=scenarios).selection
    return np.asarray((selection * right).sum(axis=1))


def _most_lost(study: Study, small: Design, large: Design, right: FloatArray, worse: BoolArray) -> Loss | None:
    """Return the trials, right at the smaller cap, that lose most as they go on, in the scenarios that are worse.

    None where they cannot be followed from the smaller cap on, as where patients are left out.
    """
    if loses(small, study.scenarios):
        return None
    graph, p = graph_of(small), study.scenarios["p_observed"].to_numpy()
    weight, lost = ending_weights(graph, p), np.zeros(len(graph.ending))
    total, chosen = np.zeros(len(p)), right[:, 1 + graph.selected]
    given = large.decide(graph.state[graph.ending])
    for e, node in enumerate(graph.ending):
        if given.stop[e] != CONTINUE:
            total += weight[:, e] * chosen[:, e]
            continue
        later = (means_of(large, p, graph.state[node : node + 1]).selection * right).sum(axis=1)
        total += weight[:, e] * later
        lost[e] = (weight[:, e] * chosen[:, e] * (1 - later))[worse].sum()
    if not np.allclose(total, _correct(study, large, right), rtol=0, atol=1e-9) or not lost.any():
        return None
    return _largest(graph, large, lost, np.column_stack([given.dose, given.size]))


def _largest(graph: Graph, large: Design, lost: FloatArray, given: IntArray) -> Loss:
    """Return the largest loss, endings that agree in the dose named, its tally and the next cohort taken together."""
    at = np.maximum(graph.selected, 0)
    rows = graph.ending, at
    tally = np.column_stack([graph.selected, graph.state.n[rows], graph.state.y[rows], given])
    kinds, which = np.unique(tally, axis=0, return_inverse=True)
    by_kind = np.bincount(which.reshape(-1), lost)
    most = int(by_kind.argmax())
    named, n, y, dose, size = kinds[most].tolist()
    return Loss(float(by_kind[most] / lost.sum()), named, n, y, dose, size, _moves(large, n))


def _moves(design: Design, n: int) -> tuple[int, int, int] | None:
    """Return up to how many DLTs in n patients an interval design goes up, from how many on down, and how many stay."""
    rule = layers(design).rule
    if not isinstance(rule, IntervalDesign):
        return None
    moves = rule.moves(np.full(n + 1, n), np.arange(n + 1))
    up, down = np.flatnonzero(moves == UP), np.flatnonzero(moves == DOWN)
    return int(up.max(initial=-1)), int(down.min()) if down.size else -1, int((moves == STAY).sum())
