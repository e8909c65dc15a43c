"""A study: doses, what counts as right, scenarios and designs; and how its file writes it.

Reading the file is in ``study_file.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import tomli_w
import xarray as xr

from doseopt.design import Design
from doseopt.digest import digest
from doseopt.doses import Doses
from doseopt.parameters import Faults
from doseopt.posterior_model import PosteriorCurve, PosteriorModel
from doseopt.proposal import Proposal
from doseopt.reading import plain
from doseopt.scenarios import (
    BELIEFS,
    GENERATORS,
    TRANSFORMS,
    Belief,
    BeliefSpec,
    MTDRule,
    StatedBelief,
    Transform,
    concat_scenarios,
    make_scenarios,
)
from doseopt.study_designs import design_table
from doseopt.utility import Utility


@dataclass(frozen=True)
class FixedScenario:
    """Stated true DLT rates."""

    p_dlt: tuple[float, ...]
    p_moderate: tuple[float, ...] | None = None
    reason: str = ""
    source: str = ""
    transform: Any = None

    def rows(self, name: str, doses: Doses, target: float) -> xr.Dataset:
        """Return the scenario as a Dataset of one."""
        p = np.array([self.p_dlt])
        return _transformed(p, [name], self.transform, doses, self.p_moderate, self.reason, self.source)


@dataclass(frozen=True)
class RandomScenarios:
    """True DLT rates drawn from a published generator."""

    generator: str
    count: int
    seed: int
    transform: Any = None

    def rows(self, name: str, doses: Doses, target: float) -> xr.Dataset:
        """Return the scenarios as a Dataset, named "name 1", "name 2", ..."""
        rng = np.random.default_rng(self.seed)
        p = GENERATORS[self.generator](len(doses.labels), target, self.count, rng)
        names = [f"{name} {i + 1}" for i in range(self.count)]
        source = f"generator {self.generator}, seed {self.seed}"
        return _transformed(p, names, self.transform, doses, None, "", source)


def _transformed(
    p: Any, names: list[str], transform: Transform | None, doses: Doses, moderate: Any, reason: str, source: str
) -> xr.Dataset:
    observed = p
    if transform is not None:
        values = None if doses.values is None else np.array(doses.values)
        try:
            p, observed = transform.apply(p, observed, values, doses.tolerance)
        except Faults as faults:
            raise Faults([f.under("transform") for f in faults.faults]) from faults
    rates = {"p_observed": observed} | ({} if moderate is None else {"p_moderate": np.array([moderate])})
    given = {name: doses.on_grid(np.asarray(part, float)) for name, part in rates.items()}
    grid = doses.grid()
    made = make_scenarios(doses.on_grid(np.asarray(p)), names, grid.labels, reason=reason, source=source, **given)
    if grid is doses:
        return made
    planned = np.isin(np.arange(len(grid.labels)), doses.planned())
    return made.assign_coords(planned=("dose", planned, {"long_name": "dose is planned, not only insertable"}))


@dataclass(frozen=True)
class Study:
    """What is compared with what, under which truths.

    Parameters
    ----------
    title : str
    target : float
        Target DLT rate.
    mtd : MTDRule
        What counts as right.
    doses : Doses
        All doses that a trial may give, in the order of their values.
    scenario_specs : mapping of str to FixedScenario or RandomScenarios
    designs : mapping of str to Design
    registry : str
        Registration number.
    planned_enrolment : int, optional
        Patients that the registry names.
    dropout : float
        Probability of leaving the DLT window for another reason than a DLT.
    posterior : PosteriorModel
        What the DLT rates are judged by.
    planned_doses : Doses, optional
        The doses as the file states them, if others may be inserted.
    belief : BeliefSpec
        How much each truth is believed; a belief of its own, or the scenarios with weights.
    utility : Utility
        What a trial is worth.
    proposal : Proposal, optional
        The amendment that the file proposes.
    """

    title: str
    target: float
    mtd: MTDRule
    doses: Doses
    scenario_specs: Mapping[str, FixedScenario | RandomScenarios]
    designs: Mapping[str, Design]
    registry: str = ""
    planned_enrolment: int | None = None
    dropout: float = 0.0
    posterior: PosteriorModel = field(default_factory=PosteriorModel)
    name: str = field(default="", compare=False)
    planned_doses: Doses | None = None
    belief: BeliefSpec = field(default_factory=StatedBelief)
    utility: Utility = field(default_factory=Utility)
    proposal: Proposal | None = None

    def scenarios(self) -> xr.Dataset:
        """Return all scenarios as one Dataset."""
        planned = self.planned_doses or self.doses
        return concat_scenarios([spec.rows(name, planned, self.target) for name, spec in self.scenario_specs.items()])

    def believed(self) -> Belief:
        """Return what is believed of the DLT rates, on the study's doses."""
        if isinstance(self.belief, StatedBelief):
            weight = None if self.belief.weights is None else np.array(self.belief.weights)
            return Belief(self.scenarios(), weight, self.belief.describe())
        planned = self.planned_doses or self.doses
        p = self.belief.rates(len(planned.labels), self.target)
        names = [f"belief {i + 1}" for i in range(len(p))]
        return Belief(_transformed(p, names, None, planned, None, "", ""), None, self.belief.describe())

    def to_dict(self) -> dict[str, Any]:
        """Return the study as its file says it, defaults left out."""
        mtd = plain(self.mtd, without=["target"])
        doses = self.planned_doses or self.doses
        top = {"title": self.title, "registry": self.registry, "target": self.target}
        if self.planned_enrolment is not None:
            top["planned_enrolment"] = self.planned_enrolment
        return {
            **{name: value for name, value in top.items() if value != "" or name == "title"},
            **({"mtd": mtd} if mtd else {}),
            "doses": plain(doses),
            **({"dropout": {"rate": self.dropout}} if self.dropout else {}),
            **({"posterior": plain(self.posterior)} if plain(self.posterior) else {}),
            **_belief_and_utility(self.belief, self.utility),
            "scenarios": {name: _scenario_table(spec) for name, spec in self.scenario_specs.items()},
            "designs": {name: design_table(design, self.target, doses) for name, design in self.designs.items()},
            **({} if self.proposal is None else {"amendment": self.proposal.in_file()}),
        }

    def to_toml(self) -> str:
        """Return the study as the text of a study file."""
        return tomli_w.dumps(self.to_dict())

    def curve(self, model: str | None = None) -> PosteriorCurve:
        """Return the model that the DLT rates are judged by: the study's choice, or another kind."""
        choice = self.posterior if model in (None, self.posterior.model) else self.posterior.named(str(model))
        asked = model is not None
        return choice.curve(self.doses.values, self.doses.unit, len(self.doses.labels), self.target, asked)

    @property
    def hash(self) -> str:
        """Digest of everything the study says, the same for studies that say the same."""
        return digest(self.to_dict(), self.doses.values)


def _belief_and_utility(belief: BeliefSpec, utility: Utility) -> dict[str, Any]:
    """Return the tables of belief and utility, where they say more than the default."""
    kinds = {type_: kind for kind, type_ in BELIEFS.items()}
    tables = {"belief": plain(belief, kinds), "utility": plain(utility)}
    return {name: table for name, table in tables.items() if table and table != {"kind": "scenarios"}}


def _scenario_table(spec: FixedScenario | RandomScenarios) -> Any:
    transform = {type_: kind for kind, type_ in TRANSFORMS.items()}
    result = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in vars(spec).items()
        if value is not None and value != "" and name != "transform"
    }
    if spec.transform is not None:
        result["transform"] = plain(spec.transform, transform)
    return result if len(result) > 1 else result["p_dlt"]
