"""The continual reassessment method with one-parameter models."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import expit, logit

from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.parameters import MOST_DOSES, Fault, param
from doseopt.core.posterior import Posterior
from doseopt.core.state import NONE, BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.core.tunable import COHORT, Tunable
from doseopt.designs.first_stage import follow, initial_fault, initial_faults, stage_rows
from doseopt.designs.model_based import ModelBased
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.designs.selection import closest, least_penalised, surely_closest
from doseopt.models.curves import Empiric, OneParameterLogistic
from doseopt.models.most_likely import heterogeneous, most_likely_rates
from doseopt.models.penalised import expected_penalty
from doseopt.models.prior_limits import LARGEST_SD, SMALLEST_SD
from doseopt.models.quadrature import quadrature
from doseopt.models.quadrature.one_parameter import OneParameterPosterior
from doseopt.models.skeleton import IndifferenceInterval, skeleton_fault, skeleton_faults
from doseopt.models.slope import PRIOR_SD, SlopePrior, slope_fault, slope_faults

EXPONENTIAL = SlopePrior("exponential", rate=1.0)
"""Prior of the slope with the hyperbolic-tangent model, unless another is stated: the first paper's."""
FORMULAS = {"empiric": "p = s^exp(b)", "tanh": "p = ((tanh x + 1)/2)^exp(b), s being that at b = 0"}


