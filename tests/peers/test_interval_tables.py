"""Decision tables of interval designs against R's escalation 0.2.3 and Keyboard 0.1.3, every row."""

import numpy as np
import pytest
from peers.reading import grouped, read

from doseopt.core.state import TrialState
from doseopt.designs import MTPI, MTPI2, TPI, Keyboard
from doseopt.designs.interval import DOWN, STAY, UP

MAKE = {"mTPI": MTPI, "mTPI2": MTPI2, "TPI": TPI}
LETTERS = {UP: "E", STAY: "S", DOWN: "D"}


def at_second_of_three(n, y):
    """States in which every move can be seen."""
    n, y = np.array(n), np.array(y)
    zero = np.zeros_like(n)
    return TrialState(
        np.stack([zero, n, zero], 1), np.stack([zero, y, zero], 1), zero + 1, np.zeros((len(n), 0), np.int64)
    )


TABLES = grouped(read("escalation_interval_tables.csv"), "design", "target")


@pytest.mark.parametrize("key", TABLES, ids=" ".join)
def test_decisions(key):
    """`fit` at dose 2 of 3, n = 1 to 15: the letter ("D" covers "DU") and the dose it leads to."""
    rows, design = TABLES[key], MAKE[key[0]](doses=3, target=float(key[1]))
    n, y = [int(row["n"]) for row in rows], [int(row["y"]) for row in rows]
    assert [LETTERS[move] for move in design.moves(np.array(n), np.array(y)).tolist()] == [r["decision"] for r in rows]
    dose = design.decide(at_second_of_three(n, y)).dose + 1
    assert dose.tolist() == [int(row["next_from_dose2"]) for row in rows]


KEYBOARD = grouped(read("keyboard_boundaries.csv"), "target", "marginL", "marginR", "cutoff_eli")


@pytest.mark.parametrize("key", KEYBOARD, ids="/".join)
@pytest.mark.parametrize("kind", [Keyboard, MTPI2])
def test_boundaries(kind, key):
    """`get.boundary.kb`, n = 1 to 36; mTPI-2 with the same margins decides alike."""
    target, left, right, cutoff = map(float, key)
    design = kind(doses=3, target=target, margin_left=left, margin_right=right, cutoff=cutoff)
    for row in KEYBOARD[key]:
        n = int(row["n"])
        y = np.arange(n + 1)
        state = at_second_of_three(np.full(n + 1, n), y)
        move = np.where(y <= int(row["escalate_le"]), UP, np.where(y >= int(row["deescalate_ge"]), DOWN, STAY))
        np.testing.assert_array_equal(design.decide(state).dose - 1, move)
        out = [row["eliminate_ge"] != "" and k >= int(row["eliminate_ge"]) for k in y]
        np.testing.assert_array_equal(~design.admissible(state)[:, 1], out)
