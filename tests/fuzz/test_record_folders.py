"""Folders of records given to `doseopt record`: status 0 or 2 and what can be shown, whatever lies in the folder."""

import contextlib
import json
import tempfile
from pathlib import Path

import pytest
from cli.test_record import CONTROLS, READING, STUDY
from fuzz.commands import answer
from fuzz.guard import INPUTS, check_shown, failures
from fuzz.hostile import pick
from fuzz.possible import possible_tables
from fuzz.test_records import changed, folder_of

FOLDERS = 20_000
"""Inputs with `-m fuzz`: a tenth of a second each."""
CUTOFFS = (*("2024-03-01", "2024-04-10", "2024-04-20", "2024-05-20", "2024-09-01") * 3, "9999-12-31", "2024-02-30", "x")
TEXTUAL, DRAWN = 0.1, 0.01
"""Parts of the inputs that ask for the page as text, and for its figures as well."""
POSSIBLE, SPOILT = 0.3, 0.05
"""Part of the folders that hold a possible trial, since what is changed at random is mostly refused; part of their
tables that are changed."""


def odd_file(rng, folder):
    """Put something in the place of a table that is none, or is not a file."""
    path = folder / pick(rng, ("adsl.csv", "adae.csv", "adlb.csv", "adeff.csv", "ADSL.CSV", "other.csv"))
    path.unlink(missing_ok=True)
    how = int(rng.integers(5))
    if how == 0:
        path.mkdir()
    elif how == 1:
        path.symlink_to(path)
    elif how == 2:
        path.write_bytes(b"")
    elif how == 3:
        path.write_bytes(rng.bytes(int(rng.integers(1, 400))))
    else:
        path.write_bytes(b'USUBJID,"TRT01A\n' * int(rng.integers(1, 50)))


def possible_trial(rng, folder):
    """Write the tables of a trial that may have been, a few of them changed; return them."""
    found = possible_tables(rng)
    for name, text in found.items():
        found[name] = changed(rng, text) if rng.random() < SPOILT else text
        (folder / name).write_bytes(found[name].encode("utf-8", "replace"))
    return found


def study_of(rng):
    """A study that may state controls, readings of who leaves the window, or both."""
    controls = CONTROLS + f"weight = {rng.random():.2f}\n" if rng.random() < 0.3 else CONTROLS
    reading = READING.replace("replace", pick(rng, ("replace", "complete", "dlt", "exclude")))
    return STUDY + controls * (rng.random() < 0.7) + reading * (rng.random() < 0.7)


def folder_of_a_command(rng):
    """Give a folder to the command: three in ten of a possible trial."""
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        folder = Path("tables")
        folder.mkdir()
        found = (possible_trial if rng.random() < POSSIBLE else folder_of)(rng, folder)
        if rng.random() < 0.05:
            odd_file(rng, folder)
        Path("study.toml").write_text(study_of(rng), encoding="utf-8")
        words = ["record", "tables", "--study", "study.toml"]
        words += ["--cutoff", pick(rng, CUTOFFS)] if rng.random() < 0.5 else []
        words += ["--outcomes", pick(rng, ("1N 2NNT", "1N 2TN.N", "1", ""))] if rng.random() < 0.1 else []
        asked = rng.random()
        words += ["--out", "out"] if asked < DRAWN else ["--html", "p.html"] if asked < 2 * DRAWN else []
        textual = asked > 2 * DRAWN and asked < 2 * DRAWN + TEXTUAL
        words += ["--json"] if asked > 2 * DRAWN + TEXTUAL else []
        context = repr((words, found)).encode("utf-8", "backslashreplace")
        try:
            status, out, err = _text_only(words) if textual else answer(words)
        except BaseException as error:
            error.add_note(context.decode())
            raise
    assert status in (0, 2), (status, err, context)
    assert "Traceback" not in err, (err, context)
    assert bool(err) == (status == 2), (status, err, context)
    if status == 0 and "--json" in words:
        json.loads(out)
    for text in (out, err):
        check_shown(text, context)


def _text_only(words):
    """Run the command without drawing a figure or a page."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("doseopt.cli.output.write_figures", lambda document, folder: [])
        patch.setattr("doseopt.cli.record._write", lambda document, folder: [])
        return answer([*words, "--out", "out"])


@pytest.mark.parametrize("inputs", [INPUTS // 8, pytest.param(FOLDERS, marks=pytest.mark.fuzz)])
def test_a_folder_is_refused_in_words_or_shown(inputs):
    assert failures(folder_of_a_command, inputs) == []
