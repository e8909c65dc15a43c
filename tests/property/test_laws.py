"""Laws that every design and the engine keep, whatever their numbers."""

import copy
import itertools
import pickle

import numpy as np
import pytest
import strategies
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from doseopt import BOIN, CRM, AcceleratedTitration, ThreePlusThree
from doseopt.core.state import CONTINUE, NONE, TrialState
from doseopt.core.trial import advance, after, step
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, EnoughAtDose, MaxPatients, NoSkipping, RunIn, TooToxic
from doseopt.engines.cohort_outcomes import cohort_outcomes
from doseopt.engines.exact import Exact, edge_weights, ending_weights
from doseopt.engines.graph import build_graph
from doseopt.scenarios import make_scenarios

EXAMPLES = settings(deadline=None, derandomize=True, max_examples=60)
SKELETON = strategies.SKELETON[:4]
DESIGNS = {
    "3+3": ThreePlusThree(doses=4, target=0.25),
    "3+3 declare": ThreePlusThree(doses=4, target=0.25, on_descent="declare", confirm_top=False),
    "ATD": AcceleratedTitration(doses=4, target=0.25),
    "ATD graded": Modified(
        AcceleratedTitration(doses=4, target=0.25, titrate=3, trigger="second_moderate"), (MaxPatients(12),)
    ),
    "BOIN": Modified(BOIN(doses=4, target=0.25), (MaxPatients(15), EnoughAtDose(n=9, only_if_staying=True))),
    "BOIN titration": Modified(BOIN(doses=4, target=0.3, titration=True), (MaxPatients(12),)),
    "CRM": Modified(
        CRM(doses=4, target=0.25, skeleton=SKELETON), (NoSkipping(), Coherent(), MaxPatients(15), TooToxic(0.9))
    ),
    "CRM mean": Modified(
        CRM(doses=4, target=0.25, skeleton=SKELETON, estimate="mean", model="logistic"),
        (NoSkipping(relative_to="highest"), Coherent(scope="dose"), MaxPatients(12), TooToxic(0.9), RunIn(levels=2)),
    ),
}
each_design = pytest.mark.parametrize("design", DESIGNS.values(), ids=DESIGNS)


def scenarios_of(rates, moderate=0.2):
    rates = np.atleast_2d(rates)
    return make_scenarios(rates, p_moderate=np.full(rates.shape, moderate))


def expectations(outcomes, doses):
    """P(none, 1..D), E[n_j], E[y_j] side by side, [R, 3 D + 1]."""
    choice = outcomes["selected"].to_numpy()[:, None] == np.arange(NONE, doses)
    columns = np.concatenate([choice, outcomes["n"].to_numpy(), outcomes["y"].to_numpy()], axis=1)
    return outcomes["weight"].to_numpy() @ columns


def reached(design):
    """All states but the empty one, and the graph."""
    graph = build_graph(design, edges=True)
    return graph.state[graph.state.started], graph


@EXAMPLES
@given(data=st.data(), spec=strategies.specs())
def test_mass_sums_to_one(data, spec):
    design = strategies.design_of(spec)
    p = np.array(
        [data.draw(strategies.rates(design.facts.doses)), *np.eye(design.facts.doses)[:1], np.zeros(design.facts.doses)]
    )
    graph = build_graph(design, edges=True)
    if design.facts.outcomes.graded is False:
        assert np.abs(ending_weights(graph, p).sum(axis=1) - 1).max() <= 1e-12
    moderate = np.array([data.draw(strategies.rates(design.facts.doses))] * 3) if design.facts.outcomes.graded else None
    assert np.abs(edge_weights(graph, p, moderate)[:, graph.ending].sum(axis=1) - 1).max() <= 1e-12
    assert (edge_weights(graph, p, moderate) >= 0).all()


@each_design
def test_a_start_midway_has_total_probability_one(design):
    start = after(design, "1NNN 2NNT")
    outcomes = Exact()(design, scenarios_of([[0.1, 0.2, 0.3, 0.5], [0, 0, 1, 1]]), start)
    assert np.abs(outcomes["weight"].sum("ending") - 1).max() <= 1e-12
    assert (outcomes["n"].to_numpy()[:, :2] >= 3).all()
    assert (outcomes["y"].to_numpy()[:, 1] >= 1).all()


