"""From the measures by scenario: the Dataset, and the tables of averages, ranks, regrets and wins."""

from __future__ import annotations

import functools
import itertools
import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import xarray as xr

import doseopt
from benchmarks.statistical.cells import SEED, Part, seed_of_family
from benchmarks.statistical.designs import CANDIDATES, COMPLETE, REFERENCES
from doseopt.core.state import FloatArray
from doseopt.display.attained import winners
from doseopt.measures.expected import MEASURES
from doseopt.measures.operating_characteristics import METRICS
from doseopt.scenarios import GENERATORS
from doseopt.study.sweep import Result, seed_of

BOOTSTRAPS = 2000
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
TIE = 1e-9
"""Differences of probabilities up to this count as none."""


def dataset_of(found: Mapping[str, Result], parts: Sequence[Part], enrolments: Sequence[int]) -> xr.Dataset:
    """Return all measures (target, enrolment, design, scenario); nan where a design or a scenario was not run."""
    pieces = [_labelled(found, part, enrolments) for part in parts]
    dims = ("target", "enrolment", "design", "scenario", "dose")
    order = {dim: list(dict.fromkeys(v for piece in pieces for v in piece[dim].to_numpy().tolist())) for dim in dims}
    family = {name: f for part in parts for f, (names, _) in part.truths().items() for name in names}
    whole = functools.reduce(xr.Dataset.combine_first, pieces).reindex(order)
    texts = {name: {"units": METRICS[name].units, "long_name": METRICS[name].long_name} for name in MEASURES}
    texts |= {
        "p_dlt": {"units": "1", "long_name": "true DLT rate"},
        "weight": {"units": "1", "long_name": "weight in means over the family"},
    }
    for name, attrs in texts.items():
        whole[name] = whole[name].assign_attrs(attrs)
    whole = whole.assign_coords(family=("scenario", [family[name] for name in order["scenario"]]))
    return whole.assign_attrs(_attributes(parts))


def _labelled(found: Mapping[str, Result], part: Part, enrolments: Sequence[int]) -> xr.Dataset:
    """Return the measures of one part."""
    truths = part.truths().values()
    p = np.concatenate([rates for _, rates in truths])
    results = [[found[part.cell(design, n).name] for design in part.designs] for n in enrolments]
    dims = ("target", "enrolment", "design", "scenario")
    variables: dict[str, Any] = {m: (dims, np.array([[[r[m] for r in row] for row in results]])) for m in MEASURES}
    variables["p_dlt"] = (("target", "scenario", "dose"), p[None])
    variables["weight"] = (("target", "scenario"), part.weights()[None])
    coords = {
        "target": [part.study.target],
        "enrolment": list(enrolments),
        "design": part.designs,
        "scenario": [name for names, _ in truths for name in names],
        "dose": np.arange(1, p.shape[1] + 1),
    }
    return xr.Dataset(variables, coords)


def _attributes(parts: Sequence[Part]) -> dict[str, Any]:
    four = [part for part in parts if "belief" in part.truths()]
    seeds = {f"{f}, target {p.study.target:g}": seed_of_family(f, p.study.target) for p in four for f in GENERATORS}
    hashes = {f"target {p.study.target:g}, {len(p.study.doses.labels)} doses": p.study.hash for p in parts}
    return {
        "title": parts[0].study.title,
        "engine": "exact",
        "version": doseopt.__version__,
        "study_hash": json.dumps(hashes),
        "mtd_rule": json.dumps([p.study.mtd.describe() for p in four]),
        "seed": SEED,
        "seeds": json.dumps(seeds),
        "draws": parts[0].draws,
        "bootstraps": BOOTSTRAPS,
        "calibration_candidates": CANDIDATES,
    }


