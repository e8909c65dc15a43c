"""Dose transition pathways against enumeration, the exact engine and closed forms, and every way they are shown."""

import io
import itertools
import json
import math
import re

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from rich.cells import cell_len
from scipy.special import betaln, comb, log_expit
from scipy.stats import binom, norm
from typer.testing import CliRunner

from doseopt.cli import app
from doseopt.conduct.pathways import paths
from doseopt.core.cohort import format_outcomes
from doseopt.core.parameters import Faults
from doseopt.display.pathways import cohort_of, courses
from doseopt.engines.exact import Exact
from doseopt.plots.pathways import MOST, paths_figure
from doseopt.plots.placement import overlap
from doseopt.records.trial import Trial
from doseopt.reports.frames import paths_frame
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.pathways import paths_document
from doseopt.study.file import load_study

STUDY = """
title = "Phase I"
target = 0.30
[doses]
labels = ["low", "mid", "high"]
[posterior]
model = "beta"
a = 0.5
b = 1.5
[scenarios]
mid = { p_dlt = [0.05, 0.30, 0.50], p_moderate = [0.2, 0.3, 0.4] }
graded = { p_dlt = [0.1, 0.2, 0.4], p_moderate = [0.2, 0.3, 0.4] }
[designs."3+3"]
kind = "three_plus_three"
[designs."BOIN"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 9 }]
[designs."BOIN 24"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 24 }]
[designs."singles"]
kind = "boin"
cohort = 1
modifiers = [{ kind = "max_patients", n = 24 }]
[designs."graded"]
kind = "accelerated_titration"
titrate = 2
trigger = "second_moderate"
modifiers = [{ kind = "max_patients", n = 6 }]
"""
# R package BOIN 2.7.2, target 0.30: escalate if y <=, de-escalate if y >=, eliminate if y >=.
BOUNDARIES = {3: (0, 2, 3), 6: (1, 3, 4), 9: (2, 4, 5)}
P = (0.05, 0.30, 0.50)


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "phase1.toml"
    path.write_text(STUDY)
    return path


@pytest.fixture(scope="module")
def study(path):
    return load_study(path)


@pytest.fixture(scope="module")
def bundled():
    return load_study("renji-elo")


def run(*arguments):
    return CliRunner().invoke(app, ["paths", *map(str, arguments)])


def boin_by_hand(cohorts):
    """Walk the published boundaries: (levels and DLTs of the cohorts, next level or 0, probability under P)."""
    found = []
    for ys in itertools.product(range(4), repeat=cohorts):
        n, y, at, steps, chance = [0, 0, 0], [0, 0, 0], 0, [], 1.0
        top = 2
        for k in ys:
            if at < 0:
                break
            steps.append((at + 1, k))
            chance *= binom.pmf(k, 3, P[at])
            n[at], y[at] = n[at] + 3, y[at] + k
            up, down, out = BOUNDARIES[n[at]]
            if y[at] >= out:
                top = at - 1
            at = min(at + 1 if y[at] <= up else max(at - 1, 0) if y[at] >= down else at, top)
        found.append((tuple(steps), at + 1, chance))
    return dict.fromkeys(found)


def test_boin_pathways_are_those_of_the_published_boundaries(study):
    ds = paths(study, Trial(study.doses), "BOIN 24", 3, scenario="mid")
    got = {}
    for course in courses(ds):
        key = tuple((int(ds["given"][i]), int(ds["dlts"][i])) for i in course)
        got[key] = (int(ds["level"][course[-1]]), float(ds["probability"][course[-1]]))
    wanted = {steps: (level, chance) for steps, level, chance in boin_by_hand(3)}
    assert len(got) == len(courses(ds))
    assert {k: v[0] for k, v in got.items()} == {k: v[0] for k, v in wanted.items()}
    for key, (_, chance) in got.items():
        assert chance == pytest.approx(wanted[key][1], rel=1e-12)


