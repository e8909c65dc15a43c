"""Results as netCDF, CSV and JSON, and how a command delivers them."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from rich.console import Console

from doseopt.cli.app import make_folder
from doseopt.cli.terminal import terminal
from doseopt.core.files import write_whole
from doseopt.core.parameters import Fault, Faults
from doseopt.core.text import neutral
from doseopt.plots.save import save_drawn
from doseopt.reports.render.ahead import ahead
from doseopt.reports.render.document import Document
from doseopt.reports.render.html import write_html
from doseopt.reports.render.layout import page_width, paragraph
from doseopt.reports.render.terminal import terminal_text

if TYPE_CHECKING:
    import pandas as pd  # type: ignore[import-untyped]  # ships no types


def folder_for(out: Path | None, json: bool, html: Path | None = None) -> Path | None:
    """Return the folder for the results, made before the work begins; None where only JSON or HTML is asked for."""
    folder = out if out is not None or json or html is not None else Path("results")
    if folder is not None:
        make_folder(folder)
    make_ready(html)
    return folder


def make_ready(file: Path | None, option: str = "--html") -> None:
    """Make the folder of a file before the work begins."""
    if file is None:
        return
    if file.is_dir():
        raise Faults([Fault(option, f"wanted a file, got the folder {file}")])
    if file.parent.is_file():
        raise Faults([Fault(option, f"wanted a file in a folder, got {file}; {file.parent} is a file")])
    make_folder(file.parent)


def deliver(
    result: Callable[[], Any],
    document: Document,
    *,
    json: bool = False,
    html: Path | None = None,
    folder: Path | None = None,
    files: Sequence[Path] = (),
    shown: Document | None = None,
) -> None:
    """Print a result, as a document or as one JSON object, and name the files that were written.

    Parameters
    ----------
    result : callable
        Returns what JSON holds: a Dataset, or numbers and texts.
    document : Document
    json : bool
    html : Path, optional
        File for the document with its figures.
    folder : Path, optional
        Where the files are.
    files : sequence of Path
    shown : Document, optional
        What is printed of it, if not the whole.
    """
    if html is not None:
        write_html(document, html)
    if json:
        print(as_json(result()))
        return
    show(document if shown is None else shown)
    if folder is not None:
        print_written(folder, files)
    if html is not None:
        print_written(html.parent, [html])


def show(document: Document) -> None:
    """Print a document, as wide as the terminal, at most 100 columns."""
    console = terminal()
    text = terminal_text(document, page_width(console))
    if text:
        console.print(text, soft_wrap=True)


def drawing(document: Document, folder: Path | None, html: Path | None = None) -> Document:
    """Return a document whose figures are drawn beside what is done next, if there is a place for them."""
    return document if folder is None and html is None else ahead(document, page=html is not None)


def write_figures(document: Document, folder: Path) -> list[Path]:
    """Write the figures of a document as SVG and PNG."""
    return [path for figure in document.figures for path in save_drawn(figure.svg, figure.png, folder, figure.name)]


def print_written(folder: Path, files: Sequence[Path]) -> None:
    """Name the files that were written, those of one name or of the same kinds together, as wide as the terminal."""
    kinds: dict[str, str] = {}
    for file in files:
        kinds[file.stem] = f"{kinds.get(file.stem, '')} {file.suffix}".strip()
    alike: dict[str, list[str]] = {}
    for stem, suffixes in kinds.items():
        alike.setdefault(suffixes, []).append(stem)
    single = ", ".join(f"{stems[0]}{suffixes}" for suffixes, stems in alike.items() if len(stems) == 1)
    several = [f"{', '.join(stems)} ({suffixes})" for suffixes, stems in alike.items() if len(stems) > 1]
    named = "; ".join([single, *several] if single else several)
    width, head = page_width(Console()), neutral(f"Written to {folder}: ")
    print()
    if len(head) > width // 2:  # a path is not broken
        print(head.rstrip())
        head = "  "
    for line in paragraph(neutral(named), width, "  ", head):
        print(line)


def write_csv(frame: pd.DataFrame, path: Path, index: bool = False) -> Path:
    """Write a table as CSV; no text in it is a formula to a spreadsheet."""
    safe = frame.rename(columns=_cell, index=_cell if index else None)
    safe = safe.assign(**{name: safe[name].map(_cell) for name in safe if safe[name].dtype.kind not in "biufc"})
    return write_whole(path, lambda p: safe.to_csv(p, index=index))


def _cell(value: Any) -> Any:
    return _harmless(value) if isinstance(value, str) else value


@lru_cache(maxsize=10_000)  # a long table says the same again and again
def _harmless(text: str) -> str:
    return neutral(text, "csv")


def as_json(result: Any) -> str:
    """Return a result as one JSON object (a Dataset as xarray's ``to_dict``), with null for nan and infinity."""
    value = result.to_dict(data="array") if isinstance(result, xr.Dataset) else result
    return json.dumps(plain(value), allow_nan=False)


def plain(value: Any) -> Any:
    """Return a value as JSON holds it, with None for nan and infinity."""
    if isinstance(value, Mapping):
        return {str(name): plain(v) for name, v in value.items()}
    if isinstance(value, np.ndarray):
        kind = value.dtype.kind
        known = np.where(np.isfinite(value), value, np.array(None)) if kind == "f" else value
        return known.tolist() if kind in "biufU" else plain(known.tolist())
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
