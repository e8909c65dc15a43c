"""The command line: status 0, 2 or 130 (1 where `verify` disagrees), and what it prints can be shown."""

import contextlib
import tempfile
from pathlib import Path

import pytest
from fuzz.commands import answer, commands
from fuzz.guard import INPUTS, MANY, check_shown, failures
from fuzz.hostile import NUMBERS, TEXTS, pick
from fuzz.studies import study_text
from small_study import SMALL

# No argument of a process holds NUL or half a character.
WORDS = tuple(text for text in TEXTS if "\x00" not in text and len(text) < 1000)
SHORT = tuple(str(n) for n in (0, 1, 2, 3, 8, 9, 10, -1, 0.5, "1e3", "٣", "x", ""))
KNOWN = {
    "study": ("study.toml",) * 80 + ("hostile.toml",) * 2 + ("renji-elo", "library"),
    "design": ("ATD 6", "BOIN 9", "BOIN", "boin 9"),
    "registered": ("ATD 6", "BOIN 9", "ATD"),
    "amended": ("BOIN 9", "ATD 6"),
    "scenario": ("safe", "middle", "too toxic", "toxic"),
    "outcomes": ("", "1N", "1N 2NNT", "1NNN 2NN.", "9N", "1N 2", "1TTT"),
    "data": ("data.csv", "study.toml", "none.csv", "."),
    "model": (*("blrm", "empiric", "logistic", "beta", "blr") * 4, "bma"),
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
NO_STUDY = ("renji-el", "data.csv", ".", "no.toml", "data.csv/x", "")
SLOW = ("verify", "limits", "report", "amend", "calibrate", "compare", "definitions")
"""Commands that work for seconds: one in 500 has a study, a small one; the others are wrong from the start."""
DRAWS = ("posterior", "table")
"""Commands that draw figures: one in 50 is asked for them."""


def _value(rng, name):
    if rng.random() < 0.12:
        return pick(rng, WORDS + tuple(str(n) for n in NUMBERS))
    return pick(rng, KNOWN.get(name, SHORT))


def words_of(rng):
    """A command and options, most of which exist."""
    name = pick(rng, tuple(commands()))
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


def command_line(rng):
    """Run a command in a folder of its own."""
    words = words_of(rng)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("study.toml").write_text(SMALL, encoding="utf-8")
        Path("data.csv").write_text(DATA, encoding="utf-8")
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
