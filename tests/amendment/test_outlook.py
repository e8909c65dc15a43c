"""The fewest patients for a wanted probability, read off a curve."""

import numpy as np
import pytest
import xarray as xr
from small_study import SMALL

from doseopt.amendment.outlook import beliefs_now, by_enrolment, enrolment_needed
from doseopt.display.outlook import STUDY_MODEL
from doseopt.records.trial import Trial
from doseopt.study.file import parse_study

CURVE = xr.DataArray(
    [[np.nan, 0.5, 0.625, 0.75], [0.25, 0.5, 0.5, 0.5], [0.25, 0.75, 0.5, 0.75]],
    dims=("design", "enrolment"),
    coords={"design": ["rises", "stays", "falls"], "enrolment": [3, 6, 9, 12]},
)


@pytest.mark.parametrize(
    ("wanted", "needed"),
    [(0.5, [6, 6, 6]), (0.501, [9, None, 6]), (0.625, [9, None, 6]), (0.75, [12, None, 6]), (0.76, [None] * 3)],
)
def test_the_enrolment_needed_is_the_first_that_attains_what_is_wanted(wanted, needed):
    assert list(enrolment_needed(CURVE, wanted).values()) == needed


def test_a_cap_below_the_first_cohort_of_a_design_is_none_for_it():
    """The first cohort of a 3+3 has three patients, that of accelerated titration one: both in one study."""
    designs = '[designs."3+3"]\nkind = "three_plus_three"\n\n[amendment]\n'
    study = parse_study(SMALL.replace("[amendment]\n", designs, 1), "small.toml")
    both = {name: study.designs[name] for name in ("3+3", "ATD 6")}
    trial = Trial(study.doses)
    standings = {name: trial.after(design).standing() for name, design in both.items()}
    belief = beliefs_now(study, trial)[STUDY_MODEL]
    curve = by_enrolment(study, standings, belief)["correct_selection"]
    assert curve["enrolment"][:3].to_numpy().tolist() == [1, 4, 6]
    seen = curve.notnull()
    assert seen.sel(design="3+3").to_numpy().tolist() == (curve["enrolment"] >= 3).to_numpy().tolist()
    assert seen.sel(design="ATD 6").all()
