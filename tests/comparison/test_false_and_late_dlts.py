"""Events called DLTs that are none, and DLTs seen too late: the numbers of an independent review."""

import copy

import numpy as np
import pytest
import tomli_w

from doseopt import compare, load_study
from doseopt.core.parameters import Faults
from doseopt.study.file import parse_study

NAMES = ("ATD+3+3 naming", "ATD+3+3 uncapped", "CRM 10", "CRM 13", "CRM 25", "BOIN 25")


def document(**keys):
    study = copy.deepcopy(load_study("renji-elo-first").to_dict())
    del study["amendment"]
    study["scenarios"] = {name: scenario | keys for name, scenario in study["scenarios"].items()}
    study["designs"]["ATD+3+3 naming"] = study["designs"]["ATD+3+3 cap 10"] | {"names": "any"}
    study["designs"] = {name: study["designs"][name] for name in NAMES}
    return study


def correct(measure="correct_selection", **keys):
    study = parse_study(tomli_w.dumps(document(**keys)))
    assert parse_study(study.to_toml()) == study
    return 100 * compare(study, posteriors=False)[measure].mean("scenario").to_numpy()


@pytest.mark.parametrize(
    ("share", "wanted"),
    [
        (0.10, (32.4, 32.8, 38.6, 44.3, 49.1, 44.3)),
        (0.20, (21.9, 20.1, 27.9, 29.4, 26.0, 22.8)),
    ],
)
def test_false_dlts(share, wanted):
    np.testing.assert_allclose(correct(false_dlts=share), wanted, rtol=0, atol=0.0501)


def test_late_dlts():
    """60% of the DLTs are seen before the decision; CRM 13 and 25, BOIN 25 and the uncapped titration."""
    wanted = (52.9, 50.9, 52.6, 56.0)
    np.testing.assert_allclose(correct(late_dlts=0.4)[[1, 3, 4, 5]], wanted, rtol=0, atol=0.0501)


@pytest.mark.parametrize("key", ["false_dlts", "late_dlts"])
def test_shares_are_shares(key):
    with pytest.raises(Faults, match=rf"flat\.{key}: wanted a number in \[0, 1\], got 1.5"):
        parse_study(tomli_w.dumps(document(**{key: 1.5})))


def test_random_scenarios_state_them_too():
    table = {"generator": "paoletti", "count": 3, "seed": 5}
    study = document()
    study["scenarios"] = {"plain": table, "off": table | {"false_dlts": 0.1, "late_dlts": 0.4}}
    made = parse_study(tomli_w.dumps(study))
    assert parse_study(made.to_toml()) == made
    p, seen = (made.scenarios[name].to_numpy() for name in ("p_dlt", "p_observed"))
    np.testing.assert_array_equal(p[:3], p[3:])
    np.testing.assert_array_equal(seen[:3], p[:3])
    np.testing.assert_allclose(seen[3:], 1 - (1 - 0.6 * p[3:]) * 0.9, rtol=0, atol=1e-15)
