"""The score of a selection: each error at its price."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import xarray as xr

from doseopt.beliefs.utility import ErrorPrices
from doseopt.core.state import BoolArray, FloatArray
from doseopt.measures.endings import Endings
from doseopt.measures.estimation import Said, labelled, means_given


def scores(right: BoolArray, prices: ErrorPrices) -> FloatArray:
    """Return the score of selecting none, and of selecting each dose, [R, 1 + D].

    Parameters
    ----------
    right : bool array [R, D]
        Which doses are acceptable; where none is, only selecting none is right, and the lowest dose is one level too
        high.
    prices : ErrorPrices

    Examples
    --------
    >>> scores(np.array([[False, True, False, False]]), ErrorPrices()).tolist()
    [[-1.0, -1.0, 0.0, -2.0, -3.0]]
    """
    level, some = np.arange(right.shape[1]), right.any(axis=1, keepdims=True)
    lowest = np.where(some, right.argmax(axis=1)[:, None], -1)
    highest = np.where(some, right.shape[1] - 1 - right[:, ::-1].argmax(axis=1)[:, None], -1)
    low, high = lowest - level, level - highest
    price = np.where(low > 0, prices.too_low + prices.further * (low - 1), 0.0)
    price += np.where(high > 0, prices.too_high + prices.further * (high - 1), 0.0)
    return 0.0 - np.concatenate([prices.none * some, price], axis=1)


def selection_score(outcomes: xr.Dataset, prices: ErrorPrices) -> xr.Dataset:
    """Return `selection_score`, the mean in each scenario, (scenario), and its Monte Carlo error.

    Parameters
    ----------
    outcomes : Dataset
        Judged (`doseopt.judged`).
    prices : ErrorPrices
    """
    each = scores(outcomes["acceptable"].transpose("scenario", "dose").to_numpy(), prices)

    def say(some: Endings) -> Iterator[Said]:
        at = np.broadcast_to(some.selected + 1, some.weight.shape)
        yield None, {"selection_score": np.take_along_axis(each, at, axis=1)}

    text = f"expected score of the selection: {prices.describe()}"
    return labelled(
        outcomes, means_given(Endings.of(outcomes), say), {"selection_score": text}, {"selection_score": "score"}
    )
