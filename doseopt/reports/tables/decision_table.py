"""A decision table as text and as tables. Takes the Dataset of `conduct.decision_table`, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from rich.console import Console
from rich.text import Text

from doseopt.display.decision_table import (
    DESIGN,
    LEGEND,
    LIMITS,
    last_row,
    limit_text,
    limits_shown,
    notes,
    row_name,
    rules,
    whole_cohorts,
)
from doseopt.reports.render.layout import MARK, chunks, heading, page_width, paragraph

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]  # ships no types

WIDTH = 100
LABEL, COLUMN = 18, 3
"""Columns of the terminal that the name of a row and a number of patients take."""
STYLES = {"E": "black on cyan", "S": "", "D": "black on yellow", "DU": "white on red"}


def print_decision_table(ds: xr.Dataset, console: Console) -> None:
    """Print a decision table, 100 columns wide or as wide as a narrower terminal."""
    width = page_width(console)
    console.print(decision_table_text(ds, width), soft_wrap=True)


def decision_table_text(ds: xr.Dataset, width: int = WIDTH) -> Text:
    """Return a decision table as text; colours only repeat what the letters say.

    Parameters
    ----------
    ds : Dataset
        Of `conduct.decision_table`.
    width : int
        Columns that no line exceeds.
    """
    lines = _header(ds, width)
    for block in chunks([COLUMN] * ds.sizes["n"], width - LABEL):
        lines += [Text(""), *_block(ds.isel(n=list(block)))]
    lines += [Text("")]
    for letter, meaning in LEGEND.items():
        lines += paragraph(meaning, width, " " * 4, letter.ljust(4))
    for note in [f"{MARK}   {whole_cohorts(ds)}"] * bool(whole_cohorts(ds)) + notes(ds):
        lines += paragraph(note, width)
    lines += heading(DESIGN, width)
    for text in rules(ds):
        lines += paragraph(text, width, "  ", "- ")
    return Text("\n").join(lines)


def _header(ds: xr.Dataset, width: int) -> list[Text]:
    attrs = ds.attrs
    rows = {
        "Design": f"{attrs['design']} ({attrs['kind']})",
        "Target": f"{100 * attrs['target']:g}%",
        "Made by": f"doseopt {attrs['version']}, study {attrs['study']} (hash {attrs['study_hash']})",
    }
    lines = paragraph(str(attrs["title"]), width, style="bold")
    for name, text in rows.items():
        lines += paragraph(text, width, " " * 9, name.ljust(9))
    what = "The next step after y patients with a DLT (rows) among n evaluable patients at the current dose (columns)."
    return [*lines, Text(""), *paragraph(what, width)]


def _block(part: xr.Dataset) -> list[Text]:
    """Return some columns of the table, the boundaries below."""
    n, whole, decision = (part[name].to_numpy() for name in ("n", "whole_cohorts", "decision"))

    def line(label: str, cells: Sequence[str]) -> Text:
        text = Text(label.ljust(LABEL))
        for cell, bold in zip(cells, whole, strict=True):
            text.append(" ")
            text.append(cell.rjust(COLUMN - 1), f"{'bold ' if bold else ''}{STYLES.get(cell, '')}".strip())
        text.rstrip()
        return text

    rule = Text("-" * (LABEL + COLUMN * len(n)))
    lines = [line("n", [str(v) for v in n])]
    if whole.any():
        lines.append(line("", [MARK if w else "" for w in whole]))
    rows = [line(row_name(part, y), decision[:, y].tolist()) for y in range(last_row(part) + 1)]
    limits = [line(LIMITS[name], [limit_text(part, name, i) for i in range(len(n))]) for name in limits_shown(part)]
    return [*lines, rule, *rows, rule, *limits]


def decisions_frame(ds: xr.Dataset) -> pd.DataFrame:
    """Return the decisions a row each, as `designs.decision_table` reads them again: n, y, decision."""
    frame = ds[["decision"]].to_dataframe().reset_index()[["n", "y", "decision"]]
    return frame[frame["decision"] != ""]


def boundaries_frame(ds: xr.Dataset) -> pd.DataFrame:
    """Return the boundaries, a row for each n; empty where there is none."""
    frame = ds[list(LIMITS)].to_dataframe().astype("Int64")
    frame = frame.where(frame >= 0)
    frame[~np.repeat(ds["in_order"].to_numpy()[:, None], len(LIMITS), axis=1)] = None
    return frame.reset_index()
