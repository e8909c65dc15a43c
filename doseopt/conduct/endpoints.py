"""Endpoints beside the DLT, as a record has them: what their models say, by quadrature or closed form, and by NUTS."""

from __future__ import annotations

from dataclasses import dataclass, field

import xarray as xr

from doseopt.conduct.improvement import improvement_by_dose, sampled_improvement, with_improvement_drawn
from doseopt.conduct.survival import against_controls, sampled_survival, with_survival_drawn
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
    draws : dict of str to DataTree
        Of the two by NUTS, by name, where they were asked for.
    """

    survival: xr.Dataset | None
    improvement: xr.Dataset | None
    draws: dict[str, xr.DataTree] = field(default_factory=dict)

    @classmethod
    def of(
        cls, study: Study, record: Record, method: str = "quadrature", seed: int = 1, progress: bool = False
    ) -> Endpoints:
        """Return them for a record; `method` is ``quadrature``, or ``nuts``, which adds draws."""
        controls = study.historical if record.subjects else None
        survival = None if controls is None else against_controls(record, controls)
        improved, draws = improvement_by_dose(record, study.historical), dict[str, xr.DataTree]()
        if method == "nuts" and controls is not None and survival is not None:
            draws["survival"] = sampled_survival(record, controls, seed, progress)
            survival = with_survival_drawn(survival, draws["survival"])
        if method == "nuts" and improved is not None:
            draws["improvement"] = sampled_improvement(improved, seed, progress)
            improved = with_improvement_drawn(improved, draws["improvement"])
        return cls(survival, improved, draws)
