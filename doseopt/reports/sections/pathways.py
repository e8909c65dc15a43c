"""Dose transition pathways as a document. Takes the Dataset of `conduct.paths`, and little else."""

from __future__ import annotations

from functools import partial

import xarray as xr

from doseopt.display.labels import made_by, names, reason_words
from doseopt.display.pathways import courses
from doseopt.plots.pathways import paths_figure
from doseopt.reports.render.document import Block, Caution, Document, Figure, Item, Paragraph, Table, Tree
from doseopt.reports.sections.next_dose import not_counted


def paths_document(ds: xr.Dataset) -> Document:
    """Return the pathways as a document."""
    attrs = ds.attrs
    facts = {
        "Design": attrs["design"],
        "Doses": ", ".join(f"{j} = {label}" for j, label in enumerate(names(ds, "dose"), 1)),
        "Target": f"{100 * attrs['target']:g}%",
        "So far": attrs["outcomes"] or "no patient",
        "Weights": attrs["weights"],
        "Made by": made_by(attrs),
    }
    likely = " how likely it is to come there (% of trials, seen from now)," if weighed(ds) else ""
    what = f"Patients with a DLT in the next cohorts,{likely} and what the design does then. Doses are levels from 1."
    drawn = Figure.of(
        partial(paths_figure, ds),
        f"Dose transition pathways of {attrs['design']} over the next cohorts.",
        "A tree of the next cohorts; its branches stand in the tree above.",
        "paths",
    )
    cautions: list[Block] = [*map(Caution, str(attrs["warnings"]).splitlines())]
    cautions += not_counted(str(attrs["pending"]), str(attrs["left_out"]), str(attrs["cutoff"]))
    noted = [Paragraph(str(attrs["followed_up"]))] if attrs.get("followed_up") else []
    blocks = (*cautions, Paragraph(what), *noted, Tree(_tree(ds)), *_summary(ds), drawn)
    return Document(str(attrs["title"]), facts, blocks)


def _tree(ds: xr.Dataset) -> Item:
    """Return the pathways as a tree, an item a node."""
    below: dict[int, list[Item]] = {}
    parents = ds["parent"].to_numpy().tolist()
    for node in range(len(parents) - 1, 0, -1):
        below.setdefault(parents[node], []).insert(0, Item(_line(ds, node), tuple(below.pop(node, []))))
    return Item(f"now: {next_words(ds, 0)}", tuple(below.get(0, [])))


def _line(ds: xr.Dataset, node: int) -> str:
    chance = f"({percent(float(ds['probability'].to_numpy()[node]))}%)" if weighed(ds) else ""
    return f"{_outcome(ds, node)} at {int(ds['given'].to_numpy()[node])} {chance}: {next_words(ds, node)}"


def _outcome(ds: xr.Dataset, node: int) -> str:
    dlts, moderate, patients = (int(ds[name].to_numpy()[node]) for name in ("dlts", "moderate", "patients"))
    return f"{dlts} of {patients}" + (f", {moderate} moderate" if moderate else "")


def weighed(ds: xr.Dataset) -> bool:
    """Tell whether the paths have probabilities."""
    return not bool(ds["probability"].isnull().any())


def percent(chance: float) -> str:
    """Return a probability in percent, never 0 for what can happen."""
    return f"{100 * chance:.1f}" if chance >= 0.0005 or chance == 0 else "<0.1"


def next_words(ds: xr.Dataset, node: int) -> str:
    """Say what the design does at a node."""
    level, given, size, mtd = (int(ds[name].to_numpy()[node]) for name in ("level", "given", "size", "mtd"))
    if not level:
        reason = reason_words(str(ds["stop"].to_numpy()[node]))
        return f"stop, {reason}, {f'MTD {mtd}' if mtd else 'no MTD'}"
    pending = int(ds["pending"].to_numpy()[node])
    if pending:
        return f"wait for {pending} at {level}"
    way = "" if not given else "up, " if level > given else "down, " if level < given else "stay, "
    return f"{way}{size} at {level}"


def _summary(ds: xr.Dataset) -> list[Block]:
    """How likely each next step is, when these cohorts are over; nothing where paths have no probability."""
    if not weighed(ds):
        return []
    chance: dict[tuple[int, str], float] = {}
    for node in (course[-1] if course else 0 for course in courses(ds)):
        level, mtd = int(ds["level"].to_numpy()[node]), int(ds["mtd"].to_numpy()[node])
        words = f"goes on at {level}" if level else next_words(ds, node)
        key = (level if level else 1000 + mtd, words)
        chance[key] = chance.get(key, 0.0) + float(ds["probability"].to_numpy()[node])
    many = "this cohort is" if ds.attrs["cohorts"] == 1 else f"these {ds.attrs['cohorts']} cohorts are"
    rows = tuple((words, percent(chance[k, words])) for k, words in sorted(chance))
    return [Table(f"When {many} over, or the trial has stopped", ("", "%"), rows)]
