"""Adverse events by dose: every count by hand, in the made record."""

import pytest
from records.record_files import ADAE, ADSL, DOSES, TABLES, WINDOW, write

from doseopt.records.record import read_record
from doseopt.records.safety import by_term, listing, overview


@pytest.fixture
def record(tmp_path):
    return read_record(write(tmp_path), DOSES, WINDOW)


OVERVIEW = {
    "any": ([1, 2, 0, 3], [1, 3, 0, 4]),
    "grade 3 or worse": ([0, 2, 0, 2], [0, 2, 0, 2]),
    "related": ([1, 1, 0, 2], [1, 2, 0, 3]),
    "serious": ([0, 2, 0, 2], [0, 2, 0, 2]),
    "leading to death": ([0, 0, 0, 0], [0, 0, 0, 0]),
    "dose-limiting": ([0, 1, 0, 1], [0, 1, 0, 1]),
}
"""Subjects and events at the three doses and in all: the ascites of S-1 began before treatment."""


@pytest.mark.parametrize("row", OVERVIEW)
def test_subjects_and_events_of_each_kind(record, row):
    found = overview(record).sel(row=row)
    assert (found["subjects"].values.tolist(), found["events"].values.tolist()) == OVERVIEW[row]


def test_the_denominator_is_who_was_treated(record):
    found = overview(record)
    assert found["treated"].values.tolist() == [1, 4, 0, 5]
    assert found["dose"].values.tolist() == ["0.15", "0.5", "1.5", "all"]


def test_intervals_of_the_rates(record):
    """2 of 4: 0.0676 to 0.9324 (R's binom.test), and 90% of Beta(3, 3) in 0.1893 to 0.8107; of nobody: all."""
    found = overview(record).sel(row="any")
    assert found["lower"].values.round(4).tolist()[1:3] == [0.0676, 0]
    assert found["upper"].values.round(4).tolist()[1:3] == [0.9324, 1]
    whole = overview(record, level=0.9).sel(row="any", dose="0.5")
    assert (round(whole["credible_lower"].item(), 4), round(whole["credible_upper"].item(), 4)) == (0.1893, 0.8107)
    assert whole["mean"].item() == 0.5


def test_an_onset_after_the_last_day_is_not_emergent(tmp_path):
    late = read_record(write(tmp_path, adae=("2024-04-25,2024-04-30", "2024-06-12,")), DOSES, WINDOW)
    assert late.events[-1].day == 61
    assert overview(late).sel(row="any", dose="all")["subjects"].item() == 2
    assert overview(late, last=61).sel(row="any", dose="all")["subjects"].item() == 3


def test_what_is_not_recorded_is_not_counted_but_told(tmp_path):
    """S-2's fever has no causality: 1 of 4 events; of S-3's grade 5 it is known that it led to death."""
    dead = ADAE.replace("1,N,Y,Y", "1,N,,Y").replace(",4,Y,N,Y,NOT RECOVERED,N,", ",5,Y,N,Y,,,")
    died = ADSL.replace("CLF,,,2024-04-30", "CLF,,2024-04-30,")
    found = overview(read_record(write(tmp_path, TABLES | {"adae.csv": dead, "adsl.csv": died}), DOSES, WINDOW))
    assert found["unrecorded"].values.tolist() == [0, 0, 1, 0, 0, 0]
    assert found["subjects"].sel(row="related", dose="all").item() == 2
    assert found["events"].sel(row="related", dose="all").item() == 2
    assert found["subjects"].sel(row="leading to death", dose="all").item() == 1


def test_classes_and_terms_by_frequency(record):
    found = by_term(record)
    assert list(zip(found["system"].values.tolist(), found["term"].values.tolist(), strict=True)) == [
        ("General disorders", ""),
        ("General disorders", "Fever"),
        ("Gastrointestinal disorders", ""),
        ("Gastrointestinal disorders", "Abdominal pain"),
        ("Hepatobiliary disorders", ""),
        ("Hepatobiliary disorders", "Hepatic failure"),
    ]
    assert found["subjects"].sel(dose="all").values.tolist() == [2, 2, 1, 1, 1, 1]
    assert found["worst"].sel(dose="all").values.tolist()[:3] == [[1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 1, 0, 0]]


def test_a_subject_counts_once_a_term_at_the_worst_grade(tmp_path):
    again = ADAE.rstrip() + "\nS-1,FEVER,general disorders,2024-03-09,,3,N,N,Y,,N,N\n"
    found = by_term(read_record(write(tmp_path, TABLES | {"adae.csv": again}), DOSES, WINDOW)).isel(row=1)
    assert found["term"].item() == "Fever"
    assert (found["subjects"].values.tolist(), found["events"].values.tolist()) == ([1, 1, 0, 2], [2, 1, 0, 3])
    assert found["worst"].sel(dose="0.15").values.tolist() == [0, 0, 1, 0, 0]


def test_events_without_a_class_stand_last_without_a_row_for_it(tmp_path):
    found = by_term(
        read_record(write(tmp_path, adae=("Abdominal pain,Gastrointestinal disorders", "Pain,")), DOSES, WINDOW)
    )
    rows = list(zip(found["system"].values.tolist(), found["term"].values.tolist(), strict=True))
    assert rows[-1] == ("", "Pain")
    assert ("", "") not in rows


def test_without_events_there_are_no_rows(tmp_path):
    none = read_record(write(tmp_path, TABLES | {"adae.csv": ADAE.strip().split("\n")[0]}), DOSES, WINDOW)
    assert by_term(none).sizes["row"] == 0
    assert overview(none)["subjects"].values.sum() == 0


def test_serious_events_one_by_one_under_numbers_of_subjects(record):
    found = listing(record, "serious")
    shown = ("subject", "dose", "day", "until", "term", "grade", "related", "dlt")
    assert [tuple(one[name] for name in shown) for one in found] == [
        (2, "0.5", 10, 21, "Abdominal pain", 3, True, True),
        (3, "0.5", 13, 18, "Hepatic failure", 4, False, False),
    ]
