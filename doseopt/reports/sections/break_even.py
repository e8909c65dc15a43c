"""What would change the decision: break-even points, the curves that they are read from, and the safety stop."""

from __future__ import annotations

from functools import partial

import xarray as xr

from doseopt.amendment.dossier import Dossier
from doseopt.core.text import counted
from doseopt.display.break_even import WORDS, where_ahead
from doseopt.display.labels import names
from doseopt.display.numbers import bare
from doseopt.plots.break_even import break_even_figure
from doseopt.reports.render.document import Block, Figure, Paragraph, Table
from doseopt.reports.sections.section import Section

TITLE = "What would change the decision"
CRITERIA = {"mean": "mean", "worst": "worst scenario"}


def break_even_blocks(ds: xr.Dataset) -> list[Block]:
    """Return the break-even points of proposed designs as a table and as curves.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.comparison.break_even`.
    """
    registered = ds.attrs["registered"]
    left_out = ds.attrs["left_out"].splitlines()
    off, given = (
        ("; every dose given is off by the same share", "; of the doses really given, where these are off")
        if "dose_error" in names(ds, "perturbation")
        else ("", "")
    )
    text = (
        f"How wrong must the study be before a proposed design is no better than {registered}? Ways to be wrong: "
        "a share of the patients has an event that is called a DLT and is none; a share of the DLTs is not seen before "
        f"the next decision{off}; a share of the patients dies in the DLT window ({ds.attrs['death_counted']}), or "
        f"drops out ({ds.attrs['dropout_counted']}). What is right stays that of the true rates{given}."
    )
    if left_out:
        text += f" Left out, since too large for the exact calculation: {', '.join(left_out)}."
    figure = Figure.of(
        partial(break_even_figure, ds),
        "Correct selection of each proposed design and of the registered one against how wrong the study is.",
        "A panel for each proposed design and way to be wrong; where the lines cross, and deaths and drop-out, stand "
        "in the table.",
        "break-even",
    )
    return [Paragraph(text), _points(ds), figure, *_stops(ds)]


def _points(ds: xr.Dataset) -> Table:
    """Say where each proposed design is ahead."""
    kinds, registered = names(ds, "perturbation"), ds.attrs["registered"]
    rows = [
        (name, words, *(where_ahead(ds.sel(perturbation=kind, criterion=each, design=name)) for kind in kinds))
        for name in names(ds, "design")
        if name != registered
        for each, words in CRITERIA.items()
    ]
    ranges = ds["amount"].isel(point=[0, -1]).to_numpy()
    looked = ", ".join(
        f"{WORDS[kind][0]} {100 * low:g} to {100 * high:g}%" for kind, (low, high) in zip(kinds, ranges, strict=True)
    )
    note = (
        "The mean in false and in late DLTs is a polynomial, of which all roots are found; else crossings narrower "
        f"than a grid step (a 200th of the range) are not seen. Looked at: {looked}."
    )
    return Table(
        f"Where a proposed design selects correctly more often than {registered}",
        ("", "over the scenarios", *(WORDS[kind][0] for kind in kinds)),
        tuple(rows),
        words=True,
        notes=(note,),
    )


def _stops(ds: xr.Dataset) -> list[Block]:
    """Show what the threshold of the safety stop moves."""
    if "stop_correct_selection" not in ds:
        return []
    each = {"correct": "correct_selection", "none right": "none_right", "overdose": "overdose_selection"}
    shown = {head: f"stop_{name}" for head, name in each.items() if f"stop_{name}" in ds}
    own = [n for n in names(ds, "design") if bool(ds["stop_correct_selection"].sel(design=n).notnull().any())]
    thresholds = ds["stop_threshold"].to_numpy()
    rows = [
        (name, f"{t:.2f}", *(bare(float(ds[v].sel(design=name, stop_threshold=t))) for v in shown.values()))
        for name in own
        for t in thresholds
    ]
    count = counted(len(own), "design")
    none = "; none right: correct selection where only naming none is" if "none right" in shown else ""
    return [
        Table(
            f"The safety stop of {count}: posterior probability that the lowest dose is too toxic, from which a trial "
            f"stops. Correct and overdose selection, % of trials, mean over the scenarios{none}",
            ("", "threshold", *shown),
            tuple(rows),
        )
    ]


def decision(dossier: Dossier) -> list[Block]:
    """Show how wrong the study may be before a proposed design is no better."""
    if dossier.break_even is None:
        events = dossier.study.window_events
        left_out = "patients are left out, so that no DLT rate stands for what happens in the window"
        why = (
            left_out if events is not None and events.leaves_out else "a design is too large for the exact calculation"
        )
        return [Paragraph(f"Not computed: {why}.")]
    return break_even_blocks(dossier.break_even)


DECISION = Section(TITLE, decision, answers=("robustness",))
