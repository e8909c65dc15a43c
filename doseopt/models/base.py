"""What a model states, and what a posterior answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from doseopt.state import FloatArray


@dataclass(frozen=True)
class GaussianPrior:
    """Independent normal priors of the parameters theta.

    Parameters
    ----------
    names : tuple of str
        One name a parameter.
    mean, sd : tuple of float
    """

    names: tuple[str, ...]
    mean: tuple[float, ...]
    sd: tuple[float, ...]


class Model(Protocol):
    """A prior and a dose-toxicity curve; nothing about how to compute with them. Frozen, so that it hashes."""

    def __hash__(self) -> int: ...

    @property
    def doses(self) -> int:
        """Number of doses."""
        ...

    def prior(self) -> GaussianPrior:
        """Return the prior of the parameters."""
        ...

    def log_dlt_rate(self, theta: Any, xp: Any) -> Any:
        """Return the log DLT rate at each dose: theta [..., P] -> [..., D], in NumPy or any namespace like it."""
        ...


class Posterior(Protocol):
    """The posterior of the DLT rates in a batch of trials, whoever computed it."""

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [S, D]."""
        ...

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [S, D]."""
        ...
