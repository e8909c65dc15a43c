"""3+3 and accelerated titration against bcrm, escalation, precautionary and PhIdesign, and their facts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scipy.optimize import brentq

from doseopt.core.state import CONTINUE
from doseopt.core.trial import after, step
from doseopt.designs.accelerated_titration import AcceleratedTitration
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.designs.three_plus_three import ThreePlusThree
from doseopt.engines.graph import graph_of
from doseopt.verify.cases import Case, peers, published
from doseopt.verify.check import Answers, Check
from doseopt.verify.trials import OPERATING, RATES, design_of, granted_exact, operating

VARIANTS: dict[str, dict[str, Any]] = {
    "A_escalation_only": {"on_descent": "declare", "confirm_top": False},
    "B_deescalate": {"confirm_top": False},
    "C_deescalate_six_everywhere": {},
}
TARGET = 0.25
"""Has no part in the rule."""


def _variants(given: Mapping[str, Any]) -> Answers:
    return operating(ThreePlusThree(doses=4, target=TARGET, **VARIANTS[given["variant"]]), given["p_dlt"])


def _variant_cases() -> list[Case]:
    return peers("three_plus_three_oc.csv", "peer", {"variant": "variant"} | RATES, OPERATING)


def _titration(given: Mapping[str, Any]) -> Answers:
    """PhIdesign fills its last titration dose L to 3 where this package goes up: ``titrate = L - 1``."""
    titrate = given["last_titration_dose"] - 1 if given["acc_tit"] else 0
    return operating(AcceleratedTitration(doses=4, target=TARGET, titrate=titrate), given["p_dlt"])


def _titration_cases() -> list[Case]:
    given = {name: name for name in ("acc_tit", "last_titration_dose")} | RATES
    return peers("atd_three_plus_three_exact.csv", "PhIdesign 0.2.0 rules", given, OPERATING)


def _paths(given: Mapping[str, Any]) -> Answers:
    designs = [ThreePlusThree(doses=doses, target=TARGET) for doses in given["doses"]]
    return {"paths": [graph_of(design).counts()["paths"] for design in designs]}


def _ledger(given: Mapping[str, Any]) -> Answers:
    """Return the doses that the cohorts of a course are given, one entry a patient."""
    design, doses, so_far = design_of(given["design"]), [], ""
    for cohort in given["outcomes"].split():
        decision = step(design, after(design, so_far)) if so_far else design.first()
        going = decision.stop[0] == CONTINUE
        doses += [int(decision.dose[0]) + 1 if going else 0] * max(int(decision.size[0]), 1)
        so_far += f" {cohort}"
    return {"doses": doses}


def _even_chance(given: Mapping[str, Any]) -> Answers:
    """Return the DLT rate at which a dose is passed with probability one half."""
    design = ThreePlusThree(doses=2, target=TARGET, **VARIANTS["A_escalation_only"])
    rate = brentq(lambda p: float(operating(design, (p, 1.0))["no_selection"]) - 0.5, 0.01, 0.99, xtol=1e-12)
    return {"p_dlt": float(rate)}


def _fewest(given: Mapping[str, Any]) -> Answers:
    """Return the least cap on the patients under which some trial declares the top dose."""
    design, top = design_of(given["design"]), given["design"]["doses"] - 1
    caps = (cap for cap in range(1, 31) if top in graph_of(Modified(design, (MaxPatients(cap),))).selected)
    return {"patients": next(caps)}


CHECKS = {
    "3+3-exact": Check(
        "exact operating characteristics of three variants", _variant_cases, _variants, granted_exact(12)
    ),
    "titration-3+3-exact": Check(
        "exact operating characteristics of accelerated titration, then 3+3",
        _titration_cases,
        _titration,
        granted_exact(14),
    ),
    "3+3-paths": Check("the number of outcome paths", lambda: published("paths"), _paths),
    "3+3-even-chance": Check(
        "the DLT rate at which 3+3 escalates with probability 1/2", lambda: published("even_chance"), _even_chance
    ),
    "titration-ledgers": Check("doses in the order given", lambda: published("ledger"), _ledger),
    "titration-fewest": Check("patients needed to declare the top dose", lambda: published("fewest"), _fewest),
}
