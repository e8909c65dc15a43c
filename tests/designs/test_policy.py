"""A policy's file that is not what `PolicyTable.save` wrote is refused before any work."""

import json
import math
import re

import numpy as np
import pytest

from doseopt.core.parameters import Faults
from doseopt.designs.policy_table import load_policy
from doseopt.designs.tallies import Course, tallies_of
from doseopt.study.file import parse_study


def _written(path, codes=None, **changes):
    """A policy's file whose head is changed."""
    course = {"doses": 2, "patients": 4, "cohort": 2, "first_cohort": 2, "start": 1, "skips": False}
    course |= {name: value for name, value in changes.items() if name in course}
    head = {"format": "doseopt policy 1", "course": course, "toxic": None, "title": "x"}
    head |= {name: value for name, value in changes.items() if name not in course}
    with path.open("wb") as file:
        np.lib.format.write_array(file, np.frombuffer(json.dumps(head).encode(), np.uint8))
        size = tallies_of(Course(2, 4, 2, 2, 1, False)).size
        np.lib.format.write_array(file, np.zeros((1, size), np.uint8) if codes is None else codes(size))
    return path


@pytest.mark.parametrize(
    "changes",
    [
        *({name: value} for name in ("doses", "patients", "cohort", "first_cohort", "start") for value in (0, -1, 1.5)),
        *({name: 10**k} for name in ("doses", "patients", "first_cohort", "start") for k in (4, 9, 30, 400)),
        {"doses": 8, "patients": 1000, "cohort": 1},
        {"doses": 20, "patients": 24, "cohort": 1},
        {"skips": 3},
        {"doses": True},
        {"title": 5},
        {"title": "a\x1b[2J"},
        {"toxic": "x"},
        {"toxic": math.nan},
        {"course": []},
        {"codes": lambda size: np.full((1, size), 255, np.uint8)},
        {"codes": lambda size: np.zeros((1, size), np.float64)},
        {"codes": lambda size: np.zeros((1, 0), np.uint8)},
    ],
    ids=lambda change: "-".join(change),
)
def test_a_hostile_policy_file_is_refused_before_any_work(changes, tmp_path):
    with pytest.raises(Faults, match=r"wanted a file that PolicyTable\.save wrote") as caught:
        load_policy(_written(tmp_path / "x.policy", **changes))
    assert "\x1b" not in str(caught.value)


def test_a_policy_file_that_claims_to_be_larger_than_it_is_is_refused(tmp_path):
    whole = _written(tmp_path / "x.policy").read_bytes()
    larger = re.sub(rb"'shape': \((\d+),\), }        ", b"'shape': (9999999999,), } ", whole)
    (tmp_path / "x.policy").write_bytes(larger)
    with pytest.raises(Faults, match="its first array is uint8 of shape"):
        load_policy(tmp_path / "x.policy")
    (tmp_path / "x.policy").write_bytes(_written(tmp_path / "y.policy").read_bytes().replace(b'"title"', b"[[[[[[["))
    with pytest.raises(Faults, match=r"wanted a file that PolicyTable\.save wrote"):
        load_policy(tmp_path / "x.policy")


@pytest.mark.parametrize("cut", [("{'descr'", "{'descr"), ("'|u1'", "'|u1\x14"), ("), }", "((((")])
def test_a_policy_file_whose_header_is_no_header_is_refused(cut, tmp_path):
    old, new = (part.encode() for part in cut)
    path = _written(tmp_path / "x.policy")
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(Faults, match="wanted a file that PolicyTable"):
        load_policy(path)


def test_a_message_shows_what_a_policy_file_hides(tmp_path):
    path = _written(tmp_path / "x.policy")
    path.write_bytes(path.read_bytes().replace(b"first_cohort", b"fi\\u0000coho"))
    with pytest.raises(Faults, match=r"fi<U\+0000>coho"):
        load_policy(path)


def test_a_file_of_a_study_that_is_a_link_to_itself_is_a_fault_of_its_place(tmp_path):
    (tmp_path / "d.policy").symlink_to(tmp_path / "d.policy")
    text = 'title = "x"\ntarget = 0.3\ndoses.labels = ["1", "2"]\ndesigns.P = { kind = "policy", table = "d.policy" }\n'
    with pytest.raises(Faults, match=r"designs\.P\.table\[d\.policy\].*cannot be read"):
        parse_study(text, str(tmp_path / "study.toml"))
