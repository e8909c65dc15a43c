"""The tables that a report ends with, from numbers written by hand."""

from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from doseopt import Utility
from doseopt.core.cohort import Cohort
from doseopt.display.outlook import STUDY_BELIEF
from doseopt.reports.render.document import Paragraph, Table
from doseopt.reports.sections.closing import _ranking, attainable

NAMES = ["3+3", "BOIN 9"]


def dossier(utility):
    values = {
        "most_patients": [6.0, 9.0],
        "attained": [0.25, 0.5],
        "attainable": [0.625, 0.75],
        "attained_now": [0.125, 0.25],
        "attainable_now": [0.5, 0.25],
    }
    attrs = {"belief": "so", "utility": "so", "error": 0.0, "not_computed": ""}
    regret = (("design", "scenario"), [[0.25, 0.5], [np.nan, np.nan]])
    beside = {"overdose_selection": ("design", [0.125, 0.25]), "patients_below_mtd": ("design", [2.0, 1.5])}
    average = xr.Dataset(beside, {"design": NAMES}).expand_dims(belief=[STUDY_BELIEF])
    skips = {name: SimpleNamespace(facts=SimpleNamespace(skips=False)) for name in NAMES}
    return SimpleNamespace(
        attainable=xr.Dataset({k: ("design", v) for k, v in values.items()}, {"design": NAMES}, attrs),
        comparison=xr.Dataset({"regret_to_benchmark": regret}, {"design": NAMES}),
        study=SimpleNamespace(utility=utility, designs=skips),
        designs=NAMES,
        amendment=xr.DataTree.from_dict({"average": average}),
        cohorts=(Cohort(0, "N", False),),
        outcomes="1N",
    )


@pytest.mark.parametrize(
    ("utility", "start", "now"),
    [
        (Utility(), ["25.0 62.5 +37.5", "50.0 75.0 +25.0"], ["12.5 50.0 +37.5 12.5 2.0", "25.0 25.0 +0.0 25.0 1.5"]),
        (
            Utility(per_dlt=0.1),
            ["0.250 0.625 0.375", "0.500 0.750 0.250"],
            ["0.125 0.500 0.375 12.5 2.0", "0.250 0.250 0.000 25.0 1.5"],
        ),
    ],
)
def test_regret_is_the_attainable_less_what_is_attained(utility, start, now):
    tables = [block for block in attainable(dossier(utility)) if isinstance(block, Table)]
    assert [[" ".join(row[2:]) for row in table.rows] for table in tables] == [start, now]
    assert [row[:2] for row in tables[0].rows] == [("3+3", "6"), ("BOIN 9", "9")]


def test_a_benchmark_that_no_design_has_is_not_spoken_of():
    def said(regret):
        given = dossier(Utility())
        given.comparison["regret_to_benchmark"] = (("design", "scenario"), regret)
        return " ".join(block.text for block in attainable(given) if isinstance(block, Paragraph))

    assert "benchmark minus correct selection, mean over the scenarios, 3+3 +37.5 percentage points" in said(
        [[0.25, 0.5], [np.nan, np.nan]]
    )
    assert "benchmark" not in said([[np.nan, np.nan]] * 2)


def test_readings_are_ranked_by_the_size_of_their_effect_whatever_its_sign():
    effects = {
        "correct_selection": [0.01, -0.05, 0.03],
        "overdose_selection": [0.02, -0.01, 0.0],
        "patients_below_mtd": [1.0, 0.5, -2.0],
        "total_dlts": [-0.5, 0.25, 0.0],
        "sample_size": [1.0, -2.0, -3.0],
    }
    ds = xr.Dataset(
        {f"effect_{name}": ("factor", value) for name, value in effects.items()},
        {"factor": ["trigger", "after_dlt", "confirm_top"]},
    )
    assert _ranking(ds).rows == (
        ("a titration dose with a DLT", "-5.00 (1)", "-1.00 (2)", "+0.50 (3)", "+0.25 (2)", "-2.00 (2)"),
        ("highest dose after its first cohort", "+3.00 (2)", "+0.00 (3)", "-2.00 (1)", "+0.00 (3)", "-3.00 (1)"),
        ("what ends titration", "+1.00 (3)", "+2.00 (1)", "+1.00 (2)", "-0.50 (1)", "+1.00 (3)"),
    )
