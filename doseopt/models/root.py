"""Where functions cross 0: many at once, each between two ends of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from doseopt.core.state import FloatArray

CLOSE, STEPS = 1e-13, 100


def root(function: Callable[[FloatArray], FloatArray], low: FloatArray, high: FloatArray) -> FloatArray:
    """Return where each of several functions crosses 0 between `low` and `high`, to 1e-13.

    Where it has one sign at both ends some place between them is returned.

    Parameters
    ----------
    function : callable
        [...] -> [...], element by element.
    low, high : float array [...]

    References
    ----------
    Chandrupatla 1997, Advances in Engineering Software 28:145.
    """
    a, b = low, high
    fa, fb = function(a), function(b)
    t = np.full(np.shape(a), 0.5)
    for _ in range(STEPS):
        x = a + t * (b - a)
        f = function(x)
        same = np.sign(f) == np.sign(fa)
        c, fc = np.where(same, a, b), np.where(same, fa, fb)
        b, fb = np.where(same, b, a), np.where(same, fb, fa)
        a, fa = x, f
        best = np.where(np.abs(fa) < np.abs(fb), a, b)
        with np.errstate(all="ignore"):
            least = (CLOSE + 4e-16 * np.abs(best)) / np.abs(b - a)
            done = ~(least < 0.5) | (fa == 0) | (fb == 0)
            if done.all():
                break
            xi, phi = (a - b) / (c - b), (fa - fb) / (fc - fb)
            bent = (phi**2 < xi) & ((1 - phi) ** 2 < 1 - xi)
            inverse = fa / (fb - fa) * fc / (fb - fc) + (c - a) / (b - a) * fa / (fc - fa) * fb / (fc - fb)
            t = np.where(done, 0.0, np.clip(np.where(bent, inverse, 0.5), least, 1 - least))
    return np.asarray(best)
