"""Nodes at which the density of the logit of one dose's rate is known, for the two-parameter logistic model.

They are uniform in the stretched logit (see ``two_parameter_space``). Along z the logit is a line, so the density at
any logit is found from that at uniform nodes in z by their sinc interpolant, and summed over the nodes in w.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from doseopt.core.state import FloatArray
from doseopt.models.line import Line
from doseopt.models.quadrature.two_parameter_space import Stretch

STEP = 0.4
"""Step in the stretched logit."""
APART = 1e-10
"""Steps in z that two nodes are apart at least, as the quotient that is the sinc function needs."""


@dataclass(frozen=True, eq=False)
class LogitLine:
    """Nodes for the density of one dose's logit.

    Parameters
    ----------
    line : Line
        In the stretched logit.
    logits : float array [M]
        At the nodes.
    share : float array [M]
        What a node stands for, in steps of the logit along z, over pi.
    """

    line: Line
    logits: FloatArray
    share: FloatArray

    @classmethod
    def over(cls, low: float, high: float, stretch: Stretch, step: float) -> LogitLine:
        """Return nodes from one logit to another, given the step of the logit along z."""
        first, last = np.round(stretch.u(np.array([low, high])) / STEP)
        line = Line(float(first) * STEP, STEP, int(last - first) + 1)
        logits = stretch.eta(line.nodes)
        return cls(line, logits, STEP / (stretch.du(logits) * step * np.pi))


def at_logits(lines: Sequence[LogitLine], logits: FloatArray, step: float) -> tuple[list[slice], FloatArray]:
    """Return what turns densities at the nodes of tiles into the weights of those nodes of lines that they reach.

    Parameters
    ----------
    lines : sequence of LogitLine
    logits : float array [B, N, D]
        At the nodes of tiles beside each other in z: N = W Z, W in w by Z in z.
    step : float
        From one node in z to the next.

    Returns
    -------
    nodes : list of slice
        Those that are reached, of each line.
    values : float array [B N, M]
        M of them in all.
    """
    tiles, size, _ = logits.shape
    side = round(size**0.5)
    nodes, at, waves = [], [], []
    for j, line in enumerate(lines):
        first = logits[0, ::side, j, None]
        low, high = np.searchsorted(line.logits, [first.min(), logits[-1, side - 1 :: side, j].max()])
        some = slice(int(low), int(high))
        steps = (line.logits[some] - first) / step
        nearest = np.rint(steps)
        steps = np.where(np.abs(steps - nearest) < APART, nearest + APART, steps)
        nodes.append(some)
        at.append(steps)
        waves.append(line.share[some] * (1 - 2 * (nearest % 2)) * np.sin(np.pi * (steps - nearest)))
    wave = np.concatenate(waves, axis=1)[:, None]
    number = np.arange(tiles * side).reshape(tiles, 1, side, 1)
    values = np.concatenate(at, axis=1)[:, None] - number
    for parity, signed in enumerate((wave, -wave)):  # of the number in z, as that of tiles is even
        np.divide(signed, values[:, :, parity::2], out=values[:, :, parity::2])
    return nodes, values.reshape(tiles * size, -1)
