"""Deaths and drop-out in the DLT window as ways to be wrong: crossings by plain enumeration."""

import dataclasses
import math

import numpy as np
import pytest
from oracle_bundled import SCENARIOS, boin

from doseopt import compare, load_study
from doseopt.beliefs import StatedBelief
from doseopt.comparison.break_even import break_even
from doseopt.study.departure import Departure, Event
from doseopt.study.silences import ElicitedEvent, Silences
from doseopt.study.window_events import WindowEvents


@pytest.fixture(scope="module")
def study():
    return load_study("renji-elo-first")


def rate_met(p, m, attributed):
    """By the formulas for constant hazards: replaced but for the share attributed."""
    mu, k = -math.log(1 - p), -math.log(1 - m)
    dlt, other = (h / (mu + k) * (1 - (1 - p) * (1 - m)) for h in (mu, k))
    seen = dlt + attributed * other
    return seen / (seen + (1 - p) * (1 - m))


def correct(trials, m, attributed):
    each = [
        math.fsum(c for _, _, mtd, c in trials.weighed([rate_met(r, m, attributed) for r in p]) if mtd == right)
        for p, right in SCENARIOS.values()
    ]
    return math.fsum(each) / len(each)


def test_deaths_by_plain_enumeration(study):
    """Half of them called DLTs, BOIN 25 is ahead of BOIN 13 just below the share that was found, and behind above."""
    silent = dataclasses.replace(study, silences=Silences(death_in_window=ElicitedEvent(0.15, attributed=0.5)))
    found = break_even(silent, "BOIN 13", ["BOIN 25"])
    assert found.attrs["death_counted"] == "50% called a DLT, rest replaced"
    at = found["break_even"].sel(perturbation="death", criterion="mean", design="BOIN 25")
    (point,) = at.to_numpy()[~np.isnan(at.to_numpy())]
    assert 0.2 < point < 0.4
    for share, sign in ((point - 1e-6, 1), (point + 1e-6, -1)):
        one, other = (correct(boin(cap), share, 0.5) for cap in (25, 13))
        assert np.sign(one - other) == sign


@pytest.mark.parametrize(("name", "m"), [("death", 0.25), ("dropout", 0.4)])
def test_nothing_attributed_where_the_study_says_nothing(study, name, m):
    at = break_even(study, "BOIN 13", ["BOIN 25"]).sel(perturbation=name, criterion="mean", design="BOIN 13")
    assert at["amount"].to_numpy()[[0, 200]].tolist() == [0, 0.5]
    k = int(np.flatnonzero(np.isclose(at["amount"], m)).item())
    assert at["perturbed_correct_selection"].isel(point=k).item() == pytest.approx(correct(boin(13), m, 0.0), abs=1e-12)


def test_other_events_stay_as_stated(study):
    """With drop-out stated, deaths at 0.2 are what a comparison finds of a study that states both."""
    leaves = Departure({"scenario": {name: 0.05 + 0.01 * k for k, name in enumerate(SCENARIOS)}}, "complete")
    designs = study.choose(["BOIN 10", "BOIN 13"])
    given = {"designs": designs, "proposal": None, "belief": StatedBelief()}
    few = dataclasses.replace(study, window_events=WindowEvents(dropout=leaves), **given)
    at = break_even(few, "BOIN 10", ["BOIN 13"]).sel(perturbation="death", criterion="mean")
    k = int(np.flatnonzero(np.isclose(at["amount"], 0.2)).item())
    both = dataclasses.replace(few, window_events=WindowEvents(death=Event(0.2, "replace"), dropout=leaves))
    wanted = compare(both)["correct_selection"].mean("scenario")
    np.testing.assert_allclose(at["perturbed_correct_selection"].isel(point=k), wanted, rtol=0, atol=1e-12)
