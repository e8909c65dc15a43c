"""The score of a selection: by hand for each error, by plain enumeration, and with other prices."""

import numpy as np
import pytest
import tomli_w
from oracle_bundled import boin, mean

from doseopt import Utility, compare, load_study
from doseopt.beliefs.utility import ErrorPrices
from doseopt.core.parameters import Faults
from doseopt.measures.selection_score import scores
from doseopt.study.file import parse_study


def test_by_hand():
    """None, then each of four doses. Right are the third; the second and third; none; the first."""
    right = np.array([[0, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0], [1, 0, 0, 0]], bool)
    wanted = [[-1, -2, -1, 0, -2], [-1, -1, 0, 0, -2], [0, -2, -3, -4, -5], [-1, 0, -2, -3, -4]]
    np.testing.assert_array_equal(scores(right, ErrorPrices()), wanted)


def test_other_prices_by_hand():
    prices = ErrorPrices(too_low=0.5, none=3, too_high=4, further=0.25)
    np.testing.assert_array_equal(
        scores(np.array([[False, False, True, False, False]]), prices), [[-3, -0.75, -0.5, 0, -4, -4.25]]
    )


def score(n, y, mtd, p, right):
    if mtd == right:
        return 0
    if mtd is None:
        return -1
    level = -1 if right is None else right
    return -(mtd - level) - 1 if mtd > level else -(level - mtd)


@pytest.fixture(scope="module")
def study():
    return load_study("renji-elo-first")


def test_by_plain_enumeration(study):
    found = compare(study, posteriors=False)["selection_score"]
    assert 100 * found.sel(design="BOIN 10").mean().item() == pytest.approx(mean(boin(10), score), abs=1e-9)
    assert found.attrs["long_name"] == (
        "expected score of the selection: 0 right, -1 one level too low, -1 none, -2 one level too high, -1 more for "
        "each further level"
    )


def test_a_study_file_changes_the_prices(study):
    table = study.to_dict() | {"utility": {"errors": {"too_high": 5}}}
    made = parse_study(tomli_w.dumps(table))
    assert made.utility == Utility(errors=ErrorPrices(too_high=5))
    assert parse_study(made.to_toml()) == made
    assert made.utility.is_correct_selection
    assert made.hash != study.hash
    with pytest.raises(Faults, match=r"utility\.errors\.too_high: wanted"):
        parse_study(tomli_w.dumps(table | {"utility": {"errors": {"too_high": -1}}}))
