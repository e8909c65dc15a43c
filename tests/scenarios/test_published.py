import csv
from pathlib import Path

import numpy as np
import pytest

from doseopt.core.parameters import Faults
from doseopt.scenarios import PUBLISHED, MTDRule, concat_scenarios, published

LEVELS = Path(__file__).parents[1] / "published" / "scenario_mtd.csv"


def mtd_levels():
    with LEVELS.open(newline="") as file:
        return [(row["set"], [int(level) for level in row["mtd_levels"].split("|")]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(("name", "levels"), mtd_levels())
def test_mtd_levels(name, levels):
    entry = PUBLISHED[name]
    found = MTDRule(entry.target).mtd(np.array(list(entry.rates.values()))) + 1
    assert found.tolist() == levels


def test_every_set_has_its_mtd_levels_listed():
    assert [name for name, _ in mtd_levels()] == list(PUBLISHED)


@pytest.mark.parametrize("name", PUBLISHED)
def test_set(name):
    entry, scenarios = PUBLISHED[name], published(name)
    p = scenarios["p_dlt"].values
    assert np.all(np.diff(p, axis=1) >= 0)
    assert np.array_equal(p, np.round(p, 3))
    distance = np.sort(np.abs(p - entry.target), axis=1)
    assert np.all(distance[:, 1] - distance[:, 0] > 1e-9), "no bundled scenario holds a tie"
    assert scenarios.attrs == {"set": name, "target": entry.target}
    assert (scenarios["source"] == entry.source).all()
    assert len(entry.source) > 40
    assert all(len(scenario) <= 18 for scenario in entry.rates)
    np.testing.assert_array_equal(scenarios["p_observed"], p)


def test_names_are_unique_over_the_sets():
    names = [scenario for entry in PUBLISHED.values() for scenario in entry.rates]
    assert len(names) == len(set(names))
    both = concat_scenarios([published("peers"), published("boin_app")])
    assert both.sizes == {"scenario": 11, "dose": 4}


def test_overview():
    sets = published()
    assert sets["set"].values.tolist() == list(PUBLISHED)
    for name in PUBLISHED:
        one = published(name)
        row = sets.sel(set=name)
        assert row["doses"] == one.sizes["dose"]
        assert row["scenarios"] == one.sizes["scenario"]
        assert row["target"] == one.attrs["target"]


def test_labels():
    assert published("peers", ["a", "b", "c", "d"])["dose"].values.tolist() == ["a", "b", "c", "d"]
    with pytest.raises(Faults, match="labels"):
        published("peers", ["a"])


@pytest.mark.parametrize("name", ["", "peer", "PEERS", "zzz"])
def test_unknown_set(name):
    with pytest.raises(Faults, match="no published set is called"):
        published(name)


def test_nearest_name_is_offered():
    with pytest.raises(Faults, match="did you mean 'lin_yuan_2020'"):
        published("lin_yuan_2002")
