"""One design of a study, evaluated: its outcomes, a few scenarios at a time, and its operating characteristics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.design import Design
from doseopt.core.state import FloatArray
from doseopt.engines.budget import TooManyStates
from doseopt.measures.declared import declared_evidence
from doseopt.measures.estimation import own_measures
from doseopt.measures.first_right import first_right
from doseopt.measures.operating_characteristics import correct_of_all, operating_characteristics
from doseopt.measures.selection_score import selection_score
from doseopt.study.on_pending import Engine as Engine
from doseopt.study.on_pending import engine_for
from doseopt.study.study import Study

BLOCK = 100_000_000
"""Bytes of outcomes at a time, once it is known how many a scenario takes."""
FIRST, MANY = 16, 50_000
"""Scenarios of the first block, fewer with more simulated trials than these."""
COUNTS = ("states", "edges", "endings", "paths")


def outcomes_of(study: Study, engine: Engine, name: str, design: Design, scenarios: xr.Dataset) -> Iterator[xr.Dataset]:
    """Yield the judged outcomes of a design, so few scenarios at a time that they fit.

    Parameters
    ----------
    study : Study
    engine : Exact or Simulate
    name : str
        Of the design, for messages.
    design : Design
    scenarios : Dataset
    """
    engine = engine_for(study, engine, design)
    first, size = 0, min(FIRST, max(1, FIRST * MANY // getattr(engine, "trials", 1)))
    while first < scenarios.sizes["scenario"]:
        block = scenarios.isel(scenario=slice(first, first + size))
        try:
            outcomes = engine(design, block)
        except TooManyStates as error:
            raise TooManyStates(f"{name}: {error}") from None
        yield study.judge(outcomes)
        first += block.sizes["scenario"]
        size = max(1, BLOCK * block.sizes["scenario"] // outcomes.nbytes)


def variables_of(*found: xr.Dataset) -> dict[str, xr.Variable]:
    """Return the variables of some Datasets, by name."""
    return {str(name): each.variables[name] for each in found for name in each.data_vars}


def in_one(blocks: Iterable[Mapping[str, xr.Variable]]) -> dict[str, xr.Variable]:
    """Join what is known of some scenarios with what is known of others."""
    first, *others = blocks
    found = dict(first)
    for name, one in first.items():
        if others and "scenario" in one.dims:
            each = [part[name].transpose(*one.dims).to_numpy() for part in (first, *others)]
            found[name] = xr.Variable(one.dims, np.concatenate(each, axis=one.dims.index("scenario")), one.attrs)
    return found


def along_designs(parts: list[dict[str, xr.Variable]]) -> dict[str, Any]:
    """Join the variables of designs, each with the same ones."""
    return {
        name: (
            ("design", *one.dims),
            np.stack([part[name].transpose(*one.dims).to_numpy() for part in parts]),
            one.attrs,
        )
        for name, one in parts[0].items()
    }


def characteristics(study: Study, design: Design, blocks: Iterable[xr.Dataset]) -> xr.Dataset:
    """Return the operating characteristics of one design, its evidence, and how good its own estimate of the rates is.

    Parameters
    ----------
    study : Study
        Says what the protocol demands to be seen at the MTD, and the prices of wrong selections.
    design : Design
    blocks : iterable of Dataset
        Of `outcomes_of`.

    Returns
    -------
    Dataset
        Without the dimension `design`; coordinates `engine` and `trials`, infinite for the exact engine.
    """
    parts, coords, fewest = [], [], np.full(design.facts.doses, np.nan)
    for outcomes in blocks:
        measured = operating_characteristics(outcomes)
        further = [own_measures(outcomes, design), declared_evidence(outcomes, study.definition), first_right(outcomes)]
        further.append(selection_score(outcomes, study.utility.errors))
        parts.append(variables_of(measured, *further))
        if "acceptable_of_all" in outcomes:
            parts[-1]["correct_selection_of_all"] = correct_of_all(outcomes).variable
        coords.append({str(name): measured.variables[name] for name in measured.coords})
        fewest = _fewest(outcomes, design)
        attrs = outcomes.attrs
    patients = {"units": "patients"}
    text = "fewest patients with which the dose can be declared"
    of_design: dict[str, Any] = {
        "fewest_patients": ("dose", fewest, patients | {"long_name": text}),
        "planned_maximum": ((), attrs["planned"], patients | {"long_name": "enrolment cap of the design"}),
    }
    for count in COUNTS:
        about = {"units": "1", "long_name": f"{count} of the design's graph"}
        of_design[count] = ((), float(attrs.get(count, np.nan)), about)
    about_trials = {"engine": str(attrs["engine"]), "trials": float(attrs["trials"])}
    return xr.Dataset(in_one(parts) | of_design, in_one(coords) | about_trials, attrs)


def _fewest(outcomes: xr.Dataset, design: Design) -> FloatArray:
    """Return the fewest patients with which each dose can be declared, nan if it cannot; a simulation does not know."""
    if np.isfinite(outcomes.attrs["trials"]):
        return np.full(design.facts.doses, np.nan)
    total, chosen = outcomes["n"].sum("dose").to_numpy(), outcomes["selected"].to_numpy()
    each = [total[chosen == j] for j in range(design.facts.doses)]
    return np.array([found.min() if len(found) else np.nan for found in each])


def dose_coordinates(study: Study, scenarios: xr.Dataset) -> dict[str, Any]:
    """Return the doses as numbers, and which of them are planned, as far as the study says so."""
    found: dict[str, Any] = {"planned": scenarios.variables["planned"]} if "planned" in scenarios.coords else {}
    if study.doses.values is not None:
        about = {"units": study.doses.unit, "long_name": "planned dose"}
        found["dose_value"] = ("dose", list(study.doses.values), about)
    return found
