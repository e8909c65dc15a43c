"""The shared base of designs that read their decision from a table of (patients, DLTs) at the current dose."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from scipy.special import betainc

from doseopt.core.design import Row, highest_admissible
from doseopt.core.facts import Facts
from doseopt.core.parameters import MOST_DOSES, param
from doseopt.core.posterior import Posterior
from doseopt.core.state import CONTINUE, NONE, BoolArray, Decision, FloatArray, IntArray, Pending, TrialState
from doseopt.core.tunable import COHORT, Tunable
from doseopt.designs.defaults import Defaults
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.designs.modifiers.stopping import prior_fault
from doseopt.designs.selection import closest, isotonic
from doseopt.models.beta import BetaBinomial

TOO_TOXIC = 1
UP, STAY, DOWN = 1, 0, -1
ROUNDING = 1e-12
"""Fractions or masses closer than this are equal: rounding must not decide a tie."""


class IntervalDesign(Defaults):
    """A decision table (n, y) -> up, stay, down or eliminate, with isotonic selection of the MTD.

    A design of the family inherits this and supplies `moves` and `eliminates`.

    Attributes
    ----------
    isotonic_prior : float
        a of the Beta(a, a) that the isotonic estimate of the DLT rates adds to the tallies.
    """

    target: float
    cohort: int
    start: int

    isotonic_prior: ClassVar[float] = 0.05

    def moves(self, n: IntArray, y: IntArray) -> IntArray:
        """Return UP, STAY or DOWN for y DLTs in n patients at the current dose, elementwise."""
        raise NotImplementedError

    def eliminates(self, n: IntArray, y: IntArray) -> BoolArray:
        """Return whether y DLTs in n patients eliminate a dose and all above, elementwise."""
        raise NotImplementedError

    def stops_at_lowest(self, n: IntArray, y: IntArray) -> BoolArray:
        """Return whether y DLTs in n patients at the lowest dose end the trial, elementwise."""
        return self.eliminates(n, y)

    @property
    def facts(self) -> Facts:
        """What is fixed before the trial begins."""
        excluded = "eliminated as too toxic, or a lower dose is"
        return dataclasses.replace(
            super().facts,
            stops=("too_toxic",),
            skips=False,
            exclusion=excluded,
            below=self.wants_below,
            excluding=self.excluding if self._by_table else None,
        )

    @property
    def _by_table(self) -> bool:
        """Whether nothing but the table decides: a design that decides or excludes in another way says so itself."""
        kind = type(self)
        return kind.decide is IntervalDesign.decide and kind.admissible is IntervalDesign.admissible

    def excluding(self, size: int) -> BoolArray:
        """Return which tallies exclude a dose and all above it, or end the trial at the lowest dose, [D, n, y]."""
        _, out, lowest = tables(self, size)
        return np.stack([out | lowest, *([out] * (self.doses - 1))])

    def wants_below(self, state: TrialState, pending: Pending | None = None) -> BoolArray:
        """Tell where the table says down at the lowest dose, [S]; `pending` is for designs that look at them."""
        move, _, _ = tables(self, _room(state.n))
        return np.asarray((state.dose == 0) & (move[state.n[:, 0], state.y[:, 0]] == DOWN))

    def first(self) -> Decision:
        """Return the first cohort."""
        return Decision(np.array([self.start - 1]), np.array([self.cohort]), np.array([0]))

    def admissible(self, state: TrialState) -> BoolArray:
        """Exclude eliminated doses; all of them where the lowest dose ends the trial."""
        _, out, lowest = tables(self, _room(state.n))
        cell = state.n * len(out) + state.y
        gone = out.ravel()[cell]
        gone[:, 0] |= lowest.ravel()[cell[:, 0]]
        for j in range(1, self.doses):
            gone[:, j] |= gone[:, j - 1]
        return np.asarray(~gone)

    def decide(self, state: TrialState) -> Decision:
        """Move by the table, never above the highest admissible dose."""
        move, _, _ = tables(self, _room(state.n))
        return self._moved(state, move[state.n[state.at, state.dose], state.y[state.at, state.dose]])

    def _moved(self, state: TrialState, step: IntArray) -> Decision:
        """Return the next cohorts after these steps from the dose last given."""
        wanted = np.minimum(np.maximum(state.dose + step, 0), self.doses - 1)
        dose = highest_admissible(wanted, self.admissible(state))
        stop = np.where(dose < 0, TOO_TOXIC, CONTINUE)
        return Decision(np.maximum(dose, 0), np.full(len(state), self.cohort), stop)

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the isotonic estimate of the DLT rates at tried, admissible doses; nan elsewhere, [S, D]."""
        return isotonic(state.n, state.y, state.tried & self.admissible(state), self.isotonic_prior)

    def select(self, state: TrialState, stop: IntArray) -> IntArray:
        """Return the tried, admissible dose whose isotonic estimate is closest to the target."""
        return self.select_among(state, stop, np.ones_like(state.n, bool))  # in the same order in memory

    def select_among(self, state: TrialState, stop: IntArray, allowed: BoolArray) -> IntArray:
        """Return the same among some doses."""
        estimate = self.estimated(state)
        mtd = closest(estimate, self.target, self.selectable(estimate) & allowed)
        return np.where(stop == TOO_TOXIC, NONE, mtd)

    def selectable(self, estimate: FloatArray) -> BoolArray:
        """Return which doses may be selected, given the isotonic estimates, [S, D]."""
        return ~np.isnan(estimate)

    def describe(self) -> list[Row]:
        """Return the rules that the whole family shares; a design puts its own before them."""
        prior = "" if self.isotonic_prior == 0.05 else f" of Beta({self.isotonic_prior:g},{self.isotonic_prior:g})"
        mtd = f"the tried, not eliminated dose whose isotonic estimate{prior} is closest to the target"
        return [
            Row("cohorts", f"{self.cohort} patients, from level {self.start}"),
            Row("MTD", mtd, "Yan et al. 2020"),
        ]


