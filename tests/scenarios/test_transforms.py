import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.interpolate import PchipInterpolator
from scipy.special import expit, logit

from doseopt.core.parameters import Faults
from doseopt.scenarios import (
    TRANSFORMS,
    ActualDose,
    Misattribution,
    Mixture,
    actual_dose,
    curve,
    misattribution,
    mixture,
)

LAWS = settings(deadline=None, derandomize=True, max_examples=40)
VALUES = np.array([0.15, 0.5, 1.5, 4.5])
P = np.array([0.05, 0.12, 0.26, 0.57])
RATES = st.floats(0, 1)
CURVES = st.lists(RATES, min_size=4, max_size=4).map(sorted)
SHARES = st.floats(0, 1)


def slow_average(p, j, t):
    """The definition, by adaptive quadrature over the dose, told where the knots are."""
    low, high = VALUES[j] * (1 - t), VALUES[j] * (1 + t)
    knots = [v for v in VALUES if low < v < high]
    rate = curve(p, VALUES)
    total, _ = quad(lambda d: rate([d])[0], low, high, points=knots, epsabs=1e-13, epsrel=1e-13, limit=500)
    return total / (high - low)


def test_curve_by_its_definition():
    inside = np.geomspace(0.15, 4.5, 50)
    cubic = PchipInterpolator(np.log(VALUES), logit(P))
    np.testing.assert_allclose(curve(P, VALUES)(inside), expit(cubic(np.log(inside))), rtol=1e-13)
    beyond = curve(P, VALUES)([4.5 * np.e, 4.5 * np.e**2, 0.15 / np.e, 0.15 / np.e**2])
    up, down = cubic.derivative()(np.log([4.5, 0.15]))
    expected = expit([logit(0.57) + up, logit(0.57) + 2 * up, logit(0.05) - down, logit(0.05) - 2 * down])
    np.testing.assert_allclose(beyond, expected, rtol=1e-12)


def test_two_doses_make_a_straight_line():
    slope = (logit(0.4) - logit(0.1)) / np.log(4)
    doses = np.array([0.5, 1.0, 2.0, 4.0, 9.0])
    np.testing.assert_allclose(curve([0.1, 0.4], [1, 4])(doses), expit(logit(0.1) + slope * np.log(doses)), rtol=1e-12)


def test_one_dose_is_flat():
    np.testing.assert_allclose(curve([0.3], [2.0])([0.1, 2.0, 50.0]), 0.3, rtol=1e-14)
    np.testing.assert_allclose(actual_dose([[0.3], [0.1]], [2.0], 0.2), [[0.3], [0.1]], rtol=1e-14)


@LAWS
@given(CURVES)
def test_curve_passes_through_the_rates_and_does_not_fall(p):
    rate = curve(p, VALUES)
    np.testing.assert_allclose(rate(VALUES), p, atol=1.1e-12)
    assert np.all(np.diff(rate(np.geomspace(0.01, 50, 300))) >= -1e-12)


@LAWS
@given(CURVES, st.floats(0, 0.6))
def test_average_lies_between_the_rates_at_the_ends(p, t):
    average, rate = actual_dose(p, VALUES, t), curve(p, VALUES)
    assert np.all(average >= rate(VALUES * (1 - t)) - 2e-12)
    assert np.all(average <= rate(VALUES * (1 + t)) + 2e-12)
    assert np.all(np.diff(average) >= -1e-12)


@pytest.mark.parametrize("t", [0.05, 0.2, 0.75, 0.95])
@pytest.mark.parametrize("p", [P, [0.01, 0.03, 0.09, 0.27], [0.001, 0.02, 0.93, 0.999], [0.26, 0.26, 0.26, 0.80]])
def test_average_to_ten_digits(p, t):
    average = actual_dose(p, VALUES, t)
    for j in range(4):
        assert average[j] == pytest.approx(slow_average(p, j, t), abs=1e-10)


def test_average_of_certain_rates():
    for p in ([0, 0, 0.1, 0.3], [0, 0.2, 1, 1], [0, 0, 1, 1]):
        average = actual_dose(p, VALUES, 0.2)
        assert np.all((average >= 0) & (average <= 1))
        for j in range(4):
            assert average[j] == pytest.approx(slow_average(p, j, 0.2), abs=1e-10)
    np.testing.assert_allclose(actual_dose([0, 0, 0, 0], VALUES, 0.2), 0, atol=1e-11)
    np.testing.assert_allclose(actual_dose([1, 1, 1, 1], VALUES, 0.2), 1, atol=1e-11)


def test_average_by_simulation():
    rng = np.random.default_rng(12)
    rate, doses = curve(P, VALUES), VALUES * rng.uniform(0.7, 1.3, (200_000, 1))
    drawn = rate(doses.ravel()).reshape(doses.shape)
    z = (drawn.mean(axis=0) - actual_dose(P, VALUES, 0.3)) / (drawn.std(axis=0) / np.sqrt(len(doses)))
    assert np.all(np.abs(z) < 4)


