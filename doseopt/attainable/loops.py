"""Steps of backward induction in compiled code: those of `arrays`, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np

from doseopt.core.loops import compiling
from doseopt.designs.policy_table import STOP, TOO_TOXIC, TREAT


@compiling
def ended(masses: Any, reward: Any, may_low: Any, may_high: Any, forced: Any, above_low: Any, above_high: Any) -> Any:
    """Return what trials are worth that end with a tally: `arrays.ended`."""
    groups, height, width = masses.shape
    doses, lower = reward.shape[1] - 1, len(may_low)
    worth, mass = np.zeros((height, width)), np.zeros((height, width))
    above, selected = np.zeros((height, width)), np.empty((height, width), np.int16)
    own = np.empty(width)
    for i in range(height):
        for g in range(groups):
            here, before, one = masses[g, i], above_low[g, i], reward[g, 0]
            for j in range(width):
                mass[i, j] += here[j]
            for j in range(width):
                above[i, j] += (before + above_high[g, j]) * here[j]
            if one != 0:
                for j in range(width):
                    worth[i, j] += one * here[j]
        for j in range(width):
            selected[i, j] = -1
        for dose in range(doses):
            if forced[i] or (dose < lower and not may_low[dose, i]):
                continue
            for j in range(width):
                own[j] = 0.0
            for g in range(groups):
                one, here = reward[g, 1 + dose], masses[g, i]
                if one != 0:
                    for j in range(width):
                        own[j] += one * here[j]
            for j in range(width):
                better = own[j] > worth[i, j]
                if dose >= lower:
                    better &= may_high[dose - lower, j]
                worth[i, j] = own[j] if better else worth[i, j]
                selected[i, j] = dose if better else selected[i, j]
    return worth, selected, mass, above


@compiling
def go_on(
    worth: Any,
    selected: Any,
    mass: Any,
    above: Any,
    dlts_low: Any,
    dlts_high: Any,
    prices: Any,
    tie: Any,
    forced: Any,
    may_stop: Any,
    may_low: Any,
    may_high: Any,
    rows: Any,
    columns: Any,
    which: Any,
    orders: Any,
    low: Any,
    high: Any,
    values: Any,
    codes: Any,
    first: Any,
    begin: Any,
) -> None:
    """Fill values and codes of the best of stopping and of each next dose: `arrays.go_on`."""
    height, width = worth.shape
    doses, lower, variants = len(may_low), len(rows), len(values)
    best, slack, q = np.empty(width), np.empty(width), np.empty(width)
    move = np.empty(width, np.int64)  # as wide as a value, so that both are chosen in one step
    somewhere = np.array([may_high[dose].any() for dose in range(doses)])
    patients, dlts, exposed = prices[0], prices[1], prices[2]
    for i in range(height):
        for j in range(width):
            best[j] = worth[i, j] if may_stop or forced[i] else -np.inf
            slack[j] = tie * mass[i, j]
            move[j] = TOO_TOXIC if forced[i] else STOP
        if patients != 0:
            for j in range(width):
                best[j] -= patients * mass[i, j]
        if dlts != 0:
            for j in range(width):
                best[j] -= dlts * (dlts_low[i] + dlts_high[j]) * mass[i, j]
        if exposed != 0:
            for j in range(width):
                best[j] -= exposed * above[i, j]
        for dose in range(doses):
            if somewhere[dose] and may_low[dose, first + i] and not forced[i]:
                for j in range(width):
                    q[j] = 0.0
                for y in range(len(orders)):
                    number, variant = orders[y], which[dose, y]
                    if dose < lower:
                        child = low[variant, rows[dose, y, first + i]]
                        for j in range(width):
                            q[j] += number * child[j]
                    else:
                        places, child = columns[dose - lower, y], high[variant, first + i]
                        for j in range(width):
                            q[j] += number * child[places[j]]
                for j in range(width):
                    better = may_high[dose, j] & (q[j] > best[j] + slack[j])
                    best[j] = q[j] if better else best[j]
                    move[j] = TREAT + dose if better else move[j]
            if variants > 1 or dose == doses - 1:
                variant = dose if variants > 1 else 0
                for j in range(width):
                    values[variant, first + i, j] = best[j]
                    codes[variant, begin + i * width + j] = selected[i, j] + 1 + (doses + 1) * move[j]
