"""Designs that look at efficacy, too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from doseopt.core.cohort import Cohort
from doseopt.core.trial import after
from doseopt.designs.boin12 import BOIN12
from doseopt.verify.cases import Case, peers
from doseopt.verify.check import Answers, Check

TABLE = "Lin2020"
"""How the rows of Lin et al. 2020, Table 3, begin; they hold 3, 6 and 9 patients, and none."""
SIZES = (0, 3, 6, 9)
COHORT = 3
NO_CAP = 10**6
"""The peer leaves it to others how many patients at a dose end a trial."""


def _cohorts(given: Mapping[str, Any]) -> list[Cohort]:
    """Return the cohorts of a trial, patient by patient."""
    letters = {(1, 0): "T", (1, 1): "B", (0, 1): "E", (0, 0): "N"}
    each = [letters[t, e] for t, e in zip(given["tox"], given["eff"], strict=True)]
    doses = given["dose"]
    return [Cohort(doses[i], "".join(each[i : i + COHORT])) for i in range(0, len(doses), COHORT)]


def _next(given: Mapping[str, Any]) -> Answers:
    named = {name: given[name] for name in ("doses", "phi_e", "n_star")}
    design = BOIN12(target=given["phi_t"], u2=float(given["u2"]), u3=float(given["u3"]), enough=NO_CAP, **named)
    state = after(design, _cohorts(given))
    return {"next": int(design.decide(state).dose[0]) + 1, "desirability": 100 * design.desirability(state)[0]}


def _next_cases() -> list[Case]:
    names = ("doses", "phi_t", "phi_e", "u2", "u3", "n_star", "dose", "tox", "eff")
    answers = {"next": "next_dose", "desirability": "desirability"}
    return peers("boin12_next.csv", "escalation 0.2.3 get_boin12", {name: name for name in names}, answers)


def _score(given: Mapping[str, Any]) -> Answers:
    scores = BOIN12(doses=5, target=0.35).scores(SIZES)
    row = np.flatnonzero((scores.n == given["n"]) & (scores.y == given["y"]) & (scores.e == given["e"]))
    score = float(scores.score[row[0]])
    return {"score": "E" if np.isnan(score) else score}


def _score_cases() -> list[Case]:
    given = {"n": "Patients", "y": "Toxicity", "e": "Efficacy"}
    source = "escalation 0.2.3 boin12_rds"
    return peers("boin12_rds.csv", source, given, {"score": "RDS"}, lambda row: row["config"].startswith(TABLE))


CHECKS = {
    "boin12-next": Check("next dose of BOIN12, and desirabilities", _next_cases, _next),
    "boin12-scores": Check(
        "rank-based desirability scores, Lin et al. 2020 Table 3",
        _score_cases,
        _score,
        lambda given, ours: {"score": 1e-9},
        note="the other configuration of the file, u2 + u3 = 80, is not compared: the peer counts efficacy as u3 there",
    ),
}
