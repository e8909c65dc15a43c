"""The continual reassessment method with one-parameter models."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import expit, logit

from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.parameters import MOST_DOSES, Fault, param
from doseopt.core.posterior import Posterior
from doseopt.core.state import Decision, FloatArray, TrialState
from doseopt.core.tunable import COHORT, Tunable
from doseopt.designs.model_based import ModelBased
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.models.curves import LARGEST_SD, SMALLEST_SD, Empiric, OneParameterLogistic
from doseopt.models.quadrature import quadrature
from doseopt.models.quadrature.one_parameter import OneParameterPosterior
from doseopt.models.skeleton import IndifferenceInterval, skeleton_fault
from doseopt.models.slope import PRIOR_SD, SlopePrior, slope_fault, slope_faults


def _initial_fault(value: Any) -> str | None:
    if value is None:
        return None
    right = isinstance(value, tuple) and bool(value)
    if right and all(isinstance(v, int) and not isinstance(v, bool) and v >= 1 for v in value):
        return None
    return f"wanted dose levels counted from 1, one a patient, got {value!r}"


@dataclass(frozen=True)
class CRM(ModelBased):
    """Continual reassessment method, one parameter b ~ N(0, prior_sd^2) unless another prior is stated.

    Empiric model: p_j = s_j^exp(b). Logistic model: logit p_j = a_0 + exp(b) x_j, x_j = logit(s_j) - a_0. After every
    cohort the next is given the dose whose estimated DLT rate is closest to the target, ties to the lower. Restrictions
    and stopping rules are modifiers. The MTD is the model's choice without them.

    Parameters
    ----------
    doses : int
    target : float
    skeleton : tuple of float or IndifferenceInterval
        s_j.
    model : {"empiric", "logistic"}
    intercept : float
        a_0 of the logistic model.
    prior_sd : float
        Standard deviation of b; 1.34 is its customary *variance* (some software takes it as the sd).
    slope_prior : SlopePrior, optional
        In place of b ~ N(0, prior_sd^2): of b, or of the slope exp(b).
    estimate : {"plugin", "mean"}
        The DLT rate at the posterior mean of b (R dfcrm), or of the slope if that is what the prior is stated of; or
        the posterior mean of the rate.
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
    Names: "CRM", "one-stage Bayesian CRM", "power model" (empiric), "two-stage CRM" (with `initial`).

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
    model: str = param("empiric", choices=("empiric", "logistic"), doc="dose-toxicity curve")
    intercept: float = param(3.0, low=-20, high=20, doc="a_0 of the logistic model")
    prior_sd: float = param(PRIOR_SD, low=SMALLEST_SD, high=LARGEST_SD, doc="standard deviation of b")
    slope_prior: SlopePrior | None = param(
        None, custom=slope_fault, table=SlopePrior, doc="prior of the slope exp(b), in place of prior_sd"
    )
    estimate: str = param("plugin", choices=("plugin", "mean"), doc="how the DLT rate is estimated")
    select_untried: bool = param(True, declares=True, doc="whether the MTD may be an untried dose")
    cohort: int = param(3, low=1, high=100, doc="cohort size")
    start: int = param(1, low=1, doc="first dose level")
    initial: tuple[int, ...] | None = param(
        None, kind=tuple, custom=_initial_fault, doc="levels of the first patients, until the first DLT"
    )

    def _faults(self) -> list[Fault]:
        found = super()._faults() + slope_faults(self.slope_prior, self.prior_sd)
        if self.initial is not None and not _initial_fault(self.initial) and isinstance(self.doses, int):
            if max(self.initial) > self.doses:
                message = f"wanted levels of 1 to {self.doses}, got {max(self.initial)}"
                found.append(Fault("initial", message))
            if self.initial[0] != self.start:
                found.append(Fault("start", f"wanted {self.initial[0]}, where initial begins, got {self.start}"))
        if isinstance(self.doses, int):
            if isinstance(self.skeleton, tuple) and len(self.skeleton) != self.doses:
                found.append(Fault("skeleton", f"wanted {self.doses} rates, one a dose, got {len(self.skeleton)}"))
            if isinstance(self.skeleton, IndifferenceInterval):
                found.extend(self.skeleton.faults(self.target, self.doses, self.model, self.intercept))
        return found

    @classmethod
    def example(cls) -> Modified:
        """Return the design as the conformance checks try it."""
        skeleton = IndifferenceInterval(prior_mtd=3, halfwidth=0.05)
        return Modified(cls(doses=4, target=0.25, skeleton=skeleton), (MaxPatients(n=18),))

    @property
    def rates(self) -> tuple[float, ...]:
        """The skeleton as rates."""
        if isinstance(self.skeleton, IndifferenceInterval):
            return self.skeleton.rates(self.target, self.doses, self.model, self.intercept)
        return self.skeleton

    @property
    def curve(self) -> Empiric | OneParameterLogistic:
        """The dose-toxicity model."""
        if self.model == "empiric":
            return Empiric(self.rates, self.prior_sd, self.slope_prior)
        return OneParameterLogistic(self.rates, self.prior_sd, self.intercept, self.slope_prior)

    def posterior(self, state: TrialState) -> Posterior:
        """Return the posterior of the DLT rates."""
        return self._posterior(state)

    def _posterior(self, state: TrialState) -> OneParameterPosterior:
        return quadrature(self.curve).posterior(state.n, state.y)

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the estimated DLT rates that decide, [S, D]."""
        posterior = self._posterior(state)
        return posterior.plugin() if self.estimate == "plugin" else posterior.mean()

    def tunable(self) -> tuple[Tunable, ...]:
        """Return the parameters of the skeleton and the prior; the skeleton also directly, by gaps of its logits."""
        widest = 0.6 * min(self.target, 1 - self.target)
        gaps = [Tunable(f"gap_{j}", 0.05, 2.5, usual=False, group="skeleton") for j in range(2, self.doses + 1)]
        return (
            Tunable("prior_mtd", 1, self.doses, whole=True),
            Tunable("halfwidth", 0.01, widest),
            *([] if self.slope_prior is not None else [Tunable("prior_sd", 0.2, 2.5)]),
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
        return self._first_stage(TrialState.empty(self.doses), super().first())

    def decide(self, state: TrialState) -> Decision:
        """Return the dose closest to the target; in the first stage, the next of the sequence."""
        return self._first_stage(state, super().decide(state))

    def _first_stage(self, state: TrialState, decision: Decision) -> Decision:
        """Follow the initial sequence, one entry a patient, where no DLT was seen and it is not used up."""
        if self.initial is None:
            return decision
        levels = np.array(self.initial) - 1
        last = np.append(np.flatnonzero(np.diff(levels)), len(levels) - 1)  # where each run of equal levels ends
        follows = ~state.y.any(axis=1) & (state.total < len(levels))
        at = np.minimum(state.total, len(levels) - 1)
        run = last[np.searchsorted(last, at)] - at + 1
        dose = np.where(follows, levels[at], decision.dose)
        return Decision(dose, np.where(follows, np.minimum(run, self.cohort), decision.size), decision.stop)

    def describe(self) -> list[Row]:
        """Return the rule, and the choices made where sources differ."""
        formula = "p = s^exp(b)" if self.model == "empiric" else f"logit p = {self.intercept:g} + exp(b) x"
        of = "b" if self.slope_prior is None or self.slope_prior.kind == "normal" else "exp(b)"
        how = f"at the posterior mean of {of}" if self.estimate == "plugin" else "posterior mean"
        usual = f"b ~ N(0, variance {self.prior_sd**2:.4g})"
        prior = usual if self.slope_prior is None else self.slope_prior.describe()
        source = "Lee & Cheung 2009" if isinstance(self.skeleton, IndifferenceInterval) else ""
        tried = "may be untried" if self.select_untried else "among doses tried"
        return [
            Row("model", f"{formula}, {prior}", "O'Quigley, Pepe, Fisher 1990"),
            Row("skeleton", ", ".join(f"{s:.3f}" for s in self.rates), source),
            Row(
                "next dose", f"estimated DLT rate ({how}) closest to {self.target:g}, ties to the lower", "Cheung 2011"
            ),
            *self._described_stage(),
            Row("cohorts", f"{self.cohort} patients, from level {self.start}"),
            Row("MTD", f"the model's choice, {tried}"),
        ]

    def _described_stage(self) -> list[Row]:
        if self.initial is None:
            return []
        levels = " ".join(map(str, self.initial))
        return [Row("first stage", f"levels {levels}, one a patient, until the first DLT", "Cheung 2011")]