@pytest.mark.parametrize("name", ["3+3", "BOIN", "graded"])
def test_whole_trials_end_as_the_exact_engine_says(study, name):
    scenarios = study.scenarios.sel(scenario=["graded"])
    outcomes = Exact()(study.designs[name], scenarios)
    reasons = [str(r) for r in outcomes["stop_reason"].to_numpy()]
    wanted, got = {}, {}
    for e in range(outcomes.sizes["ending"]):
        one = outcomes.isel(ending=e, scenario=0)
        key = (*one["n"].to_numpy(), *one["y"].to_numpy(), reasons[int(one["stop"])], int(one["selected"]) + 1)
        wanted[key] = wanted.get(key, 0) + float(one["weight"])
    ds = paths(study, Trial(study.doses), name, 9 if name == "BOIN" else 6, scenario="graded")
    leaves = ds.isel(node=ds["leaf"].to_numpy())
    assert (leaves["level"] == 0).all()
    for i in range(leaves.sizes["node"]):
        one = leaves.isel(node=i)
        key = (*one["n"].to_numpy(), *one["y"].to_numpy(), str(one["stop"].item()), int(one["mtd"]))
        got[key] = got.get(key, 0) + float(one["probability"])
    assert got == pytest.approx(wanted, rel=1e-10)


@pytest.mark.parametrize("model", ["blrm", "empiric", "logistic", "bma", "beta"])
@pytest.mark.parametrize("outcomes", ["", "1N 2NNT 2NNT", "1NNN 2NNN 3NNN 4TTT"])
def test_leaves_sum_to_one_under_the_posterior_predictive(bundled, monkeypatch, model, outcomes):
    curve = bundled.curve(model)
    monkeypatch.setattr(type(bundled), "curve", lambda self: curve)
    for name in ("ATD+3+3 uncapped", "CRM 25", "BOIN 25"):
        ds = paths(bundled, Trial.from_outcomes(outcomes, bundled.doses), name, 3)
        assert float(ds["probability"][ds["leaf"]].sum()) == pytest.approx(1, abs=1e-8)
        children = ds["branch"][1:].groupby(ds["parent"][1:]).sum() if ds.sizes["node"] > 1 else xr.DataArray([1.0])
        np.testing.assert_allclose(children, 1, atol=1e-8)


def test_the_predictive_probability_of_independent_doses_is_beta_binomial(study):
    ds = paths(study, Trial.from_outcomes("1NNN", study.doses), "BOIN 24", 3)
    for course in courses(ds):
        n, y = np.array([3, 0, 0]), np.array([0, 0, 0])
        chance = 1.0
        for i in course:
            j, m, k = int(ds["given"][i]) - 1, int(ds["patients"][i]), int(ds["dlts"][i])
            a, b = 0.5 + y[j], 1.5 + n[j] - y[j]
            chance *= comb(m, k) * math.exp(betaln(a + k, b + m - k) - betaln(a, b))
            n[j], y[j] = n[j] + m, y[j] + k
        assert float(ds["probability"][course[-1]]) == pytest.approx(chance, rel=1e-12)


def test_the_predictive_probability_of_the_two_parameter_model_is_its_integral(bundled):
    curve = bundled.curve()
    x = np.log(np.array(curve.values) / curve.reference_dose)
    sd = np.sqrt(np.diag(curve.cov))

    z = np.linspace(-8, 8, 1001)
    u, v = np.meshgrid(curve.mean[0] + sd[0] * z, curve.mean[1] + sd[1] * z, indexing="ij")
    prior = norm.pdf(z)[:, None] * norm.pdf(z) * (z[1] - z[0]) ** 2
    log_odds = [u + np.exp(v) * xj for xj in x]

    def marginal(n, y):
        log_p = sum(y[j] * log_expit(e) + (n[j] - y[j]) * log_expit(-e) for j, e in enumerate(log_odds) if n[j])
        return float((prior * np.exp(log_p)).sum())

    ds = paths(bundled, Trial.from_outcomes("1N", bundled.doses), "BOIN 25", 2)
    before = marginal(np.array([1, 0, 0, 0]), np.zeros(4))
    for course in courses(ds)[1:12:5]:
        leaf = course[-1]
        orders = np.prod([comb(int(ds["patients"][i]), int(ds["dlts"][i])) for i in course])
        after = marginal(ds["n"][leaf].to_numpy(), ds["y"][leaf].to_numpy())
        assert float(ds["probability"][leaf]) == pytest.approx(orders * after / before, rel=1e-6)


