"""The table of historical controls in a study file."""

import pytest
from small_study import SMALL

from doseopt import Faults
from doseopt.endpoints.historical import Historical
from doseopt.study.file import parse_study


def stating(table):
    return f"{SMALL}\n[historical]\n{table}"


def test_controls_are_read_and_written():
    study = parse_study(stating('day = 60\nsurvivors = 130\nn = 200\nsource = "made up"\nweight = 0.5'))
    assert study.historical == Historical(60, 130, 200, "made up", weight=0.5)
    assert parse_study(study.to_toml()) == study


def test_a_study_without_them_states_none():
    assert parse_study(SMALL).historical is None


def test_everything_that_is_wrong_is_said_with_its_path():
    with pytest.raises(Faults) as caught:
        parse_study(stating("day = -1\nsurvivors = 3\nsurvivours = 3"))
    assert sorted(str(fault) for fault in caught.value.faults) == [
        "historical.day: wanted a number in (0, 100000], got -1.0",
        "historical.n: missing; wanted controls",
        "historical.source: missing; wanted where the counts come from",
        "historical.survivours: unknown key; did you mean 'survivors'?",
    ]
