"""The next dose after outcomes so far."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from doseopt.core.design import Design, estimated_by
from doseopt.core.trial import after
from doseopt.designs.boin import BOIN
from doseopt.designs.crm import CRM
from doseopt.designs.layers import layers
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import NoSkipping
from doseopt.designs.mtpi import MTPI
from doseopt.designs.mtpi2 import MTPI2
from doseopt.designs.selection import isotonic
from doseopt.designs.three_plus_three import ThreePlusThree
from doseopt.designs.tpi import TPI
from doseopt.models.skeleton import IndifferenceInterval
from doseopt.verify.cases import Case, peers, published
from doseopt.verify.check import Answers, Check
from doseopt.verify.trials import design_of, next_of, tally

PRIOR = IndifferenceInterval(prior_mtd=2, halfwidth=0.05)
NO_TARGET = 0.25
"""Given to 3+3, in whose rule a target has no part."""
MAKE: dict[str, Callable[[float], Design]] = {
    "BOIN": lambda target: BOIN(doses=4, target=target, tie="stay"),
    "mTPI": lambda target: MTPI(doses=4, target=target),
    "mTPI2": lambda target: MTPI2(doses=4, target=target),
    "TPI": lambda target: TPI(doses=4, target=target),
    "CRM": lambda target: CRM(doses=4, target=target, skeleton=PRIOR),
    # dont_skip_doses(when_escalating = TRUE) counts from the last dose given
    "CRM_noskip": lambda target: Modified(CRM(doses=4, target=target, skeleton=PRIOR), (NoSkipping("last"),)),
    "CRM_logistic": lambda target: CRM(doses=4, target=target, skeleton=PRIOR, model="logistic"),
    "3+3": lambda target: ThreePlusThree(doses=4, target=target, on_descent="declare", confirm_top=False),
    "3+3_deescalate": lambda target: ThreePlusThree(doses=4, target=target, confirm_top=False),
}


def _next(given: Mapping[str, Any]) -> Answers:
    design = MAKE[given["design"]](given["target"] or NO_TARGET)
    going, dose = next_of(design, given["outcomes"])
    allowed = design.admissible(after(design, given["outcomes"]))[0].astype(int)
    return {"continue": str(going).upper(), "next_dose": dose, "admissible": allowed}


def _asked(printed: Sequence[str], designs: Collection[str] = MAKE) -> list[Case]:
    given, answers = ({name: name for name in names} for names in (("design", "target", "outcomes"), printed))
    fit = "escalation 0.2.3 fit"
    return peers("escalation_next_dose.csv", fit, given, answers, lambda row: row["design"] in designs)


def _rates(given: Mapping[str, Any]) -> Answers:
    """Return the plug-in rates of the CRM, and for BOIN the isotonic estimates at the doses tried."""
    made = MAKE[given["design"]](given["target"])
    rule = layers(made).rule
    state = after(rule, given["outcomes"])
    rates = isotonic(state.n, state.y, state.tried) if isinstance(rule, BOIN) else estimated_by(rule, state)
    return {"mean_prob_tox": rates[0]}


def _cohort_by_cohort(given: Mapping[str, Any]) -> Answers:
    """Return the next dose after each cohort of a course."""
    design, cohorts = design_of(given["design"]), given["outcomes"].split()
    return {"next_dose": [next_of(design, " ".join(cohorts[: i + 1]))[1] for i in range(len(cohorts))]}


def _course(given: Mapping[str, Any]) -> Answers:
    going, dose = next_of(design_of(given["design"]), given["outcomes"])
    return {"continue": str(going).upper(), "dose": dose}


def _mtd(given: Mapping[str, Any]) -> Answers:
    design = design_of(given["design"])
    state = tally(given["n"], given["y"])
    return {"mtd": int(design.select(state, state.dose * 0)[0]) + 1}


CHECKS = {
    "next-dose": Check(
        "whether a trial goes on, the next dose or the MTD, and the doses allowed",
        lambda: _asked(("continue", "next_dose", "admissible")),
        _next,
    ),
    "next-dose-rates": Check(
        "plug-in rates of the CRM, isotonic rates of BOIN",
        lambda: _asked(("mean_prob_tox",), ("BOIN", "CRM", "CRM_noskip", "CRM_logistic")),
        _rates,
        lambda given, ours: {"mean_prob_tox": 0.005 + 1e-9 if given["design"] == "BOIN" else 1e-6},
        "for the CRM escalation asks dfcrm, whose own integrals are good to about 1e-6; for BOIN it prints 2 decimals, "
        "and 1e-10 is added to break ties",
    ),
    "conduct": Check("the next dose after each cohort", lambda: published("conduct"), _cohort_by_cohort),
    "course": Check("the next dose, or the MTD, after a course", lambda: published("course"), _course),
    "mtd": Check("the MTD of a tally", lambda: published("mtd"), _mtd),
}
