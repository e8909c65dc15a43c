"""Draws of a posterior: may they be trusted, and what do they say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.models.line import check_level

HIGHEST_RHAT = 1.01
LOWEST_ESS = 400.0


class SamplingWarning(UserWarning):
    """The draws of a sampler cannot be trusted as they are."""


@dataclass(frozen=True)
class Diagnostics:
    """What tells whether draws can be trusted.

    Parameters
    ----------
    max_rhat : float
        Largest rank-normalised split R-hat of any parameter or DLT rate: 1 if all chains tell the same.
    min_ess_bulk, min_ess_tail : float
        Smallest effective sample size, for means and for the tails of intervals.
    divergences : int
        Steps that lost the path through the posterior.

    References
    ----------
    Vehtari, Gelman, Simpson, Carpenter, Bürkner 2021, Bayesian Analysis 16:667 (R-hat below 1.01, ESS above 400).
    """

    max_rhat: float
    min_ess_bulk: float
    min_ess_tail: float
    divergences: int

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong; what could not be computed is."""
        ess = min(self.min_ess_bulk, self.min_ess_tail)
        return self.max_rhat <= HIGHEST_RHAT and ess >= LOWEST_ESS and self.divergences == 0

    def words(self) -> str:
        """Say what is wrong and what to do, or that nothing is."""
        if self.ok:
            return (
                f"The chains agree (R-hat at most {self.max_rhat:.3f}), the effective sample size is at least "
                f"{min(self.min_ess_bulk, self.min_ess_tail):.0f}, and no step diverged."
            )
        found = []
        if not self.max_rhat <= HIGHEST_RHAT:
            found.append(
                f"The chains do not agree with each other (R-hat {self.max_rhat:.3f}, wanted at most {HIGHEST_RHAT}): "
                "do not use these results; sample again with twice the tuning steps and draws."
            )
        for size, what in ((self.min_ess_bulk, "means"), (self.min_ess_tail, "the ends of intervals")):
            if not size >= LOWEST_ESS:
                found.append(
                    f"The draws are worth only {size:.0f} independent ones for {what} (wanted at least "
                    f"{LOWEST_ESS:.0f}): sample again with more draws."
                )
        if self.divergences:
            found.append(
                f"{self.divergences} {'step' if self.divergences == 1 else 'steps'} of the sampler diverged, so part "
                "of the posterior may be missing: sample again with more tuning steps; if that does not help, the "
                "model does not suit the data."
            )
        return " ".join(found)


def diagnose(tree: xr.DataTree) -> Diagnostics:
    """Return the diagnostics of draws, over all parameters and DLT rates.

    Parameters
    ----------
    tree : xarray.DataTree
        With groups `posterior` (chain, draw, ...) and `sample_stats` (`diverging`).
    """
    import arviz as az

    posterior = tree["posterior"].to_dataset()
    kept = posterior[[str(name) for name in posterior.data_vars if posterior[name].dtype.kind == "f"]]
    worst = {
        "rhat": _extreme(az.rhat(kept), "max"),
        "bulk": _extreme(az.ess(kept, method="bulk"), "min"),
        "tail": _extreme(az.ess(kept, method="tail"), "min"),
    }
    divergences = int(tree["sample_stats"]["diverging"].sum())
    return Diagnostics(worst["rhat"], worst["bulk"], worst["tail"], divergences)


def _extreme(statistics: Any, which: str) -> float:
    """Return the largest or smallest value of all variables; not a number if one is not."""
    values = np.concatenate([np.ravel(variable.to_numpy()) for variable in statistics.data_vars.values()])
    return float(values.max() if which == "max" else values.min())


@dataclass(frozen=True, eq=False)
class SampledPosterior:
    """The posterior of the DLT rates, from draws; S is 1, or the number of populations.

    Parameters
    ----------
    tree : xarray.DataTree
        What `doseopt.models.nuts.pymc.sample` returns.
    """

    tree: xr.DataTree

    @property
    def _p_dlt(self) -> xr.DataArray:
        """Draws, (chain, draw, group, dose)."""
        rates = self.tree["posterior"]["p_dlt"]
        if "group" not in rates.dims:
            rates = rates.expand_dims("group")
        return rates.transpose("chain", "draw", "group", "dose")

    @property
    def _flat(self) -> FloatArray:
        draws = self._p_dlt.to_numpy()
        return np.asarray(draws.reshape(-1, *draws.shape[2:]))

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [S, D]."""
        return np.asarray(self._flat.mean(axis=0))

    def sd(self) -> FloatArray:
        """Return the posterior standard deviation of the DLT rate, [S, D]."""
        return np.asarray(self._flat.std(axis=0))

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [S, D]; low = 0 and high = 1 are included."""
        return np.asarray(self._inside(low, high).mean(dim=("chain", "draw")).to_numpy())

    def below(self, rates: FloatArray) -> FloatArray:
        """Return Pr(rate <= each of the rates), [S, C, D]."""
        return np.stack([self.prob(0.0, rate) for rate in rates.tolist()], axis=1)

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [S, D]."""
        return np.asarray(np.quantile(self._flat, check_level(q), axis=0))

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood of all the data, [S]; the populations of one model share it."""
        return np.full(len(self.mean()), float(self.tree.attrs["log_marginal_likelihood"]))

    def mean_mcse(self) -> FloatArray:
        """Return the Monte Carlo error of the means, [S, D]."""
        return self._mcse(self._p_dlt, method="mean")

    def sd_mcse(self) -> FloatArray:
        """Return the Monte Carlo error of the standard deviations, [S, D]."""
        return self._mcse(self._p_dlt, method="sd")

    def quantile_mcse(self, q: float) -> FloatArray:
        """Return the Monte Carlo error of quantiles, [S, D]."""
        return self._mcse(self._p_dlt, method="quantile", prob=check_level(q))

    def prob_mcse(self, low: float, high: float = 1.0) -> FloatArray:
        """Return the Monte Carlo error of interval probabilities, [S, D].

        At least 1 / (number of draws): where all draws agree, they cannot tell 0 from less than that.
        """
        inside = self._inside(low, high).astype(np.float64)
        error = self._mcse(inside, method="mean")
        return np.fmax(error, 1 / (inside.sizes["chain"] * inside.sizes["draw"]))

    def _inside(self, low: float, high: float) -> xr.DataArray:
        rates = self._p_dlt
        above = rates > low if low > 0 else xr.ones_like(rates, dtype=bool)
        return above & (rates <= high)

    @staticmethod
    def _mcse(draws: xr.DataArray, **options: Any) -> FloatArray:
        import arviz as az

        return np.asarray(az.mcse(draws.to_dataset(name="x"), **options)["x"].transpose("group", "dose").to_numpy())
