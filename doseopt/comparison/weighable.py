"""Designs that the scenarios of a study cannot weigh."""

from __future__ import annotations

from doseopt.core.parameters import Fault
from doseopt.scenarios import without_moderate
from doseopt.study.reader import key
from doseopt.study.study import Study


def unweighed(study: Study) -> list[Fault]:
    """Say which designs a study cannot weigh.

    Those that look at moderate toxicity, without its rates; those that decide while patients are pending, without a
    clock.
    """
    lacking = without_moderate(study.scenarios) if study.scenario_specs else []
    some = ", ".join(map(repr, lacking[:3])) + (", ..." if len(lacking) > 3 else "")
    wanted = f"looks at moderate toxicity; wanted p_moderate in every scenario, missing in {some}"
    graded = [name for name, design in study.designs.items() if design.facts.outcomes.graded]
    found = [Fault(f"designs.{key(name)}", wanted) for name in graded if lacking]
    clock = 'decides while patients are pending; wanted a [clock], as window = 28, accrual = { kind = "fixed", '
    pending = [name for name, design in study.designs.items() if design.facts.pending and study.clock is None]
    return found + [Fault(f"designs.{key(name)}", f"{clock}per_month = 2 }}; missing") for name in pending]
