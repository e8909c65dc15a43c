"""Modifiers over designs that decide while patients are pending: these are treated patients to them."""

import dataclasses

import numpy as np
import pytest

from doseopt import (
    BOIN,
    CRM,
    TITEBOIN,
    TITECRM,
    Coherent,
    CohortsByDLT,
    CohortsByDose,
    CohortsInOrder,
    DemandAtDose,
    EnoughAtDose,
    Faults,
    MaxPatients,
    Modified,
    Naming,
    NarrowInterval,
    NoSkipping,
    Repeated,
    RollingSix,
    RunIn,
    Selecting,
    Titrate,
    TooToxic,
    TrialState,
    build_graph,
)
from doseopt.core.definition import Definition
from doseopt.core.state import Pending
from doseopt.testing import check_design

PRIOR = (0.06, 0.14, 0.25, 0.38)
PARENTS = {
    "TITE-CRM": (TITECRM(4, 0.25, PRIOR, cohort=2), CRM(4, 0.25, PRIOR, cohort=2)),
    "TITE-BOIN": (TITEBOIN(4, 0.25), BOIN(4, 0.25)),
}
MODIFIERS = (
    RunIn(levels=2, top_up=True),
    NoSkipping(),
    NoSkipping(relative_to="highest"),
    Coherent(scope="dose"),
    CohortsByDose(sizes=(1, 2, 3, 3)),
    CohortsByDLT(before=1, after=3),
    CohortsInOrder(sizes=(1, 1, 3, 2)),
    TooToxic(confidence=0.8),
    EnoughAtDose(n=6),
    EnoughAtDose(n=6, dose="any"),
    NarrowInterval(width=0.4),
    DemandAtDose(n=6),
)


def trial(n, y, dose, pending=(), share=0.5):
    """Return one trial: the tally of those who are not pending, and the pending ones' doses."""
    state = TrialState(np.array([n]), np.array([y]), np.array([dose]), np.zeros((1, 0), int))
    return state, Pending(np.array([pending], int).reshape(1, -1), np.full((1, len(pending)), share))


def reason(design, state, pending):
    stop = design.decide(state, pending).stop.item()
    return design.facts.stops[stop - 1] if stop else ""


@pytest.mark.parametrize("modifier", MODIFIERS, ids=repr)
@pytest.mark.parametrize("name", PARENTS)
def test_with_nobody_pending_each_is_as_over_the_parent(name, modifier):
    tite, parent = (Modified(base, (modifier, MaxPatients(n=10))) for base in PARENTS[name])
    graph = build_graph(parent, edges=True)
    begun = graph.state.started
    state, wanted = graph.state[begun], graph.decision[begun]
    nobody = Pending(np.full((len(state), 2), -1), np.zeros((len(state), 2)))
    assert tite.facts == dataclasses.replace(parent.facts, pending=True)
    for given in (tite.decide(state), tite.decide(state, nobody)):
        assert np.array_equal(given.stop, wanted.stop)
        on = wanted.stop == 0
        assert np.array_equal(given.dose[on], wanted.dose[on])
        assert np.array_equal(given.size[on], wanted.size[on])


@pytest.mark.parametrize("modifier", MODIFIERS, ids=repr)
@pytest.mark.parametrize("base", [*(tite for tite, _ in PARENTS.values()), RollingSix(4, 0.25)], ids=repr)
def test_each_makes_a_design_that_keeps_its_promises(base, modifier):
    if isinstance(base, RollingSix) and modifier.phase.name == "SIZE":
        with pytest.raises(Faults, match="leaves the cohort size open"):
            Modified(base, (modifier,))
        return
    check_design(Modified(base, (modifier, MaxPatients(n=8))))


def test_a_cap_counts_pending_patients():
    """Four known and five pending: of ten one more is treated, and of nine none, whether or not the design waits."""
    for base, size in ((PARENTS["TITE-CRM"][0], 1), (RollingSix(4, 0.25), 1), (TITEBOIN(4, 0.25, suspend_from=9), 1)):
        state, pending = trial([4, 0, 0, 0], [0, 0, 0, 0], 1, [0, 0, 1, 1, 1])
        assert Modified(base, (MaxPatients(n=10),)).decide(state, pending).size.tolist() == [size]
        assert reason(Modified(base, (MaxPatients(n=9),)), state, pending) == "max_patients"
    waits = Modified(TITEBOIN(4, 0.25), (MaxPatients(n=9),))
    assert waits.base.decide(state, pending).size.tolist() == [0]
    assert reason(waits, state, pending) == "max_patients"
    assert Modified(waits.base, (MaxPatients(n=10),)).decide(state, pending).size.tolist() == [0]


def test_enough_at_a_dose_counts_pending_patients():
    state, pending = trial([3, 2, 0, 0], [0, 0, 0, 0], 1, [1])
    for n, wanted in ((3, "enough_at_dose"), (4, "")):
        for dose in ("any", 2):
            design = Modified(TITECRM(4, 0.25, PRIOR), (EnoughAtDose(n=n, dose=dose),))
            assert reason(design, state, pending) == wanted


