"""The continual reassessment method with a two-parameter model on a skeleton."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import logit

from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.parameters import MOST_DOSES, Fault, is_number, param
from doseopt.core.posterior import Posterior
from doseopt.core.state import FloatArray, TrialState
from doseopt.core.tunable import COHORT, Tunable
from doseopt.designs.line_prior import LinePrior
from doseopt.designs.model_based import ModelBased
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.models.curves import WEAKLY_INFORMATIVE_COV, TwoParameterLogistic
from doseopt.models.prior_limits import cov_fault, mean_fault
from doseopt.models.quadrature import quadrature
from doseopt.models.skeleton import IndifferenceInterval, skeleton_fault, skeleton_faults

MOST = 100.0
"""Of the pseudo-doses, from 0."""


def _mean_fault(value: Any) -> str | None:
    return None if value is None else mean_fault(value)


@dataclass(frozen=True)
class TwoParameterCRM(LinePrior, ModelBased):
    """Continual reassessment method with the two-parameter logistic model on a skeleton.

    logit p_j = log a + exp(log b) x_j, (log a, log b) bivariate normal. The pseudo-doses x_j are such that p_j = s_j
    at the prior means: x_j = (logit s_j - mean of log a) / exp(mean of log b). After every cohort the next is given
    the dose whose posterior mean DLT rate is closest to the target, ties to the lower. The MTD is that choice without
    modifiers.

    Parameters
    ----------
    doses : int
    target : float
    skeleton : tuple of float or IndifferenceInterval
        s_j; an interval's is that of the empiric model.
    mean, cov : tuple
        Prior of (log a, log b). Left out, log a has the mean logit(target), so that x_j = 0 where s_j is the target,
        with sd 1.5, and log b the mean 0, with sd 0.7.
    select_untried : bool
        Whether the MTD may be a dose that no patient had.
    cohort, start : int
        Cohort size; first dose level, counted from 1.

    Notes
    -----
    Names: "two-parameter CRM", "two-parameter logistic CRM"; ``logistic2`` of R trialr with means of 0; ``logit2`` of
    R bcrm and ``LogisticLogNormal`` of R crmPack state x_j as doses.

    References
    ----------
    Whitehead & Brunier 1995, Statistics in Medicine 14:885; Cheung 2011, Dose Finding by the Continual Reassessment
    Method.

    Examples
    --------
    >>> from doseopt import TwoParameterCRM, after
    >>> design = TwoParameterCRM(doses=3, target=0.25, skeleton=(0.1, 0.25, 0.4))
    >>> [design.decide(after(design, seen)).dose.item() + 1 for seen in ("2NNN", "2NNT", "2NTT")]
    [3, 2, 1]
    """

    doses: int = param(kind=int, low=1, high=MOST_DOSES)
    target: float = param(kind=float, low=0, high=1, open_low=True, open_high=True, doc="target DLT rate")
    skeleton: tuple[float, ...] | IndifferenceInterval = param(
        kind=tuple, custom=skeleton_fault, table=IndifferenceInterval, doc="prior guesses of the DLT rates"
    )
    mean: tuple[float, float] | None = param(
        None, kind=tuple, custom=_mean_fault, doc="means of log a and log b before the data"
    )
    cov: tuple[tuple[float, float], tuple[float, float]] = param(
        WEAKLY_INFORMATIVE_COV, kind=tuple, custom=cov_fault, doc="their covariance matrix"
    )
    select_untried: bool = param(True, declares=True, doc="whether the MTD may be an untried dose")
    cohort: int = param(3, low=1, high=100, doc="cohort size")
    start: int = param(1, low=1, doc="first dose level")

    def _faults(self) -> list[Fault]:
        found = super()._faults() + skeleton_faults(self.skeleton, self.target, self.doses)
        right = not (found or _mean_fault(self.mean) or skeleton_fault(self.skeleton))
        right &= is_number(self.doses) and self.doses <= MOST_DOSES and is_number(self.target) and 0 < self.target < 1
        if right and np.abs(self.x).max() > MOST:
            wanted = (
                f"wanted means that give pseudo-doses of -{MOST:g} to {MOST:g}, got up to {np.abs(self.x).max():.3g}"
            )
            found.append(Fault("mean", wanted))
        return found

    @classmethod
    def example(cls) -> Modified:
        """Return the design as the conformance checks try it."""
        skeleton = IndifferenceInterval(prior_mtd=3, halfwidth=0.05)
        return Modified(cls(doses=4, target=0.25, skeleton=skeleton), (MaxPatients(n=12),))

    @property
    def rates(self) -> tuple[float, ...]:
        """The skeleton as rates."""
        if isinstance(self.skeleton, IndifferenceInterval):
            return self.skeleton.rates(self.target, self.doses)
        return self.skeleton

    @property
    def means(self) -> tuple[float, float]:
        """Prior means of log a and log b."""
        return (float(logit(self.target)), 0.0) if self.mean is None else self.mean

    @property
    def x(self) -> FloatArray:
        """The pseudo-doses x_j, [D]."""
        log_a, log_b = self.means
        return np.asarray((logit(self.rates) - log_a) / np.exp(log_b))

    @property
    def curve(self) -> TwoParameterLogistic:
        """The dose-toxicity model, at doses of exp(x_j) beside a reference dose of 1."""
        return TwoParameterLogistic(tuple(np.exp(self.x).tolist()), "exp(x)", 1.0, self.means, self.cov)

    @property
    def facts(self) -> Facts:
        """What is fixed before the trial begins."""
        return dataclasses.replace(super().facts, nodes=self.nodes)

    def nodes(self, patients: int) -> int:
        """Return how many nodes are visited for the posterior of one state with so many patients, about."""
        return quadrature(self.curve).nodes(patients)

    def posterior(self, state: TrialState) -> Posterior:
        """Return the posterior of the DLT rates."""
        return quadrature(self.curve).posterior(state.n, state.y)

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the posterior mean DLT rates, [S, D]."""
        return self.posterior(state).mean()

    def tunable(self) -> tuple[Tunable, ...]:
        """Return the prior and the cohort size."""
        return (*super().tunable(), COHORT)

    def describe(self) -> list[Row]:
        """Return the rule, and the choices made where sources differ."""
        (va, c), (_, vb) = self.cov
        log_a, log_b = self.means
        source = "Lee & Cheung 2009" if isinstance(self.skeleton, IndifferenceInterval) else ""
        tried = "may be untried" if self.select_untried else "among doses tried"
        choice = f"posterior mean DLT rate closest to {self.target:g}, ties to the lower"
        pseudo = f"x = {', '.join(f'{x:.3g}' for x in self.x)}: p = s at the prior means"
        return [
            Row("model", "logit p = log a + exp(log b) x", "Whitehead & Brunier 1995"),
            Row("skeleton", ", ".join(f"{s:.3f}" for s in self.rates), source),
            Row("pseudo-doses", pseudo, "Cheung 2011"),
            Row(
                "prior",
                f"log a ~ N({log_a:.3g}, {va:.3g}), log b ~ N({log_b:.3g}, {vb:.3g}), covariance {c:g} (variances)",
            ),
            Row("next dose", choice, "Cheung 2011"),
            Row("cohorts", f"{self.cohort} patients, from level {self.start}"),
            Row("MTD", f"the model's choice, {tried}"),
        ]
