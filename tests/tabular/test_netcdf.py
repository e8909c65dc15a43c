"""netCDF files: the same as xarray writes, with all variables defined before the first values."""

import netCDF4
import numpy as np
import xarray as xr

from doseopt.tabular.netcdf import write_netcdf


def made():
    """Return numbers with and without gaps, whole ones, truths and texts, with what they are."""
    values = np.array([[0.1, np.nan], [2 / 3, np.inf]])
    return xr.Dataset(
        {
            "rate": (("design", "dose"), values, {"units": "1", "long_name": "rate"}),
            "patients": ("design", np.array([3, 6]), {"units": "patients"}),
            "right": ("dose", np.array([True, False])),
            "alone": ((), 0.25),
        },
        coords={"design": ["3+3", "Überdosis"], "dose": ["a", "b"], "reason": ("design", ["", "a cap"]), "n": 3},
        attrs={"title": "made", "target": 0.25},
    )


def test_a_dataset_reads_back_as_it_was_and_as_xarray_writes_it(tmp_path):
    data = made()
    ours, theirs = write_netcdf(data, tmp_path / "ours.nc"), tmp_path / "theirs.nc"
    data.to_netcdf(theirs, engine="netcdf4")
    with xr.open_dataset(ours) as found, xr.open_dataset(theirs) as other:
        xr.testing.assert_identical(found.load(), data)
        xr.testing.assert_identical(found, other.load())
        assert {n: v.encoding["dtype"] for n, v in found.variables.items()} == {
            n: v.encoding["dtype"] for n, v in other.variables.items()
        }


def test_a_tree_reads_back_as_it_was_and_as_xarray_writes_it(tmp_path):
    data = xr.DataTree.from_dict(
        {
            "/": made(),
            "/draws": xr.Dataset({"p": (("draw", "dose"), np.arange(6.0).reshape(3, 2))}),
            "/draws/of one": xr.Dataset(attrs={"title": "empty"}),
            "/density": xr.Dataset({"n": ("rate", [1, 2])}, coords={"rate": [0.5, np.nan]}, attrs={"model": "beta"}),
        }
    )
    ours, theirs = write_netcdf(data, tmp_path / "ours.nc"), tmp_path / "theirs.nc"
    data.to_netcdf(theirs, engine="netcdf4")
    with netCDF4.Dataset(ours) as found, netCDF4.Dataset(theirs) as other:  # what is inherited is written once
        assert {n: [*g.variables] for n, g in found.groups.items()} == {
            n: [*g.variables] for n, g in other.groups.items()
        }
    with xr.open_datatree(ours) as found, xr.open_datatree(theirs) as other:
        xr.testing.assert_identical(found.load(), data)
        xr.testing.assert_identical(found, other.load())
        for one, its in zip(found.subtree, other.subtree, strict=True):
            assert {n: v.encoding["dtype"] for n, v in one.to_dataset(inherit=False).variables.items()} == {
                n: v.encoding["dtype"] for n, v in its.to_dataset(inherit=False).variables.items()
            }