def test_flat_curves_and_no_tolerance_change_nothing():
    np.testing.assert_allclose(actual_dose([0.3] * 4, VALUES, 0.5), 0.3, rtol=1e-13)
    np.testing.assert_array_equal(actual_dose([0.0, 0.2, 0.5, 1.0], VALUES, 0.0), [0.0, 0.2, 0.5, 1.0])


@pytest.mark.parametrize("t", [1e-300, 1e-13, 1e-11, 1e-6])
def test_small_tolerances(t):
    np.testing.assert_allclose(actual_dose(P, VALUES, t), P, rtol=1e-9)


def test_batches():
    p = np.stack([np.stack([P, P / 2]), np.stack([P * 1.5, P**2])])
    average = actual_dose(p, VALUES, 0.2)
    assert average.shape == (2, 2, 4)
    for i in np.ndindex(2, 2):
        np.testing.assert_allclose(average[i], actual_dose(p[i], VALUES, 0.2), rtol=1e-14)
    assert curve(p, VALUES)([0.3, 0.4, 0.7]).shape == (2, 2, 3)


def test_the_unit_of_the_dose_does_not_matter():
    np.testing.assert_allclose(actual_dose(P, VALUES * 1e9, 0.2), actual_dose(P, VALUES, 0.2), rtol=1e-12)


@pytest.mark.parametrize(
    ("p", "values", "t", "where"),
    [
        (P, VALUES, 1.0, "tolerance"),
        (P, VALUES, -0.1, "tolerance"),
        (P, VALUES[::-1], 0.2, "values"),
        (P, [0, 1, 2, 3], 0.2, "values"),
        (P, [1, 2, 3], 0.2, "values"),
        (P + 0.9, VALUES, 0.2, "p_dlt"),
    ],
)
def test_faults(p, values, t, where):
    with pytest.raises(Faults) as caught:
        actual_dose(p, values, t)
    assert [fault.where for fault in caught.value.faults] == [where]


def test_misattribution_by_hand():
    np.testing.assert_allclose(misattribution([0.0, 0.1, 1.0], 0.15, 0.2), [0.03, 0.127, 1.0], rtol=1e-13)


def test_mixture_by_hand():
    np.testing.assert_allclose(mixture([0.1, 0.2], [0.3, 0.6], 0.25), [0.15, 0.3], rtol=1e-13)


def test_registry():
    assert dict(TRANSFORMS) == {"actual_dose": ActualDose, "misattribution": Misattribution, "mixture": Mixture}
    assert hash(Mixture([0.1, 0.2], 0.5)) == hash(Mixture((0.1, 0.2), 0.5))


def test_misattribution_leaves_the_drug_alone():
    p, observed = Misattribution(0.15, 0.2).apply(P, P, None, None)
    np.testing.assert_array_equal(p, P)
    np.testing.assert_allclose(observed, misattribution(P, 0.15, 0.2), rtol=1e-14)


def test_mixture_and_actual_dose_change_both():
    for transform, expected in (
        (Mixture([0.2, 0.3, 0.5, 0.8], 0.4), mixture(P, [0.2, 0.3, 0.5, 0.8], 0.4)),
        (ActualDose(), actual_dose(P, VALUES, 0.2)),
        (ActualDose(0.4), actual_dose(P, VALUES, 0.4)),
    ):
        p, observed = transform.apply(P, P, VALUES, 0.2)
        np.testing.assert_allclose(p, expected, rtol=1e-14)
        np.testing.assert_allclose(observed, expected, rtol=1e-13)


@LAWS
@given(CURVES, CURVES, SHARES, SHARES, SHARES)
def test_background_and_mixture_commute(p, other, m, a, weight):
    p = np.array(p)
    background, mixing = Misattribution(m, a), Mixture(other, weight)
    first = mixing.apply(*background.apply(p, p, None, None), None, None)
    second = background.apply(*mixing.apply(p, p, None, None), None, None)
    np.testing.assert_allclose(first[0], second[0], atol=1e-12)
    # where p = 1 every event is recorded, and what background there was cannot be seen
    known = p < 1 - 1e-6
    np.testing.assert_allclose(first[1][known], second[1][known], atol=1e-9)


@LAWS
@given(CURVES, CURVES, CURVES, SHARES)
def test_recorded_rates_stay_rates(p, observed, other, weight):
    _, new = Mixture(other, weight).apply(np.array(p), np.array(observed), None, None)
    assert np.all((new >= -1e-15) & (new <= 1 + 1e-15))


def test_events_that_are_missed_stay_missed():
    p, observed = Mixture([0.2, 0.4, 0.6, 0.8], 1.0).apply(P, P / 2, None, None)
    np.testing.assert_allclose(observed, p / 2, rtol=1e-13)


def test_faults_of_transforms():
    with pytest.raises(Faults, match=r"background.*\n.*attributed"):
        Misattribution(1.5, -0.1)
    with pytest.raises(Faults, match=r"wanted rates in \[0, 1\], got 1.2"):
        Mixture([0.1, 1.2], 0.5)
    with pytest.raises(Faults, match="wanted 4 rates"):
        Mixture([0.1, 0.2], 0.5).apply(P, P, None, None)
    with pytest.raises(Faults) as caught:
        ActualDose().apply(P, P, None, None)
    assert [fault.where for fault in caught.value.faults] == ["tolerance", "doses"]
