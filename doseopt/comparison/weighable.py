"""Designs that the scenarios of a study cannot weigh."""

from __future__ import annotations

from doseopt.core.parameters import Fault
from doseopt.scenarios import lacking
from doseopt.study.reader import key
from doseopt.study.study import Study


def unweighed(study: Study) -> list[Fault]:
    """Say which designs a study cannot weigh.

    Those that look at moderate toxicity or efficacy, without its rates; those that decide while patients are pending,
    without a clock.
    """
    found = []
    for name, design in study.designs.items():
        space = design.facts.outcomes
        without = lacking(study.scenarios, space.beside) if study.scenario_specs else []
        some = ", ".join(map(repr, without[:3])) + (", ..." if len(without) > 3 else "")
        what = "efficacy" if space.efficacy else "moderate toxicity"
        wanted = f"looks at {what}; wanted {space.beside} in every scenario, missing in {some}"
        found += [Fault(f"designs.{key(name)}", wanted)] if without else []
    clock = 'decides while patients are pending; wanted a [clock], as window = 28, accrual = { kind = "fixed", '
    pending = [name for name, design in study.designs.items() if design.facts.pending and study.clock is None]
    return found + [Fault(f"designs.{key(name)}", f"{clock}per_month = 2 }}; missing") for name in pending]
