"""Posteriors against rules that share no line with the package: sd, quantiles, marginal likelihoods, two parameters,
model averages; published posteriors; coverage averaged over the prior."""

import itertools
import math

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.special import expit, logit

from doseopt.models.base import GaussianPrior
from doseopt.models.beta import BetaBinomial
from doseopt.models.curves import Empiric, ModelAverage, OneParameterLogistic, TwoParameterLogistic
from doseopt.models.quadrature import posterior_after, quadrature

DOSES = (0.15e9, 0.5e9, 1.5e9, 4.5e9)
BLRM = TwoParameterLogistic.weakly_informative(DOSES, "cells", 1.5e9)
CORRELATED = TwoParameterLogistic((0.1, 0.3, 1, 3), "mg", 1.0, (-1.4, 0.2), ((2.5**2, 1.0), (1.0, 1.0)))
NARROW = TwoParameterLogistic((0.1, 0.3, 1, 3), "mg", 1.0, (-1.4, 0.0), ((0.3**2, 0.0), (0.0, 0.7**2)))
NEUENSCHWANDER = TwoParameterLogistic(
    (1, 2.5, 5, 10, 15, 20, 25, 30, 40, 50, 75, 100, 150, 200, 250),
    "mg",
    250.0,
    (2.15, 0.52),
    ((0.84**2, 0.134), (0.134, 0.80**2)),
)
SD = math.sqrt(1.34)
SKELETONS = [(0.05, 0.12, 0.25, 0.40), (0.10, 0.20, 0.30, 0.40), (0.02, 0.05, 0.10, 0.25)]
EMPIRIC, LOGISTIC = Empiric(SKELETONS[0], SD), OneParameterLogistic(SKELETONS[0], SD)
RISING = OneParameterLogistic((0.05, 0.15, 0.30, 0.80), 1.0, intercept=1.0)  # the last rate rises with b, others fall
BMA = ModelAverage(tuple(Empiric(s, SD) for s in SKELETONS), (0.5, 0.3, 0.2))
MIXED = ModelAverage((EMPIRIC, LOGISTIC, RISING), (0.4, 0.4, 0.2))
CUTS, LEVELS = (0.16, 0.33), (0.05, 0.5, 0.95)
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)


