"""The exact engine against three other routes: the oracle's recursion, closed forms, and enumeration of all paths."""

import itertools
import math

import numpy as np
import pytest
import strategies
from hypothesis import given, settings
from hypothesis import strategies as st

from doseopt import ThreePlusThree
from doseopt.core.state import NONE, TrialState
from doseopt.core.trial import advance, selected, step
from doseopt.engines.exact import Exact, edge_weights, ending_weights
from doseopt.engines.graph import graph_of
from doseopt.scenarios import make_scenarios

RATES = [(0.05, 0.15, 0.30, 0.45), (0.30, 0.20, 0.55, 0.40), (0.0, 0.0, 1.0, 1.0)]
MODERATE = (0.10, 0.20, 0.30, 0.40)


def three_plus_three(**options):
    return "3+3", {"doses": 4, "target": 0.25, **options}, {}


def accelerated(**options):
    return "atd", {"doses": 4, "target": 0.25, **options}, {}


def boin(cap=15, **options):
    modifiers = {name: options.pop(name) for name in list(options) if name in MODIFIERS}
    return "boin", {"doses": 4, "target": 0.3, **options}, {**modifiers, "cap": cap}


def crm(cap=12, **options):
    modifiers = {name: options.pop(name) for name in list(options) if name in MODIFIERS}
    options = {"doses": 4, "target": 0.25, "skeleton": strategies.SKELETON[:4], **options}
    return "crm", options, {**modifiers, "cap": cap}


def modified(spec, **modifiers):
    return spec[0], spec[1], {**spec[2], **modifiers}


MODIFIERS = ("no_skipping", "coherent", "too_toxic", "enough", "run_in")
FLAT, STEEP = (0.22, 0.25, 0.28, 0.31), (0.01, 0.03, 0.08, 0.33)  # jumps by several levels; goes up after a DLT
R_RULES = {"no_skipping": "last", "coherent": "cohort"}
SPECS = [
    three_plus_three(),
    three_plus_three(confirm_top=False),
    three_plus_three(confirm_top=False, on_descent="declare"),
    three_plus_three(on_descent="six"),
    three_plus_three(on_descent="six", confirm_top=False),
    three_plus_three(start=2),
    three_plus_three(start=3, on_descent="six"),
    modified(three_plus_three(), cap=10),
    modified(three_plus_three(mtd_at_cap="not_excluded"), cap=10),
    modified(three_plus_three(), cap=11, too_toxic=(0.8, None), enough=(6, "any", False)),
    modified(three_plus_three(), run_in=(2, False)),
    modified(three_plus_three(), run_in=(3, True)),
    modified(three_plus_three(), coherent="cohort", no_skipping="last"),
    accelerated(),
    accelerated(titrate=0),
    accelerated(titrate=4),
    accelerated(titrate=3, titration_cohort=2),
    accelerated(titrate=2, titration_cohort=4, on_descent="six"),
    accelerated(titrate=2, after_dlt="three_new"),
    accelerated(titrate=4, after_dlt="three_new", titration_cohort=2, on_descent="six"),
    accelerated(titrate=4, after_dlt="three_new"),
    accelerated(titrate=2, after_dlt="three_new", on_descent="declare", confirm_top=False),
    accelerated(trigger="first_moderate"),
    accelerated(titrate=3, trigger="second_moderate"),
    accelerated(titrate=4, trigger="second_moderate", titration_cohort=2, after_dlt="three_new"),
    modified(accelerated(trigger="second_moderate", titrate=3, mtd_at_cap="not_excluded"), cap=10),
    modified(accelerated(), cap=10),
    modified(accelerated(), cap=10, too_toxic=(0.7, None)),
    modified(accelerated(mtd_at_cap="not_excluded", after_dlt="three_new"), cap=7),
    boin(),
    boin(cohort=2, cap=11),
    boin(cohort=1, cap=9),
    boin(start=3),
    boin(extra_safe=True, bounded=True),
    boin(tie="stay", target=0.2, tox=1.4, cutoff=0.8),
    boin(tie="stay", target=0.25, tox=3.0, cohort=2),
    boin(tie="deescalate", target=0.25, tox=3.0, cohort=2),
    boin(titration=True),
    boin(titration=True, cohort=2, cap=10, enough=(6, "recommended", True)),
    boin(titration=True, cohort=1, cap=8),
    boin(eliminate_from=1, cutoff=0.9),
    boin(eliminate_from=1, target=0.2, titration=True),
    boin(eliminate_from=1, target=0.2, run_in=(3, True)),
    boin(enough=(6, "recommended", False)),
    boin(enough=(6, "recommended", True)),
    boin(enough=(6, "any", True)),
    boin(enough=(4, 2, False), too_toxic=(0.6, 0.2)),
    boin(run_in=(3, True), no_skipping="highest", coherent="dose"),
    boin(run_in=(4, False), start=2, enough=(9, "recommended", True)),
    crm(**R_RULES),
    crm(estimate="mean"),
    crm(skeleton=FLAT, start=4, no_skipping="highest"),
    crm(skeleton=FLAT, start=4, no_skipping="last"),
    crm(skeleton=STEEP, target=1 / 3, coherent="cohort"),
    crm(skeleton=STEEP, target=1 / 3, coherent="dose"),
    crm(model="logistic", **R_RULES),
    crm(model="logistic", estimate="mean", intercept=2.0, coherent="dose", no_skipping="highest"),
    crm(cohort=1, cap=9, **R_RULES),
    crm(cohort=2, cap=11, select_untried=False, start=3),
    crm(run_in=(3, True), too_toxic=(0.8, None)),
    crm(run_in=(2, False), too_toxic=(0.6, 0.35), model="logistic", enough=(5, "recommended", False)),
    crm(enough=(6, 1, False), prior_sd=0.6, **R_RULES),
    crm(enough=(4, "any", False), estimate="mean", select_untried=False, **R_RULES),
]


