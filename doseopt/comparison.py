"""Study -> one Dataset (design, scenario, dose) of operating characteristics."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np
import xarray as xr

import doseopt
from doseopt.design import Design, Modifier
from doseopt.engine.exact import Exact
from doseopt.engine.simulate import Simulate
from doseopt.estimation import Estimates, estimate_once, own_measures, posterior_measures
from doseopt.limits import benchmark_beside
from doseopt.metrics import METRICS, correct_of_all, measure, operating_characteristics
from doseopt.modified import Modified
from doseopt.modifiers import MaxPatients
from doseopt.outcomes import judged, judged_on, planned_of
from doseopt.parameters import Faults
from doseopt.posterior_model import describe_model
from doseopt.study import Study

type Engine = Callable[[Design, xr.Dataset], xr.Dataset]
type Progress = Callable[[str], object]


def compare(study: Study, engine: Engine | None = None, progress: Progress = lambda _: None) -> xr.Dataset:
    """Compare the designs of a study on its scenarios.

    Parameters
    ----------
    study : Study
    engine : Exact or Simulate, optional
        Exact by default.
    progress : callable, optional
        Told the name of each design when its turn comes.

    Returns
    -------
    Dataset
        Every measure of `metrics.METRICS` and its `<name>_mcse`, the quantiles, `p_dlt`, `acceptable`, `mtd`;
        `fewest_patients` (design, dose): the smallest trial that can declare the dose, nan if none can; and, for
        designs that differ by their enrolment cap only, `<measure>_by_enrolment` (family, enrolment, scenario).
    """
    engine = engine or Exact()
    scenarios = study.scenarios()
    unweighed = study.unweighed()
    if unweighed:
        raise Faults(unweighed, study.name)
    outcomes = {}
    for name, design in study.designs.items():
        progress(name)
        outcomes[name] = _outcomes(study, engine, design, scenarios)
    progress("posteriors")
    estimates = estimate_once(study.curve(), outcomes)
    parts = [_one_design(design, name, outcomes[name], estimates) for name, design in study.designs.items()]
    result = _stacked(parts, list(study.designs))
    result = result.assign(truth_of(study, scenarios)).assign_coords(_coordinates(study, scenarios))
    result = result.assign(_benchmark(study, result)).assign(_prior(estimates))
    progress("enrolment curves")
    curves = enrolment_curves(study, engine, scenarios)
    if curves is not None:
        result = result.merge(curves)
    return result.assign_attrs(_attributes(study, engine))


def _one_design(design: Design, name: str, outcomes: xr.Dataset, estimates: Estimates) -> xr.Dataset:
    """Return the operating characteristics of one design, and what is known of the DLT rates after it."""
    result = operating_characteristics(outcomes)
    result = result.assign(posterior_measures(outcomes, estimates, name)).assign(own_measures(outcomes, design))
    exact = np.isinf(outcomes.attrs["trials"])
    total = outcomes["n"].sum("dose").to_numpy()
    chosen = outcomes["selected"].to_numpy()
    sizes = [total[chosen == j].min(initial=10**9) if exact else 10**9 for j in range(design.doses)]
    fewest = np.where(np.array(sizes) < 10**9, sizes, np.nan)
    result["fewest_patients"] = (
        "dose",
        fewest,
        {"units": "patients", "long_name": "fewest patients with which the dose can be declared"},
    )
    result["planned_maximum"] = (
        (),
        outcomes.attrs["planned"],
        {"units": "patients", "long_name": "enrolment cap of the design"},
    )
    if "acceptable_of_all" in outcomes:
        result["correct_selection_of_all"] = correct_of_all(outcomes)
    for count in ("states", "edges", "endings", "paths"):
        if count in outcomes.attrs:
            attrs = {"units": "1", "long_name": f"{count} of the design's graph"}
            result[count] = ((), float(outcomes.attrs[count]), attrs)
    return result


def _outcomes(study: Study, engine: Engine, design: Design, scenarios: xr.Dataset) -> xr.Dataset:
    outcomes = judged(engine(design, scenarios), study.mtd)
    registered = np.nan if study.planned_enrolment is None else study.planned_enrolment
    return outcomes.assign_attrs(dropout=study.dropout, registered=registered)


def _stacked(parts: list[xr.Dataset], names: list[str]) -> xr.Dataset:
    """Join the designs along a new first dimension; a reason that a design does not know has probability 0."""
    reasons = sorted({str(r) for part in parts for r in part["stop_reason"].to_numpy()})
    parts = [part.reindex(stop_reason=reasons, fill_value=0.0) for part in parts]
    variables = {
        name: (
            ("design", *array.dims),
            np.stack([part[name].transpose(*array.dims).to_numpy() for part in parts]),
            array.attrs,
        )
        for name, array in parts[0].data_vars.items()
    }
    return xr.Dataset(variables, coords={**parts[0].coords, "design": names})


def truth_of(study: Study, scenarios: xr.Dataset) -> dict[str, Any]:
    """Return the true DLT rates, and what is right: variables of a comparison."""
    right, mtd = judged_on(study.mtd, scenarios["p_dlt"].to_numpy(), planned_of(scenarios))
    return {
        **{name: scenarios[name] for name in ("p_dlt", "p_observed", "p_moderate")},
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


def _prior(estimates: Estimates) -> dict[str, Any]:
    """Return what the common posterior says of each dose before any patient."""
    texts = {"mean": "prior mean", "lower": "lower end of the 90% prior interval", "upper": "upper end of it"}
    return {
        f"prior_{name}": ("dose", value, {"units": "1", "long_name": f"{texts[name]} of the DLT rate"})
        for name, value in estimates.prior.items()
    }


def _benchmark(study: Study, result: xr.Dataset) -> dict[str, Any]:
    """Return what complete information would attain with each design's expected number of patients."""
    dims = ("design", "scenario")
    planned = planned_of(result)
    p_dlt, right = (result[name].to_numpy()[:, planned] for name in ("p_dlt", "acceptable"))
    attained = result["correct_selection"].transpose(*dims).to_numpy()
    each = benchmark_beside(p_dlt, right, result["sample_size"].transpose(*dims).to_numpy(), study.target)
    best = (each * right).sum(axis=2)
    distance = np.abs(p_dlt - study.target)
    index = 1 - len(planned) * (each * distance).sum(axis=2) / distance.sum(axis=1)
    selection = np.where(np.isnan(each[:, :, :1]), np.nan, np.zeros((*best.shape, result.sizes["dose"])))
    selection[:, :, planned] = each
    whose = "of the complete-information benchmark at the expected sample size"
    values = {
        "benchmark_selection": (selection, f"probability that the dose is selected, {whose}"),
        "benchmark_correct_selection": (best, f"probability of correct selection {whose}"),
        "benchmark_accuracy_index": (index, f"accuracy index {whose}"),
        "regret_to_benchmark": (best - attained, "benchmark minus correct selection"),
        "ratio_to_benchmark": (attained / np.where(best > 0, best, np.nan), "correct selection / benchmark"),
    }
    return {
        name: ((*dims, "dose")[: value.ndim], value, {"units": "1", "long_name": text})
        for name, (value, text) in values.items()
    }


