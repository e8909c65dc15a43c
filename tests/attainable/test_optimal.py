"""The Bayes-optimal policy: against all policies, a second recursion, the exact engine, and closed forms."""

import dataclasses
import json
import pickle

import numpy as np
import pytest
from attainable.oracle_policy import Trial, fractions
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from doseopt import (
    BOIN,
    CRM,
    AcceleratedTitration,
    Exact,
    I3Plus3,
    Keyboard,
    MaxPatients,
    Modified,
    NoSkipping,
    RunIn,
    ThreePlusThree,
    TooToxic,
    Utility,
    build_graph,
    compare,
    judged,
    load_study,
)
from doseopt.attainable import Rules, bayes_optimal
from doseopt.beliefs import Belief, LogisticFamily, belief_of_rates
from doseopt.core.parameters import Faults
from doseopt.core.state import TrialState
from doseopt.designs.policy import Policy
from doseopt.designs.policy_table import STOP, TREAT, PolicyTable, code, code_type, load_policy
from doseopt.designs.tallies import Course, Tallies, tallies_of
from doseopt.engines.budget import TooManyStates
from doseopt.measures.expected import expected_utility
from doseopt.scenarios import MTDRule, make_scenarios
from doseopt.testing import check_design

RULE_KINDS = ("closest", "highest_below", "interval")


def random_case(rng, doses=None, patients=None):
    """A belief, a rule of the MTD, a class and a utility, at random; rates of 0 and 1 and weights of 0 included."""
    doses = doses or int(rng.integers(1, 4))
    count = int(rng.integers(1, 6))
    true = np.sort(rng.choice([0, 0.05, 0.1, 0.2, 0.25, 0.3, 0.45, 0.6, 0.9, 1], (count, doses)), axis=1)
    observed = np.clip(true + rng.choice([0, 0.05], (count, 1)), 0, 1)
    weight = rng.integers(0, 5, count).astype(float)
    weight[0] += 1
    belief = Belief(make_scenarios(true, p_observed=observed), weight)
    kind = str(rng.choice(RULE_KINDS))
    ends = {"low": 0.2, "high": 0.3, "jumped": str(rng.choice(["below", "none"]))} if rng.integers(2) else {}
    mtd = MTDRule(0.25, kind, **(ends or {"halfwidth": 0.1})) if kind == "interval" else MTDRule(0.25, kind)
    n = patients or int(rng.integers(1, 6))
    cohort = int(rng.integers(1, 4))
    rules = Rules(
        n,
        cohort=cohort,
        first_cohort=int(rng.integers(1, min(cohort, n) + 1)),
        start=int(rng.integers(1, doses + 1)),
        no_skipping=bool(rng.integers(2)),
        coherent=bool(rng.integers(2)),
        early_stop=bool(rng.integers(2)),
        select_untried=bool(rng.integers(2)),
        too_toxic=TooToxic(float(rng.choice([0.6, 0.8])), above=float(rng.choice([0.25, 0.4])))
        if rng.integers(2)
        else None,
    )
    priced = rng.integers(2, size=3) * rng.choice([0.01, 0.05, 0.2], 3)
    utility = Utility(float(rng.choice([0, 0.5, 1])), *map(float, priced))
    return belief, mtd, rules, utility


def oracle(belief, mtd, rules, utility):
    right = mtd.acceptable(belief.p_dlt)
    truths = [
        (w, fractions(p), fractions(q), set(np.flatnonzero(r).tolist()) or {-1})
        for w, p, q, r in zip(fractions(belief.weights), belief.p_dlt, belief.p_observed, right, strict=True)
        if w
    ]
    total = sum(t[0] for t in truths)
    truths = [(w / total, *rest) for w, *rest in truths]
    return Trial(
        truths,
        belief.doses,
        rules.patients,
        rules.cohort,
        rules.cohort if rules.first_cohort is None else rules.first_cohort,
        rules.start,
        no_skipping=rules.no_skipping,
        coherent=rules.coherent,
        early_stop=rules.early_stop,
        select_untried=rules.select_untried,
        too_toxic=None
        if rules.too_toxic is None
        else (rules.too_toxic.confidence, mtd.target if rules.too_toxic.above is None else rules.too_toxic.above),
        target=mtd.target,
        none=utility.none,
        per_dlt=utility.per_dlt,
        per_above=utility.per_patient_above_mtd,
        per_patient=utility.per_patient,
    )


