"""Numbers of an amendment that matter: what each design does now, and from here on. Takes the DataTree of `amend`."""

from __future__ import annotations

from typing import Any

import xarray as xr

from doseopt.amendment.ladder import first_reaching
from doseopt.core.text import counted
from doseopt.display.labels import accuracy_words, made_by, names, reason_words
from doseopt.display.outlook import STUDY_MODEL
from doseopt.reports.render.document import Bullets, Caution, Document, Heading, Paragraph, Table
from doseopt.reports.sections.ladder import ladder_table
from doseopt.reports.sections.next_dose import not_counted
from doseopt.reports.sections.words import followed_up

SHOWN = {
    "correct_selection": ("correct", 100),
    "no_selection": ("no MTD", 100),
    "overdose_selection": ("overdose", 100),
    "further_patients": ("patients", 1),
    "further_dlts": ("DLTs", 1),
    "patients_below_mtd": ("<MTD", 1),
    "patients_above_mtd": (">MTD", 1),
}
"""Averages: heading, and by what they are multiplied."""


def amendment_document(tree: xr.DataTree) -> Document:
    """Return what matters of an amendment as a document; `amendment_report` is the whole of it."""
    attrs = tree.attrs
    seen = f"after {attrs['outcomes']}" if attrs["outcomes"] else "before the first patient"
    average = tree["average"].to_dataset()
    beliefs = names(average, "belief")
    accuracy = accuracy_words(float(average["error"].max()))
    how = "Trials are evaluated exactly under each belief"
    how += f"; averages over a belief are {accuracy}" if accuracy else ""
    blocks = (
        Paragraph(f"Registered: {attrs['registered']}. {attrs['mtd_rule']}"),
        *map(Caution, str(attrs["warnings"]).splitlines()),
        *not_counted(str(attrs["pending"]), str(attrs["left_out"]), str(attrs["cutoff"])),
        *followed_up(attrs),
        Heading("What each design does now"),
        Bullets(tuple(f"{name}: {said}" for name, said in _now(tree).items())),
        *(_averages(average.sel(belief=belief), belief) for belief in dict.fromkeys((beliefs[0], beliefs[-1]))),
        *_smallest(tree),
        Paragraph(f"{how}. Made by {made_by(attrs)}."),
    )
    return Document(f"Amendment, {seen}: {attrs['title']}", {}, blocks)


def _smallest(tree: xr.DataTree) -> tuple[Table, ...]:
    """Show the steps of the ladder that gain, and those to the amended designs."""
    if "ladder" not in tree.children:
        return ()
    ds = tree["ladder"].to_dataset()
    names = ds["step"].to_numpy().tolist()
    amended = [names.index(name) for name in str(tree.attrs["amended"]).split(", ") if name in names]
    return (ladder_table(ds, sorted({*first_reaching(ds), *amended}), STUDY_MODEL),)


def _averages(at: xr.Dataset, belief: str) -> Table:
    """Show the averages over a belief."""
    rows = tuple(
        (str(d), *(f"{round(scale * float(at[m].sel(design=d)), 1) + 0.0:.1f}" for m, (_, scale) in SHOWN.items()))
        for d in at["design"].to_numpy()
    )
    what = "% of trials; further patients and DLTs; patients below and above the MTD"
    title = f"From here on, averaged over {belief}: {what}"
    return Table(title, ("", *(head for head, _ in SHOWN.values())), rows, labels=True)


def _now(tree: xr.DataTree) -> dict[str, str]:
    """Say what each design does."""
    ds = tree["next"].to_dataset()
    labels = names(tree["average"].to_dataset(), "dose")
    said = {}
    for name in ds["design"].to_numpy().tolist():
        at = {key: ds[key].sel(design=name).item() for key in ds.data_vars}
        mtd = f"MTD {labels[at['mtd'] - 1]} (level {at['mtd']})" if at["mtd"] else "no MTD"
        going = f"{counted(at['size'], 'patient')} at {labels[at['level'] - 1]} (level {at['level']})"
        if at["pending"]:
            going = f"wait for {counted(at['pending'], 'patient')} at {labels[at['level'] - 1]} (level {at['level']})"
        said[name] = going if at["level"] else f"stop ({reason_words(at['stop'])}); {mtd}"
    return said


def as_object(tree: xr.DataTree) -> dict[str, Any]:
    """Return an amendment as JSON holds it: every node as xarray's ``to_dict``, and the attributes."""
    nodes = {name: node.to_dataset().to_dict() for name, node in tree.children.items()}
    return {str(name): value for name, value in (tree.attrs | nodes).items()}