def tallies(most, drawn, seed=1):
    """Extreme tallies of four doses, contradictory and steep ones, and drawn ones."""
    one, half = np.eye(4, dtype=int), most // 2
    found = [(0 * one[0], 0 * one[0]), (one[0], one[0]), (3 * one[0], 2 * one[0])]
    everywhere = np.full(4, most // 4)
    found += [(everywhere, y * everywhere) for y in (0, 1, one[0])]
    found += [(most * one[j], y * one[j]) for j in (0, 2, 3) for y in (0, half, most)]
    found += [(half * (one[j] + one[k]), half * one[j]) for j, k in ((0, 1), (1, 0), (3, 0), (0, 3), (3, 2))]
    found += [(half * (one[j] + one[k]), most // 8 * (one[j] + 3 * one[k])) for j, k in ((0, 1), (0, 3), (2, 3))]
    rng = np.random.default_rng(seed)
    for _ in range(drawn):
        n = rng.multinomial(rng.integers(1, most + 1), rng.dirichlet(np.ones(4)))
        found.append((n, rng.binomial(n, np.sort(rng.random(4)))))
    n, y = zip(*found, strict=True)
    return np.array(n), np.array(y)


def panels(low, high, count):
    """Gauss-Legendre nodes and weights on equal panels of [low, high]; the ends may be arrays [B, 1]."""
    edges = np.linspace(0, 1, count + 1)
    half, middle = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2
    return low + (high - low) * (middle + half * NODES).ravel(), (high - low) * (half * WEIGHTS).ravel()


class OneParameter:
    """Posterior of one tally of a one-parameter model, on panels in b."""

    def __init__(self, model, n, y):
        self.s, self.sd, self.a = np.array(model.skeleton), model.prior_sd, getattr(model, "intercept", None)
        self.n, self.y = n, y
        wide = np.linspace(-12 * self.sd, 12 * self.sd, 4001)
        log_f = self.log_f(wide)
        self.peak = log_f.max()
        inside = wide[log_f > self.peak - 50]
        self.low, self.high = inside[0], inside[-1]
        self.total = self.integral(self.low, self.high)

    def log_rates(self, b):
        """log p and log(1 - p), [..., D]."""
        slope = np.exp(np.asarray(b))[..., None]
        if self.a is None:
            log_p = slope * np.log(self.s)
            return log_p, np.log(-np.expm1(np.minimum(log_p, -1e-300)))
        eta = self.a + slope * (logit(self.s) - self.a)
        return -np.logaddexp(0, -eta), -np.logaddexp(0, eta)

    def log_f(self, b):
        log_p, log_q = self.log_rates(b)
        return (self.y * log_p + (self.n - self.y) * log_q).sum(-1) + stats.norm.logpdf(b, 0, self.sd)

    def integral(self, low, high, function=lambda b: 1.0):
        b, weight = panels(low, high, 60)
        return (weight * np.exp(self.log_f(b) - self.peak) * function(b)).sum()

    def log_marginal(self):
        return math.log(self.total) + self.peak

    def mean_sd(self, dose):
        mean, square = (
            self.integral(self.low, self.high, lambda b, k=k: np.exp(k * self.log_rates(b)[0][:, dose])) / self.total
            for k in (1, 2)
        )
        return mean, math.sqrt(max(square - mean**2, 0))

    def cdf(self, dose, rate):
        if self.a is None:
            cut, falls = math.log(math.log(rate) / math.log(self.s[dose])), True
        else:
            x = logit(self.s[dose]) - self.a
            ratio, falls = (logit(rate) - self.a) / x, x < 0
            cut = math.log(ratio) if ratio > 0 else -math.inf
        below = self.integral(self.low, min(max(cut, self.low), self.high)) / self.total
        return 1 - below if falls else below


class TwoParameter:
    """Posterior of one tally of a two-parameter model: panels in log b, and within them in log a up to the cut."""

    def __init__(self, model, n, y, at=None, outer=36, inner=20):
        self.x = np.log(np.array(model.values) / model.reference_dose)
        self.data = self.x if at is None else np.log(np.array(at) / model.reference_dose)
        self.n, self.y, self.mean, self.inverse = n, y, model.mean, np.linalg.inv(model.cov)
        self.constant = -math.log(2 * math.pi) - math.log(np.linalg.det(model.cov)) / 2
        (m_a, m_b), (s_a, s_b) = model.mean, np.sqrt(np.diag(model.cov))
        wide = np.linspace(-13, 13, 521)
        log_f = self.log_f((m_a + s_a * wide)[:, None], m_b + s_b * wide)
        self.peak = log_f.max()
        inside = log_f > self.peak - 34
        a, b = m_a + s_a * wide[inside.any(1)], m_b + s_b * wide[inside.any(0)]
        self.b, self.b_weight = panels(b[0] - 0.06 * s_b, b[-1] + 0.06 * s_b, outer)
        fine = np.linspace(a[0] - 0.06 * s_a, a[-1] + 0.06 * s_a, 1201)
        inside = self.log_f(fine, self.b[:, None]) > self.peak - 34
        some, step = inside.any(1), fine[1] - fine[0]
        self.low = np.where(some, fine[inside.argmax(1)] - step, 0)
        self.high = np.where(some, fine[len(fine) - 1 - inside[:, ::-1].argmax(1)] + step, 0)
        self.inner = inner
        self.density = self.up_to(self.high)
        self.total = self.density[1].sum()

    def log_f(self, a, b):
        da, db = a - self.mean[0], b - self.mean[1]
        result = -(self.inverse[0, 0] * da**2 + 2 * self.inverse[0, 1] * da * db + self.inverse[1, 1] * db**2) / 2
        result = result + self.constant
        for n, y, x in zip(self.n, self.y, self.data, strict=True):
            if n:
                eta = a + np.exp(b) * x
                result = result + y * eta - n * (np.maximum(eta, 0) + np.log1p(np.exp(-np.abs(eta))))
        return result

    def up_to(self, high):
        """Values of log a up to `high` for each log b, and what each is worth."""
        a, weight = panels(self.low[:, None], high[:, None], self.inner)
        return a, weight * self.b_weight[:, None] * np.exp(self.log_f(a, self.b[:, None]) - self.peak)

    def log_marginal(self):
        return math.log(self.total) + self.peak

    def mean_sd(self, dose):
        a, f = self.density
        p = expit(a + np.exp(self.b)[:, None] * self.x[dose])
        mean = (f * p).sum() / self.total
        return mean, math.sqrt((f * (p - mean) ** 2).sum() / self.total)

    def cdf(self, dose, rate):
        cut = logit(rate) - np.exp(self.b) * self.x[dose]
        return self.up_to(np.clip(cut, self.low, self.high))[1].sum() / self.total


class Mixture:
    """Posterior of one tally of a model average."""

    def __init__(self, model, n, y):
        self.parts = [OneParameter(m, n, y) for m in model.models]
        self.joint = np.array([w * math.exp(p.log_marginal()) for w, p in zip(model.weights, self.parts, strict=True)])
        self.weight = self.joint / self.joint.sum()

    def log_marginal(self):
        return math.log(self.joint.sum())

    def mean_sd(self, dose):
        mean, sd = np.array([part.mean_sd(dose) for part in self.parts]).T
        centre = self.weight @ mean
        return centre, math.sqrt(self.weight @ (sd**2 + mean**2) - centre**2)

    def cdf(self, dose, rate):
        return self.weight @ [part.cdf(dose, rate) for part in self.parts]


def errors(model, oracle, n, y, **given):
    """Worst error of each answer over the tallies."""
    posterior = quadrature(model).posterior(n, y, **given)
    mean, sd, log_marginal = posterior.mean(), posterior.sd(), posterior.log_marginal()
    above, quantile = [posterior.prob(c) for c in CUTS], [posterior.quantile(q) for q in LEVELS]
    between = posterior.prob(*CUTS)
    worst = dict.fromkeys(("log_marginal", "mean", "sd", "prob", "quantile"), 0.0)

    def note(name, error):
        worst[name] = max(worst[name], abs(error))

    for i in range(len(n)):
        exact = oracle(model, n[i], y[i], **given)
        note("log_marginal", log_marginal[i] - exact.log_marginal())
        for j in range(model.doses):
            wanted = exact.mean_sd(j)
            note("mean", mean[i, j] - wanted[0])
            note("sd", sd[i, j] - wanted[1])
            below = [exact.cdf(j, c) for c in CUTS]
            note("prob", between[i, j] - (below[1] - below[0]))
            for part, b in zip(above, below, strict=True):
                note("prob", part[i, j] - (1 - b))
            for part, q in zip(quantile, LEVELS, strict=True):
                if 1e-300 < part[i, j] < 1 - 1e-12:  # further out the rate itself is rounded
                    note("quantile", exact.cdf(j, part[i, j]) - q)
    return worst


def held(worst):
    """Hold errors to what `models.quadrature` states."""
    assert max(worst[name] for name in ("mean", "sd", "log_marginal", "prob")) < 1e-9, worst
    assert worst["quantile"] < 3e-7, worst


def test_the_one_parameter_oracle_agrees_with_adaptive_quadrature():
    n, y = tallies(36, 2)
    for model, i in itertools.product((EMPIRIC, LOGISTIC), (0, 6, 12, len(n) - 1)):
        oracle = OneParameter(model, n[i], y[i])

        def density(b, o=oracle):
            return math.exp(o.log_f(np.array(b)) - o.peak)

        settings = {"epsabs": 1e-13, "epsrel": 1e-12, "limit": 400, "points": [(oracle.low + oracle.high) / 2]}
        total = integrate.quad(density, oracle.low, oracle.high, **settings)[0]
        mean = integrate.quad(
            lambda b, o=oracle, f=density: f(b) * math.exp(o.log_rates(b)[0][1]), oracle.low, oracle.high, **settings
        )[0]
        assert oracle.log_marginal() == pytest.approx(math.log(total) + oracle.peak, abs=1e-10)
        assert oracle.mean_sd(1)[0] == pytest.approx(mean / total, abs=1e-10)


@pytest.mark.parametrize("i", [1, 8, 15, 21])
def test_the_two_parameter_oracle_agrees_with_adaptive_quadrature(i):
    n, y = tallies(36, 2)
    oracle = TwoParameter(BLRM, n[i], y[i])
    x = oracle.x[1]

    def log_f(a, b):  # stated once more, in scalars
        result = -((a - math.log(0.25)) ** 2) / (2 * 2.25) - b**2 / (2 * 0.49) - math.log(2 * math.pi * 1.5 * 0.7)
        for nn, yy, d in zip(n[i], y[i], DOSES, strict=True):
            eta = a + math.exp(b) * math.log(d / 1.5e9)
            soft = max(eta, 0) + math.log1p(math.exp(-abs(eta)))
            result += yy * (eta - soft) - (nn - yy) * soft
        return math.exp(result - oracle.peak)

    ends = (oracle.b[0], oracle.b[-1], lambda b: np.interp(b, oracle.b, oracle.low) - 0.5)
    settings = {"epsabs": 1e-9, "epsrel": 1e-9}

    def upper(b):
        return np.interp(b, oracle.b, oracle.high) + 0.5

    def cut(b):
        return min(max(logit(0.33) - math.exp(b) * x, ends[2](b)), upper(b))

    total, below = (integrate.dblquad(log_f, *ends, end, **settings)[0] for end in (upper, cut))
    assert oracle.log_marginal() == pytest.approx(math.log(total) + oracle.peak, abs=1e-7)
    assert oracle.cdf(1, 0.33) == pytest.approx(below / total, abs=1e-7)


ONE = {"empiric": EMPIRIC, "logistic": LOGISTIC, "rising": RISING, "narrow": Empiric(SKELETONS[1], 0.3)}


@pytest.mark.parametrize("model", ONE.values(), ids=ONE)
def test_one_parameter(model):
    held(errors(model, OneParameter, *tallies(36, 10)))


@pytest.mark.parametrize("model", [BMA, MIXED], ids=["skeletons", "curves"])
def test_model_average(model):
    held(errors(model, Mixture, *tallies(36, 4)))


TWO = {"default": (BLRM, 36, 15), "correlated": (CORRELATED, 36, 0), "narrow": (NARROW, 36, 0), "more": (BLRM, 60, 0)}


@pytest.mark.parametrize(("model", "most", "drawn"), TWO.values(), ids=TWO)
def test_two_parameters(model, most, drawn):
    held(errors(model, TwoParameter, *(part[:: 1 if drawn else 3] for part in tallies(most, drawn))))


def test_quantiles_under_a_vague_prior():
    # the density of a logit is known at nodes on a line: a rate changes within a unit of its logit, however wide it is
    vague = TwoParameterLogistic((0.5, 1.5), "mg", 1.5, (-1.4, 0.0), ((100.0, 0.0), (0.0, 0.7**2)))
    worst = errors(vague, TwoParameter, np.array([[1, 0], [3, 3]]), np.array([[0, 0], [0, 1]]))
    assert worst["quantile"] < 3e-7


def test_actual_doses():
    # six patients, each with a dose of their own; the rates reported are those at the planned doses
    given = (0.13e9, 0.17e9, 0.41e9, 0.55e9, 1.4e9, 1.7e9)
    n, y = np.ones((3, 6), int), np.array([[0, 0, 0, 0, 0, 1], [1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 1, 1]])
    held(errors(BLRM, TwoParameter, n, y, at=given))


def test_doses_as_planned_are_actual_doses_too():
    n, y = np.array([[3, 3, 6, 0]]), np.array([[0, 1, 2, 0]])
    plain = quadrature(BLRM).posterior(n, y)
    for at, n_at, y_at in [
        (DOSES, n, y),
        (DOSES[::-1], n[:, ::-1], y[:, ::-1]),
        ((*DOSES[:3], DOSES[2]), np.array([[3, 3, 2, 4]]), np.array([[0, 1, 0, 2]])),
    ]:
        found = quadrature(BLRM).posterior(n_at, y_at, at=at)
        np.testing.assert_allclose(found.mean(), plain.mean(), atol=1e-6)
        np.testing.assert_allclose(found.quantile(0.95), plain.quantile(0.95), atol=1e-5)
    with pytest.raises(ValueError, match="one column a dose"):
        quadrature(BLRM).posterior(n, y, at=DOSES[:3])


def test_published_two_parameter_posterior():
    # Neuenschwander, Branson, Gsponer 2008, Statistics in Medicine 27:2420, their 15-dose example: prior and data as
    # printed, figures by quadrature. 3, 4, 5 and 4 patients without DLT at the first four doses, 2 of 2 with at 25 mg.
    n, y = np.zeros((1, 15), int), np.zeros((1, 15), int)
    n[0, :4], n[0, 6], y[0, 6] = (3, 4, 5, 4), 2, 2
    posterior = quadrature(NEUENSCHWANDER).posterior(n, y)
    mean = [
        *(0.011562, 0.029481, 0.061286, 0.127215, 0.191820, 0.252684, 0.308866, 0.360137),
        *(0.448625, 0.520698, 0.648369, 0.728379, 0.818463, 0.865887, 0.894452),
    ]
    sd = [
        *(0.018384, 0.034609, 0.056141, 0.088212, 0.110471, 0.125745, 0.135884, 0.142249),
        *(0.147466, 0.146821, 0.135939, 0.123141, 0.102821, 0.088770, 0.078609),
    ]
    np.testing.assert_allclose(posterior.mean()[0], mean, rtol=0, atol=1e-6)
    np.testing.assert_allclose(posterior.sd()[0], sd, rtol=0, atol=1e-6)


def test_the_default_prior_is_as_stated():
    nothing = np.zeros((1, 4), int)
    prior = quadrature(BLRM).posterior(nothing, nothing)
    np.testing.assert_allclose(prior.quantile(0.5)[0], [0.02, 0.06, 0.20, 0.48], atol=0.005)
    np.testing.assert_allclose(prior.quantile(0.95)[0], [0.33, 0.51, 0.75, 0.96], atol=0.005)
    # in closed form at the reference dose, where the slope does not matter
    for q in (0.025, 0.5, 0.9):
        wanted = expit(logit(0.2) + 1.5 * stats.norm.ppf(q))
        assert prior.quantile(q)[0, 2] == pytest.approx(wanted, abs=1e-6)
    assert prior.log_marginal()[0] == pytest.approx(0, abs=1e-8)


@pytest.mark.parametrize(("a", "b"), [(1.0, 1.0), (0.5, 0.5), (0.3, 2.0)])
def test_beta_binomial(a, b):
    n, y = tallies(36, 5)
    posterior = BetaBinomial(4, a, b).posterior(n, y)
    exact = stats.beta(a + y, b + n - y)
    np.testing.assert_allclose(posterior.sd(), exact.std(), rtol=1e-12)
    for q in (0.001, 0.05, 0.5, 0.95):
        np.testing.assert_allclose(exact.cdf(posterior.quantile(q)), q, atol=1e-10)
    wanted = stats.betabinom(n, a, b).logpmf(y) - np.log([[math.comb(*pair) for pair in row] for row in zip_rows(n, y)])
    np.testing.assert_allclose(posterior.log_marginal(), wanted.sum(axis=1), atol=1e-10)


def zip_rows(n, y):
    return [list(zip(a.tolist(), b.tolist(), strict=True)) for a, b in zip(n, y, strict=True)]


# Coverage: the prior as points of equal weight, rates stated here once more. The second coordinate of the points is a
# Kronecker sequence, so that no two points share either coordinate.
SHARES = (np.arange(300_000) + 0.5) / 300_000
SECOND = (np.arange(300_000) + 0.5) * ((math.sqrt(5) - 1) / 2) % 1
SMALL = {
    "empiric": Empiric(SKELETONS[0][:3], SD),
    "logistic": OneParameterLogistic(SKELETONS[0][:3], SD),
    "blrm": TwoParameterLogistic.weakly_informative(DOSES[1:], "cells", 1.5e9),
    "beta": BetaBinomial(3, 0.6, 1.2),
    "average": ModelAverage(tuple(Empiric(s[:3], SD) for s in SKELETONS), (0.5, 0.3, 0.2)),
}


def prior_points(model):
    """Points of the prior: list of (weight, rates [W, 3])."""
    z = stats.norm.ppf(SHARES)
    if isinstance(model, ModelAverage):
        return [(w, prior_points(m)[0][1]) for w, m in zip(model.weights, model.models, strict=True)]
    if isinstance(model, TwoParameterLogistic):
        a, b = logit(0.2) + 1.5 * z[:, None], np.exp(0.7 * stats.norm.ppf(SECOND))[:, None]
        return [(1.0, expit(a + b * np.log(np.array(model.values) / 1.5e9)))]
    s, slope = np.array(model.skeleton), np.exp(SD * z)[:, None]
    if isinstance(model, Empiric):
        return [(1.0, s**slope)]
    return [(1.0, expit(3 + slope * (logit(s) - 3)))]


@pytest.mark.parametrize("name", SMALL)
def test_averaged_over_the_prior_the_interval_covers_as_often_as_it_says(name):
    model = SMALL[name]
    y = np.array(list(itertools.product(range(4), repeat=3)))
    posterior = quadrature(model).posterior(np.full_like(y, 3), y)
    low, high = posterior.quantile(0.05), posterior.quantile(0.95)
    if name == "beta":  # the doses are independent: any one's y alone matters
        p = stats.beta(0.6, 1.2).ppf(SHARES)
        chance = stats.binom(3, p).pmf(np.arange(4)[:, None])
        covered = [(chance * ((low[:4, 2:] <= p) & (p <= high[:4, 2:]))).sum(axis=0).mean()] * 3
    else:
        covered = np.zeros(3)
        for weight, p in prior_points(model):
            terms = [[math.comb(3, k) * p[:, j] ** k * (1 - p[:, j]) ** (3 - k) for k in range(4)] for j in range(3)]
            for row, bottom, top in zip(y, low, high, strict=True):
                chance = terms[0][row[0]] * terms[1][row[1]] * terms[2][row[2]]
                inside = (bottom <= p) & (p <= top)
                covered += weight * (chance[:, None] * inside).mean(axis=0)
    np.testing.assert_allclose(covered, 0.90, rtol=0, atol=5e-4)


MODELS = {"empiric": EMPIRIC, "blrm": BLRM, "average": BMA, "beta": BetaBinomial(4)}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_tally_has_the_same_posterior_in_whatever_batch_it_comes(model):
    n, y = tallies(36, 6)
    n, y = np.concatenate([n, n[::2]]), np.concatenate([y, y[::2]])

    def answers(rows):
        p = quadrature(model).posterior(n[rows], y[rows])
        return np.column_stack(
            [p.mean(), p.sd(), p.prob(0.1, 0.3), p.quantile(0.05), p.quantile(0.9), p.log_marginal()]
        )

    whole = answers(slice(None))
    shuffled = np.random.default_rng(3).permutation(len(n))
    np.testing.assert_allclose(answers(shuffled), whole[shuffled], rtol=0, atol=1e-11)
    parts = np.array_split(shuffled, 5)
    np.testing.assert_allclose(np.concatenate([answers(p) for p in parts]), whole[shuffled], rtol=0, atol=1e-11)
    alone = np.concatenate([answers([i]) for i in range(len(n))])
    np.testing.assert_allclose(alone, whole, rtol=0, atol=1e-11)


@pytest.mark.parametrize("model", [EMPIRIC, BLRM, BMA], ids=["empiric", "blrm", "average"])
def test_the_last_batch_is_kept(model):
    n, y = tallies(12, 3)
    first = quadrature(model).posterior(n, y)
    assert quadrature(model).posterior(n, y) is first
    assert quadrature(model).posterior(n, 0 * y) is not first


def test_no_trials():
    nothing = np.zeros((0, 4), int)
    for model in MODELS.values():
        posterior = quadrature(model).posterior(nothing, nothing)
        assert posterior.mean().shape == posterior.sd().shape == posterior.quantile(0.5).shape == (0, 4)
        assert posterior.prob(0.3).shape == (0, 4)
        assert posterior.log_marginal().shape == (0,)


def test_posterior_probabilities_of_the_models():
    n, y = tallies(36, 5)
    posterior = quadrature(BMA).posterior(n, y)
    alone = np.stack([quadrature(m).posterior(n, y).log_marginal() for m in BMA.models], axis=1)
    joint = np.array(BMA.weights) * np.exp(alone)
    np.testing.assert_allclose(posterior.model_prob(), joint / joint.sum(axis=1, keepdims=True), rtol=1e-9)
    np.testing.assert_allclose(posterior.model_prob()[0], BMA.weights, rtol=1e-9)


def test_the_average_of_one_model_is_that_model():
    n, y = tallies(36, 5)
    alone, average = quadrature(LOGISTIC).posterior(n, y), quadrature(ModelAverage((LOGISTIC,), (1.0,))).posterior(n, y)
    for q in LEVELS:
        np.testing.assert_allclose(average.quantile(q), alone.quantile(q), atol=1e-8)
    np.testing.assert_allclose(average.prob(0.2, 0.3), alone.prob(0.2, 0.3), atol=1e-12)


@pytest.mark.parametrize("model", [EMPIRIC, LOGISTIC, RISING], ids=["empiric", "logistic", "rising"])
def test_the_parameter_at_a_rate(model):
    b = np.linspace(-3, 2, 7)[:, None]
    log_p = model.log_dlt_rate(b, np)
    eta = log_p - np.log(-np.expm1(log_p))
    np.testing.assert_allclose(model.theta_at(eta), np.broadcast_to(b, eta.shape), atol=1e-6)


def test_gaussian_prior():
    prior = GaussianPrior(("log_a", "log_b"), (-1.0, 0.5), ((2.0, 0.6), (0.6, 1.5)))
    lower = prior.cholesky
    np.testing.assert_allclose(lower @ lower.T, prior.cov)
    assert lower[0, 1] == 0
    z = np.random.default_rng(1).standard_normal((5, 2))
    theta = prior.theta(z)
    np.testing.assert_allclose(theta, np.array([lower @ row + np.array(prior.mean) for row in z]))
    np.testing.assert_allclose(
        prior.log_density(theta), stats.multivariate_normal(prior.mean, prior.cov).logpdf(theta), atol=1e-12
    )


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: GaussianPrior(("b",), (0.0, 1.0), ((1.0,),)), "covariance of 1 by 1"),
        (lambda: GaussianPrior(("b",), (0.0,), ((-1.0,),)), "positive definite"),
        (lambda: GaussianPrior(("a", "b"), (0.0, 0.0), ((1.0, 0.5), (0.4, 1.0))), "symmetric"),
        (lambda: TwoParameterLogistic.weakly_informative((0.0, 1.0), "mg", 1.0), "values: wanted positive doses in mg"),
        (lambda: TwoParameterLogistic.weakly_informative((1.0,), "mg", -1.0), "reference_dose"),
        (lambda: ModelAverage((EMPIRIC,), (0.5,)), "sum to 1"),
        (lambda: ModelAverage((EMPIRIC,), (0.5, 0.5)), "one a model"),
        (lambda: ModelAverage((EMPIRIC, Empiric((0.1, 0.2), 1.0)), (0.5, 0.5)), "same number of doses"),
        (lambda: quadrature(EMPIRIC).posterior(np.ones((1, 4), int), np.ones((1, 4), int)).quantile(1.0), "level"),
        (lambda: BetaBinomial(1).posterior(np.ones((1, 1), int), np.ones((1, 1), int)).quantile(0.0), "level"),
    ],
)
def test_what_is_refused(make, said):
    with pytest.raises(ValueError, match=said):
        make()


