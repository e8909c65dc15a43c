"""Patients who wait in a queue while enrolment is closed, with Poisson arrivals: how many have to be waited for.

Waits for who is not there yet are exponential, whatever came before; so that of the past no more matters than how many
stand in the queue, and how many were waited for. With these a trial takes as long as `clock.duration` says.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from doseopt.core.state import FloatArray


def joined(arrivals: float, most: int) -> FloatArray:
    """Return the probabilities of a queue after a time in which so many arrive on average, [before, after].

    Parameters
    ----------
    arrivals : float
    most : int
        Who finds so many in the queue is turned away.

    Examples
    --------
    >>> joined(np.log(2), 1).round(6).tolist()
    [[0.5, 0.5], [0.0, 1.0]]
    """
    from scipy.special import gammaln, pdtrc

    came = np.arange(most + 1) - np.arange(most + 1)[:, None]
    number = np.abs(came)
    found = np.where(came >= 0, np.exp(number * np.log(arrivals) - arrivals - gammaln(number + 1)), 0.0)
    found[:, most] = np.where(came[:, most] > 0, pdtrc(np.maximum(came[:, most] - 1, 0), arrivals), 1.0)
    return np.asarray(found)


def enrolled_from(weight: FloatArray, rate: float, closed: Iterator[float]) -> FloatArray:
    """Return the weights of patients waited for and in the queue after a cohort.

    Parameters
    ----------
    weight : float array [..., M, K + 1]
        Before it.
    rate : float
        Arrivals in a day.
    closed : iterator of float
        Days after each of its patients.

    Examples
    --------
    Two patients one after the other, nobody in the queue: both are waited for unless one comes in between.

    >>> weight = np.zeros((3, 2))
    >>> weight[0, 0] = 1
    >>> enrolled_from(weight, 1.0, iter([np.log(2), 0.0])).round(6).tolist()
    [[0.0, 0.0], [0.5, 0.0], [0.5, 0.0]]
    """
    for days in closed:
        next_one = np.zeros_like(weight)
        next_one[..., :-1] = weight[..., 1:]
        next_one[..., 1:, 0] += weight[..., :-1, 0]
        weight = next_one @ joined(rate * days, weight.shape[-1] - 1) if days else next_one
    return weight
