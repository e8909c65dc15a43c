"""When a dose may be named, in one place; and the selection by the probability that a dose is the MTD."""

import dataclasses
import itertools

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta, norm

from doseopt import BLRM, BMACRM, BOIN, CRM, AcceleratedTitration, ThreePlusThree
from doseopt.core.definition import SIX_AT_CAP, TRIED, Names
from doseopt.core.parameters import Faults
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients, NoSkipping
from doseopt.designs.naming import Naming
from doseopt.designs.selecting import Selecting
from doseopt.engines.exact import Exact
from doseopt.engines.graph import build_graph
from doseopt.models.beta import BetaBinomial
from doseopt.scenarios import MTDRule, make_scenarios
from doseopt.study.definitions import retargeted
from doseopt.study.file import parse_study
from doseopt.study.most_probable import MostProbable

SKELETON = (0.1, 0.2, 0.35)
CRM3 = CRM(doses=3, target=0.3, skeleton=SKELETON)
BLRM3 = BLRM(doses=3, target=0.3, dose_values=(1.0, 2.0, 4.0), reference_dose=2.0, unit="mg")
THREE = ThreePlusThree(doses=3, target=0.3)
CAP = MaxPatients(n=9)


def selection(design, *rules):
    found = Exact()(Modified(design, (*rules, CAP)), make_scenarios([[0.05, 0.25, 0.6], [0.4, 0.5, 0.6]], ["a", "b"]))
    weight, selected = found["weight"].to_numpy(), found["selected"].to_numpy()
    return np.array([(weight * (selected == j)).sum(axis=1) for j in range(-1, 3)])


@pytest.mark.parametrize(
    "design", [CRM3, dataclasses.replace(BLRM3, feasibility=1.0, rule="mean"), BMACRM(doses=3, target=0.3)]
)
def test_no_untried_dose_is_a_rule_of_naming(design):
    old = selection(dataclasses.replace(design, select_untried=False), NoSkipping())
    np.testing.assert_allclose(selection(Naming(design, TRIED), NoSkipping()), old, rtol=0, atol=1e-12)
    assert abs(selection(design, NoSkipping()) - old).max() > 0.01


@pytest.mark.parametrize(
    "base",
    [
        THREE,
        dataclasses.replace(THREE, on_descent="six"),
        dataclasses.replace(THREE, on_descent="declare", confirm_top=False),
        AcceleratedTitration(doses=3, target=0.3),
    ],
)
@pytest.mark.parametrize(("key", "names"), [("definition", SIX_AT_CAP), ("not_excluded", TRIED)])
def test_the_mtd_at_the_cap_is_a_rule_of_naming(base, key, names):
    """`TRIED` at the cap: the highest dose tried that is not excluded."""
    names = dataclasses.replace(names, unless_complete=True)
    other = dataclasses.replace(base, mtd_at_cap="definition" if key == "not_excluded" else "not_excluded")
    old = selection(dataclasses.replace(base, mtd_at_cap=key))
    np.testing.assert_allclose(selection(Naming(other, names)), old, rtol=0, atol=1e-12)
    assert abs(selection(other) - old).max() > 0.01


@pytest.mark.parametrize("otherwise", ["none", "best"])
def test_names_by_hand(otherwise):
    """BOIN, every ending: the isotonic choice if it has 3 patients and at most 1 DLT, else none or the next best."""
    base, names = BOIN(doses=3, target=0.3, cohort=2), Names(3, dlts=1, otherwise=otherwise)
    graph = build_graph(Modified(Naming(base, names), (CAP,)), edges=True)
    different = 0
    for i, found in zip(graph.ending, graph.selected, strict=True):
        state = graph.state[np.array([i])]
        toxic = graph.design.facts.stops[graph.decision.stop[i] - 1] == "too_toxic"
        met = [n >= 3 and y <= 1 for n, y in zip(state.n[0].tolist(), state.y[0].tolist(), strict=True)]
        estimate = base.estimated(state)[0]
        known = [j for j in range(3) if not np.isnan(estimate[j])]
        order = sorted(known, key=lambda j: (round(abs(estimate[j] - 0.3), 12), j))
        if otherwise == "best":
            order = [j for j in order if met[j]]
        wanted = -1 if toxic or not order or not met[order[0]] else order[0]
        assert found == wanted
        different += bool(order) and order[0] != found
    assert (different > 0) == (otherwise == "none")


def test_a_design_that_cannot_choose_among_doses_names_none_otherwise():
    from doseopt.designs.rolling_six import RollingSix

    with pytest.raises(Faults, match="does not say which of some doses is the best"):
        Naming(RollingSix(doses=3, target=0.3), TRIED)


# Pr(dose is the MTD)


def closest(p):
    return int(np.argmin(np.abs(np.asarray(p) - 0.3)))


