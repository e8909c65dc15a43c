"""Parts that the checks share: a demand, and one question asked in batches of every kind."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from doseopt.core.design import Row
from doseopt.core.state import IntArray

type Ask = Callable[[IntArray], IntArray]
"""The answers for some rows of a table of trials, [rows, ...]."""


def demand(holds: bool, wanted: str, got: str) -> None:
    """Raise AssertionError with what was wanted and what came, unless it holds."""
    if not holds:
        raise AssertionError(f"wanted {wanted}; got {got}")


def check_value(part: Any) -> Any:
    """Check that a part hashes, compares and pickles by its parameters, and describes itself; return the copy."""
    copy = pickle.loads(pickle.dumps(part))
    demand(copy == part and hash(copy) == hash(part), "a pickled copy to be equal and to hash alike", repr(copy))
    if hasattr(part, "describe"):
        rows = part.describe()
        demand(bool(rows) and all(isinstance(r, Row) for r in rows), "describe() to give rows", repr(rows))
    return copy


def check_pure(what: str, size: int, ask: Ask, fresh: Ask, wanted: IntArray, trial: Callable[[int], str]) -> None:
    """Check that answers depend on the trial asked about and on nothing else.

    Parameters
    ----------
    what : str
        Name of the question, e.g. "decide()".
    size : int
        Rows of the table.
    ask, fresh : callable
        The question, put to the object that has answered before, and to a fresh copy.
    wanted : array [size, ...]
        The answers given in the batches of the graph.
    trial : callable
        Describes a row.
    """
    rows = np.arange(size)
    once, twice, copied = ask(rows), ask(rows), fresh(rows)
    hidden = "it draws at random or keeps something from one call to the next"
    _same(f"{what} to answer alike when asked twice", once, twice, rows, trial, hidden)
    _same(f"{what} to answer alike when a fresh copy is asked", once, copied, rows, trial, hidden)
    shuffled, half = np.random.default_rng(1).permutation(rows), size // 2
    batches = {
        "joined to others": [rows],
        "shuffled": [shuffled],
        "split": [rows[:half], rows[half:]],
        "repeated": [np.repeat(rows[:half], 2)],
    }
    for how, parts in batches.items():
        for part in (p for p in parts if len(p)):
            beyond = "it depends on more than the state"
            _same(f"{what} to answer alike when the batch is {how}", wanted[part], ask(part), part, trial, beyond)


def _same(
    wanted: str, first: IntArray, second: IntArray, rows: IntArray, trial: Callable[[int], str], why: str
) -> None:
    demand(first.shape == second.shape, wanted, f"shapes {first.shape} and {second.shape}: {why}")
    differ = (first != second).reshape(len(rows), -1).any(axis=1)
    if differ.any():
        demand(False, wanted, f"another answer after {trial(int(rows[differ.argmax()]))}: {why}")
