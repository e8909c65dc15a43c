"""What an optimal policy may and does choose at exact equality: coherence at the target, moves that are worth the same.

One truth, so that every value is a product of binomial probabilities.
"""

import pytest
from scipy.stats import binom
from test_behaviour import answer

from doseopt import Coherent, Exact, TooToxic, Utility, judged
from doseopt.attainable import Rules, bayes_optimal
from doseopt.beliefs import belief_of_rates
from doseopt.core.trial import after
from doseopt.designs.modified import Modified
from doseopt.engines.graph import build_graph
from doseopt.measures.expected import expected_utility
from doseopt.scenarios import MTDRule


def climbing(target, cohort, cohorts, p=0.2):
    """Two doses, the upper one right and to be tried before it is selected: the value is the chance to escalate."""
    belief = belief_of_rates([[p * target, target]])
    rules = Rules(cohorts * cohort, cohort=cohort, coherent=True, select_untried=False)
    return belief, bayes_optimal(belief, MTDRule(target), rules)


# cohort x target is a whole number of DLTs; 0.28 x 25 and 0.14 x 50 exceed it in floats
EQUAL = [(2, 0.5), (4, 0.25), (3, 1 / 3), (5, 0.2), (5, 0.4), (10, 0.1), (10, 0.3), (12, 0.25), (25, 0.28), (50, 0.14)]


@pytest.mark.parametrize(("cohort", "target"), EQUAL)
@pytest.mark.parametrize("cohorts", [2, 3])
def test_a_dlt_fraction_equal_to_the_target_is_toxic(cohort, target, cohorts):
    belief, found = climbing(target, cohort, cohorts)
    toxic = round(cohort * target)
    clean = binom.cdf(toxic - 1, cohort, 0.2 * target)
    # of the cohorts before the last one at least one must have fewer DLTs than the target asks
    assert found.value == pytest.approx(1 - (1 - clean) ** (cohorts - 1), abs=1e-12)
    outcomes = judged(Exact()(found.design, belief.scenarios), MTDRule(target))
    assert expected_utility(outcomes, Utility()).item() == pytest.approx(found.value, abs=1e-12)


@pytest.mark.parametrize(("cohort", "target"), EQUAL)
def test_the_policy_stays_after_a_cohort_with_a_dlt_fraction_equal_to_the_target(cohort, target):
    _, found = climbing(target, cohort, 3)
    toxic = round(cohort * target)
    at = "1" + "T" * toxic + "N" * (cohort - toxic)
    fewer = "1" + "T" * (toxic - 1) + "N" * (cohort - toxic + 1)
    assert answer(found.design, at) == (1, cohort)
    assert answer(found.design, fewer) == (2, cohort)
    # as the modifier of the same name sees it
    coherent = Modified(found.design, (Coherent(),))
    for outcomes, remembered in ((at, 1), (fewer, 0)):
        assert after(found.design, outcomes).memory[0, 0] == after(coherent, outcomes).memory[0, -1] == remembered


def test_of_moves_worth_the_same_the_trial_stops():
    found = bayes_optimal(belief_of_rates([[0.1, 0.25, 0.5]]), MTDRule(0.25), Rules(9, cohort=2, start=2))
    graph = build_graph(found.design, edges=True)
    assert graph.state.total.max() == 2
    assert found.value == pytest.approx(1)


@pytest.mark.parametrize("skipping", [False, True])
def test_of_moves_worth_the_same_that_do_not_stop_the_lowest_dose_is_given(skipping):
    rules = Rules(7, cohort=2, start=2, early_stop=False, no_skipping=not skipping)
    found = bayes_optimal(belief_of_rates([[0.1, 0.25, 0.5]]), MTDRule(0.25), rules)
    graph = build_graph(found.design, edges=True)
    going = (graph.decision.stop == 0) & graph.state.started
    assert going.any()
    assert (graph.decision.dose[going] == 0).all()
    assert set(graph.state.total[graph.ending]) == {7}


def test_of_selections_worth_the_same_none_and_then_the_lowest_dose_is_taken():
    """After a DLT both truths are as likely, 2/3 x 1/4 = 1/3 x 1/2 and 2/3 x 1/2 = 1/3 x 1, in floats too."""
    doses = bayes_optimal(belief_of_rates([[0.25, 0.5], [0.5, 0.75]], [2, 1]), MTDRule(0.5), Rules(1)).design
    assert (answer(doses, "1T"), answer(doses, "1N")) == (("complete", 1), ("complete", 2))
    none = bayes_optimal(belief_of_rates([[0.5, 0.75], [1.0, 1.0]], [2, 1]), MTDRule(0.5), Rules(1)).design
    assert (answer(none, "1T"), answer(none, "1N")) == (("complete", None), ("complete", 1))


@pytest.mark.parametrize(("gain", "goes_on"), [(1e-6, True), (1e-10, True), (1e-13, False)])
def test_a_gain_up_to_1e_12_is_none(gain, goes_on):
    """Rates (0, 0) or, with a chance of `gain`, (0, 1): one patient at the second dose tells which, none at the first.

    By the rule `highest_below` the second dose is right, or else the first.
    """
    belief = belief_of_rates([[0, 0], [0, 1]], [1 - gain, gain])
    found = bayes_optimal(belief, MTDRule(0.25, "highest_below"), Rules(2))
    assert answer(found.design, "1N") == ((2, 1) if goes_on else ("complete", 2))
    assert found.value == pytest.approx(1 if goes_on else 1 - gain, abs=1e-14)


@pytest.mark.parametrize(("above", "value"), [(None, 0.784), (0.3, 0.784), (0.5, 0.973)])
def test_a_safety_stop_without_a_rate_of_its_own_is_about_the_target(above, value):
    """One dose, three patients, a true rate of 0.3, which is right: selected unless the safety rule stops the trial.

    Pr(p > 0.3 | 2 of 3) is 0.916 under Beta(1, 1), Pr(p > 0.5 | 2 of 3) 0.6875, and that of 3 of 3 0.9375.
    """
    rules = Rules(3, cohort=3, too_toxic=TooToxic(0.9, above))
    found = bayes_optimal(belief_of_rates([[0.3]]), MTDRule(0.3), rules)
    assert found.value == pytest.approx(value, abs=1e-12)
    assert answer(found.design, "1NTT")[0] == ("complete" if above == 0.5 else "too_toxic")
