"""Nodes for the posteriors of the two-parameter logistic model: the coordinates (w, eta_j) of ``two_parameter``.

Both coordinates are stretched, so that uniform nodes lie close where N patients can make the posterior narrow:

    u_j(eta) = alpha asinh((eta - m_a)/beta) + 2 sqrt(N) arctan exp(eta/2),     alpha = 4/s_b, beta = alpha s_a
    v_j(w)   = rho w + (I_j b_0/r) log(1 + b/b_0),     b_0 = 4.5 exp(m_b + 2 s_b), I_j^2 = N Delta_j^2/4 + x_j^2/s_ab^2,

(m_a, m_b) and (s_a, s_b) being the prior means and sds, s_ab the sd of log a given log b, and Delta_j the largest
|x_k - x_j| to a dose with data. The second term of u_j has the slope sqrt(N p (1 - p)), the root of the information in
N patients at dose j; far from m_a, eta is about as uncertain as log b, relatively, hence asinh. The slope of the second
term of v_j is, once eta_j is known, the root of the information about w in the prior of log a and in N patients at
dose k, sqrt(N p_k (1 - p_k)) b Delta s_b, at its largest; it levels off at slopes b so far out in the prior (b_0) that
two doses hardly can both have rates away from 0 and 1.

Left out are nodes at which no tally of N patients can put mass: where the posteriors after no patients, after N
patients at one dose with or without DLTs, and after contradictory and steep data (N/2 at each of two doses, all or none
with DLTs) are all negligible.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from doseopt.core.remembered import remembered
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.line import Line
from doseopt.models.quadrature.batch import Values

STEP, ALPHA = 0.4, 4.0
"""Step in u, and alpha s_b."""
RHO, GAMMA, R = 2.0, 4.5, 1.2
"""Of v, in which the step is 1."""
NEGLIGIBLE = 24.0
"""Log density below the mode that is left out: exp(-24) = 4e-11."""
WIDEST = 14.0
"""Prior standard deviations within which the posterior is looked for."""
MOST_DOSES = 8
"""Doses with data, from the lowest to the highest, that extreme tallies are made of."""
LARGEST = 2_000_000
"""Nodes, those that are left out included; where tallies need more, each gets panels of its own."""
CHUNK = 1 << 12
"""Nodes at a time: few enough for the processor's cache."""
MOST_BYTES = 1 << 27
"""Of the nodes that are kept."""
RATES = 256
"""Cuts that the nodes of a dose keep the weights of."""


class Space:
    """Prior and likelihood of one model, its data doses and N, and where mass can be."""

    def __init__(self, model: TwoParameterLogistic, at: Values, patients: int) -> None:
        self.prior, self.data, self.patients = model.prior(), model.at(at), patients
        distinct = sorted(set(at))
        spread = np.linspace(0, len(distinct) - 1, min(len(distinct), MOST_DOSES)).round().astype(int)
        self.typical = model.at(distinct[k] for k in spread)
        self.m_b, self.s_b = model.mean[1], float(np.sqrt(model.cov[1][1]))
        self.m_a, self.s_a = model.mean[0], float(np.sqrt(model.cov[0][0]))
        self.s_a_given_b = float(np.sqrt(model.cov[0][0] - model.cov[0][1] ** 2 / model.cov[1][1]))
        z = np.linspace(-WIDEST, WIDEST, 141)
        theta = self.prior.theta(np.stack(np.meshgrid(z, z, indexing="ij"), axis=-1).reshape(-1, 2))
        extremes = self.extremes(theta)
        self.peak = extremes.max(axis=0)
        self.theta = theta[(extremes > self.peak - NEGLIGIBLE).any(axis=1)]

    @staticmethod
    def likelihood(theta: FloatArray, model: TwoParameterLogistic) -> tuple[FloatArray, FloatArray]:
        """Return log p and log(1 - p) at the doses of a model; theta [..., 2] -> [..., K]."""
        eta = theta[..., :1] + np.exp(theta[..., 1:]) * model.x
        soft = np.log1p(np.exp(-np.abs(eta)))
        return np.minimum(eta, 0) - soft, np.minimum(-eta, 0) - soft

    def extremes(self, theta: FloatArray) -> FloatArray:
        """Return the log density (over theta) of prior times likelihood after the extreme tallies, [G, E]."""
        log_p, log_q = (part.T.copy() for part in self.likelihood(theta, self.typical))
        rows = [np.zeros(len(theta)), *log_p, *log_q]
        last = self.typical.doses - 1
        for j, k in {(0, last), *itertools.pairwise(range(last + 1))} - {(0, 0)}:
            rows += [(log_p[j] + log_q[k]) / 2, (log_q[j] + log_p[k]) / 2]
        found = np.stack(rows)
        found *= self.patients
        found += self.prior.log_density(theta)
        return found.T

    def mass(self, theta: FloatArray) -> BoolArray:
        """Return whether any tally can put mass there; [G, 2] -> [G]."""
        prior = self.prior.log_density(theta)
        found = np.asarray(prior > self.peak[0] - NEGLIGIBLE)
        left = np.flatnonzero(~found & (prior > self.peak.min() - NEGLIGIBLE))  # likelihoods are at most 1
        for start in range(0, len(left), CHUNK):
            rows = left[start : start + CHUNK]
            off = self.extremes(theta[rows]).T - self.peak[:, None]
            found[rows] = (off > -NEGLIGIBLE).any(axis=0)
        return found


