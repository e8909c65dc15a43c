"""What would change the decision: break-even points, the curves that they are read from, and the safety stop."""

from __future__ import annotations

from functools import partial

import xarray as xr

from doseopt.amendment.dossier import Dossier
from doseopt.comparison.break_even import MEASURES
from doseopt.core.text import counted
from doseopt.display.break_even import WORDS, where_ahead
from doseopt.display.labels import names
from doseopt.display.numbers import bare, decimal
from doseopt.plots.break_even import break_even_figure
from doseopt.reports.render.document import Block, Figure, Paragraph, Table
from doseopt.reports.sections.section import Section

TITLE = "What would change the decision"
CRITERIA = {"mean": "mean", "worst": "worst scenario"}
SHOWN = {"dose_error": (-0.2, 0.2)}
SHARES = (0.1, 0.2, 0.4)
"""Amounts that a table shows, of one way to be wrong and of the others."""
OF_STOPS = {
    "correct": "correct_selection",
    "none right": "none_right",
    "overdose": "overdose_selection",
    "<MTD": "patients_below_mtd",
}
"""Heading and measure of the table of safety stops."""


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
    if ds.attrs["followed_up"]:
        how = "with every cohort followed up before the next decision, and nobody backfilled"
        text += f" Here {how}: {ds.attrs['followed_up']}."
    if left_out:
        text += f" Left out, since too large for the exact calculation: {', '.join(left_out)}."
    figure = Figure.of(
        partial(break_even_figure, ds),
        "Correct selection of each proposed design and of the registered one against how wrong the study is.",
        "A panel for each proposed design and way to be wrong; where the lines cross, and deaths and drop-out, stand "
        "in the table.",
        "break-even",
    )
    return [Paragraph(text), _points(ds), figure, _attained(ds), *_stops(ds)]


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


def _attained(ds: xr.Dataset) -> Table:
    """Show what the designs attain as the study is, and at some amounts of each way to be wrong."""
    kinds, mean = names(ds, "perturbation"), ds.sel(criterion="mean")
    rows = [("as the study is", *_cells(mean.sel(perturbation=kinds[0]), 0.0))]
    for kind in kinds:
        at = mean.sel(perturbation=kind)
        some = [x for x in SHOWN.get(kind, SHARES) if x <= float(at["amount"].max())]
        sign = "+" if kind in SHOWN else ""
        rows += [(f"{WORDS[kind][0]} {100 * x:{sign}g}%", *_cells(at, x)) for x in some]
    return Table(
        "Correct / overdose selection, % of trials / expected patients below the MTD, mean over the scenarios",
        ("", *names(ds, "design")),
        tuple(rows),
        short_heads=False,
    )


def _cells(at: xr.Dataset, amount: float) -> list[str]:
    """Return what each design attains at the point of the grid that is closest to an amount."""
    one = at.isel(point=int(abs(at["amount"].to_numpy() - amount).argmin()))
    each = [one[f"perturbed_{name}"].to_numpy() for name in MEASURES]
    return [f"{bare(right)}/{bare(over)}/{decimal(below)}" for right, over, below in zip(*each, strict=True)]


def _stops(ds: xr.Dataset) -> list[Block]:
    """Show what the threshold of the safety stop moves."""
    if "stop_correct_selection" not in ds:
        return []
    shown = {head: f"stop_{name}" for head, name in OF_STOPS.items() if f"stop_{name}" in ds}
    own = [n for n in names(ds, "design") if bool(ds["stop_correct_selection"].sel(design=n).notnull().any())]
    thresholds = ds["stop_threshold"].to_numpy()
    rows = [
        (name, f"{t:.2f}", *(_said(ds[v].sel(design=name, stop_threshold=t)) for v in shown.values()))
        for name in own
        for t in thresholds
    ]
    count = counted(len(own), "design")
    none = "; none right: correct selection where only naming none is" if "none right" in shown else ""
    return [
        Table(
            f"The safety stop of {count}: posterior probability that the lowest dose is too toxic, from which a trial "
            f"stops. Correct and overdose selection, % of trials, and patients below the MTD, means{none}",
            ("", "threshold", *shown),
            tuple(rows),
        )
    ]


def _said(value: xr.DataArray) -> str:
    """Say a probability in percent, patients as they are."""
    return (bare if value.attrs["units"] == "1" else decimal)(float(value))


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
