"""Model -> posterior for a whole batch of tallies, deterministic.

``quadrature(model).posterior(n, y)`` is the one way in, for every model that needs no sampling:

- one parameter (``Empiric``, ``OneParameterLogistic``): ``one_parameter``, and ``fitted`` where its nodes do not do;
- ``TwoParameterLogistic``: ``two_parameter``, and ``nested`` where its nodes do not do;
- ``ModelAverage`` over one-parameter models: ``average``;
- ``BetaBinomial``: closed form, ``beta``.

Every tally's error is bounded, and what is not accurate enough is computed on panels of its own. Against independent
rules: means, sds and interval probabilities within 1e-9, the probability at a quantile within 3e-7; for prior standard
deviations of 0.001 to 10, correlations to 0.9999, 1 to 41 doses and up to 1,000 patients at each. An integrand that
cannot be resolved is a fault that names the prior.
"""

from __future__ import annotations

import functools
from typing import overload

from doseopt.core.parameters import Fault, Faults
from doseopt.models.base import Model
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterLogistic
from doseopt.models.quadrature.average import AverageQuadrature
from doseopt.models.quadrature.batch import Engine
from doseopt.models.quadrature.one_parameter import OneParameterQuadrature
from doseopt.models.quadrature.two_parameter import TwoParameterQuadrature

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
    Faults
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
        message = (
            f"wanted a model with one parameter or a TwoParameterLogistic, got {type(model).__name__} with "
            f"{', '.join(names)}: sample it"
        )
        raise Faults([Fault("", message)])
    return OneParameterQuadrature(model)