class Group(NamedTuple):
    """A family at a target and a cap, with the designs and scenarios that were run."""

    family: str
    target: float
    enrolment: int
    data: xr.Dataset

    @property
    def labels(self) -> dict[str, Any]:
        """The columns that name it."""
        return {"family": self.family, "target": self.target, "enrolment": self.enrolment}

    @property
    def names(self) -> list[str]:
        """The designs and references."""
        return self.data["design"].to_numpy().tolist()

    @property
    def own(self) -> list[int]:
        """Rows of the designs that are proposals."""
        return [k for k, name in enumerate(self.names) if name not in REFERENCES]

    @property
    def drawn(self) -> bool:
        """Whether the scenarios are a random sample."""
        return self.family in GENERATORS

    @property
    def correct(self) -> FloatArray:
        """Probability of correct selection [design, scenario]."""
        return self.data["correct_selection"].to_numpy()

    @property
    def weight(self) -> FloatArray:
        """What each scenario weighs [scenario]; sums to 1."""
        weight = self.data["weight"].to_numpy()
        return np.asarray(weight / weight.sum())

    @property
    def best(self) -> int:
        """Row of the proposal with the highest mean, the first of several."""
        mean = self.correct[self.own] @ self.weight
        return self.own[int(np.argmax(mean >= mean.max() - TIE))]


def groups_of(ds: xr.Dataset) -> list[Group]:
    """Return every family at every target and cap where it was run."""
    found = []
    for family in dict.fromkeys(ds["family"].to_numpy().tolist()):
        of_family = ds.isel(scenario=np.flatnonzero(ds["family"] == family))
        for target, enrolment in itertools.product(
            ds["target"].to_numpy().tolist(), ds["enrolment"].to_numpy().tolist()
        ):
            data = of_family.sel(target=target, enrolment=enrolment)
            ran = data["correct_selection"].notnull()
            if ran.any():
                rows = {"design": ran.any("scenario").to_numpy(), "scenario": ran.any("design").to_numpy()}
                found.append(Group(family, target, enrolment, data.isel(rows)))
    return found


def summary(groups: Sequence[Group]) -> pd.DataFrame:
    """Return the mean of each measure, over the scenarios where it is defined."""
    rows = []
    for group in groups:
        known = group.data["correct_selection"].notnull().sum("scenario").to_numpy().tolist()
        weight = group.data["weight"]
        means = {m: group.data[m].weighted(weight).mean("scenario").to_numpy().tolist() for m in MEASURES}
        for k, name in enumerate(group.names):
            row = {"design": name, "scenarios": known[k]} | {m: mean[k] for m, mean in means.items()}
            rows.append(group.labels | row)
    return pd.DataFrame(rows)


def ranking(groups: Sequence[Group]) -> pd.DataFrame:
    """Rank the designs by their mean probability of correct selection; references have no rank.

    `difference` is paired with the best design; its `standard_error`, and the `probability_best` of the bootstrap,
    say how much other scenarios of a random family might change it, and are left out elsewhere.
    """
    rows = []
    for group in groups:
        mean = group.correct @ group.weight
        above = mean[group.own] > mean[:, None] + TIE
        difference = group.correct - group.correct[group.best]
        error = (
            difference.std(axis=1, ddof=1) / np.sqrt(difference.shape[1]) if group.drawn else np.full(len(mean), np.nan)
        )
        first = probability_best(group)
        for k, name in enumerate(group.names):
            if name != COMPLETE:
                row = {"design": name, "rank": 1 + int(above[k].sum()) if k in group.own else None}
                row |= {"correct_selection": mean[k], "difference": mean[k] - mean[group.best]}
                rows.append(group.labels | row | {"standard_error": error[k], "probability_best": first.get(k, np.nan)})
    return pd.DataFrame(rows).astype({"rank": "Int64"})


def probability_best(group: Group) -> dict[int, float]:
    """Return how often each proposal has the highest mean when the random scenarios are drawn again, ties split."""
    if not group.drawn:
        return {}
    values = group.correct[group.own]
    count = values.shape[1]
    rng = np.random.default_rng(seed_of(SEED, "bootstrap", group.family, group.target, group.enrolment))
    weights = rng.multinomial(count, np.full(count, 1 / count), BOOTSTRAPS) / count
    return dict(zip(group.own, winners(values @ weights.T).mean(axis=1).tolist(), strict=True))


