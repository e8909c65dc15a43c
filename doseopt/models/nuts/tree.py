"""The DataTree of a posterior: draws of the parameters, from a sampler or from nodes -> labelled groups."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from scipy.special import expit, gammaln

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.curves import TwoParameterCurve
from doseopt.models.external import RobustPrior
from doseopt.models.likelihood import log_likelihood
from doseopt.models.nuts.joint import Estimate, Joint
from doseopt.models.populations import TwoPopulations

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
    constants : mapping of str to (str, list, dict)
        What is known of the doses beside their names: dimension, values and attributes. They are variables and not
        coordinates, because ArviZ lays parameters without doses beside the DLT rates.
    """

    coords: Mapping[str, tuple[Any, ...]]
    rates: tuple[str, ...]
    data: tuple[str, ...]
    constants: Mapping[str, Any]

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
            raise Faults([Fault("labels", f"wanted {model.doses}, one a dose, got {len(names)}")])
        coords: dict[str, tuple[Any, ...]] = {"dose": names}
        if joint.groups:
            coords["group"] = joint.groups
        if joint.log_weights is not None:
            coords["model"] = tuple(range(len(joint.log_weights)))
        constants = _dose_values(joint, values, unit)
        last = "dose"
        if joint.at is not None:
            last = "observation"
            coords[last] = tuple(range(len(joint.at)))
            units = constants["dose_value"][2]["units"]
            constants["actual_dose"] = (last, list(joint.at), {"units": units, "long_name": "actual dose"})
        return cls(coords, (*lead, "dose"), (*lead, last), constants)

    def dataset(self, variables: Mapping[str, tuple[tuple[str, ...], Any]]) -> xr.Dataset:
        """Return the variables with the coordinates of their dimensions."""
        dims = {dim for used, _ in variables.values() for dim in used}
        coords: dict[str, Any] = {dim: list(value) for dim, value in self.coords.items() if dim in dims}
        for dim in dims & set(DRAW):
            coords[dim] = np.arange(
                next(array.shape[used.index(dim)] for used, array in variables.values() if dim in used)
            )
        return xr.Dataset({name: (list(used), array) for name, (used, array) in variables.items()}, coords)

    def known(self, dim: str) -> dict[str, Any]:
        """Return what is known of the doses along one dimension, as variables."""
        return {name: value for name, value in self.constants.items() if value[0] == dim}


@dataclass(frozen=True)
class Observed:
    """The tally where there are patients, along one dimension: a dose that nobody was given observes nothing.

    Parameters
    ----------
    n, y : int array [K]
    tried : bool array
        Which part of the tally they are.
    dim : str
    names : tuple
        Coordinates of `dim`.
    """

    n: IntArray
    y: IntArray
    tried: BoolArray
    dim: str
    names: tuple[Any, ...]

    @classmethod
    def of(cls, axes: Axes, tally: tuple[IntArray, IntArray]) -> Observed:
        """Return what was observed."""
        n, y = tally
        tried = n > 0
        each = list(itertools.product(*(axes.coords[dim] for dim in axes.data)))
        kept = [name for name, has in zip(each, tried.ravel(), strict=True) if has]
        dim = axes.data[0] if len(axes.data) == 1 else "observation"
        names = tuple(name[0] if len(name) == 1 else ": ".join(map(str, name)) for name in kept)
        return cls(n[tried], y[tried], tried, dim, names)

    def array(self, values: Any, units: str, text: str, lead: tuple[str, ...] = ()) -> xr.DataArray:
        """Return values [..., K] with their dimensions."""
        return xr.DataArray(
            values,
            dims=(*lead, self.dim),
            coords={self.dim: list(self.names)} | {dim: np.arange(values.shape[k]) for k, dim in enumerate(lead)},
            attrs={"units": units, "long_name": text},
        )

    def constants(self, axes: Axes) -> xr.Dataset:
        """Return the patients, and what is known of the doses that they were given."""
        result = {"n": self.array(self.n, "patients", "patients observed")}
        for name, (_, values, about) in axes.known(axes.data[-1]).items():
            here = np.broadcast_to(values, self.tried.shape)[self.tried]
            result[name] = self.array(here, about["units"], about["long_name"])
        return xr.Dataset(result)


def _dose_values(joint: Joint, values: Sequence[float] | None, unit: str | None) -> dict[str, Any]:
    model = joint.model
    curve = model.curve if isinstance(model, TwoPopulations | RobustPrior) else model
    if values is None and isinstance(curve, TwoParameterCurve):
        values, unit = curve.values, curve.unit
    if values is None:
        return {}
    if not unit:
        raise Faults([Fault("unit", "missing; wanted the unit of the doses")])
    if len(values) != model.doses:
        raise Faults([Fault("values", f"wanted {model.doses}, one a dose, got {len(values)}")])
    return {"dose_value": ("dose", [float(d) for d in values], {"units": unit, "long_name": "dose"})}


@dataclass(frozen=True, eq=False)
class Drawn:
    """What one way of computing has found: draws, and how it went.

    Parameters
    ----------
    theta : float array [chain, draw, P]
        The parameters.
    log_marginal : Estimate
        Log marginal likelihood of the patients in their order.
    stats : Dataset, optional
        `sample_stats` of a sampler; draws that are independent have none.
    """

    theta: FloatArray
    log_marginal: Estimate
    stats: xr.Dataset | None = None


