"""netCDF files of Datasets and DataTrees."""

from __future__ import annotations

import errno
from pathlib import Path

import xarray as xr

from doseopt.core.files import write_whole


def write_netcdf(data: xr.Dataset | xr.DataTree, path: Path) -> Path:
    """Write a Dataset or a DataTree as netCDF, whole or not at all."""

    def write(unfinished: Path) -> None:
        try:
            data.to_netcdf(unfinished, engine="netcdf4")
        except RuntimeError as error:
            unfinished.write_bytes(bytes(2 * data.nbytes + 2**20))  # the library does not say why; a full disk does
            raise OSError(errno.EIO, str(error)) from error

    return write_whole(path, write)
