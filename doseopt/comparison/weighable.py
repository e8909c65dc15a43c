"""Designs that the scenarios of a study cannot weigh."""

from __future__ import annotations

from doseopt.core.outcome_space import EFFICACY
from doseopt.core.parameters import Fault
from doseopt.scenarios import lacking
from doseopt.study.reader import key
from doseopt.study.study import Study


def unweighed(study: Study) -> list[Fault]:
    """Say which designs a study cannot weigh.

    Those that look at moderate toxicity or efficacy, without its rates; those that decide while patients are pending,
    or treat others beside a cohort, without a clock.
    """
    found = []
    for name, design in study.designs.items():
        fills, where = design.facts.backfill is not None, f"designs.{key(name)}"
        space = EFFICACY if fills else design.facts.outcomes
        without = lacking(study.scenarios, space.beside) if space.beside and study.scenario_specs else []
        some = ", ".join(map(repr, without[:3])) + (", ..." if len(without) > 3 else "")
        what = "efficacy" if space.efficacy else "moderate toxicity"
        wanted = f"looks at {what}; wanted {space.beside} in every scenario, missing in {some}"
        found += [Fault(where, wanted)] if without else []
        if study.clock is None and design.facts.in_time:
            how = "backfills lower doses" if fills else "decides while patients are pending"
            clock = '[clock], as window = 28, accrual = { kind = "fixed", per_month = 2 }'
            found.append(Fault(where, f"{how}; wanted a {clock}; missing"))
    return found
