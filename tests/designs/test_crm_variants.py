"""CRM by maximum likelihood, with the hyperbolic-tangent model, and by convex infinite bounds penalisation.

Each against a second statement that shares no line with the package, and against what other software answers.
"""

import math
from itertools import pairwise

import numpy as np
import oracle
import pytest
from oracle_rules import Give, closest
from scipy import integrate, optimize

from doseopt import (
    BMACRM,
    CRM,
    TITECRM,
    Exact,
    Faults,
    IndifferenceInterval,
    MaxPatients,
    Modified,
    MTDRule,
    NoSkipping,
    SlopePrior,
    after,
    build_graph,
    judged,
    make_scenarios,
)
from doseopt import operating_characteristics as measures
from doseopt.models.curves import Empiric, OneParameterLogistic
from doseopt.models.most_likely import most_likely
from doseopt.models.penalised import expected_penalty
from doseopt.study.file import parse_study
from doseopt.testing import check_design

SKELETON = (0.05, 0.12, 0.25, 0.40, 0.55)
TRUTHS = [(0.05, 0.15, 0.3, 0.45), (0.4, 0.5, 0.6, 0.7), (0.01, 0.02, 0.05, 0.1)]


def compared(design, trials, truths=TRUTHS):
    """Selection, patients and DLTs of the exact engine beside those of the plain recursion."""
    found = measures(judged(Exact()(design, make_scenarios(truths)), MTDRule(0.25)))
    for i, p in enumerate(truths):
        chosen, patients, dlts = trials.evaluate(p)
        ours = found.isel(scenario=i)
        assert [ours["no_selection"].item(), *ours["selection"].values] == pytest.approx(chosen, abs=1e-11)
        assert ours["patients"].values == pytest.approx(patients, abs=1e-11)
        assert ours["dlts"].values == pytest.approx(dlts, abs=1e-11)


# Maximum likelihood


def test_estimates_and_doses_of_r_dfcrm():
    """17 patients, logistic, a_0 = 3, target 0.25: `crm(method = "mle")`, as tests of clintrials have its estimates."""
    levels = [3, 3, 1, 2, 2, 3, 3, 2, 3, 2, 1, 2, 1, 1, 1, 2, 2]
    dlts = [0, 1, 0, 0, 0, 0, 1, 0, 1, 1, 0, 1, 0, 0, 0, 0, 0]
    printed = [-312, -193, -99, -40, 30, -121, -84, -177, -284, -256, -336, -308, -286, -266, -240]  # thousandths
    design = CRM(doses=5, target=0.25, skeleton=SKELETON, model="logistic", estimate="mle", cohort=1, start=3)
    for k, b in enumerate(printed, start=2):
        seen = after(design, " ".join(f"{j}{'NT'[y]}" for j, y in zip(levels[:k], dlts[:k], strict=True)))
        assert most_likely(design.curve, seen.n, seen.y)[0] == pytest.approx(b / 1000, abs=0.00051)
        assert design.decide(seen).dose[0] + 1 == levels[k]


@pytest.mark.parametrize("model", [Empiric(SKELETON, 1.0), OneParameterLogistic(SKELETON, 1.0)])
def test_no_other_b_is_more_likely(model):
    rng = np.random.default_rng(7)
    n = rng.integers(0, 13, (40, 5))
    y = rng.binomial(n, 0.3)

    def minus_log(b, n, y):
        log_p = model.log_dlt_rate(np.array([b]), np)
        return -(y * log_p + (n - y) * np.log(-np.expm1(log_p))).sum()

    for b, own_n, own_y in zip(most_likely(model, n, y), n, y, strict=True):
        if np.isnan(b):
            assert own_y.sum() in (0, own_n.sum())
            continue
        best = optimize.minimize_scalar(minus_log, bounds=(-10, 10), args=(own_n, own_y), method="bounded")
        assert minus_log(b, own_n, own_y) <= best.fun + 1e-9


class SecondLikelihood(oracle.CRM):
    """O'Quigley & Shen: the b with the largest likelihood, by ternary search; before there is one, up or down."""

    def likeliest(self, trial):
        def log_likelihood(b):
            logs = [self.logs(b, j) for j in range(self.doses)]
            tally = zip(trial.n, trial.y, logs, strict=True)
            return sum(y * lp + (n - y) * lq for n, y, (lp, lq) in tally if n)

        low, high = -10.0, 10.0
        for _ in range(160):
            one, other = low + (high - low) / 3, high - (high - low) / 3
            low, high = (one, high) if log_likelihood(one) < log_likelihood(other) else (low, other)
        return low

    def estimates(self, trial):
        b = self.likeliest(trial)
        return {j: math.exp(self.logs(b, j)[0]) for j in range(self.doses)}

    def decide(self, trial):
        if sum(trial.y) == 0:
            return Give(min(trial.dose + 1, self.doses - 1), self.cohort)
        if sum(trial.y) == sum(trial.n):
            return Give(max(trial.dose - 1, 0), self.cohort)
        return Give(closest(self.estimates(trial), self.target), self.cohort)

    def mtd(self, trial, among=None):
        if sum(trial.y) == 0:
            return max(j for j, n in enumerate(trial.n) if n)
        if sum(trial.y) == sum(trial.n):
            return None
        return closest(self.estimates(trial), self.target)


