"""doseopt: exact operating characteristics of phase I dose-finding designs.

The public names below are loaded when first used, so that ``import doseopt`` and ``doseopt --help`` start at once.
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "AcceleratedTitration": "designs",
    "BLRM": "designs",
    "BMACRM": "designs",
    "BOIN": "designs",
    "Belief": "scenarios",
    "CRM": "designs",
    "Coherent": "modifiers",
    "CohortsByDLT": "modifiers",
    "CohortsByDose": "modifiers",
    "CohortsInOrder": "modifiers",
    "DESIGNS": "designs",
    "Decision": "state",
    "DecisionTable": "designs",
    "DemandAtDose": "modifiers",
    "Design": "design",
    "EnoughAtDose": "modifiers",
    "Exact": "engine.exact",
    "ExactWherePossible": "engine.simulate",
    "Faults": "parameters",
    "I3Plus3": "designs",
    "IndifferenceInterval": "skeleton",
    "Keyboard": "designs",
    "METRICS": "metrics",
    "MODIFIERS": "modifiers",
    "MTDRule": "scenarios",
    "MTPI": "designs",
    "MTPI2": "designs",
    "MaxPatients": "modifiers",
    "Modified": "modified",
    "NarrowInterval": "modifiers",
    "NoSkipping": "modifiers",
    "OnGrid": "on_grid",
    "Rules": "limits",
    "RunIn": "modifiers",
    "Selecting": "selecting",
    "Policy": "designs",
    "Simulate": "engine.simulate",
    "Study": "study",
    "TPI": "designs",
    "ThreePlusThree": "designs",
    "TooToxic": "modifiers",
    "TrialState": "state",
    "Utility": "utility",
    "after": "trial",
    "bayes_optimal": "limits",
    "belief_of_rates": "scenarios",
    "build_graph": "engine.graph",
    "compare": "comparison",
    "complete_information_benchmark": "limits",
    "judged": "outcomes",
    "limits_of": "attained",
    "load_study": "study_file",
    "make_scenarios": "scenarios",
    "operating_characteristics": "metrics",
    "published": "scenarios",
}
"""Every public name, and the module it lives in."""

__all__ = sorted(["__version__", *_HOME])


def __getattr__(name: str) -> Any:
    """Load a public name when it is first used."""
    if name not in _HOME:
        raise AttributeError(f"module 'doseopt' has no attribute {name!r}")
    return getattr(importlib.import_module(f"doseopt.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
