"""Life table: what R prints, two tables by hand, and what lies on a boundary."""

import csv
from pathlib import Path

import numpy as np
import pytest

from doseopt import Faults, life_table
from doseopt.endpoints.life_table import BREAKS, at_end

REFERENCE = Path(__file__).parent / "reference" / "lifetable.csv"
"""KMsurv 0.1-6 `lifetab` and survival 3.5-3 `survfit`, `survdiff` in R 4.2.2, on made data."""
ROWS = list(csv.DictReader(REFERENCE.read_text().splitlines()))
COLUMNS = ["at_risk_start", "lost", "effective", "deaths", "surv_at_start", "se_surv_at_start"]


def numbers(text):
    return [float(part) for part in text.split("|")]


def test_the_reference_is_there():
    assert len(ROWS) == 12


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_every_table_of_the_reference(row):
    found = life_table(numbers(row["time"]), numbers(row["death"]), numbers(row["breaks"]))
    assert list(found.columns) == COLUMNS
    for name in COLUMNS:
        assert found[name].tolist() == pytest.approx(numbers(row[name]), rel=0, abs=6e-13), name


def test_the_intervals_are_those_of_the_registered_visits():
    found = life_table([60, 60], [0, 0])
    assert list(found.index) == ["(0, 1]", "(1, 3]", "(3, 7]", "(7, 14]", "(14, 28]", "(28, 60]"]
    assert found.equals(life_table([60, 60], [0, 0], BREAKS))


def test_by_hand():
    """Of 8 one dies on day 10 (7/8), one is lost on day 20, one dies on day 40 (5/6): 35/48."""
    found = life_table([10, 40, 20, 60, 60, 60, 60, 60], [1, 1, 0, 0, 0, 0, 0, 0], [0, 14, 28, 60])
    assert found["effective"].tolist() == [8, 6.5, 6]
    survival, error = at_end(found)
    assert survival == pytest.approx(35 / 48, abs=1e-15)
    assert error == pytest.approx(35 / 48 * (1 / (8 * 7) + 1 / (6 * 5)) ** 0.5, abs=1e-15)


def test_a_death_on_day_0_counts_in_the_first_interval_and_one_on_day_60_in_the_last():
    found = life_table([0, 60, 60], [1, 1, 0])
    assert found["deaths"].tolist() == [1, 0, 0, 0, 0, 1]
    assert found["lost"].tolist() == [0] * 6
    assert at_end(found)[0] == pytest.approx(2 / 3 * 1 / 2)


def test_who_is_followed_to_day_60_or_beyond_is_not_lost_and_a_death_on_day_61_is_none():
    found = life_table([60, 61, 75, 59], [0, 1, 0, 0])
    assert found["lost"].tolist() == [0, 0, 0, 0, 0, 1]
    assert found["deaths"].sum() == 0
    assert at_end(found) == (1.0, 0.0)


def test_two_deaths_on_one_day_and_a_loss_on_a_break():
    """Day 7 closes (3, 7]: n' = 4 - 1/2, q = 2/3.5."""
    found = life_table([7, 7, 7, 60], [1, 1, 0, 0])
    assert found.loc["(3, 7]", COLUMNS[:4]].tolist() == [4, 1, 3.5, 2]
    assert found.loc["(7, 14]", "at_risk_start"] == 1
    assert found.loc["(7, 14]", "surv_at_start"] == pytest.approx(3 / 7)


def test_when_everybody_is_lost_nothing_is_said_of_what_follows():
    found = life_table([5, 6], [0, 0])
    assert found["at_risk_start"].tolist() == [2, 2, 2, 0, 0, 0]
    assert found["surv_at_start"].tolist()[:4] == [1, 1, 1, 1]
    assert found["surv_at_start"].isna().tolist() == [False] * 4 + [True] * 2
    assert np.isnan(at_end(found)[0])


def test_when_everybody_has_died_survival_is_0_and_has_no_standard_error():
    found = life_table([2, 5], [1, 1])
    assert found["surv_at_start"].tolist() == [1, 1, 0.5, 0, 0, 0]
    assert found["se_surv_at_start"].isna().tolist() == [False] * 3 + [True] * 3
    assert at_end(found)[0] == 0


def test_nobody_at_a_dose():
    found = life_table([], [])
    assert found["at_risk_start"].tolist() == found["deaths"].tolist() == [0] * 6
    assert found["surv_at_start"].isna().all()
    assert np.isnan(at_end(found)).all()


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(Faults) as caught:
        life_table([3, -1], [0, 3], [0, 7, 7])
    assert [str(fault) for fault in caught.value.faults] == [
        "days[1]: wanted numbers in [0, 100000], the days from treatment on, got -1.0",
        "died[1]: wanted True or False, or 1 or 0, got 3",
        "breaks: wanted rising days that begin with 0, two at least, got [0.0, 7.0, 7.0]",
    ]


@pytest.mark.parametrize("breaks", [[0], [], 7, [1, 7], [0, 7, 3], [0, float("nan")], "days", None])
def test_breaks_that_are_none(breaks):
    with pytest.raises(Faults, match="breaks"):
        life_table([3], [0], breaks)


@pytest.mark.parametrize(("days", "died"), [([1, 2], [0]), (1, 0), ([[1]], [[0]]), ([1, None], [0, 0])])
def test_days_and_deaths_are_a_list_each(days, died):
    with pytest.raises(Faults):
        life_table(days, died)
