"""Results of Python's verbs: the data, and the page that a command would show of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import xarray as xr

from doseopt.reports.render.document import Document
from doseopt.reports.render.docx import write_docx
from doseopt.reports.render.html import html, write_html
from doseopt.reports.render.pdf import write_pdf
from doseopt.reports.render.terminal import terminal_text

WIDTH = 100
"""Letters of a line of text."""
WRITERS = {".html": write_html, ".docx": write_docx, ".pdf": write_pdf}


def framed(document: Document) -> str:
    """Return a document as a frame of a notebook: its style is its own, and nothing in it runs."""
    from html import escape

    page = escape(html(document), quote=True)
    look = "width: 100%; height: 36rem; border: 1px solid #c9c9c9; resize: vertical;"
    return f'<iframe title="{escape(document.title)}" sandbox style="{look}" srcdoc="{page}"></iframe>'


def save_page(document: Document, path: str | Path) -> Path:
    """Write a document as its ending says: .html, .docx or .pdf."""
    from doseopt.core.parameters import Fault, Faults

    write = WRITERS.get(Path(path).suffix.lower())
    if write is None:
        raise Faults([Fault("path", f"wanted a file that ends in {', '.join(WRITERS)}, got {str(path)!r}")])
    return write(document, Path(path))


class Result(xr.Dataset):  # type: ignore[no-untyped-call]  # of xarray's __init_subclass__
    """A Dataset that a notebook shows as the page of its command; what is selected from it is shown as xarray does.

    Attributes
    ----------
    document : Document or None
        The page, made when it is first asked for.

    Examples
    --------
    >>> from doseopt import table
    >>> found = table("renji-elo", "BOIN 10")
    >>> found.document.facts["Design"], found.isel(n=0).document
    ('BOIN 10 (BOIN)', None)
    """

    __slots__ = ("_make",)

    @classmethod
    def of(cls, data: xr.Dataset, make: Callable[[xr.Dataset], Document]) -> Self:
        """Return a Dataset with what makes its page."""
        found = cls(data.data_vars, data.coords, data.attrs)
        found._make = make
        return found

    @property
    def document(self) -> Document | None:
        """The page; None of a part of a result."""
        make = getattr(self, "_make", None)
        return None if make is None else make(self)

    def _repr_html_(self) -> str:
        document = self.document
        return str(super()._repr_html_()) if document is None else framed(document)


class Answer(dict[str, Any]):
    """What a verb found, by name; printed, and shown in a notebook, as the page of its command.

    Attributes
    ----------
    document : Document

    Examples
    --------
    >>> from doseopt import BOIN, next_dose
    >>> answer = next_dose(BOIN(doses=5, target=0.3), "1NNN 2NNT")
    >>> answer["designs"]["BOIN"]["action"]
    'treat'
    """

    def __init__(self, found: Mapping[str, Any], make: Callable[[], Document]) -> None:
        super().__init__(found)
        self._make = make

    @property
    def document(self) -> Document:
        """The page."""
        return self._make()

    def __str__(self) -> str:
        """Return the page as text."""
        return terminal_text(self.document, WIDTH).plain

    def _repr_html_(self) -> str:
        return framed(self.document)