@pytest.mark.parametrize("seed", range(120))
def test_value_is_that_of_a_second_recursion(seed):
    belief, mtd, rules, utility = random_case(np.random.default_rng(seed))
    found = bayes_optimal(belief, mtd, rules, utility)
    assert found.value == pytest.approx(float(oracle(belief, mtd, rules, utility).best_value()), abs=1e-11), rules


TINY = [
    (1, Rules(3)),
    (2, Rules(2)),
    (2, Rules(2, coherent=True)),
    (2, Rules(2, no_skipping=False, start=2)),
    (2, Rules(2, select_untried=False, early_stop=False)),
    (2, Rules(3, cohort=2, first_cohort=1, coherent=True)),
    (1, Rules(4, cohort=2)),
    (2, Rules(2, too_toxic=TooToxic(0.6, above=0.25))),
    (3, Rules(2, early_stop=False, select_untried=False)),
]


@pytest.mark.parametrize("case", range(len(TINY)))
@pytest.mark.parametrize("priced", [False, True])
def test_value_is_the_best_of_all_policies(case, priced):
    doses, rules = TINY[case]
    rng = np.random.default_rng(100 + case)
    belief, mtd, _, utility = random_case(rng, doses, 2)
    wanted = utility if priced else Utility()
    best, count = oracle(belief, mtd, rules, wanted).all_policies()
    assert count > 20
    assert bayes_optimal(belief, mtd, rules, wanted).value == pytest.approx(float(best), abs=1e-12)


def expectation(design, belief, mtd, utility):
    outcomes = judged(Exact()(design, belief.scenarios), mtd)
    return float(belief.weights @ expected_utility(outcomes, utility).to_numpy())


@pytest.mark.parametrize("seed", range(200, 260))
def test_the_exact_engine_reproduces_the_value(seed):
    belief, mtd, rules, utility = random_case(np.random.default_rng(seed), patients=7)
    found = bayes_optimal(belief, mtd, rules, utility)
    assert expectation(found.design, belief, mtd, utility) == pytest.approx(found.value, abs=1e-9)


@pytest.mark.parametrize("rules", [Rules(25), Rules(24, cohort=3, coherent=True), Rules(13, cohort=3, first_cohort=1)])
@pytest.mark.parametrize("utility", [Utility(), Utility(none=0.5, per_dlt=0.01, per_patient_above_mtd=0.01)])
def test_the_exact_engine_reproduces_the_value_at_full_size(rules, utility):
    study = load_study()
    belief = study.believed()
    found = bayes_optimal(belief, study.mtd, rules, utility)
    assert expectation(found.design, belief, study.mtd, utility) == pytest.approx(found.value, abs=1e-9)


@pytest.mark.parametrize("start", [1, 2])
def test_one_scenario_is_a_closed_form(start):
    p = [0.05, 0.25, 0.50]
    belief, mtd = belief_of_rates([p]), MTDRule(0.25)
    utility = Utility(per_dlt=0.1, per_patient_above_mtd=0.05, per_patient=0.01)
    # the truth is known, so that only the first cohort, which must be treated, costs anything
    first = 1 - 2 * (0.1 * p[start - 1] + 0.01)
    assert bayes_optimal(belief, mtd, Rules(6, cohort=2, start=start), utility).value == pytest.approx(first, abs=1e-12)
    # without early stop all six are treated, after the first two at the dose with fewest DLTs
    all_six = first - 4 * (0.1 * p[0] + 0.01)
    rules = Rules(6, cohort=2, start=start, early_stop=False)
    assert bayes_optimal(belief, mtd, rules, utility).value == pytest.approx(all_six, abs=1e-12)
    assert bayes_optimal(belief, mtd, Rules(6, start=start)).value == pytest.approx(1, abs=1e-12)


