"""What a calibration prints, draws and writes."""

import json
import subprocess

import numpy as np
import pandas as pd
import pytest
from calibration.test_calibrate import STUDY
from cli.test_cli import run, run_apart
from pages import Page
from plots.test_plots import written

import doseopt.calibration.change as change
from doseopt.calibration import Objective, calibrate
from doseopt.cli.calibrate import designs_meant
from doseopt.core.parameters import Faults
from doseopt.engines.budget import TooManyStates
from doseopt.plots.calibration import calibration_figure
from doseopt.reports.frames import candidates_frame
from doseopt.reports.render.html import html
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.calibration import calibration_document
from doseopt.study.file import load_study, parse_study


@pytest.fixture(scope="module")
def found():
    study = parse_study(STUDY)
    return {name: calibrate(study, name, candidates=24).dataset for name in ("CRM 6", "CRM 9", "BOIN", "BLRM")}


@pytest.mark.parametrize("width", [80, 100])
def test_the_text_fits_and_holds_the_numbers(found, width):
    for name, ds in found.items():
        text = terminal_text(calibration_document([ds]), width).plain
        assert max(map(len, text.split("\n"))) <= width
        for which in ("default", "calibrated"):
            value = ds["compared"].sel(which=which, belief="belief", measure="correct_selection").item()
            assert f"{100 * value:.1f}" in text
        assert "another family" in " ".join(text.split())
        assert ("skeleton calibrated" in text) == name.startswith("CRM")


def test_no_candidate_within_the_limits_is_said(tmp_path):
    aim = Objective(limits=(("sample_size", 0.5),))
    ds = calibrate(parse_study(STUDY), "BOIN", objective=aim, candidates=8).dataset
    text = terminal_text(calibration_document([ds])).plain
    assert "No candidate keeps the limits." in " ".join(text.split())
    assert "sample_size = " in " ".join(text.split())


def test_candidates_as_a_table(found):
    frame = candidates_frame([found["CRM 6"], found["BOIN"]])
    assert len(frame) == found["CRM 6"].sizes["candidate"] + found["BOIN"].sizes["candidate"]
    assert frame["chosen"].sum() == 2
    chosen = frame[frame["chosen"] & (frame["design"] == "BOIN")].iloc[0]
    best = int(found["BOIN"].attrs["chosen"])
    assert chosen["saf"] == found["BOIN"]["value"][best, 0].item()


@pytest.mark.parametrize("names", [["CRM 6"], ["CRM 6", "CRM 9"], ["CRM 6", "CRM 9", "BOIN", "BLRM"]])
def test_the_figure_is_whole(found, names):
    figure = calibration_figure([found[name] for name in names])
    texts = written(figure)
    width, height = figure.get_size_inches() * figure.dpi
    assert [t for t, b in texts if b[0] < -0.5 or b[1] < -0.5 or b[2] > width + 0.5 or b[3] > height + 0.5] == []
    titles = [ax.get_title(loc="left") for ax in figure.axes if ax.get_title(loc="left")]
    assert titles == names
    labels = [t for t, _ in texts if t in ("as it is", "calibrated")]
    assert len(labels) == 2 * len(names)


def test_designs_meant():
    study = parse_study(STUDY)
    assert designs_meant(study, "CRM 6") == ["CRM 6"]
    assert designs_meant(study, "CRM") == ["CRM 6", "CRM 9"]
    for text in ("", "C", "CRM7"):
        with pytest.raises(Faults, match="--design"):
            designs_meant(study, text)


def test_the_command_writes_a_study_that_loads_and_compares(tmp_path):
    path = tmp_path / "three.toml"
    path.write_text(STUDY)
    result = run("calibrate", path, "--design", "CRM", "--candidates", "16", "--out", tmp_path / "out")
    assert result.exit_code == 0, result.output
    names = {file.name for file in (tmp_path / "out").iterdir()}
    assert names == {"calibrated.toml", "candidates.csv", "calibration.svg", "calibration.png"}
    study = load_study(tmp_path / "out" / "calibrated.toml")
    assert {"CRM 6 calibrated", "CRM 9 calibrated"} <= set(study.designs)
    assert run("check", tmp_path / "out" / "calibrated.toml").exit_code == 0
    frame = pd.read_csv(tmp_path / "out" / "candidates.csv")
    assert set(frame["design"]) == {"CRM 6", "CRM 9"}