def summary(design, scenarios):
    """P(none, 1..D), E[n_j], E[y_j] of the exact engine, [R, D + 1], [R, D], [R, D]."""
    outcomes = Exact()(design, scenarios)
    weight = outcomes["weight"].to_numpy()
    choice = outcomes["selected"].to_numpy()[:, None] == np.arange(NONE, design.facts.doses)
    return weight @ choice, weight @ outcomes["n"].to_numpy(), weight @ outcomes["y"].to_numpy()


def compare(spec, rates, moderate):
    trials = strategies.trials_of(spec)
    scenarios = make_scenarios(rates, p_moderate=np.tile(moderate, (len(rates), 1)))
    found = summary(strategies.design_of(spec), scenarios)
    wanted = [trials.evaluate(p, moderate) for p in rates]
    for part, each in zip(found, zip(*wanted, strict=True), strict=True):
        np.testing.assert_allclose(part, np.array(each), rtol=0, atol=1e-10)


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_the_exact_engine_agrees_with_the_recursion_on_chosen_designs(spec):
    compare(spec, [*RATES, *strategies.random_rates(4, 2, seed=20261123).tolist()], MODERATE)


@settings(deadline=None, derandomize=True, max_examples=120)
@given(data=st.data(), spec=strategies.specs())
def test_the_exact_engine_agrees_with_the_recursion_on_drawn_designs(data, spec):
    doses = spec[1]["doses"]
    compare(spec, [data.draw(strategies.rates(doses))], data.draw(strategies.rates(doses)))


def lin_and_shih(p, descent):
    """P(none, 1..D) of 3+3 without and with de-escalation, the top dose accepted after 0/3 (Lin & Shih 2001)."""
    b = [[math.comb(3, k) * x**k * (1 - x) ** (3 - k) for k in range(4)] for x in p]
    up0 = [x[0] for x in b]
    up1 = [x[1] * x[0] for x in b]
    doses = len(p)
    reach = [math.prod(up0[j] + up1[j] for j in range(k)) for k in range(doses + 1)]
    if not descent:
        stops = [1 - up0[j] - up1[j] for j in range(doses)]
        return [reach[j] * stops[j] for j in range(doses)] + [reach[doses]]
    # Going down to a dose with 3 patients (all without DLT) fills it to 6: accepted with 0 or 1 DLT in these 3.
    keeps = [x[0] + x[1] for x in b]
    result = [0.0] * (doses + 1)
    result[doses] = reach[doses]
    for k in range(doses):  # the trial turns back at dose k (from 0)
        mass = reach[k] * (1 - up0[k] - up1[k])
        for j in range(k - 1, -1, -1):
            share = up0[j] / (up0[j] + up1[j])  # escalated on 0/3, so it has three patients
            result[j + 1] += mass * (1 - share + share * keeps[j])
            mass *= share * (1 - keeps[j])
        result[0] += mass
    return result


