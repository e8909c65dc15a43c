"""One table of patients, in the spellings of a file that Excel, R, pandas and people use, is one trial."""

import dataclasses
import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from doseopt.core.cohort import Cohort, format_outcomes
from doseopt.core.parameters import Faults
from doseopt.records.patient import Patient, letter
from doseopt.records.trial import Trial
from doseopt.scenarios.doses import Doses

DOSES = Doses(labels=("0.15", "0.5", "1.5"), values=(0.15e9, 0.5e9, 1.5e9), unit="cells", tolerance=0.2)
COLUMNS = ("patient", "dose_level", "dlt", "actual_dose", "grade", "evaluable", "reason", "cohort", "closed")


@st.composite
def patients(draw):
    """Patients in cohorts, some pending, some not evaluable, with grades and actual doses or without."""
    found = []
    for number in range(1, draw(st.integers(1, 5)) + 1):
        level, closed = draw(st.integers(0, 2)), draw(st.booleans())
        for _ in range(draw(st.integers(1, 3))):
            evaluable = draw(st.integers(0, 5)) > 0
            dlt = draw(st.sampled_from([False, True, None])) if evaluable else False
            found.append(
                Patient(
                    name=str(100 + len(found)),
                    level=level,
                    dlt=dlt,
                    actual_dose=draw(st.none() | st.floats(0.9, 1.1).map(lambda x, at=level: x * DOSES.values[at])),
                    grade=draw(st.none() | st.integers(0, 4)),
                    evaluable=evaluable,
                    reason="" if evaluable else draw(st.sampled_from(["", "withdrew", "Müdigkeit"])),
                    cohort=str(number),
                    closed=closed,
                )
            )
    return found


def cells(patient, words):
    """The cells of a patient, with the given words for yes, no, nothing and grades."""
    yes, no, nothing, grade = words
    said = {True: yes, False: no, None: nothing}
    return {
        "patient": patient.name,
        "dose_level": str(patient.level + 1),
        "dlt": said[patient.dlt],
        "actual_dose": nothing if patient.actual_dose is None else repr(patient.actual_dose),
        "grade": nothing if patient.grade is None else grade.format(patient.grade),
        "evaluable": yes if patient.evaluable else no,
        "reason": patient.reason,
        "cohort": patient.cohort,
        "closed": said[patient.closed],
    }


PLAIN = ("1", "0", "", "{}")
R = ("TRUE", "FALSE", "NA", "{}")
PANDAS = ("1.0", "0.0", "", "{}.0")
PERSON = ("yes", "No", ".", "Grade {}")
GERMAN = ("WAHR", "FALSCH", "", "G{}")


def text(rows, separator=",", quote="", end="\n", names=COLUMNS, before=""):
    lines = [list(names), *rows]
    return before + "".join(separator.join(f"{quote}{field}{quote}" for field in line) + end for line in lines)


def in_ten_spellings(data):
    """Return the bytes of the ten files by name."""

    def rows(words):
        return [[cells(patient, words)[column] for column in COLUMNS] for patient in data]

    def german(words):
        return [[c.replace(".", ",") if i == 3 else c for i, c in enumerate(row)] for row in rows(words)]

    def floats(words):
        return [[f"{c}.0" if i in (0, 1, 7) else c for i, c in enumerate(row)] for row in rows(words)]

    capitals = [name.replace("_", " ").title() for name in COLUMNS]
    named = [[f'"{i}"', *row] for i, row in enumerate(rows(R), 1)]
    crf = [["A", *row, "", "seen"] for row in rows(PERSON)]
    by_dose = [
        [DOSES.labels[p.level] if i == 1 else c for i, c in enumerate(row)]
        for p, row in zip(data, rows(PLAIN), strict=True)
    ]
    return {
        "plain": text(rows(PLAIN)).encode(),
        "Excel, Germany": text(german(GERMAN), ";", end="\r\n").encode("cp1252"),
        "Excel, France": text(german(PLAIN), ";", end="\r\n", before="sep=;\r\n").encode("utf-8-sig"),
        "Excel, Unicode text": text(rows(PLAIN), "\t", end="\r\n").encode("utf-16"),
        "Excel, old Mac": text(rows(PERSON), end=",,\r", names=capitals).encode("utf-8"),
        "write.csv": text(named, names=['""', *(f'"{name}"' for name in COLUMNS)]).encode(),
        "write.table": text(named, "\t", names=[f'"{name}"' for name in COLUMNS]).encode(),
        "pandas": text(floats(PANDAS)).encode(),
        "a listing": text(crf, names=["Site", *COLUMNS, "", "Comment"], quote='"').encode(),
        "labels of doses": (text(by_dose, "|", names=["patient", "dose", *COLUMNS[2:]]) + "||||||||\n\n").encode(),
    }