def beta_prior(a: float, b: float) -> Any:
    """Return the parameter of designs that state the Beta(a, b) prior of the DLT rate at a dose."""
    doc = "a and b of the Beta(a, b) prior of the DLT rate at a dose"

    def fault(value: Any) -> str | None:
        return f"wanted two numbers, got {value!r}" if value is None else prior_fault(value)

    return param((a, b), kind=tuple, custom=fault, doc=doc)


@dataclass(frozen=True)
class SafeIntervalDesign(IntervalDesign):
    """An interval design with the family's safety rule.

    A dose with at least `eliminate_from` patients and Pr(p > phi) > cutoff is eliminated with all above it; if the
    lowest is, the trial stops and no dose is selected.

    Parameters
    ----------
    doses : int
    target : float
        phi.
    cutoff : float
        Posterior probability that eliminates.
    eliminate_from : int
        Fewest patients at a dose before it can be eliminated.
    cohort, start : int
        Cohort size; first dose level, counted from 1.

    Attributes
    ----------
    safety_source : str
        Who states the safety rule.
    """

    doses: int = param(kind=int, low=1, high=MOST_DOSES)
    target: float = param(kind=float, low=0, high=1, open_low=True, open_high=True, doc="target DLT rate")
    cutoff: float = param(
        0.95, low=0, high=1, open_low=True, open_high=True, doc="posterior probability that eliminates"
    )
    eliminate_from: int = param(1, low=1, doc="fewest patients before a dose can be eliminated")
    cohort: int = param(3, low=1, high=100, doc="cohort size")
    start: int = param(1, low=1, doc="first dose level")

    safety_source: ClassVar[str]

    @classmethod
    def example(cls) -> Modified:
        """Return the design as the conformance checks try it."""
        return Modified(cls(doses=4, target=0.25), (MaxPatients(n=18),))

    @property
    def beta(self) -> tuple[float, float]:
        """The prior Beta(a, b) of the DLT rate at a dose: Beta(1, 1), or what a design states."""
        return (1.0, 1.0)

    def tail(self, n: IntArray, y: IntArray) -> FloatArray:
        """Return Pr(p > phi), elementwise."""
        return beta_tail(n, y, self.target, *self.beta)

    def tunable(self) -> tuple[Tunable, ...]:
        """Return the cutoff of the safety rule, and the cohort size."""
        return (Tunable("cutoff", 0.75, 0.995), COHORT)

    def eliminates(self, n: IntArray, y: IntArray) -> BoolArray:
        """Compare the posterior tail with the cutoff."""
        return (n >= self.eliminate_from) & (self.tail(n, y) > self.cutoff)

    @property
    def facts(self) -> Facts:
        """What is fixed before the trial begins."""
        excluded = f"Pr(DLT rate > {self.target:g}) > {self.cutoff:g} at this dose or a lower one"
        return dataclasses.replace(super().facts, exclusion=excluded)

    def posterior(self, state: TrialState) -> Posterior:
        """Return the posterior of the DLT rates under Beta(a, b), each dose by itself."""
        return BetaBinomial(self.doses, *self.beta).posterior(state.n, state.y)

    def describe(self) -> list[Row]:
        """Return the safety rule, and what the whole family shares."""
        rule = (
            f"a dose and all above, when n >= {self.eliminate_from} and "
            f"Pr(p > {self.target:g}) > {self.cutoff:g} under {in_words(self.beta)}"
        )
        return [Row("elimination", rule, self.safety_source), *super().describe()]


