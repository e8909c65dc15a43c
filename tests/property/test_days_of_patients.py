"""The same patients by dates, by days of follow-up and by an outcome string: one trial to every design that waits."""

import datetime
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doseopt import load_study
from doseopt.conduct.in_hand import read_trial
from doseopt.conduct.next_dose import next_dose
from doseopt.conduct.posterior import analyse
from doseopt.designs.decision_table import DecisionTable
from doseopt.designs.layers import layers
from doseopt.records.trial import Trial
from doseopt.records.window import Window
from doseopt.scenarios.doses import Doses

DAYS, CUTOFF = 28, datetime.date(2024, 6, 30)


def before(days):
    return CUTOFF - datetime.timedelta(days)


@st.composite
def cohorts(draw):
    """Patients in the order of treatment, as (cohort, level, days since treatment, day of a DLT or None)."""
    sizes = draw(st.lists(st.integers(1, 3), min_size=1, max_size=4))
    ages = sorted(draw(st.lists(st.integers(0, 90), min_size=sum(sizes), max_size=sum(sizes))), reverse=True)
    found = []
    for number, size in enumerate(sizes, 1):
        level = draw(st.integers(1, 3))
        for _ in range(size):
            age = ages[len(found)]
            dlt = draw(st.none() | st.none() | st.integers(0, min(age, DAYS)))
            found.append((number, level, age, dlt))
    return found


def letter(age, dlt):
    return "T" if dlt is not None else "N" if age >= DAYS else f"?{age}"


def files(patients):
    """The text of a file by dates, and of one by days; and the outcome string."""
    dated, counted, string = (
        ["patient,dose_level,cohort,treated,dlt_date"],
        ["patient,dose_level,cohort,dlt,followup"],
        {},
    )
    for name, (cohort, level, age, dlt) in enumerate(patients, 1):
        dated.append(f"{name},{level},{cohort},{before(age)},{'' if dlt is None else before(age - dlt)}")
        counted.append(f"{name},{level},{cohort},{'' if dlt is None else 1},{age if dlt is None else dlt}")
        string.setdefault(f"{cohort} {level}", []).append(letter(age, dlt))
    outcomes = " ".join(key.split()[1] + "".join(letters) for key, letters in string.items())
    return "\n".join(dated), "\n".join(counted), outcomes


@pytest.fixture(scope="module")
def library():
    return load_study("library")


@settings(deadline=None, derandomize=True, max_examples=15)
@given(patients=cohorts())
def test_dates_days_and_a_string_are_one_trial_to_every_design(tmp_path_factory, library, patients):
    folder = tmp_path_factory.getbasetemp()
    dated, counted, outcomes = files(patients)
    (folder / "dated.csv").write_text(dated, encoding="utf-8")
    (folder / "days.csv").write_text(counted, encoding="utf-8")
    trials = (
        read_trial(library, outcomes, window=DAYS),
        read_trial(library, data=folder / "days.csv", window=DAYS),
        read_trial(library, data=folder / "dated.csv", cutoff=CUTOFF, window=DAYS),
    )
    plain = Trial.from_outcomes(re.sub(r"\?[0-9]+", "?", outcomes), library.doses)
    tables = {name for name, design in library.designs.items() if isinstance(layers(design).rule, DecisionTable)}
    chosen = [name for name in library.designs if name not in tables]  # tables have no row for some data
    one, *others = (next_dose(library, trial, chosen) for trial in (*trials, plain))
    for other in others:
        for part in ("designs", "doses", "grouping", "pending"):
            assert other[part] == one[part]
    shares = [trial.shares() for trial in trials]
    wanted = [age / DAYS for _, _, age, dlt in patients if dlt is None and age < DAYS]
    for each in shares:
        assert each.share[0].tolist() == pytest.approx(wanted)
        assert each.dose.tolist() == shares[0].dose.tolist()
    again = [trial.ask_again for trial in trials]
    days = [DAYS - age for _, _, age, dlt in patients if dlt is None and age < DAYS]
    assert [a and a.days for a in again] == [min(days, default=None)] * 3
    assert again[2] is None or again[2].on == str(CUTOFF + datetime.timedelta(min(days)))


