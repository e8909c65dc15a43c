"""Data files of patients: faults with their row, or patients whom every design can be asked about."""

import datetime
import functools
import os
import tempfile
from pathlib import Path

import pytest
from fuzz.guard import INPUTS, MANY, check_shown, failures
from fuzz.hostile import NUMBERS, TEXTS, pick, scramble

from doseopt.conduct.next_dose import next_dose
from doseopt.core.parameters import Faults
from doseopt.records.trial import Trial
from doseopt.records.window import Window
from doseopt.study.file import parse_study

STUDY = """
title = "data"
target = 0.25
doses = { labels = ["1", "2", "4.5"], values = [1.0, 2.0, 4.5], unit = "mg" }
[designs."ATD"]
kind = "accelerated_titration"
trigger = "first_moderate"
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 12 }]
"""
COLUMNS = ("patient", "dose", "dlt", "grade", "cohort", "evaluable", "reason", "actual_dose", "group", "closed", "sex")
TIMES = ("treated", "dlt_date", "left", "left_reason", "followup")
"""Columns that a file has together, mostly: dates, or days."""
START = datetime.date(2024, 1, 1)
CUTOFFS = ("", "", "2024-03-01", "2024-06-30", "2030-01-01", "1999-12-31", "2024-02-30", "June", "45382", "\x1b[2J")
WINDOWS = ("", "28", "28", "60", "0.5", "1e9", "0", "-1", "nan", "x")
CELLS = {
    "dose": ("1", "1", "2", "2", "4.5", "1.0"),
    "dlt": ("0", "1", "0", "0", "no", "yes", "NA", "", "N", "T", "0.0", "True"),
    "grade": ("0", "1", "2", "3", "G2", "Grade 4", "2.0", "", "NA"),
    "cohort": ("1", "1", "2"),
    "evaluable": ("yes", "yes", "1", "1", "TRUE", "no"),
    "closed": ("", "yes", "no", "1"),
    "actual_dose": ("", "1.1", "2", "1.05"),
    "left_reason": ("", "", "", "died", "withdrawal", "transplantation", "lost to follow-up", "moved"),
    "followup": ("0", "14", "28", "60", "7.5", "", "NA", "1e9"),
}
FORMS = ("%Y-%m-%d", "%Y-%m-%d", "%Y-%m-%dT09:30", "%Y%m%d", "%d%b%Y", "%d/%m/%Y")
READINGS = ({}, {"death": "replace"}, {"death": "dlt", "dropout": "complete", "transplantation": "replace"})
WILD = (
    "2024-02-30",
    "0000-00-00",
    "9999-12-31",
    "1899-12-31",
    "2024-13-01",
    "45382",
    "3",
    "2 mg",
    "level 1",
    "4,5",
    "5",
    "6",
    "-1",
    "1e9",
    "nan",
    "inf",
    "2",
    "A",
    "",
    "no",
)
ENCODINGS = (
    "utf-8",
    "utf-8",
    "utf-8",
    "utf-8",
    "utf-8",
    "utf-8",
    "utf-8-sig",
    "utf-16",
    "utf-16-le",
    "cp1252",
    "utf-32",
    "utf-7",
    "cp037",
)


@functools.cache
def study():
    """Three doses, a design that reads grades and one that does not."""
    return parse_study(STUDY)


def _cell(rng, name, row, wild, timed):
    if rng.random() < wild:
        return pick(rng, WILD)
    if rng.random() < wild / 2:
        return pick(rng, (*TEXTS, *map(str, NUMBERS)))
    if timed and name == "dlt" and rng.random() < 0.85:
        return ""
    if name in ("treated", "dlt_date", "left"):
        return _date(rng, name, row)
    return str(row + 1) if name == "patient" else pick(rng, CELLS.get(name, ("", "x", "late")))


def _date(rng, name, row):
    """A date of a trial whose patients come one after the other, mostly."""
    if name != "treated" and rng.random() < 0.7:
        return pick(rng, ("", "", "NA"))
    day = 7 * row + int(rng.integers(0, 7)) + (0 if name == "treated" else int(rng.integers(-2, 40)))
    return (START + datetime.timedelta(day)).strftime(pick(rng, FORMS) if rng.random() < 0.1 else FORMS[0])


def _columns(rng):
    """Names of the columns: those that a file must have, and some others."""
    timed = pick(rng, ((), (), TIMES[:4], ("treated", "dlt_date"), TIMES[3:], ("followup",), TIMES))
    needed = ("patient", "dose") if {"treated", "dlt_date"} <= set(timed) and rng.random() < 0.4 else COLUMNS[:3]
    return [name for name in COLUMNS if name in needed or rng.random() < 0.3] + list(timed)


def file_of(rng):
    """The bytes of a file."""
    kept = _columns(rng)
    names = [kept[i] for i in rng.permutation(len(kept))] if rng.random() < 0.3 else kept
    if rng.random() < 0.1:
        names[int(rng.integers(len(names)))] = pick(
            rng, (*TEXTS, *COLUMNS, *TIMES, "Dose ", "DLT", "doses", "follow_up", "date")
        )
    separator, end = pick(rng, ",,;\t|"), pick(rng, ("\n", "\n", "\r\n", "\r"))
    quote, wild = rng.random() < 0.3, pick(rng, (0.0, 0.0, 0.01, 0.1))
    rows = [
        names,
        *(
            [_cell(rng, name, row, wild, set(names) & set(TIMES)) for name in names]
            for row in range(int(rng.integers(0, 12)))
        ),
    ]
    lines = [separator.join('"' + c.replace('"', '""') + '"' if quote else c for c in row) for row in rows]
    text = end.join(lines) + pick(rng, ("", end, end * 3, f"{separator * 3}{end}"))
    text = f"sep={separator}{end}{text}" if rng.random() < 0.1 else text
    text = scramble(rng, text) if rng.random() < 0.2 else text
    whole = text.encode(pick(rng, ENCODINGS), "replace")
    if rng.random() < 0.1:
        start = int(rng.integers(len(whole) + 1))
        whole = whole[:start] + rng.bytes(int(rng.integers(0, 30))) + whole[start + int(rng.integers(0, 3)) :]
    return rng.bytes(int(rng.integers(0, 400))) if rng.random() < 0.03 else whole


def data_file(rng):
    """Read a file, and ask what is next."""
    whole = file_of(rng)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.csv"
        path.write_bytes(whole)
        try:
            window = Window(pick(rng, (28, 28, 60, 0.5, 1e9)), pick(rng, READINGS)) if rng.random() < 0.8 else None
            data = Trial.from_csv(path, study().doses, window, pick(rng, CUTOFFS) or None)
            data.shares() if data.window is not None and all(p.followed is not None for p in data.pending) else None
            texts = [str(next_dose(study(), data)), *data.provenance().values()] if data.patients else []
        except Faults as faults:
            texts = [str(faults).replace(os.fspath(folder), "")]
        except BaseException as error:
            error.add_note(repr(whole))
            raise
    for text in texts:
        check_shown(text, whole)


@pytest.mark.parametrize("inputs", [INPUTS, pytest.param(MANY, marks=pytest.mark.fuzz)])
def test_a_data_file_is_refused_with_faults_or_has_an_answer(inputs):
    assert failures(data_file, inputs) == []
