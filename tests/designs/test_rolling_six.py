"""Rolling six: Skolnik's table, and 3+3 with six everywhere once nobody is pending."""

import csv
from pathlib import Path

import numpy as np
import pytest

import doseopt
from doseopt import (
    Exact,
    MTDRule,
    RollingSix,
    ThreePlusThree,
    TrialState,
    Waiting,
    judged,
    make_scenarios,
    operating_characteristics,
)
from doseopt.core.state import Pending
from doseopt.testing import check_design

REFERENCE = Path(doseopt.__file__).parent / "verify" / "reference" / "rolling_six_table.csv"
"""Skolnik et al. 2008 (as in PMC7221509, Table 2); an R package has another answer in four cells."""
CELLS = list(csv.DictReader(REFERENCE.read_text().splitlines()))


def ask(design, n, s, c, at=1, below=3):
    """Return the decision after n, s, c at a dose, `below` patients without a DLT at each lower one."""
    tally = [below] * at + [n - c] + [0] * (design.doses - at - 1)
    dlts = [0] * at + [s] + [0] * (design.doses - at - 1)
    state = TrialState(np.array([tally]), np.array([dlts]), np.array([at]), np.zeros((1, 0), int))
    return design.decide(state, Pending(np.full((1, c), at), np.full((1, c), 0.5)))


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: "-".join(list(cell.values())[:3]))
def test_cells_of_the_published_table(cell):
    given = ask(RollingSix(doses=3, target=0.25), *(int(cell[name]) for name in ("treated", "dlt", "pending")))
    assert given.stop.tolist() == [0]
    found = "Suspend" if given.size[0] == 0 else ("De-escalate", "Stay", "Escalate")[given.dose[0]]
    assert found == cell["decision_skolnik"]


def test_the_table_is_whole():
    assert len(CELLS) == 83


def test_on_the_way_down_a_dose_is_filled_to_six():
    design = RollingSix(doses=3, target=0.25)
    for below, size, stop in ((3, 1, 0), (5, 1, 0), (6, 0, 1)):
        given = ask(design, 4, 2, 1, below=below)
        assert (given.dose.tolist(), given.size.tolist(), given.stop.tolist()) == ([0], [size], [stop])
    lowest = ask(design, 2, 2, 0, at=0)
    assert design.facts.stops[lowest.stop[0] - 1] == "too_toxic"


def test_a_dose_below_an_excluded_one_is_the_mtd_when_its_patients_cannot_change_it():
    """Six at dose 1, two DLTs at dose 2: with no DLT and one pending it is the MTD; with one of each one waits."""
    design = RollingSix(doses=2, target=0.25)
    for dlts, pending, size, stop in ((0, 1, 0, 1), (1, 1, 0, 0), (0, 2, 0, 0), (1, 0, 0, 1)):
        state = TrialState(np.array([[6 - pending, 3]]), np.array([[dlts, 2]]), np.array([1]), np.zeros((1, 0), int))
        given = design.decide(state, Pending(np.zeros((1, pending), int), np.full((1, pending), 0.5)))
        assert (given.dose.tolist(), given.size.tolist(), given.stop.tolist()) == ([0], [size], [stop])


def test_the_top_dose_on_three_or_on_six():
    for six, size, stop in ((True, 1, 0), (False, 0, 1)):
        given = ask(RollingSix(doses=2, target=0.25, six_at_mtd=six), 3, 0, 0)
        assert (given.size.tolist(), given.stop.tolist()) == ([size], [stop])
        state = TrialState(np.array([[3, 3]]), np.zeros((1, 2), int), np.array([1]), np.zeros((1, 0), int))
        assert RollingSix(2, 0.25, six_at_mtd=six).select(state, np.array([0])).tolist() == [-1 if six else 1]


def test_if_everybody_is_followed_up_it_selects_as_3_plus_3_with_six_everywhere():
    """Calculated apart from the package, at .05 .10 .20 .30: 15.136 patients, not 15.774: a second DLT acts at once."""
    truths = make_scenarios([[0.05, 0.10, 0.20, 0.30], [0.25, 0.35, 0.50, 0.60]])
    rules = Waiting(RollingSix(4, 0.25)), ThreePlusThree(4, 0.25, on_descent="six")
    rolling, three = (operating_characteristics(judged(Exact()(rule, truths), MTDRule(0.25))) for rule in rules)
    assert rolling["selection"].to_numpy() == pytest.approx(three["selection"].to_numpy(), abs=1e-12)
    wanted = [0.0971396, 0.2778620, 0.3351858, 0.2626304]
    assert rolling["selection"].values[0] == pytest.approx(wanted, abs=5e-8)
    assert rolling["no_selection"].values[0] == pytest.approx(0.0271821, abs=5e-8)
    assert rolling["sample_size"].values[0] == pytest.approx(15.136, abs=5e-4)
    assert three["sample_size"].values[0] == pytest.approx(15.774, abs=5e-4)


@pytest.mark.parametrize("given", [{}, {"start": 3}, {"six_at_mtd": False}])
def test_it_keeps_the_promises_of_a_design(given):
    check_design(RollingSix(doses=4, target=0.25, **given))
