"""A density on a line, known at uniform nodes.

With nodes t_k = first + k h and weights w_k = h f(t_k), the density between the nodes is its sinc interpolant, which is
integrated in closed form:

    F(t) = sum_k w_k [1/2 + Si(pi (t - t_k)/h) / pi].

For a density of standard deviation s that is about normal the error is about exp(-(pi^2/2) (s/h)^2): 3e-9 at s/h = 2,
1.5e-5 at 1.5. No node is counted as lying on one or the other side of a cut. A quantile is found in the interval of two
nodes where F passes the level, by inverting the polynomial of degree five that has the value, slope and curvature of F
at both ends.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from scipy.special import sici

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray, IntArray

HALVINGS = 36
CHUNK = 4096
ALL = slice(None)


def check_level(q: float) -> float:
    """Return the level of a quantile if it is one."""
    if not 0 < q < 1:
        raise Faults([Fault("", f"wanted the level of a quantile between 0 and 1, both excluded, got {q!r}")])
    return float(q)


@dataclass(frozen=True)
class Line:
    """Uniform nodes.

    Parameters
    ----------
    first, step : float
        First node and h.
    size : int
        Number of nodes, G.
    """

    first: float
    step: float
    size: int

    @functools.cached_property
    def nodes(self) -> FloatArray:
        """t_k, [G]."""
        return self.first + self.step * np.arange(self.size, dtype=np.float64)

    def below(self, cut: FloatArray | float, some: IntArray | slice = ALL) -> FloatArray:
        """Return v [..., G] such that v @ w = F(cut), for cuts [...]; of some nodes, if others have no weight."""
        steps = (np.asarray(cut, dtype=np.float64)[..., None] - self.nodes[some]) / self.step
        return np.asarray(0.5 + sici(np.pi * steps)[0] / np.pi)

    @functools.cached_property
    def _to_value(self) -> FloatArray:
        """What turns w into F(t_k), [G, G]."""
        k = np.arange(self.size)
        rise = sici(np.pi * k)[0] / np.pi
        apart = k[None, :] - k[:, None]
        return np.asarray(0.5 + np.sign(apart) * rise[np.abs(apart)])

    @functools.cached_property
    def _to_curvature(self) -> FloatArray:
        """What turns w into h^2 f'(t_k), [G, G]: the derivative of the sinc function at whole m != 0 is (-1)^m / m."""
        m = np.arange(self.size)[None, :] - np.arange(self.size)[:, None]
        return np.where(m == 0, 0.0, np.where(m % 2 == 0, 1.0, -1.0) / np.where(m == 0, 1, m))

    def refined(self, weight: FloatArray, t: FloatArray, q: float) -> FloatArray:
        """Return the t with F(t) = q from ones that are close, [U], by Newton's method; weights [U, G]."""
        for _ in range(2):
            density = (weight * np.sinc((t[:, None] - self.nodes) / self.step)).sum(axis=1)
            off = (weight * self.below(t)).sum(axis=1) - q
            t = t - self.step * np.clip(off / np.where(density > 0, density, np.inf), -1, 1)
        return t

    def distribution(self, weight: FloatArray) -> Distribution:
        """Return the distributions with weights [U, G]."""
        return Distribution(self, weight, weight @ self._to_value)


@dataclass(frozen=True, eq=False)
class Distribution:
    """h F' and F at the nodes of a line, [U, G]."""

    line: Line
    slope: FloatArray
    value: FloatArray

    @functools.cached_property
    def _curvature(self) -> FloatArray:
        """h^2 F'' at all nodes, [U, G]."""
        return np.asarray(self.slope @ self.line._to_curvature)

    def _curvature_at(self, node: IntArray) -> FloatArray:
        """Return h^2 F'' at one node each, [U]: less work than at all of them."""
        kernel, found = self.line._to_curvature.T, np.empty(len(node))
        for start in range(0, len(node), CHUNK):
            rows = slice(start, start + CHUNK)
            found[rows] = np.einsum("ug,ug->u", self.slope[rows], kernel[node[rows]])
        return found

    def cdf(self, t: FloatArray) -> FloatArray:
        """Return F(t); t [U, ...], infinite ones too."""
        x = np.clip((t - self.line.first) / self.line.step, 0, self.line.size - 1)
        left = np.minimum(x.astype(np.int64), self.line.size - 2)
        row = np.arange(len(left)).reshape(-1, *[1] * (left.ndim - 1))
        value, slope, curvature = ((p[row, left], p[row, left + 1]) for p in (self.value, self.slope, self._curvature))
        return np.clip(_horner(_quintic(value, slope, curvature), x - left), 0, 1)

    def quantile(self, q: float) -> FloatArray:
        """Return the t with F(t) = q, [U]."""
        left = np.clip((self.value < q).sum(axis=1) - 1, 0, self.line.size - 2)
        row = np.arange(len(left))
        value, slope = ((part[row, left], part[row, left + 1]) for part in (self.value, self.slope))
        coefficients = _quintic(value, slope, (self._curvature_at(left), self._curvature_at(left + 1)))
        low, width = np.zeros(len(left)), 1.0
        for _ in range(HALVINGS):
            width /= 2
            x = low + width
            low = np.where(_horner(coefficients, x) < q, x, low)
        return self.line.first + self.line.step * (left + low + width / 2)


type Ends = tuple[FloatArray, FloatArray]


def _quintic(value: Ends, slope: Ends, curvature: Ends) -> list[FloatArray]:
    """Return the coefficients, from the constant on, of the polynomial in x with these ends at x = 0 and 1."""
    c0, c1, c2 = value[0], slope[0], curvature[0] / 2
    rise, turn, bend = value[1] - c0 - c1 - c2, slope[1] - c1 - 2 * c2, curvature[1] / 2 - c2
    return [c0, c1, c2, 10 * rise - 4 * turn + bend, -15 * rise + 7 * turn - 2 * bend, 6 * rise - 3 * turn + bend]


def _horner(coefficients: list[FloatArray], x: FloatArray) -> FloatArray:
    result = coefficients[-1]
    for c in reversed(coefficients[:-1]):
        result = c + x * result
    return result
