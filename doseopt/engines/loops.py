"""Loops of graphs and of simulated trials, compiled; import this where `doseopt.core.compiled` says that it pays."""

from __future__ import annotations

from typing import Any

import numpy as np

from doseopt.core.loops import compiling

SPREAD = np.uint64(0x9E3779B97F4A7C15)
HALF = np.uint64(32)
ONE = np.uint64(1)
FREE = -1


@compiling
def hashed(words: Any, row: int) -> Any:
    """Return a number that spreads the words of one row over all bits."""
    key = np.uint64(0)
    for w in range(words.shape[1]):
        key = (key ^ np.uint64(words[row, w])) * SPREAD
        key ^= key >> HALF
    return key


@compiling
def seat(slots: Any, words: Any, first: int, end: int) -> None:
    """Enter rows of distinct words into slots, a power of two of them, FREE where there is none."""
    mask = np.uint64(len(slots) - 1)
    for row in range(first, end):
        at = hashed(words, row) & mask
        while slots[at] != FREE:
            at = (at + ONE) & mask
        slots[at] = row


@compiling
def arrive(
    slots: Any,
    known: Any,
    sums: Any,
    count: int,
    rows: Any,
    sent: Any,
    kind: Any,
    given: Any,
    clear: Any,
    add: Any,
    weigh: Any,
    place: Any,
) -> Any:
    """Send rows on in each way, and merge equal arrivals.

    Parameters
    ----------
    slots : int32 array
        Hash table of the rows known.
    known : int array [C, W]
        Words of the rows known, `count` of them so far.
    sums : float array [C, 2]
        What is summed over the arrivals at each.
    count : int
    rows : int array [A, W]
        Words of those of whom some are sent.
    sent : float array [A, 2]
        What each adds to the sums.
    kind : int32 array [A]
    given : int array [Q]
        The dose that each kind is given, -1 for those who are not sent.
    clear : int array [W]
        Bits of their words that stay.
    add : int array [D, K, W]
        What each of K ways adds to a row, by dose.
    weigh : float array [K]
        What the first of the numbers sent is multiplied with.
    place : int array [B, K]
        Set to the row that each arrival is, of B who are sent; or of none, where nobody asks.

    Returns
    -------
    int
        How many rows are known.
    """
    ways, width, mask = add.shape[1], rows.shape[1], np.uint64(len(slots) - 1)
    told, sender = len(place) > 0, 0
    for i in range(len(rows)):
        dose = given[kind[i]]
        if dose < 0:
            continue
        for k in range(ways):
            for w in range(width):
                known[count, w] = (rows[i, w] & clear[w]) + add[dose, k, w]
            at = hashed(known, count) & mask
            while True:
                row = slots[at]
                if row == FREE:
                    row = slots[at] = count
                    sums[count, 0] = sums[count, 1] = 0.0
                    count += 1
                    break
                same = True
                for w in range(width):
                    same &= known[row, w] == known[count, w]
                if same:
                    break
                at = (at + ONE) & mask
            sums[row, 0] += sent[i, 0] * weigh[k]
            sums[row, 1] += sent[i, 1]
            if told:
                place[sender, k] = row
        sender += 1
    return count


