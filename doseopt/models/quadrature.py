"""Model -> posterior for a whole batch of tallies, deterministic.

``quadrature(model).posterior(n, y)`` is the one way in, for every model that needs no sampling:

- one parameter (``Empiric``, ``OneParameterLogistic``): ``one_parameter``;
- ``TwoParameterLogistic``: ``two_parameter``;
- ``ModelAverage`` over one-parameter models: ``average``;
- ``BetaBinomial``: closed form, ``beta``.

Against adaptive quadrature, tallies of up to 36 patients, extreme ones included: one parameter, means within 1e-6,
interval probabilities and the distribution function at a quantile within 1e-5; two parameters, 1e-5 and 1e-4.
"""

from __future__ import annotations

import functools
from typing import overload

from doseopt.models.average import AverageQuadrature
from doseopt.models.base import Model
from doseopt.models.batch import Engine
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterLogistic
from doseopt.models.one_parameter import OneParameterQuadrature
from doseopt.models.two_parameter import TwoParameterQuadrature

__all__ = ["quadrature"]


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
    ValueError
        If the model has more than one parameter and is not a two-parameter logistic one.
    """
    return _engine(model)


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
        raise ValueError(
            f"wanted a model with one parameter or a TwoParameterLogistic, got {type(model).__name__} with "
            f"{', '.join(names)}: sample it"
        )
    return OneParameterQuadrature(model)
