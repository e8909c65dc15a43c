"""Calendar of one trial, drawn and told: under a design that decides on pending patients, and one that waits."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from doseopt.display.labels import dose_labels, doses_in_words, made_by, names
from doseopt.plots.calendar import calendar_figure
from doseopt.reports.render.document import Block, Document, Figure, Heading, Table

CAPTION = "One simulated trial: when patients come, at which dose, and when enrolment is closed."
SHOWS = "A bar a patient from enrolment to the end of the DLT window, for each of two designs over the same days."


def calendar_blocks(ds: xr.Dataset) -> list[Block]:
    """Return the figure of a calendar, if a Dataset has one.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`, or of `doseopt.comparison.calendar`.
    """
    return [Figure.of(partial(calendar_figure, ds), CAPTION, SHOWS, "calendar")] if "calendar_came" in ds else []


def calendar_document(ds: xr.Dataset) -> Document:
    """Return a calendar as a document: the patients of both designs in tables, and the figure.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.comparison.calendar`.
    """
    labels, _ = dose_labels(ds)
    facts = {
        "Scenario": str(ds.attrs["calendar_scenario"]),
        "Seed": str(ds.attrs["calendar_seed"]),
        "Clock": str(ds.attrs["clock"]),
        "Doses": doses_in_words(ds),
        "Made by": made_by(ds.attrs),
    }
    blocks: list[Block] = []
    for k, name in enumerate(names(ds, "course")):
        blocks += [Heading(name), _table(ds.isel(course=k), labels)]
    return Document("Calendar of one trial", facts, (*blocks, *calendar_blocks(ds)))


def _table(ds: xr.Dataset, labels: list[str]) -> Table:
    """List the patients of one design."""
    known = np.isfinite(ds["calendar_came"].to_numpy())
    columns = (ds[f"calendar_{name}"].to_numpy()[known] for name in ("came", "level", "known", "dlt"))
    rows = tuple(
        (str(k), f"{came:.1f}", labels[int(level) - 1], f"{day:.1f}", "DLT" if dlt else "no DLT")
        for k, (came, level, day, dlt) in enumerate(zip(*columns, strict=True), 1)
    )
    level, away = int(ds["calendar_mtd"]), int(np.isfinite(ds["calendar_turned_away"].to_numpy()).sum())
    shut = float((ds["calendar_opened"] - ds["calendar_closed"]).sum())
    declared = f"declares {labels[level - 1]} the MTD" if level else "declares no MTD"
    end = f"Over on day {float(ds['calendar_end']):.1f}; {declared}. {away} turned away; closed for {shut:.1f} days."
    head = ("patient", "came on day", "dose", "known on day", "outcome")
    return Table("Patients in the order of treatment", head, rows, texts=(-1,), notes=(end,))
