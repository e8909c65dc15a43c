"""Cohorts decided on once they are resolved, with Poisson arrivals: the expected days that are still to wait.

V, the days from the enrolment of the latest patient until all who are in the cohort so far are resolved, goes on as

    V' = max(V - G, X),

G the days until the next patient, a wait and what staggering asks for, X those until this one is resolved. So that of
the distribution function of V no more is needed than its mean over G, and its product with that of X.
"""

from __future__ import annotations

import numpy as np

from doseopt.clock.duration import Stagger
from doseopt.clock.staying import GRID, Stays
from doseopt.core.state import FloatArray


def remaining(laws: Stays, size: int, new: bool, rate: float, window: float, stagger: Stagger) -> FloatArray:
    """Return the expected days from the last enrolment of a cohort until it is resolved, by its DLTs: [size + 1, D].

    Parameters
    ----------
    laws : Stays
        With `toxic` and `clean`; nobody is replaced.
    size : int
    new : bool
        Whether nobody had the dose before.
    rate : float
        Arrivals in a day.
    window : float
    stagger : Stagger

    Notes
    -----
    Which of the patients have a DLT is left to chance. Functions are taken at GRID steps, and as linear between them:
    for an onset with a density the error is of the order of their square.

    Examples
    --------
    One patient: a DLT halfway on average, or none, known at the end of the window.

    >>> from doseopt.clock.onset import Onset
    >>> from doseopt.clock.fates import Leaving
    >>> from doseopt.clock.staying import stays
    >>> nobody = Leaving(*(np.array([[v]]) for v in (0.0, 0.25, 0.0, 0.0)), share=np.array([1.0]))
    >>> laws = stays(np.array([0.25]), nobody, Onset("uniform"), early=True)
    >>> remaining(laws, 1, True, 0.1, 28.0, Stagger()).round(6).tolist()
    [[28.0], [14.0]]
    """
    assert laws.toxic is not None
    assert laws.clean is not None
    step, found = window / (GRID - 1), []
    gaps = list(stagger.closed(size, new, 0.0))
    for dlts in range(size + 1):
        below = [
            np.ones_like(laws.clean)
        ]  # P(V <= v, so many DLTs so far) at each step; at the last, of V < the window
        chance = np.ones(1)
        for k in range(size):
            if k:
                below = [_later(h, c, rate, step, gaps[k - 1]) for h, c in zip(below, chance, strict=True)]
            hit = np.clip((dlts - np.arange(k + 1)) / (size - k), 0, 1)
            none = [np.zeros_like(laws.clean)]
            stayed = [(1 - q) * h * laws.clean for q, h in zip(hit, below, strict=True)] + none
            struck = none + [q * h * laws.toxic for q, h in zip(hit, below, strict=True)]
            below = [a + b for a, b in zip(stayed, struck, strict=True)]
            chance = np.append(chance * (1 - hit), 0) + np.append(0, chance * hit)
        found.append(np.trapezoid(1 - below[dlts], dx=step, axis=1))
    return np.array(found)


def _later(below: FloatArray, chance: float, rate: float, step: float, closed: float) -> FloatArray:
    """Return E H(v + closed + S), S exponential, of a function H at the steps v, which is `chance` from the end on."""
    from scipy.signal import lfilter

    kept = np.exp(-rate * step)
    part = -np.expm1(-rate * step)
    slope = part / (rate * step) - kept
    into = below[:, :-1] * part + np.diff(below, axis=1) * slope
    filtered, _ = lfilter([1.0], [1.0, -kept], into[:, ::-1], axis=1, zi=np.full((len(below), 1), kept * chance))
    mean = np.concatenate([filtered[:, ::-1], np.full((len(below), 1), chance)], axis=1)
    if not closed:
        return mean
    at = np.minimum(np.arange(GRID) + closed / step, GRID - 1)
    low = np.minimum(at.astype(np.int64), GRID - 2)
    return np.asarray(mean[:, low] + (at - low) * (mean[:, low + 1] - mean[:, low]))
