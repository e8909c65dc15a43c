"""Writing results: every file whole or not at all."""

from __future__ import annotations

import json
import math
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr


def write_whole(path: Path, write: Callable[[Path], object]) -> Path:
    """Write a file under a temporary name beside its place, then put it there in one step.

    Parameters
    ----------
    path : Path
    write : callable
        Writes the file whose path it is given.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.stem}-", suffix=path.suffix)
    os.close(handle)
    unfinished = Path(name)
    try:
        write(unfinished)
        unfinished.chmod(0o666 & ~_umask())
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def write_netcdf(dataset: xr.Dataset, path: Path) -> Path:
    """Write a Dataset as netCDF."""
    return write_whole(path, lambda p: dataset.to_netcdf(p, engine="netcdf4"))


def as_json(dataset: xr.Dataset) -> str:
    """Return a Dataset as one JSON object (xarray's ``to_dict``), with null for nan and infinity."""
    return json.dumps(_plain(dataset.to_dict()), allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(name): _plain(v) for name, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
