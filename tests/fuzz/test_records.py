"""Records of trials: faults with their file and line, or a trial so far at any cut-off."""

import datetime
import os
import tempfile
from pathlib import Path

import pytest
from fuzz.guard import INPUTS, MANY, check_shown, failures
from fuzz.hostile import NUMBERS, TEXTS, pick, scramble
from records.record_files import DOSES, TABLES
from small_study import SMALL

from doseopt.clock.competing import READINGS
from doseopt.conduct.eligible import findings
from doseopt.core.parameters import Faults
from doseopt.records.outcomes import courses, follow_up, liver_function
from doseopt.records.record import read_record
from doseopt.records.safety import by_term, listing, overview
from doseopt.records.status import trial_of
from doseopt.records.window import Window
from doseopt.study.file import parse_study

STUDY = parse_study(f"""{SMALL}
[eligibility]
include = [
    {{ variable = "AGE", relation = "<=", value = 50, unit = "years" }},
    {{ variable = "BILI", relation = "<", value = 10, unit = "ULN", population = "CLF" }},
    {{ any = [
        {{ variable = "PTA", relation = "<", value = 40, unit = "%" }},
        {{ variable = "INR", relation = ">", value = 1 }},
    ] }},
]
exclude = [{{ variable = "WEIGHTBL", relation = "<", value = 40, unit = "kg" }}]
""")
CELLS = (
    *("", "Y", "N", "1", "0", "5", "6", "2.5", "2,5", "-1", "1e9", "nan", "S-1", "S-2", "S-9", "0.5", "1.5", "0.15e9"),
    *("2024-03-01", "2024-04-12", "2024-04-12T08:30", "2024-02-30", "2024-13-01", "9999-12-31", "12APR2024"),
    *("BILI", "INR", "DSA1", "DIAL7", "IMPROVED", "umol/L", "mg/dL", "%", "Day 7", "Baseline", "POSSIBLE", "FATAL"),
)  # fmt: skip


def changed(rng, text):
    """Return a table with some cells, rows or columns of another kind."""
    rows = [line.split(",") for line in text.strip().split("\n")]
    for _ in range(int(rng.integers(0, 4))):
        row = rows[int(rng.integers(len(rows)))]
        where = int(rng.integers(len(row)))
        row[where] = pick(rng, CELLS) if rng.random() < 0.7 else pick(rng, (*TEXTS, *map(str, NUMBERS)))
    if rng.random() < 0.2:
        rows.insert(int(rng.integers(len(rows) + 1)), list(rows[int(rng.integers(len(rows)))]))
    if rng.random() < 0.1:
        del rows[int(rng.integers(len(rows)))]
    if rng.random() < 0.1:
        rows[int(rng.integers(len(rows) or 1))][-1:] = []
    separator = pick(rng, ",,,;\t|")
    whole = pick(rng, ("\n", "\r\n")).join(separator.join(row) for row in rows)
    return scramble(rng, whole) if rng.random() < 0.1 else whole


def folder_of(rng, folder):
    """Write the tables of a record, most of them changed; return them."""
    kept = {name: text for name, text in TABLES.items() if rng.random() < 0.97}
    found = {name: changed(rng, text) if rng.random() < 0.6 else text.strip() for name, text in kept.items()}
    for name, text in found.items():
        (folder / name).write_bytes(text.encode(pick(rng, ("utf-8", "utf-8", "utf-8-sig", "utf-16")), "replace"))
    return found


def record_of_a_trial(rng):
    """Read a record, and the trial so far at a cut-off."""
    with tempfile.TemporaryDirectory() as name:
        whole = folder_of(rng, Path(name))
        try:
            kinds = ("death", "transplantation", "dropout")
            window = Window(28, {kind: pick(rng, (*READINGS,)) for kind in kinds if rng.random() < 0.8})
            record = read_record(name, DOSES, window)
            cutoff = datetime.date(2024, 2, 1) + datetime.timedelta(int(rng.integers(0, 150)))
            known = record.until(cutoff) if rng.random() < 0.7 else record
            trial = trial_of(known)
            texts = [*trial.left_out, *trial.warnings, *map(str, (*liver_function(known), courses(known)))]
            texts += [f.found + f.by for f in findings(STUDY, known)]
            texts += [str(overview(known)), str(by_term(known)["term"].values), str(listing(known, "any"))]
            follow_up(known).survival("event").interval(60)
        except Faults as faults:
            texts = [str(faults).replace(os.fspath(name), "")]
        except BaseException as error:
            error.add_note(repr(whole))
            raise
    for text in texts:
        check_shown(text, repr(whole).encode())


@pytest.mark.parametrize("inputs", [INPUTS, pytest.param(MANY, marks=pytest.mark.fuzz)])
def test_a_record_is_refused_with_faults_or_holds_a_trial(inputs):
    assert failures(record_of_a_trial, inputs) == []
