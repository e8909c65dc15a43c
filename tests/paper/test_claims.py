"""Each claim of the abstract is in a results file, and its leading numbers are found by a second route.

The second route is `oracle`: recursions, a grid posterior and sums that share no line with the package.
"""

import itertools
import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import oracle_bundled
import pytest
import xarray as xr
from oracle_bundled import atd, boin, crm, mean
from typst_source import read

ROOT = Path(__file__).resolve().parents[2]
RESULTS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in (ROOT / "paper/results").glob("*.json")}
PAGE = (ROOT / "paper/main.typ").read_text(encoding="utf-8")
ABSTRACT = PAGE[PAGE.index("abstract: [") : PAGE.index("#include")]

REVISED = {  # true DLT rates of the study `renji-elo`, and the right dose (from 0), None where naming none is right
    "flat": ((0.02, 0.03, 0.04, 0.06), 3),
    "mild": ((0.03, 0.06, 0.10, 0.16), 3),
    "MTD 0.15 steep": ((0.26, 0.48, 0.66, 0.80), 0),
    "MTD 0.15 shallow": ((0.24, 0.37, 0.46, 0.55), 0),
    "MTD 0.5 steep": ((0.06, 0.22, 0.52, 0.77), 1),
    "MTD 0.5 shallow": ((0.13, 0.26, 0.36, 0.46), 1),
    "MTD 1.5 steep": ((0.02, 0.07, 0.26, 0.57), 2),
    "MTD 1.5 shallow": ((0.07, 0.13, 0.23, 0.38), 2),
    "MTD 4.5 steep": ((0.01, 0.03, 0.09, 0.27), 3),
    "MTD 4.5 shallow": ((0.05, 0.09, 0.14, 0.24), 3),
    "too toxic": ((0.42, 0.55, 0.68, 0.80), None),
}
KEYED = ("num", "pct", "percent", "points", "word", "value")
TRACED = {  # every key that the abstract quotes, and the test below that finds it again
    "about": "version",
    "protocol": "registry",
    "gap.split": "gap",
    "gap.by": "gap",
    "maps.combinations": "map",
    "maps.ever": "map",
    "maps.designs": "map",
    "maps.crm_large_turns": "turn",
    "endings.clean": "posterior",
    "waiting.own": "waiting",
    "published": "replicates",
    "simulation.small.replicates": "replicates",
}


def value(key):
    found = RESULTS
    for part in key.split("."):
        found = found[int(part)] if isinstance(found, list) else found[part]
    return found


def test_every_claim_of_the_abstract_has_a_home_and_a_test():
    keys = {
        s for function, s in read(ABSTRACT).strings if function in ("num", "pct", "percent", "points", "word", "value")
    }
    assert len(keys) > 25
    for key in keys:
        assert value(key) is not None, key
        assert any(key == known or key.startswith(f"{known}.") for known in TRACED), key
    tests = {name.removeprefix("test_second_route_to_the_") for name in globals() if "second_route" in name}
    assert set(TRACED.values()) - {"version", "registry"} <= tests
    for number in ("(i)", "(ii)", "(iii)", "(iv)", "(v)", "(vi)"):
        assert number in ABSTRACT


def correct(n, y, mtd, p, right):
    return mtd == right


def over(n, y, mtd, p, right):
    return mtd is not None and mtd > (-1 if right is None else right) and p[mtd] > 0.25


def on_definition(n, y, mtd, p, right):
    named = mtd if mtd is not None and n[mtd] >= 6 and 6 * y[mtd] <= n[mtd] else None
    return named == right


@cache
def trials(kind, cap, naming=False):
    if kind == "ATD":
        return atd(cap, **({"mtd_at_cap": "not_excluded"} if naming else {}))
    return {"CRM": crm, "BOIN": boin}[kind](cap)


def percent(what, *which):
    return mean(trials(*which), what, REVISED)