def _room(n: IntArray) -> int:
    """Return a table size that holds these tallies; powers of two, so that few tables are made."""
    return 1 << max(int(n.max(initial=1)).bit_length(), 5)


@functools.lru_cache(maxsize=256)
def tables(design: IntervalDesign, size: int) -> tuple[IntArray, BoolArray, BoolArray]:
    """Return moves, eliminations and stops at the lowest dose for all y <= n < size, [n, y] each."""
    n, y = np.meshgrid(np.arange(size), np.arange(size), indexing="ij")
    y = np.minimum(n, y)
    return design.moves(n, y), design.eliminates(n, y), design.stops_at_lowest(n, y)


def beta_tail(n: IntArray, y: IntArray, rate: float | FloatArray, a: float = 1.0, b: float = 1.0) -> FloatArray:
    """Return Pr(p > rate) for p ~ Beta(a + y, b + n - y), elementwise."""
    return np.asarray(betainc(b + n - y, a + y, 1 - rate))


def last_largest(values: FloatArray) -> IntArray:
    """Return which entry of the last axis is the largest, of several within rounding the last."""
    most = values.max(axis=-1, keepdims=True)
    among = values >= most - ROUNDING * np.abs(most)
    return np.asarray(values.shape[-1] - 1 - among[..., ::-1].argmax(axis=-1))


def in_words(beta: tuple[float, float]) -> str:
    """Return a Beta distribution as descriptions have it."""
    return f"Beta({beta[0]:g},{beta[1]:g})"


def move_to_densest(
    n: IntArray, y: IntArray, edges: FloatArray, low: float, beta: tuple[float, float] = (1.0, 1.0)
) -> IntArray:
    """Move towards the interval with the largest mass per length under Beta(a + y, b + n - y), elementwise.

    Parameters
    ----------
    n, y : int array
    edges : float array [K]
        Ends of the intervals, increasing, from 0 to 1.
    low : float
        Where the interval to stay in begins: one of the edges.
    beta : tuple of float
        a and b.

    Returns
    -------
    int array
        UP where the densest interval lies below that one, STAY where it is that one, DOWN above; ties to the higher.
    """
    mass = -np.diff(beta_tail(n[..., None], y[..., None], edges, *beta), axis=-1)
    return np.asarray(np.sign(np.searchsorted(edges, low) - last_largest(mass / np.diff(edges))))


def equal_pieces(low: float, high: float) -> FloatArray:
    """Return the ends of pieces of (0, 1) as long as [low, high], which is one; those at 0 and at 1 may be shorter."""
    width = high - low
    below, above = (np.arange(1, np.ceil(room / width - ROUNDING)) * width for room in (low, 1 - high))
    return np.concatenate([[0], (low - below)[::-1], [low, high], high + above, [1]])
