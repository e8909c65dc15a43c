"""An amendment as text: what each design does now, and the numbers that matter. Takes the DataTree of `amend`."""

from __future__ import annotations

from typing import Any

import xarray as xr
from rich.console import Console
from rich.text import Text

from doseopt.display.labels import accuracy_words, names
from doseopt.reports.render.layout import grid, heading, page_width, paragraph
from doseopt.reports.tables.next_dose import counted, not_counted

WIDTH = 100
SHOWN = {
    "correct_selection": ("correct", 100),
    "no_selection": ("no MTD", 100),
    "overdose_selection": ("overdose", 100),
    "further_patients": ("patients", 1),
    "further_dlts": ("DLTs", 1),
    "patients_above_mtd": (">MTD", 1),
}
"""Averages: heading, and by what they are multiplied."""


def print_amendment(tree: xr.DataTree, console: Console) -> None:
    """Print an amendment, 100 columns wide or as wide as a narrower terminal."""
    width = page_width(console)
    console.print(amendment_text(tree, width), soft_wrap=True)


def amendment_text(tree: xr.DataTree, width: int = WIDTH) -> Text:
    """Return an amendment as text, no line longer than `width`."""
    attrs = tree.attrs
    seen = f"after {attrs['outcomes']}" if attrs["outcomes"] else "before the first patient"
    lines = paragraph(f"Amendment, {seen}: {attrs['title']}", width, style="bold")
    lines += paragraph(f"Registered: {attrs['registered']}. {attrs['mtd_rule']}", width)
    for warning in str(attrs["warnings"]).splitlines():
        lines += paragraph(warning, width, "  ", "! ")
    lines += not_counted(str(attrs["pending"]), str(attrs["left_out"]), width)
    lines += heading("What each design does now", width)
    for name, said in _now(tree).items():
        lines += paragraph(said, width, "  ", f"{name}: ")
    average = tree["average"].to_dataset()
    beliefs = names(average, "belief")
    for belief, title in ((beliefs[0], f"averaged over {beliefs[0]}"), (beliefs[-1], f"averaged over {beliefs[-1]}")):
        lines += heading(
            f"From here on, {title}: % of trials; further patients and DLTs; patients above the MTD", width
        )
        at = average.sel(belief=belief)
        rows = [
            [str(d), *(f"{round(scale * float(at[m].sel(design=d)), 1) + 0.0:.1f}" for m, (_, scale) in SHOWN.items())]
            for d in at["design"].to_numpy()
        ]
        lines += grid(["", *(head for head, _ in SHOWN.values())], rows, width=width)
    made = f"doseopt {attrs['version']}, study {attrs['study']} (hash {attrs['study_hash']})"
    accuracy = accuracy_words(float(average["error"].max()))
    how = "Trials are evaluated exactly under each belief"
    how += f"; averages over a belief are {accuracy}" if accuracy else ""
    how += f". Made by {made}."
    return Text("\n").join([*lines, Text(""), *paragraph(how, width)])


def _now(tree: xr.DataTree) -> dict[str, str]:
    """Say what each design does."""
    ds = tree["next"].to_dataset()
    labels = names(tree["average"].to_dataset(), "dose")
    said = {}
    for name in ds["design"].to_numpy().tolist():
        at = {key: ds[key].sel(design=name).item() for key in ds.data_vars}
        mtd = f"MTD {labels[at['mtd'] - 1]} (level {at['mtd']})" if at["mtd"] else "no MTD"
        going = f"{at['size']} patient{'s' * (at['size'] != 1)} at {labels[at['level'] - 1]} (level {at['level']})"
        if at["pending"]:
            going = f"wait for {counted(at['pending'])} at {labels[at['level'] - 1]} (level {at['level']})"
        said[name] = going if at["level"] else f"stop ({at['stop'].replace('_', ' ')}); {mtd}"
    return said


def as_object(tree: xr.DataTree) -> dict[str, Any]:
    """Return an amendment as JSON holds it: every node as xarray's ``to_dict``, and the attributes."""
    nodes = {name: node.to_dataset().to_dict() for name, node in tree.children.items()}
    return {str(name): value for name, value in (tree.attrs | nodes).items()}
