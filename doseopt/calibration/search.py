"""The search: many candidates, each evaluated exactly, the best of those within the limits chosen."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from scipy.optimize import differential_evolution

from doseopt.beliefs import Belief, integrated
from doseopt.beliefs.utility import Utility
from doseopt.calibration.change import compared, held_out_belief, skeletons_of
from doseopt.calibration.objective import Objective, measures_of
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults, nearest
from doseopt.core.state import FloatArray
from doseopt.core.tunable import Tunable
from doseopt.designs.layers import layers, tunable, with_values
from doseopt.engines.exact import Exact
from doseopt.scenarios import MTDRule
from doseopt.study.on_pending import InTime, in_time_for
from doseopt.study.study import Study
from doseopt.study.sweep import as_finished

CHANCES = ("correct_selection", "overdose_selection")
FEWEST = 8
"""Candidates of a search."""
INFEASIBLE = 1e3
"""Worse than any score: candidates that exceed a limit are ranked behind all others, by how much they do."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Every candidate with its exact measures, and what came of it.

    Attributes
    ----------
    dataset : Dataset
        `value` (candidate, parameter); each measure (candidate), averaged over the belief; `score` (candidate), high
        being better; `excess` (candidate), 0 within the limits; `front` (candidate), whether no candidate has both a
        better score and a lower overdose selection; `compared` (which, belief, measure): the design as it was and as
        it is calibrated, under the belief and held out, and the `attainable` (belief), each with its error as an
        integral (`compared_error`, `attainable_error`), 0 where averages are sums.
    design : Design or None
        The calibrated design; None if no candidate keeps the limits.
    """

    dataset: xr.Dataset
    design: Design | None


def calibrate(
    study: Study,
    name: str,
    free: Sequence[str] = (),
    objective: Objective | None = None,
    candidates: int = 300,
    seed: int = 1,
    executor: Executor | None = None,
    progress: Callable[[int], object] = lambda _: None,
) -> Calibration:
    """Choose the free parameters of a design of a study by exact operating characteristics under the study's belief.

    Parameters
    ----------
    study : Study
    name : str
        One of its designs, on its planned doses and with two outcome categories.
    free : sequence of str
        Names of what may be tuned (`Design.tunable`); the usual ones when empty.
    objective : Objective, optional
        The average probability of correct selection, without limits, when left out.
    candidates : int
        About how many are evaluated, at least `FEWEST`.
    seed : int
    executor : concurrent.futures.Executor, optional
        Evaluates candidates side by side; the result does not depend on it.
    progress : callable, optional
        Told the number of candidates evaluated so far.

    Returns
    -------
    Calibration
        Of an interrupted search (KeyboardInterrupt) what was evaluated before.

    Raises
    ------
    Faults
        If the design does not exist or has nothing to tune, or a parameter is unknown.

    Notes
    -----
    Differential evolution (Storn & Price 1997) from a Sobol sample; parameters are rounded to four decimals before they
    are evaluated, so that what is reported is what was judged.
    """
    began = time.perf_counter()
    design = _tunable_design(study, name)
    tuned = chosen_tunables(design, free, name)
    aim = objective or Objective()
    if candidates < FEWEST:
        raise Faults([Fault("candidates", f"wanted at least {FEWEST}, got {candidates}")], "calibrate")
    held_out = held_out_belief(study)
    in_time = in_time_for(study, Exact()) if design.facts.pending else None
    belief, _ = integrated(study.believed(), partial(_chances, design=design, study=study, in_time=in_time))
    judge = partial(
        _judged, design=design, belief=belief, mtd=study.mtd, aim=aim, utility=study.utility, in_time=in_time
    )
    search = _Search(tuned, judge, executor, progress)
    search.run(candidates, seed)
    result = _dataset(search, tuned)
    best = _best(result)
    chosen = None if best is None else with_values(design, _values(tuned, result["value"].to_numpy()[best]))
    designs = {"default": design} | ({} if chosen is None else {"calibrated": chosen})
    beliefs = {"belief": belief, "held out": held_out}
    result = result.merge(compared(designs, beliefs, study, aim, in_time))
    skeletons, model = skeletons_of(designs)
    result = result.merge(skeletons)
    attrs = _attributes(study, name, aim, belief, held_out, seed) | model
    attrs |= {
        "wanted": candidates,
        "interrupted": int(search.interrupted),
        "chosen": -1 if best is None else best,
        "seconds": round(time.perf_counter() - began, 1),
    }
    return Calibration(result.assign_attrs(attrs), chosen)


def _tunable_design(study: Study, name: str) -> Design:
    if name not in study.designs:
        raise Faults([Fault("design", f"no design {name!r} in the study{nearest(name, study.designs)}")], "calibrate")
    design = study.designs[name]
    if design.facts.outcomes.beside or study.doses.plan is not None or layers(design).grid is not None:
        message = "wanted a design on the planned doses, all of them and no other, that looks at DLTs only"
        raise Faults([Fault(f"designs.{name}", message)], "calibrate")
    return design


def chosen_tunables(design: Design, free: Sequence[str], name: str = "the design") -> list[Tunable]:
    """Return what is tuned, or say what could be."""
    possible = tunable(design)
    keys = list(dict.fromkeys(t.key for t in possible))
    if not possible:
        raise Faults([Fault("design", f"{name} has no parameter that can be tuned")], "calibrate")
    unknown = [Fault("free", f"{name} has no {key!r}{nearest(key, keys)}") for key in free if key not in keys]
    if "skeleton" in free and {"prior_mtd", "halfwidth"} & set(free):
        unknown.append(Fault("free", "wanted the skeleton directly or by prior_mtd and halfwidth, got both"))
    if unknown:
        raise Faults(unknown, "calibrate")
    return [t for t in possible if (t.key in free if free else t.usual)]


def _values(tuned: Sequence[Tunable], row: FloatArray) -> dict[str, float]:
    return {t.name: t.rounded(value) for t, value in zip(tuned, row.tolist(), strict=True)}


def _chances(belief: Belief, design: Design, study: Study, in_time: InTime | None) -> FloatArray:
    """Return correct and overdose selection [R, 2], by which the rules of integration are chosen."""
    return np.column_stack(list(measures_of(design, belief, study.mtd, CHANCES, in_time=in_time).values()))


def _judged(
    row: FloatArray,
    tuned: Sequence[Tunable],
    design: Design,
    belief: Belief,
    mtd: MTDRule,
    aim: Objective,
    utility: Utility,
    in_time: InTime | None,
) -> dict[str, float]:
    """Return the averages of a candidate's measures, its score and its excess."""
    measures = measures_of(with_values(design, _values(tuned, row)), belief, mtd, aim.needed, utility, in_time)
    means = {name: float(belief.mean(value)) for name, value in measures.items()}
    return means | {"score": aim.score(measures, belief), "excess": aim.excess(measures, belief)}


