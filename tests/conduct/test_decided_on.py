"""What is decided on after the data: against a dense grid, formulas and draws of NUTS; as document, JSON and files."""

import json

import numpy as np
import pytest
import xarray as xr
from scipy.special import betaln, comb, expit
from scipy.stats import norm
from typer.testing import CliRunner

from doseopt.cli import app
from doseopt.conduct.decided_on import as_object, by_model, decided_on, next_steps
from doseopt.conduct.posterior import able
from doseopt.conduct.question import Question
from doseopt.records.trial import Trial
from doseopt.study.file import load_study, parse_study

OUTCOMES = "1N 2NNT 2NNN 3NNN"
X = np.log([0.1, 1 / 3, 1, 3])


@pytest.fixture(scope="module")
def study():
    return load_study("renji-elo")


@pytest.fixture(scope="module")
def trial(study):
    return Trial.from_outcomes(OUTCOMES, study.doses)


@pytest.fixture(scope="module")
def found(study, trial):
    return by_model(study, trial, able(study))


def run(*args):
    return CliRunner().invoke(app, ["posterior", *map(str, args)])


def grid():
    """The bundled model after the data on 2001 points on each of 801 lines: rates [R, 4] and weights [R]."""
    b, step = 0.7 * np.linspace(-6, 6, 801), 14 / 2000
    z = np.linspace(-7, 7, 2001)[:, None] + step * (0.618034 * np.arange(801) % 1)  # lines meet an edge evenly
    a, b = np.log(0.25) + 1.5 * z, np.broadcast_to(b, z.shape)
    p = expit(a.ravel()[:, None] + np.exp(b.ravel())[:, None] * X)
    n, y = np.array([1, 6, 3, 0]), np.array([0, 1, 0, 0])
    weight = (
        norm.pdf(a.ravel(), np.log(0.25), 1.5)
        * norm.pdf(b.ravel(), 0, 0.7)
        * np.prod(p**y * (1 - p) ** (n - y), axis=1)
    )
    return p, weight / weight.sum()


def test_the_bundled_model_on_a_dense_grid(found):
    p, weight = grid()
    at = found.sel(model="blrm")
    closest = np.abs(p - 0.25).argmin(axis=1)
    main = [weight @ ((closest == j) & (p[:, 0] <= 0.35)) for j in range(4)]
    np.testing.assert_allclose(at["p_right"].sel(definition="main"), main, rtol=0, atol=4e-4)
    assert at["p_none_right"].sel(definition="main").item() == pytest.approx(weight @ (p[:, 0] > 0.35), abs=1e-4)
    highest = (p <= 0.1667).sum(axis=1) - 1
    below = [weight @ (highest == j) for j in range(4)]
    np.testing.assert_allclose(at["p_right"].sel(definition="highest <= 1/6"), below, rtol=0, atol=4e-4)
    np.testing.assert_allclose(at["p_over_third"], weight @ (p > 1 / 3), rtol=0, atol=4e-4)
    np.testing.assert_allclose(at["p_above_target"], weight @ (p > 0.25), rtol=0, atol=4e-4)
    for k in range(4):
        wanted = weight @ (comb(3, k) * p**k * (1 - p) ** (3 - k))
        np.testing.assert_allclose(at["outcome"].sel(size=3, dlts=k), wanted, rtol=0, atol=1e-5)


def test_independent_doses_have_beta_binomial_outcomes(found):
    n, y, k = np.array([1, 6, 3, 0]), np.array([0, 1, 0, 0]), np.arange(4)[:, None]
    wanted = comb(3, k) * np.exp(betaln(1 + y + k, 1 + n - y + 3 - k) - betaln(1 + y, 1 + n - y))
    np.testing.assert_allclose(found["outcome"].sel(model="beta", size=3), wanted.T, rtol=0, atol=1e-12)


def test_probabilities_of_one_right_dose_sum_to_one_under_every_model(found):
    one = found.sel(definition=["main", "highest <= 0.25", "highest <= 1/6"])
    np.testing.assert_allclose(one["p_right"].sum("dose") + one["p_none_right"], 1, rtol=0, atol=1e-9)
    np.testing.assert_allclose(found["outcome"].sum("dlts"), 1, rtol=0, atol=1e-9)


def test_the_next_cohort_of_each_design_is_that_of_the_design(study, trial, found):
    steps = next_steps(study, trial)
    assert steps["CRM 13"].level == found["next_level"].sel(design="CRM 13").item() == 4
    assert "CRM 10" not in steps  # its ten patients are in


