"""Follow-up of trials that enrol nobody any more: the outcomes of their pending patients, and when all are known."""

from __future__ import annotations

import numpy as np

from doseopt.clock.lattice import Slot
from doseopt.core.state import FloatArray, IntArray
from doseopt.engines.packed import Layout, join
from doseopt.engines.ways import SQUARE, SUMS, TIME, WEIGHT, Batch, Law, times


def resolve(
    words: IntArray, sums: FloatArray, layout: Layout, slot: Slot, law: Law
) -> tuple[IntArray, FloatArray, FloatArray, FloatArray]:
    """Return trials with the outcomes of all their patients, their weights and times by each time, and their sums.

    Parameters
    ----------
    words, sums : int array [W, S], float array [M, R, S]
        Trials with pending patients as they are when a slot begins.
    layout : Layout
    slot : Slot
    law : Law
    """
    late = len(slot.ends)
    known = [np.repeat(sums[[k]], late, axis=0) for k in (WEIGHT, TIME)]
    sums = np.concatenate([*known, sums])
    for age in range(layout.slots - 1, -1, -1):
        pending = layout.digits(words)[:, age]
        has = pending > 0
        if not has.any():
            continue
        share = np.concatenate([slot.later[age], slot.later[age], np.ones(len(SUMS))])
        dlt, none = law.between(slot.now[age], share)
        none = none * (share >= 1)[:, None, None]
        digit, old, then = pending[has], words[:, has], sums[..., has]
        free, struck = (old + move[:, digit] for move in layout.moves(age, True))
        found = [
            (words[:, ~has], sums[..., ~has]),
            (free, times(then, none, digit)),
            (struck, times(then, dlt, digit)),
        ]
        words, sums = join(found)
    return words, sums[:late], sums[late : 2 * late], sums[2 * late :]


def follow_up(words: IntArray, sums: FloatArray, layout: Layout, slot: Slot, law: Law) -> Batch:
    """Return trials with the outcomes of all their patients, and when all are known; see `resolve`.

    Notes
    -----
    With G(t) the weight of all outcomes' being known by t, each patient's apart from the others', the last is known
    after `last` - int G(t) dt on average, and its mean square is `last`^2 - int 2 t G(t) dt.
    """
    words, by, at, sums = resolve(words, sums, layout, slot, law)
    mean, square = (np.tensordot(weights, by, 1) for weights in slot.moments)
    product = slot.last * sums[TIME] - np.tensordot(slot.moments[0], at, 1)
    sums[SQUARE] += 2 * product + slot.last**2 * sums[WEIGHT] - square
    sums[TIME] += slot.last * sums[WEIGHT] - mean
    return words, sums