@dataclass(frozen=True)
class CRM(ModelBased):
    """Continual reassessment method, one parameter b ~ N(0, prior_sd^2) unless another prior is stated.

    Empiric model: p_j = s_j^exp(b). Logistic model: logit p_j = a_0 + exp(b) x_j, x_j = logit(s_j) - a_0.
    Hyperbolic-tangent model: p_j = ((tanh x_j + 1)/2)^exp(b), s_j being that at b = 0, so that it is the empiric model
    with another usual prior, exp(b) ~ Exponential(1). After every cohort the next is given the dose whose estimated DLT
    rate is closest to the target, ties to the lower, or by `cibp` the one with the least expected penalty. Restrictions
    and stopping rules are modifiers. The MTD is the model's choice without them.

    By maximum likelihood there is an estimate once a patient with and one without a DLT have been seen. Before, where
    `initial` does not say what is done: one level up while nobody had a DLT, one down while everybody had; a trial that
    ends then selects the highest dose tried, or none.

    Parameters
    ----------
    doses : int
    target : float
    skeleton : tuple of float or IndifferenceInterval
        s_j.
    model : {"empiric", "logistic", "tanh"}
    intercept : float
        a_0 of the logistic model.
    prior_sd : float
        Standard deviation of b; 1.34 is its customary *variance* (some software takes it as the sd).
    slope_prior : SlopePrior, optional
        In place of b ~ N(0, prior_sd^2): of b, or of the slope exp(b).
    estimate : {"plugin", "mean", "mle"}
        The DLT rate at the posterior mean of b (R dfcrm), or of the slope if that is what the prior is stated of; the
        posterior mean of the rate; or by maximum likelihood, where the prior is read by rules of stopping alone.
    cibp : float, optional
        a of convex infinite bounds penalisation: the dose with the least posterior expectation of
        (p - phi)^2 / (p^a (1 - p)^(2 - a)); below 1 it shuns toxic doses. A dose without an expectation (rates near 0
        are too probable, as before the first DLT) comes after all that have one; of several the highest comes first.
    select_untried : bool
        Whether the MTD may be a dose that no patient had (R dfcrm).
    cohort, start : int
        Cohort size; first dose level, counted from 1.
    initial : tuple of int, optional
        Two-stage scheme: the levels of the first patients, one entry a patient, followed while no DLT has been seen;
        patients of equal level in a row form cohorts of at most `cohort`. From the first DLT on, or when the sequence
        is used up, the model decides. (R dfcrm: ``x0``.)

    Notes
    -----
    Names: "CRM", "one-stage Bayesian CRM", "power model" (empiric), "two-stage CRM" (with `initial`),
    "likelihood CRM", "CRML" (`estimate` "mle"), "CIBP" (with `cibp`), "hyperbolic tangent model".
    Maximum likelihood: O'Quigley & Shen 1996, Biometrics 52:673. CIBP: Mozgunov & Jaki 2020, Statistics in Medicine
    39:1715.

    References
    ----------
    O'Quigley, Pepe, Fisher 1990, Biometrics 46:33; Cheung 2011, Dose Finding by the Continual Reassessment Method.

    Examples
    --------
    Before any data the plug-in estimate is the skeleton.

    >>> from doseopt import CRM, TrialState
    >>> crm = CRM(doses=3, target=0.25, skeleton=(0.1, 0.25, 0.4))
    >>> [round(p, 2) for p in crm.estimated(TrialState.empty(3))[0].tolist()]
    [0.1, 0.25, 0.4]
    """

    doses: int = param(kind=int, low=1, high=MOST_DOSES)
    target: float = param(kind=float, low=0, high=1, open_low=True, open_high=True, doc="target DLT rate")
    skeleton: tuple[float, ...] | IndifferenceInterval = param(
        kind=tuple, custom=skeleton_fault, table=IndifferenceInterval, doc="prior guesses of the DLT rates"
    )
    model: str = param("empiric", choices=("empiric", "logistic", "tanh"), doc="dose-toxicity curve")
    intercept: float = param(3.0, low=-20, high=20, doc="a_0 of the logistic model")
    prior_sd: float = param(PRIOR_SD, low=SMALLEST_SD, high=LARGEST_SD, doc="standard deviation of b")
    slope_prior: SlopePrior | None = param(
        None, custom=slope_fault, table=SlopePrior, doc="prior of the slope exp(b), in place of prior_sd"
    )
    estimate: str = param("plugin", choices=("plugin", "mean", "mle"), doc="how the DLT rate is estimated")
    cibp: float | None = param(
        None, kind=float, low=0, high=2, open_low=True, open_high=True, optional=True, doc="asymmetry a of the penalty"
    )
    select_untried: bool = param(True, declares=True, doc="whether the MTD may be an untried dose")
    cohort: int = param(3, low=1, high=100, doc="cohort size")
    start: int = param(1, low=1, doc="first dose level")
    initial: tuple[int, ...] | None = param(
        None, kind=tuple, custom=initial_fault, doc="levels of the first patients, until the first DLT"
    )

    def _faults(self) -> list[Fault]:
        found = super()._faults() + slope_faults(self.slope_prior, self.prior_sd)
        found += initial_faults(self.initial, self.doses, self.start)
        if self.model == "tanh" and self.prior_sd != PRIOR_SD:
            found.append(Fault("prior_sd", "is not read with model = 'tanh'; wanted slope_prior, of kind 'normal'"))
        if self.cibp is not None and self.estimate == "mle":
            found.append(Fault("cibp", "is a posterior expectation; wanted estimate = 'plugin' or 'mean' with it"))
        if self.cibp is not None and self._stated is not None and self._stated.kind != "normal":
            found.append(Fault("cibp", "wanted a normal prior of b with it (slope_prior of kind 'normal')"))
        found += skeleton_faults(self.skeleton, self.target, self.doses, self.link, self.intercept)
        return found

    @classmethod
    def example(cls) -> Modified:
        """Return the design as the conformance checks try it."""
        skeleton = IndifferenceInterval(prior_mtd=3, halfwidth=0.05)
        return Modified(cls(doses=4, target=0.25, skeleton=skeleton), (MaxPatients(n=18),))

    @property
    def link(self) -> str:
        """The model of which the skeleton is that at b = 0."""
        return "logistic" if self.model == "logistic" else "empiric"

    @property
    def _stated(self) -> SlopePrior | None:
        """The prior of the slope, if it is not b ~ N(0, prior_sd^2)."""
        return EXPONENTIAL if self.slope_prior is None and self.model == "tanh" else self.slope_prior

    @property
    def rates(self) -> tuple[float, ...]:
        """The skeleton as rates."""
        if isinstance(self.skeleton, IndifferenceInterval):
            return self.skeleton.rates(self.target, self.doses, self.link, self.intercept)
        return self.skeleton

    @property
    def curve(self) -> Empiric | OneParameterLogistic:
        """The dose-toxicity model."""
        if self.link == "empiric":
            return Empiric(self.rates, self.prior_sd, self._stated)
        return OneParameterLogistic(self.rates, self.prior_sd, self.intercept, self.slope_prior)

    def posterior(self, state: TrialState) -> Posterior:
        """Return the posterior of the DLT rates."""
        return self._posterior(state)

    def _posterior(self, state: TrialState) -> OneParameterPosterior:
        return quadrature(self.curve).posterior(state.n, state.y)

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the estimated DLT rates that decide, [S, D]."""
        if self.estimate == "mle":
            return most_likely_rates(self.curve, state.n, state.y)
        posterior = self._posterior(state)
        return posterior.plugin() if self.estimate == "plugin" else posterior.mean()

    def may_exceed(self, state: TrialState, rate: float, confidence: float) -> BoolArray:
        """Tell where Pr(p_j > rate) may be above a confidence, by the rough estimates that decide, [S, D].

        Under the empiric model with a normal prior the posterior density of b is log-concave, so that at least 1/e of
        it lies on each side of its mean (Grünbaum 1960): where p_j is at most `rate` at the mean, it is above `rate`
        with a probability of at most 1 - 1/e.
        """
        if confidence < 1 - math.exp(-1) or self.link != "empiric" or self.estimate != "plugin" or not self._roughly:
            return np.ones(state.n.shape, bool)
        estimate, off = quadrature(self.curve).roughly(state.n, state.y, True)
        return ~(estimate + off <= rate)

    @property
    def _roughly(self) -> bool:
        """Whether rough estimates decide where they suffice; a design with estimates of its own is asked for them."""
        return self.cibp is None and self.estimate != "mle" and type(self).estimated is CRM.estimated

    def tunable(self) -> tuple[Tunable, ...]:
        """Return the parameters of the skeleton and the prior; the skeleton also directly, by gaps of its logits."""
        widest = 0.6 * min(self.target, 1 - self.target)
        gaps = [Tunable(f"gap_{j}", 0.05, 2.5, usual=False, group="skeleton") for j in range(2, self.doses + 1)]
        return (
            Tunable("prior_mtd", 1, self.doses, whole=True),
            Tunable("halfwidth", 0.01, widest),
            *([] if self._stated is not None else [Tunable("prior_sd", 0.2, 2.5)]),
            Tunable("lowest_rate", 0.002, 1.2 * self.target, usual=False, group="skeleton"),
            *gaps,
            COHORT,
        )

    def tuned(self, values: Mapping[str, float]) -> Self:
        """Return the design with other values of some of them."""
        given: dict[str, Any] = dict(values)
        if "lowest_rate" in given:
            gaps = [given.pop(f"gap_{j}") for j in range(2, self.doses + 1)]
            logits = logit(given.pop("lowest_rate")) + np.cumsum([0.0, *gaps])
            given["skeleton"] = tuple(round(float(s), 6) for s in expit(logits))
        else:
            now = self.skeleton if isinstance(self.skeleton, IndifferenceInterval) else None
            parts = {name: given.pop(name) for name in ("prior_mtd", "halfwidth") if name in given}
            if parts:
                given["skeleton"] = IndifferenceInterval(**({} if now is None else vars(now)) | parts)
        return dataclasses.replace(self, **given)

    @property
    def facts(self) -> Facts:
        """What is fixed before the trial begins; in its first stage it sizes cohorts itself."""
        return dataclasses.replace(super().facts, sizes_own_cohorts=self.initial is not None)

    def first(self) -> Decision:
        """Return the first cohort."""
        if self.initial is None:
            return super().first()
        return follow(self.initial, self.cohort, TrialState.empty(self.doses), super().first())

    def decide(self, state: TrialState) -> Decision:
        """Return the model's choice; in the first stage, the next of the sequence."""
        dose = self._best(state, np.ones(state.n.shape, bool))
        if self.estimate == "mle":
            step = np.where(state.y.any(axis=1), -1, 1)
            by_one = np.clip(state.dose + step, 0, self.doses - 1)
            dose = np.where(heterogeneous(state.n, state.y), dose, by_one)
        given = Decision(dose, np.full(len(dose), self.cohort), np.zeros(len(dose), np.int64))
        return follow(self.initial, self.cohort, state, given)

    def _best(self, state: TrialState, allowed: BoolArray) -> IntArray:
        """Return the model's choice among some doses, NONE if there are none, [S]."""
        if self.cibp is not None:
            return least_penalised(expected_penalty(self.curve, state.n, state.y, self.target, self.cibp), allowed)
        if not self._roughly:
            return closest(self.estimated(state), self.target, allowed)
        rough = quadrature(self.curve).roughly(state.n, state.y, self.estimate == "plugin")
        dose, sure = surely_closest(*rough, self.target, allowed)
        if not sure.all():
            rest = ~sure if sure.any() else slice(None)
            dose[rest] = closest(self.estimated(state[rest]), self.target, allowed[rest])
        return dose

    def select_among(self, state: TrialState, stop: IntArray, allowed: BoolArray) -> IntArray:
        """Return the model's choice among some doses."""
        best = self._best(state, allowed)
        if self.estimate != "mle":
            return best
        clean = allowed & state.tried & ~state.y.any(axis=1)[:, None]
        highest = np.where(clean, np.arange(self.doses), NONE).max(axis=1)
        return np.where(heterogeneous(state.n, state.y), best, highest)

    def describe(self) -> list[Row]:
        """Return the rule, and the choices made where sources differ."""
        formula = FORMULAS.get(self.model, f"logit p = {self.intercept:g} + exp(b) x")
        of = "b" if self._stated is None or self._stated.kind == "normal" else "exp(b)"
        how = {"plugin": f"at the posterior mean of {of}", "mean": "posterior mean", "mle": "by maximum likelihood"}
        prior = f"b ~ N(0, variance {self.prior_sd**2:.4g})" if self._stated is None else self._stated.describe()
        if self.estimate == "mle":
            prior = f"no prior but for rules of stopping: {prior}"
        choice = f"estimated DLT rate ({how[self.estimate]}) closest to {self.target:g}, ties to the lower"
        by = "Cheung 2011"
        if self.cibp is not None:
            power = f"p^{self.cibp:g} (1 - p)^{2 - self.cibp:g}"
            choice, by = f"least posterior mean of (p - {self.target:g})^2/({power})", "Mozgunov & Jaki 2020"
        source = "Lee & Cheung 2009" if isinstance(self.skeleton, IndifferenceInterval) else ""
        tried = "may be untried" if self.select_untried else "among doses tried"
        return [
            Row("model", f"{formula}, {prior}", "O'Quigley, Pepe, Fisher 1990"),
            Row("skeleton", ", ".join(f"{s:.3f}" for s in self.rates), source),
            Row("next dose", choice, by),
            *stage_rows(self.initial),
            *self._described_start(),
            Row("cohorts", f"{self.cohort} patients, from level {self.start}"),
            Row("MTD", f"the model's choice, {tried}"),
        ]

    def _described_start(self) -> list[Row]:
        if self.estimate != "mle":
            return []
        rule = "one level up while nobody had a DLT, one down while everybody had"
        return [Row("before there is an estimate", rule, "reading")]
