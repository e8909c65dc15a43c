"""Calendars of arrivals have the gaps that their law says."""

import numpy as np
import pytest

from doseopt.clock.arrivals import MONTH, Accrual
from doseopt.core.parameters import Faults


@pytest.mark.parametrize(("kind", "variance"), [("fixed", 0), ("poisson", 1), ("uniform", 1 / 3)])
def test_gaps_have_their_mean_and_variance(kind, variance):
    """In gaps: 0 for equal ones, 1 for exponential ones, (2^2)/12 for U(0, 2)."""
    days = Accrual(kind, per_month=2).calendar(20_000, 4, 28, np.random.default_rng(1))
    gaps = np.diff(days, axis=1, prepend=0) * 2 / MONTH
    assert gaps.mean() == pytest.approx(1, abs=4 * np.sqrt(variance / gaps.size) + 1e-9)
    assert gaps.var() == pytest.approx(variance, abs=0.05)


def test_rates_by_month_and_by_window():
    assert Accrual("fixed", per_window=2).rate(28) == pytest.approx(2 / 28)
    assert Accrual("fixed", per_month=2).rate(28) == pytest.approx(2 / 30.4375)


@pytest.mark.parametrize("rates", [{}, {"per_month": 1, "per_window": 1}, {"per_month": 0}])
def test_one_rate_above_zero_is_wanted(rates):
    with pytest.raises(Faults):
        Accrual("poisson", **rates)
