"""Scores of the liver in time, and how many are left to have one, by hand."""

import numpy as np
from records.record_files import ADLB, DOSES, TABLES, WINDOW, write

from doseopt.records.liver import liver_courses
from doseopt.records.record import read_record


def draw(subject, date, day, bilirubin):
    """A visit whose MELD, INR 2.5 and creatinine 1.8, is that of the bilirubin; no sodium."""
    values = (("BILI", bilirubin, "mg/dL"), ("CREAT", 1.8, "mg/dL"), ("INR", 2.5, ""))
    return "".join(f"{subject},{date},{day},{code},{value},{unit}\n" for code, value, unit in values)


MORE = (
    ADLB.rstrip().rpartition("\n")[0]
    + "\n"
    + draw("S-1", "2024-03-29", 28, 3)  # 31.71 on day 0 and 3.78 ln(12 / 3) = 5.24 less here: 26.47, so 32 and 26
    + draw("S-3", "2024-04-12", 0, 12)
    + draw("S-3", "2024-04-19", 7, 12)
    + draw("S-4", "2024-04-22", 7, 5)
)


def test_scores_changes_and_who_is_left(tmp_path):
    """S-3 is transplanted on day 18; on day 28 of five S-1, S-2 (to day 40) and S-4 (to day 35) are left."""
    ds = liver_courses(read_record(write(tmp_path, TABLES | {"adlb.csv": MORE}), DOSES, WINDOW))
    meld = ds.sel(score="MELD")
    assert ds["number"].values.tolist() == [1, 1, 3, 3, 4]
    assert ds["level"].values.tolist() == [0, 0, 1, 1, 1]
    assert ds["day"].values.tolist() == [0, 28, 0, 7, 7]
    assert meld["value"].values.tolist()[:4] == [32, 26, 32, 32]
    assert ds["visit"].values.tolist() == [0, 7, 28]
    assert ds["reached"].values.tolist() == [5, 4, 3]
    assert ds["gone"].values.tolist() == [0, 0, 1]
    assert meld["measured"].values.tolist() == [2, 2, 1]
    assert meld["changed"].values.tolist() == [2, 1, 1], "S-4 has nothing before"
    assert [meld[name].values.tolist()[1:] for name in ("change", "least", "most")] == [[0, -6]] * 3
    assert ds.sel(score="MELD 3.0")["measured"].values.tolist() == [1, 0, 0]
    assert np.isnan(ds["ended"].values).tolist() == [True, True, False, True, True]


def test_a_visit_without_a_day_is_left_out(tmp_path):
    tables = TABLES | {"adlb.csv": ADLB.replace("AVISITN", "AVISIT").replace(",0,", ",Unscheduled,")}
    ds = liver_courses(read_record(write(tmp_path, tables), DOSES, WINDOW))
    assert ds["visit"].values.tolist() == [7]
    assert not ds["measured"].values.any()


def test_without_any_measurement(tmp_path):
    tables = {name: text for name, text in TABLES.items() if name != "adlb.csv"}
    ds = liver_courses(read_record(write(tmp_path, tables), DOSES, WINDOW))
    assert (ds.sizes["point"], ds.sizes["visit"]) == (0, 0)
