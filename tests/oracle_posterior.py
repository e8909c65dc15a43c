"""Posteriors of one tally that share no line with the package: of one parameter on panels, of two on a fine grid."""

import functools
import math

import numpy as np
from scipy.special import expit, logit

NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
DEEP = 34.0


class Oracle:
    """The posterior of one tally by Gauss-Legendre panels in b, cut where asked; shares no line with the package."""

    nodes, weights = np.polynomial.legendre.leggauss(24)

    def __init__(self, model, n, y):
        self.model, self.n, self.y = model, n, y
        self.s = np.array(model.skeleton)
        self.a = getattr(model, "intercept", None)
        reach = max(12 * model.prior_sd, 2.0)
        wide = np.linspace(-reach, reach, 4001)
        log_f = self.log_f(wide)
        inside = wide[log_f > log_f.max() - 60]
        self.low, self.high = inside[0], inside[-1]
        self.mode = wide[log_f.argmax()]
        self.peak = log_f.max()

    def curve(self, b):
        """log p and log(1 - p), [..., D]."""
        scale = np.exp(np.asarray(b)[..., None])
        if self.a is None:
            log_p = scale * np.log(self.s)
            return log_p, np.log(-np.expm1(log_p))
        eta = self.a + scale * (np.log(self.s / (1 - self.s)) - self.a)
        return -np.logaddexp(0, -eta), -np.logaddexp(0, eta)

    def log_f(self, b):
        """Log prior times likelihood."""
        log_p, log_q = self.curve(b)
        with np.errstate(invalid="ignore"):
            terms = np.where(self.y > 0, self.y * log_p, 0) + np.where(self.n > self.y, (self.n - self.y) * log_q, 0)
        sd = self.model.prior_sd
        return terms.sum(-1) - np.asarray(b) ** 2 / (2 * sd**2) - math.log(sd * math.sqrt(2 * math.pi))

    def rule(self, low, high, panels=60):
        """Nodes and weights on panels that meet at the mode."""
        edges = np.unique([low, high, *np.linspace(low, high, panels), np.clip(self.mode, low, high)])
        half, middle = np.diff(edges)[:, None] / 2, ((edges[1:] + edges[:-1]) / 2)[:, None]
        return (middle + half * self.nodes).ravel(), (half * self.weights).ravel()

    @functools.cached_property
    def density(self):
        b, w = self.rule(self.low, self.high)
        f = w * np.exp(self.log_f(b) - self.peak)
        return b, f

    def moments(self):
        """Log marginal, mean and variance of b, mean DLT rates, DLT rates at the mean of b."""
        b, f = self.density
        total = f.sum()
        f = f / total
        mean = f @ b
        rates = f @ np.exp(self.curve(b)[0])
        return math.log(total) + self.peak, mean, f @ (b - mean) ** 2, rates, np.exp(self.curve(mean)[0])

    def above(self, dose, rate):
        """Pr(p_dose > rate)."""
        falls = self.curve(0.5)[0][dose] < self.curve(0.0)[0][dose]  # whether p falls as b rises
        if self.a is None:
            cut = math.log(math.log(rate) / math.log(self.s[dose]))
        else:
            ratio = (math.log(rate / (1 - rate)) - self.a) / (math.log(self.s[dose] / (1 - self.s[dose])) - self.a)
            if ratio <= 0:  # the rate is on the other side of expit(intercept) for every b
                return float(np.exp(self.curve(0.0)[0][dose]) > rate)
            cut = math.log(ratio)
        cut = min(max(cut, self.low), self.high)
        b, w = self.rule(self.low, cut)
        below = w @ np.exp(self.log_f(b) - self.peak) / self.density[1].sum()
        return below if falls else 1 - below


