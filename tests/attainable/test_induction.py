"""Optima found together, and in compiled code, are those found one by one, and in NumPy."""

import numpy as np
import pytest

from doseopt import MTDRule, TooToxic, Utility
from doseopt.attainable import Rules, arrays, bayes_optimal, endings, optimal
from doseopt.attainable.endings import Likelihoods
from doseopt.attainable.induction import Induction, Problem
from doseopt.attainable.optimal import bayes_optimal_each
from doseopt.beliefs import belief_of_rates
from doseopt.core.compiled import loops
from doseopt.designs.tallies import tallies_of

MTD = MTDRule(target=0.25, none_above=0.35)
UTILITIES = (
    Utility(),
    Utility(none=0.5, per_dlt=0.02),
    Utility(per_patient_above_mtd=0.03, per_patient=0.004),
)
FREEDOMS = (
    {},
    {"coherent": True},
    {"early_stop": False, "select_untried": False},
    {"too_toxic": TooToxic(0.8), "coherent": True},
)


def problems(rng):
    """Return a belief and problems of one course, drawn."""
    doses = int(rng.integers(1, 5))
    belief = belief_of_rates(np.sort(rng.random((12, doses)) * 0.7, axis=1), rng.random(12))
    patients, cohort = int(rng.integers(2, 9)), int(rng.integers(1, 4))
    given = {
        "cohort": cohort,
        "first_cohort": int(rng.integers(1, min(cohort, patients) + 1)),
        "start": int(rng.integers(1, doses + 1)),
        "no_skipping": bool(rng.integers(2)),
    }
    return belief, [(Rules(patients, **given, **free), utility) for free in FREEDOMS for utility in UTILITIES]


@pytest.mark.parametrize("seed", range(12))
def test_compiled_loops_find_what_numpy_finds(seed):
    belief, asked = problems(np.random.default_rng(seed))
    likelihoods = Likelihoods(belief, MTD, tallies_of(asked[0][0].course(belief.doses)))
    found = []
    loops()  # the compiler is at hand from here on
    for numpy in (True, False):
        induction = Induction(likelihoods, [Problem(*each, likelihoods.tallies) for each in asked], MTD.target)
        induction.steps = arrays if numpy else induction.steps
        assert (induction.steps is arrays) == numpy
        found.append((induction.solve(lambda _: None), [problem.codes for problem in induction.problems]))
    (values, codes), (others, other_codes) = found
    assert values == others
    for one, other in zip(codes, other_codes, strict=True):
        np.testing.assert_array_equal(one, other)


def test_likelihoods_are_kept_of_few_patients_as_far_as_there_is_room(monkeypatch):
    belief, asked = problems(np.random.default_rng(4))
    tallies = tallies_of(asked[0][0].course(belief.doses))
    kept = {}
    for room in (0, 8 * len(belief.weights) * 20, 1 << 40):
        monkeypatch.setattr(endings, "KEPT", room)
        likelihoods = Likelihoods(belief, MTD, tallies)
        for total in tallies.course.totals[::-1]:
            for a in range(total + 1):
                found = [each.of_group for each in likelihoods.masses(total, a)]
                for one, other in zip(found, kept.setdefault((total, a), found), strict=True):
                    np.testing.assert_array_equal(one, other)
        held = sum(each.nbytes for each in likelihoods._kept.values())
        assert held <= room
        assert bool(held) == bool(room)


@pytest.mark.parametrize("room", [1, 1 << 40])
def test_optima_found_together_are_those_found_alone(room, monkeypatch):
    """Whether all find room together or none beside another, and whether rows are weighed one by one or all at once."""
    belief, asked = problems(np.random.default_rng(3))
    alone = [bayes_optimal(belief, MTD, *each) for each in asked]
    monkeypatch.setattr(optimal, "TOGETHER", room)
    monkeypatch.setattr(endings, "BLOCK", room)
    monkeypatch.setattr(endings, "KEPT", room)
    shares = []
    together = list(bayes_optimal_each(belief, MTD, asked, progress=shares.append))
    assert [best.value for best in together] == pytest.approx([best.value for best in alone], abs=1e-14)
    assert [best.design.table.title for best in together] == [best.design.table.title for best in alone]
    for best, other in zip(together, alone, strict=True):
        np.testing.assert_array_equal(best.design.table.codes, other.design.table.codes)
    assert shares == sorted(shares)
    assert shares[-1] == pytest.approx(1)


@pytest.mark.parametrize("seed", range(6))
def test_values_are_dropped_as_soon_as_nothing_leads_to_them(seed, monkeypatch):
    """A problem says beforehand how many bytes it takes; a matrix comes after all that its cohorts lead to."""
    belief, asked = problems(np.random.default_rng(seed))
    likelihoods = Likelihoods(belief, MTD, tallies_of(asked[0][0].course(belief.doses)))
    some = [Problem(*each, likelihoods.tallies) for each in asked]
    most, done = [0] * len(some), []
    find = Induction._matrix

    def watched(self, stage, a):
        find(self, stage, a)
        done.append((stage, a))
        for k, problem in enumerate(some):
            most[k] = max(most[k], sum(values.nbytes for values in problem.later.values()))

    monkeypatch.setattr(Induction, "_matrix", watched)
    Induction(likelihoods, some, MTD.target).solve(lambda _: None)
    assert most == [problem.bytes - problem.codes.nbytes for problem in some]
    sizes = [(likelihoods.tallies.course.size(p.variants, p.codes.itemsize), p.bytes) for p in some]
    assert all(size <= bound for bound, size in sizes)
    course = likelihoods.tallies.course
    assert sorted(done) == [(k, a) for k in range(len(course.totals)) for a in likelihoods.tallies.splits(k)]
    for at, (stage, a) in enumerate(done):
        size = (*course.sizes, 0)[stage + 1]
        assert not {(stage + 1, a), (stage + 1, a + size)} & set(done[at:])


@pytest.mark.parametrize("seed", range(20))
def test_a_dose_that_may_be_given_leads_to_a_tally_of_the_course(seed):
    belief, asked = problems(np.random.default_rng(seed))
    likelihoods = Likelihoods(belief, MTD, tallies_of(asked[0][0].course(belief.doses)))
    induction, tallies = Induction(likelihoods, [], MTD.target), likelihoods.tallies
    course, lower, upper = tallies.course, tallies.lower, tallies.upper
    for stage, a in tallies.backwards():
        if stage == len(course.totals) - 1:
            continue
        total, size = course.totals[stage], course.sizes[stage + 1]
        moves = induction._moves(total, a, size)
        for dose in range(course.doses):
            part, patients, more = (lower, a, a + size) if dose < lower.high else (upper, total - a, a)
            here, there = moves.may_low[dose], moves.may_high[dose]
            given, other = (here, there) if part is lower else (there, here)
            if given.any() and other.any():
                assert more in tallies.splits(stage + 1)
                keys = part.keys[part.rows(patients)][given]
                for y in range(size + 1):
                    assert part.find(keys + part.step(dose, size, y))[1].all()


def test_with_one_dose_two_stages_are_held():
    assert tallies_of(Rules(40).course(1)).most_held == 41 + 40
