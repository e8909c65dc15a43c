"""Registered against amended, given the data so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import xarray as xr

from doseopt.amendment.ladder import ladder
from doseopt.amendment.outlook import averages, beliefs_now, by_enrolment
from doseopt.beliefs.of_model import COARSE
from doseopt.comparison.compare import truth_of
from doseopt.comparison.evaluate import dose_coordinates
from doseopt.conduct.groupings import with_warning
from doseopt.conduct.question import check_trial
from doseopt.core.beside import begun
from doseopt.core.cohort import format_outcomes
from doseopt.core.design import Design
from doseopt.core.parameters import Fault, Faults
from doseopt.core.progress import Progress
from doseopt.core.state import CONTINUE
from doseopt.core.trial import decide_and_select
from doseopt.designs.unfinished import enrolled, pending_next
from doseopt.designs.waiting import made_to_wait
from doseopt.display.outlook import STUDY_MODEL
from doseopt.engines.simulate import Simulate
from doseopt.measures.operating_characteristics import correct_at, correct_of_all, operating_characteristics
from doseopt.records.answer import Answer
from doseopt.records.replay import Replay, Standing
from doseopt.records.trial import Trial
from doseopt.study.study import Study

TRIALS, SEED = 20_000, 1
"""Of the paired differences."""


def amend(
    study: Study,
    trial: Trial,
    registered: str,
    amended: Sequence[str],
    progress: Progress = lambda _: None,
    paired: Callable[[], xr.Dataset] | None = None,
) -> xr.DataTree:
    """Compare a registered design with amended ones, given the data so far.

    Parameters
    ----------
    study : Study
    trial : Trial
        So far; without patients for an amendment before the first. Cohorts that it does not state are those of the
        registered design, which also says whether the last one is whole: if not, its rest is treated first under all
        designs. Pending patients are weighed as those that are still to come. Doses that patients were given weigh in
        what is believed (:func:`outlook.beliefs_now`).
    registered : str
        One of its designs.
    amended : sequence of str
        Others of its designs. Of one that decides while patients are pending all is said with every cohort followed
        up; what not waiting changes is a matter of the comparison of designs, which knows the pace of accrual.
    progress : callable, optional
        Told each step when its turn comes.
    paired : callable, optional
        Returns the node `paired`, of :func:`pairs`, where that is begun already.

    Returns
    -------
    DataTree
        `now`: operating characteristics of each design from the data so far on, (design, scenario), exact, with
        `further_patients` and `further_dlts`; patients and DLTs count from the start of the trial. All are judged by
        the study's definition of the MTD, on the planned doses; `correct_selection_own_target` by the same at the
        design's own target, and with insertable doses `correct_selection_of_all` on all. `start`: the same from the
        empty trial. `average`: `MEASURES`, `selection` and further patients and DLTs, averaged over what is believed
        now, (design, belief): the study's model after the data, the same with other prior sds, the other models, and
        the study's belief after the data. `paired`: on the same simulated patients from the data so far, the
        probability that an amended design selects another dose than the registered one, and the difference of correct
        selection, each with its Monte Carlo error, (amended, scenario); it depends on how the patients of two trials
        are coupled. `enrolment`: correct selection averaged over the study's model, by most patients, (design,
        enrolment). `next`: what each design does now, (design). `ladder`: of :func:`ladder.ladder`.

    Raises
    ------
    Faults
        If a design is not in the study, looks at moderate toxicity, or nothing is amended.
    """
    seen, standings = standings_of(study, trial, registered, amended)
    paired = paired or begun(partial(pairs, study, trial, registered, amended))
    progress("from the data so far")
    nodes = {"now": _characteristics(study, standings)}
    progress("from the start of the trial")
    _, first = standings_of(study, Trial(study.doses), registered, amended)
    nodes["start"] = _characteristics(study, first) if seen.cohorts else nodes["now"].copy()
    beliefs = beliefs_now(study, trial, COARSE)
    nodes["average"] = averages(study, standings, beliefs, progress)
    progress("enrolment needed")
    enrolment = by_enrolment(study, standings, beliefs[STUDY_MODEL])
    steps = ladder(study, trial, registered, amended, progress)
    progress("the same patients under both designs")
    nodes["paired"] = paired()
    nodes |= {"enrolment": enrolment, "next": _next(study, trial, standings), "ladder": steps}
    tree = xr.DataTree.from_dict(nodes)
    tree.attrs = {
        **study.provenance(),
        "registered": registered,
        "amended": ", ".join(amended),
        "outcomes": format_outcomes(seen.cohorts),
        "mtd_rule": study.mtd.describe(),
        "target": study.target,
        "trials": TRIALS,
        "seed": SEED,
        "followed_up": ", ".join(n for n in (registered, *amended) if study.designs[n].facts.pending),
        "not_backfilled": ", ".join(n for n in (registered, *amended) if study.designs[n].facts.backfill is not None),
        "not_asked": ", ".join(n for n, design in study.designs.items() if design.facts.outcomes.beside),
        **with_warning(trial, seen.design).provenance(),
    }
    return tree


def standings_of(
    study: Study, trial: Trial, registered: str, amended: Sequence[str]
) -> tuple[Replay, dict[str, Standing]]:
    """Return a trial as the registered design saw it, and where it stands under each design, the registered one first.

    Raises
    ------
    Faults
        As `amend`.
    """
    check_trial(study, trial)
    designs = _chosen(study, registered, amended)
    seen = trial.after(designs[registered])
    return seen, {name: seen.standing(design) for name, design in designs.items()}


def _chosen(study: Study, registered: str, amended: Sequence[str]) -> dict[str, Design]:
    faults = [] if amended else [Fault("amended", "missing; wanted at least one design of the study")]
    faults += [Fault("amended", f"{registered} is the registered design")] if registered in amended else []
    designs = study.choose([registered, *amended])
    faults += [
        Fault(f"designs.{name}", "wanted a design that looks at DLTs only, not at moderate toxicity or efficacy")
        for name, design in designs.items()
        if design.facts.outcomes.beside
    ]
    if faults:
        raise Faults(faults, "amend")
    return {name: made_to_wait(design) for name, design in designs.items()}


def _characteristics(study: Study, standings: Mapping[str, Standing]) -> xr.Dataset:
    """Return exact operating characteristics from where trials stand on, (design, scenario)."""
    parts = []
    for name, (design, start) in standings.items():
        outcomes = study.evaluate(design, start)
        part = operating_characteristics(outcomes)
        part["further_patients"] = (part["sample_size"] - enrolled(design, start)).assign_attrs(
            units="patients", long_name="expected patients still to come"
        )
        part["further_dlts"] = (part["total_dlts"] - start.y.sum()).assign_attrs(
            units="patients", long_name="expected patients with a DLT still to come"
        )
        part["correct_selection_own_target"] = correct_at(outcomes, study.mtd, design.facts.target)
        if "acceptable_of_all" in outcomes:
            part["correct_selection_of_all"] = correct_of_all(outcomes)
        parts.append(part.drop_dims("stop_reason").expand_dims(design=[name]))
    joined = xr.concat(parts, "design", join="exact", combine_attrs="drop", data_vars="all")
    return joined.assign(truth_of(study, study.scenarios)).assign_coords(dose_coordinates(study, study.scenarios))


def pairs(study: Study, trial: Trial, registered: str, amended: Sequence[str]) -> xr.Dataset:
    """Return differences on the same simulated patients, (amended, scenario); see `amend`."""
    _, standings = standings_of(study, trial, registered, amended)
    engine = Simulate(TRIALS, SEED)
    chosen, right = {}, {}
    for name, (design, start) in standings.items():
        outcomes = study.evaluate(design, start, engine)
        mtd = outcomes["selected"].to_numpy()
        acceptable = outcomes["acceptable"].to_numpy()
        chosen[name] = mtd
        nothing = ~acceptable.any(axis=1)[:, None]
        at = np.take_along_axis(acceptable, np.maximum(mtd, 0), axis=1)
        right[name] = np.where(mtd >= 0, at, nothing).astype(float)
    others = [name for name in standings if name != registered]
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
    return xr.Dataset(data, coords={"amended": others, "scenario": study.scenarios["scenario"].to_numpy()})


def _next(study: Study, trial: Trial, standings: Mapping[str, Standing]) -> xr.Dataset:
    """Return what each design does now: the next level and size, or the reason to stop and the MTD; 0 for none.

    One that decides while patients are pending does what it does by their follow-up, where that is known.
    """
    rows = []
    for name, (design, start) in standings.items():
        if (answer := _on_pending(study.designs[name], trial)) is not None:
            waits = len(trial.pending) if answer.size == 0 else 0
            rows.append((answer.level or 0, answer.size or 0, answer.stop or "", answer.mtd or 0, waits))
            continue
        given, chosen = decide_and_select(design, start)
        going = given.stop[0] == CONTINUE
        mtd = 0 if going else int(chosen[0]) + 1
        reason = "" if going else design.facts.stops[given.stop[0] - 1]
        pending = int(pending_next(design, start)[0])
        rows.append((int(given.dose[0]) + 1 if going else 0, int(given.size[0]) if going else 0, reason, mtd, pending))
    texts = {
        "level": "dose level of the next cohort, 0 if the trial stops",
        "size": "patients of the next cohort, 0 if the trial stops",
        "stop": "reason to stop, empty if the trial goes on",
        "mtd": "level declared the MTD if the trial stops, 0 for none",
        "pending": "patients of these who are pending: treated, and waited for",
    }
    columns = zip(texts.items(), zip(*rows, strict=True), strict=True)
    data = {name: ("design", list(values), {"long_name": text}) for (name, text), values in columns}
    return xr.Dataset(data, coords={"design": list(standings)})


def _on_pending(design: Design, trial: Trial) -> Answer | None:
    """Return what a design does now that decides while patients are pending; None if it waits for all, or is not told.

    Not told is how long each of them was followed.
    """
    if not (design.facts.pending and trial.pending):
        return None
    try:
        return trial.after(design).answer
    except Faults:
        return None
