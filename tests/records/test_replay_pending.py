"""A trial so far as a design sees it that decides while patients are pending."""

import numpy as np
import pytest

from doseopt import (
    TITEBOIN,
    TITECRM,
    CohortsInOrder,
    EnoughAtDose,
    Faults,
    MaxPatients,
    Modified,
    NoSkipping,
    Repeated,
    RollingSix,
    Titrate,
    TooToxic,
)
from doseopt.core.cohort import Cohort
from doseopt.core.design import estimated_by
from doseopt.core.state import Pending
from doseopt.records.answer import Answer
from doseopt.records.course import Course
from doseopt.records.replay import replay

BOIN = Modified(TITEBOIN(3, 0.25), (NoSkipping(), MaxPatients(n=12)))


def seen(design, *blocks, share=0.5, stated=True):
    """Replay blocks such as "2NN?", their pending patients followed for a share of the window."""
    cohorts = tuple(Cohort(int(b[0]), b[1:].rstrip("."), b.endswith(".")) for b in blocks)
    dose = [cohort.level - 1 for cohort in cohorts for letter in cohort.letters if letter == "?"]
    pending = Pending(np.array([dose], int), np.full((1, len(dose)), share))
    return replay(design, Course(cohorts, stated), lambda: pending)


def test_it_is_shown_how_long_patients_were_followed():
    """Target 0.25, 1 DLT in 6, 2 pending: up from 1.377 windows on, by hand from p = lambda_e, else stay."""
    for share, level in ((0.68, 2), (0.70, 3)):
        assert seen(BOIN, "1NNN", "2NNN", "2T??", share=share).answer == Answer(level, 3)


def test_it_may_wait():
    waits = seen(BOIN, "1NNN", "2N??").answer
    assert waits == Answer(2, 0)
    assert waits.as_object(["a", "b", "c"])["action"] == "wait"


def test_the_rest_of_an_open_cohort_comes_first():
    assert seen(BOIN, "1NNN", "2N?").answer.unfinished == (2, 3)
    assert seen(BOIN, "1NNN", "2N?.", share=0.9).answer == Answer(3, 3)
    assert seen(BOIN, "1NNN", "2NNN?", stated=False).answer.unfinished == (1, 3)
    excluded = seen(BOIN, "1NNN", "2TTT?", stated=False).answer
    assert (excluded.level, excluded.unfinished) == (1, None)


def test_a_trial_may_be_over_while_patients_are_pending():
    assert seen(BOIN, "1NNN", "1NNN", "2NNN", "2N??").answer.stop == "max_patients"
    assert seen(RollingSix(3, 0.25), "1T", "1T", "1?").answer.stop == "too_toxic"


def test_a_trial_that_is_over_names_no_mtd_that_pending_patients_may_change():
    """Enough with two at the only dose: Pr(p > .25) is .984 (1 - .25^3) after 2 of 2 under Beta(1, 1), .844 after 1."""
    rules = EnoughAtDose(n=2), TooToxic(prior=(1.0, 1.0)), MaxPatients(n=4)
    design = Modified(TITECRM(1, 0.25, (0.25,), cohort=1), rules)
    first = seen(design, "1T", "1?").answer
    assert first == Answer(None, None, "enough_at_dose", None, awaits=1)
    assert first.as_object(["a"])["awaits"] == 1
    assert seen(design, "1N", "1?").answer == Answer(None, None, "enough_at_dose", 1)
    assert seen(design, "1T", "1N").answer == Answer(None, None, "enough_at_dose", 1)


def test_at_its_cap_the_mtd_is_that_of_all_patients():
    """Target .25, isotonic means of (y + .05)/(n + .1): after 0 to 3 of 9 at level 2 (.335) it is closer than level 1.

    With 0 of 6 at level 1 (.008) and 2 of 6 at level 2 (.336) level 2 is, too; 5 of 6 eliminate it.
    """
    full = Modified(TITEBOIN(2, 0.25), (MaxPatients(n=12),))
    assert seen(full, "1NNN", "2NNN", "2NNN", "2???").answer == Answer(None, None, "max_patients", 2)
    steep = seen(full, "1NNN", "1NNN", "2NTT", "2???").answer
    assert steep == Answer(None, None, "max_patients", None, awaits=3)


