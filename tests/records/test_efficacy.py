"""Clinical improvement and antibodies against HLA from a record, by hand."""

import numpy as np
import pytest
from records.record_files import ADEFF, ADLB, DOSES, TABLES, WINDOW, write

from doseopt.records.efficacy import antibodies, improvement
from doseopt.records.record import read_record

MORE = ADEFF + "S-3,28,IMPROVED,Y\nS-4,28,IMPROVED,N\nS-1,7,IMPROVED,N\nS-1,28,ASCITES,N\n"
DSA = """
S-1,2024-02-28,-2,DSA1,N,
S-1,2024-03-01,0,DSA1,negative,
S-1,2024-03-29,28,DSA1,POSITIVE,
S-1,2024-03-29,28,DSA2,negative,
S-2,2024-04-10,0,DSA1,Y,
S-2,2024-05-08,28,DSA1,Y,
S-4,2024-05-13,28,DSA2,Y,
"""


def read(folder, **tables):
    return read_record(write(folder, TABLES | {f"{name}.csv": text for name, text in tables.items()}), DOSES, WINDOW)


def test_improvement_by_dose_and_visit(tmp_path):
    """On day 28 S-1 improved at the lowest dose, and of S-2 to S-4 at the second one."""
    found = improvement(read(tmp_path, adeff=MORE))
    assert found["visit"].values.tolist() == ["7", "28"]
    day = found.sel(visit="28")
    assert day["improved"].values.tolist() == [1, 1, 0, 2]
    assert day["assessed"].values.tolist() == [1, 3, 0, 4]
    assert found["treated"].values.tolist() == [1, 4, 0, 5]
    assert day["lower"].values.round(6).tolist()[:2] == [0.025, 0.008404]  # 1 of 3 in proportions.csv
    assert day["mean"].values[:3] == pytest.approx([2 / 3, 2 / 5, 1 / 2])


def test_how_probable_it_is_that_the_best_looking_dose_is_the_best(tmp_path):
    """Pr(Beta(2, 1) > Beta(2, 3)) is 1 less the integral of x^2 12 x (1 - x)^2, which is 12 B(4, 3) = 1/5."""
    found = improvement(read(tmp_path, adeff=MORE))["most_likely_best"]
    assert found.sel(visit="28").item() == pytest.approx(4 / 5, abs=1e-13)
    assert np.isnan(found.sel(visit="7").item()), "only one dose was assessed"


def test_other_answers_of_the_team(tmp_path):
    found = improvement(read(tmp_path, adeff=MORE), "ascites")
    assert (found["improved"].sel(dose="all").item(), found["assessed"].sel(dose="all").item()) == (0, 1)


def test_antibodies_positive_and_de_novo(tmp_path):
    """S-1 was negative on days -2 and 0 and is positive on 28; S-2 was positive before; S-4 was not tested before."""
    first = ADLB.replace("AVAL,", "AVALC,").rstrip()
    found = antibodies(read(tmp_path, adlb=first + DSA))
    assert found["visit"].values.tolist() == ["-2", "0", "28"]
    assert found["tested"].values.tolist() == [[1, 2, 2], [0, 0, 2]]
    assert found["positive"].values.tolist() == [[0, 1, 2], [0, 0, 1]]
    assert found["negative_before"].values.tolist() == [[0, 0, 1], [0, 0, 0]]
    assert found["de_novo"].values.tolist() == [[0, 0, 1], [0, 0, 0]]


def test_without_any(tmp_path):
    record = read_record(write(tmp_path, {k: TABLES[k] for k in ("adsl.csv", "adae.csv")}), DOSES, WINDOW)
    assert improvement(record).sizes["visit"] == antibodies(record).sizes["visit"] == 0