@pytest.mark.parametrize("model", ["empiric", "logistic"])
def test_likelihood_crm_by_a_plain_recursion(model):
    skeleton = (0.08, 0.17, 0.25, 0.4)
    base = CRM(doses=4, target=0.25, skeleton=skeleton, model=model, estimate="mle", cohort=2)
    rule = SecondLikelihood(4, 0.25, cohort=2, skeleton=skeleton, model=model)
    compared(Modified(base, (MaxPatients(n=10), NoSkipping())), oracle.Trials(rule, no_skipping="last", cap=10))


def test_a_first_stage_is_followed_until_the_first_dlt():
    design = CRM(doses=4, target=0.25, skeleton=SKELETON[:4], estimate="mle", cohort=3, initial=(1, 1, 2, 3))
    # after 1NN 2T the likelihood 0.12^a (1 - 0.05^a)^2 is largest near a = 0.45, where 0.05^a is 0.26
    seen = {"1NN": (2, 1), "1NN 2N": (3, 1), "1NN 2N 3N": (4, 3), "1TT": (1, 3), "1NT": (1, 3), "1NN 2T": (1, 3)}
    for outcomes, wanted in seen.items():
        given = design.decide(after(design, outcomes))
        assert (given.dose[0] + 1, given.size[0]) == wanted, outcomes
    check_design(Modified(design, (MaxPatients(n=12),)))
    rows = {row.rule: row.reading for row in design.describe()}
    assert rows["next dose"] == "estimated DLT rate (by maximum likelihood) closest to 0.25, ties to the lower"
    assert rows["before there is an estimate"] == "one level up while nobody had a DLT, one down while everybody had"


# The hyperbolic-tangent model

CODED = (-1.47, -1.10, -0.69, -0.42, 0.0, 0.42)
"""Doses of O'Quigley, Pepe & Fisher 1990: rates of .05, .1, .2, .3, .5 and .7 at a = 1, which they print."""


@pytest.mark.parametrize("outcomes", ["3NNT", "3NNT 2NNN 3NTN", "3TTT 1NTN"])
@pytest.mark.parametrize("estimate", ["plugin", "mean"])
def test_hyperbolic_tangent_with_an_exponential_prior(outcomes, estimate):
    """Posterior means by adaptive quadrature in a, from the formula in the doses."""
    skeleton = tuple((math.tanh(x) + 1) / 2 for x in CODED)
    assert np.round(skeleton, 1).tolist() == [0.1, 0.1, 0.2, 0.3, 0.5, 0.7]
    assert skeleton[0] == pytest.approx(0.05, abs=5e-4)
    design = CRM(doses=6, target=0.2, skeleton=skeleton, model="tanh", estimate=estimate, start=3)
    seen = after(design, outcomes)
    n, y = seen.n[0], seen.y[0]

    def weight(a):
        p = ((np.tanh(CODED) + 1) / 2) ** a
        return math.exp(-a) * np.prod(p**y * (1 - p) ** (n - y))

    def mean(f):
        top = integrate.quad(lambda a: f(a) * weight(a), 0, 60, epsabs=1e-14)[0]
        return top / integrate.quad(weight, 0, 60, epsabs=1e-14)[0]

    if estimate == "plugin":
        a = mean(lambda a: a)
        wanted = [((math.tanh(x) + 1) / 2) ** a for x in CODED]
    else:
        wanted = [mean(lambda a, x=x: ((math.tanh(x) + 1) / 2) ** a) for x in CODED]
    assert design.estimated(seen)[0] == pytest.approx(wanted, abs=1e-8)
    assert design.decide(seen).dose[0] == np.abs(np.array(wanted) - 0.2).argmin()


def test_hyperbolic_tangent_in_words_and_what_it_refuses():
    crm = CRM(doses=4, target=0.25, skeleton=IndifferenceInterval(prior_mtd=2, halfwidth=0.05), model="tanh")
    assert crm.describe()[0].reading.endswith("exp(b) ~ Exponential(1)")
    assert crm.rates == CRM(doses=4, target=0.25, skeleton=crm.skeleton).rates
    check_design(Modified(crm, (MaxPatients(n=12),)))
    with pytest.raises(Faults, match="prior_sd: is not read with model = 'tanh'"):
        CRM(doses=4, target=0.25, skeleton=SKELETON[:4], model="tanh", prior_sd=0.5)