def test_the_page_holds_the_tables_of_each_design_and_the_figure(found):
    page = Page(html(calibration_document([found["CRM 6"], found["BOIN"]])))
    (figure,) = page.figures
    assert "the line of those that none is better than" in figure
    averages = next(rows for caption, rows in page.tables.items() if caption.startswith("Averages"))
    value = found["BOIN"]["compared"].sel(which="calibrated", belief="belief", measure="correct_selection").item()
    assert averages[2][:2] == ["belief, calibrated", f"{100 * value:.1f}"]


def test_of_several_what_they_share_is_said_once_and_the_rest_under_each(found):
    text = terminal_text(calibration_document([found["CRM 6"], found["BOIN"]])).plain
    assert text.startswith("Calibration of CRM 6 (CRM) and BOIN (BOIN)\n")
    for shared in ("Objective ", "Belief ", "Made by "):
        assert text.count(f"\n{shared}") == 1
    for name in ("CRM 6 (CRM)", "BOIN (BOIN)"):
        own = text[text.index(f"\n{name}\n") :]
        ds = found[name.partition(" (")[0]]
        assert f"- Free: {ds['parameter'].to_numpy()[0]} " in own.split("Calibrated")[0]
        assert f"- Evaluated: {ds.sizes['candidate']} candidates exactly" in own.split("Calibrated")[0]


def test_the_command_writes_a_page_and_nothing_else(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "three.toml").write_text(STUDY)
    result = run("calibrate", "three.toml", "--design", "BOIN", "--candidates", "8", "--html", "page.html")
    assert result.exit_code == 0, result.output
    assert "page.html" in result.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["page.html", "three.toml"]
    assert len(Page((tmp_path / "page.html").read_text()).figures) == 1


def test_json_is_one_object(tmp_path):
    path = tmp_path / "three.toml"
    path.write_text(STUDY)
    result = run("calibrate", path, "--design", "BOIN", "--candidates", "8", "--json")
    found = json.loads(result.stdout)
    assert list(found) == ["BOIN"]
    assert np.isfinite(found["BOIN"]["data_vars"]["score"]["data"]).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--design: missing; wanted a design of the study"),
        (["--design", "BION"], "no design 'BION' in the study; did you mean 'BOIN'?"),
        (["--design", "3+3"], "3+3 has no parameter that can be tuned"),
        (["--design", "BOIN", "--free", "cutof"], "did you mean 'cutoff'?"),
        (["--design", "BOIN", "--objective", "corect_selection"], "did you mean 'correct_selection'?"),
        (["--design", "BOIN", "--at-most", "total_dlts"], "wanted a limit such as overdose_selection=0.15"),
        (["--design", "BOIN", "--at-most", "total_dlt=3"], "did you mean 'total_dlts'?"),
    ],
)
def test_wrong_input_gives_one_message_and_status_2(tmp_path, arguments, message):
    path = tmp_path / "three.toml"
    path.write_text(STUDY)
    result = run("calibrate", path, *arguments, "--candidates", "8", "--out", tmp_path / "out")
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.stderr


def test_other_processes_give_the_same_result(tmp_path):
    path = tmp_path / "three.toml"
    path.write_text(STUDY)
    command = ("calibrate", path, "--design", "BOIN", "--candidates", "64", "--json")
    apart = run_apart(*command)
    assert isinstance(apart, subprocess.CompletedProcess)
    assert apart.returncode == 0, apart.stderr
    here = calibrate(parse_study(STUDY), "BOIN", candidates=64).dataset
    there = json.loads(apart.stdout)["BOIN"]["data_vars"]["score"]["data"]
    np.testing.assert_array_equal(there, here["score"])


def test_what_is_attainable_but_too_large_is_said(monkeypatch):
    def refuse(*_):
        raise TooManyStates("the policy takes 4,300 GB; take cohorts of 4")

    monkeypatch.setattr(change, "bayes_optimal", refuse)
    ds = calibrate(parse_study(STUDY), "BOIN", candidates=8).dataset
    flat = " ".join(terminal_text(calibration_document([ds])).plain.split())
    assert "What is attainable was not computed: the policy takes 4,300 GB; take cohorts of 4." in flat
    assert "nan" not in flat
