import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from doseopt.core.parameters import Faults
from doseopt.scenarios import GENERATORS, MU_OF_GAP, clertant, paoletti
from doseopt.scenarios.generators import _clertant, _paoletti, _redraw

LAWS = settings(deadline=None, derandomize=True, max_examples=40)
GAPS = Path(__file__).parents[1] / "published" / "paoletti_gaps.csv"
SEEDS = st.integers(0, 2**32 - 1)
TARGETS = st.floats(0.05, 0.6)


def rows():
    with GAPS.open(newline="") as file:
        return [{k: float(v) for k, v in row.items() if k != "source"} for row in csv.DictReader(file)]


@LAWS
@given(st.sampled_from(sorted(GENERATORS)), st.integers(1, 10), TARGETS, SEEDS)
def test_curves(name, doses, target, seed):
    p = GENERATORS[name](doses, target, 50, np.random.default_rng(seed))
    assert p.shape == (50, doses)
    assert p.dtype == np.float64
    assert np.all(np.diff(p, axis=1) >= 0)
    assert np.all((p > 0) & (p < 1))
    np.testing.assert_array_equal(p, GENERATORS[name](doses, target, 50, np.random.default_rng(seed)))


@LAWS
@given(st.integers(1, 10), TARGETS, SEEDS, st.sampled_from([0.0, 0.23, 0.71, 3.0]), st.sampled_from([0.05, 1.0]))
def test_paoletti_puts_the_mtd_where_it_says(doses, target, seed, mu, sd_mtd):
    p, mtd = _paoletti(doses, target, 50, np.random.default_rng(seed), mu, sd_mtd, 0.35)
    distance = np.abs(p - target)
    assert np.all(distance >= distance[np.arange(50), mtd][:, None] - 1e-12)


@LAWS
@given(st.integers(1, 10), st.floats(0.001, 0.999), SEEDS)
def test_clertant_puts_the_mtd_where_it_says(doses, target, seed):
    p, mtd = _clertant(doses, target, 50, np.random.default_rng(seed))
    distance = np.abs(p - target)
    assert np.all(distance >= distance[np.arange(50), mtd][:, None] - 1e-12)
    assert np.all((p > 0) & (p < 1))


@pytest.mark.parametrize(
    "draw", [lambda rng: _paoletti(4, 0.3, 40_000, rng, 0.5, 0.05, 0.35), lambda rng: _clertant(4, 0.3, 40_000, rng)]
)
def test_mtd_is_uniform(draw):
    counts = np.bincount(draw(np.random.default_rng(11))[1], minlength=4)
    assert stats.chisquare(counts).pvalue > 1e-4


@pytest.mark.parametrize("row", rows(), ids=lambda row: f"mu={row['mu']}")
def test_mu_sets_the_gap(row):
    doses, count = int(row["doses"]), 40_000
    p, mtd = _paoletti(doses, row["target"], count, np.random.default_rng(5), row["mu"], 0.05, 0.35)
    far = np.pad(np.abs(p - row["target"]), ((0, 0), (1, 1)), constant_values=np.inf)
    at = np.arange(count)
    gap = np.minimum(far[at, mtd], far[at, mtd + 2])
    assert gap.mean() == pytest.approx(row["gap"], abs=0.002)
    assert MU_OF_GAP[row["gap"]] == row["mu"]


def test_paoletti_by_the_letter():
    """The recursion, one curve at a time, has the same law."""
    doses, target, mu, count = 4, 0.25, 0.4, 6_000
    rng = np.random.default_rng(2)
    middle = stats.norm.ppf(target)
    slow = np.empty((count, doses))
    for row in slow:
        j = rng.integers(doses)
        z = np.empty(doses)
        z[j] = rng.normal(middle, 0.05)
        p = stats.norm._cdf(z[j])
        mirror = stats.norm._ppf(2 * target - p)
        if j > 0:
            z[j - 1] = z[j] - (z[j] - mirror) * (p > target) - rng.normal(mu, 0.35) ** 2
        if j < doses - 1:
            z[j + 1] = z[j] + (mirror - z[j]) * (p < target) + rng.normal(mu, 0.35) ** 2
        for k in range(j - 2, -1, -1):
            z[k] = z[k + 1] - rng.normal(mu, 0.35) ** 2
        for k in range(j + 2, doses):
            z[k] = z[k - 1] + rng.normal(mu, 0.35) ** 2
        row[:] = stats.norm._cdf(z)
    fast = paoletti(doses, target, 20_000, np.random.default_rng(3), mu=mu)
    for part in (lambda p: p[:, 0], lambda p: p[:, 2], lambda p: np.diff(p).min(axis=1), lambda p: p[:, 3] - p[:, 1]):
        assert stats.ks_2samp(part(slow), part(fast)).pvalue > 1e-4


@pytest.mark.parametrize(("doses", "target"), [(1, 0.3), (3, 0.3), (4, 0.4)])
def test_clertant_by_the_letter(doses, target):
    """Drawing sorted uniforms again until the MTD is right has the same law, for each MTD."""
    count = 2_000
    rng = np.random.default_rng(4)
    wanted = rng.integers(1, doses + 1, count)
    upper = target + (1 - target) * rng.beta(np.maximum(doses - wanted, 0.5), 1)
    slow, left = np.empty((count, doses)), np.arange(count)
    while left.size:
        p = np.sort(rng.random((left.size, doses)) * upper[left, None], axis=1)
        right = np.abs(p - target).argmin(axis=1) + 1 == wanted[left]
        slow[left[right]] = p[right]
        left = left[~right]
    fast, mtd = _clertant(doses, target, 4 * count, np.random.default_rng(6))
    for j in range(doses):
        for k in range(doses):
            assert stats.ks_2samp(slow[wanted == j + 1, k], fast[mtd == j, k]).pvalue > 1e-4 / doses**2


def test_clertant_reaches_the_hard_cases():
    """Ten doses, target 0.05, MTD at the top: drawing again can take more than 10^11 draws."""
    p, mtd = _clertant(10, 0.05, 300, np.random.default_rng(8))
    assert np.any(mtd == 9)
    assert np.all(np.abs(p - 0.05).argmin(axis=1) == mtd)


def test_wide_spread_of_the_mtd_rate_is_cut_at_its_mirror():
    p, mtd = _paoletti(3, 0.1, 2000, np.random.default_rng(9), 0.3, 1.0, 0.35)
    assert np.all(p[np.arange(2000), mtd] < 0.2)


def test_a_loop_that_cannot_end_says_so():
    with pytest.raises(Faults, match="2 of 2 curves found no acceptable draw in 1000 rounds: try this"):
        _redraw(2, lambda missing: np.full(len(missing), np.nan), "try this")


@pytest.mark.parametrize("name", sorted(GENERATORS))
def test_faults(name):
    with pytest.raises(Faults) as caught:
        GENERATORS[name](0, 1.0, -1, np.random.default_rng(0))
    assert [fault.where for fault in caught.value.faults] == ["doses", "count", "target"]
    assert GENERATORS[name](4, 0.3, 0, np.random.default_rng(0)).shape == (0, 4)


def test_faults_of_spread():
    with pytest.raises(Faults, match="sd_step"):
        paoletti(4, 0.3, 1, np.random.default_rng(0), sd_step=-1.0)
    assert clertant(4, 0.3, 1, np.random.default_rng(0)).shape == (1, 4)