# Convex infinite bounds penalisation


def test_one_dlt_in_three_stays_as_in_r_escalation():
    """`select_dose_by_cibp(a = 0.3)`, tests of escalation: 1NTN stays at level 1, where the CRM itself goes to 2."""
    shared = {"doses": 5, "target": 0.33, "skeleton": (0.05, 0.1, 0.25, 0.4, 0.6)}
    plain, penalised = CRM(**shared), CRM(**shared, cibp=0.3)
    seen = after(plain, "1NTN")
    assert (plain.decide(seen).dose[0] + 1, penalised.decide(seen).dose[0] + 1) == (2, 1)


def second_penalty(rule, n, y, a):
    """The posterior mean of the penalty by adaptive quadrature; infinite where the exponents of exp(b) say so."""
    target = rule.target

    def log_weight(b, j=None):
        logs = [rule.logs(b, k) for k in range(rule.doses)]
        found = -0.5 * (b / rule.prior_sd) ** 2
        found += sum(y * lp + (n - y) * lq for n, y, (lp, lq) in zip(n, y, logs, strict=True) if n)
        if j is None:
            return found
        lp, lq = logs[j]
        away = abs(math.exp(lp) - target)
        return found - a * lp - (2 - a) * lq + 2 * math.log(away) if away else -math.inf

    def exponent(p):
        return -math.log(p) if rule.model == "empiric" else rule.intercept - math.log(p / (1 - p))

    held = sum(k * exponent(p) for k, p in zip(y, rule.skeleton, strict=True))
    shift = max(log_weight(b / 100) for b in range(-900, 900))
    low, high = -14 * rule.prior_sd, 9 * rule.prior_sd
    pieces = np.linspace(low, high, 47)

    def whole(j=None):
        parts = (
            integrate.quad(lambda b: math.exp(log_weight(b, j) - shift), u, v, epsabs=1e-12, epsrel=1e-10)[0]
            for u, v in pairwise(pieces)
        )
        return math.fsum(parts)

    total = whole()
    infinite = [a * exponent(p) > held + 1e-12 for p in rule.skeleton]
    return [math.inf if infinite[j] else whole(j) / total for j in range(rule.doses)]


@pytest.mark.parametrize("model", ["empiric", "logistic"])
@pytest.mark.parametrize("a", [0.25, 0.5, 1.0, 1.5])
def test_penalties_by_adaptive_quadrature(model, a):
    rule = oracle.CRM(4, 0.25, skeleton=(0.08, 0.17, 0.25, 0.4), model=model)
    kind = Empiric if model == "empiric" else OneParameterLogistic
    curve = kind((0.08, 0.17, 0.25, 0.4), math.sqrt(1.34))
    tallies = [((3, 0, 0, 0), (1, 0, 0, 0)), ((3, 3, 0, 0), (0, 1, 0, 0)), ((3, 3, 6, 0), (0, 0, 4, 0))]
    for n, y in tallies:
        found = expected_penalty(curve, np.array([n]), np.array([y]), 0.25, a)[0]
        assert found == pytest.approx(second_penalty(rule, n, y, a), rel=1e-7)


class SecondPenalised(oracle.CRM):
    """CRM by the least penalty; of doses without an expectation the highest, if there are no others."""

    a = 0.5

    def choice(self, trial):
        found = second_penalty(self, trial.n, trial.y, self.a)
        finite = {j: e for j, e in enumerate(found) if e < math.inf}
        return min(finite, key=lambda j: finite[j]) if finite else self.doses - 1

    def decide(self, trial):
        return Give(self.choice(trial), self.cohort)

    def mtd(self, trial, among=None):
        return self.choice(trial)


def test_a_penalised_crm_by_a_plain_recursion():
    skeleton = (0.1, 0.25, 0.4)
    base = CRM(doses=3, target=0.25, skeleton=skeleton, cibp=0.5)
    trials = oracle.Trials(SecondPenalised(3, 0.25, skeleton=skeleton), no_skipping="last", cap=6)
    compared(Modified(base, (MaxPatients(n=6), NoSkipping())), trials, [(0.05, 0.15, 0.3), (0.3, 0.4, 0.5)])


