"""`doseopt posterior`: the same numbers as the models give, all forms of input, clear faults."""

import json
from dataclasses import replace
from pathlib import Path

import arviz as az
import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr
from small_study import SMALL
from typer.testing import CliRunner

from doseopt.cli import app
from doseopt.cli.posterior import EXAMPLE
from doseopt.conduct import posterior as module
from doseopt.conduct.checking import check_model
from doseopt.conduct.posterior import analyse, as_object
from doseopt.conduct.question import Question, known_rates
from doseopt.core.parameters import Faults
from doseopt.models.beta import BetaBinomial
from doseopt.models.choice import FIELDS, PosteriorModel
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.kinds import with_prior_sd
from doseopt.models.quadrature.evidence import log_evidence
from doseopt.records.patient import Patient
from doseopt.records.trial import Trial
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.posterior import posterior_document
from doseopt.study.file import load_study, parse_study

CASES = Path(__file__).parents[1] / "cases" / "interim-tally-blowup"
VALUES = (0.15e9, 0.5e9, 1.5e9, 4.5e9)


@pytest.fixture(scope="module")
def study():
    return load_study()


def run(*args):
    return CliRunner().invoke(app, ["posterior", *map(str, args)])


def test_the_bundled_study_is_judged_by_the_documented_blrm(study):
    assert study.curve() == TwoParameterLogistic.weakly_informative(VALUES, "cells", 1.5e9)
    assert parse_study(study.to_toml()) == study


def test_independent_doses_give_the_beta_posterior(study):
    found = analyse(study, Trial.from_outcomes("1N 2NNT", study.doses), "beta").summary
    np.testing.assert_allclose(found["mean"], [1 / 3, 2 / 5, 1 / 2, 1 / 2], atol=1e-12)
    assert found["p_above_target"].to_numpy()[2] == pytest.approx(0.75)
    np.testing.assert_allclose(found["p_under"] + found["p_target"] + found["p_over"], 1, atol=1e-12)
    np.testing.assert_allclose(found["prior_ess"], 2)


