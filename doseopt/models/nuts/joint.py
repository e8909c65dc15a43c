"""The joint density that is sampled: the prior, and the log DLT rates where they are reported and where data are."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import gammaln

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.base import GammaPrior, GaussianPrior, Model
from doseopt.models.beta import BetaBinomial
from doseopt.models.cloglog import LARGEST, TwoParameterCloglog
from doseopt.models.curves import ModelAverage, TwoParameterCurve
from doseopt.models.external import External, RobustPrior
from doseopt.models.kinds import PlainCurve
from doseopt.models.likelihood import log_likelihood
from doseopt.models.monotone import Monotone
from doseopt.models.nuts.slope import SampledSlope
from doseopt.models.populations import TwoPopulations
from doseopt.models.quadrature import log_robust_weights
from doseopt.models.quadrature.drawn import draw
from doseopt.models.quadrature.hazard import exposed
from doseopt.models.quadrature.mixed import Weights
from doseopt.models.stick import BetaPrior

type Plain = Model | BetaBinomial | ModelAverage | Monotone | TwoPopulations
type Sampled = Plain | RobustPrior[PlainCurve]
"""What can be sampled."""


class Estimate(NamedTuple):
    """A number and its Monte Carlo error."""

    value: float
    mcse: float


def _sampled[P: GaussianPrior | BetaPrior](prior: P | GammaPrior) -> P | SampledSlope:
    """Return a prior as it is sampled."""
    return SampledSlope(prior) if isinstance(prior, GammaPrior) else prior


@dataclass(frozen=True)
class Joint:
    """A model and the doses that its data were given at.

    The models of a model average share one parameter theta: p(theta, m) = p(theta) w_m is as good a joint prior as any,
    because a model's rates depend on its own theta alone. The index m is summed out of the likelihood.

    Parameters
    ----------
    model : Model, BetaBinomial, ModelAverage, Monotone, TwoPopulations or RobustPrior
    at : tuple of float, optional
        Doses the patients were in fact given, in the unit of the model. Without it: those of the model.
    weights : tuple of tuple of float
        For each of the doses with data, in each population, w of further patients, whose likelihood is 1 - w p.
    struck : tuple of tuple of float
        Of a hazard model, likewise the shares of the window after which DLTs came, of which this is known.
    """

    model: Sampled
    at: tuple[float, ...] | None = None
    weights: Weights = ()
    struck: Weights = ()

    def __post_init__(self) -> None:
        """Check that the model takes actual doses."""
        if self.at is not None and not isinstance(self.curve, TwoParameterCurve | TwoPopulations):
            message = (
                f"{type(self.curve).__name__} knows the planned doses only; wanted a model in the doses or "
                f"TwoPopulations for doses actually given"
            )
            raise Faults([Fault("at", message)])
        priors = {model.prior() for model in self.curve.models} if isinstance(self.curve, ModelAverage) else ()
        if len(priors) > 1 and any(isinstance(prior, GammaPrior) for prior in priors):
            wanted = "wanted one prior of the slope for all models, to sample their average; quadrature takes several"
            raise Faults([Fault("models", wanted)])

    @classmethod
    def of(
        cls, model: Sampled, at: Sequence[float] | None = None, weights: Weights = (), struck: Weights = ()
    ) -> Joint:
        """Return the joint density; nobody in part is stated in one way."""
        given = None if at is None else tuple(float(d) for d in at)
        return cls(model, given, weights if any(weights) else (), struck if any(struck) else ())

    @property
    def shared(self) -> Joint:
        """What is compiled once for all data sets that differ in numbers alone."""
        return dataclasses.replace(self, weights=(), struck=()) if self.exposure else self

    @functools.cached_property
    def exposure(self) -> dict[str, FloatArray]:
        """Of a hazard model, by dose: further windows followed, and the DLTs whose time is known; {} of others."""
        if not isinstance(self.curve, TwoParameterCloglog):
            return {}
        nothing = np.zeros(self.data_shape)
        windows, _, timed = exposed(nothing, nothing, self.weights, self.struck)
        return {"exposure_data": windows + timed, "timed_data": timed.astype(float)}

    @property
    def curve(self) -> Plain:
        """The model with the prior alone."""
        return self.model.curve if isinstance(self.model, RobustPrior) else self.model

    @property
    def groups(self) -> tuple[str, ...]:
        """Names of the populations; () for models of one."""
        return self.curve.groups if isinstance(self.curve, TwoPopulations) else ()

    @property
    def log_weights(self) -> FloatArray | None:
        """Log prior probability of each model of an average, [M]."""
        return np.log(self.curve.weights) if isinstance(self.curve, ModelAverage) else None

    @property
    def data_shape(self) -> tuple[int, ...]:
        """Shape of n and y."""
        last = self.curve.doses if self.at is None else len(self.at)
        return (len(self.groups), last) if self.groups else (last,)

    @functools.cached_property
    def prior(self) -> GaussianPrior | BetaPrior | SampledSlope:
        """Prior of the parameters; for a model average with different priors, of the standard normal z they share."""
        if isinstance(self.curve, ModelAverage):
            priors = {model.prior() for model in self.curve.models}
            return _sampled(priors.pop()) if len(priors) == 1 else GaussianPrior(("b_standardised",), (0.0,), ((1.0,),))
        if isinstance(self.curve, BetaBinomial):
            names = tuple(f"logit_p{j}" for j in range(1, self.curve.doses + 1))
            return BetaPrior(names, (float(self.curve.a),) * len(names), (float(self.curve.b),) * len(names))
        return _sampled(self.curve.prior())

    def reported(self, theta: Any, xp: Any) -> Any:
        """Return the log DLT rates; theta [..., P] -> [..., D], [..., group, D] or [..., model, D]."""
        if isinstance(self.curve, BetaBinomial):
            return -xp.logaddexp(0.0, -theta)
        if isinstance(self.curve, ModelAverage):
            shared = self.prior.names == ("b_standardised",)
            own = [model.prior().theta(theta) if shared else theta for model in self.curve.models]
            rates = [model.log_dlt_rate(t, xp) for model, t in zip(self.curve.models, own, strict=True)]
            return xp.stack(rates, axis=-2)
        return self.curve.log_dlt_rate(theta, xp)

    def observed(self, theta: Any, xp: Any) -> Any:
        """Return the log DLT rates at the doses of the data."""
        if self.at is not None and isinstance(self.curve, TwoParameterCurve | TwoPopulations):
            return self.curve.at(self.at).log_dlt_rate(theta, xp)
        return self.reported(theta, xp)

    def in_part(self, theta: Any, xp: Any, exposure: Mapping[str, Any] | None = None) -> Any:
        """Return the log likelihood of those who count in part, [..., P] -> [...], or [..., model]; 0 without any.

        Of a hazard model DLTs whose time is known are in it, too, less what they are worth as those among y.
        """
        if isinstance(self.curve, TwoParameterCloglog):
            eta = (self.curve if self.at is None else self.curve.at(self.at)).eta(theta, xp)
            windows, timed = (exposure or self.exposure).values()
            each = timed * (eta - self.observed(theta, xp)) - windows * xp.exp(xp.minimum(eta, LARGEST))
            return each.sum(axis=-1)
        log_p, places = self.observed(theta, xp), list(np.ndindex(self.data_shape))
        each = [
            xp.log1p(-w * xp.exp(log_p[(..., *place)]))
            for place, some in zip(places, self.weights or ((),) * len(places), strict=True)
            for w in some
        ]
        return sum(each)

    def log_external(self, theta: Any, xp: Any) -> Any:
        """Return by what external data change the log prior density, [..., P] -> [...], or [..., model]; 0 without.

        Of a mixture of a prior and that prior updated, log((1 - w) + w L(theta) / m): L is the likelihood of the
        external patients and m their marginal likelihood.
        """
        part = self.external_part(theta, xp)
        return 0.0 if part is None else xp.logaddexp(math.log1p(-self._external.weight), part)

    def external_part(self, theta: Any, xp: Any) -> Any:
        """Return log w L(theta) / m, see `log_external`; None without external data."""
        if not isinstance(self.model, RobustPrior):
            return None
        n, y = np.array(self._external.n), np.array(self._external.y)
        return log_likelihood(self.reported(theta, xp), n, y, xp).sum(axis=-1) + log_robust_weights(self.model)[0]

    @property
    def _external(self) -> External:
        assert isinstance(self.model, RobustPrior)
        return self.model.external

    def log_likelihood(self, theta: FloatArray, n: IntArray, y: IntArray) -> FloatArray:
        """Return the log likelihood of the patients in their order (no binomial coefficients); [..., P] -> [...].

        External data, which are part of the prior of the parameters and of the model, count here.
        """
        each = log_likelihood(self.observed(theta, np), n, y, np)
        beside = self.in_part(theta, np) + self.log_external(theta, np)
        if self.log_weights is not None:
            return np.asarray(np.logaddexp.reduce(each.sum(axis=-1) + beside + self.log_weights, axis=-1))
        return np.asarray(each.sum(axis=tuple(range(-len(self.data_shape), 0))) + beside)

    def model_index(self, theta: FloatArray, tally: tuple[IntArray, IntArray], rng: np.random.Generator) -> IntArray:
        """Draw the model of an average from its probabilities given theta and the tally; [..., P] -> [...]."""
        n, y = tally
        log_weight = log_likelihood(self.observed(theta, np), n, y, np).sum(axis=-1) + self.log_weights
        log_weight = log_weight + self.log_external(theta, np) + (self.in_part(theta, np) if n.any() else 0.0)
        return np.asarray((log_weight + rng.gumbel(size=log_weight.shape)).argmax(axis=-1))

    def theta(self, z: Any, xp: Any) -> Any:
        """Return the parameters; z [..., P], what is sampled, -> [..., P]."""
        return self.prior.theta(z) if isinstance(self.prior, GaussianPrior) else self.prior.theta(z, xp)

    def draw(self, rng: np.random.Generator, size: int) -> FloatArray:
        """Draw theta from the prior, [size, P]; of a mixture, from each part as often as it holds."""
        if not isinstance(self.model, RobustPrior):
            return self._draw(rng, size)
        nobody = np.zeros(self.curve.doses, np.int64)
        return draw(self.model, nobody, nobody, size, rng)[0]

    def _draw(self, rng: np.random.Generator, size: int) -> FloatArray:
        if isinstance(self.prior, GaussianPrior):
            return np.asarray(self.prior.theta(rng.standard_normal((size, len(self.prior.names)))))
        return self.prior.draw(rng, size)

    def log_prior(self, z: FloatArray) -> FloatArray:
        """Return the log prior density of z; [..., P] -> [...]."""
        if isinstance(self.prior, GaussianPrior):
            return np.asarray(-(z**2 + np.log(2 * np.pi)).sum(axis=-1) / 2)
        return np.asarray(self.prior.log_densities(z, np).sum(axis=-1))

    def log_marginal(self, z: FloatArray, tally: tuple[IntArray, IntArray], rng: np.random.Generator) -> Estimate:
        """Return the log marginal likelihood and its Monte Carlo error, by importance sampling.

        Proposals are multivariate t with 5 degrees of freedom, the mean of the posterior draws z [N, P] and 1.5 times
        their covariance; their tails are heavier than those of any prior here.
        """
        df, size, count = 5, 20_000, z.shape[-1]
        scale = np.linalg.cholesky(1.5 * np.atleast_2d(np.cov(z, rowvar=False)))
        t = rng.standard_normal((size, count)) / np.sqrt(rng.chisquare(df, (size, 1)) / df)
        constant = gammaln((df + count) / 2) - gammaln(df / 2) - count / 2 * np.log(df * np.pi)
        log_q = constant - (df + count) / 2 * np.log1p((t**2).sum(axis=1) / df) - np.log(np.diag(scale)).sum()
        proposal = z.mean(axis=0) + t @ scale.T
        log_w = self.log_prior(proposal) + self.log_likelihood(self.theta(proposal, np), *tally) - log_q
        peak = log_w.max()
        weight = np.exp(log_w - peak)
        return Estimate(float(peak + np.log(weight.mean())), float(weight.std() / weight.mean() / np.sqrt(size)))


def check_tally(joint: Joint, n: npt.ArrayLike, y: npt.ArrayLike) -> tuple[IntArray, IntArray]:
    """Return n and y as whole numbers if they are a tally of the shape that the model wants."""
    result = []
    for name, given in (("n", n), ("y", y)):
        array = np.asarray(given)
        if array.shape != joint.data_shape:
            raise Faults([Fault(name, f"wanted shape {joint.data_shape}, got {array.shape}")])
        if not (np.issubdtype(array.dtype, np.number) and (array == np.floor(array)).all()):
            raise Faults([Fault(name, f"wanted whole numbers, got {array.tolist()}")])
        result.append(array.astype(np.int64))
    if (result[1] < 0).any() or (result[1] > result[0]).any():
        message = f"wanted 0 <= y <= n at each dose, got n = {result[0].tolist()}, y = {result[1].tolist()}"
        raise Faults([Fault("", message)])
    return result[0], result[1]
