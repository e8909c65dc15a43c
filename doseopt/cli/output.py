"""Results as netCDF, CSV and JSON."""

from __future__ import annotations

import errno
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # ships no types
import xarray as xr

from doseopt.core.files import write_whole
from doseopt.core.text import neutral


def write_netcdf(data: xr.Dataset | xr.DataTree, path: Path) -> Path:
    """Write a Dataset or a DataTree as netCDF."""

    def write(unfinished: Path) -> None:
        try:
            data.to_netcdf(unfinished, engine="netcdf4")
        except RuntimeError as error:
            unfinished.write_bytes(bytes(2 * data.nbytes + 2**20))  # the library does not say why; a full disk does
            raise OSError(errno.EIO, str(error)) from error

    return write_whole(path, write)


def write_csv(frame: pd.DataFrame, path: Path, index: bool = False) -> Path:
    """Write a table as CSV; no text in it is a formula to a spreadsheet."""
    safe = frame.rename(columns=_cell, index=_cell)
    safe = safe.assign(**{name: safe[name].map(_cell) for name in safe if safe[name].dtype.kind not in "biufc"})
    return write_whole(path, lambda p: safe.to_csv(p, index=index))


def _cell(value: Any) -> Any:
    return neutral(value, "csv") if isinstance(value, str) else value


def as_json(dataset: xr.Dataset) -> str:
    """Return a Dataset as one JSON object (xarray's ``to_dict``), with null for nan and infinity."""
    return json.dumps(plain(dataset.to_dict()), allow_nan=False)


def plain(value: Any) -> Any:
    """Return a value as JSON holds it, with None for nan and infinity."""
    if isinstance(value, Mapping):
        return {str(name): plain(v) for name, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
