"""The page of an interim read six ways: every number recomputed by a plain integral, and by the package."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from scipy.stats import norm
from typer.testing import CliRunner

from doseopt.cli import app
from doseopt.conduct.in_hand import read_trial
from doseopt.conduct.question import Question
from doseopt.core.parameters import Faults
from doseopt.study.file import load_study

PAGE = (Path(__file__).parents[1] / "docs" / "interim.md").read_text(encoding="utf-8")
ROWS = {
    row[0]: [float(cell) for cell in row[2:]]
    for row in (re.split(r"\s*\|\s*", line.strip("| ")) for line in PAGE.splitlines() if line.startswith("| "))
    if row[0] not in ("way", "---")
}
COUNTED = [(0.15, 0), (0.5, 0), (0.45, 0), (0.5, 0), (1.5, 0), (1.5, 1)]
PENDING = [(1.5, 14 / 28), (1.4, 7 / 28)]
WAYS = {
    "complete": (COUNTED, [], False),
    "death is a DLT": ([*COUNTED, (1.2, 1)], [], False),
    "weighted": (COUNTED, PENDING, False),
    "censored": (COUNTED, [*PENDING, (1.2, 10 / 28)], False),
    "hazard": (COUNTED, [*PENDING, (1.2, 10 / 28)], False),
    "external": (COUNTED, [*PENDING, (1.2, 10 / 28)], True),
}
EXTERNAL = [(0.15, 3, 0), (0.5, 6, 0), (1.5, 6, 1), (4.5, 3, 2)]
CHANGES = {
    "complete": ("", ""),
    "death is a DLT": ('reading = "replace"', 'reading = "dlt"'),
    "weighted": ("[posterior]\n", '[posterior]\nlikelihood = "weighted"\n'),
    "censored": ("[posterior]\n", '[posterior]\nlikelihood = "weighted"\nleft = "censored"\n'),
    "hazard": (
        "[posterior]\n",
        '[posterior]\nmodel = "cloglog"\nlikelihood = "hazard"\nleft = "censored"\n',
    ),
    "external": (
        "[posterior]\n",
        '[posterior]\nlikelihood = "weighted"\nleft = "censored"\n'
        "external = { n = [3, 6, 6, 3], y = [0, 0, 1, 2], weight = 0.5 }\n",
    ),
}


def plain(whole, part, external, hazard):
    """Posterior means at the planned doses, and the weight of the external data; log a ~ N(logit .2, 1.5^2), ...

    Of the hazard model log a ~ N(log -log .8, 1.5^2), and the DLT came after 13 of 28 days.
    """
    x, w = np.polynomial.legendre.leggauss(20)
    z = (np.linspace(-9, 8.7, 60)[:, None] + 0.15 * (1 + x)).ravel()
    mass = np.tile(0.15 * w, 60) * norm.pdf(z)
    log_a, slope = np.log(-np.log(0.8) if hazard else 0.25) + 1.5 * z[:, None], np.exp(0.7 * z)

    def p(dose):
        eta = np.minimum(log_a + slope * np.log(dose / 1.5), 50)
        return -np.expm1(-np.exp(eta)) if hazard else expit(eta)

    vague, like = np.outer(mass, mass), 0.0
    if external:
        seen = np.prod([p(d) ** y * (1 - p(d)) ** (n - y) for d, n, y in EXTERNAL], axis=0)
        vague, like = 0.5 * vague, 0.5 * vague * seen / (vague * seen).sum()
    if hazard:
        seen = [(d, 13 / 28 if y else 1.0) for d, y in whole] + part
        h = -np.log1p(-np.minimum(p(1.5), 1 - 2.0**-53))
        data = h * np.exp(sum(share * np.log1p(-np.minimum(p(d), 1 - 2.0**-53)) for d, share in seen))
    else:
        data = np.prod([p(d) if y else 1 - p(d) for d, y in whole] + [1 - share * p(d) for d, share in part], axis=0)
    joint = (vague + like) * data
    means = [(joint * p(d)).sum() / joint.sum() for d in (0.15, 0.5, 1.5, 4.5)]
    return np.array(means), (like * data).sum() / joint.sum()


@pytest.fixture
def files(tmp_path):
    for language, name in (("csv", "patients.csv"), ("toml", "interim.toml")):
        (block,) = re.findall(rf"```{language}\n# {name}\n(.*?)```", PAGE, re.DOTALL)
        (tmp_path / name).write_text(block, encoding="utf-8")
    return tmp_path


def asked(files, old, new, **options):
    text = (files / "interim.toml").read_text(encoding="utf-8")
    assert old in text
    (files / "changed.toml").write_text(text.replace(old, new), encoding="utf-8")
    study = load_study(files / "changed.toml")
    return Question.of(study, read_trial(study, "", files / "patients.csv", "2025-06-30"), None, **options)


@pytest.mark.parametrize("way", WAYS)
def test_each_row_is_that_of_a_plain_integral_and_of_the_package(way, files):
    means, share = plain(*WAYS[way], way == "hazard")
    assert (100 * means).round(1).tolist() == ROWS[way]
    question = asked(files, *CHANGES[way])
    assert question.posterior.mean()[0] == pytest.approx(means, abs=1e-8)
    assert question.external_share == (pytest.approx(share, abs=1e-8) if way == "external" else None)
    if way == "external":
        assert f"{share:.3f}" in PAGE
    assert len(question.counted.in_part) == len(WAYS[way][1])


def test_two_populations_read_the_groups(files):
    model = 'model = "two_populations"\nlikelihood = "weighted"\n'
    each = [asked(files, "[posterior]\n", f"[posterior]\n{model}", population=name) for name in ("CLF", "ACLF")]
    assert [one.n.tolist() for one in each] == [[1, 1, 1, 0], [0, 2, 1, 0]]
    means = [one.posterior.mean()[0, 2] for one in each]
    assert means[0] < means[1]  # the DLT was in ACLF
    with pytest.raises(Faults, match="population"):
        asked(files, "[posterior]\n", f"[posterior]\n{model}", population="AKLF")
    (files / "patients.csv").write_text((files / "patients.csv").read_text().replace("07,3,1.5e9,ACLF", "07,3,1.5e9,"))
    with pytest.raises(Faults, match="patient 07: column group: wanted 'CLF' or 'ACLF'"):
        asked(files, "[posterior]\n", f"[posterior]\n{model}")


def test_two_populations_are_shown_and_checked(files):
    """The predictive check names both; draws and what is decided on are those of the population asked for."""
    text = (files / "interim.toml").read_text().replace("[posterior]\n", '[posterior]\nmodel = "two_populations"\n')
    (files / "two.toml").write_text(text)
    given = [str(files / "two.toml"), "--data", str(files / "patients.csv"), "--cutoff", "2025-06-30", "--json"]
    found = []
    for name in ("CLF", "ACLF"):
        result = CliRunner().invoke(app, ["posterior", *given, "--population", name, "--check"])
        assert result.exit_code == 0, result.output
        found.append(json.loads(result.stdout))
    labels = found[0]["checks"]["coords"]["given"]["data"]
    assert {"1.5e+09 ACLF", "4.5e+08 ACLF", "5e+08 CLF"} <= set(labels)
    assert found[0]["checks"]["coords"]["model"]["data"][0] == "two_populations"
    over = [one["doses"][2]["p_over"] for one in found]
    assert over[0] < over[1]  # the DLT was in ACLF
    decided = [one["p_over_third"][2] for one in found]
    assert decided[0] < decided[1]


def test_what_contradicts_itself_is_refused(files):
    for new, message in (
        ('left = "censored"', "wanted likelihood = 'weighted'"),
        ('likelihood = "weigthed"', "did you mean|wanted one of"),
        ("external = { n = [3, 6], y = [0, 0] }", "wanted 4 numbers"),
        ("external = { n = [3, 6, 6, 3], y = [4, 0, 0, 0] }", "at most the 3 patients"),
        ('model = "two_populations"\nexternal = { n = [1, 1, 1, 1], y = [0, 0, 0, 0] }', "one population"),
    ):
        with pytest.raises(Faults, match=message):
            asked(files, "[posterior]\n", f"[posterior]\n{new}\n")
