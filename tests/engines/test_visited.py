"""Trials simulated by compiled loops are those that NumPy simulates, to the last patient."""

import numpy as np
import pytest

import doseopt
from doseopt.core import compiled
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, EnoughAtDose, MaxPatients, NoSkipping, TooToxic
from doseopt.engines import simulate
from doseopt.engines.simulate import Simulate

FOUR = {"doses": 4, "target": 0.25}
CRM = doseopt.CRM(**FOUR, skeleton=(0.05, 0.12, 0.25, 0.4))
DESIGNS = {
    "BOIN": Modified(doseopt.BOIN(**FOUR), (MaxPatients(n=20),)),
    "single patients": Modified(doseopt.Keyboard(**FOUR, cohort=1), (EnoughAtDose(n=9), MaxPatients(n=20))),
    "3+3": doseopt.ThreePlusThree(**FOUR),
    "CRM": Modified(CRM, (NoSkipping(), Coherent(), TooToxic(), MaxPatients(n=13))),
    "titration": doseopt.AcceleratedTitration(**FOUR, after_dlt="three_new"),
}
SCENARIOS = doseopt.make_scenarios([(0.05, 0.15, 0.3, 0.45), (0.4, 0.5, 0.6, 0.7), (0, 0, 0, 0)], ["a", "b", "c"])


def simulated(monkeypatch, loops, design, start=None, trials=400):
    monkeypatch.setattr(simulate, "compiled", lambda steps: loops)
    return Simulate(trials, 3)(design, SCENARIOS, start)


def entries(outcomes):
    names = ("entry_given", "entry_patients", "entry_dose")
    given, patients, dose = (outcomes[name].to_numpy() for name in names)
    weight = outcomes["entry_weight"].to_numpy().T.tolist()
    keys = zip(map(tuple, given.tolist()), patients.tolist(), dose.tolist(), strict=True)
    return dict(zip(keys, weight, strict=True))


def same(one, other):
    for name in ("n", "y", "selected", "stop", "weight"):
        np.testing.assert_array_equal(one[name], other[name], name)
    assert entries(one) == entries(other)


@pytest.mark.parametrize("name", DESIGNS)
def test_the_trials_are_the_same(name, monkeypatch):
    fast, slow = (simulated(monkeypatch, loops, DESIGNS[name]) for loops in (compiled.loops(), None))
    same(fast, slow)


def test_from_an_interim_state(monkeypatch):
    design = DESIGNS["BOIN"]
    start = doseopt.after(design, "1NNN 2NNT")
    fast, slow = (simulated(monkeypatch, loops, design, start) for loops in (compiled.loops(), None))
    same(fast, slow)


def test_in_pieces_they_are_the_same(monkeypatch):
    whole = simulated(monkeypatch, compiled.loops(), DESIGNS["BOIN"])
    monkeypatch.setattr(simulate, "ROWS", 90)
    same(simulated(monkeypatch, compiled.loops(), DESIGNS["BOIN"]), whole)


def test_a_trial_without_an_end_is_told(monkeypatch):
    base = doseopt.BOIN(doses=1, target=0.25, cohort=1)
    monkeypatch.setattr(simulate, "compiled", lambda steps: compiled.loops())
    with pytest.raises(doseopt.Faults, match="did not end within"):
        Simulate(5, 1)(base, doseopt.make_scenarios([[0.0]]))
