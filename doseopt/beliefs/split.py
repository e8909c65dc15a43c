"""Integrals over curves that are split where what is right changes: means of what jumps there, from few curves."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from doseopt.core.state import BoolArray, FloatArray, IntArray

type Right = Callable[[FloatArray], BoolArray]
"""DLT rates [R, D] -> which doses are right [R, D]."""

ROUNDS, PARTS = 12, 8
"""Of the search for a jump: how often, and into how many, a step of a scan that holds one is cut."""
KINK_BISECTIONS = 14
"""Of a step of a scan; around a kink, rules err by the square of what it is off."""
REACH = 7.0
"""Standard deviations on either side of the mean that nodes cover."""
SCAN = np.linspace(-REACH, REACH, 2801)
"""Where jumps are looked for: what is right in less than 0.005 standard deviations is overlooked."""
FINE = 64
"""Nodes in a piece from which its own nodes are found."""
NEGLIGIBLE = 1e-10
"""Mass of a piece that is left out."""
NODES = ((4, 1), (6, 2), (9, 4), (13, 8), (20, 13), (30, 20))
"""Of `normal_rule`, finer and finer: nodes of the outer parameter; of the inner one in each piece, besides `PER_SD`.

Both rise at each step, so that the difference of two neighbours shows the error in either parameter.
"""
FINEST = len(NODES) - 2
"""Fineness of the finest rule that has a finer one to be compared with."""
PER_SD, OUTER_PER_SD, CENTRE = 1.2, 0.5, 4.0
"""Further nodes, inner and outer, for each standard deviation of a piece's width that lies in [-CENTRE, CENTRE]."""
OUTER, ACROSS = np.linspace(-REACH, REACH, 57), SCAN[::2]
"""Where kinks are looked for, and what is looked at there."""


def jumps(
    judged: Callable[[IntArray, FloatArray], BoolArray], lines: int, scan: FloatArray
) -> tuple[IntArray, FloatArray]:
    """Return where on lines what is right changes, as line [J] and place [J], within 1e-12 steps.

    Parameters
    ----------
    judged : function of int array [K] (line) and float array [K] (place) to bool array [K, D]
    lines : int
    scan : float array
        Places that are looked at first. Between two of them every part that changes is looked into.
    """
    line, place = np.arange(lines), np.tile(scan, (lines, 1))
    for _ in range(1 + ROUNDS):
        rows = judged(np.repeat(line, place.shape[1]), place.ravel())
        rows = rows.reshape(*place.shape, rows.shape[1])
        at, step = np.nonzero((rows[:, 1:] != rows[:, :-1]).any(axis=2))
        line, low, high = line[at], place[at, step], place[at, step + 1]
        place = np.linspace(low, high, 1 + PARTS, axis=1)
    return line, (low + high) / 2


def kinks(judged: Callable[[FloatArray], BoolArray]) -> list[float]:
    """Return the outer parameters at which, along the inner one, something comes to be right between two others.

    Means have a kink there. An interval of rates has them: only if the curve is flat enough are two doses in it.
    """

    def follows(outer: FloatArray) -> list[dict[bytes, bytes]]:
        """Return what is right next after what, along the inner parameter."""
        z = np.column_stack([np.tile(ACROSS, len(outer)), np.repeat(outer, len(ACROSS))])
        rows = judged(z).reshape(len(outer), len(ACROSS), -1)
        changes = (rows[:, 1:] != rows[:, :-1]).any(axis=2)
        return [
            {r[i].tobytes(): r[i + 1].tobytes() for i in np.flatnonzero(c)} for r, c in zip(rows, changes, strict=True)
        ]

    def differ(one: dict[bytes, bytes], other: dict[bytes, bytes]) -> bool:
        return any(one[what] != other[what] for what in one.keys() & other.keys())

    found = []
    for (low, high), (below, above) in zip(pairwise(OUTER.tolist()), pairwise(follows(OUTER)), strict=True):
        if differ(below, above):
            for _ in range(KINK_BISECTIONS):
                middle = (low + high) / 2
                low, high = (low, middle) if differ(below, follows(np.array([middle]))[0]) else (middle, high)
            found.append((low + high) / 2)
    return found


