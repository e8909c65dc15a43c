"""Python's verbs: the numbers of the commands, whatever way study and trial are given, and the page in a notebook."""

import importlib
import pkgutil
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import doseopt
from doseopt.cli.output import as_json
from doseopt.conduct.next_dose import next_dose
from doseopt.core.parameters import Faults
from doseopt.records.trial import Trial
from doseopt.reports.given import study_of, trial_of

BOIN = doseopt.BOIN(doses=2, target=0.25, cohort=3)
SMALL = {f"BOIN {n}": doseopt.Modified(BOIN, (doseopt.MaxPatients(n=n),)) for n in (6, 9)}
TRUTH = {"low": [0.25, 0.5], "high": [0.1, 0.25]}
ONE = doseopt.Modified(BOIN, (doseopt.MaxPatients(n=6),))
VERBS = {
    "compare": lambda: doseopt.compare(SMALL, truth=TRUTH),
    "next_dose": lambda: doseopt.next_dose(SMALL, "1NNN"),
    "table": lambda: doseopt.table(SMALL, "BOIN 6"),
    "paths": lambda: doseopt.paths(ONE, "1NNN", cohorts=1),
    "walk": lambda: doseopt.walk(ONE, truth=[0.1, 0.3], seed=3),
    "examine": lambda: doseopt.examine(ONE, truth=[0.1, 0.3]),
    "limits": lambda: doseopt.limits(ONE, truth=TRUTH),
    "calibrate": lambda: doseopt.calibrate(ONE, candidates=8, truth=TRUTH),
    "record": lambda: doseopt.record("renji-elo", "example"),
    "amend": lambda: doseopt.amend(SMALL, "1NNN", registered="BOIN 6", amended=["BOIN 9"], truth=TRUTH),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_verb_answers_twice_though_every_module_is_loaded_and_shows_a_page(verb):
    for module in pkgutil.walk_packages(doseopt.__path__, "doseopt."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    if verb != "amend":  # which takes long, and is called again below
        VERBS[verb]()
    found = VERBS[verb]()
    page = found._repr_html_()
    assert page.startswith("<iframe")
    assert "sandbox" in page
    assert "&lt;h1&gt;" in page
    assert found.document.title


def test_an_answer_prints_what_the_command_prints():
    text = str(VERBS["next_dose"]())
    assert "BOIN 6" in text
    assert "BOIN 9" in text
    assert text.splitlines()[0] == "BOIN 6, BOIN 9"


def test_the_next_dose_of_the_registered_trial_is_that_of_the_command():
    study = doseopt.load_study("renji-elo")
    wanted = next_dose(study, Trial.from_outcomes("1N 2NNT", study.doses))
    assert as_json(doseopt.next_dose("renji-elo", "1N 2NNT")) == as_json(wanted)


def test_boin_after_one_dlt_in_three_stays():
    # lambda_e = 0.236, lambda_d = 0.359 at a target of 0.30 (Liu & Yuan 2015): 1/3 lies between them
    one = doseopt.next_dose(doseopt.BOIN(doses=5, target=0.3), "1NNN 2NNT")["designs"]["BOIN"]
    assert (one["action"], one["level"]) == ("treat", 2)


def test_a_study_is_given_as_object_name_path_or_designs(tmp_path):
    study = doseopt.load_study("renji-elo")
    study.save(tmp_path / "mine.toml")
    given = (study, "renji-elo", tmp_path / "mine.toml", str(tmp_path / "mine.toml"))
    assert len({study_of(each).hash for each in given}) == 1
    assert list(study_of([BOIN, BOIN, ONE]).designs) == ["BOIN", "BOIN (2)", "BOIN 6"]
    assert study_of(SMALL).target == 0.25


def test_a_trial_is_given_as_object_outcomes_path_or_nothing(tmp_path):
    study = doseopt.load_study("renji-elo")
    (tmp_path / "data.csv").write_text("patient,dose_level,dlt,cohort\n1,1,0,1\n2,2,0,2\n3,2,0,2\n4,2,1,2\n")
    told = Trial.from_outcomes("1N 2NNT", study.doses)
    for given in (told, "1N 2NNT", tmp_path / "data.csv", str(tmp_path / "data.csv")):
        assert [each.tolist() for each in trial_of(study, given).tally()] == [[1, 3, 0, 0], [0, 1, 0, 0]]
    assert trial_of(study, None).tally()[0].sum() == trial_of(study, "").tally()[0].sum() == 0


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (3, "wanted a design, got 3"),
        ([], "wanted a study, its file, the name of a bundled study, or designs, got []"),
        ({"a": BOIN, "b": doseopt.BOIN(doses=3, target=0.3)}, "wanted one for all designs, got [2, 3]"),
        ("renji", "did you mean 'renji-elo'?"),
    ],
)
def test_what_is_no_study_is_refused(given, message):
    with pytest.raises(Faults) as refused:
        study_of(given)
    assert message in str(refused.value)