def test_draws_agree_within_their_errors(study, trial, found):
    """z below 4, of 60 numbers: a chance of 0.004 that one is above."""
    from doseopt.conduct.posterior import analyse

    result = analyse(study, trial, "blrm", "nuts", seed=3)
    drawn = decided_on(study, result.question, next_steps(study, trial), result.draws)
    exact = found.sel(model="blrm")
    for name in ("p_right", "p_none_right", "p_over_third", "outcome"):
        z = ((drawn[name] - exact[name]) / drawn[f"{name}_mcse"]).to_numpy()
        assert np.abs(z).max() < 4, name
    assert as_object(drawn)["mcse"] < 0.03


def test_several_models_stand_side_by_side(tmp_path):
    result = run("--outcomes", OUTCOMES, "--models", "blrm,beta", "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert "right: main, blrm " in result.stdout
    assert "right: main, beta " in result.stdout
    assert "Most probably right to name as the MTD, by the main definition: blrm: 4.5 (49.9%" in result.stdout
    kept = xr.open_datatree(tmp_path / "posterior.nc")["decided_on"]
    assert kept["model"].to_numpy().tolist() == ["blrm", "beta"]
    assert kept["p_right"].sel(model="blrm", definition="main", dose="4.5").item() == pytest.approx(0.4995, abs=2e-4)


def test_how_the_trial_will_end_and_what_a_cohort_is_worth(study, trial):
    """By hand under each curve of the posterior: CRM 13 after three more at the top dose; stopping now."""
    from doseopt.amendment.ahead import prospects
    from doseopt.amendment.outlook import belief_after

    ahead = prospects(study, trial, ["empiric"]).sel(model="empiric")
    np.testing.assert_allclose(ahead["ends"].sum("dose") + ahead["ends_with_none"], 1, rtol=0, atol=1e-9)
    assert ahead["ends"].sel(design="CRM 10", dose="1.5").item() == pytest.approx(1)  # its ten patients are in
    asked = Question.of(study, trial, "empiric")
    belief = belief_after(study, asked)
    p = belief.p_dlt[:, 3]
    chance = [belief.weights @ (comb(3, k) * p**k * (1 - p) ** (3 - k)) for k in range(4)]
    declared = np.zeros(4)
    for k in range(4):
        answer = Trial.from_outcomes(f"{OUTCOMES} 4{'T' * k}{'N' * (3 - k)}", study.doses).after(
            study.designs["CRM 13"]
        )
        declared[answer.answer.mtd - 1] += chance[k]
    np.testing.assert_allclose(ahead["ends"].sel(design="CRM 13"), declared, rtol=0, atol=1e-6)
    right = study.mtd.acceptable(belief.p_dlt)
    now = max(belief.weights @ right[:, j] for j in range(4))
    assert ahead["worth"].sel(further=0).item() == pytest.approx(now, abs=2e-4)
    stay = sum(
        max(belief.weights @ (comb(3, k) * p**k * (1 - p) ** (3 - k) * right[:, j]) for j in range(4)) for k in range(4)
    )
    assert ahead["worth"].sel(further=3).item() >= stay - 2e-4  # three at the top dose at once are one of its policies


def test_no_draws_ahead():
    found = run("--ahead", "--method", "nuts")
    assert found.exit_code == 2
    assert "wanted with --method quadrature" in found.stderr


def test_json_of_one_model_and_of_several():
    one = json.loads(run("--outcomes", OUTCOMES, "--json").stdout)
    main = one["definitions"][0]
    assert main["name"] == "main"
    assert sum(main["doses"]) + main["none"] == pytest.approx(1)
    assert one["next"]["CRM 13"]["outcomes"] == one["outcomes"][0]["doses"][3]
    several = json.loads(run("--outcomes", OUTCOMES, "--model", "beta", "--model", "blrm", "--json").stdout)
    assert [each["model"] for each in several["models"]] == ["beta", "blrm"]
    assert several["models"][1]["definitions"] == one["definitions"]


def test_faults_of_models():
    wrong = run("--models", "blrm,empirc,betta")
    assert wrong.exit_code == 2
    assert "empirc" in wrong.stderr
    assert "betta" in wrong.stderr
    both = run("--model", "blrm", "--models", "beta")
    assert both.exit_code == 2
    assert "got both" in both.stderr


def test_a_study_without_doses_as_numbers_has_the_other_models(study):
    table = study.to_dict()
    table["doses"] = {"labels": ["0.15", "0.5", "1.5", "4.5"]}
    table.pop("posterior")
    import tomlkit

    other = parse_study(tomlkit.dumps(table))
    assert able(other) == ["empiric", "logistic", "bma", "beta", "monotone"]
    assert Question.of(other, Trial.from_outcomes("1N", other.doses), "bma").curve.doses == 4
