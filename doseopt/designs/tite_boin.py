"""The time-to-event Bayesian optimal interval design."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.parameters import param
from doseopt.core.posterior import Posterior
from doseopt.core.state import BoolArray, Decision, FloatArray, IntArray, Pending, TrialState
from doseopt.designs.boin import BOIN
from doseopt.designs.interval import DOWN


@dataclass(frozen=True)
class TITEBOIN(BOIN):
    """Time-to-event Bayesian optimal interval design: BOIN that need not wait for pending patients.

    Of the n patients treated at the current dose s had a DLT, c are pending and r = n - c are not; STFT is the sum of
    the pending patients' follow-up as shares of the window. At the first patient of a cohort, in this order:

    1. a dose with n >= `eliminate_from` and Pr(p > phi) > cutoff under Beta(1+s, 1+n-s) is closed, with all above it:
       down; if the lowest is, the trial stops and no dose is selected;
    2. down if s/n >= lambda_d, whatever is pending;
    3. wait if c > n/2: the patient who arrives is not enrolled, and the next who arrives is decided on again;
    4. up if p <= lambda_e, down if p >= lambda_d, else stay, where p stands for the DLT fraction that is not known yet:

        imputed   p = (s + q/(1-q) (c - STFT))/n,  q = (s + phi/2)/(r + 1)
        ess       p = s/(r + STFT)

    With nobody pending it is BOIN, and the MTD is chosen as BOIN does, after everybody has been followed up.

    Parameters
    ----------
    estimate : {"imputed", "ess"}
        The single mean imputation of 2018, or the effective sample size of 2020. (With ``ess`` and no follow-up at all
        nothing is known, and the dose stays.)
    suspend_from : int
        Fewest patients at the current dose before enrolment is suspended. With 1, of single patients the second waits
        for the first; the papers' cohorts of three make it 3.
    doses, target, saf, tox, cutoff, eliminate_from, extra_safe, offset, tie, bounded, titration, cohort, start
        As those of `BOIN`.

    Notes
    -----
    Names: "TITE-BOIN".

    References
    ----------
    Yuan et al. 2018, Clinical Cancer Research 24:4921; Lin & Yuan 2020, Biostatistics 21:807.

    Examples
    --------
    Yuan et al. 2018, target 0.20: after 1 DLT in 9, with 3 patients pending, the dose goes up when their follow-up
    adds up to 0.77 windows, and stays before:

    >>> import numpy as np
    >>> from doseopt import TITEBOIN, TrialState
    >>> from doseopt.core.state import Pending
    >>> design = TITEBOIN(doses=2, target=0.2)
    >>> state = TrialState(np.array([[6, 0]]), np.array([[1, 0]]), np.array([0]), np.zeros((1, 0), int))
    >>> for share in (0.25, 0.26):
    ...     design.decide(state, Pending(np.array([[0, 0, 0]]), np.full((1, 3), share))).dose.item() + 1
    1
    2
    """

    estimate: str = param("imputed", choices=("imputed", "ess"), doc="how pending patients enter the DLT fraction")
    suspend_from: int = param(1, low=1, doc="fewest patients at a dose before enrolment is suspended")

    @property
    def facts(self) -> Facts:
        """What is fixed before the trial begins."""
        return dataclasses.replace(super().facts, pending=True)

    def decide(self, state: TrialState, pending: Pending | None = None) -> Decision:
        """Move by the DLT fraction as far as it is known, or wait."""
        if pending is None:
            return super().decide(state)
        counted, (move, waits) = state.treated(pending), self._move(state, pending)
        titrated = self._titrated(counted, self._moved(counted, move))
        dose = np.where(waits, state.dose, titrated.dose)
        return Decision(dose, np.where(waits, 0, titrated.size), titrated.stop)

    def _move(self, state: TrialState, pending: Pending) -> tuple[IntArray, BoolArray]:
        """Return the step from the dose last given, and where the trial waits before it takes one, [S] each."""
        counted, here = state.treated(pending), pending.dose == state.dose[:, None]
        n, s = (tally[state.at, state.dose] for tally in (counted.n, counted.y))
        c, follow_up = here.sum(axis=1), np.where(here, pending.share, 0.0).sum(axis=1)
        certain = self.compare(s / np.maximum(n, 1)) == DOWN
        move = np.where(certain, DOWN, self.compare(self._fraction(n, s, c, follow_up)))
        open_ = self.admissible(counted)[state.at, state.dose]
        return move, open_ & ~certain & (2 * c > n) & (n >= self.suspend_from)

    def wants_below(self, state: TrialState, pending: Pending | None = None) -> BoolArray:
        """Tell where it goes down at the lowest dose, [S]; not where it waits."""
        if pending is None:
            return super().wants_below(state)
        move, waits = self._move(state, pending)
        return np.asarray((state.dose == 0) & (move == DOWN) & ~waits)

    def _fraction(self, n: IntArray, s: IntArray, c: IntArray, follow_up: FloatArray) -> FloatArray:
        """Return what stands for the DLT fraction, elementwise; nan where nothing is known."""
        r = n - c
        if self.estimate == "ess":
            known = r + follow_up
            return np.where(known > 0, s / np.where(known > 0, known, 1), np.nan)
        q = (s + self.target / 2) / (r + 1)
        return np.asarray((s + q / (1 - q) * (c - follow_up)) / np.maximum(n, 1))

    def posterior(self, state: TrialState, pending: Pending | None = None) -> Posterior:
        """Return the posterior by which doses are eliminated: pending patients count as ones without a DLT so far."""
        return super().posterior(state.treated(pending))

    def estimated(self, state: TrialState, pending: Pending | None = None) -> FloatArray:
        """Return the isotonic estimate of the DLT rates; pending patients count as ones without a DLT so far."""
        return super().estimated(state.treated(pending))

    def describe(self) -> list[Row]:
        """Return the rule, and the choices made where sources differ."""
        ess = self.estimate == "ess"
        source = "Lin & Yuan 2020" if ess else "Yuan et al. 2018"
        formula = (
            "s/(r + STFT)" if ess else "(s + q/(1 - q) (c - STFT))/n with q = (s + target/2)/(r + 1)"
        ) + ", STFT the follow-up of the pending in windows"
        few = f", from {self.suspend_from} patients at the dose on" if self.suspend_from > 1 else ""
        return [
            Row("pending patients", f"with c of n pending y/n is {formula}", source),
            Row("waiting", f"while more than half of those at the dose are pending{few}, unless s/n says down", source),
            *super().describe(),
        ]
