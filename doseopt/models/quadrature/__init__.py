"""Model -> posterior for a whole batch of tallies, deterministic.

``quadrature(model).posterior(n, y)`` is the way in, for every model that needs no sampling:

- one parameter (``Empiric``, ``OneParameterLogistic``): ``one_parameter``, and ``fitted`` where its nodes do not do;
  ``rough`` for decisions;
- ``TwoParameterLogistic``: ``two_parameter``, and ``nested`` where its nodes do not do;
- ``TwoParameterCloglog``: ``hazard``;
- ``ModelAverage`` over one-parameter models: ``average``;
- ``BetaBinomial``: closed form, ``beta``;
- ``Monotone``: closed form, ``ordered``;
- ``RobustPrior`` of any of these, and patients who count in part: mixtures, ``mixed``.

``posterior_after`` answers for one tally, which needs no nodes that others share: they take longer to make than to use.

Every tally's error is bounded, and what is not accurate enough is computed on panels of its own. Against independent
rules: means, sds and interval probabilities within 1e-9, for prior standard deviations of 0.001 to 10, correlations to
0.9999, 1 to 41 doses and up to 1,000 patients at each; the probability at a quantile within 3e-7, but where a prior sd
of log b is below 0.2: within 3e-4 beside one of log a above 4, within 1.3e-3 after 1,000 patients at each dose. An
integrand that cannot be resolved is a fault that names the prior.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

import numpy as np

from doseopt.core.later import later
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.base import Model
from doseopt.models.beta import BetaBinomial
from doseopt.models.cloglog import TwoParameterCloglog
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterCurve, TwoParameterLogistic
from doseopt.models.external import RobustPrior
from doseopt.models.kinds import PlainCurve
from doseopt.models.monotone import Monotone
from doseopt.models.quadrature.batch import Distributed, Engine, Values

for part in ("average", "fitted", "hazard", "mixed", "nested", "one_parameter", "ordered", "two_parameter"):
    later(f"{__name__}.{part}")  # a study has few models
from doseopt.models.quadrature import average, fitted, hazard, mixed, nested, one_parameter, ordered, two_parameter  # noqa: E402

__all__ = ["posterior_after", "quadrature"]


type Plain = Model | ModelAverage | BetaBinomial | Monotone


@overload
def quadrature(model: Empiric | OneParameterLogistic) -> one_parameter.OneParameterQuadrature: ...
@overload
def quadrature(model: TwoParameterLogistic) -> two_parameter.TwoParameterQuadrature: ...
@overload
def quadrature(model: TwoParameterCloglog) -> hazard.HazardQuadrature: ...
@overload
def quadrature(model: ModelAverage) -> average.AverageQuadrature: ...
@overload
def quadrature(model: Plain | RobustPrior[PlainCurve]) -> Engine: ...
def quadrature(model: Plain | RobustPrior[PlainCurve]) -> Engine:
    """Return what computes the posteriors of a model; the same object for equal models.

    Parameters
    ----------
    model : Model, ModelAverage, BetaBinomial, Monotone or RobustPrior

    Raises
    ------
    Faults
        If the model has more than one parameter and is none of these.
    """
    return _engine(model)


def posterior_after(
    model: Plain | RobustPrior[PlainCurve],
    n: IntArray,
    y: IntArray,
    at: Values | None = None,
    weights: Sequence[Sequence[float]] = (),
    struck: Sequence[Sequence[float]] = (),
) -> Distributed:
    """Return the posterior after one tally, a batch of one, without nodes that other tallies could share.

    Parameters
    ----------
    model : Model, ModelAverage, BetaBinomial, Monotone or RobustPrior
    n, y : int array [K]
        Patients and DLTs at each dose with data.
    at : tuple of float [K]
        The doses with data of a two-parameter logistic model, in its unit; the model's own unless given.
    weights : sequence of sequence of float, optional
        For each of the K doses, w of further patients, whose likelihood is 1 - w p (see ``mixed``), or by the hazard
        of ``TwoParameterCloglog`` (1 - p)^w.
    struck : sequence of sequence of float, optional
        For each of the K doses, the share of the window after which DLTs came of which this is known, for
        ``TwoParameterCloglog``: they are among y.
    """
    if isinstance(model, RobustPrior) or any(weights) or any(struck):
        parts = tallies_of(model, n, y, at, weights, struck)
        return mixed.MixedPosterior.of(parts.posterior(), parts.log_weight[None])
    return _after(model, *np.atleast_2d(n, y), at)


class Parts(NamedTuple):
    """The parts of a mixture: a model after M tallies [M, K] at some doses, and the logarithms of their weights [M].

    Of a hazard model DLTs whose time is known, [K], are apart from y.
    """

    curve: Plain
    n: IntArray
    y: IntArray
    at: Values | None
    log_weight: FloatArray
    timed: IntArray

    def posterior(self) -> Distributed:
        """Return the posterior of each part."""
        return _after(self.curve, self.n, self.y, self.at, self.timed)


def tallies_of(
    model: Plain | RobustPrior[PlainCurve],
    n: IntArray,
    y: IntArray,
    at: Values | None,
    weights: Sequence[Sequence[float]],
    struck: Sequence[Sequence[float]] = (),
) -> Parts:
    """Return the parts of a posterior that is a mixture: see `posterior_after` for the arguments.

    Those with the external data come first, in turn with those without.
    """
    timed = np.zeros(len(n), np.int64)
    if isinstance(model.curve if isinstance(model, RobustPrior) else model, TwoParameterCloglog):
        n, y, timed = hazard.exposed(n, y, weights, struck)
        weights = ()
    n, y = np.atleast_2d(n, y)
    completed, log_weight = mixed.completions(weights if any(weights) else ((),) * n.shape[1])
    n, y = n + completed, y + 0 * completed
    if not isinstance(model, RobustPrior):
        return Parts(model, n, y, at, log_weight, timed)
    curve, more, dlts = model.curve, np.array(model.external.n), np.array(model.external.y)
    if at is not None and isinstance(curve, TwoParameterCurve):
        # the external patients are at the planned doses, columns of their own
        at, blank = (*curve.values, *at), np.zeros_like(more)
        timed = np.concatenate([blank, timed])
        n, y = (np.column_stack([np.tile(blank, (len(part), 1)), part]) for part in (n, y))
        more, dlts = (np.concatenate([part, np.zeros(n.shape[1] - len(part), np.int64)]) for part in (more, dlts))
    both = [np.stack([part + extra, part], axis=1).reshape(-1, part.shape[1]) for part, extra in ((n, more), (y, dlts))]
    return Parts(curve, both[0], both[1], at, (log_weight[:, None] + log_robust_weights(model)).ravel(), timed)


def _after(model: Plain, n: IntArray, y: IntArray, at: Values | None, timed: IntArray | None = None) -> Distributed:
    """Return the posteriors after tallies of one kind [M, K]."""
    if isinstance(model, TwoParameterLogistic):
        return nested.solve(model, model.values if at is None else at, n, y)
    if isinstance(model, TwoParameterCloglog):
        return hazard.HazardQuadrature(model).posterior(n, y, at, timed)
    if isinstance(model, ModelAverage):
        return average.solve_alone(model, n, y)
    if isinstance(model, Empiric | OneParameterLogistic):
        return fitted.solve(model, n, y)
    return quadrature(model).posterior(n, y)


@functools.lru_cache(maxsize=256)
def log_robust_weights(model: RobustPrior[PlainCurve]) -> FloatArray:
    """Return the logarithms of the prior weights of both parts, the first over the evidence of the external data."""
    seen = _after(model.curve, *np.atleast_2d(model.external.n, model.external.y), None).log_marginal()[0]
    return np.array([np.log(model.external.weight) - seen, np.log1p(-model.external.weight)])


@dataclass(frozen=True)
class _Robust:
    """Posteriors of a model whose prior is a mixture, for a batch."""

    model: RobustPrior[PlainCurve]

    def posterior(self, n: IntArray, y: IntArray) -> mixed.MixedPosterior:
        """Return the posterior after y DLTs in n patients at each dose, [S, D]."""
        extra = (np.array(self.model.external.n), np.array(self.model.external.y))
        both = [
            np.stack([part + e, part], axis=1).reshape(-1, part.shape[1]) for part, e in zip((n, y), extra, strict=True)
        ]
        parts = quadrature(self.model.curve).posterior(both[0], both[1])
        return mixed.MixedPosterior.of(parts, np.tile(log_robust_weights(self.model), (len(n), 1)))

    def nodes(self, patients: int) -> int:
        """Return how many nodes are visited for a tally of so many patients."""
        return 2 * quadrature(self.model.curve).nodes(patients + sum(self.model.external.n))


@functools.lru_cache(maxsize=256)
def _engine(model: Plain | RobustPrior[PlainCurve]) -> Engine:
    if isinstance(model, RobustPrior):
        return _Robust(model)
    if isinstance(model, BetaBinomial):
        return model
    if isinstance(model, Monotone):
        return ordered.OrderedQuadrature(model)
    if isinstance(model, ModelAverage):
        return average.AverageQuadrature(model)
    if isinstance(model, TwoParameterLogistic):
        return two_parameter.TwoParameterQuadrature(model)
    if isinstance(model, TwoParameterCloglog):
        return hazard.HazardQuadrature(model)
    names = model.prior().names
    if len(names) != 1:
        message = (
            f"wanted a model with one parameter or a TwoParameterLogistic, got {type(model).__name__} with "
            f"{', '.join(names)}: sample it"
        )
        raise Faults([Fault("", message)])
    return one_parameter.OneParameterQuadrature(model)
