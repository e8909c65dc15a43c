"""The ladder in words and tables, from numbers written by hand; its figure for doses of any number."""

import numpy as np
import pytest
import xarray as xr

from doseopt.amendment.ladder import MEASURES, SCENARIOS
from doseopt.amendment.steps import RUNGS
from doseopt.display.outlook import STUDY_MODEL
from doseopt.plots.ladder import ladder_figure
from doseopt.reports.sections.ladder import curve_table, ladder_table, sentences
from doseopt.reports.sections.smallest import smallest_document

STEPS = ["plan", "reading stated", "cap 16", "CRM 13", "BOIN 13"]
CORRECT = np.array([0.172, 0.559, 0.55, 0.635, 0.616])


@pytest.fixture
def ds():
    values = {name: (("average", "step"), np.tile(np.linspace(0.1, 0.2, 5), (2, 1))) for name in MEASURES}
    values["correct_selection"] = ("average", "step"), np.stack([CORRECT, CORRECT / 2])
    values["sample_size"] = ("average", "step"), np.tile([9.64, 9.64, 12.6, 12.8, 12.8], (2, 1))
    rung = [0, 1, 2, 7, 7]
    coords = {
        "average": [STUDY_MODEL, SCENARIOS],
        "step": STEPS,
        "rung": ("step", rung),
        "rung_name": ("step", [RUNGS[k] for k in rung]),
        "says": ("step", ["nothing", "a", "b", "c", "d"]),
        "outcome": ("step", [False, True, False, True, True]),
        "window": ("step", [""] * 5),
    }
    attrs = {
        "registered": "plan",
        "title": "T",
        "outcomes": "",
        "version": "1",
        "study": "s",
        "study_hash": "h2:0",
        "left_out": "no cap",
    }
    return xr.Dataset(values | {"most_patients": ("step", [10, 10, 16, 13, 13])}, coords, attrs)


def test_the_first_step_that_is_enough_is_named_with_its_price(ds):
    (said,) = sentences(ds, 0.6)
    assert said.startswith('The first step to select correctly in 60% of trials is "CRM 13" (c): correct 63.5%')
    assert "12.8 patients expected, 13 at most, 0.2 below the MTD. It changes what is declared the MTD: a prim" in said
    assert "leaves what is declared the MTD as it is" in sentences(ds.isel(step=[0, 2]), 0.5)[0]
    assert sentences(ds, 0.1)[0].startswith(
        'To select correctly in 10% of trials takes no change of "plan": correct 17.2%'
    )
    assert sentences(ds, 0.7) == ['No step selects correctly in 70% of trials; the most is 63.5% ("CRM 13").']


def test_what_of_a_gain_costs_no_patient_is_told(ds):
    """38.7 of CRM 13's 46.3 points: 55.9 - 17.2 of 63.5 - 17.2."""
    said = sentences(ds, 0.6, ["CRM 13"])[1]
    assert said == (
        'Without one more patient, "reading stated" (a) gains +38.7 points of correct selection, of +46.3 with CRM 13; '
        "overdose 12.5%."
    )
    assert len(sentences(ds.isel(step=[0, 2, 3]), 0.6, ["CRM 13"])) == 1  # no such reading


def test_the_curve_has_the_steps_that_gain_and_the_tables_mark_a_primary_outcome(ds):
    rows = curve_table(ds).rows
    assert [row[0] for row in rows] == ["up to 17.2%", "up to 55.9%", "up to 63.5%"]
    assert [row[1] for row in rows] == ["plan", "reading stated*", "CRM 13*"]
    shown = ladder_table(ds, [0, 3], SCENARIOS)
    assert [row[0] for row in shown.rows] == ["plan", "CRM 13*"]
    assert shown.rows[1][1] == "31.8"


def test_the_figure_has_a_row_for_each_step_and_the_document_the_steps_that_gain(ds):
    figure = ladder_figure(ds, 0.6)
    assert [label.get_text() for label in figure.axes[0].get_yticklabels()] == [
        "plan",
        "reading stated*",
        "cap 16",
        "CRM 13*",
        "BOIN 13*",
    ]
    document = smallest_document(ds, 0.6)
    table = next(block for block in document.blocks if hasattr(block, "rows"))
    assert [row[0] for row in table.rows] == ["plan", "reading stated*", "CRM 13*"]
