"""Random scenarios: published generators of dose-toxicity curves.

A generator takes the number of doses, the target, how many curves, and a ``numpy.random.Generator``, and returns the
DLT rates, one curve a row, not falling with the dose and strictly between 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.special import ndtr, ndtri

from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray, IntArray

MU_OF_GAP = {0.05: 0.23, 0.07: 0.38, 0.10: 0.53, 0.15: 0.71}
"""Mean gap around the target -> mu, at a target of 0.30 and 5 doses; the gap is defined in :func:`paoletti`."""

ROUNDS = 1000
"""Rounds after which a rejection loop gives up; each accepts at least about half of the draws."""

LOWEST, HIGHEST = np.finfo(np.float64).tiny, float(np.nextafter(1.0, 0.0))


def paoletti(
    doses: int,
    target: float,
    count: int,
    rng: np.random.Generator,
    *,
    mu: float | None = None,
    sd_mtd: float = 0.05,
    sd_step: float = 0.35,
) -> FloatArray:
    """Draw curves as Paoletti, O'Quigley and Maccario do.

    The MTD j is uniform on the doses; z_j ~ N(invPhi(phi), sd_mtd); p = Phi(z). With e ~ N(mu, sd_step) drawn anew
    for each step, the neighbours are

        z_{j-1} = z_j - [z_j - invPhi(2 phi - p_j)] 1{p_j > phi} - e^2
        z_{j+1} = z_j + [invPhi(2 phi - p_j) - z_j] 1{p_j < phi} + e^2,

    so that both are at least as far from phi as p_j; each further dose adds or subtracts another e^2.

    Parameters
    ----------
    doses : int
    target : float
        Target DLT rate phi.
    count : int
        Number of curves.
    rng : numpy.random.Generator
    mu : float, optional
        Sets the mean gap around the target. Left out: 0.53, a mean gap of about 0.10. See Notes.
    sd_mtd, sd_step : float
        Standard deviations of z_j and of e.

    Returns
    -------
    float array [count, doses]

    Raises
    ------
    Faults
        If a parameter is outside its domain.

    Notes
    -----
    The gap of a curve is the distance from phi of the nearer of the two neighbours of its MTD. At phi = 0.30 and 5
    doses, `mu` of 0.23, 0.38, 0.53, 0.71 gives mean gaps of 0.05, 0.07, 0.10, 0.15 (:data:`MU_OF_GAP`). So defined,
    the table is reproduced to 0.001, in agreement with public code that uses it (GitHub JINhuaqing/CFO-simu,
    ``prob.diff.fn``); the average of the two differences of rate around the MTD is larger: 0.07, 0.10, 0.14, 0.20.

    Draws of z_j whose mirror image 2 phi - p_j is no probability are drawn again; at the default `sd_mtd` there are
    practically none.

    References
    ----------
    Paoletti X, O'Quigley J, Maccario J (2004). Design efficiency in dose finding studies. Computational Statistics and
    Data Analysis 45:197. As used by Liu S, Yuan Y (2015), JRSS-C 64:507.
    """
    _check(doses, target, count, sd_mtd=sd_mtd, sd_step=sd_step)
    return _paoletti(doses, target, count, rng, MU_OF_GAP[0.10] if mu is None else mu, sd_mtd, sd_step)[0]


def clertant(doses: int, target: float, count: int, rng: np.random.Generator) -> FloatArray:
    """Draw curves from the pseudo-uniform law of Clertant and O'Quigley.

    The MTD j is uniform on the J doses; M ~ Beta(max(J - j, 0.5), 1); B = phi + (1 - phi) M; the rates are J uniforms
    on [0, B], sorted, drawn again, with j and M kept, until the j-th is the closest to phi.

    Parameters
    ----------
    doses : int
    target : float
        Target DLT rate phi.
    count : int
        Number of curves.
    rng : numpy.random.Generator

    Returns
    -------
    float array [count, doses]

    Raises
    ------
    Faults
        If a parameter is outside its domain.

    Notes
    -----
    Drawing again until j is right may never end: given M, the chance of a right draw falls as M^(J-j+1) for small M, so
    that for j < J the mean number of draws is infinite; for 10 doses, phi = 0.10 and j = 10 it grows to 10^9 and more.
    The law that remains is therefore drawn directly. Let d be the distance of the closest rate from phi. One rate is
    phi - d or phi + d, j - 1 of the others are uniform on [0, phi - d] and J - j on [phi + d, B], so that on either
    side the density of d is proportional to (phi - d)^(j-1) (B - phi - d)^(J-j).

    References
    ----------
    Clertant M, O'Quigley J (2017). Semiparametric dose finding methods. JRSS-B 79:1487.
    """
    _check(doses, target, count)
    return _clertant(doses, target, count, rng)[0]


GENERATORS: dict[str, Callable[..., FloatArray]] = {"paoletti": paoletti, "clertant": clertant}
"""Name in study files -> generator."""


def _paoletti(
    doses: int, target: float, count: int, rng: np.random.Generator, mu: float, sd_mtd: float, sd_step: float
) -> tuple[FloatArray, IntArray]:
    """Draw curves [count, doses] and their MTDs [count]."""
    middle = ndtri(target)
    mtd = rng.integers(doses, size=count)
    z = _redraw(count, lambda missing: _mirrored(rng.normal(middle, sd_mtd, len(missing)), target), "lower sd_mtd")
    p = ndtr(z)
    mirror = ndtri(2 * target - p)
    step = rng.normal(mu, sd_step, (count, doses - 1)) ** 2  # step k lies between doses k and k + 1
    gap = np.arange(doses - 1)
    below, above = gap == mtd[:, None] - 1, gap == mtd[:, None]
    step += np.where(below & (p > target)[:, None], (z - mirror)[:, None], 0.0)
    step += np.where(above & (p < target)[:, None], (mirror - z)[:, None], 0.0)
    path = np.concatenate([np.zeros((count, 1)), np.cumsum(step, axis=1)], axis=1)
    curve = z[:, None] + path - np.take_along_axis(path, mtd[:, None], axis=1)
    return np.clip(ndtr(curve), LOWEST, HIGHEST), mtd


def _mirrored(z: FloatArray, target: float) -> FloatArray:
    """Put NaN where the mirror image of the rate at the target is no probability."""
    mirror = 2 * target - ndtr(z)
    return np.where((mirror > 0) & (mirror < 1), z, np.nan)


def _clertant(doses: int, target: float, count: int, rng: np.random.Generator) -> tuple[FloatArray, IntArray]:
    """Draw curves [count, doses] and their MTDs [count]."""
    mtd = rng.integers(doses, size=count)
    above = doses - 1 - mtd
    room = np.maximum((1 - target) * rng.beta(np.maximum(above, 0.5), 1.0), LOWEST)  # B - phi

    def attempt(missing: IntArray) -> FloatArray:
        return _closest_offset(mtd[missing], above[missing], target, room[missing], rng)

    offset = _redraw(count, attempt, "no rate of the MTD fits; this should not happen")
    distance = np.abs(offset)[:, None]
    unit, index = rng.random((count, doses)), np.arange(doses)
    p = np.where(
        index < mtd[:, None], unit * (target - distance), target + distance + unit * (room[:, None] - distance)
    )
    p[np.arange(count), mtd] = target + offset
    return np.clip(np.sort(p, axis=1), LOWEST, HIGHEST), mtd


def _closest_offset(
    below: IntArray, above: IntArray, target: float, room: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Propose the closest rate minus phi; NaN where the proposal is rejected. All arrays [k].

    The density of the distance d is (phi - d)^below (room - d)^above, a power being 1 where its exponent is 0. The
    steeper factor is drawn from by inversion, the other decides on acceptance.
    """
    first = below / target >= above / room
    scale, power = np.where(first, target, room), np.where(first, below, above)
    other, exponent = np.where(first, room, target), np.where(first, above, below)
    scale = np.where(power == 0, np.maximum(target, room), scale)  # a single dose: uniform on [0, B]
    d = scale * -np.expm1(np.log1p(-rng.random(len(room))) / (power + 1))
    up = rng.random(len(room)) < 0.5
    keep = rng.random(len(room)) < np.maximum(1 - d / other, 0.0) ** exponent
    return np.where(keep & (d < np.where(up, room, target)), np.where(up, d, -d), np.nan)


def _redraw(count: int, attempt: Callable[[IntArray], FloatArray], advice: str) -> FloatArray:
    """Draw until no value is NaN; `attempt` draws anew for the values still missing, given their indices."""
    drawn = np.full(count, np.nan)
    for _ in range(ROUNDS):
        missing = np.flatnonzero(np.isnan(drawn))
        if not missing.size:
            return drawn
        drawn[missing] = attempt(missing)
    message = f"{np.isnan(drawn).sum()} of {count} curves found no acceptable draw in {ROUNDS} rounds: {advice}"
    raise Faults([Fault("", message)])


def _check(doses: int, target: float, count: int, **sd: float) -> None:
    """Report every parameter outside its domain."""
    faults = [
        Fault(name, f"wanted a whole number of at least {low}, got {value!r}")
        for name, value, low in (("doses", doses, 1), ("count", count, 0))
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < low
    ]
    if not 0 < target < 1:
        faults.append(Fault("target", f"wanted a number in (0, 1), got {target!r}"))
    faults += [
        Fault(name, f"wanted a number of at least 0, got {v!r}") for name, v in sd.items() if not 0 <= v < np.inf
    ]
    if faults:
        raise Faults(faults, "random scenarios")
