"""Decision tables of interval designs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from doseopt.designs.boin import BOIN
from doseopt.designs.interval import DOWN, STAY, UP
from doseopt.designs.keyboard import Keyboard
from doseopt.designs.mtpi import MTPI
from doseopt.designs.mtpi2 import MTPI2
from doseopt.designs.tpi import TPI
from doseopt.verify.boin import boundaries
from doseopt.verify.cases import Case, peers, published
from doseopt.verify.check import Answers, Check
from doseopt.verify.trials import design_of, tally

LETTERS = {UP: "E", STAY: "S", DOWN: "D"}
KINDS: dict[str, type[MTPI | MTPI2 | TPI]] = {"mTPI": MTPI, "mTPI2": MTPI2, "TPI": TPI}


def _decision(given: Mapping[str, Any]) -> Answers:
    """Return the letter, and the dose that it leads to from dose 2 of 3."""
    design = KINDS[given["design"]](doses=3, target=given["target"])
    move = design.moves(np.array([given["n"]]), np.array([given["y"]]))
    dose = design.decide(tally([0, given["n"], 0], [0, given["y"], 0])).dose
    return {"decision": LETTERS[int(move[0])], "next_from_dose2": int(dose[0]) + 1}


def _decision_cases() -> list[Case]:
    given = {name: name for name in ("design", "target", "n", "y")}
    answers = {name: name for name in ("decision", "next_from_dose2")}
    return peers("escalation_interval_tables.csv", "peer", given, answers)


def _keyboard(given: Mapping[str, Any]) -> Answers:
    design = Keyboard(
        doses=3,
        target=given["target"],
        margin_left=given["marginL"],
        margin_right=given["marginR"],
        cutoff=given["cutoff_eli"],
    )
    return boundaries(design, given["n"])


def _keyboard_cases() -> list[Case]:
    given = {name: name for name in ("target", "marginL", "marginR", "cutoff_eli", "n")}
    answers = {name: name for name in ("escalate_le", "deescalate_ge", "eliminate_ge")}
    return peers("keyboard_boundaries.csv", "Keyboard 0.1.3 get.boundary.kb", given, answers)


def _lines(given: Mapping[str, Any]) -> Answers:
    """Return the letters for y = 0 to n, by n; "DU" where the dose is eliminated, unless the paper does not say so."""
    design: Any = design_of(given["design"])
    lines = {}
    for n in given["n"]:
        y = np.arange(n + 1)
        moves, out = design.moves(np.full_like(y, n), y), design.eliminates(np.full_like(y, n), y)
        gone = out & given["elimination"]
        lines[f"n {n}"] = ["DU" if g else LETTERS[m] for m, g in zip(moves.tolist(), gone.tolist(), strict=True)]
    return lines


def _by_number(given: Mapping[str, Any]) -> Answers:
    """Return the boundaries at n = 1, 2, ..., None where there is none."""
    design = design_of(given["design"])
    rows = [boundaries(design, n) for n in range(1, given["n"] + 1)]
    return {name: [row[name] for row in rows] for name in rows[0]}


def _lambdas(given: Mapping[str, Any]) -> Answers:
    design = BOIN(doses=4, target=given["target"])
    return {"lambda_e": design.lambda_e, "lambda_d": design.lambda_d}


CHECKS = {
    "interval-decisions": Check(
        "decisions of mTPI, mTPI-2 and TPI", _decision_cases, _decision, note='escalation prints "D" for "DU", too'
    ),
    "keyboard-boundaries": Check("boundaries by number of patients", _keyboard_cases, _keyboard),
    "decision-tables": Check("decision tables as papers print them", lambda: published("decisions"), _lines),
    "boundary-tables": Check("boundaries for n = 1 to 24", lambda: published("boundaries"), _by_number),
    "boin-lambdas": Check("lambda_e and lambda_d", lambda: published("lambdas"), _lambdas),
}