@compiling
def kinds(words: Any, dose: Any, n: Any, y: Any, excluding: Any) -> Any:
    """Tell states apart by the dose last given, its tally, and the lowest dose that is excluded.

    Parameters
    ----------
    words : int array [S, W]
    dose, n, y : int array [1, 3], [D, 3], [D, 3]
        Word, shift and mask of each number in them.
    excluding : bool array [D, N, N]
        Of `Facts.excluding`.

    Returns
    -------
    first, many : int array [Q], [Q]
        The first state of each kind, and how many states are of it.
    kind : int32 array [S]
    """
    doses, size = excluding.shape[:2]
    room, count = 1 << 10, 0
    mask, slots = np.uint64(2 * room - 1), np.full(2 * room, FREE, np.int32)
    codes, first, many = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
    kind = np.empty(len(words), np.int32)
    for s in range(len(words)):
        lowest = doses
        for j in range(doses):
            patients = words[s, n[j, 0]] >> n[j, 1] & n[j, 2]
            if excluding[j, patients, words[s, y[j, 0]] >> y[j, 1] & y[j, 2]]:
                lowest = j
                break
        code = words[s, dose[0, 0]] >> dose[0, 1] & dose[0, 2]
        j = max(code - 1, 0)
        code = code * (doses + 1) + lowest
        code = code * size + (words[s, n[j, 0]] >> n[j, 1] & n[j, 2])
        code = code * size + (words[s, y[j, 0]] >> y[j, 1] & y[j, 2])
        at = (np.uint64(code) * SPREAD) >> HALF & mask
        while slots[at] != FREE and codes[slots[at]] != code:
            at = (at + ONE) & mask
        if slots[at] == FREE:
            slots[at] = count
            codes[count], first[count], many[count] = code, s, 0
            count += 1
        kind[s] = slots[at]
        many[kind[s]] += 1
        if count == room:
            codes, first, many = (
                np.concatenate((codes, np.empty(room, np.int64))),
                np.concatenate((first, np.empty(room, np.int64))),
                np.concatenate((many, np.empty(room, np.int64))),
            )
            room *= 2
            mask, slots = np.uint64(2 * room - 1), np.full(2 * room, FREE, np.int32)
            for k in range(count):
                at = (np.uint64(codes[k]) * SPREAD) >> HALF & mask
                while slots[at] != FREE:
                    at = (at + ONE) & mask
                slots[at] = k
    return first[:count], many[:count], kind


@compiling
def unpack(words: Any, rows: Any, places: Any) -> Any:
    """Return some numbers of some states, [Q, R]; word, shift and mask of each stand in places [Q, 3]."""
    found = np.empty((len(places), len(rows)), np.int64)
    for q in range(len(places)):
        word, shift, mask = places[q]
        for r in range(len(rows)):
            found[q, r] = words[rows[r], word] >> shift & mask
    return found


@compiling
def mark(words: Any, kind: Any, given: Any, n: Any) -> Any:
    """Return the states that are given no dose, or one that they have no patient at.

    Parameters
    ----------
    words : int array [S, W]
    kind : int32 array [S]
    given : int array [Q]
        The dose that each kind is given, -1 for none.
    n : int array [D, 3]
        Word, shift and mask of the patients at each dose.
    """
    found, count = np.empty(len(words), np.int64), 0
    for s in range(len(words)):
        dose = given[kind[s]]
        if dose < 0 or words[s, n[dose, 0]] >> n[dose, 1] & n[dose, 2] == 0:
            found[count] = s
            count += 1
    return found[:count]


@compiling
def draw_cohorts(
    rows: Any,
    at: Any,
    seen: Any,
    then: Any,
    given: Any,
    size: Any,
    first: int,
    u: Any,
    p: Any,
    base: int,
    ending: Any,
    passed: Any,
    visits: Any,
) -> Any:
    """Draw how many DLTs the next cohort of each trial has; what is kept of trials that go on moves to the front.

    Parameters
    ----------
    rows : int array [A]
        Trials that go on, counted scenario by scenario, in order.
    at : int array [A]
        What each came to: the entry of `then`; set to that of `visits`.
    seen : int array [A]
        Patients who came in it so far.
    then : int array
        States.
    given : int array [Q]
        The dose that each state is given, -1 where it stops.
    size : int array [Q]
        Patients.
    first : int
    u : float array [P, T]
        Tolerances of the patients from `first` on, in each trial of a scenario.
    p : float array [R, D]
    base : int
    ending : int array [R * T]
        Set to `base` and the state where a trial stops.
    passed : int array [R, Q]
        Raised by the trials of a scenario in each state.
    visits : bool array [Q, most + 1]
        Set where a state has a trial with so many DLTs.

    Returns
    -------
    int
        How many go on.
    """
    trials, ways, scenario, on = u.shape[1], visits.shape[1], 0, 0
    for a in range(len(rows)):
        state, row = then[at[a]], rows[a]
        while row >= (scenario + 1) * trials:
            scenario += 1
        passed[scenario, state] += 1
        dose = given[state]
        if dose < 0:
            ending[row] = base + state
            continue
        trial, before = row - scenario * trials, seen[a]
        rate, found = p[scenario, dose], 0
        for i in range(before - first, before - first + size[state]):
            found += u[i, trial] < rate
        visits[state, found] = True
        rows[on], at[on], seen[on] = row, state * ways + found, before + size[state]
        on += 1
    return on
