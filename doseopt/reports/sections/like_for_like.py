"""Designs like for like: under one naming rule each, and by every definition of right that the study states."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.core.text import counted
from doseopt.display.labels import listed, names
from doseopt.measures.declared import FEW
from doseopt.measures.expected import mean_of_known
from doseopt.reports.render.document import MARK, Block, Heading, Table
from doseopt.reports.sections.measures import best, monte_carlo, number, scaled
from doseopt.reports.sections.section import Section

TITLE = "Like for like, and by other definitions of right"
WAYS = {"correct": 1, "overdose": -1, "few": 0, "below": -1}
"""Which way of a variable is better."""
BELOW = "<MTD"
"""Heading of patients below the MTD."""


def like_for_like(ds: xr.Dataset) -> list[Block]:
    """Return the designs under each naming rule and by each definition, as far as a comparison has them.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    """
    if "naming" not in ds.coords:
        return []
    named, right = names(ds, "naming"), ds["acceptable"].any("dose")
    rules = ds["naming_rule"].to_numpy().tolist()
    said = [f"{rule[0].upper()}{rule[1:]}: {text}." for rule, text in zip(named, rules, strict=True)]
    tables = [_by(ds, "naming", ("correct", "overdose", "few"), _over(ds), tuple(said))]
    if right.any() and not right.all():
        part = ds.sel(scenario=right)
        note = ("Left out: scenarios in which naming none is right, for whatever reason none is named.",)
        tables.append(_by(part, "naming", ("correct", "overdose"), f"the {_over(part, 'with a right dose')}", note))
    blocks: list[Block] = [Heading(TITLE), *tables]
    if "definition" in ds.coords:
        means = zip(names(ds, "definition"), ds["definition_rule"].to_numpy().tolist(), strict=True)
        notes = [f"{name}: {text.removeprefix('Correct selection: ')}" for name, text in means]
        blocks.append(_by(ds, "definition", ("correct", "overdose", "below"), _over(ds), (*notes, *_retargeted(ds))))
    return blocks


def _over(ds: xr.Dataset, which: str = "") -> str:
    return f"{counted(ds.sizes['scenario'], 'scenario')} {which}".strip()


def _by(ds: xr.Dataset, by: str, shown: Sequence[str], over: str, notes: tuple[str, ...]) -> Table:
    """Return means over scenarios, designs in rows, and in columns what is shown under each rule or definition."""
    columns, groups, seen = [], [], []
    for each, title in zip(ds[by].to_numpy(), names(ds, by), strict=True):
        values = {name: _means(ds[f"{name}_by_{by}"].sel({by: each})) for name in shown}
        kept = [name for name in shown if name != "few" or values[name].any()]
        columns += [(values[name], WAYS[name]) for name in kept]
        groups.append((title, len(kept)))
        seen += [BELOW if name == "below" else name for name in kept]
    if by == "naming" and "patients_below_mtd" in ds:  # whom a trial treats depends on no naming
        columns.append((_means(ds["patients_below_mtd"]), -1))
        groups.append(("", 1))
        seen.append(BELOW)
    rows = [(name, *(number(value[d]) for value, _ in columns)) for d, name in enumerate(names(ds, "design"))]
    marks = {(d, c) for c, (value, way) in enumerate(columns, 1) for d in best(value, way)}
    what = "naming rule" if by == "naming" else "definition of right"
    few = f"; few: a dose named on {FEW} patients there or fewer" if "few" in seen else ""
    few += f"; {BELOW}: patients below the MTD, where there is one" if BELOW in seen else ""
    return Table(
        f"Correct and overdose selection by {what}, % of trials, mean of {over}{few}; {MARK} best of its column",
        ("", *seen),
        tuple(rows),
        labels=True,
        short_heads=False,
        marked=frozenset(marks),
        groups=tuple(groups),
        notes=(*notes, *monte_carlo(ds, f"correct_by_{by}")),
    )


def _means(values: xr.DataArray) -> FloatArray:
    """Return the mean over the scenarios in which a measure is defined, as printed, [design]."""
    mean = mean_of_known(values.transpose("design", "scenario").to_numpy(), axis=1)
    return scaled(mean, values.attrs.get("units", "1"))


def _retargeted(ds: xr.Dataset) -> list[str]:
    """Say of each definition with another target which designs were put on it, and which not."""
    found, label = [], np.array(names(ds, "design"))
    targets = ds["design_target"].to_numpy()
    for name, each in zip(names(ds, "definition")[1:], targets[1:], strict=True):
        moved, fixed = ~np.isnan(each) & (each != targets[0]), np.isnan(each)
        if moved.any():
            text = f"{name}: {listed(label[moved].tolist())} put on its target, {each[moved][0]:.3g}"
            text += f"; {listed(label[fixed].tolist())} cannot be" if fixed.any() else ""
            own = ~moved & ~fixed
            keeps = "keeps its own target" if own.sum() == 1 else "keep their own targets"
            text += f"; {listed(label[own].tolist())} {keeps}" if own.any() else ""
            found.append(f"{text}.")
    return found


LIKE_FOR_LIKE = Section(TITLE, lambda dossier: like_for_like(dossier.comparison)[1:])
