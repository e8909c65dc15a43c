"""Survival to a day: what R prints, hand calculation, and what lies on a boundary."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta, norm

from doseopt import Faults
from doseopt.endpoints.historical import Historical
from doseopt.endpoints.proportions import Proportion
from doseopt.endpoints.survival import FollowUp, Survival

REFERENCE = Path(__file__).parent / "reference" / "lifetable.csv"
"""survival 3.5-3 `survfit`, `survdiff` in R 4.2.2: Kaplan-Meier at 60, one-sample log-rank."""
ROWS = list(csv.DictReader(REFERENCE.read_text().splitlines()))
NONE = np.nan


def numbers(text):
    return [float(part) for part in text.split("|")]


def seen(row):
    return Survival(numbers(row["time"]), numbers(row["death"]))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_kaplan_meier_at_day_60_of_every_row(row):
    survival, error = seen(row).estimate(60)
    assert survival == pytest.approx(float(row["km60"]), rel=0, abs=6e-13)
    assert error == pytest.approx(float(row["km60_se"]), rel=0, abs=6e-13)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["id"])
def test_the_one_sample_log_rank_test_of_every_row(row):
    rate = float(row["hist_s60"])
    test = Historical(60, round(100 * rate), 100, "R").log_rank(seen(row))
    assert test.observed == float(row["observed"])
    for name, value in {"expected": test.expected, "chisq": test.chi_square, "poisson_lower_p": test.p_fewer}.items():
        assert value == pytest.approx(float(row[name]), rel=1e-11), name


PUBLISHED = {3: (0.75, 0.194120450, 0.9936905), 7: (0.5, 0.067585986, 0.9324140), 8: (0.25, 0.006309463, 0.8058796)}
"""R's bpcp for deaths on days 3, 7, 8 and 14, just after each: its vignette on discrete data, section 1.1."""


@pytest.mark.parametrize("day", PUBLISHED)
def test_the_beta_product_as_bpcp_prints_it(day):
    four = Survival([3, 7, 8, 14], [1, 1, 1, 1])
    survival, lower, upper = PUBLISHED[day]
    assert four.estimate(day)[0] == survival
    assert four.beta_product(day) == pytest.approx((lower, upper), abs=5.1e-8)


@pytest.mark.parametrize("deaths", range(9))
def test_the_beta_product_is_clopper_pearson_where_nobody_is_censored(deaths):
    days = [*range(10, 10 + deaths), *[60] * (8 - deaths)]
    some = Survival(days, [1] * deaths + [0] * (8 - deaths))
    exact = [float(limit) for limit in Proportion(8 - deaths, 8).clopper_pearson()]
    assert some.beta_product(60) == pytest.approx(exact, abs=1e-12)
    assert some.interval(60)[:2] == pytest.approx(exact, abs=1e-12)
    assert some.interval(60).method == "Clopper-Pearson"


def test_the_beta_product_of_few_with_censoring_by_hand():
    """Deaths at 10 of 6 and at 30 of 4, three alive at 60: Beta(6, 1) Beta(4, 1) above, and Beta(3, 1) more below."""
    some = Survival([10, 20, 30, 60, 60, 60], [1, 0, 1, 0, 0, 0])
    lower, upper, method = some.interval(60)
    assert method == "beta product"
    for found, q, factors in ((upper, 0.975, [6, 4]), (lower, 0.025, [6, 4, 3])):
        mean = np.prod([a / (a + 1) for a in factors])
        square = np.prod([a / (a + 2) for a in factors])
        a = mean * (mean - square) / (square - mean**2)
        assert found == pytest.approx(beta.ppf(q, a, a * (1 - mean) / mean), abs=1e-12)
        draws = np.prod([np.random.default_rng(7).beta(a, 1, (3, 200_000))[k] for k, a in enumerate(factors)], axis=0)
        assert found == pytest.approx(np.quantile(draws, q), abs=0.006)  # the beta with its moments, not the product


def test_from_twenty_subjects_on_the_interval_is_complementary_log_log():
    """log(-log S) +- z sigma / |log S|, sigma being the error of log S: 18 of 24, the first dying at 10 of 24."""
    some = Survival([*range(10, 16), *[60] * 18], [1] * 6 + [0] * 18)
    sigma = np.sqrt(sum(1 / (y * (y - 1)) for y in range(19, 25)))
    middle, width = np.log(-np.log(0.75)), norm.ppf(0.975) * sigma / -np.log(0.75)
    lower, upper, method = some.interval(60)
    assert method == "complementary log-log"
    assert (lower, upper) == pytest.approx((np.exp(-np.exp(middle + width)), np.exp(-np.exp(middle - width))))


@pytest.mark.parametrize("days", [[60] * 24, [60] * 23 + [30]])
def test_where_all_live_no_approximation_is_made(days):
    some = Survival(days, [0] * 24)
    assert some.interval(60).method == ("Clopper-Pearson" if days[-1] == 60 else "beta product")
    assert some.interval(60).upper == 1
    assert some.interval(60).lower == pytest.approx(0.025 ** (1 / days.count(60)), rel=1e-9)


def test_day_60_itself():
    """A death on day 60 counts by day 60, one on day 61 does not; alive on day 60 is followed to it."""
    assert Survival([60, 60], [1, 0]).estimate(60)[0] == 0.5
    assert Survival([61, 60], [1, 0]).estimate(60) == (1, 0)
    assert Survival([60, 59], [0, 0]).known(60) == (0, 1, 1)


