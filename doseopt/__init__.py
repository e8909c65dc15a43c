"""doseopt: exact operating characteristics of phase I dose-finding designs.

The public names below are loaded when first used, so that ``import doseopt`` and ``doseopt --help`` start at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # for type checkers and editors, which see no names that are loaded when first used
    from doseopt.attainable import Rules as Rules
    from doseopt.attainable import bayes_optimal as bayes_optimal
    from doseopt.attainable.attained import limits_of as limits_of
    from doseopt.beliefs import Belief as Belief
    from doseopt.beliefs import belief_of_rates as belief_of_rates
    from doseopt.beliefs.utility import Utility as Utility
    from doseopt.clock.arrivals import Accrual as Accrual
    from doseopt.clock.duration import Stagger as Stagger
    from doseopt.clock.lattice import Lattice as Lattice
    from doseopt.clock.onset import Onset as Onset
    from doseopt.core.definition import Definition as Definition
    from doseopt.core.definition import Names as Names
    from doseopt.core.design import Design as Design
    from doseopt.core.parameters import Faults as Faults
    from doseopt.core.state import Decision as Decision
    from doseopt.core.state import TrialState as TrialState
    from doseopt.core.trial import after as after
    from doseopt.designs import DESIGNS as DESIGNS
    from doseopt.designs.a_plus_b import APlusB as APlusB
    from doseopt.designs.accelerated_titration import AcceleratedTitration as AcceleratedTitration
    from doseopt.designs.bf_boin import BFBOIN as BFBOIN
    from doseopt.designs.blrm import BLRM as BLRM
    from doseopt.designs.bma_crm import BMACRM as BMACRM
    from doseopt.designs.boin import BOIN as BOIN
    from doseopt.designs.boin12 import BOIN12 as BOIN12
    from doseopt.designs.ccd import CCD as CCD
    from doseopt.designs.crm import CRM as CRM
    from doseopt.designs.decision_table import DecisionTable as DecisionTable
    from doseopt.designs.expanding import Expanding as Expanding
    from doseopt.designs.expanding import Expansion as Expansion
    from doseopt.designs.i3p3 import I3Plus3 as I3Plus3
    from doseopt.designs.keyboard import Keyboard as Keyboard
    from doseopt.designs.modified import Modified as Modified
    from doseopt.designs.modifiers import MODIFIERS as MODIFIERS
    from doseopt.designs.modifiers import AllOf as AllOf
    from doseopt.designs.modifiers import AnyOf as AnyOf
    from doseopt.designs.modifiers import BelowLowest as BelowLowest
    from doseopt.designs.modifiers import BetaSafety as BetaSafety
    from doseopt.designs.modifiers import Coherent as Coherent
    from doseopt.designs.modifiers import CohortRange as CohortRange
    from doseopt.designs.modifiers import CohortsByDLT as CohortsByDLT
    from doseopt.designs.modifiers import CohortsByDose as CohortsByDose
    from doseopt.designs.modifiers import CohortsInOrder as CohortsInOrder
    from doseopt.designs.modifiers import DemandAtDose as DemandAtDose
    from doseopt.designs.modifiers import DLTsSeen as DLTsSeen
    from doseopt.designs.modifiers import EnoughAtDose as EnoughAtDose
    from doseopt.designs.modifiers import EnoughPatients as EnoughPatients
    from doseopt.designs.modifiers import MaxEnrolled as MaxEnrolled
    from doseopt.designs.modifiers import MaxPatients as MaxPatients
    from doseopt.designs.modifiers import MaxRatio as MaxRatio
    from doseopt.designs.modifiers import NarrowInterval as NarrowInterval
    from doseopt.designs.modifiers import NoSkipping as NoSkipping
    from doseopt.designs.modifiers import NoSkippingDown as NoSkippingDown
    from doseopt.designs.modifiers import Repeated as Repeated
    from doseopt.designs.modifiers import RunIn as RunIn
    from doseopt.designs.modifiers import TargetProbability as TargetProbability
    from doseopt.designs.modifiers import Titrate as Titrate
    from doseopt.designs.modifiers import TooToxic as TooToxic
    from doseopt.designs.mtpi import MTPI as MTPI
    from doseopt.designs.mtpi2 import MTPI2 as MTPI2
    from doseopt.designs.naming import Naming as Naming
    from doseopt.designs.on_grid import OnGrid as OnGrid
    from doseopt.designs.policy import Policy as Policy
    from doseopt.designs.rolling_six import RollingSix as RollingSix
    from doseopt.designs.selecting import Selecting as Selecting
    from doseopt.designs.three_plus_three import ThreePlusThree as ThreePlusThree
    from doseopt.designs.tite_boin import TITEBOIN as TITEBOIN
    from doseopt.designs.tite_crm import TITECRM as TITECRM
    from doseopt.designs.tpi import TPI as TPI
    from doseopt.designs.two_parameter_crm import TwoParameterCRM as TwoParameterCRM
    from doseopt.designs.waiting import Waiting as Waiting
    from doseopt.endpoints.life_table import life_table as life_table
    from doseopt.endpoints.meld import meld as meld
    from doseopt.endpoints.meld import meld3 as meld3
    from doseopt.endpoints.meld import meld_na as meld_na
    from doseopt.engines.exact import Exact as Exact
    from doseopt.engines.exact_calendars import ExactCalendars as ExactCalendars
    from doseopt.engines.exact_pending import ExactPending as ExactPending
    from doseopt.engines.graph import build_graph as build_graph
    from doseopt.engines.outcomes import judged as judged
    from doseopt.engines.simulate import ExactWherePossible as ExactWherePossible
    from doseopt.engines.simulate import Simulate as Simulate
    from doseopt.engines.simulate_backfill import SimulateBackfill as SimulateBackfill
    from doseopt.engines.simulate_pending import SimulatePending as SimulatePending
    from doseopt.measures.complete_information import complete_information_benchmark as complete_information_benchmark
    from doseopt.measures.operating_characteristics import METRICS as METRICS
    from doseopt.measures.operating_characteristics import operating_characteristics as operating_characteristics
    from doseopt.models.skeleton import IndifferenceInterval as IndifferenceInterval
    from doseopt.models.slope import SlopePrior as SlopePrior
    from doseopt.plots import named as plot  # noqa: F401  # as all names here, for type checkers
    from doseopt.records.trial import Trial as Trial
    from doseopt.reports.report import amend as amend
    from doseopt.reports.report import report as report
    from doseopt.reports.searches import calibrate as calibrate
    from doseopt.reports.searches import limits as limits
    from doseopt.reports.searches import record as record
    from doseopt.reports.tellings import examine as examine
    from doseopt.reports.tellings import paths as paths
    from doseopt.reports.tellings import walk as walk
    from doseopt.reports.verbs import compare as compare
    from doseopt.reports.verbs import next_dose as next_dose
    from doseopt.reports.verbs import posterior as posterior
    from doseopt.reports.verbs import summary as summary
    from doseopt.reports.verbs import table as table
    from doseopt.scenarios import MTDRule as MTDRule
    from doseopt.scenarios import OBDRule as OBDRule
    from doseopt.scenarios import make_scenarios as make_scenarios
    from doseopt.scenarios import published as published
    from doseopt.study.clock import Clock as Clock
    from doseopt.study.departure import Departure as Departure
    from doseopt.study.departure import Event as Event
    from doseopt.study.file import load_study as load_study
    from doseopt.study.populations import Populations as Populations
    from doseopt.study.silences import ElicitedDeparture as ElicitedDeparture
    from doseopt.study.silences import ElicitedEvent as ElicitedEvent
    from doseopt.study.silences import Silences as Silences
    from doseopt.study.study import Study as Study
    from doseopt.study.window_events import WindowEvents as WindowEvents

__version__ = "0.2.0"

_HOME = {
    "BFBOIN": "designs.bf_boin",
    "Titrate": "designs.modifiers",
    "NoSkippingDown": "designs.modifiers",
    "MaxRatio": "designs.modifiers",
    "BetaSafety": "designs.modifiers",
    "TargetProbability": "designs.modifiers",
    "Repeated": "designs.modifiers",
    "EnoughPatients": "designs.modifiers",
    "DLTsSeen": "designs.modifiers",
    "BelowLowest": "designs.modifiers",
    "AnyOf": "designs.modifiers",
    "AllOf": "designs.modifiers",
    "APlusB": "designs.a_plus_b",
    "AcceleratedTitration": "designs.accelerated_titration",
    "Accrual": "clock.arrivals",
    "BLRM": "designs.blrm",
    "BMACRM": "designs.bma_crm",
    "BOIN": "designs.boin",
    "BOIN12": "designs.boin12",
    "Belief": "beliefs",
    "CCD": "designs.ccd",
    "CRM": "designs.crm",
    "Clock": "study.clock",
    "Coherent": "designs.modifiers",
    "CohortsByDLT": "designs.modifiers",
    "CohortsByDose": "designs.modifiers",
    "CohortRange": "designs.modifiers",
    "CohortsInOrder": "designs.modifiers",
    "DESIGNS": "designs",
    "Decision": "core.state",
    "DecisionTable": "designs.decision_table",
    "Definition": "core.definition",
    "DemandAtDose": "designs.modifiers",
    "Departure": "study.departure",
    "Design": "core.design",
    "ElicitedDeparture": "study.silences",
    "ElicitedEvent": "study.silences",
    "EnoughAtDose": "designs.modifiers",
    "Event": "study.departure",
    "Exact": "engines.exact",
    "ExactCalendars": "engines.exact_calendars",
    "ExactPending": "engines.exact_pending",
    "ExactWherePossible": "engines.simulate",
    "Expanding": "designs.expanding",
    "Expansion": "designs.expanding",
    "Faults": "core.parameters",
    "I3Plus3": "designs.i3p3",
    "IndifferenceInterval": "models.skeleton",
    "Keyboard": "designs.keyboard",
    "Lattice": "clock.lattice",
    "METRICS": "measures.operating_characteristics",
    "MODIFIERS": "designs.modifiers",
    "MTDRule": "scenarios",
    "MTPI": "designs.mtpi",
    "MTPI2": "designs.mtpi2",
    "MaxEnrolled": "designs.modifiers",
    "MaxPatients": "designs.modifiers",
    "Modified": "designs.modified",
    "Names": "core.definition",
    "Naming": "designs.naming",
    "NarrowInterval": "designs.modifiers",
    "NoSkipping": "designs.modifiers",
    "OBDRule": "scenarios",
    "OnGrid": "designs.on_grid",
    "Onset": "clock.onset",
    "Policy": "designs.policy",
    "Populations": "study.populations",
    "RollingSix": "designs.rolling_six",
    "Rules": "attainable",
    "RunIn": "designs.modifiers",
    "Selecting": "designs.selecting",
    "Silences": "study.silences",
    "Simulate": "engines.simulate",
    "SimulateBackfill": "engines.simulate_backfill",
    "SimulatePending": "engines.simulate_pending",
    "SlopePrior": "models.slope",
    "Stagger": "clock.duration",
    "Study": "study.study",
    "TITEBOIN": "designs.tite_boin",
    "TITECRM": "designs.tite_crm",
    "TPI": "designs.tpi",
    "ThreePlusThree": "designs.three_plus_three",
    "TwoParameterCRM": "designs.two_parameter_crm",
    "TooToxic": "designs.modifiers",
    "Trial": "records.trial",
    "TrialState": "core.state",
    "Utility": "beliefs.utility",
    "Waiting": "designs.waiting",
    "WindowEvents": "study.window_events",
    "after": "core.trial",
    "amend": "reports.report",
    "bayes_optimal": "attainable",
    "belief_of_rates": "beliefs",
    "build_graph": "engines.graph",
    "calibrate": "reports.searches",
    "compare": "reports.verbs",
    "complete_information_benchmark": "measures.complete_information",
    "examine": "reports.tellings",
    "judged": "engines.outcomes",
    "life_table": "endpoints.life_table",
    "limits": "reports.searches",
    "limits_of": "attainable.attained",
    "load_study": "study.file",
    "make_scenarios": "scenarios",
    "meld": "endpoints.meld",
    "meld3": "endpoints.meld",
    "meld_na": "endpoints.meld",
    "next_dose": "reports.verbs",
    "operating_characteristics": "measures.operating_characteristics",
    "paths": "reports.tellings",
    "posterior": "reports.verbs",
    "published": "scenarios",
    "record": "reports.searches",
    "report": "reports.report",
    "summary": "reports.verbs",
    "table": "reports.verbs",
    "walk": "reports.tellings",
}
"""Every public name, and the module it lives in."""

__all__ = sorted(["__version__", "plot", *_HOME])


if not TYPE_CHECKING:  # else a misspelt name would pass as one of any type

    def __getattr__(name: str) -> Any:
        """Load a public name when it is first used."""
        if name == "plot":
            return importlib.import_module("doseopt.plots.named")
        if name not in _HOME:
            from difflib import get_close_matches

            close = "".join(f"; did you mean {near!r}?" for near in get_close_matches(name, __all__, n=1))
            raise AttributeError(f"module 'doseopt' has no attribute {name!r}{close}")
        return getattr(importlib.import_module(f"doseopt.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