class _Search:
    """Differential evolution that keeps every candidate it meets."""

    def __init__(
        self,
        tuned: list[Tunable],
        judge: Callable[..., dict[str, float]],
        executor: Executor | None,
        progress: Callable[[int], object],
    ) -> None:
        self.tuned, self.executor, self.progress, self.interrupted = tuned, executor, progress, False
        self.judge = partial(judge, tuned=tuned)
        self.found: dict[tuple[float, ...], dict[str, float]] = {}

    def run(self, candidates: int, seed: int) -> None:
        """Evaluate about so many candidates."""
        from scipy.stats import qmc

        population = max(8, min(candidates // 8, 12 * len(self.tuned)))
        generations = max(candidates // population - 1, 0)
        bounds = np.array([[t.low, t.high] for t in self.tuned])
        rng = np.random.default_rng(seed)
        points = qmc.Sobol(len(self.tuned), rng=rng).random_base2(int(np.ceil(np.log2(population))))[:population]
        costs: Any = self.costs  # of a batch, which the stubs do not know
        try:
            differential_evolution(
                costs,
                bounds,
                init=qmc.scale(points, bounds[:, 0], bounds[:, 1]),
                integrality=[t.whole for t in self.tuned],
                maxiter=generations,
                tol=0,
                polish=False,
                rng=rng,
                vectorized=True,
                updating="deferred",
            )
        except KeyboardInterrupt:
            self.interrupted = True
            if not self.found:
                raise

    def costs(self, x: FloatArray) -> FloatArray:
        """Return what is minimised, for a batch of candidates [parameter, candidate]."""
        rows = [tuple(float(v) for v in _values(self.tuned, row).values()) for row in np.atleast_2d(x.T)]
        self._judge_all([row for row in dict.fromkeys(rows) if row not in self.found])
        judged_rows = [self.found[row] for row in rows]
        return np.array([-j["score"] if j["excess"] == 0 else INFEASIBLE + j["excess"] for j in judged_rows])

    def _judge_all(self, new: list[tuple[float, ...]]) -> None:
        """Judge candidates as they are finished; they are kept in their order, those before an interrupt too."""
        judged: dict[int, dict[str, float]] = {}
        try:
            for k, future in as_finished(self.judge, [np.array(row) for row in new], self.executor):
                judged[k] = future.result()
                self.progress(len(self.found) + len(judged))
        finally:
            self.found |= {new[k]: judged[k] for k in sorted(judged)}


def _dataset(search: _Search, tuned: Sequence[Tunable]) -> xr.Dataset:
    """Label the candidates, and mark the trade-off front."""
    rows = list(search.found.values())
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    front = _front(columns["score"], columns["overdose_selection"])
    variables: dict[str, Any] = {name: ("candidate", value) for name, value in columns.items()}
    value = (("candidate", "parameter"), np.array(list(search.found)))
    coords = {"parameter": [t.name for t in tuned]}
    bounds = {name: ("parameter", [getattr(t, name) for t in tuned]) for name in ("low", "high")}
    return xr.Dataset({**variables, "value": value, "front": ("candidate", front), **bounds}, coords=coords)


def _front(score: FloatArray, cost: FloatArray) -> np.ndarray:
    """Return which candidates no other beats in both: a higher score and a lower cost."""
    order = np.lexsort((-score, cost))
    best = np.maximum.accumulate(score[order])
    first = np.concatenate([[True], score[order][1:] > best[:-1]])
    front = np.zeros(len(score), bool)
    front[order] = first
    return front


def _best(result: xr.Dataset) -> int | None:
    """Return the candidate of highest score within the limits, of several the one of lowest overdose selection."""
    score, over = result["score"].to_numpy(), result["overdose_selection"].to_numpy()
    feasible = np.flatnonzero(result["excess"].to_numpy() == 0)
    return None if not feasible.size else int(feasible[np.lexsort((over[feasible], -score[feasible]))[0]])


def _attributes(study: Study, name: str, aim: Objective, belief: Belief, held_out: Belief, seed: int) -> dict[str, Any]:
    design = study.designs[name]
    return {
        **study.provenance(),
        "design": name,
        "kind": type(layers(design).rule).__name__,
        "objective": aim.name,
        "worst": int(aim.worst),
        "limits": "; ".join(f"{measure} at most {most:g}" for measure, most in aim.limits),
        "utility": study.utility.describe(),
        "belief": belief.source,
        "held_out": held_out.source,
        "mtd_rule": study.mtd.describe(),
        "target": study.target,
        "seed": seed,
    }
