"""Study -> one Dataset (design, scenario, dose) of operating characteristics."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import xarray as xr

from doseopt.comparison.alike import first_alike, trials_in_vain, waiting_alike
from doseopt.comparison.as_they_come import as_they_come
from doseopt.comparison.by_reading import WindowReadings
from doseopt.comparison.calendar import with_calendar
from doseopt.comparison.definitions import by_definition
from doseopt.comparison.enrolment import enrolment_curves
from doseopt.comparison.evaluate import COUNTS, Engine, along_designs, characteristics, dose_coordinates, outcomes_of
from doseopt.comparison.expanded import expanded
from doseopt.comparison.in_time import in_time, laws_of
from doseopt.comparison.like_for_like import like_for_like
from doseopt.comparison.not_waiting import if_waiting, not_waiting
from doseopt.comparison.posteriors import Posteriors
from doseopt.comparison.weighable import unweighed
from doseopt.core.beside import in_turn
from doseopt.core.design import Design
from doseopt.core.parameters import Faults, demand
from doseopt.core.progress import Progress
from doseopt.designs.layers import with_cap
from doseopt.engines.budget import TooManyStates
from doseopt.engines.exact import Exact
from doseopt.engines.outcomes import of_optimum
from doseopt.engines.simulate import ExactWherePossible, Simulate
from doseopt.measures.complete_information import benchmark_beside
from doseopt.scenarios.mtd_rule import judged_on, planned_of
from doseopt.study.study import Study

CALENDARS = {"calendars": "trials", "calendars_seed": "seed"}
"""What a comparison calls the attributes of designs that are averaged over calendars."""
TOLD = {"definition_rule", "naming_rule", "decides_as", "in_vain", "waits_as"}
"""Coordinates of a comparison that are no dimensions."""


def compare(
    study: Study,
    engine: Engine | None = None,
    progress: Progress = lambda _: None,
    posteriors: bool | None = None,
) -> xr.Dataset:
    """Compare the designs of a study on its scenarios.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible, optional
        Exact by default, and simulated where the graph of a design is too large.
    progress : callable, optional
        Told the name of each design when its turn comes.
    posteriors : bool, optional
        Whether to say what is known of the DLT rates after each design; by default if the study has a `[posterior]`.

    Returns
    -------
    Dataset
        Every measure of `metrics.METRICS` and its `<name>_mcse`, the quantiles, `p_dlt`, `acceptable`, `mtd`;
        `fewest_patients` (design, dose): the smallest trial that can declare the dose, nan if none can or the design is
        simulated; what `like_for_like` finds, and `by_definition` if the study states other definitions; for designs
        that differ by their enrolment cap only, `<measure>_by_enrolment` (family, enrolment, scenario); and with
        posteriors what `Posteriors` adds. Coordinates `engine`, `trials`, `decides_as` (design), the first design
        that gives the same cohorts and MTD after every outcome, and `in_vain` (design), the shortest trial without
        toxicity after which it cannot declare a dose any more, empty if there is none; where designs decide while
        patients are pending, `waits_as` (design), the one that waits and is the same otherwise, and what
        `not_waiting` and `with_calendar` add; and what `as_they_come` does. A design that is too large is left out; the
        attribute `not_computed` names each and says why, a line each.

    Raises
    ------
    TooManyStates
        If every design is too large.

    Examples
    --------
    >>> from doseopt import compare, load_study
    >>> comparison = compare(load_study("renji-elo"))
    >>> comparison.sizes["design"], comparison.sizes["scenario"]
    (10, 11)
    """
    engine = ExactWherePossible() if engine is None else engine
    demand(isinstance(study, Study), "study", "a Study", study)
    demand(callable(engine), "engine", "Exact, Simulate or ExactWherePossible", engine)
    wanted = study.states_posterior if posteriors is None else posteriors
    result, readings, found = before_readings(study, engine, progress, wanted)
    result = result.assign(readings())
    if found is not None:
        progress("posteriors")
        found.estimates.run()
        result = found.added_to(result)
    return result


def before_readings(
    study: Study, engine: Engine, progress: Progress, posteriors: bool
) -> tuple[xr.Dataset, Callable[[], xr.Dataset], Posteriors | None]:
    """Return a comparison, and what is begun beside it: what waits for readings of the DLT window, and posteriors."""
    scenarios = study.scenarios
    if faults := unweighed(study):
        raise Faults(faults, study.name)
    stated, found, laws, refused = study, {}, {}, []
    for name, design in study.designs.items():
        progress(name)
        try:
            one = characteristics(study, design, outcomes_of(study, engine, name, design, scenarios))
            found[name], laws[name] = one, laws_of(study, engine, design, one["trials"].item())
        except TooManyStates as error:
            refused.append(str(error))
    if not found:
        raise TooManyStates("\n".join(refused))
    study, parts = study.only(list(found)), list(found.values())
    told = study.window_events is not None or study.silences is not None
    read = WindowReadings(study, engine) if told else None
    works = [functools.partial(read.of, name) for name in study.designs] if read else []
    result = _stacked(parts, list(found), truth_of(study, scenarios), _coordinates(study, scenarios))
    known = Posteriors(study, engine, result, beside=works) if posteriors else None
    waits = known.beside if known else in_turn(works)
    progress("definitions and naming rules")
    more = _benchmark(study, result) | by_definition(study, engine, result) | like_for_like(study, engine, result)
    more["decides_as"] = "design", first_alike(study, result)
    more["in_vain"] = "design", trials_in_vain(study, result)
    if any(design.facts.pending for design in study.designs.values()):
        more["waits_as"] = "design", waiting_alike(study)
    progress("enrolment curves")
    more |= enrolment_curves(study, engine, result)
    result = in_time(study, engine, result.assign(more).set_coords(TOLD & more.keys()), laws)
    each = (find(study, engine, result) for find in (as_they_come, expanded, if_waiting))
    if more := {name: variable for found in each for name, variable in found.items()}:
        result = result.assign(more)
    about = _attributes(study, engine, parts) | stated.provenance()
    about |= {"not_computed": "\n".join(refused)} if refused else {}
    result = with_calendar(study, not_waiting(study, engine, result)).assign_attrs(about)
    return result, lambda: read.joined([wait() for wait in waits]) if read else xr.Dataset(), known


def _stacked(
    parts: list[xr.Dataset], names: list[str], truth: dict[str, Any], coordinates: dict[str, Any]
) -> xr.Dataset:
    """Join the designs along a new first dimension; a reason that a design does not know has probability 0."""
    reasons = sorted({str(r) for part in parts for r in part["stop_reason"].to_numpy()})
    about = {
        "engine": {"long_name": "how the design was evaluated"},
        "trials": {"long_name": "trials a scenario, infinite for the exact engine", "units": "1"},
    }
    evaluated = {name: ("design", [part[name].item() for part in parts], attrs) for name, attrs in about.items()}
    shared = {name: parts[0].variables[name] for name in parts[0].coords}
    variables = [_by_reason(part, reasons) for part in parts]
    known = along_designs(variables)
    known = {name: each for name, each in known.items() if name not in COUNTS or not np.isnan(each[1]).all()}
    return xr.Dataset(
        known | truth, coords={**shared, **evaluated, "design": names, "stop_reason": reasons, **coordinates}
    )


def _by_reason(part: xr.Dataset, reasons: list[str]) -> dict[str, xr.Variable]:
    """Return the variables of one design, those by the reason for stopping at all reasons."""
    found = {str(name): part.variables[name] for name in part.data_vars}
    at = np.searchsorted(reasons, part["stop_reason"].to_numpy())
    for name, variable in found.items():
        if "stop_reason" in variable.dims:
            whole = np.zeros((*variable.shape[:-1], len(reasons)))
            whole[..., at] = variable.to_numpy()
            found[name] = xr.Variable(variable.dims, whole, variable.attrs)
    return found


def truth_of(study: Study, scenarios: xr.Dataset) -> dict[str, Any]:
    """Return the true DLT rates, and what is right: variables of a comparison."""
    right, mtd = judged_on(study.mtd, scenarios["p_dlt"].to_numpy(), planned_of(scenarios))
    known = scenarios.variables
    return {
        **{name: known[name] for name in ("p_dlt", "p_observed", "p_moderate", "p_eff") if name in known},
        **({} if study.obd is None else of_optimum(scenarios, study.obd)),
        "acceptable": (
            ("scenario", "dose"),
            right,
            {"units": "1", "long_name": "dose is a correct selection"},
        ),
        "mtd": (
            "scenario",
            mtd,
            {"units": "1", "long_name": "index of the true MTD, -1 where selecting none is correct"},
        ),
    }


def _benchmark(study: Study, result: xr.Dataset) -> dict[str, Any]:
    """Return what complete information would attain with each design's expected number of patients."""
    dims = ("design", "scenario")
    planned = planned_of(result)
    p_dlt, right = (result[name].to_numpy()[:, planned] for name in ("p_dlt", "acceptable"))
    attained, error = (result[f"correct_selection{end}"].transpose(*dims).to_numpy() for end in ("", "_mcse"))
    monte_carlo = "Monte Carlo standard error"
    each = benchmark_beside(p_dlt, right, result["sample_size"].transpose(*dims).to_numpy(), study.target)
    best = (each * right).sum(axis=2)
    distance = np.abs(p_dlt - study.target)
    total = distance.sum(axis=1)
    index = 1 - len(planned) * (each * distance).sum(axis=2) / np.where(total > 0, total, np.nan)
    selection = np.where(np.isnan(each[:, :, :1]), np.nan, np.zeros((*best.shape, result.sizes["dose"])))
    selection[:, :, planned] = each
    whose = "of the complete-information benchmark at the expected sample size"
    values = {
        "benchmark_selection": (selection, f"probability that the dose is selected, {whose}"),
        "benchmark_correct_selection": (best, f"probability of correct selection {whose}"),
        "benchmark_accuracy_index": (index, f"accuracy index {whose}"),
        "regret_to_benchmark": (best - attained, "benchmark minus correct selection"),
        "ratio_to_benchmark": (attained / np.where(best > 0, best, np.nan), "correct selection / benchmark"),
        "regret_to_benchmark_mcse": (error, f"{monte_carlo}: benchmark minus correct selection"),
        "ratio_to_benchmark_mcse": (
            error / np.where(best > 0, best, np.nan),
            f"{monte_carlo}: correct selection / benchmark",
        ),
    }
    return {
        name: ((*dims, "dose")[: value.ndim], value, {"units": "1", "long_name": text})
        for name, (value, text) in values.items()
    }