def test_one_json_object_with_the_promised_fields():
    result = run("--outcomes", "1N 2NNT", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    fields = {"label", "n", "y", "mean", "sd", "lower", "upper", "p_under", "p_target", "p_over", "p_above_target"}
    assert len(found["doses"]) == 4
    assert all(fields <= set(dose) for dose in found["doses"])
    assert found["model"] == "blrm"
    assert found["method"] == "quadrature"
    assert isinstance(found["log_marginal_likelihood"], float)
    assert [dose["n"] for dose in found["doses"]] == [1, 3, 0, 0]


def test_densities_are_computed_for_those_who_ask(study, monkeypatch):
    made, plain = [], module._densities
    monkeypatch.setattr(module, "_densities", lambda *given: made.append(1) or plain(*given))
    assert run("--outcomes", "1N 2NNT", "--json").exit_code == 0
    found = analyse(study, Trial.from_outcomes("1N 2NNT", study.doses))
    assert made == []
    np.testing.assert_allclose(found.density["posterior_density"].mean("rate"), 1)
    np.testing.assert_allclose(found.density["predictive"].sum("dlts"), 1)
    assert made == [1]


def test_results_are_written_and_the_worked_example_is_named(tmp_path):
    result = run("--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    assert EXAMPLE in result.stdout
    assert all(len(line) <= 100 for line in result.stdout.splitlines())
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert {"posterior.nc", "posterior.csv", "posterior.svg", "curve.svg", "predictive.svg"} <= names
    with xr.open_datatree(tmp_path / "out" / "posterior.nc") as tree:
        assert tree["posterior"]["p_dlt"].dims == ("chain", "draw", "dose")
        assert tree.attrs["independent_draws"] == 1
        assert tree["summary"]["n"].to_numpy().tolist() == [1, 6, 3, 0]
        np.testing.assert_allclose(tree["density"]["predictive"].sum("dlts"), 1)


def test_actual_doses_move_the_blrm_and_not_the_crm(study, tmp_path):
    text = "patient,dose_level,dlt,actual_dose\nA,1,0,0.15e9\nB,2,1,{}\nC,2,0,0.5e9\n"
    found = {}
    for name, actual in (("planned", "0.5e9"), ("less", "0.42e9")):
        path = tmp_path / f"{name}.csv"
        path.write_text(text.format(actual))
        data = Trial.from_csv(path, study.doses)
        found[name] = {m: analyse(study, data, m).summary["mean"].to_numpy() for m in ("blrm", "empiric")}
    assert (found["less"]["blrm"][:2] > found["planned"]["blrm"][:2] + 1e-3).all()
    np.testing.assert_array_equal(found["less"]["empiric"], found["planned"]["empiric"])
    by_string = analyse(study, Trial.from_outcomes("1N 2TN", study.doses), "blrm").summary["mean"]
    np.testing.assert_allclose(found["planned"]["blrm"], by_string, atol=1e-9)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--model", "blrn"], "unknown model 'blrn'; did you mean 'blrm'?"),
        (["--method", "mcmc"], "method: wanted quadrature or nuts, got 'mcmc'"),
        (["--model", "blrm", CASES / "twelve.toml"], "takes doses as numbers: wanted doses.values, or another model"),
        (["--outcomes", "5N"], "wanted a dose level of 1 to 4, got 5"),
        (["--data", "missing.csv"], "cannot be read"),
        (["--data", "x.csv", "--outcomes", "1N"], "wanted outcomes or a file, got both"),
    ],
)
def test_wrong_input_is_one_message_and_status_2(args, message):
    result = run(*args, "--json")
    assert result.exit_code == 2
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_a_warning_names_the_patient_and_who_was_left_out(study, tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("patient,dose_level,dlt,actual_dose,evaluable\nA7,1,0,0.3e9,1\nB2,1,0,,no\n")
    text = terminal_text(posterior_document(analyse(study, Trial.from_csv(path, study.doses)).summary, {})).plain
    assert "patient A7" in text
    assert "B2 (cannot be evaluated)" in text


def test_a_pending_patient_is_named_and_not_counted(study, tmp_path):
    path = tmp_path / "data.csv"
    path.write_text("patient,dose_level,dlt\nA7,1,0\nB2,1,NA\n")
    summary = analyse(study, Trial.from_csv(path, study.doses)).summary
    assert int(summary["n"].sum()) == 1
    pending = [
        line for line in terminal_text(posterior_document(summary, {})).plain.splitlines() if line.startswith("Pending")
    ]
    assert pending == ["Pending          B2: not counted"]


@pytest.mark.parametrize(("doses", "worked"), [(1, "1N"), (2, "1N 2NNT 2NNN"), (4, EXAMPLE)])
def test_the_worked_example_is_one_of_the_study(tmp_path, doses, worked):
    path = tmp_path / "few.toml"
    labels = [str(k) for k in range(doses)]
    path.write_text(f'title = "t"\ntarget = 0.25\n[doses]\nlabels = {labels}\n[designs.B]\nkind = "three_plus_three"\n')
    result = run(path, "--out", tmp_path / "out")
    assert result.exit_code == 0, result.stderr
    assert f'as if --outcomes "{worked}"' in result.stdout


@pytest.mark.parametrize(
    ("table", "where"),
    [
        ('model = "blrm"', "posterior.reference_dose"),
        ('model = "empiric"\nreference_dose = 1e9', "posterior.reference_dose"),
        ('model = "empiric"\nskeleton = [0.1, 0.2]', "posterior.skeleton"),
        ('model = "blrm"\nreference_dose = 1e9\ncov = [[1.0, 2.0], [2.0, 1.0]]', "posterior.cov"),
        ('model = "beta"\nintervals = [0.4, 0.2]', "posterior.intervals"),
        ('model = "beta"\nprior = 3', "posterior.prior"),
    ],
)
def test_faults_of_the_posterior_table_say_where(study, table, where):
    text = study.to_toml().split("[posterior]")
    rest = text[1][text[1].index("\n[") :]
    with pytest.raises(Faults) as caught:
        parse_study(f"{text[0]}[posterior]\n{table}\n{rest}")
    assert where in [f.where for f in caught.value.faults]


def test_the_default_without_values_is_independent_doses(study):
    bare = replace(study, doses=replace(study.doses, values=None, unit=""), posterior=PosteriorModel())
    again = parse_study(bare.to_toml())
    assert again == bare
    assert again.curve() == BetaBinomial(4)


def test_prior_standard_deviations_scale():
    model = TwoParameterLogistic.weakly_informative(VALUES, "cells", 1.5e9)
    assert with_prior_sd(model, 2.0).cov[0][0] == pytest.approx(4 * 1.5**2)
    assert with_prior_sd(BetaBinomial(2, 1, 1), 0.5) == BetaBinomial(2, 4, 4)


def test_nuts_gives_the_same_within_its_error_and_its_diagnostics(study):
    data = Trial.from_outcomes(EXAMPLE, study.doses)
    sampled, computed = analyse(study, data, method="nuts", seed=7), analyse(study, data)
    gap = np.abs(sampled.summary["mean"] - computed.summary["mean"]) / computed.summary["sd"]
    assert (gap < 5 / np.sqrt(sampled.summary.attrs["min_ess_bulk"])).all()
    assert sampled.summary.attrs["divergences"] == 0
    assert "sample_stats" not in computed.tree.children
    assert (sampled.tree.attrs["independent_draws"], computed.tree.attrs["independent_draws"]) == (0, 1)
    assert {"posterior", "prior_predictive", "posterior_predictive", "sample_stats"} <= set(sampled.tree.children)
    assert as_object(sampled.summary)["method"] == "nuts"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The file that the command writes after draws; the top dose is untried."""
    folder = tmp_path_factory.mktemp("nuts")
    result = run("--method", "nuts", "--seed", 7, "--out", folder)
    assert result.exit_code == 0, result.output
    with xr.open_datatree(folder / "posterior.nc") as tree:
        yield tree.load()


DRAWN = {
    "plot_bf": {"var_names": "log_a", "ref_val": 0.0},
    "plot_pair_focus": {"focus_var": "log_a"},
    "plot_ppc_pava_residuals": {"x_var": "dose_value"},
}
"""Plots that ask which variable is meant."""
OTHER_INPUT = {
    "plot_collection",  # a module
    "plot_matrix",  # a module
    "plot_compare",  # takes what `az.compare` returns; called below
    "plot_khat",  # takes what `az.loo` returns; called below
    "plot_ecdf_pit",  # takes ranks of a simulation-based calibration
}
PLOTS = sorted(name for name in dir(az) if name.startswith("plot_") and name not in OTHER_INPUT)


@pytest.mark.filterwarnings("ignore")  # of ArviZ, about its own figures
@pytest.mark.parametrize("name", PLOTS)
def test_every_plot_of_arviz_draws_the_tree(written, name):
    assert getattr(az, name)(written, **DRAWN.get(name, {})) is not None
    plt.close("all")


@pytest.mark.filterwarnings("ignore")
def test_statistics_of_arviz_read_the_tree(written):
    summary = az.summary(written, round_to="none")
    rates = [f"p_dlt[{label}]" for label in written["posterior"]["dose"].to_numpy()]
    np.testing.assert_allclose(summary.loc[rates, "mean"], written["summary"]["mean"], rtol=1e-9)
    assert {"log_a", "log_b"} <= set(summary.index)
    found = az.loo(written)
    assert found.n_data_points == 3  # doses with patients
    assert az.plot_khat(found) is not None
    assert az.plot_compare(az.compare({"one": found, "two": found})) is not None
    assert az.psense_summary(written).shape[0] == 6
    assert az.loo_pit(written)["y"].shape == (3,)
    plt.close("all")


LARGE = {
    "eight": ("eight.toml", "1NNN 2NNN 3NNT 3NNN 4NNT 4NNN 5NNT 5NNN 6NNT 6NNT 6NNN 7NTT 6NNN"),
    "twelve": (
        "twelve.toml",
        "1NNN 2NNN 3NNN 4NNN 5NNN 6NNN 7NNT 7NNN 8NNT 8NNN 9NNT 9NNN 10NNT 10NNN 11NNT 11NTT 10NTN",
    ),
}
"""Interims whose tallies are too many to be listed: 39 patients at 8 doses, 51 at 12."""


@pytest.mark.parametrize("name", LARGE)
@pytest.mark.parametrize("model", ["empiric", "beta"])
def test_the_data_are_held_against_the_prior_however_many_tallies_there_are(name, model):
    file, outcomes = LARGE[name]
    study = load_study(str(CASES / file))
    data = Trial.from_outcomes(outcomes, study.doses)
    summary = analyse(study, data, model).summary
    assert 0 < summary.attrs["prior_tail_total"] <= 1
    assert (np.isnan(summary["prior_tail"]) == (summary["n"] == 0)).all()


def test_a_hundred_patients_of_the_bundled_study_are_held_against_its_prior(study):
    result = run("--data", CASES / "hundred.csv", "--model", "empiric", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert [(dose["n"], dose["y"]) for dose in found["doses"]] == [(20, 0), (25, 2), (30, 5), (25, 7)]
    assert 0 < found["prior_tail_total"] <= 1


def test_the_rates_of_a_tally_are_those_of_the_analysis(study):
    data = Trial.from_outcomes(EXAMPLE, study.doses)
    n, y = data.tally()
    whole = analyse(study, data).summary
    for name, value in known_rates(study, n[None], y[None], data).items():
        np.testing.assert_allclose(value[0], whole[name], rtol=0, atol=1e-12)


def test_models_are_compared_patient_by_patient_whatever_doses_they_were_given():
    """Each left out of the trial by itself, where doses given cross the planned ones; two models by other columns."""
    study = parse_study(SMALL)
    given = [(0, 1.5, False), (0, 1.0, True), (1, 1.2, False), (1, None, True), (1, 1.2, False), (2, 3.5, False)]
    patients = tuple(
        Patient(str(k), level, dlt, actual_dose=dose, cohort=str(k)) for k, (level, dose, dlt) in enumerate(given)
    )
    trial = Trial(study.doses, patients)
    ds = check_model(study, trial, analyse(study, trial))
    best = str(ds["model"].to_numpy()[ds["elpd"].to_numpy().argmax()])
    pair = best, "empiric" if best in ("blrm", "cloglog") else "blrm"

    def evidence(some, kind):
        asked = Question.of(study, Trial(study.doses, tuple(some)), kind)
        data = asked.counted.given
        return log_evidence(asked.curve, data.n[None], data.y[None], data.doses)[0]

    points = np.array(
        [
            [evidence(patients, kind) - evidence([q for q in patients if q is not p], kind) for p in patients]
            for kind in pair
        ]
    )
    at = ds.sel(model=list(pair))
    np.testing.assert_allclose(at["elpd"], points.sum(axis=1), atol=1e-8)
    spread = np.sqrt(len(patients) * (points[1] - points[0]).var(ddof=1))
    np.testing.assert_allclose(at["elpd_difference_se"], [0, spread], atol=1e-8)


def test_the_model_is_checked_for_those_who_ask(tmp_path):
    """Independent doses: before any patient 0 to 3 DLTs of 3 are equally probable; 1 of 6, one left out, as counted."""
    result = run("--outcomes", "1NNN 2NNNNNT", "--model", "beta", "--check", "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["checks"]
    np.testing.assert_allclose(found["data_vars"]["first_cohort"]["data"], 0.25, atol=1e-9)
    own = dict(zip(found["coords"]["model"]["data"], found["data_vars"]["elpd"]["data"], strict=True))
    assert own["beta"] == pytest.approx(3 * np.log(3 / 4) + 5 * np.log(5 / 7) + np.log(1 / 7))
    assert set(own) == set(FIELDS) - {"two_populations"}  # which needs to know of what population each patient is
    printed = run("--outcomes", "1NNN 2NNNNNT", "--model", "beta", "--check", "--out", tmp_path)
    assert printed.exit_code == 0, printed.output
    for words in ("Before any patient", "surprising at no dose", "has no Monte Carlo error", "Sivula"):
        assert words in " ".join(printed.stdout.replace("have no", "has no").split())
    with xr.open_datatree(tmp_path / "posterior.nc") as tree:
        assert tree["checks"]["prior_sensitivity"].dims == ("dose",)
    assert "Checks of the model" not in run("--outcomes", "1NNN").stdout
