"""The decision table as pages of A4, to hang in a ward: table, key, the rules of the design, and where it is from."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import xarray as xr

from doseopt.core.files import write_whole
from doseopt.display.decision_table import DESIGN, notes, rules
from doseopt.plots.decision_table import LABEL, ROW, blocks, bold_note, draw_block, draw_key, rows_of
from doseopt.plots.scaffold import Axes, Figure
from doseopt.plots.style import GREY, INK, LARGE, NORMAL, styled, wrapped

PAGE = (8.27, 11.69)
"""A4, in inches."""
MARGIN, FOOT = 0.7, 0.3
INNER = PAGE[0] - 2 * MARGIN
ROOM = PAGE[1] - 2 * MARGIN - FOOT


@dataclass(frozen=True)
class _Lines:
    """Lines of text; `size` in points."""

    lines: tuple[str, ...]
    size: float = NORMAL
    bold: bool = False

    @property
    def height(self) -> float:
        return len(self.lines) * self.size * 1.35 / 72 + 0.04


@dataclass(frozen=True, eq=False)
class _Drawn:
    """A part of the table, or the key where there is no part."""

    height: float
    block: xr.Dataset | None = None


@styled
def decision_pages(ds: xr.Dataset) -> list[Figure]:
    """Set the decision table on pages of A4.

    Parameters
    ----------
    ds : Dataset
        Of `conduct.decision_table`.

    Returns
    -------
    list of Figure
        One for each page.
    """
    parts = blocks(ds, INNER)
    row = min(ROW, (ROOM - 1.5) / max(map(rows_of, parts)))
    what = "Find the column of the n evaluable patients at the current dose and the row of the y of them who had a DLT."
    head = [
        _text(str(ds.attrs["title"]), LARGE + 3, bold=True),
        _text(f"Decision table of {ds.attrs['design']}", LARGE, bold=True),
        _text(f"Target DLT rate {100 * ds.attrs['target']:g}%. {what}{bold_note(ds)}", NORMAL + 1),
    ]
    tables = [_Drawn(row * (rows_of(block) + 0.2) + 0.1, block) for block in parts]
    foot = [*map(_text, notes(ds)), _text(DESIGN, bold=True), *(_text(f"- {rule}") for rule in rules(ds))]
    return _set(ds, [*head, *tables, _Drawn(ROW * 2.4 + 0.1), *foot], parts[0].sizes["n"])


def _text(text: str, size: float = NORMAL, bold: bool = False) -> _Lines:
    return _Lines(tuple(wrapped(text, INNER * 72 * (0.88 if bold else 1), size)), size, bold)


def _set(ds: xr.Dataset, parts: Sequence[_Lines | _Drawn], columns: int) -> list[Figure]:
    """Fill pages from the top; a part that does not fit begins a new one."""
    pages: list[list[tuple[float, _Lines | _Drawn]]] = [[]]
    used = 0.0
    for part in parts:
        if used + part.height > ROOM and pages[-1]:
            pages.append([])
            used = 0.0
        pages[-1].append((used, part))
        used += part.height
    return [_page(ds, page, columns, f"{k} of {len(pages)}") for k, page in enumerate(pages, 1)]


def _page(ds: xr.Dataset, parts: Sequence[tuple[float, _Lines | _Drawn]], columns: int, number: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=PAGE)
    figure.set_layout_engine("none")
    for used, part in parts:
        top = 1 - (MARGIN + used) / PAGE[1]
        if isinstance(part, _Lines):
            weight = "bold" if part.bold else "normal"
            for k, line in enumerate(part.lines):
                y = top - k * part.size * 1.35 / 72 / PAGE[1]
                figure.text(MARGIN / PAGE[0], y, line, size=part.size, weight=weight, va="top", color=INK)
            continue
        height = part.height - 0.1
        ax: Axes = figure.add_axes((MARGIN / PAGE[0], top - height / PAGE[1], INNER / PAGE[0], height / PAGE[1]))
        if part.block is None:
            draw_key(ax, INNER)
        else:
            draw_block(ax, part.block, columns, LABEL / INNER)
    attrs = ds.attrs
    made = f"Study {attrs['study']}, hash {attrs['study_hash']}. Made by doseopt {attrs['version']}."
    left, right, bottom = MARGIN / PAGE[0], 1 - MARGIN / PAGE[0], MARGIN / PAGE[1]
    figure.text(left, bottom, made, size=NORMAL, color=GREY, va="bottom")
    figure.text(right, bottom, f"Page {number}", size=NORMAL, color=GREY, ha="right", va="bottom")
    return figure


@styled
def save_pages(pages: Sequence[Figure], folder: str | Path, name: str) -> Path:
    """Write pages as `name`.pdf, whole or not at all; the same pages give the same bytes."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_pdf import PdfPages

    buffer = io.BytesIO()
    with rc_context({"pdf.fonttype": 42}), PdfPages(buffer, metadata={"CreationDate": None}) as file:
        for page in pages:
            file.savefig(page)
    return write_whole(Path(folder) / f"{name}.pdf", lambda path: path.write_bytes(buffer.getvalue()))
