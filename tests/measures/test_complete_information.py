import itertools
from fractions import Fraction
from math import factorial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from doseopt.core.parameters import Faults
from doseopt.measures.complete_information import benchmark_beside, complete_information_benchmark

LAWS = settings(deadline=None, derandomize=True, max_examples=60)
TIES = ["lower", "higher", "split"]
FRACTIONS = st.fractions(Fraction(1, 20), Fraction(19, 20), max_denominator=20)


def enumerated(p, n, phi, ties):
    """The definition: every way in which the tolerances of n patients can fall between the rates."""
    cells = np.diff([0.0, *p, 1.0])
    selection = np.zeros(len(p))
    for counts in itertools.product(range(n + 1), repeat=len(p)):
        rest = n - sum(counts)
        if rest < 0:
            continue
        probability = float(factorial(n))
        for size, cell in zip((*counts, rest), cells, strict=True):
            probability *= cell**size / factorial(size)
        distance = [abs(Fraction(int(y), n) - phi) for y in itertools.accumulate(counts)]
        best = [j for j, d in enumerate(distance) if d == min(distance)]
        if ties == "split":
            selection[best] += probability / len(best)
        else:
            selection[best[0] if ties == "lower" else best[-1]] += probability
    return selection


@LAWS
@given(
    st.lists(st.floats(0, 1), min_size=1, max_size=4).map(sorted), st.integers(1, 6), FRACTIONS, st.sampled_from(TIES)
)
def test_against_enumeration(p, n, phi, ties):
    np.testing.assert_allclose(complete_information_benchmark(p, n, phi, ties), enumerated(p, n, phi, ties), atol=1e-12)


@pytest.mark.parametrize("ties", TIES)
def test_against_enumeration_with_equal_and_certain_rates(ties):
    for p in ([0.2, 0.2, 0.2, 0.5], [0.0, 0.0, 0.3, 1.0], [0.0, 1.0, 1.0], [0.5, 0.5], [1.0, 1.0]):
        for n, phi in ((6, Fraction(1, 3)), (5, Fraction(3, 10)), (4, Fraction(1, 2))):
            np.testing.assert_allclose(
                complete_information_benchmark(p, n, phi, ties), enumerated(p, n, phi, ties), atol=1e-14
            )


SIMULATED = {
    "8 doses, 40 patients": ((0.03, 0.08, 0.15, 0.22, 0.30, 0.31, 0.50, 0.65), 40, Fraction(3, 10)),
    "4 doses, 10 patients": ((0.05, 0.10, 0.20, 0.30), 10, Fraction(1, 4)),
}
TRIALS = 1_000_000


@pytest.mark.parametrize("name", SIMULATED)
def test_against_a_million_simulated_trials(name):
    p, n, target = SIMULATED[name]
    y = np.random.default_rng(21).multinomial(n, np.diff([0, *p, 1]), size=TRIALS)[:, :-1].cumsum(axis=1)
    best = np.abs(target.denominator * y - target.numerator * n)
    best = best == best.min(axis=1, keepdims=True)
    shares = {
        "lower": best & (best.cumsum(axis=1) == 1),
        "higher": best & (best[:, ::-1].cumsum(axis=1)[:, ::-1] == 1),
        "split": best / best.sum(axis=1, keepdims=True),
    }
    comparisons = len(TIES) * sum(len(p) for p, _, _ in SIMULATED.values())
    z = norm.isf(1e-4 / comparisons / 2)
    for ties in TIES:
        exact = complete_information_benchmark(p, n, target, ties)
        error = np.sqrt(exact * (1 - exact) / TRIALS)  # of a share in {0, 1}; less, if ties are split
        assert np.all(np.abs(shares[ties].mean(axis=0) - exact) < z * error + 1 / TRIALS), ties


def test_beside_designs_of_random_size():
    p, right = [[0.1, 0.3], [0.4, 0.6], [0.3, 0.2]], [[False, True], [False, False], [True, False]]
    found = benchmark_beside(p, right, [[4.0, 4.0, 4.0], [4.25, 5.0, 5.0]], 0.3)
    whole = {n: enumerated(p[0], n, Fraction(3, 10), "lower") for n in (4, 5)}
    np.testing.assert_allclose(found[0, 0], whole[4], atol=1e-12)
    np.testing.assert_allclose(found[1, 0], 0.75 * whole[4] + 0.25 * whole[5], atol=1e-12)
    assert np.isnan(found[:, 1:]).all()  # none is correct; rates fall with the dose


@LAWS
@given(st.lists(st.floats(0, 1), min_size=1, max_size=10).map(sorted), st.integers(1, 40), FRACTIONS)
def test_laws(p, n, phi):
    lower, higher, split = (complete_information_benchmark(p, n, phi, ties) for ties in TIES)
    for selection in (lower, higher, split):
        assert np.all(selection >= 0)
        assert selection.sum() == pytest.approx(1, abs=1e-10)
    # the higher the dose a tie goes to, the further up the mass
    assert np.all(lower.cumsum() >= split.cumsum() - 1e-10)
    assert np.all(split.cumsum() >= higher.cumsum() - 1e-10)


def test_mirror_image():
    """Counting the patients without DLT turns doses, target and ties round."""
    p = np.array([0.05, 0.2, 0.2, 0.45, 0.7])
    for ties, mirrored in (("lower", "higher"), ("split", "split")):
        straight = complete_information_benchmark(p, 20, Fraction(3, 10), ties)
        turned = complete_information_benchmark(1 - p[::-1], 20, Fraction(7, 10), mirrored)
        np.testing.assert_allclose(straight, turned[::-1], atol=1e-13)


def test_the_target_is_a_decimal_number():
    """0.1 n, 0.3 n, ... are whole numbers and make ties that floats would miss."""
    p = [0.1, 0.3, 0.5]
    for tenths in range(1, 10):
        np.testing.assert_array_equal(
            complete_information_benchmark(p, 10, tenths / 10),
            complete_information_benchmark(p, 10, Fraction(tenths, 10)),
        )
    third = complete_information_benchmark(p, 12, Fraction(1, 3), "higher")
    assert not np.allclose(third, complete_information_benchmark(p, 12, 0.33, "higher"))


def test_largest_size():
    p = np.arange(1, 11) / 20
    selection = complete_information_benchmark(p, 100, 0.25, "split")
    assert selection.sum() == pytest.approx(1, abs=1e-12)
    assert selection.argmax() == 4


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"p_dlt": [0.3, 0.2]}, "p_dlt"),
        ({"p_dlt": [[0.1, 0.2]]}, "p_dlt"),
        ({"p_dlt": []}, "p_dlt"),
        ({"p_dlt": [0.1, np.nan]}, "p_dlt"),
        ({"patients": 0}, "patients"),
        ({"patients": 2.5}, "patients"),
        ({"target": 1.0}, "target"),
        ({"ties": "lowest"}, "ties"),
    ],
)
def test_faults(changes, where):
    arguments = {"p_dlt": [0.1, 0.3], "patients": 10, "target": 0.3} | changes
    with pytest.raises(ValueError, match=where) as caught:
        complete_information_benchmark(**arguments)
    assert isinstance(caught.value, Faults)
    assert [fault.where for fault in caught.value.faults] == [where]
