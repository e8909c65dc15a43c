"""Follow-up of trials that enrol nobody any more: outcomes of pending patients, when all are known, and the MTD."""

from __future__ import annotations

import numpy as np

from doseopt.clock.fates import CLEAN, DLT, NONE
from doseopt.clock.lattice import Slot
from doseopt.core.design import Design
from doseopt.core.distinct import unique_rows
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import CONTINUE, FloatArray, IntArray
from doseopt.core.state import NONE as NO_MTD
from doseopt.core.trial import PIECE, after_follow_up
from doseopt.engines.packed import Layout, join
from doseopt.engines.ways import SQUARE, TIME, WEIGHT, Batch, Ends, Entries, Law, times

NO_DLT = NONE, CLEAN
"""Of one who has been followed up."""


def graded(
    words: IntArray, sums: FloatArray, digit: IntArray, layout: Layout, law: Law
) -> tuple[IntArray, FloatArray, IntArray]:
    """Return trials after a patient each was followed up without a DLT, with a moderate toxicity or without one.

    Also their rows in what was given. Moderate toxicities are looked at in a titration; other trials stay the same.

    Parameters
    ----------
    words, sums : int array [W, S], float array [M, R, S]
    digit : int array [S]
        The patients.
    layout : Layout
    law : Law
    """
    rows = np.arange(words.shape[1])
    if layout.titrating is None or layout.moderate is None or law.moderate is None:
        return words, sums, rows
    looked = np.flatnonzero(layout.titrating.of(words))
    chance, had = law.moderate[:, layout.doses_of(digit[looked])], words[:, looked]
    layout.moderate.add(had, 1)
    without = np.ones((law.scenarios, len(rows)))
    without[:, looked] -= chance
    both = np.concatenate([sums * without, sums[..., looked] * chance], axis=-1)
    return np.concatenate([words, had], axis=1), both, np.concatenate([rows, looked])


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
    many = len(sums)
    sums = np.concatenate([*known, sums])
    for age in range(layout.slots - 1, -1, -1):
        pending = layout.digits(words)[:, age]
        has = pending > 0
        if not has.any():
            continue
        share = np.concatenate([slot.later[age], slot.later[age], np.ones(many)])
        chances = law.between(slot.now[age], share)
        chances[0] *= (share >= 1)[:, None, None]
        digit, old, then, moves = pending[has], words[:, has], sums[..., has], layout.moves(age, True)
        found = [(words[:, ~has], sums[..., ~has])]
        for kind, chance in zip(law.kinds, chances, strict=True):
            rows = layout.may_be_struck(digit) if kind == DLT else slice(None)
            weighed = times(then[..., rows], chance, layout.doses_of(digit[rows]))
            after = old[:, rows] + moves[kind][:, digit[rows]]
            found.append(graded(after, weighed, digit[rows], layout, law)[:2] if kind in NO_DLT else (after, weighed))
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


def named(
    design: Design, layout: Layout, words: IntArray, sums: FloatArray, slot: Slot, entries: Entries, states: int
) -> Ends:
    """Return how trials end that have no pending patients, with the MTD that each declares; equal ends are one."""
    state, stop = layout.unpack(words), layout.stop.of(words)
    mtd = np.full(len(state), NO_MTD)
    for first in range(0, len(state), PIECE):
        piece = slice(first, first + PIECE)
        nobody = layout.pending_of(words[:, piece], slot.now)
        stop[piece], mtd[piece] = after_follow_up(design, state[piece], stop[piece], nobody)
    if design.facts.max_enrolled is not None:
        stop[stop == CONTINUE] = 1 + design.facts.stops.index("max_enrolled")
    if (stop == CONTINUE).any():
        raise Faults([Fault(type(design).__name__, "goes on although its cap is reached")])
    given = layout.given_of(words, state.n, layout.digits(words))
    first_of, kind = unique_rows([*state.n.T, *state.y.T, *given.T.astype(np.int64), mtd, stop])
    order = np.argsort(kind, kind="stable")
    starts = np.searchsorted(kind[order], np.arange(len(first_of)))
    ends = state.n[first_of], state.y[first_of], given[first_of], mtd[first_of], stop[first_of]
    return Ends(*ends, np.add.reduceat(sums[..., order], starts, axis=-1), entries, states)