def regrets(group: Group) -> dict[str, FloatArray]:
    """Return what each design lacks in each scenario, [design, scenario], by what it is compared with."""
    correct = group.correct
    against = {"best design": correct[group.own].max(axis=0)}
    if COMPLETE in group.names:
        against = {COMPLETE: correct[group.names.index(COMPLETE)]} | against
    return {name: best - correct for name, best in against.items()}


def regret(groups: Sequence[Group]) -> pd.DataFrame:
    """Return quantiles over scenarios of the regret; negative where a design selects better than its reference."""
    rows = []
    for group in groups:
        for reference, lacking in regrets(group).items():
            for k, name in enumerate(group.names):
                at = ~np.isnan(lacking[k])
                known, weight = lacking[k][at], group.weight[at]
                if name == COMPLETE or not known.size:
                    continue
                mean = known @ weight / weight.sum()
                row = {"reference": reference, "design": name, "scenarios": known.size, "mean": mean}
                row |= {f"q{round(100 * q):02d}": _quantile(known, q, weight) for q in QUANTILES}
                rows.append(group.labels | row | {"most": known.max()})
    return pd.DataFrame(rows)


def _quantile(values: FloatArray, q: float, weight: FloatArray) -> float:
    """Return a quantile; interpolated where all weigh the same."""
    if np.ptp(weight) <= TIE * weight.max():
        return float(np.quantile(values, q))
    return float(np.quantile(values, q, weights=weight, method="inverted_cdf"))


def wins(groups: Sequence[Group]) -> pd.DataFrame:
    """Return the share of scenarios, by weight, in which each design selects correctly most often, ties split."""
    return pd.DataFrame(
        group.labels | {"design": group.names[k], "share": share}
        for group in groups
        for k, share in zip(group.own, winners(group.correct[group.own]) @ group.weight, strict=True)
    )


TABLES = {"summary": summary, "ranking": ranking, "regret": regret, "wins": wins}
"""File name -> what makes the table."""
PACKED = {"correct_selection": 1e-4, "patients_above_mtd": 1e-3}
"""Measures that the file holds by scenario, and the step to which they are rounded there."""


def compact(ds: xr.Dataset, groups: Sequence[Group]) -> tuple[xr.Dataset, dict[str, Any]]:
    """Return what the file holds, with how it is packed: two measures by scenario, rounded, and means of all."""
    means = summary(groups).set_index(["family", "target", "enrolment", "design"])[list(MEASURES)].to_xarray()
    order = {dim: list(dict.fromkeys(ds[dim].to_numpy().tolist())) for dim in ("family", "design")}
    means = means.reindex(order | {"target": ds["target"], "enrolment": ds["enrolment"]})
    means = means.rename({"family": "of_family"} | {m: f"mean_{m}" for m in MEASURES})
    for m in MEASURES:
        attrs = ds[m].attrs
        means[f"mean_{m}"].attrs = attrs | {"long_name": f"{attrs['long_name']}, mean over the family's scenarios"}
    kept = ds[[*PACKED, "p_dlt", "weight"]]
    for m, step in PACKED.items():
        kept[m] = kept[m].assign_attrs(long_name=f"{kept[m].attrs['long_name']}, rounded to {step:g}")
    packing: dict[str, Any] = {"zlib": True, "complevel": 9, "shuffle": True}
    encoding = {m: packing | {"dtype": "int16", "scale_factor": step, "_FillValue": -1} for m, step in PACKED.items()}
    encoding |= {name: {"dtype": "S1", "zlib": True} for name in ("scenario", "family")}
    return kept.merge(means), encoding | dict.fromkeys(("p_dlt", "weight", *means.data_vars), packing)
