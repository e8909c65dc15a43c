"""Interval designs: what they have in common; the tables of the literature are `doseopt.verify`'s."""

import numpy as np
import pytest

from doseopt import BOIN, MTPI2, I3Plus3, Keyboard
from doseopt.core.state import NONE
from doseopt.designs.interval import DOWN, STAY, UP
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.engines.exact import Exact
from doseopt.engines.graph import graph_of
from doseopt.scenarios import make_scenarios

LETTERS = {UP: "E", STAY: "S", DOWN: "D"}


def decisions(design, n):
    """The table's line for n patients, y = 0 to n."""
    y = np.arange(n + 1)
    moves, out = design.moves(np.full_like(y, n), y), design.eliminates(np.full_like(y, n), y)
    return ["DU" if gone else LETTERS[move] for move, gone in zip(moves.tolist(), out.tolist(), strict=True)]


@pytest.mark.parametrize("n", [10, 20, 30, 40, 50, 60, 70, 80, 90, 100])
def test_i3_plus_3_stays_at_the_ends_of_its_interval(n):
    """Worked by hand: 20% and 30% lie inside [0.20, 0.30], whatever rounding makes of the fractions."""
    design = I3Plus3(doses=4, target=0.25)
    assert decisions(design, n)[n // 5 : 3 * n // 10 + 1] == ["S"] * (n // 10 + 1)
    assert decisions(design, n)[n // 5 - 1] == "E"


ALIKE = [BOIN, MTPI2, Keyboard]


def test_boin_mtpi2_and_keyboard_decide_alike():
    """Target 0.30, half-width 0.05, cohorts of 3, up to 18 patients a dose (Yan et al. 2017; Guo et al. 2017)."""
    for n in range(3, 19, 3):
        boin, *others = ([letter[0] for letter in decisions(kind(doses=5, target=0.30), n)] for kind in ALIKE)
        assert others == [boin, boin]
        # BOIN eliminates from 3 patients on, the others from the first; in cohorts of 3 that is the same.
        out, *others = ([letter == "DU" for letter in decisions(kind(doses=5, target=0.30), n)] for kind in ALIKE)
        assert others == [out, out]


def test_boin_mtpi2_and_keyboard_are_the_same_trial():
    """The same graph and the same operating characteristics: 4 doses, 18 patients in cohorts of 3, target 0.30.

    Exact values: enumeration of BOIN independent of this project.
    """
    scenarios = make_scenarios([(0.05, 0.15, 0.30, 0.45), (0.30, 0.45, 0.55, 0.65), (0.01, 0.02, 0.03, 0.05)])
    boin, *others = (Modified(kind(doses=4, target=0.30), (MaxPatients(18),)) for kind in ALIKE)
    wanted = Exact()(boin, scenarios)
    assert graph_of(boin).counts()["paths"] == 1669
    for design in others:
        assert graph_of(design).counts() == graph_of(boin).counts()
        outcomes = Exact()(design, scenarios)
        for name in ("n", "y", "selected", "weight", "stop"):
            np.testing.assert_array_equal(outcomes[name].to_numpy(), wanted[name].to_numpy())
        choice = outcomes["selected"].to_numpy()[:, None] == np.arange(NONE, 4)
        found = outcomes["weight"].to_numpy()[0] @ choice
        np.testing.assert_allclose(found, [0.000211, 0.015285, 0.291729, 0.466233, 0.226542], rtol=0, atol=5e-7)