def test_the_tree_begins_where_the_outcomes_end(study):
    ds = paths(study, Trial.from_outcomes("1NNN 2NNT", study.doses), "BOIN 24", 1)
    assert ds["n"][0].to_numpy().tolist() == [3, 3, 0]
    assert (int(ds["level"][0]), int(ds["size"][0]), int(ds["given"][0])) == (2, 3, 0)
    assert [format_outcomes((cohort_of(ds, i),)) for i in range(1, 5)] == ["2NNN", "2NNT", "2NTT", "2TTT"]
    assert ds["level"][1:].to_numpy().tolist() == [3, 2, 1, 1]  # 1, 2, 3, 4 of 6: E, S, D, DU


def test_a_trial_that_is_over_has_no_paths_but_its_end(study):
    ds = paths(study, Trial.from_outcomes("1TTT", study.doses), "BOIN", 3)
    assert ds.sizes["node"] == 1
    assert str(ds["stop"][0].item()) == "too_toxic"
    assert courses(ds) == [[]]
    assert len(paths_frame(ds)) == 1
    assert "<svg" in svg(ds)


def svg(ds):
    buffer = io.BytesIO()
    FigureCanvasSVG(paths_figure(ds)).print_svg(buffer)
    return buffer.getvalue().decode()


def test_too_many_paths_are_refused_with_what_to_do(study):
    assert len(courses(paths(study, Trial(study.doses), "singles", 10))) <= 1024
    with pytest.raises(Faults, match=re.escape("12 cohorts ahead make")) as caught:
        paths(study, Trial(study.doses), "singles", 20)
    assert "wanted at most 11, or a later start" in str(caught.value)


def test_moderate_toxicities_are_weighed_by_a_scenario_that_has_them(study):
    ds = paths(study, Trial(study.doses), "graded", 2, scenario="graded")
    assert [format_outcomes((cohort_of(ds, i),)) for i in (1, 2, 3)] == ["1N", "1M", "1T"]
    np.testing.assert_allclose(ds["branch"][1:4], [0.9 * 0.8, 0.9 * 0.2, 0.1])
    plain = paths(study, Trial(study.doses), "graded", 2)
    assert plain["probability"].isnull().all()
    assert plain["level"].to_numpy().tolist() == ds["level"].to_numpy().tolist()
    text = shown(plain)
    assert "%)" not in text
    assert "no posterior predicts" in text
    assert "Right: probability" not in svg(plain)


def shown(ds, width=100):
    return terminal_text(paths_document(ds), width).plain


@pytest.mark.parametrize("name", ["ATD+3+3 uncapped", "CRM 13", "BOIN 25"])
def test_the_text_keeps_to_its_width_and_has_a_line_for_each_node(bundled, name):
    ds = paths(bundled, Trial(bundled.doses), name, 4)
    text = shown(ds)
    lines = text.splitlines()
    assert max(cell_len(line) for line in lines) <= 100
    nodes = [line for line in lines if re.search(r"\d of \d at \d \(\S+%\): (up|down|stay|stop), ", line)]
    assert len(nodes) == ds.sizes["node"] - 1
    assert "posterior predictive, two-parameter logistic" in text


def test_the_summary_adds_up_what_is_next(study):
    ds = paths(study, Trial(study.doses), "BOIN", 3, scenario="mid")
    text = shown(ds)
    tail = text[text.index("When these 3 cohorts are over") :]
    values = [float(line.split()[-1].lstrip("<")) for line in tail.splitlines()[3:] if line.strip()]
    assert sum(values) == pytest.approx(100, abs=0.3)
    second = float(ds["probability"][ds["leaf"] & (ds["mtd"] == 2)].sum())
    line = next(line for line in tail.splitlines() if line.startswith("stop, max patients, MTD 2"))
    assert float(line.split()[-1]) == pytest.approx(100 * second, abs=0.06)


FIGURES = {
    "BOIN 25": ("renji-elo", 3, "1N 2NNN"),
    "ATD+3+3 cap 10": ("renji-elo", 9, ""),
    "CRM 25": ("renji-elo", 5, ""),
}


