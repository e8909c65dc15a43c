"""Registered against amended, given the data so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

import doseopt
from doseopt.comparison import capped
from doseopt.conduct.replay import chosen_designs, replay
from doseopt.design import Design
from doseopt.engine.exact import Exact
from doseopt.engine.simulate import Simulate
from doseopt.means import MEASURES, linear_measures, means_of
from doseopt.metrics import operating_characteristics
from doseopt.model_belief import belief_of_model, updated
from doseopt.modified import Modified
from doseopt.outcome_string import Cohort, format_outcomes
from doseopt.outcomes import judged
from doseopt.parameters import Fault, Faults
from doseopt.posterior_model import FIELDS, describe_model, with_prior_sd
from doseopt.scenarios import Belief
from doseopt.state import CONTINUE, IntArray, TrialState
from doseopt.study import Study
from doseopt.trial import selected, step

type Progress = Callable[[str], object]

STUDY_MODEL = "the study's model"
PRIOR_SCALES = {"prior sd halved": 0.5, "prior sd doubled": 2.0}
TRIALS, SEED = 20_000, 1
"""Of the paired differences."""
MOST = 40
"""Patients up to which the enrolment that is needed is sought."""


def amend(
    study: Study,
    registered: str,
    amended: Sequence[str],
    cohorts: Sequence[Cohort] = (),
    progress: Progress = lambda _: None,
) -> xr.DataTree:
    """Compare a registered design with amended ones, given the data so far.

    Parameters
    ----------
    study : Study
    registered : str
        One of its designs.
    amended : sequence of str
        Others of its designs.
    cohorts : sequence of Cohort
        The trial so far; none for an amendment before the first patient. Each counts as a complete cohort, whichever
        design gave it.
    progress : callable, optional
        Told each step when its turn comes.

    Returns
    -------
    DataTree
        `now`: operating characteristics of each design from the data so far on, (design, scenario), exact, with
        `further_patients` and `further_dlts`; patients and DLTs count from the start of the trial. `start`: the same
        from the empty trial. `average`: `MEASURES`, `selection` and further patients and DLTs, averaged over what is
        believed now, (design, belief): the study's model after the data, the same with other prior sds, the other
        models, and the study's belief after the data. `paired`: on the same simulated patients from the data so far,
        the probability that an amended design selects another dose than the registered one, and the difference of
        correct selection, each with its Monte Carlo error, (amended, scenario); it depends on how the patients of two
        trials are coupled. `enrolment`: correct selection averaged over the study's model, by most patients, (design,
        enrolment). `next`: what each design does now, (design).

    Raises
    ------
    Faults
        If a design is not in the study, looks at moderate toxicity, or nothing is amended.
    """
    designs = _chosen(study, registered, amended)
    starts = {name: replay(design, cohorts)[0] for name, design in designs.items()}
    empty = {name: TrialState.empty(design.doses, len(design.memory)) for name, design in designs.items()}
    progress("from the data so far")
    nodes = {"now": _characteristics(study, designs, starts)}
    progress("from the start of the trial")
    nodes["start"] = _characteristics(study, designs, empty)
    beliefs = beliefs_now(study, *_tally(starts[registered]))
    nodes["average"] = _averages(study, designs, starts, beliefs, progress)
    progress("the same patients under both designs")
    nodes["paired"] = _paired(study, registered, designs, starts)
    progress("enrolment needed")
    nodes["enrolment"] = _enrolment(study, designs, starts, beliefs[STUDY_MODEL])
    nodes["next"] = _next(study, designs, starts)
    tree = xr.DataTree.from_dict(nodes)
    tree.attrs = {
        "title": study.title,
        "registered": registered,
        "amended": ", ".join(amended),
        "outcomes": format_outcomes(tuple(cohorts)) if cohorts else "",
        "mtd_rule": study.mtd.describe(),
        "target": study.target,
        "trials": TRIALS,
        "seed": SEED,
        "version": doseopt.__version__,
        "study": study.name,
        "study_hash": study.hash,
    }
    return tree


def _chosen(study: Study, registered: str, amended: Sequence[str]) -> dict[str, Design]:
    faults = [] if amended else [Fault("amended", "missing; wanted at least one design of the study")]
    faults += [Fault("amended", f"{registered} is the registered design")] if registered in amended else []
    designs = chosen_designs(study, [registered, *amended])
    faults += [
        Fault(f"designs.{name}", "wanted a design that looks at DLTs only, not at moderate toxicity")
        for name, design in designs.items()
        if design.categories != 2
    ]
    if faults:
        raise Faults(faults, "amend")
    return designs


def _tally(state: TrialState) -> tuple[IntArray, IntArray]:
    return state.n[0], state.y[0]


def _characteristics(study: Study, designs: Mapping[str, Design], starts: Mapping[str, TrialState]) -> xr.Dataset:
    """Return exact operating characteristics from a state on, (design, scenario)."""
    scenarios = study.scenarios()
    registered = np.nan if study.planned_enrolment is None else study.planned_enrolment
    parts = []
    for name, design in designs.items():
        outcomes = judged(Exact()(design, scenarios, starts[name]), study.mtd)
        part = operating_characteristics(outcomes.assign_attrs(dropout=study.dropout, registered=registered))
        n, y = _tally(starts[name])
        part["further_patients"] = (part["sample_size"] - n.sum()).assign_attrs(
            units="patients", long_name="expected patients still to come"
        )
        part["further_dlts"] = (part["total_dlts"] - y.sum()).assign_attrs(
            units="patients", long_name="expected patients with a DLT still to come"
        )
        parts.append(part.drop_dims("stop_reason").expand_dims(design=[name]))
    joined = xr.concat(parts, "design", join="exact", combine_attrs="drop", data_vars="all")
    return joined.assign(p_dlt=scenarios["p_dlt"])


def beliefs_now(study: Study, n: IntArray, y: IntArray) -> dict[str, Belief]:
    """Return what may be believed of the DLT rates after the data, by name: `STUDY_MODEL` and its alternatives.

    Parameters
    ----------
    study : Study
    n, y : int array [D]
        Patients and DLTs at each dose.
    """
    own = study.curve()
    models = {STUDY_MODEL: own} | {name: with_prior_sd(own, factor) for name, factor in PRIOR_SCALES.items()}
    for kind in FIELDS:
        if kind not in ("beta", study.posterior.model):
            try:
                models[f"model {kind}"] = study.curve(kind)
            except Faults:
                continue  # a model that needs doses as numbers, of which this study has none
    beliefs = {name: belief_of_model(model, n, y) for name, model in models.items()}
    return beliefs | {"the study's belief": updated(study.believed(), n, y)}


def _averages(
    study: Study,
    designs: Mapping[str, Design],
    starts: Mapping[str, TrialState],
    beliefs: Mapping[str, Belief],
    progress: Progress,
) -> xr.Dataset:
    """Return exact averages over beliefs, (design, belief)."""
    names = (*MEASURES, "further_patients", "further_dlts")
    values = np.empty((len(names), len(designs), len(beliefs)))
    selection = np.empty((len(designs), len(beliefs), 1 + len(study.doses.labels)))
    for b, (which, belief) in enumerate(beliefs.items()):
        progress(f"averages: {which}")
        for d, (name, design) in enumerate(designs.items()):
            means = means_of(design, belief.p_observed, starts[name])
            n, y = _tally(starts[name])
            found = linear_measures(means, belief.p_dlt, study.mtd)
            found["further_patients"] = found["sample_size"] - n.sum()
            found["further_dlts"] = found["total_dlts"] - y.sum()
            values[:, d, b] = [belief.weights @ found[measure] for measure in names]
            selection[d, b] = belief.weights @ means.selection
    dims = ("design", "belief")
    data: dict[str, Any] = {name: (dims, value) for name, value in zip(names, values, strict=True)}
    data["no_selection"] = (dims, selection[:, :, 0])
    data["selection"] = ((*dims, "dose"), selection[:, :, 1:])
    coords = {
        "design": list(designs),
        "belief": list(beliefs),
        "dose": list(study.doses.labels),
        "source": ("belief", [belief.source for belief in beliefs.values()]),
    }
    return xr.Dataset(data, coords=coords, attrs={"model": describe_model(study.curve())})


def _paired(
    study: Study, registered: str, designs: Mapping[str, Design], starts: Mapping[str, TrialState]
) -> xr.Dataset:
    """Return differences on the same simulated patients, (amended, scenario)."""
    scenarios = study.scenarios()
    engine = Simulate(TRIALS, SEED)
    chosen, right = {}, {}
    for name, design in designs.items():
        outcomes = judged(engine(design, scenarios, starts[name]), study.mtd)
        mtd = outcomes["selected"].to_numpy()
        acceptable = outcomes["acceptable"].to_numpy()
        chosen[name] = mtd
        nothing = ~acceptable.any(axis=1)[:, None]
        at = np.take_along_axis(acceptable, np.maximum(mtd, 0), axis=1)
        right[name] = np.where(mtd >= 0, at, nothing).astype(float)
    others = [name for name in designs if name != registered]
    differ = np.stack([chosen[name] != chosen[registered] for name in others]).astype(float)
    gain = np.stack([right[name] - right[registered] for name in others])
    dims = ("amended", "scenario")
    texts = {
        "selects_differently": (differ, "probability that the amended design selects another dose"),
        "correct_selection_gain": (gain, "correct selection, amended minus registered"),
    }
    data = {}
    for name, (value, text) in texts.items():
        data[name] = (dims, value.mean(axis=2), {"units": "1", "long_name": f"{text}, on the same simulated patients"})
        error = value.std(axis=2) / np.sqrt(TRIALS)
        data[f"{name}_mcse"] = (dims, error, {"units": "1", "long_name": f"Monte Carlo standard error: {text}"})
    return xr.Dataset(data, coords={"amended": others, "scenario": scenarios["scenario"].to_numpy()})


def _enrolment(
    study: Study, designs: Mapping[str, Design], starts: Mapping[str, TrialState], belief: Belief
) -> xr.Dataset:
    """Return average correct selection by most patients, (design, enrolment); nan below the patients there are."""
    treated = max(int(state.total[0]) for state in starts.values())
    caps = np.arange(max(treated, 1), MOST + 1)
    values = np.full((len(designs), len(caps)), np.nan)
    for d, (name, design) in enumerate(designs.items()):
        base = design if isinstance(design, Modified) else Modified(design, ())
        for k, cap in enumerate(caps.tolist()):
            if cap < int(base.base.first().size[0]) or (cap - treated) % 3:
                continue
            changed = capped(base, cap)
            means = means_of(changed, belief.p_observed, starts[name])
            values[d, k] = belief.weights @ linear_measures(means, belief.p_dlt, study.mtd)["correct_selection"]
    known = ~np.isnan(values).all(axis=0)
    attrs = {"units": "1", "long_name": "probability of correct selection, averaged over the study's model"}
    return xr.Dataset(
        {"correct_selection": (("design", "enrolment"), values[:, known], attrs)},
        coords={"design": list(designs), "enrolment": caps[known]},
    )


def enrolment_needed(curve: xr.DataArray, probability: float) -> dict[str, int | None]:
    """Return the fewest patients with which each design selects correctly with a stated probability; None if none does.

    Parameters
    ----------
    curve : DataArray
        `enrolment/correct_selection` of :func:`amend`, (design, enrolment).
    probability : float
    """
    found: dict[str, int | None] = {}
    for name in curve["design"].to_numpy().tolist():
        enough = np.flatnonzero(curve.sel(design=name).to_numpy() >= probability)
        found[name] = int(curve["enrolment"].to_numpy()[enough[0]]) if enough.size else None
    return found


def _next(study: Study, designs: Mapping[str, Design], starts: Mapping[str, TrialState]) -> xr.Dataset:
    """Return what each design does now: the next level and size, or the reason to stop and the MTD; 0 for none."""
    rows = []
    for name, design in designs.items():
        given = step(design, starts[name])
        going = given.stop[0] == CONTINUE
        mtd = 0 if going else int(selected(design, starts[name], given.stop)[0]) + 1
        reason = "" if going else design.stops[given.stop[0] - 1]
        rows.append((int(given.dose[0]) + 1 if going else 0, int(given.size[0]) if going else 0, reason, mtd))
    texts = {
        "level": "dose level of the next cohort, 0 if the trial stops",
        "size": "patients of the next cohort, 0 if the trial stops",
        "stop": "reason to stop, empty if the trial goes on",
        "mtd": "level declared the MTD if the trial stops, 0 for none",
    }
    columns = zip(texts.items(), zip(*rows, strict=True), strict=True)
    data = {name: ("design", list(values), {"long_name": text}) for (name, text), values in columns}
    return xr.Dataset(data, coords={"design": list(designs)})
