"""Designs under one naming rule each: the numbers of an independent review, on the bundled study's first scenarios."""

import dataclasses

import numpy as np
import pytest
import tomli_w

from doseopt import Definition, Simulate, load_study
from doseopt.comparison.compare import compare
from doseopt.study.file import parse_study

DESIGNS = ("ATD+3+3 cap 10", "CRM 10", "BOIN 10")
SIX = "at least 6"


def study(**keys):
    loaded = load_study("renji-elo-first")
    designs = {name: loaded.designs[name] for name in DESIGNS}
    return dataclasses.replace(loaded, designs=designs, proposal=None, **keys)


@pytest.fixture(scope="module")
def table():
    return compare(study(definition=Definition(6, "1/6")), posteriors=False)


@pytest.mark.parametrize(
    ("measure", "naming", "wanted"),
    [
        ("correct", "as read", (19.2, 53.5, 52.7)),
        ("correct", "any", (48.5, 53.5, 52.7)),
        ("overdose", "any", (12.8, 20.2, 16.0)),
        ("correct", SIX, (19.2, 20.0, 22.2)),
        ("correct", "definition", (19.2, 14.6, 15.6)),
        ("few", "as read", (0.0, 56.4, 46.3)),
        ("few", "any", (49.1, 56.4, 46.3)),
    ],
)
def test_like_for_like(table, measure, naming, wanted):
    found = 100 * table[f"{measure}_by_naming"].sel(naming=naming).mean("scenario")
    np.testing.assert_allclose(found, wanted, rtol=0, atol=0.0501)


@pytest.mark.parametrize(("naming", "wanted"), [(SIX, (12.8, 16.5, 19.5)), ("definition", (12.8, 6.9, 7.9))])
def test_over_the_ten_scenarios_with_a_right_dose(table, naming, wanted):
    right = table["acceptable"].any("dose")
    found = 100 * table["correct_by_naming"].sel(naming=naming).where(right, drop=True)
    assert found.sizes["scenario"] == 10
    np.testing.assert_allclose(found.mean("scenario"), wanted, rtol=0, atol=0.0501)


def test_without_a_definition_only_the_rules_that_need_none():
    assert compare(study(), posteriors=False)["naming"].values.tolist() == ["as read", "any"]


def test_a_simulation_agrees_within_its_error(table):
    drawn = compare(study(definition=Definition(6, "1/6")), Simulate(2000, 7), posteriors=False)
    for name in ("correct_by_naming", "overdose_by_naming", "few_by_naming"):
        error = drawn[f"{name}_mcse"]
        assert (abs(drawn[name] - table[name]) <= 4 * error + 0.002).all()
        assert 0 < error.max() < 0.012


def test_a_design_that_has_a_naming_rule_loses_it_under_another(table):
    loaded = load_study("renji-elo-first").to_dict()
    del loaded["amendment"]
    loaded["mtd"]["definition"] = {"patients": 6, "rate": "1/6"}
    loaded["designs"] = {"CRM 10": loaded["designs"]["CRM 10"] | {"names": "definition"}}
    found = compare(parse_study(tomli_w.dumps(loaded)), posteriors=False)["correct_by_naming"].sel(design="CRM 10")
    wanted = table["correct_by_naming"].sel(design="CRM 10")
    for naming in ("any", SIX, "definition"):
        np.testing.assert_allclose(found.sel(naming=naming), wanted.sel(naming=naming), rtol=0, atol=1e-14)
    np.testing.assert_allclose(found.sel(naming="as read"), wanted.sel(naming="definition"), rtol=0, atol=1e-14)
