"""Promises of every dose-toxicity model, and an integration rule that shares nothing with the quadrature."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.integrate import quad
from scipy.special import betaincc, betaln, comb

from doseopt.core.state import FloatArray, IntArray
from doseopt.models.base import GammaPrior, Model
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import ModelAverage
from doseopt.models.monotone import Monotone
from doseopt.models.quadrature import quadrature
from doseopt.testing.common import check_value, demand

ACCURACY = {1: (1e-6, 1e-5), 2: (1e-5, 1e-4)}
"""Of means and probabilities, by the number of parameters; as `models.quadrature` promises."""
AGREEMENT = 1e-10
CUT = 0.3
"""The DLT rate whose probability to be exceeded is compared."""
REACH, PANELS, NODES = 9.0, 40, 8
SLOPES = 16.0
"""Below the median of log slope there is no more than exp(-16 shape) of a gamma prior."""
"""The rule: panels of Gauss-Legendre nodes over so many prior standard deviations on each side."""

type Known = tuple[FloatArray, FloatArray, float]
"""Posterior mean [D], Pr(rate > CUT) [D], log marginal likelihood."""


def check_model(model: Model | ModelAverage | BetaBinomial | Monotone) -> None:
    """Check that a model states one curve for all, and that its posterior by quadrature is right.

    It hashes, compares and pickles; its log DLT rates have the declared shape, are finite and at most 0, are ordered by
    dose alike for all parameters, and come out of NumPy and PyTensor alike; posterior means, Pr(rate > 0.3) and the
    marginal likelihood agree with an independent integration after some tallies, extreme ones among them.

    Parameters
    ----------
    model : Model, ModelAverage, BetaBinomial or Monotone
        A model of one or two parameters whose DLT rates are monotone in the first; an average of such models;
        independent doses; rates in order without a curve.

    Raises
    ------
    AssertionError
    """
    check_value(model)
    if isinstance(model, ModelAverage):
        for part in model.models:
            _check_curve(part)
    elif not isinstance(model, BetaBinomial | Monotone):
        _check_curve(model)
    _check_posterior(model)


def _check_curve(model: Model) -> None:
    prior = model.prior()
    z = np.random.default_rng(1).normal(0, 1.5, (5, 8, len(prior.names)))
    theta = prior.theta(z)
    log_p = np.asarray(model.log_dlt_rate(theta, np))
    demand(log_p.shape == (5, 8, model.doses), f"log DLT rates of shape {(5, 8, model.doses)}", f"{log_p.shape}")
    demand(bool(np.isfinite(log_p).all()), "finite log DLT rates", f"{np.unique(log_p[~np.isfinite(log_p)])}")
    demand(bool((log_p <= 0).all()), "log DLT rates of at most 0", f"{log_p.max():g}")
    middle = np.asarray(prior.theta(np.zeros(len(prior.names))))
    order = np.argsort(np.asarray(model.log_dlt_rate(middle, np)), kind="stable")
    falls = np.diff(log_p[..., order], axis=-1) < -AGREEMENT
    if falls.any():
        at = theta[falls.any(axis=-1)][0]
        demand(False, "DLT rates in the order of the doses for all parameters", f"another order at {at.tolist()}")
    _check_pytensor(model, theta, log_p)


def _check_pytensor(model: Model, theta: FloatArray, log_p: FloatArray) -> None:
    import pytensor.tensor as pt
    from pytensor.compile.mode import Mode

    # a constant: PyTensor then knows which dimensions have length 1
    other = model.log_dlt_rate(pt.as_tensor(theta), pt).eval(mode=Mode(linker="py", optimizer="None"))
    astray = float(np.abs(other - log_p).max())
    demand(astray <= AGREEMENT, f"NumPy and PyTensor to agree within {AGREEMENT:g}", f"a difference of {astray:.2g}")


def _tallies(doses: int) -> list[tuple[IntArray, IntArray]]:
    """Nobody; 1 of 6 below, 2 of 3 above; no DLT at all; only DLTs at the lowest dose."""
    n = np.zeros((4, doses), np.int64)
    y = np.zeros_like(n)
    n[1], y[1] = 3, np.arange(doses) == doses - 1
    n[1, 0], y[1, 0] = 6, 1
    n[2] = 6
    n[3, 0] = y[3, 0] = 3
    return list(zip(n, y, strict=True))


def _check_posterior(model: Model | ModelAverage | BetaBinomial | Monotone) -> None:
    parameters = 1 if isinstance(model, BetaBinomial | ModelAverage | Monotone) else len(model.prior().names)
    for n, y in _tallies(model.doses):
        posterior = quadrature(model).posterior(n[None], y[None])
        got = posterior.mean()[0], posterior.prob(CUT)[0], posterior.log_marginal()[0]
        wanted = independent(model, n, y)
        close = (*ACCURACY[parameters], ACCURACY[parameters][0])
        names = ("posterior mean", f"Pr(rate > {CUT:g})", "log marginal likelihood")
        for name, right, value, tolerance in zip(names, wanted, got, close, strict=True):
            astray = float(np.abs(np.asarray(value) - right).max())
            text = f"a {name} of {_shown(right)} within {tolerance:g} after n={n.tolist()}, y={y.tolist()}"
            demand(astray <= tolerance, text, _shown(value))


def _shown(value: Any) -> str:
    return str(np.round(np.asarray(value), 6))


def independent(model: Model | ModelAverage | BetaBinomial | Monotone, n: IntArray, y: IntArray) -> Known:
    """Integrate a posterior by another rule than the package's: Gauss-Legendre panels cut where the rate is CUT."""
    if isinstance(model, BetaBinomial):
        return _independent_beta(model, n, y)
    if isinstance(model, Monotone):
        each = [_independent_order(model, n, y, j) for j in range(model.doses)]
        return np.array([e[0] for e in each]), np.array([e[1] for e in each]), each[0][2]
    if isinstance(model, ModelAverage):
        parts = [_independent_curve(part, n, y) for part in model.models]
        mass = np.array(model.weights) * np.exp([part[2] for part in parts])
        share = mass / mass.sum()
        mean, above = (np.stack([part[k] for part in parts]).T @ share for k in (0, 1))
        return mean, above, float(np.log(mass.sum()))
    return _independent_curve(model, n, y)


