"""DLT rates of a one-parameter model as functions of its standardised parameter z: theta = mean + L z."""

from __future__ import annotations

import functools

import numpy as np

from doseopt.core.state import BoolArray, FloatArray
from doseopt.models.base import Model, Prior
from doseopt.models.curves import Empiric, OneParameterLogistic
from doseopt.models.root import root

FAR = 40.0
"""Distance in z beyond which no prior mass is left in double precision."""
LOWEST = -1e200
"""Least log rate, so that 0 patients times it is 0."""


def log_complement(log_p: FloatArray) -> FloatArray:
    """Return log(1 - p) given log p."""
    half = -np.log(2)
    with np.errstate(under="ignore"):
        return np.where(log_p > half, np.log(-np.expm1(log_p)), np.log1p(-np.exp(np.minimum(log_p, half))))


def log_rates(model: Model, z: FloatArray, prior: Prior | None = None) -> FloatArray:
    """Return log p at z [...] -> [..., D], kept finite and below 0 so that log(1 - p) is finite; `prior` is its own."""
    with np.errstate(over="ignore"):
        log_p = np.asarray(model.log_dlt_rate((prior or model.prior()).theta(z[..., None]), np))
    return np.clip(log_p, LOWEST, -1e-300)


@functools.lru_cache(maxsize=256)
def rising(model: Model) -> BoolArray:
    """Return whether each DLT rate rises with z, [D]."""
    low, high = log_rates(model, np.array([-FAR, FAR]))
    return np.asarray(high > low)


def cuts(model: Model, rates: FloatArray) -> FloatArray:
    """Return the z at which doses have these DLT rates, or the end, -FAR or FAR, nearest to it, [C] -> [C, D]."""
    prior, shape = model.prior(), (len(rates), model.doses)  # made once: to check it takes longer than to use it
    if isinstance(model, Empiric | OneParameterLogistic):
        logit = np.broadcast_to((np.log(rates) - np.log1p(-rates))[:, None], shape)
        return np.asarray(np.clip(prior.z(model.theta_at(logit)), -FAR, FAR))

    def excess(z: FloatArray) -> FloatArray:
        return np.asarray(np.diagonal(log_rates(model, z, prior), axis1=-2, axis2=-1) - np.log(rates)[:, None])

    far = np.full(shape, FAR)
    low, high = excess(-far), excess(far)
    end = np.where((low > 0) != rising(model), far, -far)
    return np.where((low > 0) == (high > 0), end, root(excess, -far, far))