@each_design
def test_expectations_given_the_first_cohorts_make_up_the_unconditional_ones(design):
    p = np.array([0.07, 0.22, 0.31, 0.48])
    q = {2: np.array([p, 1 - p]), 3: np.array([p, (1 - p) * 0.2, (1 - p) * 0.8])}[len(design.facts.outcomes)]
    total = 0.0

    def condition(state, weight, cohorts):
        nonlocal total
        given = step(design, state)
        if cohorts == 0 or given.stop[0] != CONTINUE:
            total = total + weight * expectations(Exact()(design, scenarios_of(p), state), 4)
            return
        for way, orders in zip(
            *cohort_outcomes(int(given.size[0]), len(design.facts.outcomes), design.facts.comers), strict=True
        ):
            chance = orders * np.prod(q[:, given.dose[0]] ** way)
            condition(advance(design, state, given, way[None]), weight * chance, cohorts - 1)

    condition(TrialState.empty(4, len(design.facts.memory)), 1.0, 2)
    np.testing.assert_allclose(total, expectations(Exact()(design, scenarios_of(p)), 4), rtol=0, atol=1e-12)


def table(design):
    """What a design does in each state that it reaches, with the reasons by name."""
    graph = build_graph(design, edges=True)
    reason = np.array(["", *design.facts.stops])[graph.decision.stop]
    going = graph.decision.stop == CONTINUE
    dose, size = graph.decision.dose * going, graph.decision.size * going
    state = graph.state
    chosen = np.full(len(state), NONE)
    chosen[graph.ending] = graph.selected
    return [state.n, state.y, state.dose, state.memory, dose, size, reason, chosen, graph.source, graph.target]


@EXAMPLES
@given(data=st.data(), spec=strategies.specs())
def test_the_order_of_modifiers_does_not_matter(data, spec):
    family, options, modifiers = spec
    shuffled = {name: modifiers[name] for name in data.draw(st.permutations(list(modifiers)))}
    one, other = table(strategies.design_of(spec)), table(strategies.design_of((family, options, shuffled)))
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


def test_every_order_of_six_modifiers_is_the_same_trial():
    six = (NoSkipping(), Coherent(), TooToxic(0.8), EnoughAtDose(n=6), RunIn(levels=2, top_up=True), MaxPatients(9))
    base = CRM(doses=3, target=0.25, skeleton=SKELETON[:3])
    wanted = table(Modified(base, six))
    for order in itertools.islice(itertools.permutations(six), 0, None, 7):  # each rule stands in every place
        for a, b in zip(wanted, table(Modified(base, order)), strict=True):
            np.testing.assert_array_equal(a, b)


@each_design
def test_no_modifiers_change_nothing(design):
    scenarios = scenarios_of([[0.1, 0.2, 0.3, 0.5], [0.3, 0.1, 0.6, 1]])
    bare = Exact()(design, scenarios)
    xr.testing.assert_equal(Exact()(Modified(design, ()), scenarios).drop_attrs(), bare.drop_attrs())


@EXAMPLES
@given(spec=strategies.specs(), seed=st.integers(0, 2**32 - 1))
def test_decisions_do_not_depend_on_the_batch(spec, seed):
    design = strategies.design_of(spec)
    state, graph = reached(design)
    state = state[:400]
    wanted = graph.decision[graph.state.started][:400]
    rng = np.random.default_rng(seed)
    batches = [
        rng.permutation(len(state)),
        rng.integers(0, len(state), 2 * len(state)),
        *np.arange(len(state))[:9, None],
    ]
    batches += np.array_split(rng.permutation(len(state)), 3)
    for rows in batches:
        if len(rows):
            found = design.decide(state[rows])
            for name in ("dose", "size", "stop"):
                np.testing.assert_array_equal(getattr(found, name), getattr(wanted[rows], name))