@pytest.mark.parametrize("truth", ["x", [], [[[0.1, 0.2]]], [0.1], [[0.1, 1.2]], {"a": [0.1, "b"]}])
def test_what_is_no_truth_is_refused(truth):
    with pytest.raises(Faults):
        doseopt.compare(ONE, truth=truth)


def test_designs_without_a_truth_are_refused_by_compare_with_the_way_out():
    with pytest.raises(Faults, match="wanted true DLT rates"):
        doseopt.compare(ONE)


def test_summary_is_tidy_and_without_errors_where_all_is_exact():
    found = doseopt.compare(SMALL, truth=TRUTH)
    frame = doseopt.summary(found)
    assert {"design", "scenario", "dose", "measure", "value", "mcse", "units"} <= set(frame.columns)
    assert frame["mcse"].isna().all()
    assert not [name for name in found.data_vars if name.endswith("_mcse")]
    one = frame.query("design == 'BOIN 9' and scenario == 'low' and measure == 'no_selection'")["value"].item()
    assert one == found.no_selection.sel(design="BOIN 9", scenario="low").item()


def test_a_result_is_a_dataset_and_what_is_selected_from_it_is_shown_as_one():
    found = VERBS["compare"]()
    assert isinstance(found, xr.Dataset)
    part = found.sel(design="BOIN 6")
    assert part.document is None
    assert "<iframe" not in part._repr_html_()
    assert np.array_equal(part.selection, found.selection[0])


def test_a_report_is_written_whole_with_what_makes_it_again(tmp_path):
    files = VERBS["amend"]().save(tmp_path / "out")
    assert sorted(path.name for path in files) == [
        "amendment.docx", "amendment.html", "amendment.nc", "amendment.pdf", "study.toml",
    ]  # fmt: skip
    said = (tmp_path / "out" / "amendment.html").read_text(encoding="utf-8")
    assert (
        "doseopt amend study.toml --outcomes 1NNN --registered &#x27;BOIN 6&#x27; --amended &#x27;BOIN 9&#x27;" in said
    )
    assert doseopt.load_study(Path(tmp_path / "out" / "study.toml")).hash == study_of(SMALL, TRUTH).hash


def test_a_comparison_is_plotted_in_four_lines():
    figure = doseopt.plot.heatmap(doseopt.compare(SMALL, truth=TRUTH))
    assert figure.axes
    with pytest.raises(AttributeError, match="did you mean 'heatmap'"):
        _ = doseopt.plot.heatmp


@pytest.mark.parametrize("name", dir(doseopt.plot))
def test_every_figure_has_its_function(name):
    assert callable(getattr(doseopt.plot, name))


def test_the_figures_of_a_posterior_and_of_a_record_take_what_the_verbs_return():
    known, safety = doseopt.posterior(SMALL, "1NNN", model="beta"), VERBS["record"]()
    figures = [getattr(doseopt.plot, name)(known) for name in ("posterior", "curve", "predictive")]
    figures += [doseopt.plot.swimmer(safety["courses"]), doseopt.plot.survival(safety["curve"])]
    figures += [doseopt.plot.liver(safety["liver"]), doseopt.plot.improvement(safety["improvement"])]
    assert all(figure.axes for figure in figures)
    with pytest.raises(Faults, match="wanted two designs of the same most patients"):
        doseopt.plot.maps(VERBS["limits"]())


def test_rates_and_results_that_are_none_are_said_once():
    with pytest.raises(Faults, match="truth 'S1': wanted 2 true DLT rates from 0 to 1, one a dose, got") as short:
        doseopt.compare(ONE, truth=[[0.1, 0.2, 0.3]])
    with pytest.raises(Faults, match="truth 'b'") as beyond:
        doseopt.compare(ONE, truth={"a": [0.1, 0.2], "b": (0.1, 3)})
    assert [len(each.value.faults) for each in (short, beyond)] == [1, 1]
    with pytest.raises(Faults, match="wanted a comparison, as compare returns it, got int"):
        doseopt.summary(3)