def _independent_beta(model: BetaBinomial, n: IntArray, y: IntArray) -> Known:
    """Adaptive quadrature, the end points' powers being its weight function."""
    mean, above, log_mass = np.zeros(len(n)), np.zeros(len(n)), 0.0
    for j, (a, b) in enumerate(zip(model.a + y - 1.0, model.b + n - y - 1.0, strict=True)):
        mass = quad(lambda p: 1.0, 0, 1, weight="alg", wvar=(a, b))[0]
        mean[j] = quad(lambda p: p, 0, 1, weight="alg", wvar=(a, b))[0] / mass
        above[j] = quad(lambda p, a=a: p**a, CUT, 1, weight="alg", wvar=(0, b))[0] / mass
        log_mass += float(np.log(mass)) - float(betaln(model.a, model.b))
    return mean, above, log_mass


def _independent_order(model: Monotone, n: IntArray, y: IntArray, dose: int) -> tuple[float, float, float]:
    """Expand the likelihood by powers of p below a dose and of 1 - p above it, with signs that alternate.

    Given the rate p of the dose, the shares of p below it and of 1 - p above it are Dirichlet.
    """
    size, guess = model.precision, np.array(model.guess)
    up, down = np.array([1.0]), np.array([1.0])  # coefficients of (1 - p)^k and of p^k
    for j in range(model.doses - 1, dose, -1):
        k = np.arange(len(up) + n[j])
        up = np.convolve(up, _signed(y[j], n[j])) * np.exp(
            betaln(size * (guess[j] - guess[j - 1]), size * (1 - guess[j]) + k)
            - betaln(size * (guess[j] - guess[j - 1]), size * (1 - guess[j]))
        )
    for j in range(dose):
        k = np.arange(len(down) + n[j])
        down = np.convolve(down, _signed(n[j] - y[j], n[j])) * np.exp(
            betaln(size * (guess[j + 1] - guess[j]), size * guess[j] + k)
            - betaln(size * (guess[j + 1] - guess[j]), size * guess[j])
        )
    a = size * guess[dose] + y[dose] + np.arange(len(down))
    b = size * (1 - guess[dose]) + n[dose] - y[dose] + np.arange(len(up))[:, None]
    each = up[:, None] * down * np.exp(betaln(a, b) - betaln(size * guess[dose], size * (1 - guess[dose])))
    mass = float(each.sum())
    above = float((each * betaincc(a, b, CUT)).sum())
    return float((each * a / (a + b)).sum()) / mass, above / mass, float(np.log(mass))