@pytest.mark.parametrize("rule", [Repeated(times=2), EnoughAtDose(n=1)], ids=repr)
def test_a_titration_that_waits_is_not_stopped_by_a_rule_that_asks_for_the_next_dose(rule):
    """TITE-CRM would give another patient at once; the titration follows the first one up, and then goes on."""
    design = Modified(TITECRM(4, 0.25, PRIOR), (Titrate(), rule, MaxPatients(n=9)))
    state, pending = trial([0, 0, 0, 0], [0, 0, 0, 0], 0, [0])
    state = state.with_memory(np.zeros((1, len(design.facts.memory)), int))
    given = design.decide(state, pending)
    assert (given.size.item(), given.stop.item()) == (0, 0)


def test_enough_at_the_recommended_dose_is_not_asked_while_that_is_open():
    state, pending = trial([3, 1, 0, 0], [0, 0, 0, 0], 1, [1, 1])
    waits = Modified(TITEBOIN(4, 0.25), (EnoughAtDose(n=3),))
    assert reason(waits, state, pending) == ""
    assert waits.decide(state, pending).size.tolist() == [0]


def test_no_skipping_counts_the_pending_patients_dose():
    """Two pending at level 2, nobody known there: relative to the highest tried, level 3 is the ceiling."""
    free = TITECRM(4, 0.25, (0.01, 0.02, 0.03, 0.25))
    for relative in ("last", "highest"):
        held = Modified(free, (NoSkipping(relative_to=relative),))
        state, pending = trial([3, 0, 0, 0], [0, 0, 0, 0], 1, [1, 1], 0.9)
        assert free.decide(state, pending).dose.tolist() == [3]
        assert held.decide(state, pending).dose.tolist() == [2]


def test_too_toxic_judges_by_the_weighted_posterior():
    """The probability that the lowest dose is too toxic lies between those of all pending without DLT, and of none."""
    base = TITECRM(4, 0.25, PRIOR)
    state, pending = trial([3, 0, 0, 0], [2, 0, 0, 0], 0, [0, 0, 0], 0.5)
    weighted = base.posterior(state, pending).prob(0.25)[0, 0]
    known, whole = (base.posterior(each).prob(0.25)[0, 0] for each in (state, state.treated(pending)))
    assert whole < weighted < known
    for confidence, wanted in ((weighted - 1e-9, "too_toxic"), (weighted + 1e-9, "")):
        assert reason(Modified(base, (TooToxic(confidence=confidence),)), state, pending) == wanted


def test_too_toxic_stops_a_trial_that_waits():
    """TITE-BOIN waits for 2 of 3 at level 2; 5 DLTs in 10 at level 1, Pr(p > .25 | Beta(6, 6)) = .9657."""
    base = TITEBOIN(4, 0.25, cutoff=0.99)
    state, pending = trial([10, 1, 0, 0], [5, 0, 0, 0], 1, [1, 1])
    assert base.decide(state, pending).size.tolist() == [0]
    assert reason(Modified(base, (TooToxic(confidence=0.96),)), state, pending) == "too_toxic"
    assert reason(Modified(base, (TooToxic(confidence=0.97),)), state, pending) == ""


def test_a_run_in_waits_for_its_patient():
    design = Modified(TITECRM(4, 0.25, PRIOR, cohort=3), (RunIn(levels=3),))
    waits = design.decide(*trial([1, 0, 0, 0], [0, 0, 0, 0], 1, [1]))
    goes_on = design.decide(*trial([1, 1, 0, 0], [0, 0, 0, 0], 1))
    assert (waits.size.tolist(), goes_on.dose.tolist(), goes_on.size.tolist()) == ([0], [2], [1])


def test_what_looks_back_at_the_last_cohort_is_refused():
    for base in (PARENTS["TITE-CRM"][0], PARENTS["TITE-BOIN"][0], RollingSix(4, 0.25)):
        with pytest.raises(Faults, match=r'modifiers\[0\].scope: wanted "dose" over a design that decides while'):
            Modified(base, (Coherent(),))


def test_wrappers_show_pending_patients_to_the_design_inside():
    base = PARENTS["TITE-CRM"][0]
    state, pending = trial([3, 0, 0, 0], [1, 0, 0, 0], 0, [0, 0], 0.3)
    wanted = base.posterior(state, pending).mean()
    for wrapped in (Naming(base, Definition(3)), Selecting(base, BOIN(4, 0.25)), Modified(base, (NoSkipping(),))):
        assert wrapped.facts.pending
        assert np.array_equal(wrapped.posterior(state, pending).mean(), wanted)
        assert np.array_equal(wrapped.decide(state, pending).dose, base.decide(state, pending).dose)
