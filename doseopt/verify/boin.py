"""BOIN against R's BOIN 2.7.2. From 2.7.2 on it stays at an exact tie with lambda_d."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.optimize import isotonic_regression

from doseopt.core.state import NONE, BoolArray, TrialState
from doseopt.designs.boin import BOIN
from doseopt.designs.interval import beta_tail
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import EnoughAtDose, MaxPatients
from doseopt.designs.selection import isotonic
from doseopt.verify.cases import Case, peers
from doseopt.verify.check import Answers, Check
from doseopt.verify.trials import OPERATING, RATES, granted_exact, operating, tally

NO_EARLY_STOP = 100
"""What stands for none as `n_earlystop`."""
SELECT_MTD = "BOIN 2.7.2 select.mtd"
RULES = {name: name for name in ("extrasafe", "offset")}


def design_of(given: Mapping[str, Any], **options: Any) -> BOIN:
    """Make the design; `p.saf` and `p.tox` are rates there and multiples of the target here."""
    target = given["target"]
    multiples = {
        ours: given[theirs] / target for ours, theirs in (("saf", "p_saf"), ("tox", "p_tox")) if theirs in given
    }
    further = {"cutoff": "cutoff_eli", "extra_safe": "extrasafe", "offset": "offset", "bounded": "boundMTD"}
    said = {ours: given[theirs] for ours, theirs in further.items() if given.get(theirs) is not None}
    return BOIN(target=target, tie="stay", **multiples, **said, **options)


def at_dose(n: int, dose: int) -> TrialState:
    """Return the states with n patients at one of three doses (from 0), y = 0 to n of them with a DLT."""
    patients, dlts = np.zeros((2, n + 1, 3), np.int64)
    patients[:, dose], dlts[:, dose] = n, np.arange(n + 1)
    return TrialState(patients, dlts, np.full(n + 1, dose), np.zeros((n + 1, 0), np.int64))


def least(true: BoolArray) -> float | int | None:
    """Return the least y from which on something holds, None if it never does; nan if it ceases to hold."""
    first = len(true) - int(true.sum())
    return float("nan") if not true[first:].all() else first if first < len(true) else None


def boundaries(design: Any, n: int) -> Answers:
    """Read the boundaries at n patients off the conduct at dose 2 of 3, where every move can be seen."""
    state = at_dose(n, 1)
    dose = design.decide(state).dose
    above = least(dose < 2)
    return {
        "escalate_le": n if above is None else above - 1,
        "deescalate_ge": least(dose < 1),
        "eliminate_ge": least(~design.admissible(state)[:, 1]),
    }


def _boundary_cases() -> list[Case]:
    """Where extra safety is off, what eliminates the lowest dose stops the trial."""
    answers = ("lambda_e", "lambda_d", "escalate_le", "deescalate_ge", "eliminate_ge", "stop_lowest_ge")
    given = {name: name for name in ("target", "p_saf", "p_tox", "cutoff_eli", *RULES, "n")}
    cases = peers("boin_boundaries.csv", "BOIN 2.7.2 get.boundary", given, {name: name for name in answers})
    return [case if case.given["extrasafe"] else _stopping_alike(case) for case in cases]


def _stopping_alike(case: Case) -> Case:
    return replace(case, printed={**case.printed, "stop_lowest_ge": case.printed["eliminate_ge"]})


def _boundaries(given: Mapping[str, Any]) -> Answers:
    design = design_of(given, doses=3)
    stop = least(design.decide(at_dose(given["n"], 0)).stop != 0)
    lambdas = {"lambda_e": design.lambda_e, "lambda_d": design.lambda_d}
    return {**lambdas, **boundaries(design, given["n"]), "stop_lowest_ge": stop}


def _selection(given: Mapping[str, Any]) -> Answers:
    """Return the MTD, 99 for none, and both estimates at the doses tried."""
    design, state = design_of(given, doses=given["K"]), tally(given["n"], given["y"])
    stop = np.where(design.admissible(state)[:, 0], 0, 1)
    mtd = int(design.select(state, stop)[0])
    tried = state.tried[0]
    tail = np.full(given["K"], np.nan)
    tail[tried] = isotonic_regression(beta_tail(state.n[0, tried], state.y[0, tried], given["target"], 0.05, 0.05)).x
    estimate = isotonic(state.n, state.y, state.tried)[0]
    return {"mtd": 99 if mtd == NONE else mtd + 1, "rates": estimate, "p_overdose": tail}


def _selection_cases() -> list[Case]:
    names = ("id", "K", "target", "n", "y", "cutoff_eli", *RULES, "boundMTD", "p_tox")
    answers = {"mtd": "mtd", "rates": "phat_iso_2dp", "p_overdose": "p_overdose_2dp"}
    return peers("boin_select_mtd.csv", SELECT_MTD, {name: name for name in names}, answers)


def _exact(given: Mapping[str, Any]) -> Answers:
    early = given["n_earlystop"]
    stops = (EnoughAtDose(n=early, only_if_staying=True),) if early < NO_EARLY_STOP else ()
    base = design_of(given, doses=4, cohort=given["cohortsize"], titration=bool(given["titration"]))
    return operating(Modified(base, (MaxPatients(given["N"]), *stops)), given["p_dlt"])


def _exact_cases(file: str, *rules: str) -> list[Case]:
    names = ("target", "N", "cohortsize", "n_earlystop", "titration", *rules)
    given = {name: name for name in names} | RATES
    return peers(file, "decisions_by", given, OPERATING, lambda row: row["design"].startswith("BOIN"))


CHECKS = {
    "boin-boundaries": Check(
        "boundaries by number of patients, read off the conduct",
        _boundary_cases,
        _boundaries,
        lambda given, ours: dict.fromkeys(("lambda_e", "lambda_d"), 1e-14),
    ),
    "boin-selection": Check(
        "the MTD, the isotonic rates and the probabilities of overdose",
        _selection_cases,
        _selection,
        lambda given, ours: dict.fromkeys(("rates", "p_overdose"), 0.005 + 1e-9),
        "the rates and probabilities are printed to 2 decimals, and 1e-10 is added to break ties",
    ),
    "boin-exact": Check(
        "exact operating characteristics",
        lambda: _exact_cases("exact_boin_crm.csv", "extrasafe", "boundMTD"),
        _exact,
        granted_exact(14),
    ),
    "boin-titration-exact": Check(
        "exact operating characteristics with titration",
        lambda: _exact_cases("exact_boin_titration.csv"),
        _exact,
        granted_exact(14),
    ),
}
