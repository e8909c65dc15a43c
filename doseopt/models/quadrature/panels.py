"""Integrals along a line that fit themselves to the integrand: panels of 16 Gauss-Legendre nodes.

The integrands are exp(profile(t)) and its like, U of them at once, each with a profile that is known to be below
ceiling - t^2/2. First every peak is found in the logarithm, where a narrow peak casts a wide shadow; around each peak
panels double in width. Then a panel is halved until the last Legendre coefficients of what is integrated on it are
negligible; with coefficients of 1e-8 of the whole left out a Gauss rule is exact to about their square.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.chebyshev import chebinterpolate
from numpy.polynomial.legendre import Legendre, leggauss, legvander

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import BoolArray, FloatArray, IntArray

ORDER = 16
NODES, WEIGHTS = leggauss(ORDER)
TO_COEFFICIENTS = legvander(NODES, ORDER - 1) * WEIGHTS[:, None] * (np.arange(ORDER) + 0.5)
"""[node, coefficient]: values @ this gives the Legendre coefficients of a function on a panel."""
TO_INTEGRAL = np.stack(
    [chebinterpolate(lambda s, k=k: Legendre.basis(k).integ(lbnd=-1)(s), ORDER) for k in range(ORDER)],  # type: ignore[misc]
    axis=1,
)
"""[coefficient, coefficient]: this @ Legendre coefficients gives those of Chebyshev of the integral from -1 on."""
TO_CHECKS = np.stack(
    [*TO_COEFFICIENTS[:, -3:].T, TO_COEFFICIENTS @ (-1.0) ** np.arange(ORDER), TO_COEFFICIENTS.sum(axis=1)]
)
"""[5, node]: this @ values gives the last three coefficients, and the values at both ends."""
NEGLIGIBLE = 36.0
"""Log density below the highest peak that is left out: exp(-36) = 2e-16."""
ZOOMS, POINTS = 8, 9
"""A peak is enclosed so often by a fifth of what was left, with so many points."""
DOUBLINGS = 2.0 ** np.arange(-26, 1)
"""Distances from a peak, in widths of the search, at which panels may end."""
STEEP = 2.0
"""Drop of the log density within the first panel beside a peak."""
HALVINGS = 40
JOINT = 30.0
"""Disagreement where two panels join, in units of what is allowed of a coefficient."""

type Profile = Callable[[IntArray, FloatArray], FloatArray]
"""Log integrand of each owner [M] at each t [M]."""
type Columns = Callable[[IntArray, FloatArray], FloatArray]
"""What is integrated, [M, C]."""


def unresolved() -> Faults:
    """Return what is said of an integrand that no number of panels resolves."""
    wanted = "wanted a prior whose posterior can be computed to 1e-9, got one that no number of nodes resolves"
    return Faults([Fault("prior", f"{wanted}: larger sds, a correlation further from 1, or a mean nearer to the data")])


def integral_of(integrals: FloatArray, panel: IntArray, s: FloatArray) -> FloatArray:
    """Return the integrals from -1 to s on panels, by the sums of Clenshaw (1955).

    Parameters
    ----------
    integrals : float array [coefficient, Q]
        `TO_INTEGRAL` @ Legendre coefficients.
    panel : int array [...]
        Which of the Q.
    s : float array [...]
    """
    twice, here, after = 2 * s, np.zeros(s.shape), np.zeros(s.shape)
    for series in integrals[:0:-1]:
        found = twice * here
        found -= after
        found += series[panel]
        here, after = found, here
    return np.asarray(integrals[0][panel] + s * here - after)


@dataclass(frozen=True, eq=False)
class Panels:
    """Panels of U lines, those of a line in order."""

    owner: IntArray  # [Q], the line
    low: FloatArray  # [Q]
    high: FloatArray  # [Q]

    @property
    def half(self) -> FloatArray:
        """Half their widths, [Q]."""
        return (self.high - self.low) / 2

    @property
    def nodes(self) -> FloatArray:
        """[Q, node]."""
        return (self.low + self.high)[:, None] / 2 + self.half[:, None] * NODES

    def values(self, columns: Columns) -> FloatArray:
        """Return what is integrated at the nodes, [Q, node, C]."""
        found = columns(np.repeat(self.owner, ORDER), self.nodes.ravel())
        return found.reshape(len(self.owner), ORDER, -1)

    def part(self, rows: BoolArray | IntArray) -> Panels:
        """Return some of them."""
        return Panels(self.owner[rows], self.low[rows], self.high[rows])

    def halves(self) -> Panels:
        """Return both halves of each."""
        middle = (self.low + self.high) / 2
        low, high = np.stack([self.low, middle], axis=1), np.stack([middle, self.high], axis=1)
        return Panels(np.repeat(self.owner, 2), low.ravel(), high.ravel())


def sums(owner: IntArray, values: FloatArray, lines: int) -> FloatArray:
    """Add up what belongs to each line, [Q, C] -> [U, C]."""
    total = np.zeros((lines, values.shape[1]))
    np.add.at(total, owner, values)
    return total


def resolved(
    panels: Panels, columns: Columns, lines: int, tolerance: float, least: FloatArray
) -> tuple[Panels, FloatArray]:
    """Halve panels until every column is resolved on each of them, and meets itself where two of them join.

    A step that lies between the end of a panel and its first node shows in no coefficient, but the two panels that
    join there disagree about the value.

    Parameters
    ----------
    panels : Panels
    columns : callable
        The first column is the density.
    lines : int
        U.
    tolerance : float
        Largest of the last Legendre coefficients, relative to what the column is worth.
    least : float array [C]
        What a column is worth at least, relative to the integral of the density; else it is worth the integral of its
        absolute value.

    Returns
    -------
    panels : Panels
    values : float array [Q, node, C]
    """
    values = panels.values(columns)
    worth = sums(panels.owner, panels.half[:, None] * np.einsum("i,qic->qc", WEIGHTS, np.abs(values)), lines)
    allowed = tolerance * np.maximum(worth, least * worth[:, :1])
    for _ in range(HALVINGS):
        rough = _rough(panels, values, allowed)
        if not rough.any():
            return panels, values
        new = panels.part(rough).halves()
        owner, low, high = (
            np.concatenate([getattr(part, name) for part in (panels.part(~rough), new)])
            for name in ("owner", "low", "high")
        )
        order = np.lexsort((low, owner))
        panels = Panels(owner[order], low[order], high[order])
        values = np.concatenate([values[~rough], new.values(columns)])[order]
    raise unresolved()


def _rough(panels: Panels, values: FloatArray, allowed: FloatArray) -> BoolArray:
    """Return which panels are to be halved, [Q]."""
    found = TO_CHECKS @ values
    limit = allowed[panels.owner] / panels.half[:, None]
    rough = (np.abs(found[:, :3]).max(axis=1) > limit).any(axis=1)
    left, right = found[:, 3], found[:, 4]
    joined = (panels.owner[1:] == panels.owner[:-1]) & (panels.low[1:] == panels.high[:-1])
    apart = (np.abs(left[1:] - right[:-1]) > JOINT * np.maximum(limit[1:], limit[:-1])).any(axis=1) & joined
    rough[1:] |= apart
    rough[:-1] |= apart
    return np.asarray(rough)


def found(profile: Profile, ceiling: FloatArray, scale: float) -> tuple[Panels, FloatArray, FloatArray]:
    """Find the peaks of each line and panels around them.

    Parameters
    ----------
    profile : callable
    ceiling : float array [U]
        profile(t) <= ceiling - t^2/2.
    scale : float
        Lengths of t below which a scan need not look for several peaks.

    Returns
    -------
    panels : Panels
    peak : float array [U]
        The highest value of the profile.
    at : float array [U]
        Where it is.
    """
    lines = np.arange(len(ceiling))
    best = profile(lines, np.zeros(len(lines)))
    for _ in range(2):
        reach = np.sqrt(2 * (ceiling + NEGLIGIBLE - best))
        best = np.maximum(best, _scanned(profile, reach, 33)[1].max(axis=1))
    reach = np.sqrt(2 * (ceiling + NEGLIGIBLE - best))
    # the number of points depends on the line alone, never on the others beside it
    size = 1 << np.ceil(np.log2(np.clip(2 * reach / scale, 64, 1024))).astype(int)
    owner, t, height = (
        np.concatenate(part)
        for part in zip(
            *(_peaks(profile, lines[size == s], reach[size == s], s + 1) for s in np.unique(size)), strict=True
        )
    )
    best = np.full(len(lines), -np.inf)
    np.maximum.at(best, owner, height)
    kept = height > best[owner] - NEGLIGIBLE
    owner, t, height = owner[kept], t[kept], height[kept]
    at = np.empty(len(lines))
    first = np.lexsort((t, -height, owner))
    at[owner[first][::-1]] = t[first][::-1]
    return _around(profile, reach, best, owner, t), best, at


def _scanned(
    profile: Profile, reach: FloatArray, points: int, lines: IntArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return points from -reach to reach and the profile there, [U, points]."""
    t = reach[:, None] * np.linspace(-1, 1, points)
    owner = np.repeat(np.arange(len(reach)) if lines is None else lines, points)
    return t, profile(owner, t.ravel()).reshape(t.shape)


