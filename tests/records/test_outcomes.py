"""Survival and scores of liver function from a record, by hand."""

import numpy as np
import pytest
from records.record_files import ADLB, ADSL, DOSES, TABLES, WINDOW, write

from doseopt.records.outcomes import follow_up, liver_function
from doseopt.records.record import read_record


def read(folder, tables=TABLES, **changes):
    return read_record(write(folder, tables, **changes), DOSES, WINDOW)


def test_follow_up_ends_with_the_data_the_study_or_death(tmp_path):
    """Until 20 May: S-1 left on day 60, S-2 is on day 40, S-3 was transplanted on 18, S-4 is on 35, S-5 on 0."""
    found = follow_up(read(tmp_path))
    assert found.end.tolist() == [60, 40, 38, 35, 0]
    assert np.isnan(found.death).all()
    assert found.transplantation.tolist() == pytest.approx([np.nan, np.nan, 18, np.nan, np.nan], nan_ok=True)
    assert follow_up(read(tmp_path), level=2).end.tolist() == []


def test_a_death_that_is_known_after_the_end_of_study_counts(tmp_path):
    found = follow_up(read(tmp_path, adsl=("CLF,,,,2024-04-30", "CLF,,2024-05-10,,2024-04-30")))
    assert found.death[0] == 70
    assert found.survival().estimate(60) == (1, 0)


SAME = "S-1,2024-03-08,7,INR,2.0,\nS-1,2024-03-08,7,CREAT,1.0,mg/dL\nS-1,2024-03-08,7,SODIUM,130,mmol/L\n"
WHOLE = ADLB + SAME + "S-1,2024-03-08,7,ALB,2.8,g/dL\n"


def test_scores_of_each_visit_in_two_unit_systems(tmp_path):
    """The patients of the published formulas by hand: (12, 2.5, 1.8, 128, 2.2) but female, and (5, 2, 1, 130, 2.8)."""
    first, second = liver_function(read(tmp_path, TABLES | {"adlb.csv": WHOLE}))
    assert (first.subject, first.dose, first.visit, second.visit) == (1, "0.15", "0", "7")
    assert first.scores == {"MELD": 32, "MELD-Na": 34, "MELD 3.0": 37}  # 35.2275 + 1.33
    assert second.scores == {"MELD": 20, "MELD-Na": 25, "MELD 3.0": 25}
    assert first.missing == second.missing == {}


def test_what_lacks_is_said_of_each_score(tmp_path):
    _, second = liver_function(read(tmp_path, TABLES | {"adlb.csv": ADLB + SAME}))
    assert second.scores == {"MELD": 20, "MELD-Na": 25}
    assert second.missing == {"MELD 3.0": "no ALB"}


@pytest.mark.parametrize(
    ("old", "new", "score", "why"),
    [
        ("S-1,2024-03-08,7,ALB", "S-1,2024-03-09,7,ALB", "MELD 3.0", "values of different draws"),
        ("S-1,2024-03-08,7,SODIUM", "S-1,2024-03-08T09:10,7,SODIUM", "MELD-Na", "values of different draws"),
        ("S-1,2024-03-08,7,SODIUM", "S-1,2024-03-08,7,INR", "MELD", "more than one value of INR"),
    ],
)
def test_all_values_are_from_one_draw(tmp_path, old, new, score, why):
    changed = WHOLE.replace(old, new).replace("INR,130,mmol/L", "INR,2.1,")
    _, second = liver_function(read(tmp_path, TABLES | {"adlb.csv": changed}))
    assert second.missing[score] == why


def test_a_score_that_asks_for_the_sex(tmp_path):
    found = liver_function(read(tmp_path, TABLES | {"adlb.csv": WHOLE, "adsl.csv": ADSL.replace("45,F", "45,")}))
    assert found[0].missing == {"MELD 3.0": "sex not recorded"}


def test_dialysis_holds_for_its_visit_whatever_its_time(tmp_path):
    """Creatinine at 4: 6.43 + 9.57 ln 4 + 3.78 ln 5 + 11.2 ln 2 = 33.54."""
    found = liver_function(read(tmp_path, TABLES | {"adlb.csv": WHOLE + "S-1,2024-03-06,7,DIAL7,1,\n"}))
    assert found[1].scores["MELD"] == 34
    assert found[0].scores["MELD"] == 32
