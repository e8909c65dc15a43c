"""Doses inserted in the course of a trial, worked by hand and by a plain recursion."""

import math
import tomllib

import numpy as np
import pytest

from doseopt import BOIN, CRM, AcceleratedTitration, ThreePlusThree
from doseopt.comparison.compare import compare
from doseopt.core.parameters import Faults
from doseopt.core.state import NONE
from doseopt.core.trial import after, selected, step
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import CohortsByDose, EnoughAtDose, MaxPatients, NoSkipping
from doseopt.designs.on_grid import OnGrid
from doseopt.engines.exact import Exact
from doseopt.engines.outcomes import judged
from doseopt.engines.simulate import Simulate
from doseopt.measures.operating_characteristics import operating_characteristics
from doseopt.reports.sections.findings import findings
from doseopt.scenarios import MTDRule, make_scenarios
from doseopt.scenarios.doses import Doses
from doseopt.scenarios.mtd_rule import judged_on
from doseopt.study.file import load_study, parse_study
from doseopt.testing import check_design

VALUES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0)
PLANNED = (0, 2, 4, 6)
THREE = OnGrid(ThreePlusThree(doses=4, target=0.25), VALUES, PLANNED, inserts=True)
RATES = np.array([0.05, 0.10, 0.15, 0.25, 0.35, 0.45, 0.60])


def answer(design, outcomes):
    state = after(design, outcomes)
    given = step(design, state)
    if given.stop[0]:
        mtd = selected(design, state, given.stop)[0]
        return design.facts.stops[given.stop[0] - 1], None if mtd == NONE else int(mtd) + 1
    return int(given.dose[0]) + 1, int(given.size[0])


@pytest.mark.parametrize(
    ("outcomes", "wanted"),
    [
        ("", (1, 3)),
        ("1NNN", (3, 3)),
        ("1NNN 3NNT", (3, 3)),
        # the third planned dose (5) is excluded: 4 is inserted
        ("1NNN 3NNN 5NTT", (4, 3)),
        ("1NNN 3NNN 5NTT 4NNN", (4, 3)),
        ("1NNN 3NNN 5NTT 4NNN 4NNT", ("complete", 4)),
        ("1NNN 3NNN 5NTT 4NTT", (3, 3)),
        ("1NNN 3NNN 5NTT 4NTT 3NNN", ("complete", 3)),
        # it happens once: 2 stays closed
        ("1NNN 3NNN 5NTT 4NTT 3NTT", (1, 3)),
        ("1NNN 3NNN 5NTT 4NTT 3NTT 1NNN", ("complete", 1)),
        # the lowest dose excluded: nothing lies below
        ("1NTT", ("too_toxic", None)),
    ],
)
def test_three_plus_three_with_an_inserted_dose(outcomes, wanted):
    assert answer(THREE, outcomes) == wanted


def test_a_grid_without_insertion_is_the_design_itself():
    plain = ThreePlusThree(doses=4, target=0.25)
    on_grid = OnGrid(plain, VALUES, PLANNED)
    rule = MTDRule(target=0.25)
    names = [str(j) for j in range(7)]
    wide = operating_characteristics(judged(Exact()(on_grid, make_scenarios([RATES], ["a"], names)), rule))
    few = make_scenarios([RATES[list(PLANNED)]], ["a"], [names[j] for j in PLANNED])
    narrow = operating_characteristics(judged(Exact()(plain, few), rule))
    for name in ("selection", "patients", "dlts"):
        np.testing.assert_allclose(wide[name][..., list(PLANNED)], narrow[name], atol=1e-14)
        assert not wide[name][..., [1, 3, 5]].any()


def inserting(rule):
    base = Modified(BOIN(doses=4, target=0.25), (rule, NoSkipping(relative_to="highest")))
    return Modified(OnGrid(base, VALUES, PLANNED, inserts=True), (MaxPatients(n=30),))


