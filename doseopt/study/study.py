"""A study: doses, what counts as right, scenarios and designs; and how its file writes it.

Reading the file is in ``study/file.py``.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
import xarray as xr

import doseopt
from doseopt.beliefs import BELIEFS, Belief, BeliefSpec, LogisticFamily, StatedBelief
from doseopt.beliefs.split import FINEST, kinks, normal_rule
from doseopt.beliefs.utility import Utility
from doseopt.clock.competing import CONSTANT
from doseopt.clock.onset import Onset
from doseopt.core.definition import Definition
from doseopt.core.design import Design, is_design
from doseopt.core.files import FORMAT
from doseopt.core.parameters import Fault, Faults, check, demand, nearest, param
from doseopt.core.state import BoolArray, FloatArray, TrialState
from doseopt.core.text import name_fault, text_fault
from doseopt.engines.exact import Exact
from doseopt.engines.outcomes import judged
from doseopt.models.choice import PosteriorCurve, PosteriorModel, describe_model
from doseopt.scenarios import (
    TRANSFORMS,
    MTDRule,
    concat_scenarios,
    without_moderate,
)
from doseopt.scenarios.doses import Doses
from doseopt.scenarios.specs import FixedScenario, RandomScenarios, _transformed
from doseopt.study.amendment import Proposal
from doseopt.study.clock import Clock
from doseopt.study.definitions import also_tables, retargeted
from doseopt.study.designs import design_table, policy_files
from doseopt.study.digest import digest
from doseopt.study.reader import key, plain
from doseopt.study.silences import Silences
from doseopt.study.window_events import WindowEvents

type Engine = Callable[[Design, xr.Dataset, TrialState | None], xr.Dataset]
EXACT: Engine = Exact()

NO_TRUTH = (
    'missing; wanted true DLT rates, one a dose, as in "mild" = [0.05, 0.10, 0.20, 0.30]: compare, limits, calibrate, '
    "amend, report, walk and examine weigh designs by them (next, table, posterior and paths need none)"
)


def _text_fault(value: Any) -> str | None:
    return text_fault(value) if isinstance(value, str) else f"wanted text, got {value!r}"


def _parts_fault(value: Any) -> str | None:
    """Return what is wrong with the names of scenarios or designs."""
    if not isinstance(value, Mapping):
        return f"wanted a mapping of names, got {value!r}"
    found = [name_fault(name) if isinstance(name, str) else f"wanted text, got {name!r}" for name in value]
    return "; ".join(filter(None, found)) or None


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
        All doses that a trial may give, planned and insertable, in the order of their values: `Doses.grid` makes them.
    scenario_specs : mapping of str to FixedScenario or RandomScenarios
        May be empty: the conduct of a trial needs no assumed truth.
    designs : mapping of str to Design
    registry : str
        Registration number.
    planned_enrolment : int, optional
        Patients that the registry names.
    window_events : WindowEvents, optional
        What competes with the DLT in its window, and how it counts.
    clock : Clock, optional
        Window, follow-up and pace of accrual.
    silences : Silences, optional
        What is elicited of the DLT window where the protocol is silent.
    posterior : PosteriorModel
        What the DLT rates are judged by.
    belief : BeliefSpec
        How much each truth is believed; a belief of its own, or the scenarios with weights.
    utility : Utility
        What a trial is worth.
    proposal : Proposal, optional
        The amendment that the file proposes.
    definition : Definition, optional
        What the protocol's own definition demands to be seen at the MTD.
    also : mapping of str to MTDRule
        Further definitions of what is right, by name, each with its target.

    Examples
    --------
    >>> from doseopt import load_study
    >>> study = load_study("renji-elo")
    >>> study.target, list(study.designs)[:2]
    (0.25, ['ATD+3+3 cap 10', 'ATD+3+3 uncapped'])
    """

    title: str = param(kind=str, custom=_text_fault, doc="what the trial is")
    target: float = param(kind=float, low=0, high=1, open_low=True, open_high=True, doc="target DLT rate")
    mtd: MTDRule = param(kind=MTDRule)
    doses: Doses = param(kind=Doses)
    scenario_specs: Mapping[str, FixedScenario | RandomScenarios] = param(kind=Mapping, custom=_parts_fault)
    designs: Mapping[str, Design] = param(kind=Mapping, custom=_parts_fault)
    registry: str = param("", custom=_text_fault)
    planned_enrolment: int | None = param(None, kind=int, low=1, optional=True)
    window_events: WindowEvents | None = param(None, kind=WindowEvents, optional=True)
    clock: Clock | None = param(None, kind=Clock, optional=True)
    silences: Silences | None = param(None, kind=Silences, optional=True)
    posterior: PosteriorModel = field(default_factory=PosteriorModel)
    name: str = field(default="", compare=False)
    belief: BeliefSpec = field(default_factory=StatedBelief)
    utility: Utility = field(default_factory=Utility)
    proposal: Proposal | None = None
    definition: Definition | None = param(None, kind=Definition, optional=True)
    also: Mapping[str, MTDRule] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check the parts, alone and together."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        """Return what are no designs and no definitions, and designs that do not fit the doses."""
        wrong = {name: rule for name, rule in self.also.items() if not isinstance(rule, MTDRule)}
        found = [Fault(f"also.{key(name)}", f"wanted an MTDRule, got {rule!r}") for name, rule in wrong.items()]
        for name, design in self.designs.items():
            where = f"designs.{key(name)}"
            if not is_design(design):
                found.append(Fault(where, f"wanted a design, got {design!r}"))
            elif design.facts.doses != len(self.doses.labels):
                wanted = f"wanted {len(self.doses.labels)} doses, as the study has, got {design.facts.doses}"
                found.append(Fault(where, wanted))
        if self.window_events is not None:
            planned = len(self.doses.as_planned.labels)
            events = self.window_events.faults(list(self.scenario_specs), planned)
            found += [fault.under("window_events") for fault in events]
        if self.silences is not None:
            planned = len(self.doses.as_planned.labels)
            silent = self.silences.faults(list(self.scenario_specs), planned, self.clock, self.window_events)
            found += [fault.under("silences") for fault in silent]
        return found

    @cached_property
    def scenarios(self) -> xr.Dataset:
        """All scenarios as one Dataset, made once, which cannot be written to; Faults if the study states none."""
        if not self.scenario_specs:
            raise Faults([Fault("scenarios", NO_TRUTH)], self.name)
        planned = self.doses.as_planned
        specs = self.scenario_specs.items()
        made = concat_scenarios([self.met(spec.rows(name, planned, self.target), name) for name, spec in specs])
        for variable in made.data_vars.values():
            variable.values.flags.writeable = False
        return made

    def met(self, scenarios: xr.Dataset, name: str | None = None) -> xr.Dataset:
        """Return scenarios with the DLT rates that rules meet where other events happen in the window, if they do.

        Parameters
        ----------
        scenarios : Dataset
        name : str, optional
            Of the scenario in the study file; None for a belief.
        """
        if self.clock is not None:
            scenarios = self.clock.met(scenarios)
        if self.window_events is None:
            return scenarios
        return self.window_events.met(scenarios, name, self.doses.as_planned, self.onset)

    @property
    def onset(self) -> Onset:
        """The law of the time of a DLT in its window."""
        return (None if self.clock is None else self.clock.law) or CONSTANT

    def choose(self, names: Sequence[str] = ()) -> dict[str, Design]:
        """Return the designs of these names, or all; unknown names are reported together."""
        listed = isinstance(names, Sequence) and not isinstance(names, str) and all(isinstance(n, str) for n in names)
        demand(listed, "designs", "a list of names", names)
        unknown = [name for name in names if name not in self.designs]
        if unknown:
            raise Faults(
                [Fault("design", f"no design {name!r} in the study{nearest(name, self.designs)}") for name in unknown]
            )
        return {name: self.designs[name] for name in names or self.designs}

    def at_target(self, target: float) -> dict[str, Design]:
        """Return the designs at another target, as far as they take theirs from the study; Faults if one cannot."""
        return retargeted(self.designs, target, self.target, self.doses, self.definition)

    def evaluate(self, design: str | Design, start: TrialState | None = None, engine: Engine = EXACT) -> xr.Dataset:
        """Return how trials of a design end under the study's scenarios, judged by what it calls right.

        Parameters
        ----------
        design : str or Design
            One of the study's, by name, or another on its doses.
        start : TrialState, optional
            Where the trial stands; the empty trial when left out.
        engine : Exact or Simulate

        Returns
        -------
        Dataset
            For `operating_characteristics`.

        Examples
        --------
        >>> from doseopt import load_study, operating_characteristics
        >>> study = load_study()
        >>> found = operating_characteristics(study.evaluate("BOIN 10"))
        >>> found["sample_size"].sizes["scenario"] == study.scenarios.sizes["scenario"]
        True
        """
        rule = self.choose([design])[design] if isinstance(design, str) else design
        return self.judge(engine(rule, self.scenarios, start))

    def judge(self, outcomes: xr.Dataset) -> xr.Dataset:
        """Return outcomes with what is right by this study, and its registered enrolment."""
        registered = np.nan if self.planned_enrolment is None else self.planned_enrolment
        return judged(outcomes, self.mtd).assign_attrs(registered=registered)

    def unweighed(self) -> list[Fault]:
        """Say which designs the scenarios cannot weigh: those that look at moderate toxicity, without its rates."""
        lacking = without_moderate(self.scenarios) if self.scenario_specs else []
        some = ", ".join(map(repr, lacking[:3])) + (", ..." if len(lacking) > 3 else "")
        wanted = f"looks at moderate toxicity; wanted p_moderate in every scenario, missing in {some}"
        graded = [name for name, design in self.designs.items() if design.facts.outcomes.graded]
        return [Fault(f"designs.{key(name)}", wanted) for name in graded if lacking]

    def believed(self, fineness: int = 0) -> Belief:
        """Return what is believed of the DLT rates, on the study's doses.

        Parameters
        ----------
        fineness : int
            Of the rules by which a continuous belief is integrated, 0 to `scenarios.split.FINEST`.
        """
        if isinstance(self.belief, StatedBelief):
            weight = None if self.belief.weights is None else np.array(self.belief.weights)
            return Belief(self.scenarios, weight, self.belief.describe())
        planned = self.doses.as_planned
        if isinstance(self.belief, LogisticFamily) and self.belief.points is None:
            p, weight, check = self._rules(self.belief, fineness)
        else:
            p, weight, check = self.belief.rates(len(planned.labels), self.target), None, None
        names = [f"belief {i + 1}" for i in range(len(p))]
        scenarios = self.met(_transformed(p, names, None, planned, None, "", ""))
        finer = None if check is None or fineness == FINEST else partial(self.believed, fineness + 1)
        return Belief(scenarios, weight, self.belief.describe(), check, finer)

    def _rules(self, family: LogisticFamily, fineness: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return the curves of two rules for a family, and the weights of the finer and of the coarser rule.

        They are cut where what is right changes, and where a rate passes the target: of a dose that may be inserted,
        too, which is an overdose from there on, and the distance of all from the target has a kink.
        """
        planned = self.doses.as_planned
        doses = len(planned.labels)

        def judged(z: FloatArray) -> BoolArray:
            p = family.at(z, doses, self.target)
            return np.column_stack([self.mtd.acceptable(p), planned.on_grid(p) > self.target])

        cuts: list[float] = []
        if self.mtd.rule == "interval":  # by the other rules one dose is right, and nothing comes between two others
            cuts = kinks(lambda z: self.mtd.acceptable(family.at(z, doses, self.target)))
        (coarse, check), (fine, weight) = (normal_rule(judged, fineness + k, cuts) for k in (0, 1))
        p = family.at(np.concatenate([fine, coarse]), doses, self.target)
        none, nothing = np.zeros(len(check)), np.zeros(len(weight))
        return p, np.concatenate([weight, none]), np.concatenate([nothing, check])

    def to_dict(self) -> dict[str, Any]:
        """Return the study as its file says it, defaults left out."""
        mtd = plain(self.mtd, without=["target"])
        mtd |= {} if self.definition is None else {"definition": plain(self.definition)}
        mtd |= {"also": also_tables(self.also, self.target)} if self.also else {}
        doses = self.doses.as_planned
        files = policy_files(self.designs.values())
        scenarios = {name: _scenario_table(spec) for name, spec in self.scenario_specs.items()}
        top = {"title": self.title, "registry": self.registry, "target": self.target}
        if self.planned_enrolment is not None:
            top["planned_enrolment"] = self.planned_enrolment
        return {
            **{name: value for name, value in top.items() if value != "" or name == "title"},
            **({"mtd": mtd} if mtd else {}),
            "doses": plain(doses),
            **{n: plain(v) for n in ("window_events", "clock", "silences") if (v := getattr(self, n)) is not None},
            **({"posterior": plain(self.posterior)} if plain(self.posterior) else {}),
            **_belief_and_utility(self.belief, self.utility),
            **({"scenarios": scenarios} if scenarios else {}),
            "designs": {
                name: design_table(each, self.target, doses, files, self.definition)
                for name, each in self.designs.items()
            },
            **({} if self.proposal is None else {"amendment": self.proposal.in_file()}),
        }

    def to_toml(self) -> str:
        """Return the study as the text of a study file."""
        return tomli_w.dumps({"format": FORMAT} | self.to_dict())

    def save(self, path: str | Path) -> list[Path]:
        """Write the study file, and beside it the policies that it names: all of them or none; return their paths."""
        path = Path(path)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".unfinished-") as name:
            unfinished = Path(name)
            files = [table.save(unfinished / file) for table, file in policy_files(self.designs.values()).items()]
            files.append(unfinished / path.name)
            files[-1].write_text(self.to_toml(), encoding="utf-8")
            return [file.replace(path.parent / file.name) for file in files]

    def curve(self, model: str | None = None) -> PosteriorCurve:
        """Return the model that the DLT rates are judged by: the study's choice, or another kind."""
        choice = self.posterior if model in (None, self.posterior.model) else self.posterior.named(str(model))
        asked = model is not None
        return choice.curve(self.doses.values, self.doses.unit, len(self.doses.labels), self.target, asked)

    @property
    def states_posterior(self) -> bool:
        """Whether the study says which model the DLT rates are judged by."""
        return self.posterior != PosteriorModel()

    def describe_model(self) -> str:
        """Return the model that the DLT rates are judged by in one sentence, and whether the study chose it."""
        text = describe_model(self.curve())
        return text if self.states_posterior else f"{text}; by default, as the study states no [posterior]"

    @property
    def hash(self) -> str:
        """Digest of everything the study says, the same for studies that say the same."""
        return digest(self.to_dict(), self.doses.values)

    def provenance(self) -> dict[str, str | int]:
        """Return what every result of the study carries: its title, name and hash, the format and the version."""
        return {
            "title": self.title,
            "format": FORMAT,
            "version": doseopt.__version__,
            "study": self.name,
            "study_hash": self.hash,
        }


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
        if value not in (None, "") and name != "transform" and not (name.endswith("_dlts") and value == 0)
    }
    if spec.transform is not None:
        result["transform"] = plain(spec.transform, transform)
    return result if len(result) > 1 else result["p_dlt"]
