"""Designs that differ by their enrolment cap only, and what they attain by cap."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import xarray as xr

from doseopt.comparison.evaluate import Engine, outcomes_of
from doseopt.core.design import Design
from doseopt.designs.layers import Layers, first_size, in_any_order, with_cap
from doseopt.engines.simulate import ExactWherePossible
from doseopt.measures.metric import Measured
from doseopt.measures.operating_characteristics import measured
from doseopt.study.study import Study

CURVES = ("correct_selection", "overdose_selection", "no_selection", "patients_below_mtd", "sample_size")


def families(designs: Mapping[str, Design]) -> dict[str, tuple[Design, dict[int, str]]]:
    """Return the designs that differ by their enrolment cap only, and would not end without it, by family name.

    Returns
    -------
    dict of str to (Design, dict of int to str)
        One member, and the caps of all, rising, with the first design that has it.
    """
    groups: dict[Layers, list[tuple[str, Design, int]]] = {}
    for name, design in designs.items():
        bare = with_cap(design, None)
        if design.facts.cap is not None and not bare.facts.ends:
            groups.setdefault(in_any_order(bare), []).append((name, design, design.facts.cap))
    found = {}
    for members in groups.values():
        label = _common_start([name for name, _, _ in members]).strip(" -_,(")
        if not label or label in found:
            label = members[0][0]
        found[label] = members[0][1], dict(sorted({cap: name for name, _, cap in reversed(members)}.items()))
    return {label: family for label, family in found.items() if len(family[1]) > 1}


def _common_start(names: list[str]) -> str:
    """Return the letters that all names begin with."""
    length = sum(1 for _ in itertools.takewhile(lambda letters: len(set(letters)) == 1, zip(*names, strict=False)))
    return names[0][:length]


def _caps(design: Design, members: Iterable[int]) -> list[int]:
    """Return the caps to evaluate: every full cohort up to the largest member's, and the members' own."""
    step = first_size(design)
    members = sorted(members)
    first = members[0] - step * ((members[0] - step) // step)
    return sorted({*range(first, members[-1] + 1, step), *members})


def enrolment_curves(study: Study, engine: Engine, result: xr.Dataset) -> dict[str, Any]:
    """Return some measures against the enrolment cap, (family, enrolment, scenario); none if no design has a family.

    Parameters
    ----------
    study : Study
    engine : Exact, Simulate or ExactWherePossible
    result : Dataset
        Of the designs of the study, which are not evaluated again.
    """
    scenarios, found = study.scenarios, dict[tuple[str, int], list[dict[str, Measured]]]()
    for label, (design, members) in families(study.designs).items():
        each = engine
        for n in _caps(design, members):
            if n in members:
                found[label, n] = [_known(result, members[n])]
                continue
            blocks = list(_curves(study, each, label, with_cap(design, n), scenarios))
            if isinstance(each, ExactWherePossible) and blocks[-1][0] == "simulated":
                each = each.simulate  # with a higher cap the graph is no smaller
            found[label, n] = [values for _, values in blocks]
    if not found:
        return {}
    labels, caps = [*dict.fromkeys(label for label, _ in found)], sorted({n for _, n in found})
    data: dict[str, Any] = {}
    for name, (dims, _, about) in next(iter(found.values()))[0].items():
        values = np.full((len(labels), len(caps), scenarios.sizes["scenario"]), np.nan)
        for (label, n), parts in found.items():
            values[labels.index(label), caps.index(n)] = np.concatenate([part[name][1] for part in parts])
        end = "_mcse" if name.endswith("_mcse") else ""
        text = f"{about['long_name']}, by enrolment cap"
        data[f"{name.removesuffix(end)}_by_enrolment{end}"] = (
            ("family", "enrolment", *dims),
            values,
            about | {"long_name": text},
        )
    cap = ("enrolment", caps, {"units": "patients", "long_name": "enrolment cap"})
    return data | {"family": labels, "enrolment": cap}


def _known(result: xr.Dataset, design: str) -> dict[str, Measured]:
    """Return the measures of a design of the study, as they have been found."""
    names = [f"{name}{end}" for name in CURVES for end in ("", "_mcse")]
    member = result[names].sel(design=design).variables
    return {name: (("scenario",), member[name].to_numpy(), member[name].attrs) for name in names}


def _curves(
    study: Study, engine: Engine, label: str, design: Design, scenarios: xr.Dataset
) -> Iterator[tuple[str, dict[str, Measured]]]:
    """Yield the engine, and the measures of a design that are drawn against the cap, for a few scenarios at a time."""
    for outcomes in outcomes_of(study, engine, label, design, scenarios):
        yield outcomes.attrs["engine"], measured(outcomes, CURVES)
