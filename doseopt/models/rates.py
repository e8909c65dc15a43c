"""DLT rates of a one-parameter model as functions of its standardised parameter z: theta = mean + L z."""

from __future__ import annotations

import functools

import numpy as np

from doseopt.core.state import BoolArray, FloatArray
from doseopt.models.base import GaussianPrior, Model
from doseopt.models.curves import Empiric, OneParameterLogistic

FAR = 40.0
"""Distance in z beyond which no prior mass is left in double precision."""
LOWEST = -1e200
"""Least log rate, so that 0 patients times it is 0."""


def log_complement(log_p: FloatArray) -> FloatArray:
    """Return log(1 - p) given log p."""
    half = -np.log(2)
    with np.errstate(under="ignore"):
        return np.where(log_p > half, np.log(-np.expm1(log_p)), np.log1p(-np.exp(np.minimum(log_p, half))))


def log_rates(model: Model, z: FloatArray, prior: GaussianPrior | None = None) -> FloatArray:
    """Return log p at z [...] -> [..., D], kept finite and below 0 so that log(1 - p) is finite; `prior` is its own."""
    with np.errstate(over="ignore"):
        log_p = np.asarray(model.log_dlt_rate((prior or model.prior()).theta(z[..., None]), np))
    return np.clip(log_p, LOWEST, -1e-300)


@functools.lru_cache(maxsize=256)
def rising(model: Model) -> BoolArray:
    """Return whether each DLT rate rises with z, [D]."""
    low, high = log_rates(model, np.array([-FAR, FAR]))
    return np.asarray(high > low)


@functools.lru_cache(maxsize=256)
def cuts(model: Model, rate: float) -> FloatArray:
    """Return the z at which each dose has this DLT rate, or the end, -FAR or FAR, that is nearest to having it, [D]."""
    if not isinstance(model, Empiric | OneParameterLogistic):
        return np.array([_sought(model, rate, dose) for dose in range(model.doses)])
    logit, prior = np.full(model.doses, np.log(rate) - np.log1p(-rate)), model.prior()
    return np.asarray(np.clip((model.theta_at(logit) - prior.mean[0]) / prior.cholesky[0, 0], -FAR, FAR))


def _sought(model: Model, rate: float, dose: int) -> float:
    from scipy.optimize import brentq  # slow to import

    prior = model.prior()  # made once: to check it takes longer than to use it

    def excess(z: float) -> float:
        return float(log_rates(model, np.array(z), prior)[dose] - np.log(rate))

    low, high = excess(-FAR), excess(FAR)
    if (low > 0) == (high > 0):
        return FAR if (low > 0) != rising(model)[dose] else -FAR
    return float(brentq(excess, -FAR, FAR, xtol=1e-13))