def test_a_death_on_the_day_of_treatment_counts():
    assert Survival([0, 60], [1, 0]).estimate(0)[0] == 0.5


def test_two_deaths_on_a_day_and_a_loss_on_it():
    """Who is lost on a day is at risk of the deaths on it: 1 - 2/4."""
    some = Survival([7, 7, 7, 60], [1, 1, 0, 0])
    assert some.estimate(60)[0] == 0.5
    assert some.curve.tolist() == [0.5]


def test_all_censored_says_nothing():
    some = Survival([5, 6], [0, 0])
    assert np.isnan(some.estimate(60)).all()
    assert some.interval(60) == (0, 1, "beta product")
    assert some.estimate(5) == (1, 0)


def test_the_last_one_dying_makes_survival_0_whoever_was_censored():
    some = Survival([5, 6], [0, 1])
    assert some.estimate(60)[0] == 0
    assert np.isnan(some.estimate(60)[1])


def test_nobody_at_a_dose():
    nobody = Survival([], [])
    assert np.isnan(nobody.estimate(60)).all()
    assert nobody.interval(60) == (0, 1, "Clopper-Pearson")
    test = Historical(60, 3, 4, "made up").log_rank(nobody)
    assert (test.observed, test.expected, test.p_fewer) == (0, 0, 1)
    assert np.isnan(test.chi_square)


SEEN = FollowUp([60, 60, 60, 25, 40], [NONE, 20, 5, NONE, 40], [NONE, 10, 5, NONE, NONE])
"""One lives; one is transplanted on day 10 and dies on 20; one dies on the day of it; one is lost on 25; one dies."""


def test_a_transplantation_read_in_three_ways():
    """Censored: 4/5 at 5, 1/2 at 40; event: 4/5, 3/4 at 10, 1/2; competing: 1/5 and 3/10 die, 1/5 transplanted."""
    assert SEEN.survival("censored").estimate(60)[0] == pytest.approx(0.4)
    assert SEEN.survival("event").estimate(60)[0] == pytest.approx(0.3)
    assert SEEN.incidence(60) == pytest.approx((0.5, 0.2))
    assert SEEN.incidence(9) == pytest.approx((0.2, 0))
    assert np.isnan(FollowUp([5], [NONE], [NONE]).incidence(60)).all()


def test_a_transplantation_on_the_day_of_death_is_a_death_under_each_reading():
    both = FollowUp([60], [5], [5])
    for reading in ("censored", "event"):
        days, died = both.survival(reading).times
        assert (days.tolist(), died.tolist()) == ([5], [True])
    assert both.incidence(60) == (1, 0)


def test_counts_against_the_controls():
    """7 of 8 against 130 of 200: the binomial sum, and the integral over the rate of the controls."""
    found = Historical(60, 130, 200, "R").at_day(Survival([60] * 7 + [21], [0] * 7 + [1]))
    p = 8 * 0.65**7 * 0.35 + 0.65**8
    assert found.exact
    assert found.p_more == pytest.approx((p, p), abs=1e-14)
    above, _ = quad(lambda rate: beta.pdf(rate, 131, 71) * beta.sf(rate, 8, 2), 0, 1, points=[0.65], epsabs=1e-13)
    assert found.above == pytest.approx((above, above), abs=1e-11)


def test_who_is_censored_may_have_died_or_live():
    found = Historical(60, 130, 200, "R").at_day(Survival([60] * 5 + [30, 21, 10], [0] * 5 + [0, 1, 1]))
    assert found.survivors == (5, 6)
    assert not found.exact
    assert found.above[0] == pytest.approx(0.395952326066, abs=1e-7)  # 5 of 8 in proportions.csv
    assert found.above[0] < found.above[1]
    assert found.p_more[0] > found.p_more[1]


def test_a_power_prior_of_weight_0_leaves_the_controls_unknown():
    found = Historical(60, 130, 200, "R", weight=0).at_day(Survival([], []))
    assert found.above == pytest.approx((0.5, 0.5))


def test_everything_that_is_wrong_with_controls_is_said_at_once():
    with pytest.raises(Faults) as caught:
        Historical(0, 3, 3, "  ", weight=2)
    assert [str(fault) for fault in caught.value.faults] == [
        "day: wanted a number in (0, 100000], got 0",
        "source: wanted where the counts come from, got '  '",
        "weight: wanted a number in [0, 1], got 2",
        "survivors: wanted fewer than n = 3, as a curve through none or all says no hazard, got 3",
    ]


def test_controls_of_whom_none_or_all_live_are_refused():
    with pytest.raises(Faults, match=r"survivors: wanted a whole number in \[1, 100000\], got 0"):
        Historical(60, 0, 3, "made up")


def test_what_is_no_follow_up_is_refused():
    with pytest.raises(Faults, match=r"transplantation\[1\]: wanted a day up to that of death, got 9 after 8"):
        FollowUp([60, 60], [NONE, 8], [NONE, 9])
    with pytest.raises(Faults, match="three lists"):
        FollowUp([60, 60], [NONE], [NONE])
    with pytest.raises(Faults, match="end"):
        FollowUp([NONE], [-1], ["x"])
    with pytest.raises(Faults, match="reading: wanted one of 'censored', 'event'"):
        SEEN.survival("competing")
    with pytest.raises(Faults, match="died"):
        Survival([1], [2])