def test_a_toxic_truth_is_worth_the_reward_of_none():
    belief, mtd = belief_of_rates([[0.5, 0.7]]), MTDRule(0.25)
    assert bayes_optimal(belief, mtd, Rules(3), Utility(none=0.4)).value == pytest.approx(0.4, abs=1e-12)
    priced = Utility(per_patient_above_mtd=0.1)
    assert bayes_optimal(belief, mtd, Rules(3), priced).value == pytest.approx(0.9, abs=1e-12)


def test_two_truths_by_hand():
    """One dose, one patient: p is 0.2 (MTD) or 0.6 (none); after a DLT the odds are 1 to 3, after none 2 to 1."""
    belief, mtd = belief_of_rates([[0.2], [0.6]]), MTDRule(0.25)
    assert bayes_optimal(belief, mtd, Rules(1)).value == pytest.approx(0.5 * 0.6 + 0.5 * 0.8, abs=1e-12)


# No design of the class is better


def designs(cap):
    common = {"doses": 3, "target": 0.25}
    skeleton = (0.1, 0.25, 0.4)
    bases = [
        ThreePlusThree(**common),
        AcceleratedTitration(**common),
        BOIN(**common),
        BOIN(**common, cohort=1),
        BOIN(**common, cohort=2, saf=0.8, tox=1.7, cutoff=0.8),
        Keyboard(**common, cohort=2),
        I3Plus3(**common),
        CRM(**common, skeleton=skeleton),
        CRM(**common, skeleton=skeleton, cohort=1, prior_sd=0.5),
        CRM(**common, skeleton=(0.02, 0.1, 0.25), cohort=2, estimate="mean"),
    ]
    for base in bases:
        extra = (NoSkipping(),) if base.facts.skips else ()
        yield Modified(base, (*extra, MaxPatients(n=cap)))
        if base.facts.skips:
            yield Modified(base, (NoSkipping(relative_to="highest"), TooToxic(0.9), MaxPatients(n=cap)))
            yield Modified(base, (NoSkipping(), RunIn(levels=2), MaxPatients(n=cap)))