@pytest.mark.parametrize("descent", [False, True])
def test_three_plus_three_agrees_with_the_closed_forms_of_lin_and_shih(descent):
    rates = strategies.random_rates(6, 20, seed=7)
    design = ThreePlusThree(
        doses=6, target=0.25, confirm_top=False, on_descent="three_then_six" if descent else "declare"
    )
    found, _, _ = summary(design, make_scenarios(rates))
    np.testing.assert_allclose(found, [lin_and_shih(p, descent) for p in rates.tolist()], rtol=0, atol=1e-13)


def paths(design, state, p, moderate, weight=1.0):
    """Every path of cohort outcomes from a state: (weight, n, y, selected), nothing merged."""
    decision = step(design, state)
    if decision.stop[0]:
        chosen = int(selected(design, state, decision.stop)[0])
        yield weight, state.n[0].tolist(), state.y[0].tolist(), chosen
        return
    size, dose = int(decision.size[0]), int(decision.dose[0])
    q = p[dose], *((1 - p[dose],) if design.facts.outcomes.graded is False else ())
    if design.facts.outcomes.graded:
        q = p[dose], (1 - p[dose]) * moderate[dose], (1 - p[dose]) * (1 - moderate[dose])
    for way in itertools.product(range(size + 1), repeat=len(design.facts.outcomes)):
        if sum(way) == size:
            orders = math.factorial(size) // math.prod(math.factorial(k) for k in way)
            chance = orders * math.prod(x**k for x, k in zip(q, way, strict=True))
            after = advance(design, state, decision, np.array([way]))
            yield from paths(design, after, p, moderate, weight * chance)


SMALL = [
    ThreePlusThree(doses=3, target=0.25),
    *(
        strategies.design_of(spec)
        for spec in (
            modified(accelerated(doses=3, titrate=2, trigger="second_moderate"), cap=7),
            ("boin", {"doses": 3, "target": 0.3}, {"cap": 12, "coherent": "cohort"}),
            ("boin", {"doses": 3, "target": 0.3, "titration": True}, {"cap": 9}),
            ("crm", {"doses": 3, "target": 0.3, "skeleton": (0.1, 0.2, 0.35)}, {"cap": 12, **R_RULES}),
            ("crm", {"doses": 3, "target": 0.3, "skeleton": (0.1, 0.2, 0.35)}, {"cap": 9, "run_in": (2, True)}),
        )
    ),
]


@pytest.mark.parametrize("design", SMALL, ids=str)
def test_the_exact_engine_agrees_with_the_enumeration_of_all_paths(design):
    p, moderate = (0.12, 0.33, 0.5), (0.2, 0.3, 0.4)
    found = list(paths(design, TrialState.empty(3, len(design.facts.memory)), p, moderate))
    weight = np.array([f[0] for f in found])
    choice = np.array([[f[3] == k for k in range(NONE, 3)] for f in found])
    wanted = weight @ choice, weight @ np.array([f[1] for f in found]), weight @ np.array([f[2] for f in found])
    for part, each in zip(summary(design, make_scenarios([p], p_moderate=[moderate])), wanted, strict=True):
        np.testing.assert_allclose(part[0], each, rtol=0, atol=1e-12)
    assert graph_of(design).counts()["paths"] == len(found)


@pytest.mark.parametrize(
    "spec", [spec for spec in SPECS if strategies.design_of(spec).facts.outcomes.graded is False], ids=str
)
def test_ending_weights_are_the_edge_weights_of_the_endings(spec):
    graph = graph_of(strategies.design_of(spec))
    p = np.array([*RATES, *strategies.random_rates(4, 3, seed=3).tolist(), (1.0, 1.0, 0.0, 0.5)])
    direct, by_edge = ending_weights(graph, p), edge_weights(graph, p)[:, graph.ending]
    np.testing.assert_allclose(direct, by_edge, rtol=1e-11, atol=1e-15)
