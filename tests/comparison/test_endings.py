"""Typical endings: numbers of an independent review; by enumeration, a grid of curves and a grid posterior."""

import functools
import math

import numpy as np
import pytest
from oracle_bundled import atd, boin, crm

from doseopt import compare, load_study

FIRST_FOUR = "0/1 0/3 0/3 0/3"
"""After 1N 2NNN 3NNN 4NNN."""
DLT_AT_TOP = "0/1 0/3 0/3 1/3"
"""After 1N 2NNN 3NNN 4NNT."""
ORACLE = {
    "ATD+3+3 cap 10": lambda: atd(10),
    "CRM 10": lambda: crm(10),
    "BOIN 10": lambda: boin(10),
    "BOIN 13": lambda: boin(13),
}


@pytest.fixture(scope="module")
def found():
    return compare(load_study("renji-elo-first"))


@pytest.mark.parametrize(
    ("ending", "wanted"),
    [(FIRST_FOUR, (0.15, 0.02, 0.41, 0.10)), (DLT_AT_TOP, (0.30, 0.07, 0.65, 0.38))],
)
def test_the_fourth_dose_is_as_the_review_says(found, ending, wanted):
    at = found.sel(ending=ending).isel(dose=3)
    for name, value in zip(("mean", "lower", "upper", "over"), wanted, strict=True):
        assert at[f"ending_{name}"].item() == pytest.approx(value, abs=0.00501), name


def test_ten_patients_name_the_fourth_dose_after_a_dlt_in_three(found):
    declared = found["ending_declared"].sel(ending=DLT_AT_TOP)
    assert declared.sel(design="CRM 10").to_numpy().tolist() == [0, 0, 0, 1]
    assert declared.sel(design="BOIN 10").to_numpy().tolist() == [0, 0, 0, 1]
    assert declared.sel(design="ATD+3+3 cap 10").to_numpy().tolist() == [0, 0, 0, 0]


@functools.cache
def curves():
    """DLT rates and weights: the target is reached at level N(3.5, 1.5^2), log r ~ log N(log log 3, 0.5^2)."""
    z = np.linspace(-7, 7, 801)
    location, steepness = np.meshgrid(3.5 + 1.5 * z, math.log(3) * np.exp(0.5 * z), indexing="ij")
    weight = np.exp(-0.5 * (z[:, None] ** 2 + z**2))
    logit = math.log(0.25 / 0.75) + (np.arange(1, 5) - location[..., None]) * steepness[..., None]
    return 1 / (1 + np.exp(-logit)), weight / weight.sum()


def believed(n, y):
    """The mean of the likelihood of single patients in order."""
    p, weight = curves()
    return float(
        (weight * np.prod([p[..., j] ** y[j] * (1 - p[..., j]) ** (n[j] - y[j]) for j in range(4)], axis=0)).sum()
    )


@functools.cache
def endings_of(design):
    """Each tally with its probability under the belief, and by what is declared."""
    tallies = {}
    for (n, y, mtd), orders in ORACLE[design]().endings().items():
        at = tallies.setdefault((n, y), {})
        at[mtd] = at.get(mtd, 0) + orders
    return {tally: ({k: v * believed(*tally) for k, v in by.items()}) for tally, by in tallies.items()}


def tally_of(ending):
    pairs = [part.split("/") for part in ending.split()]
    return tuple(int(n) for _, n in pairs), tuple(int(y) for y, _ in pairs)


@pytest.mark.parametrize("design", ORACLE)
def test_probabilities_and_declarations_by_enumeration(found, design):
    each = endings_of(design)
    at, shown = found.sel(design=design), 0.0
    for ending in found["ending"].to_numpy().tolist():
        by = each.get(tally_of(ending), {})
        total = math.fsum(by.values())
        shown += total
        assert at["ending_probability"].sel(ending=ending).item() == pytest.approx(total, abs=2e-4)
        declared = at["ending_declared"].sel(ending=ending).to_numpy()
        if by:
            np.testing.assert_allclose(declared, [by.get(j, 0) / total for j in range(4)], rtol=0, atol=1e-3)
        else:
            assert np.isnan(declared).all()
    assert at["endings_not_shown"].item() == pytest.approx(1 - shown, abs=1e-3)


@pytest.mark.parametrize("design", ORACLE)
def test_the_three_most_probable_of_each_design_are_shown(found, design):
    each = {tally: math.fsum(by.values()) for tally, by in endings_of(design).items()}
    shown = {tally_of(ending) for ending in found["ending"].to_numpy().tolist()}
    assert set(sorted(each, key=lambda tally: -each[tally])[:3]) <= shown
    assert len(shown) <= 3 * found.sizes["design"]


def test_the_most_probable_endings_come_first(found):
    total = found["ending_probability"].sum("design").to_numpy()
    assert found["ending"].to_numpy()[0] == FIRST_FOUR
    assert (np.diff(total) <= 0).all()


@functools.cache
def grid_of(scale):
    """Log a ~ N(logit 0.20, (1.5 s)^2), log b ~ N(0, (0.7 s)^2), the reference dose 1.5: prior, logits, half a cell."""
    u, v = np.meshgrid(np.linspace(-7, 7, 2001), np.linspace(-6, 6, 401), indexing="ij")
    log_a, b = math.log(0.2 / 0.8) + 1.5 * scale * u, np.exp(0.7 * scale * v)
    lines = [log_a + b * math.log(dose / 1.5) for dose in (0.15, 0.5, 1.5, 4.5)]
    return -0.5 * (u**2 + v**2), lines, 0.75 * scale * (u[1, 0] - u[0, 0])


def posterior_on_the_grid(ending, scale=1.0):
    """The mean of each DLT rate, and Pr(rate of dose j > r) as a function."""
    (prior, lines, half), (n, y) = grid_of(scale), tally_of(ending)
    logs = [(-np.logaddexp(0, -line), -np.logaddexp(0, line)) for line in lines]
    log = prior + sum(k * a + (m - k) * c for m, k, (a, c) in zip(n, y, logs, strict=True) if m)
    weight = np.exp(log - log.max())
    weight /= weight.sum()

    def above(j, rate):
        return (weight * np.clip((lines[j] - math.log(rate / (1 - rate))) / half / 2 + 0.5, 0, 1)).sum()

    return [(weight * np.exp(a)).sum() for a, _ in logs], above


def test_posteriors_by_a_grid(found):
    for ending in found["ending"].to_numpy().tolist():
        mean, above = posterior_on_the_grid(ending)
        for j in range(4):
            at = found.sel(ending=ending).isel(dose=j)
            assert at["ending_mean"].item() == pytest.approx(mean[j], abs=1e-6)
            assert at["ending_over"].item() == pytest.approx(above(j, 1 / 3), abs=1e-5)
            assert above(j, at["ending_lower"].item()) == pytest.approx(0.95, abs=1e-4)
            assert above(j, at["ending_upper"].item()) == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_narrower_and_wider_priors_by_a_grid(found, scale):
    for ending in (FIRST_FOUR, DLT_AT_TOP):
        mean, above = posterior_on_the_grid(ending, scale)
        at = found.sel(ending=ending, prior_scale=scale)
        np.testing.assert_allclose(at["ending_mean_by_prior"], mean, rtol=0, atol=2e-5)
        np.testing.assert_allclose(at["ending_over_by_prior"], [above(j, 1 / 3) for j in range(4)], rtol=0, atol=2e-5)
