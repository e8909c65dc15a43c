import dataclasses
from dataclasses import dataclass
from itertools import permutations
from typing import ClassVar

import numpy as np
import pytest

from doseopt import BOIN, AcceleratedTitration, ThreePlusThree
from doseopt.core.design import Phase, Row, highest_admissible
from doseopt.core.parameters import Faults
from doseopt.core.state import NONE, Decision, TrialState
from doseopt.core.trial import advance, after, selected, step
from doseopt.designs.defaults import Defaults
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, EnoughAtDose, MaxPatients, NoSkipping, RunIn, TooToxic
from doseopt.designs.modifiers.rule import Rule
from doseopt.engines.exact import Exact
from doseopt.engines.simulate import Simulate
from doseopt.scenarios import make_scenarios


def decision(dose, size, stop, times=1):
    return Decision(*(np.full(times, part) for part in (dose, size, stop)))


@dataclass(frozen=True)
class Stub(Defaults):
    """Always the same answer."""

    doses: int = 4
    target: float = 0.25
    dose: int = 3
    size: int = 3
    stop: int = 0
    barred: tuple[int, ...] = ()
    mtd: int = 1

    @property
    def facts(self):
        return dataclasses.replace(super().facts, stops=("complete", "own"))

    def first(self):
        return decision(0, self.size, 0)

    def decide(self, state):
        return decision(self.dose, self.size, self.stop, len(state))

    def admissible(self, state):
        allowed = np.ones(state.n.shape, bool)
        allowed[:, list(self.barred)] = False
        return allowed

    def select(self, state, stop):
        # what the base is told about the end shows in what it selects
        return np.where(stop == 2, 2, np.where(stop == 1, 1, self.mtd))

    def describe(self):
        return [Row("stub", "always the same")]


