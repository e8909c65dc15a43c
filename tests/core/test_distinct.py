import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from doseopt.core.distinct import LARGEST, fold, unique_rows

LAWS = settings(deadline=None, derandomize=True, max_examples=150)
SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=25)


def assert_same_classes(table):
    """The classes of equal rows are those of np.unique, and every row equals the first of its class."""
    first, inverse = unique_rows(list(table.T))
    _, wanted = np.unique(table, axis=0, return_inverse=True)
    wanted = wanted.reshape(-1)
    assert len(first) == wanted.max() + 1
    np.testing.assert_array_equal(table[first][inverse], table)
    assert len(set(zip(inverse.tolist(), wanted.tolist(), strict=True))) == len(first)
    np.testing.assert_array_equal(inverse[first], np.arange(len(first)))


@LAWS
@given(SHAPES.flatmap(lambda shape: arrays.arrays(np.int64, shape, elements=st.integers(-2, 3))))
def test_equal_rows_are_those_of_numpy(table):
    assert_same_classes(table)


@LAWS
@given(SHAPES.flatmap(lambda shape: arrays.arrays(np.int64, shape, elements=st.sampled_from([-(2**40), 0, 1, 2**40]))))
def test_equal_rows_are_found_when_the_folded_key_overflows(table):
    assert_same_classes(table)


def test_many_wide_columns_take_more_than_62_bits():
    rng = np.random.default_rng(20)
    table = np.repeat(rng.integers(0, 1000, (200, 12)), 3, axis=0)  # 120 bits a row
    assert 12 * np.log2(1000) > np.log2(LARGEST)
    table[:, 11] = np.tile([0, 999, 0], 200)  # rows that differ in the last column only
    assert_same_classes(table)
    assert len(unique_rows(list(table.T))[0]) == 400


def test_columns_that_overflow_again_and_again():
    wide = np.array([-(2**61) + 1, 0, 2**61 - 2, 0, 2**61 - 2])
    assert_same_classes(np.stack([wide, wide[::-1], wide, np.arange(5) % 2], axis=1))


def test_no_rows_are_no_classes():
    first, inverse = unique_rows([np.zeros(0, np.int64), np.zeros(0, np.int64)])
    assert len(first) == len(inverse) == 0


def test_no_columns_are_refused():
    with pytest.raises(ValueError, match="at least one column"):
        fold([])
