"""The time-to-event continual reassessment method."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from doseopt.core.design import Row
from doseopt.core.facts import Facts
from doseopt.core.parameters import Fault, Faults, param
from doseopt.core.posterior import Posterior
from doseopt.core.state import Decision, FloatArray, Pending, TrialState
from doseopt.designs.crm import CRM
from doseopt.designs.first_stage import follow
from doseopt.models.quadrature import quadrature
from doseopt.models.quadrature.batch import Kept
from doseopt.models.quadrature.one_parameter import OneParameterPosterior
from doseopt.models.quadrature.partial import Partial

_KEPT = Kept[OneParameterPosterior]()
"""The last batch: the rule estimates in it, and rules of stopping ask of it, too."""


@dataclass(frozen=True)
class TITECRM(CRM):
    """Time-to-event continual reassessment method: CRM in which a pending patient counts in part.

    With F the DLT rate of the model at a patient's dose, the likelihood is the product of

        (w F)^y (1 - w F)^(1 - y)

    over the patients; y = 1 for a DLT. A patient who is not pending has w = 1. A pending one, followed for u of a
    window of W, has

        linear      w = u/W
        adaptive    w = (m + (u - t_(m))/(t_(m+1) - t_(m)))/(z + 1)

    where t_(1) <= ... <= t_(z) are the times of the DLTs seen so far, t_(0) = 0, t_(z+1) = W, and m of them are at most
    u; linear where z = 0. The next patients are given the dose whose estimated DLT rate is closest to the target, ties
    to the lower; with ``cohort = 1``, as published, at each arrival. It never waits. The MTD is the model's choice
    after everybody has been followed up. With nobody pending it is CRM.

    Parameters
    ----------
    weights : {"linear", "adaptive"}
    doses, target, skeleton, model, intercept, prior_sd, slope_prior, estimate, select_untried, cohort, start, initial
        As those of `CRM`; in the first stage of `initial` pending patients count as ones without a DLT so far.

    Notes
    -----
    Names: "TITE-CRM". In R's dfcrm the two-stage simulator takes another prior while all outcomes are DLTs; this does
    not.

    References
    ----------
    Cheung & Chappell 2000, Biometrics 56:1177.

    Examples
    --------
    Half a window without a DLT is less than a whole one: the estimated DLT rate at the lowest of three doses.

    >>> import numpy as np
    >>> from doseopt import TITECRM, TrialState
    >>> from doseopt.core.state import Pending
    >>> design = TITECRM(doses=3, target=0.25, skeleton=(0.1, 0.25, 0.4), cohort=1)
    >>> state = TrialState(np.zeros((1, 3), int), np.zeros((1, 3), int), np.zeros(1, int), np.zeros((1, 0), int))
    >>> for share in (0.0, 0.5, 0.999999):
    ...     pending = Pending(np.array([[0]]), np.array([[share]]))
    ...     print(f"{design.estimated(state, pending)[0, 0]:.4f}")
    0.1000
    0.0708
    0.0426
    """

    weights: str = param("linear", choices=("linear", "adaptive"), doc="how a pending patient counts")

    def _faults(self) -> list[Fault]:
        found = super()._faults()
        if self.estimate == "mle":
            found.append(Fault("estimate", "wanted 'plugin' or 'mean' where patients are pending, got 'mle'"))
        if self.cibp is not None:
            found.append(Fault("cibp", "is not read where patients are pending; wanted kind 'crm', or to leave it out"))
        return found

    @property
    def facts(self) -> Facts:
        """What is fixed before the trial begins."""
        return dataclasses.replace(super().facts, pending=True, times=self.weights == "adaptive")

    def posterior(self, state: TrialState, pending: Pending | None = None) -> Posterior:
        """Return the posterior of the DLT rates, pending patients weighted."""
        return self._posterior(state) if pending is None else self.weighted(state, pending)

    def weighted(self, state: TrialState, pending: Pending) -> OneParameterPosterior:
        """Return the posterior of the DLT rates with weighted pending patients."""

        def made() -> OneParameterPosterior:
            partial = Partial(pending.dose, self.weigh(pending))
            return quadrature(self.curve).posterior(state.n, state.y, partial)

        return _KEPT(state.n, state.y, made, (self, pending))

    def weigh(self, pending: Pending) -> FloatArray:
        """Return w of each pending patient, [S, P]."""
        linear = np.clip(pending.share, 0.0, 1.0)
        nobody = (pending.dose < 0).all()
        return linear if self.weights == "linear" or nobody else _adaptive(linear, pending.times)

    def estimated(self, state: TrialState, pending: Pending | None = None) -> FloatArray:
        """Return the estimated DLT rates that decide, [S, D]."""
        posterior = self._posterior(state) if pending is None else self.weighted(state, pending)
        return posterior.plugin() if self.estimate == "plugin" else posterior.mean()

    def decide(self, state: TrialState, pending: Pending | None = None) -> Decision:
        """Return the dose closest to the target; in the first stage, the next of the sequence."""
        return follow(self.initial, self.cohort, state.treated(pending), self._closest(self.estimated(state, pending)))

    def describe(self) -> list[Row]:
        """Return the rule, and the choices made where sources differ."""
        how = "u/W" if self.weights == "linear" else "by the times of the DLTs seen so far (adaptive)"
        rule = f"followed for u of a window of W counts as 1 - w p in the likelihood, w = {how}; no waiting"
        return [Row("pending patients", rule, "Cheung & Chappell 2000"), *super().describe()]


def _adaptive(share: FloatArray, times: FloatArray | None) -> FloatArray:
    """Return the adaptive weights of patients followed for these shares of the window, [S, P]; times [S, Z]."""
    if times is None:
        wanted = 'wanted the times of the DLTs for weights = "adaptive", got none; or weights = "linear"'
        raise Faults([Fault("pending.times", wanted)])
    z = np.isfinite(times).sum(axis=1, keepdims=True)
    knots = np.pad(np.sort(np.where(np.isfinite(times), times, 1.0), axis=1), ((0, 0), (1, 1)))
    knots[:, -1] = 1.0
    seen = np.arange(times.shape[1]) < z
    m = ((knots[:, None, 1:-1] <= share[..., None]) & seen[:, None, :]).sum(axis=-1)
    low, high = np.take_along_axis(knots, m, axis=1), np.take_along_axis(knots, m + 1, axis=1)
    return np.where(share >= 1, 1.0, np.minimum((m + (share - low) / np.where(high > low, high - low, 1)) / (z + 1), 1))
