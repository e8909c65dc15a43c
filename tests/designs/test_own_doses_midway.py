"""Trials under way that go on with other doses: dropped doses against a plain recursion, memory, the cap."""

import functools
import math

import numpy as np
import pytest

from doseopt import BOIN, CRM, AcceleratedTitration, ThreePlusThree
from doseopt.core.parameters import Faults
from doseopt.core.state import NONE, TrialState
from doseopt.core.trial import after, selected, step
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, CohortsInOrder, MaxPatients, NoSkipping, RunIn, TooToxic
from doseopt.designs.on_grid import OnGrid
from doseopt.engines.exact import Exact
from doseopt.engines.graph import build_graph
from doseopt.engines.outcomes import judged
from doseopt.engines.simulate import Simulate
from doseopt.measures.operating_characteristics import operating_characteristics
from doseopt.scenarios import MTDRule, make_scenarios
from doseopt.testing import check_design

LEVELS = (1.0, 2.0, 3.0, 4.0)


def characteristics(design, p, start=None):
    """P(none, each dose), E[patients at each dose], E[DLTs], of a design in one scenario."""
    outcomes = Exact()(design, make_scenarios([p]), start)
    weight = outcomes["weight"].to_numpy()[0]
    choice = outcomes["selected"].to_numpy()[:, None] == np.arange(NONE, design.facts.doses)
    return weight @ choice, weight @ outcomes["n"].to_numpy(), float(weight @ outcomes["y"].sum("dose").to_numpy())


def three_plus_three(p, tally, last, treated, cap):
    """P(none, each dose) and E[patients of the trial] of 3+3 with six at the MTD, from a tally on, by recursion.

    Parameters: true rates, [(n, y)] at the design's own doses, the own dose to go on from (None: its first cohort),
    all patients of the trial and the cap on them. Stopped by the cap, the MTD is the highest dose with at most 1 DLT in
    at least 6 that is not excluded.
    """

    def rule(tally, at):
        """(dose, patients to treat there), or (MTD or None, 0)."""
        bad = [j for j, (_, y) in enumerate(tally) if y >= 2 and j <= at]
        if bad:
            below = bad[0] - 1
            if below < 0:
                return None, 0
            n = tally[below][0]
            return below, 0 if n >= 6 else (3 if n < 3 else 6) - n
        n, y = tally[at]
        if n < 3:
            return at, 3 - n
        if y == 1 and n < 6:
            return at, 6 - n
        if at + 1 < len(tally) and tally[at + 1][1] < 2:
            return (at + 1, 3 - tally[at + 1][0]) if tally[at + 1][0] < 3 else rule(tally, at + 1)
        return at, max(6 - n, 0)

    @functools.cache
    def go(tally, at, treated):
        dose, size = (0, 3) if at is None else rule(tally, at)
        size = min(size, cap - treated)
        result = np.zeros(len(p) + 2)
        result[-1] = treated
        if rule(tally, at or 0)[1] == 0 and at is not None:
            result[0 if dose is None else dose + 1] = 1
            return result
        if treated >= cap:
            closed = min([j for j, (_, y) in enumerate(tally) if y >= 2], default=len(p))
            proven = [j for j, (n, y) in enumerate(tally) if j < closed and n >= 6 and y <= 1]
            result[proven[-1] + 1 if proven else 0] = 1
            return result
        result[:] = 0
        for k in range(size + 1):
            chance = math.comb(size, k) * p[dose] ** k * (1 - p[dose]) ** (size - k)
            changed = list(tally)
            changed[dose] = (tally[dose][0] + size, tally[dose][1] + k)
            result += chance * go(tuple(changed), dose, treated + size)
        return result

    return go(tuple(tally), last, treated)


RATES = (0.08, 0.18, 0.28, 0.42)


@pytest.mark.parametrize("cap", [10, 13, 40])
@pytest.mark.parametrize(
    ("dropped", "outcomes", "tally", "last"),
    [
        (1, "1NNN 2NNT", [(3, 0), (0, 0), (0, 0)], 0),
        (1, "1NNN 2NTT 1NNT", [(6, 1), (0, 0), (0, 0)], 0),
        (2, "1NNN 2NNT 3NTT", [(3, 0), (3, 1), (0, 0)], 1),
        (3, "1NNN 2NNN 3NNN", [(3, 0), (3, 0), (3, 0)], 2),
        # none of its own doses has a patient: the first cohort
        (0, "1NNN", [(0, 0), (0, 0), (0, 0)], None),
        (0, "1NNN 1NNN", [(0, 0), (0, 0), (0, 0)], None),
        # none below has one: as from the lowest that has
        (0, "1NNN 2NTT 1NNN", [(3, 2), (0, 0), (0, 0)], 0),
        (1, "3NNT 2NNN", [(0, 0), (3, 1), (0, 0)], 1),
    ],
)
def test_a_dose_dropped_in_the_course_against_a_plain_recursion(dropped, outcomes, tally, last, cap):
    own = tuple(j for j in range(4) if j != dropped)
    base = OnGrid(ThreePlusThree(doses=3, target=0.25), LEVELS, own, dropped=(dropped,))
    design = Modified(base, (MaxPatients(n=cap),))
    start = after(design, outcomes)
    chosen, n, _ = characteristics(design, RATES, start)
    wanted = three_plus_three([RATES[j] for j in own], tally, last, int(start.total[0]), cap)
    np.testing.assert_allclose(chosen[[0, *(j + 1 for j in own)]], wanted[:-1], rtol=0, atol=1e-13)
    assert n.sum() == pytest.approx(wanted[-1], abs=1e-12)
    assert n[dropped] == pytest.approx(start.n[0, dropped], abs=1e-12), "nobody more at the dropped dose"
    assert n.sum() <= max(cap, int(start.total[0])) + 1e-12


