"""Posteriors of the two-parameter hazard model on a lattice of nodes, deterministic.

With H the hazard of a window, p = 1 - exp(-H): a patient followed for a share w of it without a DLT has the likelihood
exp(-w H), one with a DLT after a share u of it the likelihood H exp(-u H), or p if u is not known. So a tally is the
windows that patients were followed for without a DLT, the DLTs whose time is known, and the others.

log b = m_b + s_b w and log a = m_a + r s_a w + u: w is standard normal under the prior, u normal given w. All integrals
are by the trapezoid rule, which converges geometrically: the step in u resolves the narrowest likelihood that so many
patients can have, the step in w is halved until nothing changes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.cloglog import LARGEST, TwoParameterCloglog, eta_of, rate_of
from doseopt.models.likelihood import log1mexp
from doseopt.models.line import Line
from doseopt.models.quadrature.batch import Batch, Values
from doseopt.models.quadrature.lattice import ENOUGH, FINEST, LatticePosterior, Link

CLOGLOG = Link(rate_of, eta_of)
REACH = 9.0
"""Prior standard deviations that nodes reach."""
COARSEST = 0.25
"""Step in w to begin with."""
EDGE = 1e-10
"""Mass at the edge of the lattice from which on data and prior are too far apart for it."""
CHUNK = 8
"""Tallies at a time."""


class _Data(NamedTuple):
    x: FloatArray  # [K]
    n: FloatArray  # [S, K]
    y: FloatArray  # [S, K]
    timed: FloatArray  # [K]


def exposed(
    n: Any, y: Any, weights: Sequence[Sequence[float]], struck: Sequence[Sequence[float]]
) -> tuple[Any, Any, Any]:
    """Return the windows that patients were followed for, and the DLTs whose time is not known and is known.

    Parameters
    ----------
    n, y : int array [K]
        Patients in whole, and those of them with a DLT.
    weights, struck : sequence of sequence of float
        For each dose w of further patients, and the time of DLTs, as a share of the window.

    Examples
    --------
    >>> each = exposed(np.array([3, 2]), np.array([1, 0]), [[], [0.25, 0.5]], [[0.4], []])
    >>> [part.tolist() for part in each]
    [[2.4, 2.75], [0, 0], [1, 0]]
    """
    w, u, timed = (
        np.array([of(some) for some in each] if any(each) else [0] * len(n))
        for of, each in ((sum, weights), (sum, struck), (len, struck))
    )
    return n - timed + w + u, y - timed, timed


def log_likelihood(eta: FloatArray, n: Any, y: Any, timed: Any) -> FloatArray:
    """Return the log likelihood of `exposed` patients at log hazards, elementwise."""
    hazard = np.exp(np.minimum(eta, LARGEST))
    return np.asarray(y * log1mexp(-hazard, np) - (n - y) * hazard + timed * eta)


class HazardQuadrature:
    """Posteriors of one two-parameter hazard model.

    Parameters
    ----------
    model : TwoParameterCloglog
    """

    def __init__(self, model: TwoParameterCloglog) -> None:
        self.model = model
        (va, c), (_, vb) = model.cov
        self.s_b, self.lean = math.sqrt(vb), c / math.sqrt(vb)
        self.s = math.sqrt(va - self.lean**2)

    def posterior(
        self, n: IntArray, y: IntArray, at: Values | None = None, timed: IntArray | None = None
    ) -> Batch[LatticePosterior]:
        """Return the posterior of the DLT rates at the model's doses.

        Parameters
        ----------
        n, y : array [S, K]
            At each dose with data the patients, those who are followed in part as such parts, and those with a DLT.
        at : tuple of float [K]
            The doses with data, in the model's unit; the model's own unless given.
        timed : int array [K]
            DLTs whose time is known, not among y: see `exposed`.
        """
        rows, order = np.unique(np.concatenate([n, y], axis=1), axis=0, return_inverse=True)
        with_data = self.model if at is None else self.model.at(at)
        pieces = np.array_split(rows, -(-len(rows) // CHUNK) or 1)
        k = n.shape[1]
        known = np.zeros(k) if timed is None else np.asarray(timed, np.float64)
        parts = [self._solve(_Data(with_data.x, part[:, :k], part[:, k:], known)) for part in pieces]
        return Batch(parts, order.ravel())

    def nodes(self, patients: int) -> int:
        """Return how many nodes are visited for a tally of so many patients."""
        return self._line(patients).size * int(2 * REACH / (COARSEST / 4))

    def _line(self, patients: float) -> Line:
        step = min(self.s / 3, 0.4 / math.sqrt(1 + patients))
        half = math.ceil(REACH * self.s / step)
        return Line(-half * step, step, 2 * half + 1)

    def _centre(self, w: FloatArray, x: FloatArray) -> FloatArray:
        """Return log H at u = 0, [W] -> [W, K]."""
        m_a, m_b = self.model.mean
        return m_a + self.lean * w[:, None] + np.exp(m_b + self.s_b * w)[:, None] * x

    def _solve(self, data: _Data) -> LatticePosterior:
        patients = float((data.n.sum(axis=1) + data.timed.sum()).max(initial=0))
        line, step, before = self._line(patients), COARSEST, None
        while True:
            w = step * np.arange(-int(REACH / step), int(REACH / step) + 1, dtype=np.float64)
            log_f = self._log_f(line, w, data)
            top = log_f.max(axis=(1, 2), keepdims=True)
            density = np.exp(log_f - top)
            mass = density.sum(axis=(1, 2), keepdims=True)
            log_evidence = np.log(mass * step * line.step / (2 * np.pi * self.s)) + top
            centre = self._centre(w, self.model.x)
            found = LatticePosterior(line, centre, density / mass, log_evidence[:, 0, 0], CLOGLOG)
            now = np.concatenate([found.mean().ravel(), found.log_evidence])
            if before is not None and (np.abs(now - before).max(initial=0) < ENOUGH or step <= FINEST):
                return self._inside(found)
            step, before = step / 2, now

    def _log_f(self, line: Line, w: FloatArray, data: _Data) -> FloatArray:
        """Return log prior plus log likelihood but for a constant, [S, W, U]."""
        prior = -((line.nodes / self.s) ** 2 + w[:, None] ** 2) / 2
        found = np.broadcast_to(prior, (len(data.n), *prior.shape)).copy()
        for middle, n, y, timed in zip(self._centre(w, data.x).T, data.n.T, data.y.T, data.timed, strict=True):
            eta = middle[:, None] + line.nodes
            found += log_likelihood(eta, n[:, None, None], y[:, None, None], timed)
        return found

    @staticmethod
    def _inside(found: LatticePosterior) -> LatticePosterior:
        """Return a posterior whose mass lies inside of the lattice."""
        weight = found.weight
        edges: Sequence[FloatArray] = (weight[:, [0, -1]], weight[:, :, [0, -1]])
        if max(float(part.sum(axis=(1, 2)).max(initial=0)) for part in edges) > EDGE:
            wanted = f"wanted data within {REACH:g} standard deviations of the prior of (log a, log b), got others"
            raise Faults([Fault("cov", f"{wanted}: a wider prior, or sample it")])
        return found
