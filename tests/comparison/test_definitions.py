"""Definitions of what is right side by side, on the bundled study's first scenarios.

The printed numbers are those of an independent review, found with its own enumerator; the oracle enumerates once more.
"""

import math
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pytest
import tomli_w
from oracle_bundled import SCENARIOS, atd, boin, crm

from doseopt import compare, load_study
from doseopt.comparison.definitions import judge_selections
from doseopt.core.parameters import Faults
from doseopt.engines.means import means_of
from doseopt.study.file import parse_study

SIXTH = 1 / 6
ALSO = [
    {"name": "highest <= 0.25", "rule": "highest_below", "none_above": 0.25},
    {"name": "highest <= 1/6", "rule": "highest_below", "target": SIXTH},
]
NAMES = ("ATD 10", "ATD 10, naming", "ATD", "CRM 10", "BOIN 10", "CRM 13", "BOIN 13", "CRM 25", "BOIN 25")
WANTED = {  # correct, overdose
    "main": "19.2/4 48.5/13 50.5/9 53.5/20 52.7/16 61.0/18 54.3/13 71.7/13 69.3/10",
    "highest <= 0.25": "29.5/16 45.1/39 52.6/34 33.7/54 36.7/50 38.5/54 36.9/49 41.5/55 42.7/51",
    "highest <= 1/6": "30.7/16 45.1/43 51.7/38 43.9/41 46.8/32 46.3/39 50.3/31 56.8/34 59.3/29",
}
BELIEF = "17.8/5 57.0/22 61.1/16 54.7/31 56.9/24 60.4/29 60.0/22 64.8/30 66.7/25"


def numbers(line):
    return np.array([[float(value) for value in pair.split("/")] for pair in line.split()]).T


def document(**mtd):
    study = load_study("renji-elo-first").to_dict()
    del study["amendment"]
    given = study["designs"]
    study["designs"] = {
        "ATD 10": given["ATD+3+3 cap 10"],
        "ATD 10, naming": given["ATD+3+3 cap 10"] | {"names": "any"},
        "ATD": given["ATD+3+3 uncapped"],
        **{name: given[name] for name in NAMES[3:]},
    }
    study["mtd"] |= mtd
    return study


def read(**mtd):
    return parse_study(tomli_w.dumps(document(**mtd)))


@pytest.fixture(scope="module")
def table():
    return compare(read(also=ALSO), posteriors=False)


@pytest.mark.parametrize("name", WANTED)
def test_the_ranking_by_each_definition(table, name):
    correct, overdose = numbers(WANTED[name])
    at = table.sel(definition=name)
    np.testing.assert_allclose(100 * at["correct_by_definition"].mean("scenario"), correct, rtol=0, atol=0.0501)
    np.testing.assert_allclose(100 * at["overdose_by_definition"].mean("scenario"), overdose, rtol=0, atol=0.501)


def test_patients_below_the_mtd_of_the_main_definition_are_those_of_the_measures(table):
    found = table["below_by_definition"].sel(definition="main").transpose("design", "scenario")
    wanted = table["patients_below_mtd"].transpose("design", "scenario")
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-12)


def test_the_main_definition_is_that_of_the_measures(table):
    for name in ("correct", "overdose"):
        found = table[f"{name}_by_definition"].sel(definition="main").transpose("design", "scenario")
        wanted = table[f"{name}_selection"].transpose("design", "scenario")
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-14)


ORACLE = {
    "ATD": lambda phi: atd(),
    "ATD 10, naming": lambda phi: atd(10, mtd_at_cap="not_excluded"),
    "CRM 10": lambda phi: crm(10, phi),
    "BOIN 13": lambda phi: boin(13, phi),
}


def under_the_belief(trials, cells=40, slopes=100):
    """Correct and overdose selection, in percent: log odds ratio log(3) exp(z/2), its location N(3.5, 1.5^2).

    Both are cut into cells of equal mass, the location also where it passes a dose: the right dose changes only there.
    """
    at = NormalDist(3.5, 1.5)
    ends = [0.0, *(at.cdf(level) for level in range(1, 5)), 1.0]
    slope = math.log(3) * np.exp([NormalDist(0, 0.5).inv_cdf((k + 0.5) / slopes) for k in range(slopes)])
    kept = [(n, y, -1 if mtd is None else mtd, orders) for (n, y, mtd), orders in trials.endings().items()]
    n, y, mtd, orders = (np.array(column, float) for column in zip(*kept, strict=True))
    found = np.zeros(2)
    for right, (low, high) in enumerate(pairwise(ends), start=-1):
        for k in range(cells):
            line = math.log(1 / 3) + slope[:, None] * (
                np.arange(1, 5) - at.inv_cdf(low + (k + 0.5) * (high - low) / cells)
            )
            seen = -np.logaddexp(0, -line) @ y.T - np.logaddexp(0, line) @ (n - y).T
            chance = (np.exp(seen) * orders).mean(axis=0) * (high - low) / cells
            found += chance[mtd == right].sum(), chance[mtd > right].sum()
    return 100 * found


