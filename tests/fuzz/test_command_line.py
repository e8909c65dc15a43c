"""The command line: status 0, 2 or 130 (1 where `verify` disagrees), and what it prints can be shown."""

import contextlib
import tempfile
import tomllib
from pathlib import Path

import pytest
import tomli_w
from fuzz.clocks import timed
from fuzz.commands import answer, commands
from fuzz.guard import INPUTS, MANY, check_shown, failures
from fuzz.hostile import NUMBERS, TEXTS, pick
from fuzz.studies import study_text
from small_study import SMALL

# No argument of a process holds NUL or half a character.
WORDS = tuple(text for text in TEXTS if "\x00" not in text and len(text) < 1000)
SHORT = tuple(str(n) for n in (0, 1, 2, 3, 8, 9, 10, -1, 0.5, "1e3", "٣", "x", ""))
KNOWN = {
    "cutoff": ("2024-06-30", "2024-01-01", "2024-02-30", "30.6.2024", "9999-12-31"),
    "window": ("28", "0", "-1", "nan", "x", "1e9"),
    "html": ("page.html", "page.html", "study.toml", "none/page.html", ".", "/proc/none.html"),
    "study": ("study.toml",) * 80 + ("hostile.toml",) * 2 + ("renji-elo", "library"),
    "design": ("ATD 6", "BOIN 9", "BOIN", "boin 9"),
    "registered": ("ATD 6", "BOIN 9", "ATD"),
    "amended": ("BOIN 9", "ATD 6"),
    "scenario": ("safe", "middle", "too toxic", "toxic"),
    "outcomes": ("", "1N", "1N 2NNT", "1NNN 2NN.", "9N", "1N 2", "1TTT", "1N 2N?", "1N 2NN?14"),
    "data": ("data.csv", "dates.csv", "study.toml", "none.csv", "."),
    "model": (*("blrm", "empiric", "logistic", "beta", "blr") * 4, "bma"),
    "quantiles": (
        "0.15: 0.01 0.05 0.2",
        "1.5: 0.05 0.2 0.5",
        "low: 0.1 0.2 0.4",
        "1: 0.3 0.2 0.5",
        "0.5: 1 5 20",
        ":",
        "1e400: 0",
    ),
    "quantiles_file": ("stated.toml", "study.toml", "data.csv", ".", "none.toml"),
    "reference_dose": ("1.5", "0", "-1", "nan", "x"),
    "write": ("written.toml", "a/b.toml", ".", "/proc/none.toml", "study.toml/x"),
    "method": ("quadrature", "nut"),
    "objective": ("correct_selection", "overdose_selection", "utility", "correct"),
    "at_most": ("overdose_selection=0.2", "overdose_selection=nan", "x=1", "overdose_selection=", "=", "1=1=1"),
    "free": ("saf", "saf,tox", ",,", "cutoff", "x"),
    "only": ("BOIN", "x"),
    "cohorts": ("0", "1", "2", "-1", "100000", "1e3"),
    "patients": ("0", "1", "6", "30", "-5", "100000000000"),
    "out": ("results", "study.toml", "a/b/c", "/dev/null", "/proc/none", "\x1b", "é"),
    "simulate": ("1", "10", "0", "-3", "1e4", "99999999999"),
    "candidates": ("8", "0", "-1", "x"),
    "seed": ("0", "1", "-1", "9223372036854775807", "9223372036854775808", "1" + "0" * 400, "x"),
}
DATA = "patient,dose_level,dlt\n1,1,0\n2,2,1\n"
DATES = "patient,dose_level,treated,dlt_date\n1,1,2024-03-01,\n2,2,2024-04-01,2024-04-09\n3,2,2024-05-01,\n"
STATED = "".join(
    f'[[quantiles]]\ndose = "{dose}"\nlower = 0.0{dose}\nmedian = 0.1{dose}\nupper = 0.4{dose}\n' for dose in (1, 2)
)
NO_STUDY = ("renji-el", "data.csv", ".", "no.toml", "data.csv/x", "")
SLOW = ("verify", "limits", "report", "amend", "calibrate", "compare", "definitions")
"""Commands that work for seconds: one in 500 has a study, a small one; the others are wrong from the start."""
TIMED = 0.3
"""Part of the small studies that have tables on time, and on what is judged by."""
DRAWS = ("posterior", "table")
"""Commands that draw figures: one in 50 is asked for them."""


def _value(rng, name):
    if rng.random() < 0.12:
        return pick(rng, WORDS + tuple(str(n) for n in NUMBERS))
    return pick(rng, KNOWN.get(name, SHORT))


def words_of(rng):
    """A command and options, most of which exist."""
    name = pick(rng, tuple(name for name in commands() if name != "app"))  # which serves until it is ended
    quick = name in SLOW and rng.random() < 0.998
    plain = name in DRAWS and rng.random() < 0.98
    words = [name, "--json"] if plain else [name]
    for parameter, opts, others, flag in commands()[name]:
        if parameter == "study":
            wrong = quick or rng.random() < 0.05
            words += [pick(rng, NO_STUDY) if wrong else "study.toml" if name in SLOW else _value(rng, parameter)]
        elif flag:
            words += [pick(rng, (*opts, *others))] if rng.random() < 0.3 else []
        elif plain and parameter == "out":
            continue
        elif rng.random() < (0.7 if parameter in ("design", "scenario") else 0.3):
            words += [opts[0], _value(rng, parameter)]
        if parameter == "candidates" and "--candidates" not in words:
            words += ["--candidates", "8"]
    if name == "verify":
        words += ["--only", pick(rng, WORDS if quick else ("BOIN",))]
    if rng.random() < 0.1:
        at = int(rng.integers(1 if quick else 0, len(words) + 1))
        words.insert(at, pick(rng, (*WORDS, "--help", "--", "--no", "-x", "--version")))
    return words


def small_study(rng):
    """The text of a study that is made into a report in seconds."""
    return tomli_w.dumps(timed(rng, tomllib.loads(SMALL))) if rng.random() < TIMED else SMALL


def command_line(rng):
    """Run a command in a folder of its own."""
    words = words_of(rng)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("study.toml").write_text(small_study(rng), encoding="utf-8")
        Path("data.csv").write_text(DATA, encoding="utf-8")
        Path("dates.csv").write_text(DATES, encoding="utf-8")
        Path("stated.toml").write_text(STATED, encoding="utf-8")
        if "hostile.toml" in words:
            Path("hostile.toml").write_text(study_text(rng), encoding="utf-8", errors="replace")
        try:
            status, out, err = answer(words, pick(rng, ("20", "80", "200")))
        except BaseException as error:
            error.add_note(repr(words))
            raise
    assert status in ((0, 1, 2, 130) if words[0] == "verify" else (0, 2, 130)), (words, status)
    check_shown(out + err, words)
    assert status != 2 or err, words


@pytest.mark.parametrize("inputs", [INPUTS // 8, pytest.param(MANY, marks=pytest.mark.fuzz)])
def test_a_command_answers_or_says_what_is_wrong(inputs):
    assert failures(command_line, inputs) == []
