"""The search for the smallest amendment as a document: the frontier of change against gain."""

from __future__ import annotations

from functools import partial

import xarray as xr

from doseopt.amendment.ladder import SCENARIOS, first_reaching, reaching
from doseopt.core.text import counted
from doseopt.display.labels import made_by
from doseopt.display.outlook import STUDY_MODEL
from doseopt.plots.ladder import ladder_figure
from doseopt.reports.render.document import Bullets, Document, Figure, Paragraph
from doseopt.reports.sections.ladder import changes_table, curve_table, ladder_table, sentences


def smallest_document(ds: xr.Dataset, wanted: float) -> Document:
    """Return what a search for the smallest amendment found.

    Parameters
    ----------
    ds : Dataset
        Of `search`.
    wanted : float
        The probability of correct selection that is wanted.
    """
    steps = first_reaching(ds)
    first = reaching(ds, wanted)
    shown = sorted({*steps, *(() if first is None else (first,))})
    front = ds.isel(step=shown)
    outcomes = str(ds.attrs["outcomes"])
    seen = f"after {outcomes}" if outcomes else "before the first patient"
    blocks = (
        Paragraph(
            f"Sought among {counted(ds.sizes['step'], 'change')} of {ds.attrs['registered']}: readings, caps, "
            "titration, safety stops, naming rules and other rules, those of the library in their usual form"
            f"{_tuned(ds)}, and their combinations; a change is smaller the higher it stands. Shown are those that "
            "select correctly more often than every smaller one."
        ),
        Bullets(tuple(sentences(ds, wanted))),
        ladder_table(front, range(len(shown)), STUDY_MODEL),
        ladder_table(front, range(len(shown)), SCENARIOS),
        curve_table(front),
        changes_table(front, range(len(shown))),
        Figure.of(
            partial(ladder_figure, front, wanted),
            "Gain against change: the steps that gain; averages over the study's model, exact for each truth.",
            "Rows of points, a step each; the numbers are in the tables.",
            "smallest",
        ),
        Paragraph(f"Made by {made_by(ds.attrs)}."),
    )
    return Document(f"The smallest amendment, {seen}: {ds.attrs['title']}", {}, blocks)


def _tuned(ds: xr.Dataset) -> str:
    """Say which rules were tuned, and how, or how they can be."""
    if not ds.attrs.get("further"):
        return ", not calibrated (--calibrate 100 tunes them)"
    rules = counted(len(str(ds.attrs["further"]).split("\n")), "rule")
    return (
        f" and, of {rules}, calibrated: about {ds.attrs['candidates']} candidates each, seed {ds.attrs['seed']}, "
        f"judged at as many patients as {ds.attrs['registered']} by correct selection averaged over the study's "
        "belief, within the bounds of its criteria"
    )