@pytest.mark.parametrize(("n", "y"), [((3, 3, 0), (0, 1, 0)), ((3, 6, 3), (0, 2, 2)), ((6, 0, 0), (3, 0, 0))])
def test_under_a_crm_it_is_the_mass_of_the_slope(n, y):
    """p_j = s_j^exp(b): of b ~ N(0, 1.34), the mass where a dose is the closest, none where p_1 > 0.4."""
    sd = CRM3.prior_sd

    def density(b):
        p = np.array(SKELETON) ** np.exp(b)
        return norm.pdf(b, scale=sd) * np.prod(p ** np.array(y) * (1 - p) ** (np.array(n) - np.array(y)))

    def which(b):
        p = np.array(SKELETON) ** np.exp(b)
        return 0 if p[0] > 0.4 else 1 + closest(p)

    grid = np.linspace(-6, 6, 4001)
    cuts = [grid[0], *(_root(which, a, b) for a, b in itertools.pairwise(grid) if which(a) != which(b)), 6.0]
    mass = np.zeros(4)
    for a, b in itertools.pairwise(cuts):
        mass[which((a + b) / 2)] += quad(density, a, b, epsabs=1e-14, limit=200)[0]
    rule = MostProbable(CRM3.curve, MTDRule(0.3))
    state = _state(n, y)
    np.testing.assert_allclose(rule.chances(state)[0], mass / mass.sum(), atol=5e-4)
    none = mass[0] > mass[1:].max()
    assert rule.select(state, np.zeros(1, int)).item() == (-1 if none else int(mass[1:].argmax()))
    assert dataclasses.replace(rule, none=False).select(state, np.zeros(1, int)).item() == int(mass[1:].argmax())


def _root(which, low, high):
    left = which(low)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if which(middle) == left else (low, middle)
    return low


def _state(n, y):
    from doseopt.core.state import TrialState

    return TrialState(np.array([n]), np.array([y]), np.array([1]), np.zeros((1, 0), int))


def test_of_independent_doses_it_is_a_sum_of_products():
    """The highest of at most 0.3: dose 3 if p_3 <= 0.3, dose 2 if p_2 <= 0.3 < p_3; p_1 of at most 0.4."""
    n, y = (3, 6, 3), (0, 1, 2)
    rule = MostProbable(BetaBinomial(3, 0.5, 1.0), MTDRule(0.3, "highest_below"))
    first, second, third = (beta(0.5 + b, 1 + a - b) for a, b in zip(n, y, strict=True))
    open_ = first.cdf(0.4)
    wanted = [open_ * third.cdf(0.3), open_ * third.sf(0.3) * second.cdf(0.3)]
    np.testing.assert_allclose(rule.chances(_state(n, y))[0, [3, 2]], wanted, atol=1e-12)


STUDY = """
title = "t"
target = 0.3
[mtd]
rule = "highest_below"
also = [{ name = "lower", rule = "closest", target = 0.2 }]
[doses]
values = [1, 2, 4]
unit = "mg"
[scenarios]
a = [0.1, 0.2, 0.4]
[designs.crm]
kind = "crm"
skeleton = [0.1, 0.2, 0.35]
selection = { kind = "most_probable" }
names = { at_least = 3, otherwise = "best" }
modifiers = [{ kind = "max_patients", n = 6 }]
[designs.boin]
kind = "boin"
selection = { kind = "most_probable", prior = [0.5, 1], none = false }
modifiers = [{ kind = "max_patients", n = 6 }]
"""


def test_the_study_file_says_it_and_back_under_its_definition_of_right():
    study = parse_study(STUDY)
    again = parse_study(study.to_toml())
    assert again == study
    assert again.hash == study.hash
    selector = study.designs["boin"].base.selector
    assert selector == MostProbable(BetaBinomial(3, 0.5, 1.0), study.mtd, none=False)
    crm = study.designs["crm"].base
    assert isinstance(crm.base, Selecting)
    assert crm.definition == Names(3, otherwise="best")
    moved = retargeted(study.designs, 0.2, 0.3, study.doses, None)
    assert moved["boin"].base.selector.rule == study.mtd.at(0.2)


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("[0.5, 1]", "[0.5]", r"designs.boin.selection.prior: wanted \[a, b\]"),
        ('"most_probable" }', '"most_probable", prior = [1, 1] }', "wanted it for a design without a model of its own"),
        ("none = false", "non = false", r"selection.non: unknown key; did you mean 'none'"),
        ('otherwise = "best"', 'otherwise = "beast"', "names.otherwise: wanted one of 'none', 'best'"),
        ("none = false }", 'none = false }\ndrop = ["1"]', "wanted a design on the planned doses"),
    ],
)
def test_faults_have_their_place(right, wrong, message):
    with pytest.raises(Faults, match=message):
        parse_study(STUDY.replace(right, wrong, 1))
