"""Files that a study names: a policy's table, a decision table; a fault with its place, or a design that runs."""

import functools
import json
import tempfile
from pathlib import Path

import numpy as np
import pytest
from fuzz.guard import INPUTS, MANY, check_shown, failures
from fuzz.hostile import mutate, pick, scramble

from doseopt import Policy
from doseopt.conduct.next_dose import next_dose
from doseopt.core.parameters import Faults
from doseopt.engines.budget import TooManyStates
from doseopt.engines.graph import build_graph
from doseopt.records.trial import Trial
from doseopt.study.file import parse_study

STUDY = """
title = "files"
target = 0.3
doses = {{ labels = [{labels}] }}
[designs.D]
kind = "{kind}"
{key} = {name}
modifiers = [{modifiers}]
"""
OUTSIDE = (
    "../{}",
    "{}/../../other",
    "/etc/passwd",
    "/dev/zero",
    "/dev/null",
    "/proc/self/mem",
    "..",
    "/",
    "a\\b",
    "c:x",
)
LETTERS = ("E", "S", "D", "DU", "E", "S", "D", "DU", "e", "", "X", "Stay", "1", "=E")
NUMBERS = ("0", "1", "2", "3", "4", "6", "-1", "3.0", "1e3", "1001", "nan", "", "9" * 400, "²", "x")


@functools.cache
def policy():
    """What a good policy's file says, in two parts, and its codes."""
    table = Policy.example().table
    return json.loads(table._head()), np.ascontiguousarray(table.codes)


def _array(file, array):
    np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)


def policy_bytes(rng):
    """A policy's file: right, with other moves, with another head, with other numbers, or cut."""
    head, codes = policy()
    how = int(rng.integers(6))
    if how == 1:
        codes = rng.integers(0, pick(rng, (12, 12, 16, 256)), codes.shape).astype(np.uint8)
    elif how == 2:
        head = mutate(rng, head)
    elif how == 3:
        codes = codes.astype(pick(rng, ("u2", "i8", "f8", "?", "c16", "M8[s]", "S3", "U2", ">u2")))
        codes = pick(
            rng, (codes, codes[:1], codes[:, :3], codes.T, codes.ravel(), codes[:0], codes[None], codes.T.copy().T)
        )
    elif how == 4:
        course = {name: int(rng.integers(-1, 9)) if name != "skips" else True for name in head["course"]}
        head = {**head, "course": {**course, "doses": pick(rng, (2, 2, 1, 3, 200, 10**6))}}
    with tempfile.TemporaryFile() as file:
        try:
            text = json.dumps(head).encode("utf-8", "replace")
        except ValueError:  # a number that Python does not write
            text = b"{}"
        _array(file, np.frombuffer(text, np.uint8))
        _array(file, codes)
        file.seek(0)
        return damaged(rng, file.read())


def table_bytes(rng):
    """A decision table as CSV: rows of some n, mostly all of them."""
    wild = pick(rng, (0.0, 0.0, 0.02, 0.2))
    rows = [("n", "y", "decision")]
    for n in sorted(
        {int(n) for n in rng.integers(1, 13, int(rng.integers(1, 5)))} | {3, 6} if rng.random() < 0.8 else {1}
    ):
        for y in range(n + 1):
            cells = [str(n), str(y), pick(rng, LETTERS[:8])]
            rows.append([pick(rng, (*NUMBERS, *LETTERS)) if rng.random() < wild else cell for cell in cells])
    separator, end = pick(rng, (",", ",", ";", "\t")), pick(rng, ("\n", "\r\n", "\r"))
    text = end.join(separator.join(row) for row in rows)
    text = scramble(rng, text) if rng.random() < 0.2 else text
    return damaged(rng, text.encode(pick(rng, ("utf-8", "utf-8", "utf-8-sig", "utf-16", "cp1252")), "replace"))


def damaged(rng, whole):
    """Bytes as they are, cut, with some bytes changed, or others altogether."""
    how = rng.random()
    if how < 0.08:
        return whole[: int(rng.integers(len(whole) + 1))]
    if how < 0.2:
        changed = bytearray(whole)
        for place in rng.integers(0, len(whole), int(rng.integers(1, 5))):
            changed[place] = int(rng.integers(256))
        return bytes(changed)
    if how < 0.22:
        return rng.bytes(int(rng.integers(0, 400)))
    return whole + rng.bytes(30) if how < 0.24 else whole


def put(rng, path, whole):
    """Put a file there, or something that is none."""
    how = rng.random()
    if how < 0.01:
        path.mkdir()
    elif how < 0.02:
        path.symlink_to(path)
    elif how < 0.03:
        with path.open("wb") as file:  # full of holes, without room on a disk
            file.write(whole)
            file.truncate(10**11)
    elif how < 0.98:
        path.write_bytes(whole)


def named_file(rng):
    """Read a study that names a file, and run what is accepted."""
    kind, key, make = pick(rng, (("policy", "table", policy_bytes), ("decision_table", "decisions", table_bytes)))
    whole, trusted = make(rng), bool(rng.integers(2))
    name, outside = "d.policy" if kind == "policy" else "d.csv", rng.random() < 0.05
    with tempfile.TemporaryDirectory() as folder:
        beside = Path(folder) / "study"
        beside.mkdir()
        put(rng, beside / name, whole)
        said = pick(rng, OUTSIDE).format(name) if outside else name
        text = STUDY.format(
            labels=", ".join(f'"{i}"' for i in range(pick(rng, (2, 2, 2, 2, 1, 3)))),
            kind=kind,
            key=key,
            name=json.dumps(said, ensure_ascii=False),
            modifiers=""
            if kind == "policy"
            else '{ kind = "max_patients", n = ' + str(pick(rng, (3, 6, 6, 7, 9))) + " }",
        )
        try:
            run(rng, parse_study(text, str(beside / "study.toml"), trusted=trusted))
        except (Faults, TooManyStates) as faults:
            check_shown(str(faults).replace(folder, ""), text)
        except BaseException as error:
            error.add_note(f"{text}{whole!r}")
            raise
        else:
            assert trusted or not outside, text


def run(rng, study):
    """Ask for the next dose, and go every way that the trial can go."""
    outcomes = " ".join(
        f"{int(rng.integers(1, 3))}{pick(rng, ('N', 'T', 'NN', 'NNN', 'NNT'))}" for _ in range(int(rng.integers(3)))
    )
    next_dose(study, Trial.from_outcomes(outcomes, study.doses))
    build_graph(study.designs["D"], max_states=2_000)


@pytest.mark.parametrize("inputs", [INPUTS, pytest.param(MANY, marks=pytest.mark.fuzz)])
def test_a_file_that_a_study_names_is_refused_with_faults_or_runs(inputs):
    assert failures(named_file, inputs) == []
