"""One design of a study, evaluated: its outcomes, a few scenarios at a time, and its operating characteristics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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


def in_one(blocks: Iterable[xr.Dataset]) -> xr.Dataset:
    """Join what is known of some scenarios with what is known of others."""
    parts = list(blocks)
    if len(parts) == 1:
        return parts[0]
    return xr.concat(
        parts, "scenario", data_vars="minimal", coords="minimal", compat="override", combine_attrs="override"
    )


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
    parts, fewest = [], np.full(design.facts.doses, np.nan)
    for outcomes in blocks:
        further = [own_measures(outcomes, design), declared_evidence(outcomes, study.definition), first_right(outcomes)]
        further.append(selection_score(outcomes, study.utility.errors))
        found = {name: each.variables[name] for each in further for name in each.data_vars}
        if "acceptable_of_all" in outcomes:
            found["correct_selection_of_all"] = correct_of_all(outcomes).variable
        parts.append(operating_characteristics(outcomes).assign(found))
        fewest = _fewest(outcomes, design)
        attrs = outcomes.attrs
    result = in_one(parts)
    patients = {"units": "patients"}
    text = "fewest patients with which the dose can be declared"
    of_design: dict[str, Any] = {
        "fewest_patients": ("dose", fewest, patients | {"long_name": text}),
        "planned_maximum": ((), attrs["planned"], patients | {"long_name": "enrolment cap of the design"}),
    }
    for count in COUNTS:
        about = {"units": "1", "long_name": f"{count} of the design's graph"}
        of_design[count] = ((), float(attrs.get(count, np.nan)), about)
    return result.assign(of_design).assign_coords(engine=str(attrs["engine"]), trials=float(attrs["trials"]))


def _fewest(outcomes: xr.Dataset, design: Design) -> FloatArray:
    """Return the fewest patients with which each dose can be declared, nan if it cannot; a simulation does not know."""
    if np.isfinite(outcomes.attrs["trials"]):
        return np.full(design.facts.doses, np.nan)
    total, chosen = outcomes["n"].sum("dose").to_numpy(), outcomes["selected"].to_numpy()
    each = [total[chosen == j] for j in range(design.facts.doses)]
    return np.array([found.min() if len(found) else np.nan for found in each])


def dose_coordinates(study: Study, scenarios: xr.Dataset) -> dict[str, Any]:
    """Return the doses as numbers, and which of them are planned, as far as the study says so."""
    found: dict[str, Any] = {"planned": scenarios["planned"]} if "planned" in scenarios.coords else {}
    if study.doses.values is not None:
        about = {"units": study.doses.unit, "long_name": "planned dose"}
        found["dose_value"] = ("dose", list(study.doses.values), about)
    return found
