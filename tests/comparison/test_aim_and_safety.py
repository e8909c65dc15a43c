"""The aim of the titration, and safety, in the bundled study of 2025: the numbers of an independent review."""

import numpy as np
import pytest
from oracle_bundled import SCENARIOS, atd, boin, mean

from doseopt import compare, load_study

BELOW = {  # patients below the MTD, their share, never reached: over the ten scenarios with a right dose
    "ATD+3+3 uncapped": (5.63, 43, 8),
    "ATD+3+3 cap 10": (4.91, 50, 18),
    "CRM 10": (4.96, 50, 19),
    "BOIN 10": (5.40, 54, 22),
    "CRM 13": (5.49, 42, 9),
    "BOIN 13": (6.53, 50, 19),
    "CRM 25": (7.45, 30, 3),
    "BOIN 25": (9.44, 38, 5),
}
EXPOSED = {  # at least 6 patients at rates above 1/3; a dose above 1/3 named
    "ATD+3+3 cap 10": (19, 4),
    "ATD+3+3 uncapped": (26, None),
    "CRM 10": (20, 20),
    "BOIN 10": (15, 16),
    "CRM 13": (28, 18),
    "BOIN 13": (22, 13),
    "CRM 25": (35, 13),
    "BOIN 25": (31, 10),
}


@pytest.fixture(scope="module")
def table():
    return compare(load_study("renji-elo-first"), posteriors=False)


@pytest.mark.parametrize("name", BELOW)
def test_patients_below_the_mtd(table, name):
    at = table.sel(design=name)
    patients, share, never = (at[m].mean().item() for m in ("patients_below_mtd", "underdosed", "never_reached"))
    assert patients == pytest.approx(BELOW[name][0], abs=0.00501)
    np.testing.assert_allclose([100 * share, 100 * never], BELOW[name][1:], rtol=0, atol=0.501)


@pytest.mark.parametrize("name", EXPOSED)
def test_exposure_above_a_third(table, name):
    at = table.sel(design=name)
    many, named = EXPOSED[name]
    assert 100 * at["exposed_6"].mean().item() == pytest.approx(many, abs=0.501)
    if named is not None:
        assert 100 * at["too_high_selection"].mean().item() == pytest.approx(named, abs=0.501)


@pytest.mark.parametrize(("name", "make"), [("ATD+3+3 cap 10", lambda: atd(10)), ("BOIN 10", lambda: boin(10))])
def test_by_plain_enumeration(table, name, make):
    some = {k: v for k, v in SCENARIOS.items() if v[1] is not None}

    def at_least(k):
        return lambda n, y, mtd, p, r: sum(m for m, q in zip(n, p, strict=True) if q > 1 / 3) >= k

    wanted = {
        "patients_below_mtd": mean(make(), lambda n, y, mtd, p, r: sum(n[:r]), some),
        "underdosed": mean(make(), lambda n, y, mtd, p, r: sum(n[:r]) / sum(n), some),
        "never_reached": mean(make(), lambda n, y, mtd, p, r: n[r] == 0, some),
        "exposed_1": mean(make(), at_least(1)),
        "exposed_3": mean(make(), at_least(3)),
        "exposed_6": mean(make(), at_least(6)),
        "dlts_above_mtd": mean(make(), lambda n, y, mtd, p, r: sum(y[0 if r is None else r + 1 :])),
        "two_dlts_above_mtd": mean(make(), lambda n, y, mtd, p, r: sum(y[0 if r is None else r + 1 :]) >= 2),
        "too_high_selection": mean(make(), lambda n, y, mtd, p, r: mtd is not None and p[mtd] > 1 / 3),
    }
    for measure, value in wanted.items():
        assert 100 * table[measure].sel(design=name).mean().item() == pytest.approx(value, abs=1e-9), measure
