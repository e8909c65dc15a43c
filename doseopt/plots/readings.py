"""A tornado of the readings of a protocol, one silence at a time."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.state import BoolArray
from doseopt.core.text import counted
from doseopt.display.readings import factor_words, ranked, reading_words
from doseopt.plots.scaffold import Axes, Figure, bare, boxes, lines_across, name_rows, note, small_multiples
from doseopt.plots.style import BLUE, FAINT, INK, full_width, styled

ROW = 0.145
"""Inches a line takes."""
PANELS = {
    "correct_selection": ("Correct", "% of trials", 100, 1),
    "overdose_selection": ("Overdose", "% of trials", 100, 1),
    "patients_below_mtd": ("Below the MTD", "patients", 1, 1),
    "sample_size": ("Patients", "expected", 1, 1),
}
"""Measures: title, unit, factor, decimals."""


@styled
def silences_figure(ds: xr.Dataset) -> Figure:
    """Draw what each reading of each silence changes, the silences ranked by their effect on correct selection.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.comparison.silences`.

    Returns
    -------
    Figure
        A line for each silence with the reading in use, and a bar below it for each other reading.
    """
    values = {name: ds[name].mean("scenario").to_numpy() * of[2] for name, of in PANELS.items()}
    missing = np.isnan(values["correct_selection"])
    shown = [(factor, [k for k in rows if not missing[k]]) for factor, rows in ranked(ds)]
    lines = [line for factor, rows in shown if len(rows) > 1 for line in _lines(ds, factor, rows)]
    used = int(np.flatnonzero(ds["in_use"].to_numpy())[0])
    heading = ("What the protocol does not say, and what it changes", _subtitle(ds, missing))
    figure, axes = small_multiples(
        heading, [*PANELS], len(PANELS), full_width(), row=len(lines) * ROW, rest=0.8, shared="rows"
    )
    for ax, (name, (what, unit, _, digits)) in zip(axes, PANELS.items(), strict=True):
        if np.isnan(values[name][used]):  # patients below the MTD, where no dose is right
            ax.set_visible(False)
            continue
        _bars(ax, [None if k is None else float(values[name][k]) for _, k in lines], float(values[name][used]), digits)
        ax.set_title(f"{what}\nin use: {values[name][used]:.{digits}f}", weight="bold", linespacing=1.2)
        ax.set_xlabel(unit)
    name_rows(axes[0], [text for text, _ in lines], 0.36)
    for label, (_, k) in zip(axes[0].get_yticklabels(), lines, strict=True):
        label.set_fontweight("bold" if k is None else "normal")
    return figure


def _lines(ds: xr.Dataset, factor: str, rows: list[int]) -> list[tuple[str, int | None]]:
    """Return the lines of a silence: what it is, then its readings with their places."""
    words = [reading_words(factor, str(ds["value"].to_numpy()[k])) for k in rows]
    return [(factor_words(factor), None), (f"{words[0]} (in use)", rows[0]), *zip(words[1:], rows[1:], strict=True)]


def _subtitle(ds: xr.Dataset, missing: BoolArray) -> str:
    text = (
        f"{ds.attrs['design']}: means over {counted(ds.sizes['scenario'], 'scenario')}. Line and dots: the readings in "
        "use. Bars: one silence read otherwise, all others as in use. Ranked by the largest effect on correct "
        "selection."
    )
    of, values = ds["factor_of"].to_numpy(), ds["value"].to_numpy()
    if any("moderate" in str(value) for value in values):
        text += (
            f" Grade 2 toxicity, where the scenarios state none: in {100 * ds.attrs['p_moderate']:g}% of patients "
            "without a DLT."
        )
    if missing.any():
        left = [
            f"{factor_words(str(of[k]))}: {reading_words(str(of[k]), str(values[k]))}" for k in np.flatnonzero(missing)
        ]
        text += f" Left out, since they make a design only together with another reading: {'; '.join(left)}."
    return text


def _bars(ax: Axes, values: list[float | None], used: float, digits: int) -> None:
    """Draw a bar from the value in use to that of each reading, with its number.

    None is a line without one, nan a reading under which nothing is known.
    """
    known = [value for value in values if value is not None and not np.isnan(value)]
    room = 0.5 * max(np.ptp([*known, used]), 10.0 ** (1 - digits))
    ax.set_xlim(min([*known, used]) - room, max([*known, used]) + room)
    ax.axvline(used, color=INK, linewidth=0.9, zorder=1)
    heads = np.array([y for y, value in enumerate(values) if value is None])  # below each stands the reading in use
    lines_across(ax, heads - 0.5, color=FAINT, linewidth=0.5, zorder=0)
    ax.plot(np.full(len(heads), used), heads + 1, "o", color=INK, markersize=3.6, zorder=4)
    bars = [(y, value) for y, value in enumerate(values) if value is not None and values[y - 1] is not None]
    bars = [(y, value) for y, value in bars if not np.isnan(value)]
    for y, value in bars:
        note(ax, f"{value:.{digits}f}", (value, y), (-3.5 if value < used else 3.5, 0), zorder=5, annotation_clip=False)
    rows, ends = np.array(bars).reshape(-1, 2).T
    boxes(ax, used, rows - 0.3, ends - used, 0.6, color=BLUE, linewidth=0, zorder=2)
    bare(ax)