def rules(design: Design) -> list[str]:
    """Return a design's rules in words."""
    return [f"{row.rule}: {row.reading}" for row in design.describe()]


def _coordinates(study: Study, scenarios: xr.Dataset) -> dict[str, Any]:
    coordinates: dict[str, Any] = {name: scenarios.variables[name] for name in ("reason", "source")}
    told = [(rules(design), rules(with_cap(design, None))) for design in study.designs.values()]
    whole = ["\n".join(lines) for lines, _ in told]
    caps = ["\n".join(line for line in lines if line not in apart) for lines, apart in told]
    coordinates["rules"] = ("design", whole, {"long_name": "rules, one a line"})
    coordinates["cap_rule"] = ("design", caps, {"long_name": "the enrolment cap, as it stands among the rules"})
    return coordinates | dose_coordinates(study, scenarios)


def _attributes(study: Study, engine: Engine, parts: list[xr.Dataset]) -> dict[str, Any]:
    """Return what a reader needs to know where the numbers come from."""
    kinds = sorted({str(part["engine"].item()) for part in parts})
    settled = isinstance(engine, Exact) and engine.settled
    drawn = [part.attrs for part in parts if np.isfinite(part["trials"].item())]
    simulated, averaged = ([a for a in drawn if (a["engine"] == "simulated") == one] for one in (True, False))
    whys = sorted({attrs.get("why", "the exact calculation would be too large") for attrs in simulated})
    return {
        **study.provenance(),
        "registry": study.registry,
        "registered": "" if study.proposal is None else study.proposal.registered,
        "target": study.target,
        "mtd_rule": study.mtd.describe(),
        **({} if study.obd is None else {"obd_rule": study.obd.describe()}),
        "unit": study.doses.unit,
        "planned_enrolment": -1 if study.planned_enrolment is None else study.planned_enrolment,
        **({} if study.populations is None else {"populations": study.populations.describe()}),
        **({} if study.window_events is None else {"window_events": study.window_events.describe()}),
        **({} if study.silences is None else {"silences": study.silences.describe()}),
        **({} if study.clock is None else study.clock.attributes()),
        "engine": "exact, stopped when settled" if settled else " and ".join(kinds),
        **{name: attrs[name] for attrs in simulated[:1] for name in ("trials", "seed")},
        **{name: attrs[of] for attrs in averaged[:1] for name, of in CALENDARS.items()},
        **({"simulated_as": " or ".join(whys)} if simulated and not isinstance(engine, Simulate) else {}),
    }