@pytest.mark.parametrize(
    ("rule", "outcomes", "wanted"),
    [
        # 5, the third planned dose, is excluded and 4 inserted: it has the cohort size of the dose above it, three
        (CohortsByDose(sizes=(1, 2, 3, 4)), "1N 3NN 5TTT", (4, 3)),
        (CohortsByDose(sizes=(1, 2, 3, 4)), "1N 3NN 5TTT 4TTT", (3, 2)),
        (CohortsByDose(sizes=(5, 3, 2, 2)), "1NNNNN 3TTT", (2, 3)),
        # a level stays the planned dose that it meant
        (EnoughAtDose(n=6, dose=3), "1NNN 3NNN 5TTT 4NNN 4NNN", (4, 3)),
        (EnoughAtDose(n=6, dose=2), "1NNN 3NNN 5TTT 4TTT 3NNN", ("enough_at_dose", 3)),
        (EnoughAtDose(n=3, dose=3), "1NNN 3NNN 5TTT", ("enough_at_dose", 3)),
    ],
)
def test_rules_on_levels_keep_the_doses_that_they_mean(rule, outcomes, wanted):
    assert answer(inserting(rule), outcomes) == wanted


def test_a_rule_with_a_dose_more():
    sizes = CohortsByDose(sizes=(1, 2, 3))
    assert [sizes.with_dose(position, 1.5).sizes for position in (0, 1, 2)] == [
        (1, 1, 2, 3),
        (1, 2, 2, 3),
        (1, 2, 3, 3),
    ]
    # level 2 is index 1: a dose that stands there or below takes it up
    assert [EnoughAtDose(n=6, dose=2).with_dose(position, 1.5).dose for position in (0, 1, 2)] == [3, 3, 2]
    assert EnoughAtDose(n=6, dose="any").with_dose(0, 1.5) == EnoughAtDose(n=6, dose="any")


def three_plus_three(p, q):
    """P(none, low, between, high) and E[N] of 3+3, six at the MTD, at two doses with rates p, the one between with q.

    A plain recursion over cohorts; `dose` counts low 0, between 1, high 2; `open` are the doses of the trial.
    """

    def b(k, n, rate):
        return math.comb(n, k) * rate**k * (1 - rate) ** (n - k)

    rate = {0: p[0], 1: q, 2: p[1]}

    def go(n, y, dose, doses):
        bad = [d for d in doses if y[d] >= 2]
        if bad:
            doses = (0, 1, 2) if min(bad) == 2 else doses
            below = [d for d in doses if d < min(bad)]
            if not below:
                return end(None, n)
            target = max(below)
            if n[target] >= 6:
                return end(target, n)
            return treat(n, y, target, (3 if n[target] < 3 else 6) - n[target], doses)
        if y[dose] == 1 and n[dose] == 3:
            return treat(n, y, dose, 3, doses)
        above = [d for d in doses if d > dose]
        if above:
            return treat(n, y, min(above), 3, doses)
        return end(dose, n) if n[dose] >= 6 else treat(n, y, dose, 3, doses)

    def treat(n, y, dose, size, doses):
        total = np.zeros(5)
        for k in range(size + 1):
            m, z = dict(n), dict(y)
            m[dose], z[dose] = n[dose] + size, y[dose] + k
            total += b(k, size, rate[dose]) * go(m, z, dose, doses)
        return total

    def end(mtd, n):
        value = np.zeros(5)
        value[0 if mtd is None else mtd + 1], value[4] = 1, sum(n.values())
        return value

    empty = {0: 0, 1: 0, 2: 0}
    return treat(empty, empty, 0, 3, (0, 2))


@pytest.mark.parametrize(("p", "q"), [((0.1, 0.4), 0.2), ((0.05, 0.6), 0.3), ((0.3, 0.35), 0.32)])
def test_exact_against_a_plain_recursion(p, q):
    design = OnGrid(ThreePlusThree(doses=2, target=0.25), (1.0, 2.0, 4.0), (0, 2), inserts=True)
    scenarios = make_scenarios([[p[0], q, p[1]]], ["a"], ["1", "1.5", "2"])
    oc = operating_characteristics(judged(Exact()(design, scenarios), MTDRule(target=0.25))).isel(scenario=0)
    found = [float(oc["no_selection"]), *oc["selection"].to_numpy(), float(oc["sample_size"])]
    np.testing.assert_allclose(found, three_plus_three(p, q), atol=1e-12)


