"""The DataTree of a sampled posterior: draws of the parameters -> labelled groups."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.joint import Joint
from doseopt.models.pymc_only import TwoPopulations
from doseopt.state import FloatArray, IntArray

PRIOR_DRAWS = 4000
DRAW = ("chain", "draw")


@dataclass(frozen=True)
class Axes:
    """Names and coordinates of the axes.

    Parameters
    ----------
    coords : mapping of str to tuple
        Coordinates of the dimensions.
    rates, data : tuple of str
        Dimensions of the DLT rates and of the tally.
    extra : mapping
        Further coordinates: the doses with their unit.
    """

    coords: Mapping[str, tuple[Any, ...]]
    rates: tuple[str, ...]
    data: tuple[str, ...]
    extra: Mapping[str, Any]

    @classmethod
    def of(
        cls,
        joint: Joint,
        labels: Sequence[str] | None = None,
        values: Sequence[float] | None = None,
        unit: str | None = None,
    ) -> Axes:
        """Return the axes of a model and its data."""
        model, lead = joint.model, ("group",) if joint.groups else ()
        names = tuple(labels) if labels is not None else tuple(str(j) for j in range(1, model.doses + 1))
        if len(names) != model.doses:
            raise ValueError(f"labels: wanted {model.doses}, one a dose, got {len(names)}")
        coords: dict[str, tuple[Any, ...]] = {"dose": names}
        if joint.groups:
            coords["group"] = joint.groups
        if joint.log_weights is not None:
            coords["model"] = tuple(range(len(joint.log_weights)))
        extra = _dose_values(joint, values, unit)
        last = "dose"
        if joint.at is not None:
            last = "observation"
            coords[last] = tuple(range(len(joint.at)))
            units = extra["dose_value"][2]["units"]
            extra["actual_dose"] = (last, list(joint.at), {"units": units, "long_name": "actual dose"})
        return cls(coords, (*lead, "dose"), (*lead, last), extra)

    def dataset(self, variables: Mapping[str, tuple[tuple[str, ...], Any]]) -> xr.Dataset:
        """Return the variables with the coordinates of their dimensions."""
        dims = {dim for used, _ in variables.values() for dim in used}
        coords: dict[str, Any] = {dim: list(value) for dim, value in self.coords.items() if dim in dims}
        coords |= {name: value for name, value in self.extra.items() if value[0] in dims}
        for dim in dims & set(DRAW):
            coords[dim] = np.arange(
                next(array.shape[used.index(dim)] for used, array in variables.values() if dim in used)
            )
        return xr.Dataset({name: (list(used), array) for name, (used, array) in variables.items()}, coords)


def _dose_values(joint: Joint, values: Sequence[float] | None, unit: str | None) -> dict[str, Any]:
    model = joint.model
    curve = model.curve if isinstance(model, TwoPopulations) else model
    if values is None and isinstance(curve, TwoParameterLogistic):
        values, unit = curve.values, curve.unit
    if values is None:
        return {}
    if not unit:
        raise ValueError("unit: missing; wanted the unit of the doses")
    if len(values) != model.doses:
        raise ValueError(f"values: wanted {model.doses}, one a dose, got {len(values)}")
    return {"dose_value": ("dose", [float(d) for d in values], {"units": unit, "long_name": "dose"})}


def tree_of(
    joint: Joint,
    tally: tuple[IntArray, IntArray],
    axes: Axes,
    raw: xr.DataTree,
    sizes: IntArray | None,
    rng: np.random.Generator,
) -> xr.DataTree:
    """Return all groups for the draws `raw` of one sampler; sizes [D] of the next cohort or None."""
    n, y = tally
    z = raw["posterior"]["z"].transpose(*DRAW, ...).to_numpy()
    theta = joint.theta(z, np)
    posterior = _index(joint, theta, lambda t: joint.model_index(t, tally, rng))
    nothing = (np.zeros_like(n), np.zeros_like(y))
    blank = joint.draw(rng, PRIOR_DRAWS)[None]
    prior = _index(joint, blank, lambda t: joint.model_index(t, nothing, rng))
    log_marginal = joint.log_marginal(z.reshape(-1, z.shape[-1]), tally, rng)
    stats = raw["sample_stats"].to_dataset()
    groups = {
        "posterior": _rates(joint, axes, theta, posterior),
        "posterior_predictive": _predict(joint, axes, theta, posterior, n, sizes, rng),
        "prior": _rates(joint, axes, blank, prior),
        "prior_predictive": _predict(joint, axes, blank, prior, n, sizes, rng),
        "sample_stats": stats.drop_vars([v for v in stats.variables if stats[v].dtype == object]),
        "observed_data": axes.dataset({"n": (axes.data, n), "y": (axes.data, y)}),
    }
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = {
        "log_marginal_likelihood": log_marginal.value,
        "log_marginal_likelihood_mcse": log_marginal.mcse,
    }
    return tree


def _index(joint: Joint, theta: FloatArray, draw: Any) -> IntArray | None:
    return draw(theta) if joint.log_weights is not None else None


def _pick(log_p: FloatArray, index: IntArray | None) -> FloatArray:
    """Return the rates, of the drawn model if there are several: [..., model, D] -> [..., D]."""
    if index is not None:
        log_p = np.take_along_axis(log_p, index[..., None, None], axis=-2)[..., 0, :]
    return np.exp(log_p)


def _rates(joint: Joint, axes: Axes, theta: FloatArray, index: IntArray | None) -> xr.Dataset:
    variables: dict[str, tuple[tuple[str, ...], Any]] = {
        name: (DRAW, theta[..., k]) for k, name in enumerate(joint.prior.names)
    }
    if index is not None:
        variables["model_index"] = (DRAW, index)
    variables["p_dlt"] = ((*DRAW, *axes.rates), _pick(joint.reported(theta, np), index))
    result = axes.dataset(variables)
    result["p_dlt"].attrs = {"units": "1", "long_name": "DLT rate"}
    return result


def _predict(
    joint: Joint,
    axes: Axes,
    theta: FloatArray,
    index: IntArray | None,
    n: IntArray,
    sizes: IntArray | None,
    rng: np.random.Generator,
) -> xr.Dataset:
    again = rng.binomial(n, _pick(joint.observed(theta, np), index))
    variables: dict[str, tuple[tuple[str, ...], Any]] = {"y": ((*DRAW, *axes.data), again)}
    if sizes is not None:
        following = rng.binomial(sizes, _pick(joint.reported(theta, np), index))
        variables |= {"y_next": ((*DRAW, *axes.rates), following), "n_next": (("dose",), sizes)}
    result = axes.dataset(variables)
    result["y"].attrs = {"units": "DLTs", "long_name": "DLTs among the patients observed"}
    return result