def test_second_route_to_the_registered_arithmetic():
    """After 1N 2NNN 3NNN no outcome of the last three patients leads to a declared dose, and without the cap 13 do."""
    registered = trials("ATD", 10)
    ends = [(n, y, mtd) for n, y, mtd in registered.endings() if n[:3] == (1, 3, 3) and sum(y[:3]) == 0 and n[3]]
    assert {mtd for _, _, mtd in ends} == {None}
    assert {sum(n) for n, _, _ in ends} == {RESULTS["certain"]["ends"]["registered"]["patients"]} == {10}
    ((n, _, mtd),) = [end for end in trials("ATD", None).endings() if sum(end[1]) == 0]
    assert (sum(n), mtd) == (RESULTS["certain"]["ends"]["uncapped"]["patients"], 3) == (13, 3)
    assert RESULTS["protocol"]["definition"]["needed"] == 13
    assert RESULTS["certain"]["declared_from_there"] == 0
    reached = {name: (1 - p[0]) * (1 - p[1]) ** 3 * (1 - p[2]) ** 3 for name, (p, _) in REVISED.items()}
    assert value("certain.reached_most") == pytest.approx(max(reached.values()), abs=1e-9)
    assert value("certain.reached_in") == max(reached, key=reached.get)


def test_second_route_to_the_gap():
    registered, naming, uncapped = (percent(correct, "ATD", *c) for c in ((10,), (10, True), (None,)))
    model, interval = percent(correct, "CRM", 10), percent(correct, "BOIN", 10)
    by = RESULTS["gap"]["by"]
    for role, found in (("registered", registered), ("naming", naming), ("uncapped", uncapped), ("crm_small", model)):
        assert 100 * by[role]["correct"] == pytest.approx(found, abs=1e-7), role
    assert 100 * by["boin_small"]["correct"] == pytest.approx(interval, abs=1e-7)
    assert 100 * by["registered"]["over"] == pytest.approx(percent(over, "ATD", 10), abs=1e-7)
    assert 100 * by["crm_small"]["over"] == pytest.approx(percent(over, "CRM", 10), abs=1e-7)
    split = RESULTS["gap"]["split"]["crm"]
    assert 100 * split["whole"] == pytest.approx(model - registered, abs=1e-7)
    assert 100 * split["naming"] == pytest.approx(naming - registered, abs=1e-7)
    assert 100 * split["design"] == pytest.approx(model - naming, abs=1e-7)
    ahead = percent(on_definition, "ATD", 10) - percent(on_definition, "CRM", 10)
    assert 100 * split["ahead_on_definition"] == pytest.approx(ahead, abs=1e-7)


def test_second_route_to_the_map():
    """Definitions x targets x naming rules x shares, and of the cells at no false DLTs one is computed again."""
    maps = RESULTS["maps"]
    assert maps["combinations"] == 3 * maps["targets"] * 3 * len(maps["shares"])
    assert maps["ever"] == sum(row["count"] > 0 for row in maps["wins"])
    assert maps["designs"] == len(maps["wins"])
    row = next(row for row in maps["perturbed"]["rows"] if row["name"] == "CRM 10")
    assert maps["perturbed"]["shares"][2] == 0.2
    seen = {name: (tuple(1 - (1 - q) * 0.8 for q in p), right) for name, (p, right) in REVISED.items()}
    assert 100 * row["false_dlts_correct"][2] == pytest.approx(mean(trials("CRM", 10), correct, seen), abs=2e-3)


@pytest.mark.slow
def test_second_route_to_the_turn():
    """At the share recorded CRM 25 and CRM 13 are level."""
    share = RESULTS["maps"]["crm_large_turns"]
    seen = {name: (tuple(1 - (1 - q) * (1 - share) for q in p), right) for name, (p, right) in REVISED.items()}
    assert mean(trials("CRM", 25), correct, seen) == pytest.approx(mean(trials("CRM", 13), correct, seen), abs=1e-4)