@dataclass(frozen=True)
class Stretch:
    """u_j(eta) = alpha asinh((eta - m_a)/beta) + 2 sqrt(N) arctan exp(eta/2)."""

    alpha: float
    beta: float
    m_a: float
    root: float  # sqrt(N)

    def u(self, eta: FloatArray) -> FloatArray:
        """Return u(eta)."""
        stretched = 2 * self.root * np.arctan(np.exp(np.minimum(eta / 2, 50.0)))
        return np.asarray(stretched + self.alpha * np.arcsinh((eta - self.m_a) / self.beta))

    def du(self, eta: FloatArray) -> FloatArray:
        """Return du/deta."""
        plain = self.alpha / np.sqrt(self.beta**2 + (eta - self.m_a) ** 2)
        return np.asarray(plain + self.root / (2 * np.cosh(np.clip(eta / 2, -300, 300))))

    def eta(self, u: FloatArray) -> FloatArray:
        """Return eta at u."""
        return _inverse(self.u, self.du, self._table, u)

    @functools.cached_property
    def _table(self) -> FloatArray:
        return self.m_a + self.beta * np.sinh(np.linspace(-9, 9, 4001))


def _inverse(
    function: Callable[[FloatArray], FloatArray],
    slope: Callable[[FloatArray], FloatArray],
    table: FloatArray,
    value: FloatArray,
) -> FloatArray:
    """Invert an increasing function by Newton's method, starting from a table."""
    x = np.interp(value, function(table), table)
    for _ in range(2):
        x = x - (function(x) - value) / slope(x)
    return x


@dataclass(frozen=True, eq=False)
class DoseGrid:
    """Nodes for one dose, those of one eta next to each other."""

    line: Line  # of u, M nodes
    stretch: Stretch
    p: FloatArray  # [M], DLT rate at the nodes of u
    columns: FloatArray  # [2 K + 2, G]: log p and log(1 - p) at the data doses, log prior and Jacobian, 1
    starts: IntArray  # [M], first node of each eta

    @functools.cached_property
    def _below(self) -> dict[float, FloatArray]:
        return {}

    def below(self, rate: float) -> FloatArray:
        """Return v [M] such that weight @ v = Pr(p_j <= rate)."""
        if rate <= 0 or rate >= 1:
            return np.full(self.line.size, float(rate >= 1))
        if rate not in self._below:
            while len(self._below) >= RATES:
                del self._below[next(iter(self._below))]
            self._below[rate] = self.line.below(self.stretch.u(np.log(rate) - np.log1p(-rate)))
        return self._below[rate]


