"""Efficacy beside toxicity: what designs that look at both share."""

from __future__ import annotations

import dataclasses

import numpy as np
from scipy.special import betainc

from doseopt.core.facts import Facts
from doseopt.core.outcome_space import EFFICACY
from doseopt.core.parameters import Fault, param
from doseopt.core.state import BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.designs.interval import SafeIntervalDesign


@dataclasses.dataclass(frozen=True)
class UtilityDesign(SafeIntervalDesign):
    """A design that weighs efficacy against toxicity by a utility, on a toxicity tally with a safety rule.

    A patient with efficacy alone is worth 100, with neither u2, with both u3, and with a DLT alone 0. At a dose with n
    patients the quasi-events x are the sum of these utilities over 100, and U ~ Beta(1 + x, 1 + n - x).

    A design of the family inherits this and supplies `decide`, `select` and `moves`. Which doses may be given is a
    matter of toxicity alone; which are worth it is the design's.

    Parameters
    ----------
    phi_e : float
        Lowest efficacy rate that is acceptable.
    u2, u3 : float
        Utility of neither, and of both.
    cutoff_e : float
        Posterior probability of an efficacy rate below phi_e, under Beta(1, 1), from which a dose is futile.
    """

    phi_e: float = param(0.25, low=0, high=1, open_low=True, open_high=True, doc="lowest acceptable efficacy rate")
    u2: float = param(40.0, low=0, high=100, doc="utility of neither efficacy nor a DLT; of efficacy alone it is 100")
    u3: float = param(60.0, low=0, high=100, doc="utility of efficacy with a DLT; of a DLT alone it is 0")
    cutoff_e: float = param(
        0.90, low=0, high=1, open_low=True, open_high=True, doc="posterior probability of too little efficacy"
    )

    @property
    def facts(self) -> Facts:
        """What is fixed before the trial begins: responses are kept, and who had both where the utility needs it."""
        doses = range(1, self.doses + 1)
        kept = [f"efficacy_{dose}" for dose in doses] + [f"both_{dose}" for dose in doses if self.needs_both]
        return dataclasses.replace(super().facts, outcomes=EFFICACY, memory=tuple(kept), responses=True)

    @property
    def needs_both(self) -> bool:
        """Whether the utility depends on who had both; with u2 + u3 = 100 it is a sum of one for each."""
        return self.u2 + self.u3 != 100

    def _faults(self) -> list[Fault]:
        found = super()._faults()
        if isinstance(self.u2, int | float) and isinstance(self.u3, int | float) and self.u2 == self.u3 == 0:
            found.append(Fault("u2", "wanted u2 or u3 above 0, got 0 for both"))
        return found

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Add the patients with efficacy, [S, M]."""
        memory = before.memory.copy()
        memory[before.at, given.dose] += EFFICACY.with_efficacy(outcome)
        if self.needs_both:
            memory[before.at, self.doses + given.dose] += outcome[:, EFFICACY.letters.index("B")]
        return memory

    def responses(self, state: TrialState) -> IntArray:
        """Return the patients with efficacy at each dose, [S, D]."""
        return state.memory[:, : self.doses]

    def quasi_events(self, state: TrialState) -> FloatArray:
        """Return x at each dose, [S, D]."""
        n, y, e = state.n, state.y, self.responses(state)
        both = state.memory[:, self.doses :] if self.needs_both else 0
        return np.asarray((self.u2 * (n - y) + (100 - self.u2) * e + (self.u2 + self.u3 - 100) * both) / 100)

    def estimated_utility(self, state: TrialState) -> FloatArray:
        """Return the posterior mean of 100 U at each dose, [S, D]."""
        return 100 * (1 + self.quasi_events(state)) / (2 + state.n)

    def futile(self, state: TrialState) -> BoolArray:
        """Return whether Pr(efficacy rate < phi_e) reaches its cutoff, [S, D]."""
        e = self.responses(state)
        return np.asarray(betainc(1 + e, 1 + state.n - e, self.phi_e) >= self.cutoff_e)
