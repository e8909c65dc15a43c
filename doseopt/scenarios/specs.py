"""Scenarios as a study file states them: fixed rates, or a generator; transformed, on the study's grid of doses."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from doseopt.core.parameters import Fault, Faults, are_numbers, is_number, native
from doseopt.core.remembered import remembered
from doseopt.core.text import text_fault
from doseopt.scenarios import (
    GENERATORS,
    Misattribution,
    Transform,
    concat_scenarios,
)
from doseopt.scenarios.dataset import Rates, checked_rates
from doseopt.scenarios.doses import Doses
from doseopt.scenarios.perturbations import recorded

MOST_BYTES = 1 << 22
"""Of sets of scenarios that are remembered, besides the last one."""


@dataclass(frozen=True)
class FixedScenario:
    """Stated true DLT rates, and where `p_eff` states them true efficacy rates.

    Of the DLTs a share `late_dlts` is not seen before the decision, and a share `false_dlts` of the patients has an
    event that is called a DLT and is none. What is right is judged by the true rates.
    """

    p_dlt: tuple[float, ...]
    p_moderate: tuple[float, ...] | None = None
    reason: str = ""
    source: str = ""
    transform: Any = None
    false_dlts: float = 0.0
    late_dlts: float = 0.0
    p_eff: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        """Take lists and arrays of rates, too, and hold the texts to what the words of others are held to."""
        for name in ("p_dlt", "p_moderate", "p_eff"):
            object.__setattr__(self, name, native(getattr(self, name)))
        texts = {name: getattr(self, name) for name in ("reason", "source")}
        wrong = {name: text_fault(t) if isinstance(t, str) else f"wanted text, got {t!r}" for name, t in texts.items()}
        faults = [Fault(name, message) for name, message in wrong.items() if message]
        faults += _share_faults(self)
        if not are_numbers(self.p_dlt):
            faults.append(Fault("p_dlt", f"wanted DLT rates, one a dose, got {self.p_dlt!r}"))
        if self.p_eff is not None and not isinstance(self.transform, Misattribution | None):
            wanted = "wanted none that changes what a dose is where p_eff is stated, which it would have to change, too"
            faults.append(Fault("transform", wanted))
        if faults:
            raise Faults(faults, "FixedScenario")

    def rates(self, name: str, doses: Doses, target: float) -> Rates:
        """Return the rates of the one scenario."""
        p = np.array([self.p_dlt])
        made = transformed(p, [name], self.transform, doses, self.p_moderate, self.reason, self.source, self.p_eff)
        return _misread(made, self.false_dlts, self.late_dlts)


@dataclass(frozen=True)
class RandomScenarios:
    """True DLT rates drawn from a published generator, recorded with false and late DLTs as those of FixedScenario."""

    generator: str
    count: int
    seed: int
    transform: Any = None
    false_dlts: float = 0.0
    late_dlts: float = 0.0

    def __post_init__(self) -> None:
        """Check the shares."""
        faults = _share_faults(self)
        if faults:
            raise Faults(faults, "RandomScenarios")

    def rates(self, name: str, doses: Doses, target: float) -> Rates:
        """Return the rates of the scenarios, named "name 1", "name 2", ..."""
        rng = np.random.default_rng(self.seed)
        p = GENERATORS[self.generator](len(doses.labels), target, self.count, rng)
        names = [f"{name} {i + 1}" for i in range(self.count)]
        source = f"generator {self.generator}, seed {self.seed}"
        made = transformed(p, names, self.transform, doses, None, "", source)
        return _misread(made, self.false_dlts, self.late_dlts)


type Spec = FixedScenario | RandomScenarios


def all_rows(specs: Mapping[str, Spec], doses: Doses, target: float) -> tuple[xr.Dataset, tuple[str, ...]]:
    """Return all scenarios as one Dataset, which cannot be written to, and the name of each in the study file."""
    given = tuple(specs.items()), doses, target
    try:
        made, names = _all_rows(*given)
    except TypeError:  # a transform of one's own need not be hashable
        made, names = _all_rows.__wrapped__(*given)  # type: ignore[attr-defined]
    return made.copy(), names


@remembered(MOST_BYTES)  # a comparison reads a study in many ways, most of which leave its scenarios as they are
def _all_rows(specs: tuple[tuple[str, Spec], ...], doses: Doses, target: float) -> tuple[xr.Dataset, tuple[str, ...]]:
    each = {name: spec.rates(name, doses, target).labelled() for name, spec in specs}
    made = concat_scenarios(list(each.values()))
    for variable in made.data_vars.values():
        variable.values.flags.writeable = False
    return made, tuple(name for name, rows in each.items() for _ in range(rows.sizes["scenario"]))


def _share_faults(spec: FixedScenario | RandomScenarios) -> list[Fault]:
    shares = {name: getattr(spec, name) for name in ("false_dlts", "late_dlts")}
    wrong = {name: v for name, v in shares.items() if not (is_number(v) and 0 <= v <= 1)}
    return [Fault(name, f"wanted a number in [0, 1], got {v!r}") for name, v in wrong.items()]


def _misread(made: Rates, false_dlts: float, late_dlts: float) -> Rates:
    """Return scenarios with the rates at which DLTs are recorded if some are false and some are late."""
    if not (false_dlts or late_dlts):
        return made
    seen = recorded(made.arrays["p_observed"], false_dlts, late_dlts)
    return dataclasses.replace(made, arrays=made.arrays | {"p_observed": seen})


def transformed(
    p: Any,
    names: list[str],
    transform: Transform | None,
    doses: Doses,
    moderate: Any,
    reason: str,
    source: str,
    efficacy: Any = None,
) -> Rates:
    """Return rates on the grid of all doses, as a transform makes them, checked."""
    observed = p
    if transform is not None:
        values = None if doses.values is None else np.array(doses.values)
        try:
            p, observed = transform.apply(p, observed, values, doses.tolerance)
        except Faults as faults:
            raise Faults([f.under("transform") for f in faults.faults]) from faults
    beside = {"p_moderate": moderate, "p_eff": efficacy}
    rates = {"p_observed": observed} | {name: np.array([r]) for name, r in beside.items() if r is not None}
    grid = doses.grid()
    given = {name: doses.on_grid(np.asarray(part, float)) for name, part in rates.items()}
    made = checked_rates(doses.on_grid(np.asarray(p)), given, names, grid.labels, {"reason": reason, "source": source})
    if grid is doses:
        return made
    return dataclasses.replace(made, planned=np.isin(np.arange(len(grid.labels)), doses.planned()))
