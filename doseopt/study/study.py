"""A study: doses, what counts as right, scenarios and designs; and how its file writes it (`file.py` reads it)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
import xarray as xr

import doseopt
from doseopt.beliefs import Belief, BeliefSpec, LogisticFamily, StatedBelief
from doseopt.beliefs.split import FINEST
from doseopt.beliefs.utility import Utility
from doseopt.clock.competing import CONSTANT
from doseopt.clock.onset import Onset
from doseopt.core.definition import Definition
from doseopt.core.design import Design
from doseopt.core.files import FORMAT
from doseopt.core.parameters import Fault, Faults, check, demand, nearest, param
from doseopt.core.state import TrialState
from doseopt.endpoints.historical import Historical
from doseopt.engines.outcomes import judged, optimal
from doseopt.models.choice import PosteriorModel
from doseopt.models.kinds import PosteriorCurve
from doseopt.scenarios import MTDRule, OBDRule
from doseopt.scenarios.doses import Doses
from doseopt.scenarios.specs import FixedScenario, RandomScenarios, all_rows, transformed
from doseopt.study.amendment import Proposal
from doseopt.study.clock import Clock
from doseopt.study.definitions import retargeted
from doseopt.study.digest import digest
from doseopt.study.eligibility import Eligibility
from doseopt.study.misfits import misfits
from doseopt.study.populations import Populations
from doseopt.study.reader import names_fault, said_fault
from doseopt.study.silences import Silences
from doseopt.study.window_events import WindowEvents
from doseopt.study.written import save, shown, written

type Engine = Callable[[Design, xr.Dataset, TrialState | None], xr.Dataset]
NO_TRUTH = (
    'missing; wanted true DLT rates, one a dose, as in "mild" = [0.05, 0.10, 0.20, 0.30]: compare, limits, calibrate, '
    "amend, report, walk and examine weigh designs by them (next, table, posterior and paths need none); in Python "
    "truth=[0.05, 0.10, 0.20, 0.30]"
)


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
    populations : Populations, optional
        Which differ in what happens in the DLT window, and their shares.
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
    obd : OBDRule, optional
        What the optimal biological dose is, where efficacy counts, too.
    also : mapping of str to MTDRule
        Further definitions of what is right, by name, each with its target.
    historical : Historical, optional
        Survival of the controls that survival in the trial is compared with.
    eligibility : Eligibility, optional
        Criteria of who may enter, which the record of a trial is held to.

    Examples
    --------
    >>> from doseopt import load_study
    >>> study = load_study("renji-elo")
    >>> study.target, list(study.designs)[:2]
    (0.25, ['ATD+3+3 cap 10', 'ATD+3+3 naming'])
    """

    title: str = param(kind=str, custom=said_fault, doc="what the trial is")
    target: float = param(kind=float, low=0, high=1, open_low=True, open_high=True, doc="target DLT rate")
    mtd: MTDRule = param(kind=MTDRule)
    doses: Doses = param(kind=Doses)
    scenario_specs: Mapping[str, FixedScenario | RandomScenarios] = param(kind=Mapping, custom=names_fault)
    designs: Mapping[str, Design] = param(kind=Mapping, custom=names_fault)
    registry: str = param("", custom=said_fault)
    planned_enrolment: int | None = param(None, kind=int, low=1, optional=True)
    populations: Populations | None = param(None, kind=Populations, optional=True)
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
    historical: Historical | None = param(None, kind=Historical, optional=True)
    eligibility: Eligibility | None = param(None, kind=Eligibility, optional=True)
    obd: OBDRule | None = param(None, kind=OBDRule, optional=True)

    def __post_init__(self) -> None:
        """Check the parts, alone and together."""
        check(self, lambda: misfits(self))

    @cached_property
    def scenarios(self) -> xr.Dataset:
        """All scenarios as one Dataset, made once, which cannot be written to; Faults if the study states none."""
        made = self.met(*self.stated)
        for variable in made.data_vars.values():
            variable.values.flags.writeable = False
        return made

    @cached_property
    def stated(self) -> tuple[xr.Dataset, tuple[str, ...]]:
        """All scenarios as they are stated, before anything else happens in the window, and the name of each there."""
        if not self.scenario_specs:
            raise Faults([Fault("scenarios", NO_TRUTH)], self.name)
        return all_rows(self.scenario_specs, self.doses.as_planned, self.target)

    def met(self, scenarios: xr.Dataset, names: Sequence[str] | None = None) -> xr.Dataset:
        """Return scenarios with the DLT rates that rules meet where other events happen in the window, if they do.

        Parameters
        ----------
        scenarios : Dataset
        names : sequence of str, optional
            Of each in the study file; None for a belief.
        """
        if self.clock is not None:
            scenarios = self.clock.met(scenarios)
        if self.window_events is None:
            return scenarios
        return self.window_events.met(scenarios, names, self.doses.as_planned, self.onset, self.populations)

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

    def only(self, names: Sequence[str]) -> Study:
        """Return the study with these designs alone, and its amendment as far as it is about them."""
        if list(names) == list(self.designs):
            return self
        proposal = None if self.proposal is None else self.proposal.only(names)
        return replace(self, designs=self.choose(names), proposal=proposal)

    def at_target(self, target: float) -> dict[str, Design]:
        """Return the designs at another target, as far as they take theirs from the study; Faults if one cannot."""
        return retargeted(self.designs, target, self.target, self.doses, self.definition)

    def evaluate(
        self, design: str | Design, start: TrialState | None = None, engine: Engine | None = None
    ) -> xr.Dataset:
        """Return how trials of a design end under the study's scenarios, judged by what it calls right.

        Parameters
        ----------
        design : str or Design
            One of the study's, by name, or another on its doses.
        start : TrialState, optional
            Where the trial stands; the empty trial when left out.
        engine : Exact or Simulate, optional
            Exact when left out.

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
        from doseopt.engines.exact import Exact

        rule = self.choose([design])[design] if isinstance(design, str) else design
        return self.judge((engine or Exact())(rule, self.scenarios, start))

    def judge(self, outcomes: xr.Dataset) -> xr.Dataset:
        """Return outcomes with what is right by this study, and its registered enrolment."""
        registered = np.nan if self.planned_enrolment is None else self.planned_enrolment
        found = judged(outcomes, self.mtd)
        if self.obd is not None and "p_eff" in found:
            found = optimal(found, self.obd)
        found.attrs["registered"] = registered
        return found

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
            p, weight, check = self.belief.integration(self.mtd, planned, self.target, fineness)
        else:
            p, weight, check = self.belief.rates(len(planned.labels), self.target), None, None
        names = [f"belief {i + 1}" for i in range(len(p))]
        scenarios = self.met(transformed(p, names, None, planned, None, "", "").labelled())
        finer = None if check is None or fineness == FINEST else partial(self.believed, fineness + 1)
        return Belief(scenarios, weight, self.belief.describe(), check, finer)

    def to_dict(self) -> dict[str, Any]:
        """Return the study as its file says it, defaults left out."""
        return written(self)

    def to_toml(self) -> str:
        """Return the study as the text of a study file."""
        return tomli_w.dumps({"format": FORMAT} | self.to_dict())

    def save(self, path: str | Path) -> list[Path]:
        """Write the study file, and beside it the policies that it names: all of them or none; return their paths."""
        return save(self, Path(path))

    def curve(self, model: str | None = None) -> PosteriorCurve:
        """Return the model that the DLT rates are judged by: the study's choice, or another kind."""
        choice = self.posterior if model in (None, self.posterior.model) else self.posterior.named(str(model))
        on = self.doses.values, self.doses.unit, len(self.doses.labels), self.target
        return choice.curve(*on, model is not None)

    @property
    def states_posterior(self) -> bool:
        """Whether the study says which model the DLT rates are judged by."""
        return self.posterior != PosteriorModel()

    def describe_model(self) -> str:
        """Return the model that the DLT rates are judged by in one sentence, and whether the study chose it."""
        text = self.posterior.sentence(self.doses.values, self.doses.unit, len(self.doses.labels), self.target)
        return text if self.states_posterior else f"{text}; by default, as the study states no [posterior]"

    @property
    def hash(self) -> str:
        """Digest of everything the study says, the same for studies that say the same."""
        return digest(self.to_dict(), self.doses.values)

    def _repr_html_(self) -> str:
        return shown(self)

    def provenance(self) -> dict[str, str | int]:
        """Return what every result of the study carries: its title, name and hash, the format and the version."""
        return {
            "title": self.title,
            "format": FORMAT,
            "version": doseopt.__version__,
            "study": self.name,
            "study_hash": self.hash,
            **({"assumed_doses": ", ".join(assumed)} if (assumed := self.doses.as_planned.assumed) else {}),
        }
