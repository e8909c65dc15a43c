"""netCDF files of Datasets and DataTrees."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

import xarray as xr

from doseopt.core.files import write_whole


def write_netcdf(data: xr.Dataset | xr.DataTree, path: Path) -> Path:
    """Write a Dataset or a DataTree as netCDF, whole or not at all."""

    def write(unfinished: Path) -> None:
        try:
            _write(data, unfinished)
        except RuntimeError as error:
            unfinished.write_bytes(bytes(2 * data.nbytes + 2**20))  # the library does not say why; a full disk does
            raise OSError(errno.EIO, str(error)) from error

    return write_whole(path, write)


class _Values:
    """Values of variables, kept until all are defined: a definition after values takes milliseconds for each."""

    def __init__(self) -> None:
        self.kept: list[tuple[Any, Any]] = []

    def add(self, source: Any, target: Any, region: object = None) -> None:
        """Keep the values of one variable, as a store of xarray tells them."""
        self.kept.append((source, target))


def _write(data: xr.Dataset | xr.DataTree, path: Path) -> None:
    values = _Values()
    if isinstance(data, xr.Dataset):
        nodes = {"/": data}
    else:  # what a node inherits stands where it comes from
        nodes = {node.path: node.to_dataset(inherit=node is data) for node in data.subtree}
    store = xr.backends.NetCDF4DataStore.open(str(path), mode="w")  # type: ignore[no-untyped-call]
    try:
        for place, each in nodes.items():
            each.dump_to_store(store if place == "/" else store.get_child_store(place), writer=values)
        for source, target in values.kept:
            target[...] = source
    finally:
        store.close()
