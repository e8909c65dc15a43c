"""Model -> posterior for a whole batch of tallies, deterministic.

``quadrature(model).posterior(n, y)`` is the way in, for every model that needs no sampling:

- one parameter (``Empiric``, ``OneParameterLogistic``): ``one_parameter``, and ``fitted`` where its nodes do not do;
- ``TwoParameterLogistic``: ``two_parameter``, and ``nested`` where its nodes do not do;
- ``ModelAverage`` over one-parameter models: ``average``;
- ``BetaBinomial``: closed form, ``beta``.

``posterior_after`` answers for one tally, which needs no nodes that others share: they take longer to make than to use.

Every tally's error is bounded, and what is not accurate enough is computed on panels of its own. Against independent
rules: means, sds and interval probabilities within 1e-9, the probability at a quantile within 3e-7; for prior standard
deviations of 0.001 to 10, correlations to 0.9999, 1 to 41 doses and up to 1,000 patients at each. An integrand that
cannot be resolved is a fault that names the prior.
"""

from __future__ import annotations

import functools
from typing import overload

import numpy as np

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import IntArray
from doseopt.models.base import Model
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterLogistic
from doseopt.models.quadrature import fitted, nested
from doseopt.models.quadrature.average import AverageQuadrature, solve_alone
from doseopt.models.quadrature.batch import Distributed, Engine, Values
from doseopt.models.quadrature.one_parameter import OneParameterQuadrature
from doseopt.models.quadrature.two_parameter import TwoParameterQuadrature

__all__ = ["posterior_after", "quadrature"]


@overload
def quadrature(model: Empiric | OneParameterLogistic) -> OneParameterQuadrature: ...
@overload
def quadrature(model: TwoParameterLogistic) -> TwoParameterQuadrature: ...
@overload
def quadrature(model: ModelAverage) -> AverageQuadrature: ...
@overload
def quadrature(model: Model | BetaBinomial) -> Engine: ...
def quadrature(model: Model | ModelAverage | BetaBinomial) -> Engine:
    """Return what computes the posteriors of a model; the same object for equal models.

    Parameters
    ----------
    model : Model, ModelAverage or BetaBinomial

    Raises
    ------
    Faults
        If the model has more than one parameter and is not a two-parameter logistic one.
    """
    return _engine(model)


def posterior_after(
    model: Model | ModelAverage | BetaBinomial, n: IntArray, y: IntArray, at: Values | None = None
) -> Distributed:
    """Return the posterior after one tally, a batch of one, without nodes that other tallies could share.

    Parameters
    ----------
    model : Model, ModelAverage or BetaBinomial
    n, y : int array [K]
        Patients and DLTs at each dose with data.
    at : tuple of float [K]
        The doses with data of a two-parameter logistic model, in its unit; the model's own unless given.
    """
    n, y = np.atleast_2d(n, y)
    if isinstance(model, TwoParameterLogistic):
        return nested.solve(model, model.values if at is None else at, n, y)
    if isinstance(model, ModelAverage):
        return solve_alone(model, n, y)
    if isinstance(model, Empiric | OneParameterLogistic):
        return fitted.solve(model, n, y)
    return quadrature(model).posterior(n, y)


@functools.lru_cache(maxsize=256)
def _engine(model: Model | ModelAverage | BetaBinomial) -> Engine:
    if isinstance(model, BetaBinomial):
        return model
    if isinstance(model, ModelAverage):
        return AverageQuadrature(model)
    if isinstance(model, TwoParameterLogistic):
        return TwoParameterQuadrature(model)
    names = model.prior().names
    if len(names) != 1:
        message = (
            f"wanted a model with one parameter or a TwoParameterLogistic, got {type(model).__name__} with "
            f"{', '.join(names)}: sample it"
        )
        raise Faults([Fault("", message)])
    return OneParameterQuadrature(model)
