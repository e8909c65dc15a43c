"""A data file together with a study, through the commands that read both: an answer, or one message and status 2."""

import contextlib
import tempfile
from pathlib import Path

import pytest
from fuzz.commands import answer
from fuzz.guard import INPUTS, MANY, check_shown, failures
from fuzz.hostile import pick
from fuzz.test_data_files import CUTOFFS, WINDOWS, file_of

STUDY = """
title = "data"
target = {target}
doses = {{ labels = ["1", "2", "4.5"]{values} }}
{clock}
[scenarios]
safe = {{ p_dlt = [0.02, 0.05, 0.20]{moderate} }}
{designs}
"""
DESIGNS = (
    'kind = "accelerated_titration"\ntitrate = {k}\ntrigger = "first_moderate"\nafter_dlt = "{after}"',
    'kind = "accelerated_titration"\ntitrate = {k}\ntrigger = "second_moderate"\ntitration_cohort = {size}',
    'kind = "accelerated_titration"\ntrigger = "first_dlt"',
    'kind = "three_plus_three"',
    'kind = "boin"\ncohort = {size}\nmodifiers = [{{ kind = "max_patients", n = {cap} }}]',
    'kind = "mtpi2"\ncohort = {size}\nmodifiers = [{{ kind = "max_patients", n = {cap} }}]',
    'kind = "crm"\nskeleton = [0.1, 0.2, 0.4]\nprior_sd = 1.34\nmodifiers = [{{ kind = "max_patients", n = {cap} }}]',
    'kind = "decision_table"\ndecisions = ["3: E S D DU", "6: E E S S DU DU DU"]\n'
    'modifiers = [{{ kind = "max_patients", n = 6 }}]',
)
VALUES = (', values = [1.0, 2.0, 4.5], unit = "mg"',) * 3 + (
    ', values = [1.0, 2.0, 4.5], unit = "mg", tolerance = 0.1',
    "",
)
CLOCKS = (
    "",
    "[clock]\nwindow = 28\naccrual = {{ per_month = 1 }}",
    "[clock]\nwindow = 28\naccrual = {{ per_month = 1 }}\n[window_events]\n"
    'death = {{ probability = 0.1, reading = "{reading}"{attributed} }}\n'
    'dropout = {{ probability = 0.1, reading = "replace" }}',
)
MODELS = ("beta", "beta", "empiric", "logistic", "blrm")


def study_of(rng):
    """A study of three doses, whose designs read two or three categories of outcome."""
    designs = [
        f'[designs."D{i}"]\n'
        + pick(rng, DESIGNS).format(
            k=int(rng.integers(4)),
            size=pick(rng, (1, 2, 3)),
            cap=pick(rng, (3, 6, 9)),
            after=pick(rng, ("fill", "three_new")),
        )
        for i in range(int(rng.integers(1, 3)))
    ]
    moderate = pick(rng, ("", ", p_moderate = [0.1, 0.2, 0.3]"))
    reading = pick(rng, ("dlt", "replace", "complete"))
    attributed = ", attributed = 0.5" if reading != "dlt" and rng.random() < 0.3 else ""
    return STUDY.format(
        target=pick(rng, (0.25, 0.3)),
        values=pick(rng, VALUES),
        moderate=moderate,
        clock=pick(rng, CLOCKS).format(reading=reading, attributed=attributed),
        designs="\n".join(designs),
    )


def words_of(rng):
    """One of the commands that read a study and a file."""
    study_and_data = ("study.toml", "--data", "data.csv")
    commands = (
        ("next", *study_and_data),
        ("next", *study_and_data, "--json"),
        ("posterior", *study_and_data, "--json", "--model", pick(rng, MODELS)),
        ("paths", *study_and_data, "--design", "D0", "--cohorts", "1"),
        ("paths", *study_and_data, "--design", "D0", "--cohorts", "2", "--scenario", "safe", "--json"),
    )
    words = pick(rng, commands[:2] if rng.random() < 0.5 else commands)
    cutoff, window = pick(rng, CUTOFFS), pick(rng, WINDOWS)
    words += ("--cutoff", cutoff) if cutoff and rng.random() < 0.5 else ()
    return words + (("--window", window) if window and rng.random() < 0.4 else ())


def data_with_study(rng):
    """Run a command on a study and a file."""
    study, whole, words = study_of(rng), file_of(rng), words_of(rng)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("study.toml").write_text(study, encoding="utf-8")
        Path("data.csv").write_bytes(whole)
        try:
            status, out, err = answer(words, pick(rng, ("20", "80", "200")))
            assert status in (0, 2), status
            assert status != 2 or (err and not out), (out, err)
            check_shown(out + err, whole)
        except BaseException as error:
            error.add_note(f"{words} {study}{whole!r}")
            raise


@pytest.mark.parametrize("inputs", [INPUTS // 2, pytest.param(MANY, marks=pytest.mark.fuzz)])
def test_a_data_file_with_a_study_is_answered_or_refused(inputs):
    assert failures(data_with_study, inputs) == []