def test_memory_counts_cohorts_with_pending_patients():
    design = Modified(TITEBOIN(3, 0.25, suspend_from=9), (CohortsInOrder(sizes=(3, 3, 2)), MaxPatients(n=12)))
    assert seen(design, "1NNN", "2N??", share=0.9).answer.size == 2


def test_without_follow_up_it_is_refused():
    course = Course((Cohort(1, "NN?"),), True)
    with pytest.raises(Faults, match="data: wanted how long each pending patient was followed"):
        replay(BOIN, course)


def test_what_it_was_shown_is_kept_for_its_estimates():
    design = TITECRM(3, 0.25, (0.1, 0.25, 0.4))
    state, pending = seen(design, "1NNT", "2N?").shown
    assert (state.n.tolist(), state.y.tolist(), state.dose.tolist()) == ([[3, 1, 0]], [[1, 0, 0]], [1])
    weighted, known = estimated_by(design, state, pending), estimated_by(design, state)
    assert (weighted < known).all()
    assert (weighted > estimated_by(design, state.treated(pending))).all()
    assert seen(design, "1NNT").shown[1].dose.shape == (1, 0)


def test_no_cohort_is_called_a_departure_as_it_is_not_known_who_was_pending_then():
    """The fourth to sixth patient at dose 1 of rolling six came while others were pending."""
    found = seen(RollingSix(3, 0.25), "1NNNNNN", stated=False)
    assert (found.answer, found.departures) == (Answer(2, 1), [])
    assert seen(BOIN, "1NNNN").departures == []
    assert replay(BOIN, Course((), True)).answer == Answer(1, 3)


def test_without_stated_cohorts_they_are_of_the_designs_size():
    """Six at level 1, two DLTs, stay: two cohorts of three, so that the next is the third in a row."""
    design = Modified(TITEBOIN(doses=2, target=0.25), (Repeated(times=3),))
    for stated, stops in ((False, True), (True, False)):
        found = replay(design, Course((Cohort(1, "NNNTTN"),), stated))
        assert (found.answer.stop is not None) == stops


def titrating(**of):
    return Modified(TITEBOIN(4, 0.25), (Titrate(**of), MaxPatients(n=12)))


def test_a_titration_sizes_its_cohorts():
    for blocks, answer in ((("1N",), Answer(2, 1)), (("1N", "2?"), Answer(2, 0)), (("1N", "2T"), Answer(2, 2))):
        found = seen(titrating(), *blocks).answer
        assert (found, found.unfinished) == (answer, None)
    for stated in (True, False):
        parts = ("1N", "2N", "3T", "3N") if stated else ("1N", "2N", "3TN")
        assert seen(titrating(), *parts, stated=stated).answer.unfinished == (1, 2)


def test_a_moderate_toxicity_counts_and_patients_are_left_out():
    """Level 2: the first of three with a grade 2 or a DLT; with three new ones 0 of 3 goes up, where 1 of 4 stays."""
    for first, answer in (("2M", Answer(2, 2)), ("2N", Answer(3, 1)), ("2T", Answer(2, 2))):
        assert seen(titrating(until="grade2"), "1N", first).answer == answer
    assert seen(titrating(until="second_grade2"), "1M", "2?").answer == Answer(2, 0)
    assert seen(titrating(until="second_grade2"), "1M", "2M").answer == Answer(2, 2)
    new = titrating(after="three_new")
    assert seen(new, "1N", "2T").answer == Answer(2, 3)
    assert seen(new, "1N", "2T", "2NNN").answer == Answer(3, 3)
    assert seen(new, "1N", "2TNNN", stated=False).answer == Answer(3, 3)
    assert seen(new, "1N", "2T", "2NN?", share=0.9).shown[0].memory.tolist() == [[2, 1, 1, 0]]
