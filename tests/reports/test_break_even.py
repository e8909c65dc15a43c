"""Break-even points in words, as a table and as curves."""

import json

import pytest
import xarray as xr
from figure_checks import assert_legible
from small_study import SMALL
from typer.testing import CliRunner

from doseopt import load_study
from doseopt.cli import app
from doseopt.comparison.break_even import break_even
from doseopt.display.break_even import where_ahead
from doseopt.plots.break_even import break_even_figure
from doseopt.reports.render.document import Paragraph, Table
from doseopt.reports.sections.break_even import break_even_blocks


@pytest.fixture(scope="module")
def found():
    return break_even(load_study("renji-elo-first"), "CRM 13", ["CRM 25", "ATD+3+3 uncapped"])


@pytest.mark.parametrize(
    ("first", "turns", "low", "words"),
    [
        (1, [], 0, "everywhere"),
        (-1, [], 0, "nowhere"),
        (0, [], 0, "alike"),
        (1, [0.15], 0, "below 15.0%"),
        (-1, [0.15], 0, "above 15.0%"),
        (1, [0.15, 0.4], 0, "below 15.0%, above 40.0%"),
        (-1, [0.15, 0.4], 0, "15.0% to 40.0%"),
        (-1, [0.1, 0.2, 0.3], 0, "10.0% to 20.0%, above 30.0%"),
        (1, [-0.1, 0.2, float("nan")], -0.4, "below -10.0%, above +20.0%"),
    ],
)
def test_where_a_design_is_ahead(first, turns, low, words):
    at = {"break_even": ("crossing", turns), "amount": ("point", [low, 1]), "ahead_at_first": ((), float(first))}
    assert where_ahead(xr.Dataset(at)) == words


def test_the_table_has_a_row_for_the_mean_and_for_the_worst_scenario(found):
    points, attained, stops = (block for block in break_even_blocks(found) if isinstance(block, Table))
    assert [row[:2] for row in points.rows[:2]] == [("CRM 25", "mean"), ("CRM 25", "worst scenario")]
    assert points.rows[0][2] == "below 15.0%"  # the review: 36.3 for both at .15
    # of CRM 13: "too toxic" is right in 74 and 42%, overdose 15.1 and 18.0%
    assert [(row[1], f"{float(row[3]):.0f}", row[4]) for row in stops.rows if row[0] == "CRM 13"][::3] == [
        ("0.80", "74", "15.1"),
        ("0.95", "42", "18.0"),
    ]
    assert stops.head[-1] == "<MTD"
    # the review: correct selection at a tenth and a fifth of false DLTs; as it is 61.0, overdose 18, 5.49 below the MTD
    rows = {row[0]: row[1].split("/") for row in attained.rows}
    assert attained.head[1] == "CRM 13"
    assert [rows[f"false DLTs {share}%"][0] for share in (10, 20)] == ["44.3", "29.4"]
    assert rows["as the study is"] == ["61.0", "18.0", "5.5"]
    assert [name for name in rows if name.startswith("dose error")] == ["dose error -20%", "dose error +20%"]


def test_what_is_left_out_is_said(found):
    text = break_even_blocks(found.assign_attrs(left_out="large"))[0]
    assert isinstance(text, Paragraph)
    assert text.text.endswith("Left out, since too large for the exact calculation: large.")


def test_the_curves_are_legible(found):
    assert_legible(break_even_figure(found))


def test_the_command_adds_them_to_the_data(tmp_path):
    study = tmp_path / "small.toml"
    study.write_text(SMALL)
    run = CliRunner().invoke(app, ["compare", str(study), "--robust", "--no-posterior", "--json"])
    data = json.loads(run.stdout)
    assert data["attrs"]["registered"] == "ATD 6"
    assert data["data_vars"]["break_even"]["dims"] == ["perturbation", "criterion", "design", "crossing"]
    assert data["coords"]["design"]["data"] == ["ATD 6", "BOIN 9"]
    shown = CliRunner().invoke(app, ["compare", str(study), "--robust", "--no-posterior", "--out", str(tmp_path)])
    assert "Where a proposed design selects correctly more often than ATD 6" in shown.stdout
    assert (tmp_path / "break-even.svg").is_file()


def test_one_design_has_no_other_to_be_compared_with(tmp_path):
    study = tmp_path / "one.toml"
    study.write_text(SMALL[: SMALL.index('[designs."BOIN 9"]')])
    run = CliRunner().invoke(app, ["compare", str(study), "--robust", "--no-posterior", "--json"])
    assert run.exit_code == 2
    assert "wanted a second one, to be proposed instead of ATD 6, got none" in run.stderr
