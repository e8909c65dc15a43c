"""Dose transition pathways as a tree and as a table. Takes the Dataset of `conduct.paths`, and little else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xarray as xr
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from doseopt.core.cohort import format_outcomes
from doseopt.display.labels import names
from doseopt.display.pathways import cohort_of, courses
from doseopt.reports.render.layout import grid, heading, page_width, paragraph
from doseopt.reports.tables.next_dose import not_counted

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]  # ships no types

WIDTH = 100


def print_paths(ds: xr.Dataset, console: Console) -> None:
    """Print the pathways, 100 columns wide or as wide as a narrower terminal."""
    width = page_width(console)
    console.print(Text("\n").join([*_header(ds, width), Text("")]), soft_wrap=True)
    console.print(paths_tree(ds), width=width)
    console.print(Text("\n").join(_summary(ds, width)), soft_wrap=True)


def _header(ds: xr.Dataset, width: int) -> list[Text]:
    attrs = ds.attrs
    rows = {
        "Design": attrs["design"],
        "Doses": ", ".join(f"{j} = {label}" for j, label in enumerate(names(ds, "dose"), 1)),
        "Target": f"{100 * attrs['target']:g}%",
        "So far": attrs["outcomes"] or "no patient",
        "Weights": attrs["weights"],
        "Made by": f"doseopt {attrs['version']}, study {attrs['study']} (hash {attrs['study_hash']})",
    }
    lines = paragraph(str(attrs["title"]), width, style="bold")
    for name, text in rows.items():
        lines += paragraph(str(text), width, " " * 9, name.ljust(9))
    for warning in str(attrs["warnings"]).splitlines():
        lines += paragraph(warning, width, "  ", "! ")
    lines += not_counted(str(attrs["pending"]), str(attrs["left_out"]), width)
    likely = " how likely it is to come there (% of trials, seen from now)," if weighed(ds) else ""
    what = f"Patients with a DLT in the next cohorts,{likely} and what the design does then. Doses are levels from 1."
    return [*lines, Text(""), *paragraph(what, width)]


def paths_tree(ds: xr.Dataset) -> Tree:
    """Return the pathways as a tree, a line a node."""
    parents = ds["parent"].to_numpy().tolist()
    branches = [Tree(Text(f"now: {next_words(ds, 0)}", "bold"))]
    for node, parent in enumerate(parents[1:], 1):
        branches.append(branches[parent].add(_line(ds, node)))
    return branches[0]


def _line(ds: xr.Dataset, node: int) -> Text:
    chance = float(ds["probability"].to_numpy()[node])
    text = Text(f"{_outcome(ds, node)} at {int(ds['given'].to_numpy()[node])} ")
    if weighed(ds):
        text.append(f"({percent(chance)}%)", "dim")
    return text.append(": ").append(next_words(ds, node), "bold")


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
        reason = str(ds["stop"].to_numpy()[node]).replace("_", " ")
        return f"stop, {reason}, {f'MTD {mtd}' if mtd else 'no MTD'}"
    pending = int(ds["pending"].to_numpy()[node])
    if pending:
        return f"wait for {pending} at {level}"
    way = "" if not given else "up, " if level > given else "down, " if level < given else "stay, "
    return f"{way}{size} at {level}"


def _summary(ds: xr.Dataset, width: int) -> list[Text]:
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
    rows = [[words, percent(chance[k, words])] for k, words in sorted(chance)]
    return [*heading(f"When {many} over, or the trial has stopped", width), *grid(["", "%"], rows, width=width)]


def paths_frame(ds: xr.Dataset) -> pd.DataFrame:
    """Return the pathways, a row a path: its cohorts, its probability, and what the design does at its end."""
    import pandas as pd

    labels, depth = names(ds, "dose"), int(ds["depth"].max())
    columns = {name: ds[name].to_numpy().tolist() for name in ("given", "patients", "dlts", "moderate")}
    ends = {name: ds[name].to_numpy().tolist() for name in ("level", "size", "stop", "mtd", "probability")}
    rows = []
    for course in courses(ds):
        row: dict[str, object] = {"outcomes": format_outcomes(tuple(cohort_of(ds, node) for node in course))}
        for k in range(1, depth + 1):
            for name, values in columns.items():
                row[f"{name}_{k}"] = values[course[k - 1]] if k <= len(course) else None
        leaf = course[-1] if course else 0
        level, mtd = ends["level"][leaf], ends["mtd"][leaf]
        row |= {"level": level or None, "dose": labels[level - 1] if level else None}
        row |= {"size": ends["size"][leaf] or None, "stop": ends["stop"][leaf] or None, "mtd": mtd or None}
        rows.append(row | {"probability": ends["probability"][leaf]})
    frame = pd.DataFrame(rows)
    text = ("outcomes", "dose", "stop", "probability")
    return frame.astype({name: "Int64" for name in frame.columns if name not in text})
