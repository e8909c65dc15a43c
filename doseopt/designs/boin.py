"""The Bayesian optimal interval design."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.parameters import Fault, param
from doseopt.core.state import BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.core.tunable import Tunable
from doseopt.designs.interval import DOWN, ROUNDING, STAY, UP, SafeIntervalDesign
from doseopt.designs.modifiers.titrate import Titrate


@dataclass(frozen=True)
class BOIN(SafeIntervalDesign):
    """Bayesian optimal interval design.

    With phi the target, phi1 = saf * phi and phi2 = tox * phi,

        lambda_e = log[(1-phi1)/(1-phi)] / log[phi(1-phi1)/(phi1(1-phi))]
        lambda_d = log[(1-phi)/(1-phi2)] / log[phi2(1-phi)/(phi(1-phi2))]

    up if y/n <= lambda_e, down if y/n >= lambda_d, else stay. A dose with at least `eliminate_from` patients and
    Pr(p > phi) > cutoff under Beta(1+y, 1+n-y) is eliminated with all above it; if the lowest is, the trial stops and
    no dose is selected. MTD: the tried, not eliminated dose whose isotonic estimate is closest to phi.

    Parameters
    ----------
    doses : int
    target : float
        phi.
    saf, tox : float
        phi1/phi and phi2/phi.
    cutoff : float
        Posterior probability that eliminates.
    eliminate_from : int
        Fewest patients at a dose before it can be eliminated.
    extra_safe : bool
        Stop already when Pr(p_1 > phi) > cutoff - offset at the lowest dose.
    offset : float
    tie : {"deescalate", "stay"}
        What y/n equal to lambda_d does: the paper goes down; R's BOIN from 2.7.2 stays.
    bounded : bool
        The isotonic estimate of the MTD may not exceed lambda_d.
    titration : bool
        R's titration: single patients from the first dose until the first DLT, whose dose is then filled to the cohort
        size, as is the top dose if there was none.
    cohort, start : int
        Cohort size; first dose level, counted from 1.

    Notes
    -----
    Names: "BOIN", "local BOIN". With cohorts of 3, target 0.30, BOIN, mTPI-2 and Keyboard (half-width 0.05) decide
    alike up to 18 patients a dose.

    References
    ----------
    Liu & Yuan 2015, JRSS-C 64:507; Yan et al. 2020, Journal of Statistical Software 94(13).

    Examples
    --------
    The boundaries of R BOIN 2.7.2 at a target of 0.25:

    >>> from doseopt import BOIN
    >>> design = BOIN(doses=4, target=0.25)
    >>> f"{design.lambda_e:.6f} {design.lambda_d:.6f}"
    '0.196801 0.298392'
    """

    saf: float = param(0.6, low=0, high=1, open_low=True, open_high=True, doc="phi1 = saf * target")
    tox: float = param(1.4, low=1, open_low=True, doc="phi2 = tox * target")
    eliminate_from: int = param(3, low=1, doc="fewest patients before a dose can be eliminated")
    extra_safe: bool = param(False, doc="stricter stopping at the lowest dose")
    offset: float = param(0.05, low=0, high=0.5, open_high=True, doc="what extra_safe takes from the cutoff")
    tie: str = param("deescalate", choices=("deescalate", "stay"), doc="when y/n equals lambda_d")
    bounded: bool = param(False, doc="isotonic estimate of the MTD at most lambda_d")
    titration: bool = param(False, doc="single patients until the first DLT, as R's BOIN does")

    safety_source: ClassVar[str] = "Liu & Yuan 2015"

    def _faults(self) -> list[Fault]:
        found = super()._faults()
        if self.extra_safe is True and isinstance(self.offset, float) and not self.offset < self.cutoff:
            found.append(Fault("offset", f"wanted less than the cutoff {self.cutoff:g}, got {self.offset:g}"))
        if self.titration is True and self.start != 1:
            found.append(
                Fault("start", f"wanted 1 with titration = true, which starts at the first dose, got {self.start}")
            )
        numbers = (self.tox, self.target)
        if all(isinstance(each, int | float) for each in numbers) and 0 < self.target < 1 <= self.tox * self.target:
            found.append(Fault("tox", f"wanted tox * target below 1, got {self.tox * self.target:g}"))
        return found

    def tunable(self) -> tuple[Tunable, ...]:
        """Return phi1/phi and phi2/phi, with what all interval designs have."""
        highest = min(2.2, 0.98 / self.target)
        return (Tunable("saf", 0.2, 0.95), Tunable("tox", 1.05, highest), *super().tunable())

    @property
    def facts(self) -> Facts:
        """What is fixed before the trial begins."""
        return dataclasses.replace(super().facts, sizes_own_cohorts=self.titration, titration=self.titration)

    @property
    def _by_table(self) -> bool:
        """Whether nothing but the table decides."""
        return not self.titration and type(self).decide is BOIN.decide

    @property
    def lambda_e(self) -> float:
        """Escalation boundary."""
        phi, low = self.target, self.saf * self.target
        return float(np.log((1 - low) / (1 - phi)) / np.log(phi * (1 - low) / (low * (1 - phi))))

    @property
    def lambda_d(self) -> float:
        """De-escalation boundary."""
        phi, high = self.target, self.tox * self.target
        return float(np.log((1 - phi) / (1 - high)) / np.log(high * (1 - phi) / (phi * (1 - high))))

    def moves(self, n: IntArray, y: IntArray) -> IntArray:
        """Compare y/n with the boundaries."""
        return self.compare(y / np.maximum(n, 1))

    def compare(self, fraction: FloatArray) -> IntArray:
        """Return UP, STAY or DOWN for a DLT fraction at the current dose, elementwise."""
        above = fraction - self.lambda_d >= (-ROUNDING if self.tie == "deescalate" else ROUNDING)
        return np.where(fraction <= self.lambda_e + ROUNDING, UP, np.where(above, DOWN, STAY))

    def stops_at_lowest(self, n: IntArray, y: IntArray) -> BoolArray:
        """Use the stricter cutoff if `extra_safe`."""
        cutoff = self.cutoff - self.offset * self.extra_safe
        return (n >= self.eliminate_from) & (self.tail(n, y) > cutoff)

    def first(self) -> Decision:
        """Return the first cohort; a single patient in titration."""
        return Decision(np.array([self.start - 1]), np.array([1 if self.titration else self.cohort]), np.array([0]))

    def decide(self, state: TrialState) -> Decision:
        """Move by the table; in titration, single patients up."""
        return self._titrated(state, super().decide(state))

    def _titrated(self, state: TrialState, decision: Decision) -> Decision:
        if not self.titration:
            return decision
        given = Titrate(after="fill", at_last="fill", size=self.cohort)(state, decision)
        allowed = self.admissible(state)[state.at, given.dose]
        dose, size = (np.where(allowed, a, b) for a, b in ((given.dose, decision.dose), (given.size, decision.size)))
        return Decision(dose, size, decision.stop)

    def selectable(self, estimate: FloatArray) -> BoolArray:
        """Leave out estimates above lambda_d if `bounded`."""
        allowed: BoolArray = ~np.isnan(estimate)
        return allowed & (estimate <= self.lambda_d) if self.bounded else allowed

    def describe(self) -> list[Row]:
        """Return the rule, and the choices made where sources differ."""
        tie = "goes down" if self.tie == "deescalate" else "stays"
        rows = [
            Row(
                "decision",
                f"up if y/n <= {self.lambda_e:.4f}, down if y/n >= {self.lambda_d:.4f}, else stay; "
                f"a tie at the upper boundary {tie}",
                "Liu & Yuan 2015",
            ),
            *super().describe(),
        ]
        if self.extra_safe:
            rows.append(
                Row(
                    "extra safe",
                    f"stops at the lowest dose from Pr(p > target) > {self.cutoff - self.offset:g}",
                    "Yan et al. 2020",
                )
            )
        if self.bounded:
            rows.append(Row("bounded MTD", f"isotonic estimate at most {self.lambda_d:.4f}", "R BOIN 2.7.2"))
        if self.titration:
            rows.append(
                Row(
                    "titration", "single patients up to the first DLT, whose dose is filled to a cohort", "R BOIN 2.7.2"
                )
            )
        return rows
