"""Designs that differ by their enrolment cap only, and what they attain by cap."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping

import xarray as xr

from doseopt.comparison.evaluate import Engine, in_one, outcomes_of
from doseopt.core.design import Design
from doseopt.designs.layers import Layers, first_size, in_any_order, with_cap
from doseopt.engines.simulate import ExactWherePossible
from doseopt.measures.operating_characteristics import measure
from doseopt.study.study import Study

CURVES = ("correct_selection", "overdose_selection", "no_selection", "sample_size")


def families(designs: Mapping[str, Design]) -> dict[str, tuple[Design, list[int]]]:
    """Return the designs that differ by their enrolment cap only, and would not end without it, by family name.

    Returns
    -------
    dict of str to (Design, list of int)
        One member, and the caps of all.
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
        found[label] = (members[0][1], sorted({cap for _, _, cap in members}))
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


def enrolment_curves(study: Study, engine: Engine, scenarios: xr.Dataset) -> xr.Dataset | None:
    """Return some measures against the enrolment cap, (family, enrolment, scenario); None if no design has a family."""
    parts = []
    for label, (design, members) in families(study.designs).items():
        caps, rows = _caps(design, members), []
        each = engine
        for n in caps:
            blocks = outcomes_of(study, each, label, with_cap(design, n), scenarios)
            row = in_one(_curves(outcomes) for outcomes in blocks)
            if isinstance(each, ExactWherePossible) and row.attrs["engine"] == "simulated":
                each = each.simulate  # with a higher cap the graph is no smaller
            rows.append(row)
        parts.append(
            xr.concat(
                rows, xr.DataArray(caps, dims="enrolment", name="enrolment"), combine_attrs="override"
            ).expand_dims(family=[label])
        )
    if not parts:
        return None
    result = xr.concat(parts, "family", join="outer")
    result["enrolment"].attrs = {"units": "patients", "long_name": "enrolment cap"}
    return result


def _curves(outcomes: xr.Dataset) -> xr.Dataset:
    """Return the measures of one design that are drawn against the enrolment cap."""
    found = {}
    for name in CURVES:
        for value, end in zip(measure(outcomes, name), ("", "_mcse"), strict=True):
            text = f"{value.attrs['long_name']}, by enrolment cap"
            found[f"{name}_by_enrolment{end}"] = value.assign_attrs(long_name=text)
    return xr.Dataset(found, attrs=dict(outcomes.attrs))