def test_under_the_continuous_belief():
    """The review's integral is off by up to 0.3: its grid is not cut where the right dose changes; a third one is."""
    study = read(rule="highest_below", none_above=0.25)
    belief = study.believed(1)
    p, weight = belief.scenarios["p_dlt"].to_numpy(), np.asarray(belief.weight)
    selections = np.array([means_of(design, p).selection for design in study.designs.values()])
    found = judge_selections(selections, belief.scenarios, study.mtd)
    means = 100 * np.array([found[name] @ weight / weight.sum() for name in ("correct", "overdose")])
    np.testing.assert_allclose(means, numbers(BELIEF), rtol=0, atol=0.8)
    np.testing.assert_allclose(means[0], numbers(BELIEF)[0], rtol=0, atol=0.3)
    for name, trials in ORACLE.items():
        wanted = under_the_belief(trials(0.25))
        np.testing.assert_allclose(means[:, NAMES.index(name)], wanted, rtol=0, atol=0.02)


@pytest.mark.parametrize("name", ORACLE)
def test_by_plain_enumeration(table, name):
    """Highest dose <= phi, written out; CRM (skeleton, coherence, safety stop) and BOIN made for phi."""
    for definition, phi in (("highest <= 0.25", 0.25), ("highest <= 1/6", SIXTH)):
        trials, at = ORACLE[name](phi), table.sel(design=name, definition=definition)
        for scenario, (p, _) in SCENARIOS.items():
            right = max((dose for dose, rate in enumerate(p) if rate <= phi), default=None)
            chances = dict.fromkeys((None, *range(4)), 0.0)
            for _, _, mtd, chance in trials.weighed(p):
                chances[mtd] += chance
            over = math.fsum(chances[dose] for dose in range(4) if p[dose] > phi)
            found = at.sel(scenario=scenario)
            assert found["correct_by_definition"].item() == pytest.approx(chances[right], abs=1e-11)
            assert found["overdose_by_definition"].item() == pytest.approx(over, abs=1e-11)
            below = (
                [sum(n[:right]) * chance for n, _, _, chance in trials.weighed(p)] if right is not None else [math.nan]
            )
            assert found["below_by_definition"].item() == pytest.approx(math.fsum(below), abs=1e-10, nan_ok=True)


def test_it_says_which_designs_were_retargeted(table):
    targets = table["design_target"].sel(definition="highest <= 1/6")
    assert np.isnan(targets.sel(design=["ATD 10", "ATD 10, naming", "ATD"])).all()
    np.testing.assert_array_equal(targets.sel(design=list(NAMES[3:])), SIXTH)


def test_what_a_design_states_by_itself_stays():
    study = document(also=ALSO)
    study["designs"] = {
        "own": study["designs"]["CRM 10"] | {"target": 0.3},
        "numbers": study["designs"]["CRM 10"] | {"skeleton": [0.1, 0.2, 0.3, 0.4]},
    }
    study = parse_study(tomli_w.dumps(study))
    found = study.at_target(SIXTH)
    assert found["own"] is study.designs["own"]
    assert found["numbers"].facts.target == SIXTH
    assert found["numbers"].base.skeleton == (0.1, 0.2, 0.3, 0.4)


def test_a_study_without_other_definitions_has_no_such_variable():
    study = document()
    study["designs"] = {"ATD": study["designs"]["ATD"]}
    assert "correct_by_definition" not in compare(parse_study(tomli_w.dumps(study)), posteriors=False)


def test_the_file_is_written_back_and_its_digest_says_the_definitions():
    study = read(also=ALSO)
    assert parse_study(study.to_toml()) == study
    assert study.hash == read(also=ALSO[::-1]).hash
    others = [[], ALSO[:1], [ALSO[0], ALSO[1] | {"target": 0.2}], [ALSO[0], ALSO[1] | {"name": "other"}]]
    assert len({study.hash, *(read(also=also).hash for also in others)}) == 5
    stated = [ALSO[0] | {"target": 0.25, "none_above": 0.35}, ALSO[1]]
    assert read(also=stated).hash == read(also=[{"name": ALSO[0]["name"], "rule": "highest_below"}, ALSO[1]]).hash


def test_every_fault_has_its_place():
    also = [
        {"rule": "highest"},
        {"name": "main"},
        {"name": "a", "targett": 0.2},
        {"name": "a", "target": 1.2},
        {"name": "b", "low": 0.1},
        7,
        {"name": ["a"]},
    ]
    with pytest.raises(Faults) as caught:
        read(also=also)
    assert [fault.where for fault in caught.value.faults] == [
        "mtd.also[0].rule",
        "mtd.also[0].name",
        "mtd.also[1].name",
        "mtd.also[2].targett",
        "mtd.also[3].target",
        "mtd.also[3].name",
        "mtd.also[4].low",
        "mtd.also[5]",
        "mtd.also[6].name",
    ]
    with pytest.raises(Faults, match=r"mtd\.also: wanted a list of tables"):
        read(also={"name": "a"})


def test_a_design_that_cannot_be_at_the_target_is_a_fault_of_the_definition():
    with pytest.raises(Faults, match=r"mtd\.also\[0\]\.target: at 0\.03, designs\.\"CRM 10\"\.skeleton"):
        read(also=[{"name": "low", "target": 0.03}])