def test_second_route_to_the_posterior():
    """On a plain grid: logit p = a + exp(b) log(d / 1.5), a ~ N(logit 0.2, 1.5^2), b ~ N(0, 0.7^2)."""
    a = np.linspace(-12, 8, 2001)[:, None]
    b = np.linspace(-4.5, 4.5, 901)[None, :]
    log_prior = -0.5 * ((a - math.log(0.25)) / 1.5) ** 2 - 0.5 * (b / 0.7) ** 2
    rates = [1 / (1 + np.exp(-(a + np.exp(b) * math.log(d / 1.5)))) for d in (0.15, 0.5, 1.5, 4.5)]
    for name, dlts in (("none", 0), ("one", 1)):
        y = (0, 0, 0, dlts)
        with np.errstate(divide="ignore", invalid="ignore"):
            parts = [
                np.where(k > 0, k * np.log(p), 0) + (n - k) * np.log1p(-p)
                for p, n, k in zip(rates, (1, 3, 3, 3), y, strict=True)
            ]
        log_weight = np.nan_to_num(log_prior + sum(parts), nan=-np.inf)
        weight = np.exp(log_weight - log_weight.max())
        weight /= weight.sum()
        found = RESULTS["endings"]["clean"][name]
        assert found["mean"] == pytest.approx((weight * rates[3]).sum(), abs=1e-6)
        assert found["over"] == pytest.approx(weight[rates[3] > 1 / 3].sum(), abs=2e-3)  # nodes over a threshold


def test_second_route_to_the_waiting():
    """The recorded rows once more; at equal gaps longer than the window nobody is ever pending."""
    record = json.loads((ROOT / "benchmarks/pace/results/pace.json").read_text(encoding="utf-8"))
    for kind in ("poisson", "fixed"):
        at = {row["design"]: row for row in record["accrual"][kind] if row["pace"] == 0.55}
        for role, name, parent in (("crm", "TITE-CRM 25", "CRM 25"), ("boin", "TITE-BOIN 25", "BOIN 25")):
            found = RESULTS["waiting"]["own"][kind][role]
            saved = (at[parent]["duration"] - at[name]["duration"]) / 30.4375
            assert found["months"] == pytest.approx(saved, abs=1e-6)
            assert found["of"] == pytest.approx(at[parent]["duration"] / 30.4375, abs=1e-6)
            if kind == "fixed":
                assert 30.4375 / 0.55 > 28  # days between patients, days of the window
                assert found["months"] == pytest.approx(0, abs=1e-9)
                assert found["correct"] == pytest.approx(0, abs=1e-9)
    assert "and nothing if patients" in " ".join(ABSTRACT.split())


def test_second_route_to_the_replicates():
    """R >= z^2 (p(1-p) + q(1-q)) / (p - q)^2, counted pair by pair from the benchmark's file."""
    with xr.open_dataset(ROOT / "benchmarks/statistical/results/benchmark.nc") as ds:
        rows = [k for k, family in enumerate(ds["family"].values.tolist()) if family.startswith("published")]
        part = ds["correct_selection"].isel(scenario=rows).transpose("design", ...)
        table = {str(name): part.sel(design=name).values.ravel().tolist() for name in ds["design"].values}
    counted = {"all": [0, 0], "close": [0, 0]}
    for one, other in itertools.combinations(("3+3 six", "CRM", "BOIN", "BLRM"), 2):
        for p, q in zip(table[one], table[other], strict=True):
            if math.isnan(p) or math.isnan(q) or abs(p - q) <= 1e-4:
                continue
            enough = 1.6448536269514722**2 * (p * (1 - p) + q * (1 - q)) / (p - q) ** 2 <= 1000
            for which in ("all", "close") if {one, other} == {"CRM", "BOIN"} else ("all",):
                counted[which][0] += 1
                counted[which][1] += enough
    published = RESULTS["published"]
    assert (published["comparisons"], published["by"]["1000"]["decided"]) == tuple(counted["all"])
    assert (published["close"]["1000"]["of"], published["close"]["1000"]["decided"]) == tuple(counted["close"])
    assert RESULTS["simulation"]["small"]["replicates"] == 1000


def test_the_scenarios_are_those_of_the_study():
    listed = {row["name"]: tuple(row["p"]) for row in RESULTS["protocol"]["scenarios"]}
    assert listed == {name: p for name, (p, _) in REVISED.items()}
    assert set(REVISED) == set(oracle_bundled.SCENARIOS)
