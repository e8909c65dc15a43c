"""Designs that decide while patients are pending, against R's dfcrm and TITEgBOIN, and the table of rolling six."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from doseopt.core.state import Decision, Pending, TrialState
from doseopt.designs.rolling_six import RollingSix
from doseopt.designs.tite_boin import TITEBOIN
from doseopt.designs.tite_crm import TITECRM
from doseopt.verify.cases import Case, peers
from doseopt.verify.check import Answers, Check

OWN, OWN_RATES = 2e-6, 2e-5
"""dfcrm's own accuracy here: of moments of b, and of plug-in rates."""
CURRENT, LOWER = 2, 3
"""Where TITEgBOIN's trials are, counted from 0, and patients without a DLT at each lower dose."""


def _fits(given: Mapping[str, Any]) -> Answers:
    doses, window = given["K"], given["window"]
    level, dlt, follow_up = (np.atleast_1d(given[name]) for name in ("level", "tox", "followup"))
    design = TITECRM(
        doses=doses,
        target=given["target"],
        skeleton=given["prior"],
        model=given["model"],
        intercept=given["intcpt"],
        prior_sd=given["scale"],
        weights=given["scheme"],
    )
    waits = (dlt == 0) & (follow_up < window)
    n, y = (np.bincount(level[some] - 1, minlength=doses)[None] for some in (~waits, dlt == 1))
    state = TrialState(n, y, level[-1:] - 1, np.zeros((1, 0), np.int64))
    share = follow_up / window
    pending = Pending(level[waits][None] - 1, share[waits][None], share[dlt == 1][None])
    weights = np.ones(len(level))
    weights[waits] = design.weigh(pending)[0]
    whole = design.weighted(state, pending)
    mean, variance = whole.theta_mean()[0], whole.theta_variance()[0]
    return {
        "weights": weights,
        "estimate": mean,
        "estimate_tight": mean,
        "post_var": variance,
        "post_var_tight": variance,
        "ptox": design.estimated(state, pending)[0],
        "mtd": int(design.decide(state, pending).dose[0]) + 1,
    }


def _fits_cases() -> list[Case]:
    names = ("id", "K", "target", "model", "intcpt", "scale", "scheme", "window", "prior", "level", "tox", "followup")
    answers = ("weights", "estimate", "post_var", "estimate_tight", "post_var_tight", "ptox", "mtd")
    given = {name: name for name in names}
    return peers("titecrm_fits.csv", "dfcrm 0.2-2.1 titecrm", given, {name: name for name in answers})


def _asked(design: TITEBOIN | RollingSix, at: int, n: int, y: int, c: int, follow_up: float) -> tuple[Decision, Any]:
    """Return the decision at a dose, and which doses are open, the lower ones without a DLT."""
    tally, dlts = np.zeros((2, 1, design.doses), np.int64)
    tally[0, :at], tally[0, at], dlts[0, at] = LOWER, n - c, y
    state = TrialState(tally, dlts, np.array([at]), np.zeros((1, 0), np.int64))
    pending = Pending(np.full((1, c), at), np.full((1, c), follow_up / max(c, 1)))
    return design.decide(state, pending), design.admissible(state.treated(pending))[0]


def _next(given: Mapping[str, Any]) -> Answers:
    design = TITEBOIN(doses=4, target=given["target"], estimate="ess")
    n, y, c = (given[name] for name in ("cur_n", "cur_y", "cur_pending"))
    decision, open_ = _asked(design, CURRENT, n, y, c, given["stft"])
    closed = np.flatnonzero(~open_)
    return {
        "next_dose": int(decision.dose[0]) + 1,
        "suspend": int(decision.size[0] == 0),
        "eliminated_from": int(closed[0]) + 1 if len(closed) else None,
    }


def _same_order(row: Mapping[str, str]) -> bool:
    """Leave out where TITEgBOIN suspends although the fraction of DLTs seen is above lambda_d already."""
    n, y, c = (int(row[name]) for name in ("cur_n", "cur_y", "cur_pending"))
    certain = y / n >= TITEBOIN(doses=4, target=float(row["target"])).lambda_d
    return not (row["suspend"] == "1" and certain and 2 * c > n)


def _next_cases() -> list[Case]:
    given = {name: name for name in ("target", "cur_n", "cur_y", "cur_pending", "stft", "current_dose")}
    answers = {name: name for name in ("next_dose", "suspend", "eliminated_from")}
    call = "TITEgBOIN 0.4.0 next_TITE_QuasiBOIN"
    return peers("titeboin_next_ess.csv", call, given, answers, _same_order)


def _six(given: Mapping[str, Any]) -> Answers:
    n, y, c = (given[name] for name in ("treated", "dlt", "pending"))
    decision, _ = _asked(RollingSix(doses=3, target=0.25), 1, n, y, c, 0.0)
    moves = ("De-escalate", "Stay", "Escalate")
    return {"decision": "Suspend" if decision.size[0] == 0 else moves[int(decision.dose[0])]}


def _six_cases() -> list[Case]:
    given = {name: name for name in ("treated", "dlt", "pending")}
    return peers("rolling_six_table.csv", "Skolnik 2008 Table 2", given, {"decision": "decision_skolnik"})


CHECKS = {
    "tite-crm-fits": Check(
        "weights, posterior mean and variance of b, plug-in rates, MTD",
        _fits_cases,
        _fits,
        lambda given, ours: {
            "weights": 1e-12,
            **dict.fromkeys(("estimate_tight", "post_var_tight"), 1e-8),
            **dict.fromkeys(("estimate", "post_var"), OWN),
            "ptox": OWN_RATES,
        },
        "the *_tight columns integrate what dfcrm integrates, at relative tolerance 1e-11, and are granted 1e-8; "
        "estimate and post_var 2e-6, ptox 2e-5, the accuracy of dfcrm's own integrals",
    ),
    "tite-boin-next": Check(
        "next dose, suspension and elimination with pending patients",
        _next_cases,
        _next,
        note="left out are 41 of 800 rows in which TITEgBOIN suspends although the fraction of DLTs seen is at or "
        "above lambda_d, so that the published table goes down whatever is pending",
    ),
    "rolling-six": Check("decisions of rolling six", _six_cases, _six),
}
