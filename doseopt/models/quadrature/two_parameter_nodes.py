"""Nodes for the posteriors of the two-parameter logistic model: one grid for all tallies and doses.

In the whitened coordinates (w, z), log b = m_b + s_b w and log a = m_a + r s_a w + s z (see ``whitened``), the nodes
are uniform in z and in a stretched w, so that they lie close where N patients can make the posterior narrow:

    z = k h,      1/h = sigma sqrt(1 + N s^2/4),
    v(w) = l,     v(w) = rho w + (I b_0/R) log(1 + b/b_0),  b_0 = gamma exp(m_b + 2 s_b),  I^2 = X^2 (N/4 + 1/s^2),

k and l being whole numbers and X the largest |x| of a dose. The information about z in N patients is at most N s^2/4.
The slope of the second term of v is, at its largest, the root of what bounds the information about w: N x^2 b^2 s_b^2/4
from the patients, and (x b s_b/s)^2 for how fast a rate's distribution function given w can rise with w. It levels off
at slopes b so far out in the prior (b_0) that two doses hardly can both have rates away from 0 and 1.
"""

from __future__ import annotations

import numpy as np

from doseopt.core.remembered import remembered
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.curves import TwoParameterLogistic
from doseopt.models.quadrature.batch import Values
from doseopt.models.quadrature.two_parameter_space import Space, inverse, logits
from doseopt.models.quadrature.two_parameter_tiles import TILE, Fineness, Nodes

FINE, COARSE = Fineness(2.0, 0.95), Fineness(1.3, 1.4)
"""For posteriors, and for their means."""
ROUGH = Fineness(1.1, 1.6, 15.0, np.float32, 1e-5)
"""For probabilities within some 1e-4."""
RHO, GAMMA = 2.0, 4.5
"""Of v."""
LARGEST = 400_000
"""Nodes; where tallies need more, each gets panels of its own."""
MOST_BYTES = 1 << 27
"""Of the nodes that are kept."""


def _whole_tiles(low: float, high: float) -> IntArray:
    """Return the whole numbers from low to high, and further ones up to a multiple of TILE."""
    first = int(np.floor(low))
    return first + np.arange(-(-(int(np.ceil(high)) - first + 1) // TILE) * TILE)


def _nodes_of_w(space: Space, x: float, r: float) -> tuple[IntArray, FloatArray, FloatArray] | None:
    """Return l, w and log dw/dv at the nodes, given the largest |x| and R; None if they are too many."""
    scale = x * float(np.sqrt(space.patients / 4 + 1 / space.s**2)) / r
    most = GAMMA * float(np.exp(space.m_b + 2 * space.s_b))

    def v(w: FloatArray) -> FloatArray:
        return np.asarray(RHO * w + scale * most * np.log1p(np.exp(space.m_b + space.s_b * w) / most))

    def dv(w: FloatArray) -> FloatArray:
        b = np.exp(space.m_b + space.s_b * w)
        return np.asarray(RHO + scale * space.s_b * b / (1 + b / most))

    table = np.linspace(space.w.min() - 1, space.w.max() + 1 + TILE / RHO, 4001)
    ends = v(np.array([space.w.min(), space.w.max()]))
    if not ends[1] - ends[0] < LARGEST:
        return None
    nodes = _whole_tiles(*ends.tolist())
    w = inverse(v, dv, table, nodes.astype(np.float64))
    return nodes, w, -np.log(dv(w))


@remembered(MOST_BYTES)
def nodes_for(model: TwoParameterLogistic, at: Values, patients: int, fineness: Fineness) -> Nodes | None:
    """Return the nodes for tallies of up to `patients` patients at doses `at`; None if they are too many."""
    with np.errstate(over="ignore"):
        space = Space(model, at, patients, fineness.negligible)
        h = 1 / (fineness.sigma * float(np.sqrt(1 + patients * space.s**2 / 4)))
        of_w = _nodes_of_w(space, float(np.abs([*model.x, *space.data.x]).max()), fineness.r)
        k = _whole_tiles(float(space.z.min()) / h, float(space.z.max()) / h)
        if of_w is None or len(of_w[0]) * len(k) > LARGEST:
            return None
        tiles = [_tiled(part) for part in np.broadcast_arrays(*(part[:, None] for part in of_w), h * k)]
        number, w, log_dw, z = tiles
        theta = space.theta(w, z)
        log_p, log_q = space.likelihood(theta, space.data)
        log_share = log_dw + np.log(h * space.s_b * space.s) + space.prior.log_density(theta)
        columns = np.concatenate([log_p, log_q, log_share[..., None], np.ones((*log_share.shape, 1))], axis=2)
        sign = np.where(number % 2 == 0, 1.0, -1.0)
        columns = columns.swapaxes(1, 2).astype(fineness.number, order="C")
        return Nodes(columns, logits(theta, model), h * space.s, sign, len(k) // TILE, space.stretch, fineness)


def _tiled(part: FloatArray) -> FloatArray:
    """Return a table [TILE A, TILE B] by tiles, [A B, TILE^2]."""
    rows, columns = (length // TILE for length in part.shape)
    return part.reshape(rows, TILE, columns, TILE).swapaxes(1, 2).reshape(rows * columns, TILE**2)
