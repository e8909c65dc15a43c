"""Endpoints beside the DLT, as a record has them: what their models say, by quadrature or closed form, and by NUTS."""

from __future__ import annotations

from dataclasses import dataclass

import xarray as xr

from doseopt.conduct.improvement import improvement_by_dose
from doseopt.conduct.survival import against_controls
from doseopt.records.record import Record
from doseopt.study.study import Study


@dataclass(frozen=True, eq=False)
class Endpoints:
    """What the models of the endpoints say.

    Attributes
    ----------
    survival : Dataset or None
        Of `against_controls`; None without controls, or before anybody was treated.
    improvement : Dataset or None
        Of `improvement_by_dose`; None where nobody was assessed.
    """

    survival: xr.Dataset | None
    improvement: xr.Dataset | None

    @classmethod
    def of(
        cls, study: Study, record: Record, method: str = "quadrature", seed: int = 1, progress: bool = False
    ) -> Endpoints:
        """Return them for a record; `method` is ``quadrature``, or ``nuts``, which adds draws."""
        controls = study.historical if record.subjects else None
        return cls(
            None if controls is None else against_controls(record, controls, method, seed, progress),
            improvement_by_dose(record, method, seed, progress),
        )