def tree_of(
    joint: Joint,
    tally: tuple[IntArray, IntArray],
    axes: Axes,
    drawn: Drawn,
    sizes: IntArray | None,
    rng: np.random.Generator,
) -> xr.DataTree:
    """Return all groups for draws of one posterior; sizes [D] of the next cohort or None."""
    theta, stats = drawn.theta, drawn.stats
    posterior = _index(joint, theta, lambda t: joint.model_index(t, tally, rng))
    nothing = (np.zeros_like(tally[0]), np.zeros_like(tally[1]))
    blank = joint.draw(rng, PRIOR_DRAWS)[None]
    prior = _index(joint, blank, lambda t: joint.model_index(t, nothing, rng))
    observed = Observed.of(axes, tally)
    log_p = _pick(joint.observed(theta, np), posterior)[..., observed.tried]
    before = _pick(joint.observed(blank, np), prior)[..., observed.tried]
    objects = [] if stats is None else [name for name in stats.variables if stats[name].dtype == object]
    groups = {
        "posterior": _rates(joint, axes, theta, posterior),
        "posterior_predictive": _again(observed, log_p, rng),
        **({} if sizes is None else _following(joint, axes, theta, posterior, sizes, rng)),
        "log_likelihood": _log_likelihood(observed, log_p),
        "log_prior": axes.dataset({"parameters": (DRAW, joint.prior.log_density(theta) + _external(joint, theta))}),
        "prior": _rates(joint, axes, blank, prior),
        "prior_predictive": _again(observed, before, rng),
        **({} if stats is None else {"sample_stats": stats.drop_vars(objects)}),
        "observed_data": observed.array(observed.y, "DLTs", "DLTs observed").to_dataset(name="y"),
        "constant_data": observed.constants(axes),
    }
    tree = xr.DataTree.from_dict(groups)
    tree.attrs = {
        "log_marginal_likelihood": drawn.log_marginal.value,
        "log_marginal_likelihood_mcse": drawn.log_marginal.mcse,
    }
    part = joint.external_part(theta, np)
    if part is not None and isinstance(joint.model, RobustPrior):
        if joint.log_weights is not None:
            part = _pick(part[..., None], posterior)[..., 0]
        tree.attrs["external_weight"] = float(expit(part - np.log1p(-joint.model.external.weight)).mean())
    return tree


def _external(joint: Joint, theta: FloatArray) -> FloatArray:
    """Return by what external data change the log prior density."""
    found = np.asarray(joint.log_external(theta, np))
    if joint.log_weights is not None and found.ndim:
        found = np.logaddexp.reduce(found + joint.log_weights, axis=-1)
    return found


def _index(joint: Joint, theta: FloatArray, draw: Any) -> IntArray | None:
    return draw(theta) if joint.log_weights is not None else None


def _pick(log_p: FloatArray, index: IntArray | None) -> FloatArray:
    """Return the log rates, of the drawn model if there are several: [..., model, D] -> [..., D]."""
    if index is not None:
        log_p = np.take_along_axis(log_p, index[..., None, None], axis=-2)[..., 0, :]
    return log_p


def _rates(joint: Joint, axes: Axes, theta: FloatArray, index: IntArray | None) -> xr.Dataset:
    variables: dict[str, tuple[tuple[str, ...], Any]] = {
        name: (DRAW, theta[..., k]) for k, name in enumerate(joint.prior.names)
    }
    if index is not None:
        variables["model_index"] = (DRAW, index)
    variables["p_dlt"] = ((*DRAW, *axes.rates), np.exp(_pick(joint.reported(theta, np), index)))
    result = axes.dataset(variables)
    result["p_dlt"].attrs = {"units": "1", "long_name": "DLT rate"}
    return result


def _again(observed: Observed, log_p: FloatArray, rng: np.random.Generator) -> xr.Dataset:
    """Return DLTs of as many patients once more."""
    drawn = rng.binomial(observed.n, np.exp(log_p))
    return observed.array(drawn, "DLTs", "DLTs among as many patients", DRAW).to_dataset(name="y")


def _following(
    joint: Joint, axes: Axes, theta: FloatArray, index: IntArray | None, sizes: IntArray, rng: np.random.Generator
) -> dict[str, xr.Dataset]:
    """Return DLTs of the next cohort, were it at this dose; its size, and what is known of the doses."""
    drawn = rng.binomial(sizes, np.exp(_pick(joint.reported(theta, np), index)))
    result = axes.dataset({"y_next": ((*DRAW, *axes.rates), drawn)})
    result["y_next"].attrs = {"units": "DLTs", "long_name": "DLTs in the next cohort"}
    constants = axes.dataset({"n_next": (("dose",), sizes)}).assign(axes.known("dose"))
    return {"predictions": result, "predictions_constant_data": constants}


def _log_likelihood(observed: Observed, log_p: FloatArray) -> xr.Dataset:
    """Return the log likelihood of the DLTs at each dose, binomial coefficient included."""
    n, y = observed.n, observed.y
    log_choose = gammaln(n + 1) - gammaln(y + 1) - gammaln(n - y + 1)
    each = log_likelihood(log_p, n, y, np) + log_choose
    return observed.array(each, "1", "log likelihood of the DLTs at the dose", DRAW).to_dataset(name="y")