class FineGrid:
    """Posterior of the two-parameter model: log a outside, log b given log a inside, in boxes found by looking at a
    picture of the density. `cut` is the DLT rate whose distribution function is wanted."""

    def __init__(self, model, n, y, cut=0.33, outer=120, inner=40):
        self.x = np.log(np.array(model.values) / model.reference_dose)
        self.n, self.y, self.cut = n, y, float(logit(cut))
        self.m_a, self.m_b = model.mean
        (va, c), (_, vb) = model.cov
        self.s_a, self.lean, self.s = np.sqrt(va), c / np.sqrt(va), np.sqrt((va * vb - c**2) / va)
        low, high = self.box()
        edges = np.linspace(low[0], high[0], outer + 1)
        # where log a is the cut, the cut in log b runs off like a logarithm
        corner, near = (self.cut - self.m_a) / self.s_a, (high[0] - low[0]) * 0.5 ** np.arange(1, 45)
        edges = np.unique(np.clip([*edges, corner, *(corner - near), *(corner + near)], low[0], high[0]))
        half = np.diff(edges)[:, None] / 2
        u, weight = (edges[:-1, None] + half * (1 + NODES)).ravel(), (half * WEIGHTS).ravel()
        self.total, self.sums, self.square, self.under = 0.0, 0.0, 0.0, 0.0
        self.peak = -np.inf
        for rows in np.array_split(np.arange(len(u)), max(len(u) // 100, 1)):
            self.add(u[rows], weight[rows], low[1], high[1], inner)

    def log_f(self, u, v):
        a = self.m_a + self.s_a * u
        b = np.exp(np.minimum(self.m_b + self.lean * u + self.s * v, 250.0))
        result = -(u**2 + v**2) / 2 - np.log(2 * np.pi)
        for n, y, x in zip(self.n.tolist(), self.y.tolist(), self.x.tolist(), strict=True):
            if n:
                eta = a + b * x
                soft = np.log1p(np.exp(-np.abs(eta)))
                result = result - y * (soft + np.maximum(-eta, 0)) - (n - y) * (soft + np.maximum(eta, 0))
        return result

    def box(self):
        low, high = np.full(2, -40.0), np.full(2, 40.0)
        for _ in range(40):
            u, v = (np.linspace(low[i], high[i], 500) for i in range(2))
            f = self.log_f(u[:, None], v)
            i, j = np.unravel_index(f.argmax(), f.shape)
            beside = f[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2]
            inside = f > f.max() - max(DEEP, 3 * (f.max() - beside.min()))
            new = [
                (axis[hit][0] - axis[1] + axis[0], axis[hit][-1] + axis[1] - axis[0])
                for axis, hit in ((u, inside.any(1)), (v, inside.any(0)))
            ]
            old = high - low
            low, high = np.maximum(low, [new[0][0], new[1][0]]), np.minimum(high, [new[0][1], new[1][1]])
            if (high - low > 0.97 * old).all():
                break
        return low, high

    def add(self, u, weight, low, high, inner):
        low, high, u = np.full(len(u), low), np.full(len(u), high), u[:, None]
        for _ in range(12):
            v = low[:, None] + (high - low)[:, None] * np.linspace(0, 1, 120)
            f, step = self.log_f(u, v), (high - low) / 119
            near = np.abs(np.diff(f, axis=1))
            at = np.clip(f.argmax(axis=1), 1, 118)
            fall = np.maximum(near[np.arange(len(u)), at - 1], near[np.arange(len(u)), at])
            inside = f > (f.max(axis=1) - np.maximum(DEEP, 3 * fall))[:, None]
            first, last = inside.argmax(axis=1), 119 - inside[:, ::-1].argmax(axis=1)
            low, high = low + np.maximum(first - 1, 0) * step, low + np.minimum(last + 1, 119) * step
        share = np.linspace(0, 1, inner + 1)
        whole = self.integrals(u, weight, low, high, share)
        a = (self.m_a + self.s_a * u)[:, 0]
        under = np.zeros(len(self.x))
        for j, x in enumerate(self.x.tolist()):
            with np.errstate(divide="ignore", invalid="ignore"):
                at = (
                    (np.log((self.cut - a) / x) - self.m_b - self.lean * u[:, 0]) / self.s
                    if x
                    else np.where(a <= self.cut, np.inf, -np.inf)
                )
            if x > 0:
                at = np.where(self.cut > a, at, -np.inf)
            if x < 0:
                at = np.where(self.cut < a, at, -np.inf)
            part = self.integrals(u, weight, low, np.clip(at, low, high), share, False)
            under[j] = whole[0] - part if x < 0 else part
        self.total += whole[0]
        self.sums, self.square, self.under = self.sums + whole[1], self.square + whole[2], self.under + under

    def integrals(self, u, weight, low, high, share, rates=True):
        edges = low[:, None] + (high - low)[:, None] * share
        half = np.diff(edges, axis=1)[..., None] / 2
        v = (edges[:, :-1, None] + half * (1 + NODES)).reshape(len(u), -1)
        f = self.log_f(u, v)
        if f.max() > self.peak + 30:
            scale = np.exp(self.peak - f.max()) if np.isfinite(self.peak) else 0.0
            self.total, self.sums, self.square, self.under = (
                scale * part for part in (self.total, self.sums, self.square, self.under)
            )
            self.peak = f.max()
        f = np.exp(f - self.peak) * (half * WEIGHTS).reshape(len(u), -1) * weight[:, None]
        if not rates:
            return f.sum()
        b = np.exp(np.minimum(self.m_b + self.lean * u + self.s * v, 250.0))
        p = [expit(self.m_a + self.s_a * u + b * x) for x in self.x.tolist()]
        return f.sum(), np.array([(f * q).sum() for q in p]), np.array([(f * q * q).sum() for q in p])

    def log_marginal(self):
        return float(np.log(self.total) + self.peak)

    def mean(self):
        return self.sums / self.total

    def sd(self):
        return np.sqrt(np.maximum(self.square / self.total - self.mean() ** 2, 0))

    def cdf(self):
        return self.under / self.total
