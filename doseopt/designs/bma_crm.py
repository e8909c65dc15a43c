"""The continual reassessment method averaged over several skeletons."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from doseopt.core.design import Row
from doseopt.core.parameters import MOST_DOSES, Fault, are_numbers, param
from doseopt.core.posterior import Posterior
from doseopt.core.state import BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.designs.model_based import ModelBased
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.designs.selection import least_penalised
from doseopt.models.curves import Empiric, ModelAverage
from doseopt.models.penalised import expected_penalty
from doseopt.models.prior_limits import LARGEST_SD, SMALLEST_SD
from doseopt.models.quadrature import quadrature
from doseopt.models.skeleton import IndifferenceInterval, skeleton_fault


def _skeletons_fault(value: Any) -> str | None:
    if value is None:
        return None
    if not isinstance(value, tuple) or not value or not all(isinstance(s, tuple) for s in value):
        return f"wanted a list of skeletons, each increasing rates in (0, 1), got {value!r}"
    found = {i: skeleton_fault(s) for i, s in enumerate(value)}
    return next((f"skeleton {i + 1}: {message}" for i, message in found.items() if message), None)


def _weights_fault(value: Any) -> str | None:
    if value is None:
        return None
    if are_numbers(value) and all(w > 0 for w in value) and abs(sum(value) - 1) < 1e-9:
        return None
    return f"wanted positive weights that sum to 1, one a skeleton, got {value!r}"


@dataclass(frozen=True)
class BMACRM(ModelBased):
    """Bayesian model averaging continual reassessment method.

    Model k is p_j = s_kj^exp(b), b ~ N(0, prior_sd^2), and holds with prior probability w_k. After every cohort the
    next is given the dose whose posterior mean DLT rate, averaged over the models with their posterior probabilities,
    is closest to the target, ties to the lower, or by `cibp` the one with the least expected penalty. The MTD is that
    choice without modifiers.

    Parameters
    ----------
    doses : int
    target : float
    skeletons : tuple of tuple of float, optional
        s_k. Left out: one for each dose as prior MTD, by indifference intervals of half-width `halfwidth`.
    halfwidth : float
        Of the indifference intervals, if no skeletons are stated.
    weights : tuple of float, optional
        w_k; equal when left out.
    prior_sd : float
        Standard deviation of b.
    cibp : float, optional
        a of convex infinite bounds penalisation, as of CRM; the expectation is over the models, too, so that a dose has
        one only where it has one under each of them.
    select_untried : bool
        Whether the MTD may be a dose that no patient had.
    cohort, start : int
        Cohort size; first dose level, counted from 1.

    Notes
    -----
    Names: "BMA-CRM". CIBP: Mozgunov & Jaki 2020, Statistics in Medicine 39:1715.

    References
    ----------
    Yin & Yuan 2009, Journal of the American Statistical Association 104:954.

    Examples
    --------
    >>> from doseopt import BMACRM, after
    >>> design = BMACRM(doses=3, target=0.25, skeletons=((0.1, 0.25, 0.4), (0.02, 0.08, 0.25)))
    >>> [design.decide(after(design, seen)).dose.item() + 1 for seen in ("1NNN", "1NNT", "1NTT")]
    [3, 1, 1]
    """

    doses: int = param(kind=int, low=1, high=MOST_DOSES)
    target: float = param(kind=float, low=0, high=1, open_low=True, open_high=True, doc="target DLT rate")
    skeletons: tuple[tuple[float, ...], ...] | None = param(
        None, kind=tuple, custom=_skeletons_fault, doc="several lists of prior guesses of the DLT rates"
    )
    halfwidth: float = param(
        0.05, low=0, high=0.5, open_low=True, open_high=True, doc="of the indifference intervals without skeletons"
    )
    weights: tuple[float, ...] | None = param(None, kind=tuple, custom=_weights_fault, doc="prior model probabilities")
    prior_sd: float = param(math.sqrt(1.34), low=SMALLEST_SD, high=LARGEST_SD, doc="standard deviation of b")
    cibp: float | None = param(
        None, kind=float, low=0, high=2, open_low=True, open_high=True, optional=True, doc="asymmetry a of the penalty"
    )
    select_untried: bool = param(True, declares=True, doc="whether the MTD may be an untried dose")
    cohort: int = param(3, low=1, high=100, doc="cohort size")
    start: int = param(1, low=1, doc="first dose level")

    def _faults(self) -> list[Fault]:
        found = super()._faults()
        if not isinstance(self.doses, int) or self.doses > MOST_DOSES or not isinstance(self.target, int | float):
            return found
        if self.skeletons is None:
            each = (IndifferenceInterval(prior_mtd=k + 1, halfwidth=self.halfwidth) for k in range(self.doses))
            faults = {f.message: f for i in each for f in i.faults(self.target, self.doses)}
            found += [Fault("halfwidth", message) for message in faults]
        elif not _skeletons_fault(self.skeletons):
            short = [i for i, s in enumerate(self.skeletons) if len(s) != self.doses]
            message = f"wanted {self.doses} rates in each, one a dose"
            found += [Fault(f"skeletons[{i}]", f"{message}, got {len(self.skeletons[i])}") for i in short]
        count = self.doses if self.skeletons is None else len(self.skeletons)
        if isinstance(self.weights, tuple) and len(self.weights) != count:
            found.append(Fault("weights", f"wanted {count} weights, one a skeleton, got {len(self.weights)}"))
        return found

    @classmethod
    def example(cls) -> Modified:
        """Return the design as the conformance checks try it."""
        return Modified(cls(doses=4, target=0.25), (MaxPatients(n=15),))

    @property
    def rates(self) -> tuple[tuple[float, ...], ...]:
        """The skeletons as rates."""
        if self.skeletons is not None:
            return self.skeletons
        intervals = (IndifferenceInterval(prior_mtd=k, halfwidth=self.halfwidth) for k in range(1, self.doses + 1))
        return tuple(interval.rates(self.target, self.doses) for interval in intervals)

    @property
    def curve(self) -> ModelAverage:
        """The models and their prior probabilities."""
        rates = self.rates
        weights = self.weights or (1 / len(rates),) * len(rates)
        return ModelAverage(tuple(Empiric(s, self.prior_sd) for s in rates), weights)

    def posterior(self, state: TrialState) -> Posterior:
        """Return the posterior of the DLT rates."""
        return quadrature(self.curve).posterior(state.n, state.y)

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the averaged posterior mean DLT rates, [S, D]."""
        return self.posterior(state).mean()

    def penalty(self, state: TrialState) -> FloatArray:
        """Return the posterior mean of the penalty of `cibp` at each dose, over the models, [S, D]."""
        assert self.cibp is not None
        found = np.zeros(state.n.shape)
        weights = quadrature(self.curve).posterior(state.n, state.y).model_prob()
        for model, weight in zip(self.curve.models, weights.T, strict=True):
            each = expected_penalty(model, state.n, state.y, self.target, self.cibp)
            found += np.where(np.isinf(each), each, weight[:, None] * each)
        return found

    def decide(self, state: TrialState) -> Decision:
        """Return the models' choice."""
        if self.cibp is None:
            return super().decide(state)
        dose = least_penalised(self.penalty(state), np.ones(state.n.shape, bool))
        return Decision(dose, np.full(len(dose), self.cohort), np.zeros(len(dose), np.int64))

    def select_among(self, state: TrialState, stop: IntArray, allowed: BoolArray) -> IntArray:
        """Return the models' choice among some doses."""
        if self.cibp is None:
            return super().select_among(state, stop, allowed)
        return least_penalised(self.penalty(state), allowed)

    def describe(self) -> list[Row]:
        """Return the rule, and the choices made where sources differ."""
        skeletons = "; ".join(", ".join(f"{s:.3f}" for s in skeleton) for skeleton in self.rates)
        source = "Lee & Cheung 2009" if self.skeletons is None else ""
        weights = ", ".join(f"{w:.3g}" for w in self.curve.weights)
        choice, by = f"posterior mean DLT rate, averaged over the models, closest to {self.target:g}", "Yin & Yuan 2009"
        if self.cibp is not None:
            power = f"p^{self.cibp:g} (1 - p)^{2 - self.cibp:g}"
            mean = f"least posterior mean of (p - {self.target:g})^2/({power})"
            choice, by = f"{mean}, averaged over the models", "Mozgunov & Jaki 2020"
        tried = "may be untried" if self.select_untried else "among doses tried"
        return [
            Row("model", f"p = s^exp(b), b ~ N(0, variance {self.prior_sd**2:.4g})", "Yin & Yuan 2009"),
            Row("skeletons", skeletons, source),
            Row("prior model probabilities", weights),
            Row("next dose", f"{choice}, ties to the lower", by),
            Row("cohorts", f"{self.cohort} patients, from level {self.start}"),
            Row("MTD", f"the models' choice, {tried}"),
        ]