def _signed(events: int, patients: int) -> FloatArray:
    """Return the coefficients of x^k in (1 - x)^events x^(patients - events)."""
    k = np.arange(events + 1)
    return np.concatenate([np.zeros(patients - events), (-1.0) ** k * comb(events, k)])


def _panels(low: FloatArray, high: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return nodes and weights between two ends, [...] -> [..., PANELS * NODES]."""
    x, w = np.polynomial.legendre.leggauss(NODES)
    unit = ((np.arange(PANELS)[:, None] + (x + 1) / 2) / PANELS).ravel()
    width = (high - low)[..., None]
    return low[..., None] + width * unit, width * np.tile(w / 2 / PANELS, PANELS)


def _independent_curve(model: Model, n: IntArray, y: IntArray) -> Known:
    prior = model.prior()
    if isinstance(prior, GammaPrior):
        low, middle, high = prior.theta(np.array([[-REACH], [0.0], [REACH]]))
        low = np.maximum(low, middle - SLOPES)
    else:
        mean, sd = np.array(prior.mean), np.sqrt(np.diag(np.array(prior.cov)))
        low, high = mean - REACH * sd, mean + REACH * sd
    two = len(low) == 2
    outer, outer_weight = _panels(low[1], high[1]) if two else (np.zeros(1), np.ones(1))

    def at(first: FloatArray) -> FloatArray:
        """Parameters for values of the first [O, ...], one row for each node of the second."""
        shape = (len(outer), *[1] * (first.ndim - 1))
        return np.stack([first, np.broadcast_to(outer.reshape(shape), first.shape)], -1) if two else first[..., None]

    def integral(ends: tuple[FloatArray, FloatArray]) -> tuple[float, FloatArray]:
        """Return the mass between two ends of the first parameter, and the mean rates times it."""
        first, weight = _panels(*ends)
        theta = at(first)
        log_p = np.minimum(np.asarray(model.log_dlt_rate(theta, np)), -1e-300)
        log_f = prior.log_density(theta) + (y * log_p + (n - y) * np.log(-np.expm1(log_p))).sum(axis=-1)
        f = weight * np.exp(log_f) * outer_weight[:, None]
        return float(f.sum()), np.tensordot(f, np.exp(log_p), 2)

    whole = np.full(len(outer), low[0]), np.full(len(outer), high[0])
    mass, rates = integral(whole)
    above = np.zeros(model.doses)
    for j in range(model.doses):
        cut, rises = _cut(model, at, whole, j)
        above[j] = integral((cut, whole[1]) if rises else (whole[0], cut))[0] / mass
    return rates / mass, above, float(np.log(mass))


def _cut(model: Model, at: Any, ends: tuple[FloatArray, FloatArray], dose: int) -> tuple[FloatArray, bool]:
    """Return the first parameter at which a dose has the DLT rate CUT, by bisection, and whether the rate rises."""
    low, high = ends
    rate = [np.asarray(model.log_dlt_rate(at(end), np))[..., dose] for end in ends]
    rises = bool((rate[1] > rate[0]).any())
    for _ in range(60):
        middle = (low + high) / 2
        over = np.asarray(model.log_dlt_rate(at(middle), np))[..., dose] > np.log(CUT)
        low, high = np.where(over == rises, low, middle), np.where(over == rises, middle, high)
    return (low + high) / 2, rises