@functools.cache
def legendre(nodes: int) -> tuple[FloatArray, FloatArray]:
    """Return the nodes and weights of the Gauss-Legendre rule on [-1, 1]."""
    return np.polynomial.legendre.leggauss(nodes)


def _pieces(cuts: Sequence[float], least: int, per_sd: float) -> tuple[FloatArray, FloatArray]:
    """Return the Gauss rules of the standard normal density on the pieces between cuts, one after the other."""
    x, weight = [], []
    node, share = legendre(FINE)
    for low, high in pairwise([-REACH, *cuts, REACH]):
        fine = low + (high - low) / 2 * (1 + node)
        mass = (high - low) / 2 * share * np.exp(-(fine**2) / 2) / np.sqrt(2 * np.pi)
        if mass.sum() > NEGLIGIBLE:
            width = max(min(high, CENTRE) - max(low, -CENTRE), 0.0)
            place, part = gauss_rule(fine, mass, least + int(np.ceil(per_sd * width)))
            x.append(place)
            weight.append(part)
    return np.concatenate(x), np.concatenate(weight)


def normal_rule(
    judged: Callable[[FloatArray], BoolArray], fineness: int, cuts: Sequence[float] = ()
) -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights for means over z = (inner, outer), independent standard normal.

    Gauss-Hermite in the outer parameter, or Gauss rules of the normal density between its cuts. Given it, the inner one
    is cut where what is right changes, and each piece has the Gauss rule of the normal density on it.

    Parameters
    ----------
    judged : function of float array [K, 2] to bool array [K, D]
        What is right at z.
    fineness : int
        Which of `NODES`.
    cuts : sequence of float
        Of the outer parameter, increasing: its `kinks`.

    Returns
    -------
    z : float array [R, 2]
    weight : float array [R]
        Sums to 1.
    """
    lines, least = NODES[fineness]
    smooth = np.polynomial.hermite_e.hermegauss(lines)
    outer, share = _pieces(cuts, 1 + fineness, OUTER_PER_SD) if cuts else smooth
    line, place = jumps(lambda k, inner: judged(np.column_stack([inner, outer[k]])), len(outer), SCAN)
    z, weight = [], []
    for i in range(len(outer)):
        inner, part = _pieces(np.sort(place[line == i]).tolist(), least, PER_SD)
        z.append(np.column_stack([inner, np.full(len(inner), outer[i])]))
        weight.append(share[i] * part)
    total = np.concatenate(weight)
    return np.concatenate(z), total / total.sum()


def gauss_rule(x: FloatArray, mass: FloatArray, nodes: int) -> tuple[FloatArray, FloatArray]:
    """Return the Gauss rule of masses at points: exact for their polynomials of a degree below 2 x nodes.

    Parameters
    ----------
    x, mass : float array [F]
        More points than nodes.
    nodes : int

    Returns
    -------
    x, weight : float array [nodes]

    Notes
    -----
    Golub & Welsch (1969), Math. Comp. 23:221: eigenvalues of the matrix that Lanczos' recursion gives.
    """
    basis = np.zeros((nodes + 1, len(x)))
    basis[0] = np.sqrt(mass / mass.sum())
    matrix = np.zeros((nodes, nodes))
    for k in range(nodes):
        new = x * basis[k]
        matrix[k, k] = basis[k] @ new
        for _ in range(2):  # once more against rounding
            new = new - basis[: k + 1].T @ (basis[: k + 1] @ new)
        length = np.sqrt(new @ new)
        basis[k + 1] = new / length
        if k + 1 < nodes:
            matrix[k + 1, k] = matrix[k, k + 1] = length
    place, vector = np.linalg.eigh(matrix)
    return place, mass.sum() * vector[0] ** 2