INSERTING = {
    "3+3": THREE,
    "ATD capped": Modified(
        OnGrid(AcceleratedTitration(doses=4, target=0.25), VALUES, PLANNED, True), (MaxPatients(n=13),)
    ),
    "BOIN": Modified(
        OnGrid(
            Modified(
                BOIN(doses=4, target=0.25),
                (NoSkipping(), CohortsByDose(sizes=(3, 3, 2, 2)), EnoughAtDose(n=9, dose=4)),
            ),
            VALUES,
            PLANNED,
            True,
        ),
        (MaxPatients(n=15),),
    ),
}


@pytest.mark.parametrize("name", INSERTING)
def test_inserting_designs_keep_their_promises(name):
    graph = check_design(INSERTING[name])
    used = graph.state.n[:, [1, 3, 5]]
    assert used.any()
    assert ((used > 0).sum(axis=1) <= 1).all()


@pytest.mark.parametrize("name", INSERTING)
def test_exact_against_simulation(name):
    design = INSERTING[name]
    scenarios = make_scenarios([RATES], ["a"], [str(j) for j in range(7)])
    rule = MTDRule(target=0.25)
    exact = operating_characteristics(judged(Exact()(design, scenarios), rule)).isel(scenario=0)
    drawn = operating_characteristics(judged(Simulate(trials=20_000, seed=7)(design, scenarios), rule)).isel(scenario=0)
    for measure in ("selection", "patients", "dlts"):
        error = np.maximum(drawn[f"{measure}_mcse"], 1e-9)
        assert float((abs(exact[measure] - drawn[measure]) / error).max()) < 4.6


def test_what_cannot_insert_is_refused():
    crm = CRM(doses=4, target=0.25, skeleton=(0.1, 0.2, 0.3, 0.4))
    with pytest.raises(Faults, match="wanted a design that excludes doses"):
        OnGrid(crm, VALUES, PLANNED, inserts=True)
    with pytest.raises(Faults, match='after_dlt = "fill"'):
        OnGrid(AcceleratedTitration(doses=4, target=0.25, after_dlt="three_new"), VALUES, PLANNED, inserts=True)


# The doses of a study


def test_the_grid_of_the_registered_doses():
    doses = Doses(
        labels=("0.15", "0.5", "1.5", "4.5"), values=(0.15e9, 0.5e9, 1.5e9, 4.5e9), unit="cells", insertable="midpoints"
    )
    grid = doses.grid()
    assert grid.labels == ("0.15", "0.274", "0.5", "0.866", "1.5", "2.6", "4.5")
    np.testing.assert_allclose(
        grid.values[1::2], [math.sqrt(0.075) * 1e9, math.sqrt(0.75) * 1e9, math.sqrt(6.75) * 1e9]
    )
    assert doses.planned() == (0, 2, 4, 6)


@pytest.mark.parametrize("wrong", [(0.5,), (5.0,), (1.2, 1.5), (2.0,), "middle", (2.5, 1.5)])
def test_insertable_doses_lie_between_planned_ones(wrong):
    with pytest.raises(Faults, match="insertable"):
        Doses(labels=("a", "b", "c"), values=(1.0, 2.0, 4.0), unit="mg", insertable=wrong)
    assert Doses(labels=("a", "b", "c"), values=(1.0, 2.0, 4.0), unit="mg", insertable=(1.5, 3.0)).planned() == (
        0,
        2,
        4,
    )


def test_insertable_doses_want_numbers():
    with pytest.raises(Faults, match=r"wanted doses.values too"):
        Doses(labels=("a", "b"), insertable="midpoints")