def test_the_posterior_is_that_of_resolved_patients(tmp_path, library):
    dated, _, outcomes = files([(1, 1, 60, None), (2, 2, 40, 3), (2, 2, 39, None), (2, 2, 10, None)])
    (tmp_path / "dated.csv").write_text(dated, encoding="utf-8")
    assert outcomes == "1N 2TN?10"
    found = analyse(library, read_trial(library, data=tmp_path / "dated.csv", cutoff=CUTOFF, window=DAYS)).summary
    known = analyse(library, Trial.from_outcomes("1N 2TN", library.doses)).summary
    assert found.drop_attrs().equals(known.drop_attrs())
    assert found.attrs["pending"] == "4 (10 of 28 days)"
    assert found.attrs["cutoff"] == "2024-06-30"


@settings(deadline=None, derandomize=True, max_examples=60)
@given(patients=cohorts(), ago=st.integers(0, 100), gone=st.integers(1, 40))
def test_a_cut_off_is_what_the_data_said_on_that_day(tmp_path_factory, patients, ago, gone):
    """The file as it is now, at an earlier cut-off, is the file of that day: rows and dates of later were not there."""
    window, folder, doses = Window(DAYS, {"death": "replace"}), tmp_path_factory.getbasetemp(), Doses(("1", "2", "3"))
    now, then = (["patient,dose_level,cohort,treated,dlt_date,left,left_reason"] for _ in range(2))
    for name, (cohort, level, age, dlt) in enumerate(patients):
        left = age - gone if name % 3 == 0 and dlt is None and gone <= age else None
        days = [None if dlt is None else age - dlt, left]
        for lines, last in ((now, 0), (then, ago)):
            told = ["" if day is None or day < last else str(before(day)) for day in days]
            row = [str(name), str(level), str(cohort), str(before(age)), *told, "died" if told[1] else ""]
            lines += [",".join(row)] if age >= last else []
    (folder / "now.csv").write_text("\n".join(now), encoding="utf-8")
    found = Trial.from_csv(folder / "now.csv", doses, window, before(ago))
    if len(then) == 1:
        assert found.patients == ()
        return
    (folder / "then.csv").write_text("\n".join(then), encoding="utf-8")
    known = Trial.from_csv(folder / "then.csv", doses, window, before(ago))
    assert (found.patients, found.digest) == (known.patients, known.digest)


SPELLINGS = {
    "plain": ("%Y-%m-%d", ",", "", "utf-8"),
    "pandas": ("%Y-%m-%d 00:00:00", ",", "", "utf-8"),
    "ISO with a time": ("%Y-%m-%dT09:30:00Z", ",", "", "utf-8"),
    "basic": ("%Y%m%d", "\t", "", "utf-8"),
    "R": ('"%Y-%m-%d"', ",", "NA", "utf-8"),
    "SAS": ("%d%b%Y", ",", ".", "utf-8"),
    "Excel": ("%d-%b-%Y", ";", "", "utf-8-sig"),
    "Excel, Unicode text": ("%Y/%m/%d", "\t", "", "utf-16"),
    "capitals": ("%d%b%Y", "|", "NULL", "cp1252"),
    "a person": ("%d %b %Y", ";", "n/a", "utf-8"),
}


@settings(deadline=None, derandomize=True, max_examples=40)
@given(patients=cohorts(), left=st.sampled_from(["died", "Withdrawal by Subject", "Transplantation"]))
def test_ten_spellings_of_dates_are_one_trial(tmp_path_factory, patients, left):
    doses = Doses(labels=("1", "2", "3"))
    window = Window(DAYS, {"death": "replace", "dropout": "complete", "transplantation": "dlt"})
    path = tmp_path_factory.getbasetemp() / "dates.csv"
    seen = []
    for name, (form, separator, nothing, encoding) in SPELLINGS.items():
        say = str.upper if name == "capitals" else str
        lines = [say(separator.join(("patient", "dose level", "Cohort", "Treated", "DLT date", "left", "left reason")))]
        for k, (cohort, level, age, dlt) in enumerate(patients):
            gone = k == 0 and dlt is None and age > 0
            dates = (before(age), None if dlt is None else before(age - dlt), before(age - 1) if gone else None)
            cells = (nothing if date is None else say(date.strftime(form)) for date in dates)
            lines.append(separator.join((f"P{k}", str(level), str(cohort), *cells, left if gone else nothing)))
        path.write_bytes("\n".join(lines).encode(encoding))
        seen.append(Trial.from_csv(path, doses, window, CUTOFF.isoformat()))
    assert all(trial.patients == seen[0].patients and trial.digest == seen[0].digest for trial in seen)
    counted = [p.dlt for p in seen[0].patients][1:]
    assert counted == [True if dlt is not None else False if age >= DAYS else None for _, _, age, dlt in patients][1:]
