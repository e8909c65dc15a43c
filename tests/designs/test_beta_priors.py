"""TPI, mTPI and mTPI-2 under other Beta priors: tables by a second statement in whole numbers.

For whole a and b Pr(p <= x) under Beta(a, b) is the probability of at least a events among a + b - 1, each of rate x.
"""

from fractions import Fraction
from itertools import pairwise
from math import comb, sqrt

import numpy as np
import pytest

from doseopt import MTPI, MTPI2, TPI, Faults, MaxPatients, Modified
from doseopt.designs.interval import DOWN, STAY, UP
from doseopt.study.file import parse_study
from doseopt.testing import check_design

PHI, EPS = Fraction(3, 10), Fraction(1, 20)
LETTER = {UP: "E", STAY: "S", DOWN: "D"}


def below(x, a, b):
    """Pr(p <= x) under Beta(a, b)."""
    m = a + b - 1
    return sum(comb(m, k) * x**k * (1 - x) ** (m - k) for k in range(a, m + 1))


def densest(pieces, a, b):
    """The piece with the most mass per length, of several the highest."""
    return max(
        pieces, key=lambda piece: ((below(piece[1], a, b) - below(piece[0], a, b)) / (piece[1] - piece[0]), piece)
    )


def by_mtpi(a, b):
    low, high = PHI - EPS, PHI + EPS
    return "ESD"[[(0, low), (low, high), (high, 1)].index(densest([(0, low), (low, high), (high, 1)], a, b))]


def by_mtpi2(a, b):
    low = PHI - EPS
    ends = sorted({Fraction(0), Fraction(1), *(low + k * 2 * EPS for k in range(-9, 9) if 0 < low + k * 2 * EPS < 1)})
    first, _ = densest(list(pairwise(ends)), a, b)
    return "E" if first < low else "S" if first == low else "D"


def by_tpi(a, b):
    sd = Fraction(sqrt(a * b / (a + b + 1)) / (a + b))
    low, high = max(PHI - Fraction(3, 2) * sd, Fraction(0)), min(PHI + sd, Fraction(1))
    chance = [below(low, a, b), below(high, a, b) - below(low, a, b), 1 - below(high, a, b)]
    return "ESD"[chance.index(max(chance))]


@pytest.mark.parametrize(("kind", "rule"), [(TPI, by_tpi), (MTPI, by_mtpi), (MTPI2, by_mtpi2)])
@pytest.mark.parametrize(("a", "b"), [(1, 1), (1, 3), (2, 2), (3, 1)])
def test_tables_in_whole_numbers(kind, rule, a, b):
    design = kind(doses=3, target=0.3, prior=(float(a), float(b)))
    n, y = (grid.ravel() for grid in np.meshgrid(np.arange(1, 19), np.arange(19)))
    n, y = n[y <= n], y[y <= n]
    tallies = list(zip(n.tolist(), y.tolist(), strict=True))
    assert [LETTER[move] for move in design.moves(n, y).tolist()] == [rule(a + k, b + m - k) for m, k in tallies]
    out = [m >= design.eliminate_from and 1 - below(PHI, a + k, b + m - k) > Fraction(19, 20) for m, k in tallies]
    assert design.eliminates(n, y).tolist() == out


@pytest.mark.parametrize("kind", [TPI, MTPI, MTPI2])
def test_a_prior_matters_and_is_said(kind):
    one, other = (kind(doses=3, target=0.3, prior=prior) for prior in ((1.0, 1.0), (3.0, 1.0)))
    n, y = np.repeat(np.arange(1, 13), 2), np.tile([0, 1], 12)
    assert one.moves(n, y).tolist() != other.moves(n, y).tolist()
    assert "under Beta(3,1)" in other.describe()[0].reading
    check_design(Modified(other, (MaxPatients(n=12),)))


@pytest.mark.parametrize("wrong", [None, (0.0, 1.0), (1.0,), "flat"])
def test_what_is_no_prior_is_refused(wrong):
    with pytest.raises(Faults, match="prior: wanted"):
        MTPI(doses=3, target=0.3, prior=wrong)


def test_in_a_study_file():
    text = """
title = "A study"
target = 0.3
[doses]
labels = ["1", "2", "3"]
[designs.mTPI]
kind = "mtpi"
prior = [0.5, 1]
modifiers = [{ kind = "max_patients", n = 12 }]
"""
    assert parse_study(text).designs["mTPI"].base == MTPI(doses=3, target=0.3, prior=(0.5, 1.0))
