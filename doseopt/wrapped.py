"""What a design wrapped around another passes on."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Self

from doseopt.design import Design
from doseopt.tuning import Tunable


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
