"""What designs share: defaults, and what a design wrapped around another passes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import ClassVar, Self

import numpy as np

from doseopt.core.design import Design
from doseopt.core.parameters import Fault, check
from doseopt.core.posterior import Posterior
from doseopt.core.state import BoolArray, Decision, FloatArray, IntArray, TrialState
from doseopt.core.tunable import Tunable
from doseopt.models.beta import BetaBinomial


class Defaults:
    """What most designs share: nothing to remember, two outcome categories, every dose admissible.

    A design inherits these and supplies ``doses``, ``target``, ``first``, ``decide``, ``select`` and ``describe``.

    Attributes
    ----------
    stops : tuple of str
        The reasons this design may give; ``Decision.stop`` is 1 + the position here.
    categories : int
        2 outcomes a patient (DLT, not), or 3 (DLT, moderate, neither).
    ends : bool
        Whether every trial ends without a modifier's help.
    skips : bool
        Whether a dose more than one level above the highest tried may be given; False is a promise.
    """

    doses: int
    start: int = 1
    stops: ClassVar[tuple[str, ...]] = ()
    ends: ClassVar[bool] = False
    skips: ClassVar[bool] = True

    def __post_init__(self) -> None:
        """Check the declared parameters, alone and together."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        """Return what is wrong between parameters, which no single declaration can state."""
        if isinstance(self.start, int) and isinstance(self.doses, int) and self.start > self.doses:
            return [Fault("start", f"wanted a level of 1 to {self.doses}, got {self.start}")]
        return []

    @property
    def cap(self) -> int | None:
        """Most patients that may be enrolled; no rule says it."""
        return None

    @property
    def sizes_own_cohorts(self) -> bool:
        """Whether the rule counts on the cohort sizes that it sets itself."""
        return False

    @property
    def categories(self) -> int:
        """Outcome categories a patient."""
        return 2

    @property
    def memory(self) -> tuple[str, ...]:
        """Names of what the design keeps beside the tally."""
        return ()

    def remember(self, before: TrialState, given: Decision, outcome: IntArray) -> IntArray:
        """Return the memory after a cohort, [S, M]."""
        return np.zeros((len(before), 0), np.int64)

    @property
    def exclusion(self) -> str:
        """Why a dose is inadmissible, in words; empty if the design excludes none."""
        return ""

    def with_dose(self, position: int, value: float) -> Self:
        """Return the design with one dose more, of that value, standing at that index."""
        changed: Self = dataclasses.replace(self, doses=self.doses + 1)  # type: ignore[type-var]
        return changed

    def tunable(self) -> tuple[Tunable, ...]:
        """Return the parameters that a calibration may tune: none."""
        return ()

    def tuned(self, values: Mapping[str, float]) -> Self:
        """Return the design with other values of some of them."""
        changed: Self = dataclasses.replace(self, **values)  # type: ignore[type-var]
        return changed

    def admissible(self, state: TrialState) -> BoolArray:
        """Return which doses may be given or selected, [S, D]."""
        return np.ones(state.n.shape, bool)

    def posterior(self, state: TrialState) -> Posterior:
        """Return the posterior of the DLT rates that the design's own rules would use; Beta(1, 1) if it has none."""
        return BetaBinomial(self.doses).posterior(state.n, state.y)

    def estimated(self, state: TrialState) -> FloatArray:
        """Return the observed DLT fraction, nan at untried doses, [S, D]."""
        return np.where(state.n > 0, state.y / np.maximum(state.n, 1), np.nan)


class Wrapped:
    """The properties of the design inside, for wrappers that leave them as they are.

    Attributes
    ----------
    base : Design
    """

    base: Design

    @property
    def target(self) -> float:
        """Target DLT rate."""
        return self.base.target

    @property
    def categories(self) -> int:
        """Outcome categories a patient."""
        return self.base.categories

    @property
    def stops(self) -> tuple[str, ...]:
        """The reasons to stop."""
        return self.base.stops

    @property
    def ends(self) -> bool:
        """Whether every trial ends."""
        return self.base.ends

    @property
    def exclusion(self) -> str:
        """Why a dose is inadmissible."""
        return self.base.exclusion

    def tunable(self) -> tuple[Tunable, ...]:
        """Return the parameters that a calibration may tune."""
        return self.base.tunable()

    def tuned(self, values: Mapping[str, float]) -> Self:
        """Return the design with other values of some of them."""
        changed: Self = dataclasses.replace(self, base=self.base.tuned(values))  # type: ignore[type-var]
        return changed

    @property
    def cap(self) -> int | None:
        """Most patients that may be enrolled."""
        return self.base.cap

    @property
    def sizes_own_cohorts(self) -> bool:
        """Whether the rule counts on the cohort sizes that it sets itself."""
        return self.base.sizes_own_cohorts
