"""Arrivals a day, from a month or a window."""

import pytest

from doseopt.clock.arrivals import Accrual
from doseopt.core.parameters import Faults


def test_rates_by_month_and_by_window():
    assert Accrual("fixed", per_window=2).rate(28) == pytest.approx(2 / 28)
    assert Accrual("fixed", per_month=2).rate(28) == pytest.approx(2 / 30.4375)


@pytest.mark.parametrize("rates", [{}, {"per_month": 1, "per_window": 1}, {"per_month": 0}])
def test_one_rate_above_zero_is_wanted(rates):
    with pytest.raises(Faults):
        Accrual("poisson", **rates)
