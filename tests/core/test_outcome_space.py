"""How a patient can respond: letters, counts, chances, draws, and what counts in the tally."""

import itertools

import numpy as np
import pytest

from doseopt.core.outcome_space import GRADED, TOXICITY, OutcomeSpace

LEAVES = OutcomeSpace("XTN", ("not evaluable", "DLT", "no DLT"), (False, True, False), (False, True, True))
"""A patient may be not evaluable, whatever else would have happened."""
RESPONDS = OutcomeSpace("TEN", ("DLT", "response", "neither"), (True, False, False), (True, True, True))
"""A patient without DLT may respond."""
SPACES = [TOXICITY, GRADED, LEAVES, RESPONDS]


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.letters)
def test_probabilities_are_products_of_what_did_not_happen_before(space):
    chances = np.linspace(0.1, 0.7, len(space) - 1)
    found = space.probabilities(*chances)
    for k, letter in enumerate(space.letters):
        before = np.prod(1 - chances[:k])
        assert found[k] == pytest.approx(before * (chances[k] if k < len(chances) else 1), abs=1e-15), letter
    assert found.sum() == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.letters)
def test_draws_have_the_probabilities_and_worse_outcomes_the_lower_tolerances(space):
    chances = [np.full(100_000, chance) for chance in np.linspace(0.15, 0.45, len(space) - 1)]
    u = (np.arange(100_000) + 0.5) / 100_000
    category = space.draw(u, *chances)
    shares = np.bincount(category, minlength=len(space)) / len(u)
    np.testing.assert_allclose(shares, space.probabilities(*(c[0] for c in chances)), atol=2e-5)
    assert (np.diff(category) >= 0).all()


@pytest.mark.parametrize("space", SPACES, ids=lambda space: space.letters)
def test_fillings_are_all_outcomes_in_no_order(space):
    found = space.fillings(3)
    wanted = {"".join(sorted(way)) for way in itertools.product(space.letters, repeat=3)}
    assert {"".join(sorted(way)) for way in found} == wanted
    assert len(found) == len(wanted)
    assert found[0] == 3 * space.letters[-1]


def test_what_counts_in_the_tally():
    outcome = np.array([[2, 1, 3], [0, 0, 4]])
    assert LEAVES.evaluated(outcome).tolist() == [4, 4]
    assert LEAVES.dlts(outcome).tolist() == [1, 0]
    assert RESPONDS.evaluated(outcome).tolist() == [6, 4]
    assert RESPONDS.dlts(outcome).tolist() == [2, 0]


def test_a_letter_that_is_not_told_apart_counts_in_the_last_category():
    assert TOXICITY.counts("TMN") == (1, 2)
    assert GRADED.counts("TMN") == (1, 1, 1)
    assert LEAVES.counts("XXT") == (2, 1, 0)
