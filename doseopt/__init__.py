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
    "Belief": "beliefs",
    "CRM": "designs",
    "Coherent": "designs.modifiers",
    "CohortsByDLT": "designs.modifiers",
    "CohortsByDose": "designs.modifiers",
    "CohortsInOrder": "designs.modifiers",
    "DESIGNS": "designs",
    "Decision": "core.state",
    "DecisionTable": "designs",
    "DemandAtDose": "designs.modifiers",
    "Design": "core.design",
    "EnoughAtDose": "designs.modifiers",
    "Exact": "engines.exact",
    "ExactWherePossible": "engines.simulate",
    "Faults": "core.parameters",
    "I3Plus3": "designs",
    "IndifferenceInterval": "models.skeleton",
    "Keyboard": "designs",
    "METRICS": "measures.operating_characteristics",
    "MODIFIERS": "designs.modifiers",
    "MTDRule": "scenarios",
    "MTPI": "designs",
    "MTPI2": "designs",
    "MaxPatients": "designs.modifiers",
    "Modified": "designs.modified",
    "NarrowInterval": "designs.modifiers",
    "NoSkipping": "designs.modifiers",
    "OnGrid": "designs.on_grid",
    "Rules": "attainable",
    "RunIn": "designs.modifiers",
    "Selecting": "designs.selecting",
    "Policy": "designs",
    "Simulate": "engines.simulate",
    "Study": "study.study",
    "TPI": "designs",
    "ThreePlusThree": "designs",
    "TooToxic": "designs.modifiers",
    "TrialState": "core.state",
    "Utility": "beliefs.utility",
    "after": "core.trial",
    "bayes_optimal": "attainable",
    "belief_of_rates": "beliefs",
    "build_graph": "engines.graph",
    "compare": "comparison.compare",
    "complete_information_benchmark": "measures.complete_information",
    "judged": "engines.outcomes",
    "limits_of": "attainable.attained",
    "load_study": "study.file",
    "make_scenarios": "scenarios",
    "operating_characteristics": "measures.operating_characteristics",
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
