"""Posteriors of rates in order without a curve (``Monotone``), in closed form.

With q = 1 - p, a patient at dose j has a DLT with p_j = p_{j-1} + q_{j-1} v_j: for the reason that has one at the dose
below, or for one that begins at dose j. So the likelihood of all doses above j, M patients in all, is

    sum over i = 0..M of U_j[i] p_j^i q_j^(M - i),    U >= 0,

and U_{j-1} follows from U_j by one sum: with the data at dose j, a further p_j^y q_j^(n - y), each term is

    p_j^a q_j^(M - a) = sum over i of C(a, i) p_{j-1}^i q_{j-1}^(M - i) E[v_j^(a - i) (1 - v_j)^(M - a)].

Read from the other end, 1 - p being a rate that falls, the same holds of the doses below. The prior of p_j is a beta
distribution, given p_j what lies above and below are independent, so the posterior of p_j is a mixture of beta
distributions, one for each i. No term is negative and nothing is lost to cancellation; sums are of logarithms.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import betainc, betaincinv, betaln, logsumexp, xlogy

from doseopt.core.distinct import unique_rows
from doseopt.core.state import FloatArray, IntArray
from doseopt.models.line import check_level
from doseopt.models.monotone import Monotone
from doseopt.models.quadrature.batch import Batch
from doseopt.models.quadrature.ordered_factors import (
    ROOM,
    expand,
    log_choose,
    log_kernel,
    product,
    shift,
    turn,
    walk,
)

HALVINGS = 48


@dataclass(frozen=True, eq=False)
class OrderedPosterior:
    """Posterior of the DLT rate at each dose after U tallies of N patients: mixtures of beta distributions.

    Parameters
    ----------
    alpha, beta : float array [D, N + 1]
        Parameters of the parts, the same for all tallies of so many patients.
    weight : float array [U, D, N + 1]
        Sum to 1 along the last axis.
    log_evidence : float array [U]
    """

    alpha: FloatArray
    beta: FloatArray
    weight: FloatArray
    log_evidence: FloatArray

    def mean(self) -> FloatArray:
        """Return the posterior mean DLT rate, [U, D]."""
        return self._average(self.alpha / (self.alpha + self.beta))

    def sd(self) -> FloatArray:
        """Return the posterior standard deviation of the DLT rate, [U, D]."""
        total, each = self.alpha + self.beta, self.alpha / (self.alpha + self.beta)
        within = self._average(self.alpha * self.beta / (total**2 * (total + 1)))
        off = each - self.mean()[..., None]
        return np.sqrt(within + (self.weight * off**2).sum(axis=-1))

    def prob(self, low: float, high: float = 1.0) -> FloatArray:
        """Return Pr(low < rate <= high), [U, D]."""
        ends = self.below(np.clip([low, high], 0.0, 1.0))
        return np.asarray(np.clip(ends[:, 1] - ends[:, 0], 0, 1))

    def below(self, rates: FloatArray) -> FloatArray:
        """Return Pr(rate <= each of the rates), [U, C, D]."""
        parts = betainc(self.alpha, self.beta, rates[:, None, None])
        return np.asarray(np.clip(np.einsum("udi,cdi->ucd", self.weight, parts, optimize=True), 0, 1))

    def quantile(self, q: float) -> FloatArray:
        """Return the DLT rate below which the posterior puts probability q, [U, D]; by bisection of its log odds."""
        level, shape = check_level(q), self.weight.shape
        low, high = np.full(shape[:2], -40.0), np.full(shape[:2], 40.0)
        found = np.empty(shape[:2])
        several = max(1, ROOM // (shape[1] * shape[2]))
        for first in range(0, shape[0], several):
            rows = slice(first, first + several)
            a, b, share = low[rows], high[rows], self.weight[rows]
            for _ in range(HALVINGS):
                middle = (a + b) / 2
                rate = 1 / (1 + np.exp(-middle))
                under = (share * betainc(self.alpha, self.beta, rate[..., None])).sum(axis=-1) < level
                a, b = np.where(under, middle, a), np.where(under, b, middle)
            found[rows] = 1 / (1 + np.exp(-(a + b) / 2))
        return found

    def log_marginal(self) -> FloatArray:
        """Return the log marginal likelihood without binomial coefficients, [U]."""
        return self.log_evidence

    def _average(self, each: FloatArray) -> FloatArray:
        return np.asarray((self.weight * each).sum(axis=-1))


class OrderedQuadrature:
    """Computes the posteriors of one model.

    Parameters
    ----------
    model : Monotone
    """

    def __init__(self, model: Monotone) -> None:
        self.model = model
        prior, steps = model.prior(), np.diff((0.0, *model.guess))
        self.up = np.array(prior.a), np.array(prior.b)
        """Of v_j, the share of 1 - p_{j-1} that dose j adds."""
        self.down = model.precision * steps, model.precision * np.array((0.0, *model.guess[:-1]))
        """Of the share of p_j that goes on the way down to p_{j-1}."""

    def posterior(self, n: IntArray, y: IntArray) -> Batch[OrderedPosterior]:
        """Return the posterior after y DLTs in n patients at each dose, [S, D]."""
        n, y = np.asarray(n), np.asarray(y)
        first, inverse = unique_rows([*n.T, *y.T])
        n, y, parts, place, count = n[first], y[first], [], np.empty(len(first), np.int64), 0
        total = n.sum(axis=1)
        for patients in np.unique(total).tolist() or [0]:
            rows = np.flatnonzero(total == patients)
            parts.append(self.solve(n[rows], y[rows], patients))
            place[rows] = np.arange(count, count + len(rows))
            count += len(rows)
        return Batch(parts, place[inverse])

    def nodes(self, patients: int) -> int:
        """Return how many terms are added up for a tally of so many patients."""
        return self.model.doses * (patients + 1) ** 2

    def law_of_total(self, n: IntArray, most: int, seen: tuple[IntArray, IntArray]) -> FloatArray:
        """Return probabilities of 0, 1, ... `most` DLTs among n patients [D], [most + 1].

        Those together with what was seen before, patients and DLTs [D]: without any, prior predictive ones.
        """
        size = int(n.sum() + seen[0].sum())
        before, so_far = np.full((most + 1, size + 1), -np.inf), 0
        before[0, 0] = 0.0
        for j in range(len(n) - 1, -1, -1):
            here, patients = np.full_like(before, -np.inf), int(n[j])
            for y in range(min(patients, most) + 1):
                further = shift(before[: most + 1 - y], np.full(most + 1 - y, y)) + log_choose(patients, y)
                here[y:] = np.logaddexp(here[y:], further)
            here = shift(here, np.full(most + 1, int(seen[1][j])))
            so_far += patients + int(seen[0][j])
            before = np.full_like(here, -np.inf)
            before[:, : so_far + 1] = expand(here[:, : so_far + 1], self.up[0][j], self.up[1][j])
        return np.exp(before[:, 0])  # the rate before the first dose is 0

    def points(self, n: IntArray, y: IntArray, uniform: FloatArray) -> FloatArray:
        """Return points of the posterior after one tally [D] from points of the unit cube, [G, 2 D] -> [G, D].

        Dose by dose, given the rate p before it: first the term of v^(a - i) (1 - v)^(M - a) by its probability, which
        is that of i given p, and of a given i; then v by its beta distribution.
        """
        turned = [part[None, ::-1] for part in (n, y)]
        above = list(walk(turned[0], turned[1], [part[::-1] for part in self.up], int(n.sum())))[::-1]
        p, rates = np.zeros(len(uniform)), np.empty((len(uniform), len(n)))
        for j, (_, here) in enumerate(above):
            most, a, b = int(n[j:].sum()), self.up[0][j], self.up[1][j]
            i = np.arange(most + 1)
            log_terms = here[0, : most + 1, None] + log_kernel(most, a, b)  # [a, i]
            terms = np.exp(log_terms - log_terms.max())
            before = terms.sum(axis=0) * np.exp(xlogy(i, p[:, None]) + xlogy(most - i, 1 - p[:, None]))
            kept, left = _chosen(before, uniform[:, 2 * j])
            power, _ = _chosen(terms.T[kept], left)
            v = betaincinv(a + power - kept, b + most - power, uniform[:, 2 * j + 1])
            p = p + (1 - p) * v
            rates[:, j] = p
        return rates

    def solve(self, n: IntArray, y: IntArray, patients: int) -> OrderedPosterior:
        """Return the posteriors after tallies [U, D] of so many patients in all."""
        doses = self.model.doses
        precision, guess = self.model.precision, np.array(self.model.guess)
        i = np.arange(patients + 1)
        alpha, beta = precision * guess[:, None] + i, precision * (1 - guess)[:, None] + patients - i
        prior = betaln(precision * guess, precision * (1 - guess))[:, None]
        log_weight = np.empty((len(n), doses, patients + 1))
        above = list(walk(n[:, ::-1], y[:, ::-1], [part[::-1] for part in self.up], patients))[::-1]
        # on the way down the rate of those without a DLT rises
        down = [np.concatenate([part[1:], [np.nan]]) for part in self.down]
        below = walk(n, n - y, down, patients)
        for j, ((_, here), (rest, _)) in enumerate(zip(above, below, strict=True)):
            others = n[:, :j].sum(axis=1)
            log_weight[:, j] = product(here, turn(rest, others))
        log_weight += betaln(alpha, beta) - prior
        whole = logsumexp(log_weight, axis=-1)
        return OrderedPosterior(alpha, beta, np.exp(log_weight - whole[..., None]), whole[:, 0])


def _chosen(weight: FloatArray, u: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return which of the weights [G, K] each u falls on, and how far into it, from 0 to 1."""
    ends = np.cumsum(weight, axis=1)
    at, row = u * ends[:, -1], np.arange(len(u))
    which = np.minimum((ends <= at[:, None]).sum(axis=1), weight.shape[1] - 1)
    share = weight[row, which]
    return which, np.clip((at - ends[row, which] + share) / share, 0, 1)
