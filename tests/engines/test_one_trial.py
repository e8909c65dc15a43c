"""One trial in continuous time is the trial of that number of the simulations, whichever design it comes to."""

import numpy as np
import pytest

from doseopt import (
    BOIN,
    CRM,
    TITEBOIN,
    TITECRM,
    MaxPatients,
    Modified,
    NoSkipping,
    RollingSix,
    RunIn,
    Simulate,
    SimulatePending,
    ThreePlusThree,
    Titrate,
    make_scenarios,
)
from doseopt.clock.lattice import Gaps
from doseopt.clock.onset import Onset
from doseopt.engines.one_trial import OneTrial

P, MODERATE = np.array([0.05, 0.2, 0.35, 0.5]), np.array([0.1, 0.2, 0.3, 0.4])
SCENARIOS = make_scenarios([P.tolist()], ["one"], p_moderate=[MODERATE])
SKELETON = (0.05, 0.15, 0.3, 0.45)
CAP = (RunIn(levels=1), MaxPatients(n=16))
PENDING = {
    "TITE-BOIN": Modified(TITEBOIN(doses=4, target=0.25), CAP),
    "TITE-CRM": Modified(TITECRM(doses=4, target=0.25, skeleton=SKELETON, cohort=1), (NoSkipping(), *CAP)),
    "adaptive": Modified(
        TITECRM(doses=4, target=0.25, skeleton=SKELETON, cohort=2, weights="adaptive"), (MaxPatients(n=12),)
    ),
    "rolling six": RollingSix(doses=4, target=0.25),
    "grade 2": Modified(
        TITEBOIN(doses=4, target=0.25), (Titrate(until="grade2", after="three_new", cohort=2), MaxPatients(n=16))
    ),
}
WAITING = {
    "BOIN": Modified(BOIN(doses=4, target=0.25), CAP),
    "CRM": Modified(CRM(doses=4, target=0.25, skeleton=SKELETON), (NoSkipping(), *CAP)),
    "3+3": ThreePlusThree(doses=4, target=0.25),
    "grade 2": Modified(BOIN(doses=4, target=0.25), (Titrate(until="second_grade2"), MaxPatients(n=16))),
}
GAPS, ONSET = Gaps(3.0, "poisson"), Onset("weibull", late=0.7)
TRIALS = 10


def tallied(course):
    at, dlt = np.array(course.dose), np.array(course.dlt)
    return [np.bincount(which, minlength=4).tolist() for which in (at, at[dlt])]


@pytest.mark.parametrize("name", PENDING)
def test_trials_of_designs_that_decide_on_pending_patients(name):
    design = PENDING[name]
    outcomes = SimulatePending(GAPS, ONSET, TRIALS, 7)(design, SCENARIOS).isel(scenario=0)
    for number in range(TRIALS):
        course = OneTrial(GAPS, ONSET, P, 7, number, moderate=MODERATE).under(design)
        wanted = outcomes.isel(ending=number)
        assert tallied(course) == [wanted["n"].values.tolist(), wanted["y"].values.tolist()]
        assert course.selected == wanted["selected"].item()
        assert course.stop == outcomes["stop_reason"].values[wanted["stop"].item()]
        assert course.end == pytest.approx(wanted["time"].item(), abs=1e-12)
        assert len(course.turned_away) == wanted["turned_away"].item()
        inside = [any(low <= day <= high for low, high in course.closed) for day in course.turned_away]
        assert all(inside)
        assert not any(low + 1e-12 < day < high - 1e-12 for day in course.came for low, high in course.closed)


@pytest.mark.parametrize("name", WAITING)
@pytest.mark.parametrize("resolved", [False, True])
def test_trials_of_designs_that_wait(name, resolved):
    design = WAITING[name]
    outcomes = Simulate(TRIALS, 7)(design, SCENARIOS).isel(scenario=0)
    for number in range(TRIALS):
        course = OneTrial(GAPS, ONSET, P, 7, number, resolved, MODERATE).under(design)
        wanted = outcomes.isel(ending=number)
        assert tallied(course) == [wanted["n"].values.tolist(), wanted["y"].values.tolist()]
        assert course.selected == wanted["selected"].item()
        came, known = np.array(course.came), np.array(course.known)
        for low, high in course.closed:
            assert not ((came > low) & (came < high)).any()
            if not resolved:
                assert high == pytest.approx(low + 1)
        assert course.end == course.closed[-1][1] >= known.max()


def test_who_comes_is_the_same_for_all():
    both = [OneTrial(GAPS, ONSET, P, 3, 2).under(design) for design in (PENDING["TITE-CRM"], WAITING["CRM"])]
    first, second = (sorted([*course.came, *course.turned_away]) for course in both)
    many = min(len(first), len(second))
    assert first[:many] == second[:many]