def rules(design: Design) -> str:
    """Return a design's rules, one a line, its enrolment cap apart."""
    parts: list[Design | Modifier] = [design]
    if isinstance(design, Modified):
        parts = [design.base, *(m for m in design.modifiers if not isinstance(m, MaxPatients))]
    return "\n".join(f"{row.rule}: {row.reading}" for part in parts for row in part.describe())


def _coordinates(study: Study, scenarios: xr.Dataset) -> dict[str, Any]:
    coordinates: dict[str, Any] = {name: scenarios[name] for name in ("reason", "source")}
    coordinates["rules"] = ("design", [rules(design) for design in study.designs.values()])
    return coordinates | dose_coordinates(study, scenarios)


def dose_coordinates(study: Study, scenarios: xr.Dataset) -> dict[str, Any]:
    """Return the doses as numbers, and which of them are planned, as far as the study says so."""
    found: dict[str, Any] = {"planned": scenarios["planned"]} if "planned" in scenarios.coords else {}
    if study.doses.values is not None:
        about = {"units": study.doses.unit, "long_name": "planned dose"}
        found["dose_value"] = ("dose", list(study.doses.values), about)
    return found


def _name_of(engine: Engine) -> str:
    if isinstance(engine, Exact):
        return "exact, stopped when settled" if engine.settled else "exact"
    return "simulated"


