"""The fewest patients for a wanted probability, read off a curve."""

import numpy as np
import pytest
import xarray as xr
from doseopt.conduct.standing import standings
from small_study import SMALL

from doseopt.amendment.outlook import beliefs_now, by_enrolment, enrolment_needed
from doseopt.display.outlook import STUDY_MODEL
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
    standing = standings(both, (), study.designs["ATD 6"])
    going = {name: design for name, (design, _) in standing.items()}
    starts = {name: state for name, (_, state) in standing.items()}
    first = starts["3+3"]
    belief = beliefs_now(study, first.n[0], first.y[0])[STUDY_MODEL]
    curve = by_enrolment(study, going, starts, belief)["correct_selection"]
    assert curve["enrolment"][:3].to_numpy().tolist() == [1, 4, 6]
    seen = curve.notnull()
    assert seen.sel(design="3+3").to_numpy().tolist() == (curve["enrolment"] >= 3).to_numpy().tolist()
    assert seen.sel(design="ATD 6").all()
