"""Arrivals a day, from a month or a window."""

import numpy as np
import pytest

from doseopt.clock.arrivals import LONG, Accrual
from doseopt.core.parameters import Faults


def test_rates_by_month_and_by_window():
    assert Accrual("fixed", per_window=2).rate(28) == pytest.approx(2 / 28)
    assert Accrual("fixed", per_month=2).rate(28) == pytest.approx(2 / 30.4375)


@pytest.mark.parametrize("rates", [{}, {"per_month": 1, "per_window": 1}, {"per_month": 0}])
def test_one_rate_above_zero_is_wanted(rates):
    with pytest.raises(Faults):
        Accrual("poisson", **rates)


@pytest.mark.parametrize("per_window", [0.7, 3.0, 2 * LONG - 1e-6, 2 * LONG + 1e-6])
def test_patients_pending_where_gaps_are_uniform(per_window):
    """Gaps drawn: how many come in a window after an arrival is how many came in one before."""
    gaps = np.random.default_rng(5).uniform(0, 2 / per_window, (40_000, 80))
    come = (np.cumsum(gaps, axis=1) < 1).sum(axis=1)
    pending = Accrual("uniform", per_window=per_window).arrivals(28).pending(28)
    assert abs(pending - come.mean()) < 4 * come.std() / 200


def test_the_renewal_function_goes_into_its_limit():
    below, above = (Accrual("uniform", per_window=2 * LONG + d).arrivals(28).pending(28) for d in (0, 1e-9))
    assert below == pytest.approx(above, abs=1e-6)
