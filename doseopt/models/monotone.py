"""DLT rates in order, without a curve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from doseopt.core.parameters import Fault, Faults
from doseopt.models.likelihood import log1mexp
from doseopt.models.stick import BetaPrior


@dataclass(frozen=True)
class Monotone:
    """DLT rates in order, without a curve: Dirichlet (that is, gamma) increments.

    The increments p_1, p_2 - p_1, ..., 1 - p_D are Dirichlet with parameters M (s_1, s_2 - s_1, ..., 1 - s_D), so each
    DLT rate has the prior p_j ~ Beta(M s_j, M (1 - s_j)): mean s_j, worth M patients at each dose. It is stated by
    breaking the stick: v_k, the probability that a patient who tolerates dose k - 1 does not tolerate dose k, are
    independent Beta(M (s_k - s_{k-1}), M (1 - s_k)), and 1 - p_j = prod_{k <= j} (1 - v_k).

    Parameters
    ----------
    guess : tuple of float
        s_j, the prior means of the DLT rates, strictly increasing.
    precision : float
        M, how many patients at each dose the prior is worth.

    Notes
    -----
    A dose whose guess is barely above the one before has an increment with a beta parameter near 0: the prior then says
    that the two doses are probably equally toxic. This is what such a guess means, and why `precision` has no default.

    References
    ----------
    Ramsey 1972, Biometrics 28:841; Gelfand & Kuo 1991, Biometrika 78:657.

    Examples
    --------
    >>> prior = Monotone((0.1, 0.2, 0.3), precision=10.0).prior()
    >>> [round(a / (a + b), 3) for a, b in zip(prior.a, prior.b)]
    [0.1, 0.111, 0.125]
    """

    guess: tuple[float, ...]
    precision: float

    def __post_init__(self) -> None:
        """Check the parameters."""
        if not self.guess or not all(
            low < high for low, high in zip((0.0, *self.guess), (*self.guess, 1.0), strict=True)
        ):
            message = f"wanted guessed DLT rates that increase strictly between 0 and 1, got {self.guess}"
            raise Faults([Fault("", message)])
        if not 0 < self.precision < np.inf:
            raise Faults([Fault("", f"wanted a positive precision (patients), got {self.precision}")])

    @property
    def doses(self) -> int:
        """Number of doses, D."""
        return len(self.guess)

    def prior(self) -> BetaPrior:
        """Return the prior of logit v_1, ..., logit v_D."""
        steps = np.diff((0.0, *self.guess))
        names = tuple(f"logit_v{k}" for k in range(1, self.doses + 1))
        a, b = self.precision * steps, self.precision * (1 - np.array(self.guess))
        return BetaPrior(names, tuple(a.tolist()), tuple(b.tolist()))

    def log_dlt_rate(self, theta: Any, xp: Any) -> Any:
        """Return log p_j with log(1 - p_j) = sum_{k <= j} log(1 - v_k); theta [..., D] -> [..., D]."""
        return log1mexp(xp.cumsum(-xp.logaddexp(0.0, theta), axis=-1), xp)