@each_design
def test_decisions_and_selections_do_not_depend_on_the_batch_at_any_state(design):
    state, graph = reached(design)
    wanted = graph.decision[graph.state.started]
    stop = np.maximum(wanted.stop, 1)
    chosen = design.select(state, stop)
    rng = np.random.default_rng(1)
    for rows in (rng.permutation(len(state)), *np.array_split(rng.permutation(len(state)), 7)):
        found = design.decide(state[rows])
        for name in ("dose", "size", "stop"):
            np.testing.assert_array_equal(getattr(found, name), getattr(wanted[rows], name))
        np.testing.assert_array_equal(design.select(state[rows], stop[rows]), chosen[rows])


@each_design
def test_a_copy_is_the_same_design(design):
    for other in (copy.copy(design), copy.deepcopy(design), pickle.loads(pickle.dumps(design))):
        assert other == design
        assert hash(other) == hash(design)
        for a, b in zip(table(other), table(design), strict=True):
            np.testing.assert_array_equal(a, b)


@EXAMPLES
@given(spec=strategies.specs(("boin", "crm")), scope=st.sampled_from(["cohort", "dose"]))
def test_a_coherent_design_never_escalates_right_after_toxicity(spec, scope):
    family, options, modifiers = spec
    design = strategies.design_of((family, options, {**modifiers, "coherent": scope}))
    graph = build_graph(design, edges=True)
    state, decision = graph.state[graph.target], graph.decision[graph.target]
    if scope == "cohort":
        toxic = graph.category_counts[:, 0] / graph.category_counts.sum(axis=1) >= design.facts.target
    else:
        toxic = state.y[state.at, state.dose] / state.n[state.at, state.dose] > design.facts.target
    assert not (toxic & (decision.stop == CONTINUE) & (decision.dose > state.dose)).any()


@EXAMPLES
@given(spec=strategies.specs(("boin", "crm")), relative_to=st.sampled_from(["last", "highest"]))
def test_a_design_without_skipping_goes_up_one_level_at_most(spec, relative_to):
    family, options, modifiers = spec
    state, graph = reached(strategies.design_of((family, options, {**modifiers, "no_skipping": relative_to})))
    decision = graph.decision[graph.state.started]
    highest = state.dose if relative_to == "last" else state.highest_tried
    assert not ((decision.stop == CONTINUE) & (decision.dose > highest + 1)).any()


@EXAMPLES
@given(spec=strategies.specs(("3+3", "atd")))
def test_three_plus_three_neither_skips_nor_returns_to_an_excluded_dose(spec):
    design = strategies.design_of(spec)
    state, graph = reached(design)
    decision = graph.decision[graph.state.started]
    going = decision.stop == CONTINUE
    assert not (going & (decision.dose > state.dose + 1)).any()
    if spec[1].get("after_dlt") != "three_new":
        excluded = (np.logical_or.accumulate(state.y >= 2, axis=1))[state.at, decision.dose]
        assert not (going & excluded).any()


# Those that select no dose only because the lowest was too toxic; a cap on 3+3 leaves trials undecided that are safe.
ALARMED = ["3+3", "3+3 declare", "ATD", "BOIN", "BOIN titration", "CRM", "CRM mean"]


@pytest.mark.parametrize("name", ALARMED)
def test_more_toxicity_does_not_make_no_selection_less_likely(name):
    p = strategies.random_rates(4, 40, seed=11)
    rng = np.random.default_rng(12)
    share = np.concatenate([np.full((20, 4), 0.1), rng.uniform(0, 0.4, (20, 4))])
    none = [expectations(Exact()(DESIGNS[name], scenarios_of(x)), 4)[:, 0] for x in (p, p + (1 - p) * share)]
    assert (none[1] >= none[0] - 1e-12).all()


def test_a_tie_goes_to_the_lower_dose():
    """At b = 0 the rates are the skeleton, and both doses are 0.05 from the target."""
    nobody = TrialState(*np.zeros((2, 1, 2), np.int64), np.zeros(1, np.int64), np.zeros((1, 0), np.int64))
    assert CRM(doses=2, target=0.25, skeleton=(0.2, 0.3)).decide(nobody).dose[0] == 0