STUDY = """
title = "t"
target = 0.25
[doses]
labels = ["1", "2", "4"]
values = [1.0, 2.0, 4.0]
unit = "mg"
insertable = [3.0]
[posterior]
model = "blrm"
reference_dose = 2.0
[scenarios]
"a" = [0.05, 0.15, 0.45]
"b" = [0.10, 0.30, 0.50]
[designs."3+3"]
kind = "three_plus_three"
[designs."3+3 inserting"]
kind = "three_plus_three"
inserts = true
[designs."CRM"]
kind = "crm"
skeleton = { prior_mtd = 2, halfwidth = 0.05 }
modifiers = [{ kind = "max_patients", n = 12 }]
"""


def test_a_comparison_with_an_insertable_dose():
    study = parse_study(STUDY)
    again = parse_study(study.to_toml())
    assert again == study
    assert again.hash == study.hash
    ds = compare(study)
    assert ds["dose"].to_numpy().tolist() == ["1", "2", "3", "4"]
    assert ds["planned"].to_numpy().tolist() == [True, True, False, True]
    between = ds["p_dlt"].sel(scenario="a").to_numpy()
    assert 0.15 < between[2] < 0.45
    np.testing.assert_array_equal(between[[0, 1, 3]], [0.05, 0.15, 0.45])
    # closest to 0.25 on the planned doses is 0.15 (dose 2) in a; of all doses it is the one between, at 0.27
    assert abs(between[2] - 0.25) < 0.05
    assert not ds["acceptable"].sel(dose="3").any()
    inserting = ds.sel(design="3+3 inserting", scenario="a")
    assert float(inserting["selection"].sel(dose="3")) > 0.2
    assert float(inserting["correct_selection_of_all"]) == pytest.approx(float(inserting["selection"].sel(dose="3")))
    assert float(inserting["correct_selection"]) == pytest.approx(float(inserting["selection"].sel(dose="2")))
    assert not ds["patients"].sel(design=["3+3", "CRM"], dose="3").any()
    plain = parse_study(STUDY.replace("insertable = [3.0]\n", "").replace("inserts = true\n", ""))
    few = compare(plain)
    for measure in ("correct_selection", "sample_size", "overdosed", "benchmark_correct_selection"):
        np.testing.assert_allclose(ds[measure].sel(design=["3+3", "CRM"]), few[measure].sel(design=["3+3", "CRM"]))


def test_what_is_right_stands_where_the_planned_doses_stand():
    """Four doses, the third of them inserted: what would be closest to the target there is not right."""
    p = np.array([[0.05, 0.15, 0.25, 0.45], [0.02, 0.05, 0.15, 0.25], [0.01, 0.02, 0.25, 0.40], [0.5, 0.6, 0.7, 0.8]])
    right, mtd = judged_on(MTDRule(0.25), p, np.array([0, 1, 3]))
    assert mtd.tolist() == [1, 3, 3, NONE]
    assert [np.flatnonzero(row).tolist() for row in right] == [[1], [3], [3], []]


def test_the_findings_are_on_planned_doses():
    ds = compare(
        parse_study(
            STUDY.replace(
                'kind = "three_plus_three"\n[',
                'kind = "three_plus_three"\nmodifiers = [{ kind = "max_patients", n = 10 }]\n[',
                1,
            )
        )
    )
    said = " ".join(findings(ds))
    assert "3+3 stops at 10 patients and cannot declare 4 mg the MTD under any truth." in said
    assert "declare 3 mg" not in said


def test_faults_of_insertion_have_their_place():
    with pytest.raises(Faults, match=r'designs."3\+3 inserting".inserts: wanted doses.insertable too'):
        parse_study(STUDY.replace("insertable = [3.0]\n", ""))
    with pytest.raises(Faults, match=r"designs.CRM.inserts: wanted a design that excludes doses"):
        parse_study(STUDY.replace('kind = "crm"\n', 'kind = "crm"\ninserts = true\n'))


def test_the_bundled_study_has_no_insertable_dose():
    assert load_study().doses.plan is None
    assert "insertable" not in tomllib.loads(load_study().to_toml())["doses"]