def _nodes_of_w(space: Space, x: float) -> tuple[FloatArray, FloatArray] | None:
    """Return the nodes of w for the dose at x, and log dw/dv there; None if they are too many."""
    delta = float(np.abs(space.data.x - x).max())
    scale = float(np.sqrt(space.patients * delta**2 / 4 + x**2 / space.s_a_given_b**2)) / R
    most = GAMMA * float(np.exp(space.m_b + 2 * space.s_b))

    def v(w: FloatArray) -> FloatArray:
        return np.asarray(RHO * w + scale * most * np.log1p(np.exp(space.m_b + space.s_b * w) / most))

    def dv(w: FloatArray) -> FloatArray:
        b = np.exp(space.m_b + space.s_b * w)
        return np.asarray(RHO + scale * space.s_b * b / (1 + b / most))

    found = (space.theta[:, 1] - space.m_b) / space.s_b
    table = np.linspace(found.min() - 1, found.max() + 1, 4001)
    ends = v(np.array([found.min(), found.max()]))
    if not ends[1] - ends[0] < LARGEST:
        return None
    w = _inverse(v, dv, table, np.arange(np.floor(ends[0]), np.ceil(ends[1]) + 1))
    return w, -np.log(dv(w))


@dataclass(frozen=True, eq=False)
class _Mesh:
    """Nodes for the dose at x before those without mass are left out."""

    x: float
    line: Line
    stretch: Stretch
    w: FloatArray
    log_dw: FloatArray

    @property
    def size(self) -> int:
        return self.line.size * len(self.w)


def _mesh(space: Space, x: float) -> _Mesh | None:
    """Return the nodes for the dose at x, or None if they are too many."""
    alpha = ALPHA / space.s_b
    stretch = Stretch(alpha, alpha * space.s_a, space.m_a, float(np.sqrt(space.patients)))
    eta = space.theta[:, 0] + np.exp(space.theta[:, 1]) * x
    ends = stretch.u(np.array([eta.min(), eta.max()])) / STEP
    nodes = _nodes_of_w(space, x)
    if nodes is None or not ends[1] - ends[0] < LARGEST:
        return None
    first = int(np.floor(ends[0]))
    return _Mesh(x, Line(first * STEP, STEP, int(np.ceil(ends[1])) - first + 1), stretch, *nodes)


def _dose_grid(space: Space, mesh: _Mesh) -> DoseGrid:
    line, stretch, w = mesh.line, mesh.stretch, mesh.w
    eta = stretch.eta(line.nodes)
    log_b = space.m_b + space.s_b * w
    theta = np.stack([eta[:, None] - np.exp(log_b) * mesh.x, np.broadcast_to(log_b, (len(eta), len(w)))], axis=-1)
    log_share = (np.log(STEP * space.s_b / stretch.du(eta))[:, None] + mesh.log_dw).ravel()
    keep = space.mass(theta.reshape(-1, 2)).reshape(len(eta), len(w))
    keep[:, 0] |= ~keep.any(axis=1)  # so that every eta has a node
    starts = np.concatenate([[0], np.cumsum(keep.sum(axis=1))[:-1]])
    theta, log_share = theta[keep], log_share[keep.ravel()]
    log_p, log_q = space.likelihood(theta, space.data)
    log_share += space.prior.log_density(theta)
    columns = np.concatenate([log_p.T, log_q.T, log_share[None], np.ones((1, len(theta)))])
    return DoseGrid(line, stretch, expit(eta), columns, starts)


@remembered(MOST_BYTES)
def dose_grids(model: TwoParameterLogistic, at: Values, patients: int) -> tuple[DoseGrid, ...] | None:
    """Return the nodes for each dose of the model, for tallies of up to `patients` patients at doses `at`.

    None if they are too many, or too few doses to check them by each other.
    """
    with np.errstate(over="ignore"):
        space = Space(model, at, patients)
        meshes = [mesh for x in model.x.tolist() if (mesh := _mesh(space, x)) is not None]
    if len(meshes) < model.doses or sum(mesh.size for mesh in meshes) > LARGEST or len(set(model.x.tolist())) < 2:
        return None
    return tuple(_dose_grid(space, mesh) for mesh in meshes)
