"""What is remembered is bounded in bytes, and posteriors go with the trials that they are of."""

import ctypes
import gc
import os
import sys
import weakref
from pathlib import Path

import numpy as np
import pytest

from doseopt.core.remembered import bytes_of, forget, remembered
from doseopt.models.curves import Empiric, ModelAverage, TwoParameterLogistic
from doseopt.models.quadrature import quadrature
from doseopt.models.quadrature.batch import Kept

GLIBC = sys.platform == "linux" and hasattr(ctypes.CDLL(None), "malloc_trim")


def resident():
    """Return the megabytes that this process holds."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6


def test_the_newest_are_kept_within_the_bytes_and_the_newest_whatever_its_size():
    calls = []

    @remembered(3000)
    def made(kilobytes):
        calls.append(kilobytes)
        return np.zeros(int(125 * kilobytes))

    for kilobytes in (1, 2, 1, 2, 1):
        made(kilobytes)
    assert calls == [1, 2]
    made(1.6)  # 4.6 kB in all: the one asked for longest ago goes
    made(1)
    assert calls == [1, 2, 1.6]
    made(2)
    assert calls == [1, 2, 1.6, 2]
    assert made(50) is made(50)
    made.cache_clear()
    made(50)
    assert calls[-2:] == [50, 50]


def test_what_grows_after_it_was_returned_is_counted_as_it_is():
    calls = []

    @remembered(3000)
    def made(key):
        calls.append(key)
        return [np.zeros(125)]

    grows = made("a")
    made("b")
    made("a")
    grows.append(np.zeros(125))  # 3 kB in all
    made("b")
    assert calls == ["a", "b"]
    made("c").append(np.zeros(250))  # 4 kB: b was asked for last, and a goes; then 3 kB more
    made("d")
    assert calls == ["a", "b", "c", "d"]
    made("c")
    made("b")
    assert calls == ["a", "b", "c", "d", "c", "b"]


def test_of_those_that_are_too_large_by_themselves_the_last_is_kept_where_that_is_asked_for():
    calls = []

    @remembered(3000, one_larger=True)
    def made(kilobytes):
        calls.append(kilobytes)
        return np.zeros(int(125 * kilobytes))

    for kilobytes in (1, 50, 2, 1, 50, 2):
        made(kilobytes)
    assert calls == [1, 50, 2]
    made(60)  # goes in the place of the other large one
    for kilobytes in (1, 2, 60):
        made(kilobytes)
    assert calls == [1, 50, 2, 60]
    made(2.5)  # 5.5 kB of small ones
    made(60)
    made(50)
    assert calls == [1, 50, 2, 60, 2.5, 50]


def test_those_that_are_too_large_by_themselves_are_forgotten_alone():
    calls = []

    @remembered(3000, one_larger=True)
    def made(kilobytes):
        calls.append(kilobytes)
        return np.zeros(int(125 * kilobytes))

    for kilobytes in (1, 50):
        made(kilobytes)
    made.forget_larger()
    for kilobytes in (1, 50, 50):
        made(kilobytes)
    assert calls == [1, 50, 50]


def test_no_more_entries_than_asked_for():
    calls = []

    @remembered(10**9, entries=2)
    def made(key):
        calls.append(key)
        return key

    for key in (1, 2, 3, 1):
        made(key)
    assert calls == [1, 2, 3, 1]


def test_all_is_forgotten_at_once():
    calls = []

    @remembered(10**9)
    def made(key):
        calls.append(key)
        return key

    @remembered(10**9)
    def other(key):
        calls.append(-key)
        return key

    for again in range(2):
        made(1), made(1), other(2), other(2)
        assert calls == [1, -2] * (1 + again)
        forget()


def test_an_array_that_is_held_twice_or_seen_through_a_view_counts_once():
    array = np.zeros(1000)
    assert bytes_of((array, [array[::2], {"again": array}])) == 8000


MODELS = [
    Empiric((0.05, 0.12, 0.25), 1.0),
    ModelAverage((Empiric((0.05, 0.12, 0.25), 1.0), Empiric((0.1, 0.2, 0.3), 1.0)), (0.5, 0.5)),
    TwoParameterLogistic.weakly_informative((1.0, 2.0, 4.0), "mg", 2.0),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
@pytest.mark.parametrize("first", ["n", "y"])
def test_a_posterior_goes_when_its_trials_do(model, first):
    n, y = np.array([[3, 3, 0]]), np.array([[0, 1, 0]])
    posterior = quadrature(model).posterior(n, y)
    assert quadrature(model).posterior(n, y) is posterior
    gone = weakref.ref(posterior)
    del posterior
    assert gone() is not None
    if first == "n":
        del n
    else:
        del y
    gc.collect()
    assert gone() is None


def test_the_loss_of_older_trials_does_not_take_a_newer_answer():
    kept, older, newer = Kept[str](), np.zeros((1, 1), int), np.ones((1, 1), int)
    kept(older, older, lambda: "older")
    kept(newer, newer, lambda: "newer")
    del older
    gc.collect()
    assert kept(newer, newer, lambda: "again") == "newer"


@pytest.mark.skipif(not GLIBC, reason="of glibc")
@pytest.mark.parametrize("larger", [False, True])
def test_the_room_of_what_is_forgotten_is_given_back(larger):
    among = []

    @remembered(1 << (10 if larger else 30), one_larger=larger)
    def made(many):
        parts = [(np.ones(10_000), np.ones(10_000)) for _ in range(many)]
        among.extend(each for each, _ in parts[::50])  # what stays stands between what goes
        return [each for _, each in parts]

    before = resident()
    made(1000)
    assert resident() - before > 100
    (made.forget_larger if larger else forget)()
    assert resident() - before < 100 / 2
