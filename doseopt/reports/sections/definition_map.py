"""The map of definitions as a document: who is best where, and how often."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from doseopt.core.text import counted
from doseopt.display.labels import listed, made_by, names
from doseopt.display.naming import DEFINITION_WORDS, naming_words
from doseopt.plots.definition_map import definition_map_figure
from doseopt.reports.render.document import Block, Bullets, Caution, Document, Figure, Heading, Paragraph, Table
from doseopt.reports.sections.measures import number

MOST_LEVEL = 3
"""Designs that are named as level in a cell."""


def definition_map_document(ds: xr.Dataset) -> Document:
    """Return the map as a document.

    Parameters
    ----------
    ds : Dataset
        Of `definition_map`.
    """
    targets = [f"{target:.3g}" for target in ds["target"].to_numpy()]
    facts = {
        "Compared": f"{counted(ds.sizes['design'], 'design')} in {counted(int(ds.attrs['scenarios']), 'scenario')}, "
        "which count alike",
        "Targets": f"{listed(targets)}; the study's is {ds.attrs['study_target']:g}",
        "Made by": made_by(ds.attrs),
    }
    blocks: list[Block] = [Heading("Findings"), Bullets(tuple(_findings(ds)))]
    blocks += [Caution(f"Left out: {line}.") for line in str(ds.attrs["not_computed"]).splitlines()]
    blocks.append(Paragraph(_explained(ds)))
    blocks += [_table(ds.sel(definition=rule)) for rule in ds["definition"].to_numpy()]
    alt = "Cells coloured by the best design; the numbers are in the tables."
    caption = "The best design by definition, naming rule, target and share of false DLTs."
    blocks.append(Figure.of(partial(definition_map_figure, ds), caption, alt, "definitions"))
    return Document(str(ds.attrs["title"]), facts, tuple(blocks))


def _findings(ds: xr.Dataset) -> list[str]:
    """Say how often each design is ahead, in all and by definition, naming rule and share."""
    ahead = ds["ahead"]
    cells = ahead.isel(design=0).size
    found = [f"Of {cells} combinations, best or within 0.5 points of it: {_shares(ahead)}."]
    for dim, of in (("definition", DEFINITION_WORDS), ("naming", {}), ("false_dlts", {})):
        each = []
        for value in ds[dim].to_numpy().tolist():
            word = f"{100 * value:g}%" if dim == "false_dlts" else of.get(value, naming_words(str(value)))
            each.append(f"{word}, {_shares(ahead.sel({dim: value}), 2)}")
        title = {"definition": "By definition of right", "naming": "By naming rule", "false_dlts": "By false DLTs"}[dim]
        if len(each) > 1:
            found.append(f"{title}: {'; '.join(each)}.")
    return found


def _shares(ahead: xr.DataArray, most: int = 4) -> str:
    """List the designs by the number of cells in which they are ahead."""
    count = ahead.sum([dim for dim in ahead.dims if dim != "design"]).to_numpy()
    order = [d for d in np.argsort(-count, kind="stable").tolist() if count[d]]
    label = ahead["design"].to_numpy()
    return listed([f"{label[d]} in {count[d]}" for d in order[:most]])


def _explained(ds: xr.Dataset) -> str:
    """Say what a cell is, and which designs follow the target."""
    moved = ds["retargeted"].any("target").to_numpy()
    label = np.array(names(ds, "design"))
    text = (
        "A cell names the design that selects correctly most often, with correct / overdose selection in percent and "
        f"the patients below the MTD, and behind = those within 0.5 points of it, {MOST_LEVEL - 1} at most."
    )
    text += f" Put on each target: {listed(label[moved].tolist())}." if moved.any() else ""
    text += f" The same at every target: {listed(label[~moved].tolist())}." if not moved.all() else ""
    return text + _simulated(ds)


def _simulated(ds: xr.Dataset) -> str:
    """Say which designs are simulated, and how well that is known; nothing if none is."""
    if "correct_mcse" not in ds:
        return ""
    most = ds["correct_mcse"].max([dim for dim in ds["correct_mcse"].dims if dim != "design"]).to_numpy()
    error = f"standard error of correct selection at most {100 * most.max():.1f} points"
    return f" Simulated: {listed(np.array(names(ds, 'design'))[most > 0].tolist())} ({error})."


def _table(ds: xr.Dataset) -> Table:
    """Name the best designs by one definition: target and naming rule in rows, shares of false DLTs in columns."""
    rows = []
    for t, target in enumerate(ds["target"].to_numpy()):
        for naming in ds["naming"].to_numpy():
            at = ds.isel(target=t).sel(naming=naming)
            cells = [_cell(at.isel(false_dlts=f)) for f in range(ds.sizes["false_dlts"])]
            rows.append((f"{target:.3g}", naming_words(str(naming)), *cells))
    heads = [f"{100 * share:g}% false DLTs" for share in ds["false_dlts"].to_numpy()]
    title = f"Best design where right is the dose {DEFINITION_WORDS[str(ds['definition'].item())]}"
    return Table(title, ("target", "named", *heads), tuple(rows), words=True)


def _cell(ds: xr.Dataset) -> str:
    """Name the best design with what it attains, and those level with it."""
    correct, overdose, below = (ds[name].to_numpy() for name in ("correct", "overdose", "below"))
    best, label = int(correct.argmax()), names(ds, "design")
    level = [label[d] for d in np.flatnonzero(ds["ahead"].to_numpy()).tolist() if d != best]
    more = f" = {', '.join(level[: MOST_LEVEL - 1])}" + (", .." if len(level) >= MOST_LEVEL else "") if level else ""
    return f"{label[best]}: {100 * correct[best]:.1f} / {100 * overdose[best]:.1f} / {number(below[best])}{more}"
