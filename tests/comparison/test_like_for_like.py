"""Evidence at the declared dose and naming rules, in the bundled study of 2025.

The printed numbers are those of an independent review, found with its own enumerator and grid posterior; the oracle
enumerates once more.
"""

import dataclasses
import math

import numpy as np
import pytest
import tomli_w
from oracle_bundled import SCENARIOS, atd, boin, crm, mean

from doseopt import Definition, compare, load_study
from doseopt.study.file import parse_study

DESIGNS = ("ATD+3+3 cap 10", "CRM 10", "BOIN 10")
NAMES = {"as it is": None, "any": "any", "six": {"at_least": 6}, "definition": "definition"}


@pytest.fixture(scope="module")
def table():
    """The three designs of at most 10 patients under each naming rule."""
    study = load_study("renji-elo-first").to_dict()
    study["mtd"]["definition"] = {"patients": 6, "rate": "1/6"}
    del study["amendment"]
    bases = {name: study["designs"][name] for name in DESIGNS}
    study["designs"] = {
        f"{name}, {label}": base if rule is None else base | {"names": rule}
        for name, base in bases.items()
        for label, rule in NAMES.items()
    }
    return compare(parse_study(tomli_w.dumps(study)), posteriors=False)


@pytest.fixture(scope="module")
def whole():
    """The bundled study with the registry's definition, posteriors included."""
    return compare(dataclasses.replace(load_study("renji-elo-first"), definition=Definition(6, "1/6")))


def percents(table, measure, label, rows=slice(None)):
    found = table[measure].sel(design=[f"{name}, {label}" for name in DESIGNS])
    return 100 * found.transpose("design", "scenario").to_numpy()[:, rows].mean(axis=1)


WANTED = [  # measure, naming rule, the review's numbers
    ("correct_selection", "as it is", (19.2, 53.5, 52.7)),
    ("correct_selection", "any", (48.5, 53.5, 52.7)),
    ("overdose_selection", "any", (12.8, 20.2, 16.0)),
    ("correct_selection", "six", (19.2, 20.0, 22.2)),
    ("correct_selection", "definition", (19.2, 14.6, 15.6)),
    ("meets_definition", "as it is", (36.1, 15.9, 21.8)),
    ("declared_on_few", "as it is", (0.0, 56.4, 46.3)),
]


@pytest.mark.parametrize(("measure", "label", "wanted"), WANTED)
def test_like_for_like(table, measure, label, wanted):
    np.testing.assert_allclose(percents(table, measure, label), wanted, rtol=0, atol=0.0501)


@pytest.mark.parametrize(("label", "wanted"), [("six", (12.8, 16.5, 19.5)), ("definition", (12.8, 6.9, 7.9))])
def test_over_the_ten_scenarios_with_a_right_dose(table, label, wanted):
    right = table["acceptable"].any("dose").to_numpy()
    assert right.sum() == 10
    np.testing.assert_allclose(percents(table, "correct_selection", label, right), wanted, rtol=0, atol=0.0501)


def test_the_capped_reading_that_names_declares_on_few(table):
    found = table["declared_on_few"].sel(design="ATD+3+3 cap 10, any").mean().item()
    assert 100 * found == pytest.approx(49.1, abs=0.0501)


ORACLE = {"ATD+3+3 cap 10": lambda: atd(10), "CRM 10": lambda: crm(10), "BOIN 10": lambda: boin(10)}


def met(n, y, mtd, patients, most):
    return mtd is not None and n[mtd] >= patients and y[mtd] <= most * n[mtd]