def test_the_cap_counts_patients_at_dropped_doses():
    crm = CRM(doses=3, target=0.25, skeleton=(0.1, 0.2, 0.3))
    design = Modified(OnGrid(crm, LEVELS, (0, 2, 3), dropped=(1,)), (MaxPatients(n=10),))
    graph = build_graph(design, after(design, "1NNN 2NNT"), edges=True)
    assert (graph.state.total[graph.ending] == 10).all()
    assert set(graph.decision.size[graph.decision.stop == 0].tolist()) == {3, 1}, "the last cohort is truncated"
    with pytest.raises(Faults, match="wanted the enrolment cap over the grid"):
        OnGrid(Modified(crm, (MaxPatients(n=10),)), LEVELS, (0, 2, 3), dropped=(1,))


def test_a_trial_without_a_patient_at_its_doses_declares_no_mtd():
    crm = CRM(doses=3, target=0.25, skeleton=(0.1, 0.2, 0.3))
    design = Modified(OnGrid(crm, LEVELS, (1, 2, 3), dropped=(0,)), (MaxPatients(n=6),))
    state = after(design, "1NNN 1NNN")
    given = step(design, state)
    assert design.facts.stops[given.stop[0] - 1] == "max_patients"
    assert selected(design, state, given.stop)[0] == NONE


def test_the_number_of_own_doses_is_checked():
    with pytest.raises(Faults, match="wanted 4 doses, as the design has"):
        OnGrid(ThreePlusThree(doses=4, target=0.25), LEVELS, (0, 1, 2))


MEMORIES = {
    "coherence": Modified(CRM(doses=3, target=0.25, skeleton=(0.1, 0.2, 0.3)), (Coherent(), TooToxic())),
    "sizes in order": Modified(BOIN(doses=3, target=0.25), (CohortsInOrder(sizes=(1, 2, 3)),)),
    "run-in": Modified(BOIN(doses=3, target=0.25), (RunIn(levels=2), NoSkipping())),
    "titration": AcceleratedTitration(doses=3, target=0.25, titrate=3, after_dlt="three_new"),
}


@pytest.mark.parametrize("name", MEMORIES)
def test_designs_on_their_own_doses_keep_their_promises(name):
    check_design(Modified(OnGrid(MEMORIES[name], LEVELS, (0, 1, 3), dropped=(2,)), (MaxPatients(n=13),)))


@pytest.mark.parametrize("name", MEMORIES)
@pytest.mark.parametrize("outside", ["3T", "3NTT", "3NNN 3T"])
def test_a_cohort_at_another_dose_leaves_the_memory(name, outside):
    design = OnGrid(MEMORIES[name], LEVELS, (0, 1, 3), dropped=(2,))
    for course in ("", "1N", "1T", "1N 2NNT"):
        before, behind = after(design, course), after(design, f"{course} {outside}".strip())
        np.testing.assert_array_equal(before.memory, behind.memory)
        assert behind.total[0] > before.total[0]
        given, then = step(design, before), step(design, behind)
        for part in ("dose", "size", "stop"):
            assert getattr(given, part)[0] == getattr(then, part)[0], "it goes on as if that cohort had not been"


def test_memory_goes_on_with_the_next_cohort_of_its_own():
    design = OnGrid(MEMORIES["sizes in order"], LEVELS, (0, 1, 3), dropped=(2,))
    sizes = [int(step(design, after(design, x)).size[0]) for x in ("", "1N", "1N 3NNN", "1N 3NNN 1NN")]
    assert sizes == [1, 2, 2, 3]


@pytest.mark.parametrize("name", MEMORIES)
def test_answers_depend_on_the_state_alone_also_midway(name):
    """Trials with and without patients of their own, begun and not, asked together and one by one."""
    design = Modified(OnGrid(MEMORIES[name], LEVELS, (1, 2, 3), dropped=(0,)), (MaxPatients(n=13),))
    courses = ("1N", "1N 1NNT", "1N 2NNN", "2NNN 1T", "2NTT 1NNN 1N", "3N 1N", "2NNN 3NNT 1NN")
    state = TrialState.concatenate([after(design, course) for course in courses])
    together = step(design, state)
    allowed, memory = design.admissible(state), np.zeros(len(state), np.int64)
    for i in reversed(range(len(state))):
        alone = step(design, state[[i]])
        assert (alone.stop[0], alone.dose[0]) == (together.stop[i], together.dose[i])
        np.testing.assert_array_equal(design.admissible(state[[i]])[0], allowed[i])
        chosen = [design.select(part, memory[: len(part)]) for part in (state[[i]], state)]
        assert chosen[0][0] == chosen[1][i]
    assert not allowed[:, 0].any()


@pytest.mark.parametrize("name", MEMORIES)
def test_exact_against_simulation_midway(name):
    design = Modified(OnGrid(MEMORIES[name], LEVELS, (0, 1, 3), dropped=(2,)), (MaxPatients(n=13),))
    start, scenarios, rule = after(design, "1N 2N 3NT"), make_scenarios([RATES]), MTDRule(0.25)
    exact = operating_characteristics(judged(Exact()(design, scenarios, start), rule)).isel(scenario=0)
    drawn = operating_characteristics(judged(Simulate(20_000, 11)(design, scenarios, start), rule)).isel(scenario=0)
    for part in ("selection", "patients", "dlts"):  # 48 comparisons, Bonferroni at 1e-4
        assert (abs(exact[part] - drawn[part]) <= 4.9 * drawn[f"{part}_mcse"] + 1e-9).all()