@settings(deadline=None, derandomize=True, max_examples=40)
@given(data=patients())
def test_ten_spellings_of_one_table_are_one_trial(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "spelling.csv"
    for name, content in in_ten_spellings(data).items():
        path.write_bytes(content)
        read = Trial.from_csv(path, DOSES)
        assert list(read.patients) == data, name
        assert [p.name for p in read.pending] == [p.name for p in data if p.dlt is None]
        assert sum(read.tally()[1]) == sum(p.dlt is True for p in data)


COHORTS = st.lists(
    st.builds(Cohort, st.integers(1, 3), st.text("NTM", min_size=1, max_size=4), st.booleans()), min_size=1, max_size=6
)


@settings(deadline=None, derandomize=True, max_examples=40)
@given(cohorts=COHORTS)
def test_an_outcome_string_and_a_file_of_the_same_patients_are_one_trial(tmp_path_factory, cohorts):
    said = Trial.from_outcomes(format_outcomes(tuple(cohorts)), DOSES)
    path = tmp_path_factory.getbasetemp() / "same.csv"
    path.write_bytes(in_ten_spellings(said.patients)["Excel, Germany"])
    read = Trial.from_csv(path, DOSES)
    # a file without the column says nothing of efficacy, an N in a string that there is none
    silent = [tuple(dataclasses.replace(p, efficacy=None) for p in group) for group in said.cohorts]
    assert (
        list(read.cohorts) == silent
    )  # a file without the column says nothing of efficacy, a string's N that there is none
    found = [
        Cohort(group[0].level + 1, "".join(letter(p, graded=True) for p in group), group[0].closed)
        for group in read.cohorts
    ]
    assert found == cohorts


SEEDS = (
    "patient,dose_level,dlt,grade,evaluable,reason,cohort,closed,actual_dose\n"
    "101,1,0,1,yes,,1,no,1.5e8\n102,2,1,Grade 3,,,2,,\n103,2,NA,,no,withdrew,2,,0.5e9\n"
)
PIECES = [
    ",",
    ";",
    "\t",
    "\n",
    "\r",
    '"',
    "'",
    "\0",
    "\ufeff",
    "\u202e",
    "sep=;\n",
    "NA",
    "1e999",
    "-1",
    "9" * 400,
    "=",
    "é",
]
PIECES += ["1.0", "grade", "dose", "closed", "Ⅲ", "\x1b[31m", " ", "\x85", "\u2028", "٣", "½", "0,15", "III", "x" * 70]


def damaged(chance):
    """A file that was right until something was put into it, or cut out of it."""
    text = SEEDS.replace(",", chance.choice(",,;\t|"))
    for _ in range(chance.randint(0, 3)):
        at = chance.randrange(len(text) + 1)
        text = text[:at] + chance.choice([*PIECES, ""]) + text[at + chance.choice([0, 0, 1, 5, 40]) :]
    content = text.encode(chance.choice(["utf-8", "utf-8", "utf-16", "utf-8-sig"]))
    if chance.random() < 0.2:
        at = chance.randrange(len(content))
        content = content[:at] + chance.randbytes(chance.randint(1, 4)) + content[at + 1 :]
    return content


def read_or_refused(path):
    try:
        return Trial.from_csv(path, DOSES), None
    except Faults as faults:
        return None, faults


@pytest.mark.parametrize("seed", range(6))
def test_a_damaged_file_is_read_or_refused_in_bounded_words(tmp_path, seed):
    chance, path, outcomes = random.Random(seed), tmp_path / "damaged.csv", set()
    for _ in range(400):
        path.write_bytes(damaged(chance))
        data, refused = read_or_refused(path)
        said = data.warnings if data else [str(fault) for fault in refused.faults]
        assert all(len(text) < 3000 and text.isprintable() for text in said), said
        assert data or said
        for p in data.patients if data else ():
            assert p.name.isprintable()
            assert 0 < len(p.name) <= 60
            assert p.grade is None or 0 <= p.grade <= 5
            assert p.actual_dose is None or math.isfinite(p.actual_dose)
            assert not (p.dlt and not p.evaluable)
        outcomes.add(data is None)
    assert outcomes == {True, False}