def _attributes(study: Study, engine: Engine) -> dict[str, Any]:
    """Return what a reader needs to know where the numbers come from."""
    attributes = {
        "title": study.title,
        "registry": study.registry,
        "target": study.target,
        "mtd_rule": study.mtd.describe(),
        "unit": study.doses.unit,
        "posterior_model": describe_model(study.curve()),
        "planned_enrolment": -1 if study.planned_enrolment is None else study.planned_enrolment,
        "dropout": study.dropout,
        "engine": _name_of(engine),
        "version": doseopt.__version__,
        "study": study.name,
        "study_hash": study.hash,
    }
    if isinstance(engine, Simulate):
        attributes |= {"trials": engine.trials, "seed": engine.seed}
    return attributes


CURVES = ("correct_selection", "overdose_selection", "no_selection", "sample_size")


def families(designs: Mapping[str, Design]) -> dict[str, tuple[Modified, list[int]]]:
    """Return the designs that differ by their enrolment cap only, and would not end without it, by family name.

    Returns
    -------
    dict of str to (Modified, list of int)
        One member, and the caps of all.
    """
    groups: dict[tuple[Any, ...], list[tuple[str, Modified, int]]] = {}
    for name, design in designs.items():
        if isinstance(design, Modified) and not design.base.ends:
            cap = [m.n for m in design.modifiers if isinstance(m, MaxPatients)]
            rest = frozenset(m for m in design.modifiers if not isinstance(m, MaxPatients))
            if cap:
                groups.setdefault((design.base, rest), []).append((name, design, min(cap)))
    found = {}
    for members in groups.values():
        label = _common_start([name for name, _, _ in members]).strip(" -_,(")
        if not label or label in found:
            label = members[0][0]
        found[label] = (members[0][1], sorted({cap for _, _, cap in members}))
    return {label: family for label, family in found.items() if len(family[1]) > 1}


def _common_start(names: list[str]) -> str:
    """Return the letters that all names begin with."""
    length = sum(1 for _ in itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)))
    return names[0][:length]


def capped(design: Modified, n: int) -> Modified:
    """Return the same design with another enrolment cap."""
    return dataclasses.replace(
        design, modifiers=(*(m for m in design.modifiers if not isinstance(m, MaxPatients)), MaxPatients(n=n))
    )


def _caps(design: Modified, members: Iterable[int]) -> list[int]:
    """Return the caps to evaluate: every full cohort up to the largest member's, and the members' own."""
    step = int(design.base.first().size[0])
    members = sorted(members)
    first = members[0] - step * ((members[0] - step) // step)
    return sorted({*range(first, members[-1] + 1, step), *members})


def enrolment_curves(study: Study, engine: Engine, scenarios: xr.Dataset) -> xr.Dataset | None:
    """Return some measures against the enrolment cap, (family, enrolment, scenario); None if no design has a family."""
    parts = []
    for label, (design, members) in families(study.designs).items():
        caps = _caps(design, members)
        rows = []
        for n in caps:
            outcomes = _outcomes(study, engine, capped(design, n), scenarios)
            rows.append(xr.Dataset({f"{m}_by_enrolment": measure(outcomes, m)[0] for m in CURVES}))
        parts.append(
            xr.concat(rows, xr.DataArray(caps, dims="enrolment", name="enrolment")).expand_dims(family=[label])
        )
    if not parts:
        return None
    result = xr.concat(parts, "family", join="outer")
    for m in CURVES:
        result[f"{m}_by_enrolment"].attrs = {
            "units": METRICS[m].units,
            "long_name": f"{METRICS[m].long_name}, by enrolment cap",
        }
    result["enrolment"].attrs = {"units": "patients", "long_name": "enrolment cap"}
    return result
