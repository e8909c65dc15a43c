"""Beliefs: what they weigh, what a study file may say of them, and every fault."""

import dataclasses

import numpy as np
import pytest
from scipy.stats import norm

from doseopt.beliefs import Belief, LogisticFamily, belief_of_rates, logistic_rates
from doseopt.core.parameters import Faults
from doseopt.scenarios import make_scenarios
from doseopt.study.file import load_study, parse_study

STUDY = """
title = "two doses"
target = 0.25
doses = { labels = ["a", "b"] }
[scenarios]
one = [0.1, 0.3]
two = [0.2, 0.4]
[designs."3+3"]
kind = "three_plus_three"
"""


def test_the_rate_is_the_target_at_the_location_and_the_odds_grow_by_the_ratio():
    p = logistic_rates([1.0, 2.5], [3.0, 5.0], 4, 0.2)
    assert p[0, 0] == pytest.approx(0.2, abs=1e-15)
    odds = p / (1 - p)
    assert np.allclose(odds[:, 1:] / odds[:, :-1], [[3.0], [5.0]])
    assert np.sqrt(odds[1, 1] * odds[1, 2]) == pytest.approx(0.25)  # level 2.5, midway in log odds


def test_the_family_has_the_stated_quantiles():
    family = LogisticFamily(location=3.5, location_sd=1.5, odds_ratio=3.0, steepness_sd=0.5, points=200)
    location, ratio = family.parameters()
    assert np.median(location) == pytest.approx(3.5, abs=1e-9)
    assert np.mean(location < 1) == pytest.approx(norm.cdf((1 - 3.5) / 1.5), abs=0.005)
    assert np.mean(location > 4.5) == pytest.approx(norm.sf((4.5 - 3.5) / 1.5), abs=0.005)
    assert np.exp(np.median(np.log(ratio))) == pytest.approx(3.0, rel=1e-3)
    low, high = np.quantile(ratio, [0.05, 0.95])
    assert low == pytest.approx(3 ** np.exp(-0.5 * 1.6449), rel=0.01)
    assert high == pytest.approx(3 ** np.exp(0.5 * 1.6449), rel=0.03)


def test_the_belief_of_the_bundled_study_is_what_its_comment_says():
    study = load_study()
    belief = study.believed()
    assert belief.weights.sum() == pytest.approx(1, abs=1e-12)
    mtd = study.mtd.mtd(belief.p_dlt)
    assert belief.mean(mtd == 3) == pytest.approx(0.479, abs=0.0005)  # about half; by the integrals of the next test
    assert belief.mean(mtd <= 0) == pytest.approx(0.1, abs=0.01)
    _, ratio = dataclasses.replace(study.belief, points=300).parameters()
    assert np.quantile(ratio, [0.05, 0.95]) == pytest.approx([1.6, 12], rel=0.05)


def test_a_study_that_states_none_weighs_its_scenarios_alike():
    belief = parse_study(STUDY).believed()
    assert belief.weights.tolist() == [0.5, 0.5]
    assert belief.p_dlt.tolist() == [[0.1, 0.3], [0.2, 0.4]]


def test_stated_weights_are_scaled():
    text = 'belief = { kind = "scenarios", weights = [3, 1] }' + STUDY
    study = parse_study(text)
    assert study.believed().weights.tolist() == [0.75, 0.25]
    assert parse_study(study.to_toml()) == study


def test_a_generator_is_drawn_from_with_its_seed():
    text = 'belief = { kind = "generator", generator = "clertant", seed = 7, count = 30 }' + STUDY
    one, two = (parse_study(text).believed() for _ in range(2))
    assert one.p_dlt.shape == (30, 2)
    assert (one.p_dlt == two.p_dlt).all()


def test_draws_of_a_posterior_count_chain_and_draw():
    draws = np.sort(np.random.default_rng(1).random((2, 5, 3)), axis=-1)
    belief = belief_of_rates(draws, source="posterior")
    assert belief.p_dlt.shape == (10, 3)
    assert (belief.p_dlt[5] == draws[1, 0]).all()
    assert belief.source == "posterior"


@pytest.mark.parametrize("weight", [[1.0], [0.0, 0.0], [1.0, -1.0], [np.nan, 1.0], [np.inf, 1.0]])
def test_weights_that_fit_no_belief(weight):
    with pytest.raises(Faults, match="wanted 2 numbers of at least 0"):
        Belief(make_scenarios([[0.1, 0.2], [0.2, 0.3]]), np.array(weight))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('belief = { kind = "logistik", location = 1, location_sd = 1 }', "belief.kind: unknown kind 'logistik'; did"),
        ('belief = { kind = "logistic", location = 1 }', "belief.location_sd: missing"),
        (
            'belief = { kind = "logistic", location = 1, location_sd = -1 }',
            "belief.location_sd: wanted a number in [0, 1000]",
        ),
        ('belief = { kind = "scenarios", weights = [1] }', "belief.weights: wanted 2 numbers, one a scenario, got 1"),
        ('belief = { kind = "scenarios", weights = [1, -2] }', "belief.weights: wanted"),
        ('belief = { kind = "scenarios", weights = ["a", "b"] }', "belief.weights: wanted"),
        ('belief = { kind = "scenarios", weights = 3 }', "belief.weights: wanted"),
        ('belief = { kind = "generator", generator = "x", seed = 1 }', "belief.generator: wanted one of"),
        ("belief = 3", "belief: wanted a table with kind"),
        ("utility = { per_dlt = -1 }", "utility.per_dlt: wanted a number of at least 0, got -1"),
        ("utility = { per_dtl = 1 }", "utility.per_dtl: unknown key; did you mean 'per_dlt'?"),
    ],
)
def test_faults_of_a_study_file(line, message):
    with pytest.raises(Faults) as caught:
        parse_study(line + STUDY)
    assert message in str(caught.value)


def test_a_finer_rule_is_made_once():
    made = []
    sums = belief_of_rates([[0.1, 0.3]])
    coarse = dataclasses.replace(sums, finer=lambda: made.append(1) or belief_of_rates([[0.1, 0.2], [0.1, 0.4]]))
    assert coarse.refined is coarse.refined
    assert made == [1]
    assert sums.refined is sums
