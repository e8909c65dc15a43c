"""Bayesian logistic regression with overdose control."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np

from doseopt.core.definition import TRIED
from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.parameters import MOST_DOSES, Fault, are_numbers, interval_fault, param
from doseopt.core.posterior import Posterior
from doseopt.core.state import CONTINUE, NONE, BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.core.tunable import COHORT, Tunable
from doseopt.designs.line_prior import LinePrior
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.designs.modifiers.increments import values_fault
from doseopt.designs.selection import TIE, closest
from doseopt.models.curves import WEAKLY_INFORMATIVE_COV, WEAKLY_INFORMATIVE_MEAN, TwoParameterLogistic
from doseopt.models.prior_limits import cov_fault, mean_fault
from doseopt.models.quadrature import quadrature
from doseopt.models.quadrature.asked import Intervals, Limits, inside, means

TOO_TOXIC = 1
RULES = ("interval", "mean", "ewoc", "loss")
LOSSES, UNACCEPTABLE = (1.0, 0.0, 1.0, 2.0), 0.6


def _losses_fault(value: Any) -> str | None:
    if are_numbers(value) and len(value) == 4 and min(value) >= 0 and value[1] < max(value):
        return None
    return f"wanted four losses, none below 0, that of the target interval not the largest, got {value!r}"


@dataclass(frozen=True)
class BLRM(LinePrior):
    """Bayesian logistic regression model with overdose control.

    logit p(d) = log a + exp(log b) log(d/d*), (log a, log b) bivariate normal. A dose is admissible while
    Pr(p > overdose) < feasibility (escalation with overdose control). Of the admissible doses within the largest
    increment the next cohort gets: rule "interval", the one with the largest Pr(low < p <= high), ties to the lower;
    "mean", the one whose posterior mean is closest to the target; "ewoc", the highest, that is the highest dose whose
    (1 - feasibility) quantile is at most the overdose limit; "loss", the one with the least posterior expected loss
    (p is under, in or over the target interval, or unacceptable), ties to the lower. If no dose is admissible the trial
    stops and none is selected. The first cohort is the protocol's: its dose need not be admissible. The MTD is the
    rule's choice without the increment.

    Parameters
    ----------
    doses : int
    target : float
    dose_values : tuple of float
        d, in `unit`; in a study file those of its doses.
    reference_dose : float
        d*, in `unit`; there is no default.
    unit : str
    mean, cov : tuple
        Prior of (log a, log b); weakly informative by default.
    rule : {"interval", "mean", "ewoc", "loss"}
    intervals : tuple of float
        Where the target interval begins and ends.
    losses : tuple of float
        Of rule "loss": of a DLT rate under the target interval, in it, over it, and unacceptable.
    unacceptable : float
        Of rule "loss": DLT rate above which it is.
    overdose : float, optional
        DLT rate above which a patient is overdosed; the upper end of the target interval when left out.
    feasibility : float
        1 for no overdose control.
    max_increment : float, optional
        An increment, not a ratio: the next dose is at most (1 + max_increment) times the last one given, so that 1
        allows a doubling. The modifier `MaxRatio` states the same as a ratio, here 1 + max_increment.
    select_untried : bool
        Whether the MTD may be a dose that no patient had.
    cohort, start : int
        Cohort size; first dose level, counted from 1.

    Notes
    -----
    Names: "BLRM", "Bayesian logistic regression model", "EWOC" (rule "ewoc"), "loss-based BLRM", "N-CRM".

    References
    ----------
    Neuenschwander, Branson, Gsponer 2008, Statistics in Medicine 27:2420; Babb, Rogatko, Zacks 1998, Statistics in
    Medicine 17:1103.

    Examples
    --------
    A dose is admissible while an overdose is improbable; after two DLTs in three patients the trial goes down.

    >>> from doseopt import BLRM, after
    >>> design = BLRM(doses=3, target=0.25, dose_values=(10, 20, 40), reference_dose=20, unit="mg")
    >>> [design.decide(after(design, seen)).dose.item() + 1 for seen in ("2NNN", "2NNT", "2NTT")]
    [2, 1, 1]
    """

    doses: int = param(kind=int, low=1, high=MOST_DOSES)
    target: float = param(kind=float, low=0, high=1, open_low=True, open_high=True, doc="target DLT rate")
    dose_values: tuple[float, ...] = param(kind=tuple, custom=values_fault, doc="the doses as numbers")
    reference_dose: float = param(kind=float, low=0, open_low=True, doc="the reference dose d*, in the doses' unit")
    unit: str = param("", doc="unit of the doses")
    mean: tuple[float, float] = param(
        WEAKLY_INFORMATIVE_MEAN, kind=tuple, custom=mean_fault, doc="means of log alpha and log beta before the data"
    )
    cov: tuple[tuple[float, float], tuple[float, float]] = param(
        WEAKLY_INFORMATIVE_COV, kind=tuple, custom=cov_fault, doc="their covariance matrix"
    )
    rule: str = param("interval", choices=RULES, doc="which admissible dose is given")
    intervals: tuple[float, float] = param((0.16, 0.33), kind=tuple, custom=interval_fault, doc="target interval")
    losses: tuple[float, float, float, float] = param(
        LOSSES, kind=tuple, custom=_losses_fault, doc='losses of under, target, over, unacceptable, for rule = "loss"'
    )
    unacceptable: float = param(
        UNACCEPTABLE,
        low=0,
        high=1,
        open_low=True,
        open_high=True,
        doc='unacceptable DLT rates begin, for rule = "loss"',
    )
    overdose: float | None = param(
        None,
        kind=float,
        low=0,
        high=1,
        open_low=True,
        open_high=True,
        optional=True,
        doc="DLT rate from which a dose is an overdose",
    )
    feasibility: float = param(0.25, low=0, high=1, open_low=True, doc="probability of overdosing that excludes a dose")
    max_increment: float | None = param(
        None,
        kind=float,
        low=0,
        open_low=True,
        optional=True,
        doc="largest increment, a share of the dose before: 1 is 100% more, twice the last",
    )
    select_untried: bool = param(True, declares=True, doc="whether the MTD may be an untried dose")
    cohort: int = param(3, low=1, high=100, doc="cohort size")
    start: int = param(1, low=1, doc="first dose level")

    def _faults(self) -> list[Fault]:
        found = super()._faults()
        if isinstance(self.dose_values, tuple) and isinstance(self.doses, int) and len(self.dose_values) != self.doses:
            found.append(Fault("dose_values", f"wanted {self.doses} values, one a dose, got {len(self.dose_values)}"))
        if not self.unit:
            found.append(Fault("unit", 'missing; wanted the unit of the doses, e.g. "mg"'))
        if self.rule != "loss":
            stated = {"losses": self.losses != LOSSES, "unacceptable": self.unacceptable != UNACCEPTABLE}
            wanted = "is read with rule = 'loss' alone; wanted that rule, or to leave it out"
            found += [Fault(name, wanted) for name, other in stated.items() if other]
        elif interval_fault((self.intervals[1], self.unacceptable)):
            wanted = f"wanted more than the end of the target interval ({self.intervals[1]:g}) and less than 1"
            found.append(Fault("unacceptable", f"{wanted}, got {self.unacceptable!r}"))
        return found

    @classmethod
    def example(cls) -> Modified:
        """Return the design as the conformance checks try it."""
        base = cls(doses=4, target=0.25, dose_values=(0.15, 0.5, 1.5, 4.5), reference_dose=1.5, unit="10^9 cells")
        return Modified(base, (MaxPatients(n=12),))

    @functools.cached_property
    def curve(self) -> TwoParameterLogistic:
        """The dose-toxicity model."""
        return TwoParameterLogistic(self.dose_values, self.unit, self.reference_dose, self.mean, self.cov)

    @property
    def limit(self) -> float:
        """DLT rate above which a patient is overdosed."""
        return self.intervals[1] if self.overdose is None else self.overdose

    @property
    def facts(self) -> Facts:
        """What is fixed before the trial begins."""
        excluded = f"Pr(DLT rate > {self.limit:g}) is not below {self.feasibility:g}"
        return dataclasses.replace(
            super().facts,
            stops=("too_toxic",),
            exclusion="" if self.feasibility == 1 else excluded,
            nodes=self.nodes,
        )

    def nodes(self, patients: int) -> int:
        """Return how many nodes are visited for the posterior of one state with so many patients, about."""
        return quadrature(self.curve).nodes(patients)

    def with_dose(self, position: int, value: float) -> Self:
        """Return the design with one dose more, of that value, standing at that index."""
        values = (*self.dose_values[:position], value, *self.dose_values[position:])
        return dataclasses.replace(self, doses=self.doses + 1, dose_values=values)

    def posterior(self, state: TrialState) -> Posterior:
        """Return the posterior of the DLT rates."""
        return quadrature(self.curve).posterior(state.n, state.y)

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the posterior mean DLT rates, [S, D]."""
        return means(self.curve)(state.n, state.y)

    def _inside(self, state: TrialState) -> FloatArray:
        """Return Pr(DLT rate > limit), and those of the intervals that the rule looks at, [S, D, :]."""
        intervals: Intervals = ((self.limit, 1.0),)
        limits: Limits = (self.feasibility if self.feasibility < 1 else np.inf,)
        if self.rule == "interval":
            intervals, limits = (*intervals, self.intervals), (*limits, None)
        if self.rule == "loss":  # sums of several are compared: all as accurate as they can be
            intervals = (*intervals, *pairwise((0.0, *self.intervals, self.unacceptable, 1.0)))
        return inside(self.curve, intervals, None if self.rule == "loss" else limits)(state.n, state.y)

    def first(self) -> Decision:
        """Return the first cohort."""
        return Decision(np.array([self.start - 1]), np.array([self.cohort]), np.array([0]))

    def admissible(self, state: TrialState) -> BoolArray:
        """Exclude doses that overdose too probably; none before the first patient."""
        if self.feasibility == 1 or not state.started.any():
            return np.ones(state.n.shape, bool)
        return (self._inside(state)[..., 0] < self.feasibility) | ~state.started[:, None]

    def _best(self, state: TrialState, allowed: BoolArray) -> IntArray:
        """Return which of the allowed doses the rule takes, NONE if there is none, [S]."""
        if self.rule == "mean":
            return closest(self.estimated(state), self.target, allowed)
        if self.rule == "ewoc":
            return np.where(allowed, np.arange(self.doses), NONE).max(axis=1)
        shares = self._inside(state)[..., 1:]
        value = shares[..., 0] if self.rule == "interval" else -(shares @ np.array(self.losses))
        value = np.where(allowed, value, -np.inf)
        best = value >= value.max(axis=1, keepdims=True) - TIE
        return np.where(allowed.any(axis=1), best.argmax(axis=1), NONE)

    def decide(self, state: TrialState) -> Decision:
        """Return the best admissible dose within the largest increment."""
        allowed = self.admissible(state)
        stop = np.where(allowed.any(axis=1), CONTINUE, TOO_TOXIC)
        if self.max_increment is not None:
            values = np.array(self.dose_values)
            within = values <= values[state.dose][:, None] * (1 + self.max_increment) * (1 + 1e-12)
            allowed = allowed & within
        dose = np.maximum(self._best(state, allowed), 0)
        return Decision(dose, np.full(len(state), self.cohort), stop)

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the best admissible dose."""
        return self.select_among(state, stop, TRIED.met(state.n, state.y) | self.select_untried)

    def select_among(self, state: TrialState, stop: IntArray, allowed: BoolArray) -> IntArray:
        """Return the best admissible dose among some."""
        return np.where(stop == TOO_TOXIC, NONE, self._best(state, self.admissible(state) & allowed))

    def tunable(self) -> tuple[Tunable, ...]:
        """Return the prior, the feasibility and the cohort size."""
        return (*super().tunable(), Tunable("feasibility", 0.15, 0.6, usual=False), COHORT)

    def describe(self) -> list[Row]:
        """Return the rule, and the choices made where sources differ."""
        (va, c), (_, vb) = self.cov
        (low, high), of = self.intervals, self.losses
        chosen = {
            "interval": f"the largest Pr({low:g} < p <= {high:g}), ties to the lower",
            "mean": f"the posterior mean closest to {self.target:g}, ties to the lower",
            "ewoc": "the highest",
            "loss": f"the least expected loss, {of[0]:g} for p <= {low:g}, {of[1]:g} to {high:g}, {of[2]:g} to "
            f"{self.unacceptable:g}, {of[3]:g} above, ties to the lower",
        }[self.rule]
        prior = f"log a ~ N({self.mean[0]:.3g}, {va:.3g}), log b ~ N({self.mean[1]:.3g}, {vb:.3g}), covariance {c:g}"
        rows = [
            Row("model", "logit p(d) = log a + exp(log b) log(d/d*)", "Neuenschwander et al. 2008"),
            Row("reference dose d*", f"{self.reference_dose:g} {self.unit}"),
            Row("prior", f"{prior} (variances)"),
            Row("next dose", f"of the admissible doses, {chosen}", "Neuenschwander et al. 2008"),
        ]
        if self.feasibility < 1:
            limit = f"Pr(p > {self.limit:g}) < {self.feasibility:g}, not asked of the first cohort"
            rows.append(Row("admissible", f"{limit}; if no dose is admissible, stop", "Babb et al. 1998"))
        if self.max_increment is not None:
            rows.append(Row("largest increment", f"the next dose is at most {1 + self.max_increment:g} times the last"))
        tried = "may be untried" if self.select_untried else "among doses tried"
        return [
            *rows,
            Row("cohorts", f"{self.cohort} patients, from level {self.start}"),
            Row("MTD", f"the rule's choice without the largest increment, {tried}"),
        ]