def random_policy(rng, patients):
    """A tally policy at random that does not skip."""
    course = Course(3, patients, 1, 1, 1, False)
    tallies = tallies_of(course)
    codes = np.zeros((1, tallies.size), np.uint8)
    for stage in range(len(course.totals)):
        for a in tallies.splits(stage):
            numbers = tallies.matrix(stage, a)
            size = numbers.stop - numbers.start
            up, b = tallies.upper, course.totals[stage] - a
            tried = np.tile((up.n[up.rows(b)] > 0).sum(axis=1), size // (up.first[b + 1] - up.first[b]))
            dose = np.minimum(rng.integers(0, 3, size), 1 + tried)
            last = stage == len(course.totals) - 1
            move = np.where(last | (rng.random(size) < 0.1), STOP, TREAT + dose)
            codes[0, numbers] = code(move, rng.integers(-1, 3, size), 3)
    return Policy(3, 0.25, PolicyTable(course, codes, None, "at random"))


RATES = st.lists(st.floats(0.01, 0.95), min_size=3, max_size=3).map(sorted)
PRICES = st.sampled_from([0.0, 0.01, 0.05])


@settings(deadline=None, derandomize=True, max_examples=25)
@given(
    st.lists(st.tuples(RATES, st.floats(0.05, 1)), min_size=1, max_size=6),
    st.builds(Utility, none=st.sampled_from([0.0, 0.5, 1.0]), per_dlt=PRICES, per_patient=PRICES),
    st.integers(4, 9),
    st.sampled_from(RULE_KINDS),
    st.integers(0, 2**32 - 1),
)
def test_no_design_of_the_class_exceeds_the_sequential_optimum(truths, utility, cap, kind, seed):
    belief = belief_of_rates([p for p, _ in truths], [w for _, w in truths])
    mtd = MTDRule(0.25, kind, halfwidth=0.1)
    best = bayes_optimal(belief, mtd, Rules(cap), utility).value
    rng = np.random.default_rng(seed)
    for design in [*designs(cap), random_policy(rng, cap)]:
        assert not design.facts.skips
        assert expectation(design, belief, mtd, utility) <= best + 1e-9, design


@pytest.mark.parametrize("seed", range(300, 330))
def test_a_rule_more_is_never_a_gain(seed):
    belief, mtd, _, utility = random_case(np.random.default_rng(seed), doses=3)

    def value(**rules):
        return bayes_optimal(belief, mtd, Rules(**({"patients": 6} | rules)), utility).value

    free = value()
    for rule in (
        {"cohort": 2},
        {"cohort": 3},
        {"cohort": 3, "first_cohort": 1},
        {"coherent": True},
        {"early_stop": False},
        {"select_untried": False},
        {"too_toxic": TooToxic(0.8)},
        {"patients": 4},
    ):
        assert value(**rule) <= free + 1e-12, rule
    assert value(no_skipping=False) >= free - 1e-12
    assert value(cohort=3, coherent=True) <= value(cohort=3) + 1e-12


# The policy as a design


@pytest.fixture(scope="module")
def solved():
    belief = belief_of_rates(LogisticFamily(location=2, location_sd=1, points=6).rates(3, 0.25))
    return bayes_optimal(belief, MTDRule(0.25), Rules(9, coherent=True, too_toxic=TooToxic(0.9))).design


@pytest.mark.parametrize("coherent", [False, True])
def test_a_policy_keeps_the_promises_of_a_design(coherent):
    belief = belief_of_rates(LogisticFamily(location=2, location_sd=1, points=6).rates(3, 0.25))
    rules = Rules(8, cohort=2, first_cohort=1, coherent=coherent, no_skipping=coherent)
    graph = check_design(bayes_optimal(belief, MTDRule(0.25), rules).design)
    assert graph.state.total.max() <= 8


def test_a_coherent_policy_never_escalates_after_a_toxic_cohort_and_never_skips(solved):
    graph = build_graph(solved, edges=True)
    state, given = graph.state, graph.decision
    going = (given.stop == 0) & state.started
    toxic = state.memory[:, 0] == 1
    assert (given.dose[going & toxic] <= state.dose[going & toxic]).all()
    assert (given.dose[going] <= state.highest_tried[going] + 1).all()
    assert (going & toxic).any()


@pytest.mark.parametrize(("target", "size", "clean"), [(0.5, 2, 0), (0.25, 4, 0), (0.5, 4, 1), (0.2, 10, 1)])
def test_a_dlt_fraction_exactly_at_the_target_forbids_escalation(target, size, clean):
    """One truth, whose right dose 2 must be tried: dose 1 is left only after a cohort with at most `clean` DLTs.

    The last cohort is needed at dose 2, so that two cohorts give one chance to get there and three give two.
    """
    belief = belief_of_rates([[0.1, target]])
    low = stats.binom.cdf(clean, size, 0.1)
    for cohorts, chance in ((2, low), (3, 1 - (1 - low) ** 2)):
        rules = Rules(cohorts * size, cohort=size, coherent=True, select_untried=False)
        found = bayes_optimal(belief, MTDRule(target), rules)
        assert found.value == pytest.approx(chance, abs=1e-12)
        assert expectation(found.design, belief, MTDRule(target), Utility()) == pytest.approx(chance, abs=1e-12)


@pytest.mark.parametrize("p", [[0.05, 0.25, 0.5], [0.1, 0.2, 0.3], [0.07, 0.23, 0.91], [1 / 3, 0.41, 0.43]])
@pytest.mark.parametrize("cohort", [1, 3])
def test_of_equal_moves_the_trial_stops_or_else_takes_the_lowest_dose(p, cohort):
    """The truth is known and nothing costs anything: all moves are worth 1, but for rounding."""
    belief, mtd = belief_of_rates([p]), MTDRule(0.25)

    def treated(**rules):
        design = bayes_optimal(belief, mtd, Rules(6, cohort=cohort, start=2, **rules)).design
        outcomes = Exact()(design, belief.scenarios)
        return (outcomes["weight"] @ outcomes["n"]).to_numpy()[0]

    np.testing.assert_allclose(treated(), [0, cohort, 0], atol=1e-12)
    np.testing.assert_allclose(treated(early_stop=False), [6 - cohort, cohort, 0], atol=1e-12)
    # what escalation gains is nothing, also where it is allowed
    np.testing.assert_allclose(treated(early_stop=False, no_skipping=False), [6 - cohort, cohort, 0], atol=1e-12)


def test_saved_loaded_mapped_and_equal(solved, tmp_path):
    path = solved.table.save(tmp_path / "best.policy")
    table = load_policy(path)
    assert isinstance(table.codes, np.memmap)
    assert table == solved.table
    again = dataclasses.replace(solved, table=table, digest=solved.digest)
    assert again == solved
    assert hash(again) == hash(solved)
    assert pickle.loads(pickle.dumps(solved)) == solved
    state = build_graph(solved, edges=True).state
    began = state[state.started]
    for name in ("dose", "size", "stop"):
        np.testing.assert_array_equal(getattr(again.decide(began), name), getattr(solved.decide(began), name))


def test_another_table_is_another_design(solved):
    codes = solved.table.codes.copy()
    codes[0, 0] ^= 1
    changed = dataclasses.replace(solved.table, codes=codes)
    assert changed != solved.table
    with pytest.raises(Faults, match="digest: wanted that of the table"):
        dataclasses.replace(solved, table=changed)
    with pytest.raises(Faults, match="wanted the policy of a study of 4 doses, got one of 3"):
        Policy(4, 0.25, solved.table)


@pytest.mark.parametrize("content", [b"", b"something else", None, "cut"])
def test_files_that_hold_no_policy(solved, tmp_path, content):
    path = tmp_path / "x.policy"
    if content == "cut":
        solved.table.save(path)
        path.write_bytes(path.read_bytes()[:-10])
    elif content is not None:
        path.write_bytes(content)
    with pytest.raises(Faults) as caught:
        load_policy(path)
    assert str(path) in str(caught.value)
    assert ("cannot be read" if content is None else "wanted a file that PolicyTable.save wrote") in str(caught.value)


@pytest.mark.parametrize("doses", [1, 13, 14, 15, 16, 20])
@pytest.mark.parametrize("coherent", [False, True])
def test_a_policy_of_many_doses_is_that_of_its_value(doses, coherent, tmp_path):
    rates = np.linspace(0.02, 0.9, doses)
    belief = Belief(make_scenarios(np.array([rates * s for s in (0.1, 0.3, 0.6, 1)])))
    rules = Rules(3, no_skipping=False, coherent=coherent)
    found = bayes_optimal(belief, MTDRule(0.25), rules)
    assert expectation(found.design, belief, MTDRule(0.25), Utility()) == pytest.approx(found.value, abs=1e-12)
    loaded = load_policy(found.design.table.save(tmp_path / "best.policy"))
    assert loaded == found.design.table
    again = dataclasses.replace(found.design, table=loaded)
    assert expectation(again, belief, MTDRule(0.25), Utility()) == pytest.approx(found.value, abs=1e-12)


def test_a_move_and_a_selection_are_read_as_they_were_written():
    for doses in (1, 2, 14, 15, 62):
        moves, chosen = np.meshgrid(np.arange(doses + 2), np.arange(-1, doses))
        move, selected = np.divmod(code(moves, chosen, doses).astype(int), doses + 1)
        np.testing.assert_array_equal(move, moves)
        np.testing.assert_array_equal(selected - 1, chosen)
        assert code_type(doses) is (np.uint8 if doses <= 14 else np.uint16)


def test_a_file_of_an_earlier_version_loads_unless_its_codes_are_wrong(tmp_path):
    """Up to 14 doses the format is what it was, a byte a tally; from 15 on such a file is refused."""
    for doses in (14, 15):
        course = Course(doses, 2, 1, 1, 1, False)
        head = {"format": "doseopt policy 1", "course": dataclasses.asdict(course), "toxic": None, "title": "old"}
        path = tmp_path / f"{doses}.policy"
        with path.open("wb") as file:
            np.lib.format.write_array(file, np.frombuffer(json.dumps(head, sort_keys=True).encode(), np.uint8))
            np.lib.format.write_array(file, np.zeros((1, tallies_of(course).size), np.uint8))
    assert load_policy(tmp_path / "14.policy").codes.dtype == np.uint8
    with pytest.raises(Faults, match="whose policies of 15 doses and more are wrong, got 15 doses; make it anew"):
        load_policy(path)


def test_a_tally_that_is_not_in_the_table(solved):
    state = TrialState(np.array([[1, 0, 3]]), np.array([[0, 0, 1]]), np.array([2]), np.array([[0]]))
    with pytest.raises(Faults, match=r"one dose|no dose skipped\), got n=\[1, 0, 3\], y=\[0, 0, 1\]"):
        solved.decide(state)


def test_a_study_file_names_the_policy_beside_it(solved, tmp_path):
    solved.table.save(tmp_path / "best.policy")
    text = f"""
title = "with a policy"
target = 0.25
doses = {{ labels = ["1", "2", "3"] }}
[scenarios]
s = [0.1, 0.25, 0.4]
[designs.best]
kind = "policy"
table = "best.policy"
digest = "{solved.digest}"
[designs."3+3"]
kind = "three_plus_three"
"""
    (tmp_path / "study.toml").write_text(text)
    study = load_study(tmp_path / "study.toml")
    assert study.designs["best"] == solved
    (tmp_path / "again.toml").write_text(study.to_toml())
    again = load_study(tmp_path / "again.toml")
    assert again == study
    assert again.hash == study.hash
    assert compare(study)["planned_maximum"].sel(design="best").item() == 9
    (tmp_path / "study.toml").write_text(text.replace(solved.digest, "0" * 16).replace("best.policy", "bst.policy"))
    with pytest.raises(Faults, match=r"designs.best.table\[bst.policy\]: cannot be read"):
        load_study(tmp_path / "study.toml")


# Tallies


def reached(course):
    """All tallies of a course, patient by patient of what may happen; first come first served."""
    found = set()
    empty = ((0, 0),) * course.doses
    waiting = [(empty, 0)]
    while waiting:
        tally, k = waiting.pop()
        if k == len(course.sizes):
            continue
        tried = [j for j, (n, _) in enumerate(tally) if n]
        doses = [course.start - 1] if k == 0 else range(course.doses)
        for j in doses:
            if k and not course.skips and j > max(tried) + 1:
                continue
            for y in range(course.sizes[k] + 1):
                n, seen = tally[j]
                after = (*tally[:j], (n + course.sizes[k], seen + y), *tally[j + 1 :])
                if after not in found:
                    found.add(after)
                    waiting.append((after, k + 1))
    return found


@pytest.mark.parametrize("skips", [False, True])
def test_every_tally_has_one_number_and_the_count_is_a_bound(skips):
    rng = np.random.default_rng(4)
    for _ in range(60):
        doses, patients, cohort = (int(rng.integers(1, high)) for high in (5, 8, 4))
        first = int(rng.integers(1, min(cohort, patients) + 1))
        course = Course(doses, patients, cohort, first, int(rng.integers(1, doses + 1)), skips)
        tallies = Tallies(course)
        known = np.array([list(t) for t in reached(course)])
        number = tallies.number(known[:, :, 0], known[:, :, 1])
        assert len(set(number.tolist())) == len(known)
        assert number.min() >= 0
        assert number.max() < tallies.size
        assert len(known) <= course.count(), course


def test_what_is_too_large_is_refused_with_advice_that_holds():
    belief = belief_of_rates(LogisticFamily(location=3, location_sd=1, points=2).rates(6, 0.25))
    with pytest.raises(TooManyStates) as caught:
        bayes_optimal(belief, MTDRule(0.25), Rules(30), max_bytes=10_000_000)
    text = str(caught.value)
    assert "more than 0.01 GB (max_bytes); take cohorts of 6" in text
    patients = int(text.split(" or ")[1].split(" patients")[0])
    assert tallies_of(Course(6, patients, 1, 1, 1, False)).size <= 10_000_000
    assert tallies_of(Course(6, 30, 6, 6, 1, False)).size <= 10_000_000
    bayes_optimal(belief, MTDRule(0.25), Rules(patients), max_bytes=10_000_000)
    bayes_optimal(belief, MTDRule(0.25), Rules(30, cohort=6), max_bytes=10_000_000)


@pytest.mark.parametrize(
    ("doses", "rules", "message"),
    [
        (12, Rules(200), "with 200 patients at most 8 doses; take 10 patients"),
        (41, Rules(20), "with 20 patients at most 14 doses; take 1 patient"),
        (24, Rules(6), "with 6 patients at most 22 doses; take 5 patients"),
        (62, Rules(1_000_000, cohort=3, coherent=True), "at most 2 doses"),
        (2, Rules(100_000), "more than 1.25 GB (max_bytes); take "),
        (7, Rules(36), "more than 1.25 GB (max_bytes); take cohorts of 4 or "),
        (80, Rules(1), "with 1 patient at most 62 doses"),
    ],
)
def test_what_is_hopelessly_large_is_refused_before_any_work(doses, rules, message):
    belief = Belief(make_scenarios(np.linspace(0.01, 0.9, doses)[None]))
    with pytest.raises(TooManyStates) as caught:
        bayes_optimal(belief, MTDRule(0.25), rules)
    assert message in str(caught.value)


@pytest.mark.parametrize("patients", [1, 3, 5, 9])
def test_the_greatest_number_of_doses_is_right(patients):
    """The value of a policy on the most doses that are not refused is reproduced by the exact engine."""
    doses = Course(1, patients, 1, 1, 1, False).most_doses
    rates = np.linspace(0.02, 0.9, doses)
    belief = Belief(make_scenarios(np.array([rates * s for s in (0.1, 0.3, 1)])))
    rules = Rules(patients, cohort=max(patients // 2, 1), start=doses - 1)
    found = bayes_optimal(belief, MTDRule(0.25), rules, max_bytes=10**10)
    assert expectation(found.design, belief, MTDRule(0.25), Utility()) == pytest.approx(found.value, abs=1e-12)


def test_the_size_bounds_what_is_held():
    rng = np.random.default_rng(5)
    for _ in range(40):
        doses, patients, cohort = (int(rng.integers(1, high)) for high in (6, 10, 4))
        course = Course(doses, patients, cohort, min(cohort, patients), 1, bool(rng.integers(2)))
        tallies = Tallies(course)
        stages = [
            sum(s.stop - s.start for s in (tallies.matrix(k, a) for a in tallies.splits(k)))
            for k in range(len(course.totals))
        ]
        held = tallies.size + 8 * max(map(sum, zip(stages, [0, *stages], strict=False)))
        assert held + sum(8 * part.keys.size + 16 * part.n.size for part in (tallies.lower, tallies.upper)) <= (
            course.size(1, 1)
        )


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (Rules(0), "patients: wanted a whole number of at least 1, got 0"),
        (Rules(4, cohort=0, start=0), "start: wanted a whole number of at least 1, got 0"),
        (Rules(4, first_cohort=5), "first_cohort: wanted 1 to 4, the patients, got 5"),
        (Rules(4, start=4), "start: wanted a level of 1 to 3, got 4"),
    ],
)
def test_rules_that_make_no_trial(rules, message):
    belief = belief_of_rates([[0.1, 0.2, 0.3]])
    with pytest.raises(Faults) as caught:
        bayes_optimal(belief, MTDRule(0.25), rules)
    assert message in str(caught.value)
