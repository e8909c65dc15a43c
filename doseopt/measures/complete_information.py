"""The complete-information benchmark: what a design could know at most from its patients, if each showed every dose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from doseopt.core.parameters import Fault, Faults, nearest
from doseopt.core.state import BoolArray, FloatArray, IntArray

TIES = ("lower", "higher", "split")
MOST_PATIENTS = 1000
"""Binomial coefficients of more patients leave the floating-point range."""


def complete_information_benchmark(
    p_dlt: npt.ArrayLike, patients: int, target: float | Fraction, ties: str = "lower"
) -> FloatArray:
    """Return the exact selection probabilities of the complete-information benchmark.

    Each patient has a latent tolerance u, uniform on (0, 1), that shows Y_j = 1{u <= p_j} at *every* dose. The dose
    whose mean of Y is closest to the target is selected.

    Parameters
    ----------
    p_dlt : float array [D]
        True DLT rates, not falling with the dose.
    patients : int
        Number of patients n, 1 to 1000.
    target : float or Fraction
        Target DLT rate phi. A float is read as the decimal number it prints as: 0.3 is 3/10. One third is
        ``Fraction(1, 3)``.
    ties : {"lower", "higher", "split"}
        Which of several doses at the same distance is selected; "split": each with the same probability.

    Returns
    -------
    float array [D]
        Probability that each dose is selected; the benchmark always selects one.

    Raises
    ------
    Faults
        A ``ValueError`` with everything that is wrong with the input.

    Notes
    -----
    The cumulative counts Y_1 <= ... <= Y_D of DLTs are a Markov chain over the doses: given Y_j = v, the patients that
    only the next dose harms are Binomial(n - v, (p_{j+1} - p_j)/(1 - p_j)). Because the counts do not fall, only two
    matter: the last one at or below n phi and the first one above, each shared by a run of doses. Distances are
    compared in whole numbers. The benchmark is *not* a bound for designs that use prior information.

    Names: complete-information benchmark, nonparametric optimal design.

    References
    ----------
    O'Quigley J, Paoletti X, Maccario J (2002). Non-parametric optimal design in dose finding studies. Biostatistics
    3:51.

    Examples
    --------
    >>> complete_information_benchmark([0.05, 0.15, 0.30, 0.45], 18, 0.30).round(6)
    array([0.006722, 0.22761 , 0.567318, 0.198349])
    """
    p, phi = _checked(p_dlt, patients, target, ties)
    doses, count = len(p), np.arange(patients + 1)
    step = [_step(p[j], p[j + 1], patients) for j in range(doses - 1)]
    stay = [np.diag(s) for s in step]
    first = _step(0.0, p[0], patients)[0]
    low_runs, high_runs = _low_runs(first, step, stay), _high_runs(stay, patients)

    at_or_below = count <= math.floor(patients * phi)
    selection = np.zeros(doses)
    for j, matrix in enumerate([first[None, :], *step, np.ones((patients + 1, 1))]):
        # doses 0..j-1 are at or below the target, doses j.. above it
        crossing = matrix
        if j > 0:
            crossing = crossing * at_or_below[:, None]
        if j < doses:
            crossing = crossing * ~at_or_below
        for sign, where in _order(j, doses, count, 2 * patients * phi):
            mass = low_runs[j] @ (crossing * where) @ high_runs[j]
            _share(selection, mass, j, sign, ties)
    return selection


def benchmark_beside(
    p_dlt: npt.ArrayLike, acceptable: npt.ArrayLike, patients: npt.ArrayLike, target: float
) -> FloatArray:
    """Return the benchmark's selection probabilities beside designs of random size.

    Evaluated at E[N], interpolated linearly between the whole numbers below and above; ties go to the lower dose.

    Parameters
    ----------
    p_dlt : float array [R, D]
        True DLT rates of R scenarios.
    acceptable : bool array [R, D]
    patients : float array [S, R]
        Expected sample sizes of S designs.
    target : float

    Returns
    -------
    float array [S, R, D]
        nan where no dose is acceptable, because the benchmark never answers "none"; where rates fall with dose; and for
        a single dose, which it would always select.
    """
    p, right, size = np.asarray(p_dlt), np.asarray(acceptable), np.asarray(patients)
    defined = right.any(axis=1) & (np.diff(p, axis=1) >= 0).all(axis=1) & (p.shape[1] > 1)
    result = np.full((*size.shape, p.shape[1]), np.nan)

    @cache
    def at(scenario: int, count: int) -> FloatArray:
        return complete_information_benchmark(p[scenario], count, target)

    for s, r in np.ndindex(size.shape):
        if defined[r]:
            below = math.floor(size[s, r] + 1e-9)
            part = max(float(size[s, r]) - below, 0.0)
            result[s, r] = (1 - part) * at(r, below) + (part * at(r, below + 1) if part > 0 else 0)
    return result


def _low_runs(first: FloatArray, step: Sequence[FloatArray], stay: Sequence[FloatArray]) -> list[FloatArray]:
    """Return for each j: P(doses i..j-1 share the count v, and dose i - 1 has less), [i, v]."""
    runs = [np.ones((1, 1)), first[None, :]]
    marginal = first
    for s, same in zip(step, stay, strict=True):
        begins = marginal @ s - marginal * same
        runs.append(np.vstack([runs[-1] * same, begins]))
        marginal = marginal @ s
    return runs


def _high_runs(stay: Sequence[FloatArray], patients: int) -> list[FloatArray]:
    """Return for each j: P(doses j..k share the count w, and dose k + 1 has more | dose j has w), [w, k - j]."""
    runs = [np.ones((1, 1)), np.ones((patients + 1, 1))]
    for same in reversed(stay):
        runs.append(np.hstack([(1 - same)[:, None], runs[-1] * same[:, None]]))
    return runs[::-1]


def _order(j: int, doses: int, count: IntArray, twice: Fraction) -> list[tuple[int, BoolArray]]:
    """Return which side is closer, as sign (-1 low, 0 tie, 1 high) and mask [v, w].

    With v <= n phi < w, v is closer if and only if n phi - v < w - n phi, that is, v + w > 2 n phi.
    """
    everywhere = np.ones((1, 1), np.bool_)
    if j == 0:
        return [(1, everywhere)]
    if j == doses:
        return [(-1, everywhere)]
    total = count[:, None] + count
    low, high = total > math.floor(twice), total < math.ceil(twice)
    return [(-1, low), (0, ~low & ~high), (1, high)]


def _share(selection: FloatArray, mass: FloatArray, j: int, sign: int, ties: str) -> None:
    """Add the mass [i, k - j] of the runs i..j-1 (low) and j..k (high) to the doses that they select."""
    for (i, k), probability in np.ndenumerate(mass):
        start = j if sign > 0 else i
        stop = j if sign < 0 else j + k + 1
        if ties == "split":
            selection[start:stop] += probability / (stop - start)
        else:
            selection[start if ties == "lower" else stop - 1] += probability


def _step(low: float, high: float, patients: int) -> FloatArray:
    """Return P(w DLTs at rate `high` | v at rate `low`), [v, w]."""
    r = 0.0 if low == 1 else (high - low) / (1 - low)
    count = np.arange(patients + 1)
    harmed, spared = r**count, (1 - r) ** count
    return np.asarray(_ways(patients) * harmed[np.maximum(count - count[:, None], 0)] * spared[::-1])


@lru_cache(maxsize=8)  # designs of one size come one after the other
def _ways(patients: int) -> FloatArray:
    """Return in how many ways w - v of n - v patients can be harmed, [v, w]."""
    found = np.zeros((patients + 1, patients + 1))
    for v in range(patients + 1):
        found[v, v:] = _binomials(patients - v)
    return found


@cache
def _binomials(patients: int) -> FloatArray:
    return np.array([math.comb(patients, k) for k in range(patients + 1)], np.float64)


def _checked(p_dlt: npt.ArrayLike, patients: int, target: float | Fraction, ties: str) -> tuple[FloatArray, Fraction]:
    """Return the rates and the target as an exact fraction, or report all faults."""
    faults = []
    p = np.asarray(p_dlt, np.float64)
    if p.ndim != 1 or p.size == 0:
        faults.append(Fault("p_dlt", f"wanted one rate for each dose, got shape {p.shape}"))
    elif not np.all((p >= 0) & (p <= 1)):
        faults.append(Fault("p_dlt", f"wanted rates in [0, 1], got {p.tolist()}"))
    elif np.any(np.diff(p) < 0):
        faults.append(Fault("p_dlt", f"wanted rates that do not fall with the dose, got {p.tolist()}"))
    if isinstance(patients, bool) or not isinstance(patients, (int, np.integer)) or not 1 <= patients <= MOST_PATIENTS:
        faults.append(Fault("patients", f"wanted a whole number in [1, {MOST_PATIENTS}], got {patients!r}"))
    if not 0 < target < 1:
        faults.append(Fault("target", f"wanted a number in (0, 1), got {target!r}"))
    if ties not in TIES:
        faults.append(Fault("ties", f"wanted one of {', '.join(TIES)}, got {ties!r}{nearest(ties, TIES)}"))
    if faults:
        raise Faults(faults, "complete_information_benchmark")
    return p, target if isinstance(target, Fraction) else Fraction(str(target))
