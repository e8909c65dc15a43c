"""Two populations, their DLT rates partly pooled."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from doseopt.core.parameters import Fault, Faults
from doseopt.models.base import GaussianPrior
from doseopt.models.curves import TwoParameterLogistic


@dataclass(frozen=True)
class TwoPopulations:
    """Two-parameter logistic model (BLRM) in two populations, the intercepts partly pooled, the slope shared.

    In population g, logit p_g(d) = log a_g + exp(log b) log(d/d*), where log a_g = log a + tau e_g, e_g ~ N(0, 1), and
    log tau ~ N(log between, between_log_sd^2). The prior of (log a, log b) is that of `curve`; every part is Gaussian
    and non-centred. The intercept of each population has the prior variance Var(log a) + E(tau^2).

    The prior of tau says how far the populations may differ; the data say little about it, two populations being one
    difference. The slope is shared: liver failure of another kind changes how ill the patients are at any dose, on the
    scale of the log odds by the same amount at each, while the shape of the relation belongs to the graft. Two trials
    of a few dozen patients cannot tell two slopes from one, so a second variance between populations would only return
    its prior. Whoever doubts this compares it with a `TwoParameterLogistic` in each population.

    Parameters
    ----------
    curve : TwoParameterLogistic
        Doses with their unit, the reference dose d*, and the prior of (log a, log b).
    groups : tuple of str
        Names of the two populations.
    between : float
        Prior median of tau, the standard deviation between populations of the log odds. 0.25 is called moderate, 0.5
        substantial, 1 large.
    between_log_sd : float
        Standard deviation of log tau; the default, log(2)/1.96, puts 95% of the prior within a factor 2 of the median.

    References
    ----------
    Neuenschwander, Roychoudhury, Schmidli 2016, Statistics in Biopharmaceutical Research 8:345 (exchangeable intercepts
    across strata, log-normal tau); Neuenschwander, Branson, Gsponer 2008, Statistics in Medicine 27:2420.
    """

    curve: TwoParameterLogistic
    groups: tuple[str, str] = ("chronic", "acute-on-chronic")
    between: float = 0.5
    between_log_sd: float = 0.3536465207959823

    def __post_init__(self) -> None:
        """Check the parameters."""
        if len(self.groups) != 2 or len(set(self.groups)) != 2:
            raise Faults([Fault("", f"wanted the names of two different populations, got {self.groups}")])
        if not (0 < self.between < np.inf and 0 < self.between_log_sd < np.inf):
            message = f"wanted between and between_log_sd above 0, got {self.between} and {self.between_log_sd}"
            raise Faults([Fault("", message)])

    @property
    def doses(self) -> int:
        """Number of doses, D."""
        return self.curve.doses

    def prior(self) -> GaussianPrior:
        """Return the prior of log a, log b, log tau and the two e_g."""
        base = self.curve.prior()
        cov = np.eye(5)
        cov[:2, :2] = base.cov
        cov[2, 2] = self.between_log_sd**2
        names = ("log_a", "log_b", "log_tau", "e1", "e2")
        mean = (*base.mean, float(np.log(self.between)), 0.0, 0.0)
        return GaussianPrior(names, mean, tuple(tuple(row) for row in cov.tolist()))

    def log_dlt_rate(self, theta: Any, xp: Any) -> Any:
        """Return the log DLT rate in each population at each dose; theta [..., 5] -> [..., 2, D]."""
        tau = xp.exp(theta[..., 2])
        rows = [xp.stack([theta[..., 0] + tau * theta[..., 3 + g], theta[..., 1]], axis=-1) for g in range(2)]
        return xp.stack([self.curve.log_dlt_rate(row, xp) for row in rows], axis=-2)

    def pooled(self) -> TwoParameterLogistic:
        """Return the model of patients of unknown population: the intercept has variance Var(log a) + E(tau^2)."""
        (va, c), (_, vb) = self.curve.cov
        more = (self.between * math.exp(self.between_log_sd**2)) ** 2
        return dataclasses.replace(self.curve, cov=((va + more, c), (c, vb)))

    def given(self, tau: float) -> TwoParameterLogistic:
        """Return the prior of either population by itself, given tau."""
        (va, c), (_, vb) = self.curve.cov
        return dataclasses.replace(self.curve, cov=((va + tau**2, c), (c, vb)))

    def at(self, values: tuple[float, ...]) -> TwoPopulations:
        """Return the same model at other doses, in the unit of the curve."""
        return TwoPopulations(self.curve.at(values), self.groups, self.between, self.between_log_sd)