@dataclass(frozen=True)
class Halve(Rule):
    """A rule on the cohort size."""

    phase: ClassVar[Phase] = Phase.SIZE

    def __call__(self, state, given):
        return Decision(given.dose, given.size // 2, given.stop)

    def describe(self):
        return []


def answer(design, outcomes):
    """(level, size) of the next cohort, or (reason, level of the MTD or None)."""
    state = after(design, outcomes)
    given = step(design, state)
    if given.stop[0]:
        mtd = selected(design, state, given.stop)[0]
        return design.facts.stops[given.stop[0] - 1], None if mtd == NONE else int(mtd) + 1
    return int(given.dose[0]) + 1, int(given.size[0])


def faults(base, *modifiers):
    with pytest.raises(Faults) as caught:
        Modified(base, modifiers)
    return [str(f) for f in caught.value.faults]


# Phases


def test_without_modifiers_a_design_is_its_base():
    assert answer(Modified(Stub(), ()), "1NNN") == answer(Stub(), "1NNN") == (4, 3)


def test_a_restriction_lowers_the_dose():
    assert answer(Modified(Stub(dose=3), (NoSkipping(),)), "1NNN") == (2, 3)


def test_a_restriction_never_raises_the_dose():
    assert answer(Modified(Stub(dose=0), (NoSkipping(),)), "3NNN") == (1, 3)
    assert answer(Modified(Stub(dose=1), (Coherent(),)), "3NTT") == (2, 3)


def test_of_several_restrictions_the_lowest_ceiling_holds():
    both = (NoSkipping(relative_to="highest"), Coherent())
    assert answer(Modified(Stub(), both[:1]), "1NNN 2NNT") == (3, 3)
    assert answer(Modified(Stub(), both), "1NNN 2NNT") == (2, 3)
    assert answer(Modified(Stub(), both[::-1]), "1NNN 2NNT") == (2, 3)


@pytest.mark.parametrize(
    ("outcomes", "target", "cohort", "dose"),
    [
        ("1NNNT", 0.25, (1, 3), (4, 3)),  # the target itself: at it after a cohort, not above it at the dose
        ("1NNTT", 0.25, (1, 3), (1, 3)),
        ("1NNNNT", 0.25, (4, 3), (4, 3)),
        ("1NNT 1NNN", 1 / 6, (4, 3), (4, 3)),
        ("1NNN 1NNT", 1 / 6, (1, 3), (4, 3)),
        ("1NNNNNNNTTT", 0.3, (1, 3), (4, 3)),
        ("1" + 18 * "N" + 7 * "T", 0.28, (1, 3), (4, 3)),  # 25 x 0.28 is more than 7 in floats
    ],
)
def test_coherence_where_the_dlt_fraction_is_the_target(outcomes, target, cohort, dose):
    assert answer(Modified(Stub(target=target), (Coherent(),)), outcomes) == cohort
    assert answer(Modified(Stub(target=target), (Coherent(scope="dose"),)), outcomes) == dose


def test_a_restriction_comes_down_to_an_admissible_dose():
    assert answer(Modified(Stub(barred=(1,)), (NoSkipping(),)), "1NNN") == (1, 3)


def test_no_skipping_counts_from_the_last_dose_or_from_the_highest():
    outcomes = "1NNN 2NNN 3NNN 1NNN"
    assert answer(Modified(Stub(), (NoSkipping(),)), outcomes) == (2, 3)
    assert answer(Modified(Stub(), (NoSkipping(relative_to="highest"),)), outcomes) == (4, 3)


def test_coherence_by_dose_holds_only_above_the_target():
    design = Modified(Stub(), (Coherent(scope="dose"),))
    assert answer(design, "1NNNT") == (4, 3)  # 1/4 is the target
    assert answer(design, "1NNT") == (1, 3)


def test_the_first_cohort_passes_through_the_modifiers():
    assert answer(Modified(Stub(), (RunIn(levels=2), NoSkipping())), "") == (1, 1)
    assert answer(Modified(Stub(size=3), (MaxPatients(n=3),)), "") == (1, 3)


def test_run_in_replaces_the_base_until_its_part_is_over():
    design = Modified(Stub(dose=0), (RunIn(levels=3),))
    assert [answer(design, o) for o in ("", "1N", "1N 2N", "1N 2N 3N", "1N 2T")] == [
        (1, 1),
        (2, 1),
        (3, 1),
        (1, 3),
        (1, 3),
    ]


@pytest.mark.parametrize(
    ("outcomes", "wanted"),
    [
        ("1T", (1, 2)),
        ("1N 2N 3T", (3, 2)),  # the last level of the run-in is one of it
        ("1N 2N 3N 4T", (4, 3)),  # beyond it the base decides
        ("2T 1N", (4, 3)),  # the DLT was not at the last dose given
    ],
)
def test_a_run_in_fills_the_dose_of_its_first_dlt_to_the_cohort_size(outcomes, wanted):
    assert answer(Modified(Stub(), (RunIn(levels=3, top_up=True),)), outcomes) == wanted


def test_run_in_comes_after_the_restrictions_and_before_the_cap():
    # A restriction would hold the dose; the run-in goes up whatever the rest says. The cap still truncates.
    design = Modified(Stub(dose=0, size=3), (MaxPatients(n=4), RunIn(levels=2)))
    assert answer(design, "1N") == (2, 1)
    assert answer(design, "1N 2N") == (1, 2)


def test_run_in_stops_short_of_doses_that_do_not_exist():
    with pytest.raises(Faults, match=r"modifiers\[0\].levels: wanted 1 to 2 levels, got 9"):
        Modified(Stub(doses=2, dose=1), (RunIn(levels=9),))
    design = Modified(Stub(doses=2, dose=1), (RunIn(levels=2),))
    assert answer(design, "1N") == (2, 1)
    assert answer(design, "1N 2N") == (2, 3)


def test_the_cap_truncates_the_last_cohort_and_then_stops():
    design = Modified(Stub(), (MaxPatients(n=10),))
    assert answer(design, "1NNN 2NNN 3N") == (4, 3)
    assert answer(design, "1NNN 2NNN 3NN") == (4, 2)
    assert answer(design, "1NNN 2NNN 3NNN") == (4, 1)
    assert answer(design, "1NNN 2NNN 3NNN 4N") == ("max_patients", 2)
    assert answer(design, "1NNN 2NNN 3NNN 4NNN") == ("max_patients", 2)


def test_two_caps_are_refused():
    for caps in permutations((MaxPatients(n=5), MaxPatients(n=8))):
        with pytest.raises(Faults, match=r"modifiers\[1\]: wanted at most one cap rule, got 2"):
            Modified(Stub(), caps)


def test_a_rule_that_stands_there_twice_is_refused():
    with pytest.raises(Faults, match=r"modifiers\[2\]: stands already in modifiers\[0\]"):
        Modified(Stub(), (Coherent(), Coherent(scope="dose"), Coherent()))


def test_a_stop_rule_sees_the_restricted_dose():
    # Six at dose 2, where the next cohort goes once it is held back; none at dose 4, which the base wants.
    design = Modified(Stub(dose=3), (EnoughAtDose(n=6), Coherent()))
    assert answer(design, "2NNN 2NNT") == ("enough_at_dose", 2)
    assert answer(Modified(Stub(dose=3), (EnoughAtDose(n=6),)), "2NNN 2NNT") == (4, 3)


def test_of_several_reasons_too_toxic_comes_first_then_enough_then_the_cap():
    rules = {
        "too_toxic": TooToxic(confidence=0.9),
        "enough_at_dose": EnoughAtDose(n=3, dose="any"),
        "max_patients": MaxPatients(n=3),
    }
    wanted = {"too_toxic": None, "enough_at_dose": 2, "max_patients": 2}
    for names in permutations(rules):
        for count in (1, 2, 3):
            design = Modified(Stub(), tuple(rules[name] for name in names[:count]))
            first = min(names[:count], key=list(rules).index)
            assert answer(design, "1TTT") == (first, wanted[first])


def test_a_stop_of_the_base_is_kept():
    rules = (TooToxic(), EnoughAtDose(n=1, dose="any"), MaxPatients(n=3))
    # stop code 2 is the base's second reason, and the base is told so when it selects
    assert answer(Modified(Stub(stop=2), rules), "1TTT") == ("own", 3)
    assert answer(Modified(Stub(stop=1), rules), "1TTT") == ("complete", 2)


def test_the_base_is_told_of_its_own_reasons_only():
    # A cap is no reason of the base's: it hears 0 and selects as after any interruption.
    assert answer(Modified(Stub(mtd=0), (MaxPatients(n=3),)), "1NNN") == ("max_patients", 1)


def test_too_toxic_selects_no_dose():
    assert answer(Modified(Stub(mtd=3), (TooToxic(confidence=0.9),)), "1TTT") == ("too_toxic", None)
    # Beta(1, 1): Pr(p > 0.25 | 3 of 3) = 1 - 0.25^4 = 0.99609
    assert answer(Modified(Stub(), (TooToxic(confidence=0.9961),)), "1TTT") == (4, 3)
    assert answer(Modified(Stub(), (TooToxic(confidence=0.9960),)), "1TTT") == ("too_toxic", None)
    assert answer(Modified(Stub(), (TooToxic(confidence=0.9, above=0.6),)), "1TTT") == (4, 3)


def test_every_reason_of_every_part_is_declared_once():
    design = Modified(Stub(), (MaxPatients(n=9), EnoughAtDose(n=3), EnoughAtDose(n=6), TooToxic()))
    assert design.facts.stops == ("complete", "own", "max_patients", "enough_at_dose", "too_toxic")


def test_a_modified_design_ends_if_any_part_ends_it():
    assert not Modified(Stub(), (EnoughAtDose(n=3), TooToxic())).facts.ends
    assert Modified(Stub(), (TooToxic(), MaxPatients(n=9))).facts.ends
    assert Modified(ThreePlusThree(doses=4, target=0.25), (TooToxic(),)).facts.ends


def test_modifiers_take_what_was_left_open_from_the_design():
    design = Modified(Stub(target=0.3), (Coherent(), TooToxic(), Coherent(scope="dose", target=0.2)))
    assert design.modifiers[0].target == 0.3
    assert design.modifiers[1].above == 0.3
    assert design.modifiers[2].target == 0.2


def test_a_modified_design_can_be_modified_again():
    inner = Modified(Stub(), (NoSkipping(), Coherent()))
    outer = Modified(inner, (MaxPatients(n=7), Coherent(target=0.5)))
    assert outer.facts.memory == ("toxic_cohort", "toxic_cohort")
    assert answer(outer, "1NNN 2NNT") == (2, 1)
    assert answer(outer, "1NNN 2NNN 3N") == ("max_patients", 2)


def test_designs_hash_compare_and_describe_themselves():
    one = Modified(Stub(), (NoSkipping(), MaxPatients(n=9)))
    two = Modified(Stub(), (NoSkipping(), MaxPatients(n=9)))
    assert one == two
    assert hash(one) == hash(two)
    assert one != Modified(Stub(), (NoSkipping(), MaxPatients(n=8)))
    assert [row.rule for row in one.describe()] == ["stub", "no skipping", "enrolment"]


# Combinations that make no trial


def test_two_run_ins_are_a_fault():
    assert faults(Stub(), RunIn(levels=1), NoSkipping(), RunIn(levels=2)) == [
        "modifiers[2]: wanted at most one run_in rule, got 2"
    ]


def test_two_rules_on_the_cohort_size_are_a_fault():
    assert faults(Stub(), Halve(), Halve()) == ["modifiers[1]: wanted at most one size rule, got 2"]
    assert answer(Modified(Stub(size=4), (Halve(),)), "1NNN") == (4, 2)


def test_a_run_in_over_a_titration_is_a_fault():
    wanted = "wanted one run-in, got this and the design's own titration; drop one of them"
    titration = AcceleratedTitration(doses=4, target=0.25)
    assert faults(titration, RunIn(levels=1)) == [f"modifiers[0]: {wanted}"]


def test_a_cap_below_the_first_cohort_is_a_fault():
    (found,) = faults(Stub(size=3), MaxPatients(n=2))
    assert found.startswith("modifiers[0]")
    assert found.endswith("n: wanted at least the first cohort of 3, got 2")


def test_a_level_that_does_not_exist_is_a_fault():
    (found,) = faults(Stub(), EnoughAtDose(n=3, dose=5))
    assert found.startswith("modifiers[0]")
    assert found.endswith("dose: wanted a level of 1 to 4, got 5")


def test_faults_between_modifiers_come_together():
    found = faults(Stub(), EnoughAtDose(n=3, dose=9), MaxPatients(n=1), RunIn(levels=1), RunIn(levels=1))
    assert [f[:12] for f in found] == ["modifiers[0]", "modifiers[1]", "modifiers[3]"]


@pytest.mark.parametrize("rule", [Coherent(), TooToxic()])
def test_a_modifier_that_was_never_laid_over_a_design_says_so(rule):
    state = after(Modified(Stub(), (Coherent(),)), "1NNT")
    call = rule.remember if isinstance(rule, Coherent) else rule.__call__
    arguments = (state, decision(1, 3, 0), *([np.array([[1, 2]])] if isinstance(rule, Coherent) else []))
    with pytest.raises(ValueError, match=f"{type(rule).__name__} works as a modifier: Modified"):
        call(*arguments)


# Admissibility: one place enforces it


def refused(design, outcomes="1NNN"):
    with pytest.raises(ValueError, match="broke its own rule") as caught:
        step(design, after(design, outcomes))
    return str(caught.value)


def test_an_inadmissible_dose_is_refused():
    message = refused(Stub(dose=2, barred=(2, 3)), "1NNT")
    assert message == (
        "Stub broke its own rule: after n=[3, 0, 0, 0], y=[1, 0, 0, 0] it gives dose level 3 to 3; "
        "wanted an admissible level [1, 2] and at least one patient"
    )


@pytest.mark.parametrize("dose", [-1, 4, 99])
def test_a_dose_that_does_not_exist_is_refused(dose):
    assert f"dose level {dose + 1} " in refused(Stub(dose=dose))


@pytest.mark.parametrize("size", [0, -1])
def test_an_empty_cohort_is_refused(size):
    assert f"to {size};" in refused(Stub(size=size))


def test_the_first_cohort_is_held_to_it_too():
    assert "after n=[0, 0, 0, 0]" in refused(Stub(barred=(0,)), "")


def test_where_the_trial_stops_the_dose_has_no_meaning():
    state = after(Stub(), "1NNN")
    assert step(Stub(dose=-1, size=0, stop=1), state).stop.tolist() == [1]


def test_an_inadmissible_mtd_is_refused():
    design = Stub(mtd=3, barred=(3,))
    with pytest.raises(ValueError, match="Stub selects dose level 4, which it calls inadmissible, after n=") as caught:
        selected(design, after(design, "1NNN"), np.array([0]))
    assert "y=[0, 0, 0, 0]" in str(caught.value)


def test_selecting_none_is_always_allowed():
    design = Stub(mtd=NONE, barred=(0, 1, 2, 3))
    assert selected(design, after(design, "1NNN"), np.array([0])).tolist() == [NONE]


def test_highest_admissible():
    allowed = np.array([[1, 1, 0, 1], [0, 0, 1, 1], [0, 0, 0, 0], [1, 0, 0, 0]], bool)
    assert highest_admissible(np.array([2, 1, 3, 3]), allowed).tolist() == [1, -1, -1, 0]
    assert highest_admissible(np.array([3, 2, 0, 0]), allowed).tolist() == [3, 2, -1, 0]


# Replays


def test_after_counts_each_group_as_one_cohort():
    state = after(Stub(), "1N 2NNT 2TN")
    assert state.n.tolist() == [[1, 5, 0, 0]]
    assert state.y.tolist() == [[0, 2, 0, 0]]
    assert state.dose.tolist() == [1]
    assert state.memory.shape == (1, 0)


def test_after_nothing_is_the_empty_trial():
    state = after(Stub(), "")
    assert state.total.tolist() == [0]
    assert state.dose.tolist() == [-1]
    assert not state.started[0]


def test_after_refuses_a_level_that_the_design_does_not_have():
    with pytest.raises(Faults, match="wanted a dose level of 1 to 4, got 5"):
        after(Stub(), "5N")


def test_after_a_cohort_that_the_design_did_not_recommend_it_decides_as_things_stand():
    assert answer(ThreePlusThree(doses=4, target=0.25), "3N") == (3, 2)


@pytest.mark.parametrize(
    ("outcomes", "toxic"),
    [("1NNT", 1), ("1NNN", 0), ("1NNT 1NNN", 0), ("1NNN 2NT", 1), ("1NNNT", 1), ("1NNNNT", 0), ("1N 2NNT", 1)],
)
def test_coherence_remembers_the_last_cohort(outcomes, toxic):
    # at or above the target: 1 of 4 at 0.25 counts
    assert after(Modified(Stub(), (Coherent(),)), outcomes).memory.tolist() == [[toxic]]
    assert after(Modified(Stub(), (Coherent(scope="dose"),)), outcomes).memory.shape == (1, 0)


@pytest.mark.parametrize(
    ("outcomes", "moderate"),
    [
        ("1N", 0),
        ("1M", 1),
        ("1M 2M", 2),
        ("1M 2N 3M", 2),
        ("1M 2M 3M", 2),  # two are enough: no more is remembered
        ("1N 2N 3N 4M", 0),  # level 4 is past the titration levels
        ("1M 2T 2MM", 1),  # after the DLT titration is over
    ],
)
def test_titration_remembers_its_moderate_toxicities(outcomes, moderate):
    design = AcceleratedTitration(doses=5, target=0.25, titrate=3, trigger="second_moderate")
    assert design.facts.outcomes.graded
    assert after(design, outcomes).memory.tolist() == [[moderate]]


def test_a_design_that_does_not_grade_reads_moderate_as_none():
    design = AcceleratedTitration(doses=4, target=0.25, titrate=2)
    assert answer(design, "1M 2M") == answer(design, "1N 2N") == (3, 3)


def test_the_titration_cohort_that_three_new_patients_replace_is_remembered():
    design = AcceleratedTitration(doses=4, target=0.25, titrate=2, titration_cohort=2, after_dlt="three_new")
    assert design.facts.memory == ("left_out_level", "left_out_n", "left_out_y")
    assert after(design, "1NN").memory.tolist() == [[0, 0, 0]]
    assert after(design, "1NN 2NT").memory.tolist() == [[2, 2, 1]]
    assert after(design, "1NN 2NT 2NNT").memory.tolist() == [[2, 2, 1]]


def test_each_part_sees_its_own_slice_of_the_memory():
    base = AcceleratedTitration(doses=4, target=0.25, titrate=3, trigger="second_moderate", after_dlt="three_new")
    design = Modified(base, (MaxPatients(n=9), Coherent()))
    assert design.facts.memory == ("moderate", "left_out_level", "left_out_n", "left_out_y", "toxic_cohort")
    assert after(design, "1M 2T").memory.tolist() == [[1, 2, 1, 1, 1]]
    assert after(design, "1M 2T 2NNN").memory.tolist() == [[1, 2, 1, 1, 0]]
    assert after(base, "1M 2T").memory.tolist() == [[1, 2, 1, 1]]


def test_advance_does_not_change_the_trial_before():
    before = after(Stub(), "1NNN")
    later = advance(Stub(), before, decision(1, 3, 0), np.array([[1, 2]]))
    assert before.n.tolist() == [[3, 0, 0, 0]]
    assert later.n.tolist() == [[3, 3, 0, 0]]
    assert later.y.tolist() == [[0, 1, 0, 0]]


def test_a_state_tells_what_it_holds():
    state = TrialState.concatenate([after(Stub(), o) for o in ("", "1NNN", "1N 3NT 2N")])
    assert state.total.tolist() == [0, 3, 4]
    assert state.highest_tried.tolist() == [-1, 0, 2]
    assert state.started.tolist() == [False, True, True]
    assert state.dose.tolist() == [-1, 0, 1]
    assert state.tried[2].tolist() == [True, True, True, False]
    assert len(state) == 3
    assert state[1:].total.tolist() == [3, 4]


def test_a_cap_is_compared_with_the_first_cohort_that_the_run_in_leaves():
    base = BOIN(doses=3, target=0.25)
    assert Modified(base, (RunIn(levels=1), MaxPatients(n=2))).first().size.tolist() == [1]
    with pytest.raises(Faults, match="wanted at least the first cohort of 3, got 2"):
        Modified(base, (MaxPatients(n=2),))


def test_any_design_checks_its_declared_parameters_and_its_first_dose():
    with pytest.raises(Faults) as caught:
        BOIN(doses=3, target=7.0, start=9, extra_safe=True, cutoff=0.3, offset=0.4)
    assert [f.where for f in caught.value.faults] == ["target", "start", "offset"]


def test_scenarios_of_other_doses_are_refused():
    design = ThreePlusThree(doses=4, target=0.25)
    for engine in (Exact(), Simulate(trials=10)):
        with pytest.raises(Faults, match="wanted scenarios of 4 doses, as the design has, got 2"):
            engine(design, make_scenarios([[0.1, 0.2]]))