def test_what_has_no_expectation_comes_last():
    """No DLT: no dose has one, and the highest is taken. One at the third: a log s_j must be below log s_3."""
    design = CRM(doses=4, target=0.25, skeleton=(0.02, 0.1, 0.25, 0.5), cibp=1.0)
    assert design.decide(after(design, "1NNN 2NNN")).dose[0] + 1 == 4
    seen = after(design, "1NNN 2NNN 3NNT")
    penalty = expected_penalty(design.curve, seen.n, seen.y, 0.25, 1.0)[0]
    assert np.isinf(penalty).tolist() == [True, True, False, False]
    assert design.select_among(seen, np.zeros(1, int), np.array([[True, True, False, False]]))[0] + 1 == 2
    check_design(Modified(design, (MaxPatients(n=12),)))
    assert build_graph(Modified(design, (MaxPatients(n=9),))).counts()["endings"] > 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"cibp": 0.5, "estimate": "mle"}, "cibp: is a posterior expectation"),
        ({"cibp": 0.5, "model": "tanh"}, "cibp: wanted a normal prior of b with it"),
        ({"cibp": 2.0}, "cibp: wanted"),
    ],
)
def test_penalties_that_do_not_fit_are_refused(given, said):
    with pytest.raises(Faults, match=said):
        CRM(doses=3, target=0.25, skeleton=(0.1, 0.25, 0.4), **given)
    normal = SlopePrior("normal", mean=0.0, sd=1.0)
    assert CRM(doses=3, target=0.25, skeleton=(0.1, 0.25, 0.4), cibp=0.5, model="tanh", slope_prior=normal).cibp == 0.5


def test_penalties_averaged_over_models_by_one_plain_sum():
    """Sums over b of every model at once, on a fine grid; a dose without an expectation under one model has none."""
    skeletons, weights, a = ((0.08, 0.17, 0.25, 0.4), (0.02, 0.1, 0.3, 0.5)), (0.3, 0.7), 0.5
    design = BMACRM(doses=4, target=0.25, skeletons=skeletons, weights=weights, cibp=a)
    b = np.linspace(-14, 9, 400_001)
    for text, finite in (("1NNT", [1, 1, 1, 1]), ("1NNN 3NNT", [0, 1, 1, 1]), ("1NNN 2NNN 3NTTNNT", [1, 1, 1, 1])):
        seen = after(design, text)
        above, below = np.zeros(4), 0.0
        for skeleton, weight in zip(skeletons, weights, strict=True):
            log_p = np.exp(b)[:, None] * np.log(skeleton)
            log_q = np.log(-np.expm1(log_p))
            log_f = log_p @ seen.y[0] + log_q @ (seen.n - seen.y)[0] - b**2 / (2 * 1.34)
            with np.errstate(divide="ignore", over="ignore"):
                log_delta = 2 * np.log(np.abs(np.exp(log_p) - 0.25)) - a * log_p - (2 - a) * log_q
                above += weight * np.exp(log_f[:, None] + log_delta).sum(axis=0)
            below += weight * np.exp(log_f).sum()
        found = design.penalty(seen)[0]
        assert np.isfinite(found).tolist() == list(map(bool, finite))
        known = np.isfinite(found)
        assert found[known] == pytest.approx((above / below)[known], rel=1e-6)
        assert design.decide(seen).dose[0] == np.where(known, above, np.inf).argmin()


@pytest.mark.parametrize(("name", "value"), [("estimate", "mle"), ("cibp", 0.5)])
def test_pending_patients_are_for_plug_ins_and_means(name, value):
    with pytest.raises(Faults, match=f"{name}: .* where patients are pending"):
        TITECRM(doses=3, target=0.25, skeleton=(0.1, 0.25, 0.4), **{name: value})


def test_all_in_a_study_file():
    text = """
title = "A study"
target = 0.25
[doses]
labels = ["1", "2", "3"]
"""
    for name, line in {"A": 'estimate = "mle"', "B": 'model = "tanh"', "C": "cibp = 0.3"}.items():
        text += f'[designs.{name}]\nkind = "crm"\nskeleton = [0.1, 0.25, 0.4]\n{line}\n'
        text += 'modifiers = [{ kind = "max_patients", n = 9 }]\n'
    study = parse_study(text)
    assert parse_study(study.to_toml()) == study
    rules = [design.base for design in study.designs.values()]
    assert [(rule.estimate, rule.model, rule.cibp) for rule in rules] == [
        ("mle", "empiric", None),
        ("plugin", "tanh", None),
        ("plugin", "empiric", 0.3),
    ]


class Backwards(CRM):
    """A CRM with estimates of its own: the skeleton turned round, whatever was seen."""

    def estimated(self, state):
        return np.tile(self.rates[::-1], (len(state), 1))


@pytest.mark.parametrize("estimate", ["plugin", "mean"])
def test_a_design_with_estimates_of_its_own_is_asked_for_them(estimate):
    design = Backwards(doses=3, target=0.1, skeleton=(0.1, 0.3, 0.5), estimate=estimate)
    assert design.decide(after(design, "1NNN")).dose.tolist() == [2]
    assert design.select(after(design, "1NNN"), np.zeros(1, int)).tolist() == [2]
