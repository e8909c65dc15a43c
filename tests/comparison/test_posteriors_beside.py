"""Posteriors of a comparison begun beside it: as they are alone, the first piece there and the rest here."""

import os
import sys

import pytest
import xarray as xr

from doseopt import compare, load_study
from doseopt.comparison.compare import before_readings
from doseopt.display.simulated import without_errors
from doseopt.engines.simulate import ExactWherePossible
from doseopt.measures import estimates

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a process is copied on Linux alone")


@pytest.fixture(scope="module")
def study():
    loaded = load_study("renji-elo-first")
    return loaded.only(list(loaded.designs)[:2])


@pytest.fixture(scope="module")
def alone(study):
    return compare(study)


def test_the_same_to_the_last_digit(study, alone, two):
    xr.testing.assert_identical(compare(study), alone)


def test_the_rest_is_computed_here(study, alone, two, monkeypatch):
    monkeypatch.setattr(estimates, "PIECE", 300)
    here, where, advance = os.getpid(), [], estimates.Estimates.advance
    monkeypatch.setattr(estimates.Estimates, "advance", lambda self: where.append(os.getpid()) or advance(self))
    _, _, found = before_readings(study, ExactWherePossible(), lambda _: None, posteriors=True)
    begun, told = found.estimates, []
    assert (begun.done, where) == (300, [])
    begun.run(told.append)
    assert set(where) == {here}
    assert told == [*range(600, begun.wanted, 300), begun.wanted]
    xr.testing.assert_allclose(without_errors(found.added_to(alone)), alone, rtol=0, atol=1e-12)