FOUR = (0.05, 0.12, 0.25, 0.40)
ALONE = {
    "empiric": (Empiric(FOUR, 1.16), OneParameter),
    "logistic": (OneParameterLogistic(FOUR, 1.16, 3.0), OneParameter),
    "falling": (OneParameterLogistic(FOUR, 0.5, -1.5), OneParameter),
    "average": (ModelAverage((Empiric(FOUR, 1.16), OneParameterLogistic(FOUR, 0.3)), (0.3, 0.7)), Mixture),
    "two parameters": (TwoParameterLogistic.weakly_informative((1.0, 2.0, 4.0, 9.0), "mg", 4.0), TwoParameter),
}
GIVEN = {
    "none": ((0, 0, 0, 0), (0, 0, 0, 0)),
    "few": ((3, 3, 6, 0), (0, 0, 2, 0)),
    "many": ((20, 30, 60, 90), (1, 3, 15, 40)),
}
SOME = np.array([0.05, 0.16, 0.33, 0.7])


@pytest.mark.parametrize("tally", GIVEN)
@pytest.mark.parametrize("name", ALONE)
def test_a_tally_by_itself(name, tally):
    model, oracle = ALONE[name]
    n, y = map(np.array, GIVEN[tally])
    posterior, exact = posterior_after(model, n, y), oracle(model, n, y)
    wanted = np.array([exact.mean_sd(j) for j in range(4)])
    np.testing.assert_allclose(posterior.mean()[0], wanted[:, 0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(posterior.sd()[0], wanted[:, 1], rtol=0, atol=2e-8)  # the root of rounding
    below = [[exact.cdf(j, rate) for j in range(4)] for rate in SOME.tolist()]
    np.testing.assert_allclose(posterior.below(SOME)[0], below, rtol=0, atol=1e-9)
    np.testing.assert_allclose(1 - posterior.prob(0.33)[0], below[2], rtol=0, atol=1e-9)
    for level in (0.05, 0.95):
        found = posterior.quantile(level)[0].tolist()
        reached = [exact.cdf(j, rate) for j, rate in enumerate(found) if 1e-300 < rate < 1 - 1e-12]
        np.testing.assert_allclose(reached, level, rtol=0, atol=1e-9)


def test_a_tally_by_itself_at_doses_that_were_given_and_independent_doses():
    n, y = np.array([6, 3]), np.array([1, 1])
    model, given = TwoParameterLogistic.weakly_informative((1.0, 2.0, 4.0, 9.0), "mg", 4.0), (1.5, 3.0)
    exact = TwoParameter(model, n, y, at=given)
    found = posterior_after(model, n, y, given).mean()[0]
    np.testing.assert_allclose(found, [exact.mean_sd(j)[0] for j in range(4)], rtol=0, atol=1e-9)
    np.testing.assert_allclose(posterior_after(BetaBinomial(2), n, y).mean()[0], [2 / 8, 2 / 5], atol=1e-15)
