"""The door for designs that decide while patients are pending: a stand-in, through the step and the wrappers."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest

from doseopt import BOIN
from doseopt.core.design import Row
from doseopt.core.parameters import Faults
from doseopt.core.state import Decision, Pending, TrialState
from doseopt.core.trial import step
from doseopt.designs.defaults import Defaults
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import CohortsByDose, MaxPatients, NoSkipping
from doseopt.designs.on_grid import OnGrid
from doseopt.designs.selecting import Selecting


@dataclass(frozen=True)
class Patient(Defaults):
    """Waits while two or more are pending at the dose; up if all pending are more than half followed, else stays."""

    doses: int = 3
    target: float = 0.25

    @property
    def facts(self):
        return dataclasses.replace(super().facts, pending=True)

    def first(self):
        return Decision(np.array([0]), np.array([1]), np.array([0]))

    def decide(self, state, pending=None):
        here = pending.dose == state.dose[:, None]
        up = np.where(here, pending.share > 0.5, True).all(axis=1)
        dose = np.minimum(state.dose + up, self.doses - 1)
        return Decision(dose, np.where(here.sum(axis=1) >= 2, 0, 1), np.zeros(len(state), np.int64))

    def select(self, state, stop):
        return state.dose

    def describe(self):
        return [Row("moves", "up while pending patients do well")]


n = np.array([[2, 0, 0]] * 4)
STATE = TrialState(n, 0 * n, np.zeros(4, np.int64), np.zeros((4, 0), np.int64))
PENDING = Pending(
    np.array([[-1, -1], [0, -1], [0, -1], [0, 0]]), np.array([[0.0, 0.0], [0.4, 0.0], [0.6, 0.0], [0.9, 0.9]])
)
WRAPPED = [
    Patient(),
    Modified(Patient(), (NoSkipping(), MaxPatients(n=9))),
    Modified(Patient(), (CohortsByDose(sizes=(1, 1, 1)),)),
    Selecting(Patient(), BOIN(doses=3, target=0.25)),
]


@pytest.mark.parametrize("design", WRAPPED, ids=lambda design: type(design).__name__)
def test_a_design_that_looks_at_pending_patients_is_shown_them_and_may_wait(design):
    assert design.facts.pending
    given = step(design, STATE, PENDING)
    assert given.dose[:3].tolist() == [1, 0, 1]
    assert given.size.tolist() == [1, 1, 1, 0]
    assert given.stop.tolist() == [0, 0, 0, 0]
    some = step(design, STATE[1:3], PENDING[1:3])
    assert some.dose.tolist() == [0, 1]


def test_patients_pending_at_each_dose():
    assert PENDING.at(3).tolist() == [[0, 0, 0], [1, 0, 0], [1, 0, 0], [2, 0, 0]]


def test_a_design_that_waits_for_all_outcomes_is_not_shown_them_and_gives_no_empty_cohort():
    boin = BOIN(doses=3, target=0.25)
    assert not boin.facts.pending
    known, shown = step(boin, STATE), step(boin, STATE, PENDING)
    assert shown.dose.tolist() == known.dose.tolist()

    class Empty(BOIN):
        def decide(self, state):
            return dataclasses.replace(super().decide(state), size=np.zeros(len(state), np.int64))

    with pytest.raises(ValueError, match="at least one patient"):
        step(Empty(doses=3, target=0.25), STATE, PENDING)


def test_a_grid_refuses_it():
    with pytest.raises(Faults, match="wanted a design that decides when all outcomes are known"):
        OnGrid(Patient(), (1.0, 2.0, 3.0, 4.0), (0, 1, 2))
