"""Sums over the nodes near the mode of each tally in compiled code: those of `products` and `rough`, to rounding.

One node in some tells where weights are large: they are smooth, and have no peak that is hidden from all these.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from doseopt.core.loops import summing


@summing
def sum_products(tables: Any, kinds: Any, columns: Any, near: float, stride: int) -> Any:
    """Sum products of factors, times columns, over the nodes around the largest of each: [U, C].

    Parameters
    ----------
    tables : float array [K, G]
        Values of the kinds of all factors at the nodes.
    kinds : int array [U, F]
    columns : float array [C, G]
    near : float
        Products that are smaller, relative to the largest, count for nothing.
    stride : int
        One node in so many tells where products are large.
    """
    (rows, factors), (number, nodes) = kinds.shape, columns.shape
    found, room, marks = np.empty((rows, number)), np.empty(nodes), np.empty((nodes - 1) // stride + 1)
    for u in range(rows):
        marks[:] = 1.0
        for f in range(factors):
            table = tables[kinds[u, f]]
            for m in range(len(marks)):
                marks[m] *= table[m * stride]
        least, low, high = near * marks.max(), 0, len(marks) - 1
        while low < high and marks[low] <= least:
            low += 1
        while low < high and marks[high] <= least:
            high -= 1
        first, end = max(low - 1, 0) * stride, (high + 1) * stride
        table = tables[kinds[u, 0], first:end]
        value = room[: len(table)]
        value[:] = table
        for f in range(1, factors):
            table = tables[kinds[u, f], first:end]
            for g in range(len(value)):
                value[g] *= table[g]
        for c in range(number):
            column, total = columns[c, first:end], 0.0
            for g in range(len(value)):
                total += value[g] * column[g]
            found[u, c] = total
    return found


@summing
def sum_powers(
    prior: Any,
    yes: Any,
    no: Any,
    prior_marks: Any,
    yes_marks: Any,
    no_marks: Any,
    n: Any,
    y: Any,
    columns: Any,
    near: float,
    stride: int,
) -> Any:
    """Sum prior times likelihood, times columns, over the nodes: [C, S]; nan where it is not small at both ends.

    Parameters
    ----------
    prior : float array [G]
    yes, no : float array [D, N + 1, G]
        Powers of the DLT rates, and of their complements, at the nodes.
    prior_marks, yes_marks, no_marks : float arrays
        The same at one node in `stride`, and at the last.
    n, y : int array [D, S]
        Patients and DLTs.
    columns : float array [G, C]
        C is a multiple of 4.
    near : float
        Weights that are smaller, relative to the largest, count for nothing.
    stride : int
    """
    (doses, rows), (nodes, number), most = n.shape, columns.shape, yes.shape[1]
    found, value, marks = np.empty((number, rows)), np.empty(nodes), np.empty(len(prior_marks))
    wide, width = np.uint64(nodes), np.uint64(len(marks))  # unsigned numbers are no numbers from the end
    yes, no, columns = yes.ravel(), no.ravel(), columns.ravel()
    yes_marks, no_marks = yes_marks.ravel(), no_marks.ravel()
    one, two, three, step = np.uint64(1), np.uint64(2), np.uint64(3), np.uint64(number)
    for s in range(rows):
        for m in range(width):
            marks[m] = prior_marks[m]
        for j in range(doses):
            dlts, others = y[j, s], n[j, s] - y[j, s]
            if dlts > 0:
                at = np.uint64(j * most + dlts) * width
                for m in range(width):
                    marks[m] *= yes_marks[at + m]
            if others > 0:
                at = np.uint64(j * most + others) * width
                for m in range(width):
                    marks[m] *= no_marks[at + m]
        least = 0.0
        for m in range(width):
            least = max(least, marks[m])
        least *= near
        low, high = 0, len(marks) - 1
        if not max(marks[low], marks[high]) < least:
            found[:, s] = np.nan
            continue
        while marks[low] <= least:
            low += 1
        while marks[high] <= least:
            high -= 1
        first = np.uint64((low - 1) * stride)
        count = np.uint64(min((high + 1) * stride, nodes)) - first
        for g in range(count):
            value[g] = prior[first + g]
        for j in range(doses):
            dlts, others = y[j, s], n[j, s] - y[j, s]
            if dlts > 0:
                at = np.uint64(j * most + dlts) * wide + first
                for g in range(count):
                    value[g] *= yes[at + g]
            if others > 0:
                at = np.uint64(j * most + others) * wide + first
                for g in range(count):
                    value[g] *= no[at + g]
        for c in range(0, number, 4):
            a0 = a1 = a2 = a3 = 0.0
            at = first * step + np.uint64(c)
            for g in range(count):
                a0 += value[g] * columns[at]
                a1 += value[g] * columns[at + one]
                a2 += value[g] * columns[at + two]
                a3 += value[g] * columns[at + three]
                at += step
            found[c, s], found[c + 1, s], found[c + 2, s], found[c + 3, s] = a0, a1, a2, a3
    return found
