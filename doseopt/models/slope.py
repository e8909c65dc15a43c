"""The prior of the slope exp(b) of a one-parameter model, as a study states it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from doseopt.core.parameters import Fault, check, param
from doseopt.models.base import GammaPrior, GaussianPrior, Prior

PRIOR_SD = math.sqrt(1.34)
"""Usual standard deviation of b."""


@dataclass(frozen=True)
class SlopePrior:
    """Prior of the slope exp(b) of a one-parameter model, other than b ~ N(0, prior_sd^2).

    Parameters
    ----------
    kind : {"normal", "exponential", "gamma"}
        b ~ N(mean, sd^2), the slope exp(b) ~ Exponential(rate), or exp(b) ~ Gamma(shape, rate), its mean being
        shape / rate.
    mean, sd : float
        Of b, for "normal".
    rate : float
        Of the other two.
    shape : float
        Of "gamma".

    Notes
    -----
    With a normal prior the plug-in estimate is the rate at the posterior mean of b (R dfcrm), with the others that at
    the posterior mean of the slope. Names: `OneParExpPrior` (exponential, empiric model) of R crmPack,
    `logistic_gamma` (gamma, logistic model) of R trialr.

    References
    ----------
    O'Quigley, Pepe, Fisher 1990, Biometrics 46:33 (exponential).

    Examples
    --------
    >>> from doseopt import CRM, SlopePrior, after
    >>> crm = CRM(doses=3, target=0.25, skeleton=(0.1, 0.25, 0.4), slope_prior=SlopePrior("exponential", rate=1.0))
    >>> [round(p, 3) for p in crm.posterior(after(crm, "1NNN 2NNT")).mean()[0].tolist()]
    [0.127, 0.261, 0.394]
    """

    kind: str = param(choices=("normal", "exponential", "gamma"), doc="distribution of the slope exp(b)")
    mean: float = param(0.0, low=-10, high=10, doc="mean of b")
    sd: float = param(1.0, low=1e-3, high=10, doc="standard deviation of b")
    rate: float = param(1.0, low=1e-3, high=1e3, doc="rate of the distribution of exp(b)")
    shape: float = param(1.0, low=0.1, high=1e3, doc="shape of the gamma distribution of exp(b)")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        own = {"normal": ("mean", "sd"), "exponential": ("rate",), "gamma": ("shape", "rate")}.get(self.kind)
        usual = {"mean": 0.0, "sd": 1.0, "rate": 1.0, "shape": 1.0}
        other = [name for name in usual if own is not None and name not in own and getattr(self, name) != usual[name]]
        wanted = "" if own is None else f"is no parameter of kind {self.kind!r}; wanted {' and '.join(own)}"
        return [Fault(name, wanted) for name in other]

    def prior(self) -> Prior:
        """Return the prior as it is computed with."""
        if self.kind == "normal":
            return GaussianPrior(("b",), (self.mean,), ((self.sd**2,),))
        return GammaPrior(self.shape if self.kind == "gamma" else 1.0, self.rate)

    def widened(self, factor: float) -> SlopePrior:
        """Return the prior with its standard deviation multiplied, of b or of the slope, whose mean stays."""
        if self.kind == "normal":
            return SlopePrior("normal", mean=self.mean, sd=factor * self.sd)
        shape = self.shape if self.kind == "gamma" else 1.0
        return SlopePrior("gamma", shape=shape / factor**2, rate=self.rate / factor**2)

    def describe(self) -> str:
        """Return the prior in the letters of the model."""
        if self.kind == "normal":
            return f"b ~ N({self.mean:.3g}, variance {self.sd**2:.4g})"
        if self.kind == "exponential":
            return f"exp(b) ~ Exponential({self.rate:.4g})"
        return f"exp(b) ~ Gamma({self.shape:.4g}, rate {self.rate:.4g})"


def slope_fault(value: Any) -> str | None:
    """Return what is wrong with a value that may be a `SlopePrior`."""
    return None if value is None or isinstance(value, SlopePrior) else f"wanted a SlopePrior, got {value!r}"


def slope_faults(stated: SlopePrior | None, prior_sd: float) -> list[Fault]:
    """Return why a prior of the slope and a standard deviation of b are stated both; none if they are not."""
    if stated is None or prior_sd == PRIOR_SD:
        return []
    return [Fault("prior_sd", "is not read where slope_prior is stated; wanted one of the two")]
