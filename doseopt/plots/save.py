"""Figures to files: the same figure gives the same bytes, and no file is ever half written."""

from __future__ import annotations

import os
import tempfile
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doseopt.plots.style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DPI = 200
FORMATS: dict[str, dict[str, Any]] = {"svg": {"metadata": {"Date": None}}, "png": {"dpi": DPI}}


def save_figure(figure: Figure, folder: str | Path, name: str) -> list[Path]:
    """Write a figure as `name`.svg and `name`.png.

    Parameters
    ----------
    figure : Figure
    folder : path
        Made if it is not there.
    name : str

    Returns
    -------
    list of Path
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rendered = {kind: _rendered(figure, kind) for kind in FORMATS}
    return [_written(folder / f"{name}.{kind}", content) for kind, content in rendered.items()]


@styled
def _rendered(figure: Figure, kind: str) -> bytes:
    buffer = BytesIO()
    figure.savefig(buffer, format=kind, **FORMATS[kind])
    figure.set_layout_engine("none")  # laid out once: the second format is drawn as the first was
    return buffer.getvalue()


def _written(path: Path, content: bytes) -> Path:
    """Write beside the place, then move into it."""
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
    return path


def _umask() -> int:
    """Return the mask that new files get; it can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