def _peaks(
    profile: Profile, lines: IntArray, reach: FloatArray, points: int
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Return the peaks that a scan shows: owner, place and height, [M]."""
    t, height = _scanned(profile, reach, points, lines)
    beside = np.pad(height, ((0, 0), (1, 1)), constant_values=-np.inf)
    row, column = np.nonzero((height >= beside[:, :-2]) & (height > beside[:, 2:]))
    width, centre = 2 * reach[row] / (points - 1), t[row, column]
    step = np.linspace(-1, 1, POINTS + 2)[1:-1]
    for _ in range(ZOOMS):
        tried = centre[:, None] + width[:, None] * step
        value = profile(np.repeat(lines[row], POINTS), tried.ravel()).reshape(tried.shape)
        centre = tried[np.arange(len(row)), value.argmax(axis=1)]
        width = width * (step[1] - step[0])
    return lines[row], centre, value.max(axis=1)


def _around(profile: Profile, reach: FloatArray, best: FloatArray, owner: IntArray, t: FloatArray) -> Panels:
    """Return panels that double in width from each peak on, as far as there is mass."""
    distance = 2 * reach[owner][:, None] * DOUBLINGS
    ends_owner, ends = [owner], [t]
    for sign in (-1.0, 1.0):
        place = t[:, None] + sign * distance
        value = profile(np.repeat(owner, len(DOUBLINGS)), place.ravel()).reshape(place.shape)
        begin = (value < value[:, :1] - STEEP).argmax(axis=1)
        over = value < best[owner][:, None] - NEGLIGIBLE
        end = np.where(over.any(axis=1), over.argmax(axis=1), len(DOUBLINGS) - 1)
        k = np.arange(len(DOUBLINGS))
        used = (k >= np.minimum(begin, end)[:, None]) & (k <= end[:, None])
        row, _ = np.nonzero(used)
        ends_owner.append(owner[row])
        ends.append(place[used])
    line, end = np.concatenate(ends_owner), np.concatenate(ends)
    order = np.lexsort((end, line))
    line, end = line[order], end[order]
    inside = (line[1:] == line[:-1]) & (end[1:] > end[:-1])
    return Panels(line[:-1][inside], end[:-1][inside], end[1:][inside])
