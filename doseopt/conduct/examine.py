"""A design examined: what it does after the data that investigators ask about, and what a reader would question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from doseopt.conduct.question import known_rates
from doseopt.conduct.questionable import search
from doseopt.core.cohort import Cohort, format_outcomes
from doseopt.core.design import Design, estimated_by
from doseopt.core.parameters import Fault, Faults, nearest
from doseopt.core.state import CONTINUE, TrialState
from doseopt.core.trial import after, decide_and_select, step
from doseopt.designs.waiting import made_to_wait, where_no_time_passes
from doseopt.engines.graph import graph_of
from doseopt.measures.estimates import LEVEL
from doseopt.study.study import Study

LONG_NAMES = {
    "mean": "posterior mean DLT rate",
    "lower": "lower end of the 90% interval of the DLT rate",
    "upper": "upper end of the 90% interval of the DLT rate",
    "p_above_target": "posterior probability that the DLT rate is above the target rate",
    "p_over": "posterior probability that the DLT rate is above the target interval",
    "own": "the design's own estimate of the DLT rate",
}


@dataclass(frozen=True, eq=False)
class Examination:
    """A design examined.

    Attributes
    ----------
    hypothetical : Dataset
        By `case`, a hypothetical course of the trial: `so_far` and `cohort`, its outcomes before and in the last
        cohort; `given`, level of that cohort; `level` and `size` of the next one, 0 where the trial stops; `stop`, why
        (empty where it goes on); `mtd`, the level declared, 0 for none; and by (case, dose) the tally `n`, `y` and what
        is then known of the DLT rates.
    irrational : Dataset
        See `irrational.search`.
    """

    hypothetical: xr.Dataset
    irrational: xr.Dataset


def examine(study: Study, name: str, scenario: str = "") -> Examination:
    """Examine one design of a study.

    Parameters
    ----------
    study : Study
    name : str
        Of the design; one that decides while patients are pending is examined with every cohort followed up.
    scenario : str
        Whose truth the irrational decisions are weighed with; all of the study's when left out.

    Raises
    ------
    Faults
        If the study has no such design or scenario.
    """
    scenarios = study.scenarios
    known = [str(s) for s in scenarios["scenario"].to_numpy()]
    found = []
    if name not in study.designs:
        what = f"no design {name!r} in the study" if name else "missing; wanted a design of the study"
        found.append(Fault("design", what + nearest(name, study.designs)))
    if scenario and scenario not in known:
        found.append(Fault("scenario", f"no scenario {scenario!r} in the study{nearest(scenario, known)}"))
    if found:
        raise Faults(found, study.name)
    design = made_to_wait(study.designs[name])
    scenarios = scenarios.sel(scenario=[scenario]) if scenario else scenarios
    graph = graph_of(design)
    labels = _labels(study, name)
    counts: dict[str, Any] = dict(graph.counts())
    return Examination(hypothetical(study, design).assign_attrs(labels), search(graph, scenarios).assign_attrs(counts))


def _labels(study: Study, name: str) -> dict[str, Any]:
    low, high = study.posterior.intervals
    return {
        **study.provenance(),
        "design": name,
        "target": study.target,
        "interval_low": low,
        "interval_high": high,
        "interval_probability": LEVEL,
        "posterior_model": study.describe_model(),
        **({"followed_up": said} if (said := where_no_time_passes(study.designs[name])) else {}),
    }


def courses(design: Design) -> list[tuple[Cohort, ...]]:
    """Return the courses that are asked about.

    The trial without DLT, up to as many cohorts as there are doses, with 0 to all DLTs in the cohort that comes next;
    then the same for the cohort that follows one DLT in one of these.

    Returns
    -------
    list of tuple of Cohort
        The last cohort is the one that varies.
    """
    clean: tuple[Cohort, ...] = ()
    first, second = [], []
    for _ in range(design.facts.doses):
        variants = _variants(design, clean)
        first += variants
        if len(variants) > 1:
            second += _variants(design, variants[1])
        if not variants:
            break
        clean = variants[0]
    return first + second


def _variants(design: Design, so_far: tuple[Cohort, ...]) -> list[tuple[Cohort, ...]]:
    """Return the course with the next cohort, 0 to all of its patients having a DLT; none if the trial stops.

    Where it is treated as patients come, with the fewest and with the most of them.
    """
    given = step(design, after(design, so_far))
    if given.stop[0] != CONTINUE:
        return []
    size, level = int(given.size[0]), int(given.dose[0]) + 1
    sizes = sorted({int(design.facts.fewest(size)), size})
    return [(*so_far, Cohort(level, "N" * (each - k) + "T" * k)) for each in sizes for k in range(each + 1)]


def hypothetical(study: Study, design: Design) -> xr.Dataset:
    """Return what a design does after each of `courses`, and what is then known by the study's common posterior."""
    cases = courses(design)
    state = TrialState.concatenate([after(design, case) for case in cases])
    decision, chosen = decide_and_select(design, state)
    going = decision.stop == CONTINUE
    mtd = np.zeros(len(state), np.int64)
    mtd[~going] = 1 + chosen
    variables: dict[str, Any] = {
        "so_far": ("case", [format_outcomes(case[:-1]) for case in cases]),
        "cohort": ("case", [format_outcomes(case[-1:]) for case in cases]),
        "given": ("case", [case[-1].level for case in cases]),
        "level": ("case", np.where(going, decision.dose + 1, 0)),
        "size": ("case", np.where(going, decision.size, 0)),
        "stop": ("case", np.array(["", *design.facts.stops])[decision.stop]),
        "mtd": ("case", mtd),
        "n": (("case", "dose"), state.n),
        "y": (("case", "dose"), state.y),
    }
    known = known_rates(study, state.n, state.y) | {"own": estimated_by(design, state)}
    variables |= {
        name: (("case", "dose"), value, {"units": "1", "long_name": LONG_NAMES[name]}) for name, value in known.items()
    }
    return xr.Dataset(variables, coords={"dose": list(study.doses.labels)})


def as_object(result: Examination) -> dict[str, Any]:
    """Return an examination as JSON holds it: levels from 1, null where there is none."""
    asked, found = result.hypothetical, result.irrational
    doses = [str(d) for d in asked["dose"].to_numpy()]
    cases = []
    for i in range(asked.sizes["case"]):
        one = {name: value.to_numpy()[i] for name, value in asked.data_vars.items() if value.dims == ("case",)}
        one |= {name: one[name] or None for name in ("level", "size", "stop", "mtd")}
        rates = [name for name, value in asked.data_vars.items() if "dose" in value.dims]
        one["doses"] = [
            {"dose": dose, **{name: asked[name].to_numpy()[i, j] for name in rates}} for j, dose in enumerate(doses)
        ]
        cases.append(one)
    kinds = []
    for k in range(found.sizes["kind"]):
        one = {name: value.to_numpy()[k] for name, value in found.variables.items() if value.dims == ("kind",)}
        one["probability"] = dict(zip(found["scenario"].to_numpy(), found["probability"].to_numpy()[k], strict=True))
        if not one["found"]:
            one |= dict.fromkeys(("example", "level", "example_probability", "example_scenario"))
        kinds.append(one)
    return {**asked.attrs, **found.attrs, "hypothetical": cases, "irrational": kinds}