@pytest.mark.parametrize("name", FIGURES)
def test_nothing_in_the_figure_is_cut_off_or_written_over(bundled, name):
    _, cohorts, outcomes = FIGURES[name]
    ds = paths(bundled, Trial.from_outcomes(outcomes, bundled.doses), name, cohorts)
    figure = paths_figure(ds)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    ax = figure.axes[0]
    texts = [(t.get_text(), t.get_window_extent(canvas.get_renderer()).extents) for t in [*ax.texts, *figure.texts]]
    width, height = figure.get_size_inches() * figure.dpi
    assert [t for t, b in texts if b[0] < -0.5 or b[1] < -0.5 or b[2] > width + 0.5 or b[3] > height + 0.5] == []
    smaller = [(t, (x0 + 0.5, y0 + 0.5, x1 - 0.5, y1 - 0.5)) for t, (x0, y0, x1, y1) in texts]
    assert [(a[0], b[0]) for a, b in itertools.combinations(smaller, 2) if overlap(a[1], b[1])] == []
    assert min(t.get_fontsize() for t in figure.findobj(Text)) >= 6.5
    assert height / figure.dpi < 14
    boxes = [patch for patch in ax.patches if isinstance(patch, Rectangle)]
    cut = "Drawn: the first" in " ".join(t.get_text().replace("\n", " ") for t in figure.texts)
    assert cut == (len(courses(ds)) > MOST)
    assert cut or len(boxes) == ds.sizes["node"]
    ends = [t.get_text() for t in ax.texts if re.fullmatch(r"\d+\.\d|<0\.1", t.get_text())]
    assert sum(float(t) for t in ends if t[0] != "<") == pytest.approx(100, abs=0.05 * len(ends) + 0.1)


def test_the_command_prints_and_writes(path, tmp_path):
    folder = tmp_path / "deep" / "out"
    result = run(path, "--design", "BOIN", "--scenario", "mid", "--out", folder)
    assert result.exit_code == 0, result.stderr
    assert "true DLT rates of scenario mid" in result.stdout
    assert "paths.csv .nc .svg .png" in result.stdout
    read = pd.read_csv(folder / "paths.csv")
    assert read["probability"].sum() == pytest.approx(1)
    first = read.iloc[0]
    assert (first["outcomes"], first["stop"], first["mtd"]) == ("1NNN 2NNN 3NNN", "max_patients", 3)
    with xr.open_dataset(folder / "paths.nc") as stored:
        assert stored.attrs["study_hash"] == load_study(path).hash


def test_json_is_one_object(path):
    read = json.loads(run(path, "--design", "3+3", "--scenario", "mid", "--cohorts", "1", "--json").stdout)
    assert read["next"] == {"level": 1, "dose": "low", "size": 3, "stop": None, "mtd": None}
    assert [p["outcomes"] for p in read["paths"]] == ["1NNN", "1NNT", "1NTT", "1TTT"]
    assert read["paths"][0]["dose"] == "mid"
    assert read["paths"][0]["probability"] == pytest.approx(0.95**3)
    assert (read["paths"][3]["level"], read["paths"][3]["mtd"]) == (None, None)
    assert read["paths"][1]["cohorts"] == [{"given": 1, "patients": 3, "dlts": 1, "moderate": 0}]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "design: missing; wanted a design of the study; known: 3+3, BOIN"),
        (["--design", "BOIM"], "no design 'BOIM' in the study; did you mean 'BOIN'?"),
        (["--design", "BOIN", "--scenario", "mdi"], "no scenario 'mdi' in the study; did you mean 'mid'?"),
        (["--design", "BOIN", "--cohorts", "0"], "cohorts: wanted a whole number of at least 1, got 0"),
        (["--design", "BOIN", "--outcomes", "4NNN"], "wanted a dose level of 1 to 3, got 4"),
        (["--design", "BOIN 24", "--cohorts", "7"], "wanted at most 6, or a later start given as outcomes so far"),
    ],
)
def test_wrong_input_is_told(path, arguments, told):
    result = run(path, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert told in result.stderr