@pytest.mark.parametrize("name", DESIGNS)
def test_by_plain_enumeration(table, name):
    trials = ORACLE[name]()
    naming = atd(10, mtd_at_cap="not_excluded") if name.startswith("ATD") else trials
    for label, each, evidence in (
        ("as it is", trials, (0, 1)),
        ("any", naming, (0, 1)),
        ("six", trials, (6, 1)),
        ("definition", trials, (6, 1 / 6 + 1e-12)),
    ):
        wanted = mean(each, lambda n, y, mtd, p, r, e=evidence: (mtd if met(n, y, mtd, *e) else None) == r)
        found = table["correct_selection"].sel(design=f"{name}, {label}").mean().item()
        assert 100 * found == pytest.approx(wanted, abs=1e-9)
    for measure, event in (
        ("meets_definition", lambda n, y, mtd, p, r: met(n, y, mtd, 6, 1 / 6 + 1e-12)),
        ("declared_on_few", lambda n, y, mtd, p, r: mtd is not None and n[mtd] <= 3),
    ):
        found = table[measure].sel(design=f"{name}, as it is").mean().item()
        assert 100 * found == pytest.approx(mean(trials, event), abs=1e-9)


@pytest.mark.parametrize("name", DESIGNS)
def test_patients_and_dlts_at_the_declared_dose_by_plain_enumeration(table, name):
    trials = ORACLE[name]()
    for scenario, (p, _) in SCENARIOS.items():
        ended = [(n[mtd], y[mtd], chance) for n, y, mtd, chance in trials.weighed(p) if mtd is not None]
        declared = math.fsum(chance for _, _, chance in ended)
        at = table.sel(design=f"{name}, as it is", scenario=scenario)
        for k, measure in enumerate(("declared_patients", "declared_dlts")):
            wanted = math.fsum(each[k] * each[2] for each in ended) / declared
            assert at[measure].item() == pytest.approx(wanted, abs=1e-9)


POSTERIOR = {  # mean Pr(rate > 1/3 | data) at the declared dose, share of declarations in which it exceeds 25%
    "ATD+3+3 cap 10": (0.075, 3),
    "ATD+3+3 uncapped": (0.085, 4),
    "CRM 10": (0.226, 36),
    "CRM 13": (0.200, 31),
    "CRM 25": (0.174, 29),
    "BOIN 10": (0.169, 20),
    "BOIN 13": (0.149, 22),
    "BOIN 25": (0.150, 24),
}


@pytest.mark.parametrize("name", POSTERIOR)
def test_what_is_known_of_the_declared_dose(whole, name):
    over, doubtful = (whole[m].sel(design=name).mean().item() for m in ("declared_p_over", "declared_doubtful"))
    assert over == pytest.approx(POSTERIOR[name][0], abs=0.000501)
    assert 100 * doubtful == pytest.approx(POSTERIOR[name][1], abs=0.501)


def test_what_is_known_of_the_declared_dose_by_a_grid(whole):
    """BOIN 10: log a ~ N(logit 0.20, 1.5^2), log b ~ N(0, 0.7^2), the reference dose 1.5."""
    u, v = np.meshgrid(np.linspace(-6, 6, 1200), np.linspace(-5, 5, 200), indexing="ij")
    log_a, b = math.log(0.2 / 0.8) + 1.5 * u, np.exp(0.7 * v)
    prior = -0.5 * (u**2 + v**2)
    cell = (u[1, 0] - u[0, 0]) * 1.5  # the logit is linear in u: the share of each cell in which the rate is above 1/3
    lines = [log_a + b * math.log(dose / 1.5) for dose in (0.15, 0.5, 1.5, 4.5)]
    logs = [(-np.logaddexp(0, -line), -np.logaddexp(0, line)) for line in lines]
    above = [np.clip((line - math.log(0.5)) / cell + 0.5, 0, 1) for line in lines]
    trials, over = boin(10), {}
    for n, y, mtd in trials.endings():
        if mtd is not None:
            log = prior + sum(k * a + (m - k) * c for m, k, (a, c) in zip(n, y, logs, strict=True) if m)
            weight = np.exp(log - log.max())
            over[n, y, mtd] = (weight * above[mtd]).sum() / weight.sum()
    for scenario, (p, _) in SCENARIOS.items():
        ended = [(over[n, y, mtd], chance) for n, y, mtd, chance in trials.weighed(p) if mtd is not None]
        wanted = math.fsum(q * chance for q, chance in ended) / math.fsum(chance for _, chance in ended)
        found = whole["declared_p_over"].sel(design="BOIN 10", scenario=scenario).item()
        assert found == pytest.approx(wanted, abs=1e-5)
