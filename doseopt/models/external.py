"""Robust priors: what is known from patients outside of the trial, mixed with the prior alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from doseopt.core.parameters import Fault, Faults, check, param


class _Sized(Protocol):
    @property
    def doses(self) -> int: ...


def _counts_fault(value: Any) -> str | None:
    right = isinstance(value, tuple) and value and all(type(v) is int and v >= 0 for v in value)
    return None if right else f"wanted whole numbers from 0 on, one a dose, got {value!r}"


@dataclass(frozen=True)
class External:
    """External data, and how far they are believed to be of the same kind as the trial's.

    The prior is the mixture

        weight p(theta | external data) + (1 - weight) p(theta):

    with prior probability `weight` the external patients are like those of the trial, else they say nothing of them.
    After data each part is updated, and the weights are multiplied by the marginal likelihoods of the data under it:
    data that disagree with the external ones take their weight away.

    Parameters
    ----------
    n, y : tuple of int
        External patients, and those with a DLT, at each dose of the study.
    weight : float
        Prior probability, between 0 and 1, both excluded.

    Notes
    -----
    Names: "robust MAP prior" (RBesT, R crmPack `LogisticNormalMixture`). The informative part of a meta-analytic-
    predictive prior allows for variation between trials; with one external trial and none of it that part is the
    posterior of the external data, as here, and the vague part alone makes it robust.

    References
    ----------
    Schmidli, Gsteiger, Roychoudhury, O'Hagan, Spiegelhalter, Neuenschwander 2014, Biometrics 70:1023 (robust MAP);
    Neuenschwander, Capkun-Niggli, Branson, Spiegelhalter 2010, Clinical Trials 7:5; Neuenschwander, Roychoudhury,
    Schmidli 2016, Statistics in Biopharmaceutical Research 8:345 (phase I).
    """

    n: tuple[int, ...] = param(kind=tuple, custom=_counts_fault, doc="external patients at each dose")
    y: tuple[int, ...] = param(kind=tuple, custom=_counts_fault, doc="those of them with a DLT")
    weight: float = param(
        0.5, low=0, high=1, open_low=True, open_high=True, doc="prior probability that they are like the trial's"
    )

    def __post_init__(self) -> None:
        """Check the counts."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        if _counts_fault(self.n) or _counts_fault(self.y):
            return []
        if len(self.n) != len(self.y):
            return [Fault("y", f"wanted as many as n, {len(self.n)}, got {len(self.y)}")]
        return [
            Fault("y", f"wanted at most the {n} patients at dose {j}, got {y}")
            for j, (n, y) in enumerate(zip(self.n, self.y, strict=True), 1)
            if y > n
        ]

    def describe(self) -> str:
        """Return what is mixed, in words."""
        patients, dlts = sum(self.n), sum(self.y)
        seen = ", ".join(f"{y}/{n}" for n, y in zip(self.n, self.y, strict=True))
        return (
            f"robust prior: with probability {self.weight:g} updated by {patients} external patients, {dlts} with a "
            f"DLT ({seen} by dose), else as it stands"
        )


@dataclass(frozen=True)
class RobustPrior[C: _Sized]:
    """A model whose prior is mixed with what external data say, see `External`.

    Parameters
    ----------
    curve : a model
        With the prior alone.
    external : External
        At the doses of the model.
    """

    curve: C
    external: External

    def __post_init__(self) -> None:
        """Check that there is one count a dose."""
        if len(self.external.n) != self.curve.doses:
            wanted = f"wanted {self.curve.doses} numbers, one a dose, got {len(self.external.n)}"
            raise Faults([Fault("external.n", wanted)])

    @property
    def doses(self) -> int:
        """Number of doses."""
        return self.curve.doses
