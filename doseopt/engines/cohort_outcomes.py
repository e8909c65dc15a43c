"""Outcomes of cohorts: the ways in which they can turn out, and the orders of their patients that make each."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np

from doseopt.core.comers import Comers
from doseopt.core.outcome_space import OutcomeSpace
from doseopt.core.state import FloatArray, IntArray


@functools.cache
def cohort_outcomes(size: int, categories: int, comers: Comers | None = None) -> tuple[IntArray, FloatArray]:
    """Return all ways a cohort can turn out by category, [W, K], and the orders of patients for each, [W].

    Where it is treated as patients come, the ways of each number of them, weighed by its probability.
    """
    if comers is not None:
        many = np.flatnonzero(comers.table(size)[size]).tolist()
        ways = np.concatenate([cohort_outcomes(each, categories)[0] for each in many])
        return ways, orders_of(ways, np.full(len(ways), size), comers)
    free = itertools.product(range(size + 1), repeat=categories - 1)
    outcomes = np.array([(*w, size - sum(w)) for w in free if sum(w) <= size], np.int64)
    return outcomes, orders_of(outcomes)


@functools.cache
def enrolled_outcomes(
    space: OutcomeSpace, size: int, room: int | None, comers: Comers | None = None
) -> tuple[IntArray, FloatArray]:
    """Return all ways a cohort of patients of whom some are lost can turn out, [W, K], and the orders for each, [W].

    Parameters
    ----------
    space : OutcomeSpace
    size : int
        Places in the cohort.
    room : int or None
        Patients that may still be enrolled; None where they are not capped: then a cohort without an evaluable patient
        is none.
    comers : Comers, optional
        How many patients come, where none is replaced.
    """
    ways, orders = cohort_outcomes(size, len(space) - space.replaces, comers)
    if room is None:
        some = space.evaluated(ways) > 0
        return ways[some], orders[some]
    if not space.replaces:
        return ways, orders
    short = [(cohort_outcomes(places, len(space) - 1)[0], room - places) for places in range(size)]
    found = [np.insert(way, 0, more, axis=1) for way, more in (*((ways, k) for k in range(room - size + 1)), *short)]
    outcomes = np.concatenate(found)
    return outcomes, enrolled_orders(space, np.full(len(outcomes), size), outcomes)


def enrolled_orders(
    space: OutcomeSpace, size: IntArray, outcomes: IntArray, comers: Comers | None = None
) -> FloatArray:
    """Return the orders of patients that make each outcome of cohorts of some size, [W]; the last fills a full one."""
    orders, enrolled = orders_of(outcomes, size, comers), outcomes.sum(axis=1)
    full = (enrolled - outcomes[:, 0] == size) & space.replaces
    return np.where(full, orders * size / enrolled, orders)


def orders_of(outcomes: IntArray, places: IntArray | None = None, comers: Comers | None = None) -> FloatArray:
    """Return the orders of patients that make each cohort outcome, [W, K] -> [W].

    Where `comers` say how many patients come for cohorts of these places [W], times the probability of so many: what a
    cohort shows is a mixture over its size.
    """
    patients = outcomes.sum(axis=1)
    factorial = np.array([float(math.factorial(k)) for k in range(int(patients.max(initial=0)) + 1)])
    orders = np.asarray(factorial[patients] / factorial[outcomes].prod(axis=1))
    if comers is None or places is None:
        return orders
    return np.asarray(orders * comers.table(int(places.max(initial=0)))[places, patients])
