"""`doseopt elicit`: what is stated becomes a prior of a study file, or is refused with all its faults."""

import json
import re

import numpy as np
import pytest
from scipy.stats import binom
from typer.testing import CliRunner

from doseopt import load_study
from doseopt.cli import app
from doseopt.core.parameters import Faults
from doseopt.models.quadrature import posterior_after
from doseopt.study.statements import from_file, statements

STATED = ("--quantiles", "0.15: 0.002 0.02 0.12", "--quantiles", "1.5: 0.05 0.20 0.50")


def run(*args):
    return CliRunner().invoke(app, ["elicit", *map(str, args)])


@pytest.mark.parametrize("model", ["blrm", "empiric", "logistic"])
def test_the_prior_is_written_into_the_study_and_has_the_quantiles_shown(model, tmp_path):
    path = tmp_path / "mine.toml"
    result = run(*STATED, "--model", model, "--write", path, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["data_vars"]
    written, bundled = load_study(path), load_study()
    assert written.posterior.model == model
    assert written.designs == bundled.designs
    curve, nothing = written.curve(), np.zeros(4, int)
    prior = posterior_after(curve, nothing, nothing)
    for level, column in zip((0.05, 0.5, 0.95), np.array(found["fitted"]["data"]).T, strict=True):
        np.testing.assert_allclose(prior.quantile(level)[0, [0, 2]], column, atol=1e-4)
    mean, sd = prior.mean()[0], prior.sd()[0]
    np.testing.assert_allclose(found["prior_ess"]["data"], mean * (1 - mean) / sd**2 - 1, rtol=1e-6)
    np.testing.assert_allclose(np.sum(found["first_cohort"]["data"], axis=1), 1, atol=1e-6)
    expected = np.array(found["first_cohort"]["data"]) @ np.arange(4)
    np.testing.assert_allclose(expected, 3 * mean, atol=1e-6)


def plain_blrm(mean, cov, reference, y, doses=(0.15, 0.5, 1.5, 4.5)):
    """What a BLRM names after y of 3 at the lowest dose: a plain sum over a square of the prior, 6 sds wide."""
    z = np.linspace(-6, 6, 601)
    root = np.linalg.cholesky(np.array(cov))
    log_a = mean[0] + root[0, 0] * z[:, None]
    slope = np.exp(mean[1] + root[1, 0] * z[:, None] + root[1, 1] * z)
    p = [1 / (1 + np.exp(-(log_a + slope * np.log(d * 1e9 / reference)))) for d in doses]
    weight = np.exp(-(z[:, None] ** 2 + z**2) / 2) * p[0] ** y * (1 - p[0]) ** (3 - y)
    over, within = (
        [weight[inside].sum() / weight.sum() for inside in each]
        for each in ([q > 0.33 for q in p], [(q > 0.16) & (q <= 0.33) for q in p])
    )
    allowed = [within[j] if over[j] < 0.25 else -1.0 for j in range(4)]
    return int(np.argmax(allowed)) if max(allowed) >= 0 else None


def test_where_the_prior_is_wrong_operating_characteristics_are_those_of_a_plain_sum(tmp_path):
    """Three patients, so that every trial is one cohort at the lowest dose."""
    study = tmp_path / "three.toml"
    text = load_study().to_toml()
    study.write_text(re.sub(r"planned_enrolment = \d+", "planned_enrolment = 3", text))
    path = tmp_path / "mine.toml"
    result = run(study, *STATED, "--write", path, "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)["data_vars"]
    rates = np.array(found["truth_p_dlt"]["data"])
    np.testing.assert_allclose(found["total_dlts"]["data"], [3 * rates[:, 0]] * 2, atol=1e-9)
    prior = load_study(path).posterior
    weak = ((np.log(0.25), 0.0), ((2.25, 0.0), (0.0, 0.49)))
    for k, (mean, cov) in enumerate(((prior.mean, prior.cov), weak)):
        named = [plain_blrm(mean, cov, prior.reference_dose, y) for y in range(4)]
        for t, p in enumerate(rates):
            closest = int(np.argmin(np.abs(p - 0.25)))
            chance = binom.pmf(range(4), 3, p[0])
            over = sum(c for c, j in zip(chance, named, strict=True) if j is not None and j > closest)
            right = sum(c for c, j in zip(chance, named, strict=True) if j == closest)
            assert found["overdose_selection"]["data"][k][t] == pytest.approx(over, abs=1e-9)
            assert found["correct_selection"]["data"][k][t] == pytest.approx(right, abs=1e-9)


def test_the_line_shown_is_one_of_a_study_file(tmp_path):
    import tomllib

    path = tmp_path / "mine.toml"
    shown = " ".join(run(*STATED, "--write", path).stdout.split())
    line = shown[shown.index("posterior = {") : shown.index("} What") + 1]
    assert tomllib.loads(line)["posterior"] == tomllib.loads(path.read_text())["posterior"]


def test_statements_come_from_a_file_as_from_options(tmp_path):
    path = tmp_path / "stated.toml"
    rows = (("0.15", 0.002, 0.02, 0.12), ("1.5", 0.05, 0.20, 0.50))
    path.write_text(
        "".join(
            f'[[quantiles]]\ndose = "{d}"\nlower = {low}\nmedian = {m}\nupper = {high}\n' for d, low, m, high in rows
        )
    )
    one, other = (
        json.loads(run(*given, "--json").stdout)["data_vars"] for given in (STATED, ("--quantiles-file", path))
    )
    assert one["fitted"] == other["fitted"]


def test_a_narrow_statement_that_no_curve_has_is_called_a_misfit():
    result = run("--quantiles", "0.15: 0.29 0.3 0.31", "--quantiles", "1.5: 0.3 0.31 0.99", "--model", "empiric")
    assert result.exit_code == 0, result.output
    assert "No prior of this model has the stated quantiles" in " ".join(result.stdout.split())


def test_all_contradictions_are_named_at_once():
    text = "".join(
        f"[[quantiles]]\ndose = {dose}\nlower = {low}\nmedian = {median}\nupper = {high}\n"
        for dose, low, median, high in (
            ('"0.15"', 0.1, 0.2, 0.6),
            ('"0.5"', 0.05, 0.3, 0.5),
            ('"1.5"', 0.4, 0.3, 0.5),
            ('"4.5"', 5, 20, 60),
            ('"1.6e"', 0.1, 0.2, 0.3),
            ('"0.5"', 0.1, 0.2, 0.3),
        )
    )
    with pytest.raises(Faults) as caught:
        statements(from_file(text, "stated.toml"), load_study().doses, 2, between=True)
    told = str(caught.value)
    for words in (
        "the 5% quantile falls from 0.1 at 0.15 to 0.05 at 0.5",
        "the 95% quantile falls from 0.6 at 0.15 to 0.5 at 0.5",
        "wanted 5% quantile < median < 95% quantile, got 0.4, 0.3, 0.5",
        "write 5% as 0.05",
        "wanted a dose of the study (0.15, 0.5, 1.5, 4.5), got '1.6e'",
        "states dose 0.5 again, which quantiles[2] does",
    ):
        assert words in told, told


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ((), "--quantiles: missing"),
        (("--quantiles", "0.15 0.1 0.2 0.3"), 'wanted "DOSE: LOWER MEDIAN UPPER"'),
        (STATED[:2], "at least 2 doses, got 1"),
        ((*STATED, "--model", "beta"), "no prior is elicited for 'beta'; known: blrm, empiric, logistic"),
        ((*STATED, "--model", "empiric", "--reference-dose", "1"), "belongs to model 'blrm'"),
        ((*STATED, "--reference-dose", "0"), "wanted a dose above 0 in cells, got 0"),
        ((*STATED, "--quantiles-file", "x"), "got both"),
        (("--quantiles-file", "none.toml"), "wanted a file, got 'none.toml'"),
        ((*STATED, "--model", "empiric", "--quantiles", "1e9: 0.04 0.15 0.3"), "knows the planned doses only"),
    ],
)
def test_wrong_input_is_one_message_and_status_2(args, words):
    result = run(*args)
    assert result.exit_code == 2
    assert words in " ".join(result.stderr.split())
    assert "Traceback" not in result.output


def test_nothing_is_written_where_the_file_cannot_be(tmp_path):
    (tmp_path / "file").write_text("x")
    result = run(*STATED, "--write", tmp_path / "file" / "mine.toml")
    assert result.exit_code == 2
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
