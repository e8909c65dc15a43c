"""The two-parameter CRM against R trialr (Stan) and against whole trials with posteriors on a grid of its own."""

import json

import numpy as np
import oracle
import pytest
from oracle_rules import Give, Rule, closest
from peers.reading import read
from scipy.special import expit

from doseopt import (
    Exact,
    Faults,
    IndifferenceInterval,
    MaxPatients,
    Modified,
    MTDRule,
    NoSkipping,
    TwoParameterCRM,
    after,
    judged,
    make_scenarios,
)
from doseopt import operating_characteristics as measures
from doseopt.study.file import parse_study


def test_logistic2_of_r_trialr():
    """trialr A200: skeleton .05 .15 .25 .4 .6, alpha ~ N(0, 1), log beta ~ N(0, 1), 2NN 3NN 4TT; 4,000 draws."""
    unit = ((1.0, 0.0), (0.0, 1.0))
    design = TwoParameterCRM(doses=5, target=0.25, skeleton=(0.05, 0.15, 0.25, 0.4, 0.6), mean=(0.0, 0.0), cov=unit)
    rows = [row for row in read("trialr_bcrm_posterior.csv") if row["case"] == "logistic2"]
    means = [row for row in rows if row["quantity"].startswith("mean@")]
    assert len(means) >= 3
    for row in means:
        found = design.estimated(after(design, json.loads(row["inputs"])["outcomes"]))[0]
        dose = int(row["quantity"].removeprefix("mean@"))
        assert found[dose - 1] == pytest.approx(float(row["theirs"]), abs=float(row["granted"]))


class OnAGrid(Rule):
    """Posterior means by Gauss-Hermite quadrature in both parameters, 120 nodes each."""

    def __init__(self, doses, skeleton, mean, sd, **options):
        super().__init__(doses, 0.25, **options)
        z, w = np.polynomial.hermite_e.hermegauss(120)
        log_a, log_b = (m + s * z for m, s in zip(mean, sd, strict=True))
        x = (np.log(np.array(skeleton) / (1 - np.array(skeleton))) - mean[0]) / np.exp(mean[1])
        eta = log_a[:, None, None] + np.exp(log_b)[None, :, None] * x
        self.p, self.prior, self.known = expit(eta), np.outer(w, w), {}

    def estimates(self, trial):
        key = trial.n, trial.y
        if key not in self.known:
            n, y = np.array(trial.n), np.array(trial.y)
            weight = self.prior * np.prod(self.p**y * (1 - self.p) ** (n - y), axis=2)
            self.known[key] = (weight[..., None] * self.p).sum(axis=(0, 1)) / weight.sum()
        return dict(enumerate(self.known[key].tolist()))

    def decide(self, trial):
        return Give(closest(self.estimates(trial), self.target), self.cohort)

    def mtd(self, trial, among=None):
        return closest(self.estimates(trial), self.target)


@pytest.mark.parametrize("mean", [None, (-0.5, 0.3)])
def test_operating_characteristics_by_a_plain_recursion(mean):
    truths = [(0.05, 0.15, 0.3, 0.45), (0.4, 0.5, 0.6, 0.7)]
    skeleton = (0.08, 0.17, 0.25, 0.4)
    design = Modified(
        TwoParameterCRM(doses=4, target=0.25, skeleton=skeleton, mean=mean), (MaxPatients(15), NoSkipping())
    )
    rule = OnAGrid(4, skeleton, mean or (np.log(1 / 3), 0.0), (1.5, 0.7))
    trials = oracle.Trials(rule, no_skipping="last", cap=15)
    found = measures(judged(Exact()(design, make_scenarios(truths)), MTDRule(0.25)))
    for i, p in enumerate(truths):
        chosen, patients, _ = trials.evaluate(p)
        ours = found.isel(scenario=i)
        assert [ours["no_selection"].item(), *ours["selection"].values] == pytest.approx(chosen, abs=1e-11)
        assert ours["patients"].values == pytest.approx(patients, abs=1e-11)


def test_at_the_prior_means_the_rates_are_the_skeleton():
    skeleton = (0.05, 0.15, 0.25, 0.4)
    for mean in (None, (0.0, 0.0), (-1.0, 0.5)):
        curve = TwoParameterCRM(doses=4, target=0.25, skeleton=skeleton, mean=mean).curve
        assert np.exp(curve.log_dlt_rate(np.array(curve.mean), np)) == pytest.approx(skeleton, abs=1e-14)


def test_a_prior_too_wide_for_shared_nodes():
    """With sds of 10 tallies are integrated each on panels of its own; by symmetry the estimate is 1/2 at x = 0."""
    wide = ((100.0, 0.0), (0.0, 100.0))
    design = TwoParameterCRM(doses=3, target=0.5, skeleton=(0.3, 0.5, 0.7), cov=wide)
    found = design.estimated(after(design, "2NT 2NT"))[0]
    assert found[1] == pytest.approx(0.5, abs=1e-9)
    assert found[0] == pytest.approx(1 - found[2], abs=1e-9)


def test_what_it_refuses():
    with pytest.raises(Faults, match="skeleton: wanted 3 rates, one a dose, got 2"):
        TwoParameterCRM(doses=3, target=0.25, skeleton=(0.1, 0.2))
    with pytest.raises(Faults, match=r"skeleton\.prior_mtd: wanted a level of 1 to 3, got 4"):
        TwoParameterCRM(doses=3, target=0.25, skeleton=IndifferenceInterval(prior_mtd=4, halfwidth=0.05))
    with pytest.raises(Faults, match="mean: wanted means that give pseudo-doses of -100 to 100"):
        TwoParameterCRM(doses=3, target=0.25, skeleton=(0.1, 0.2, 0.4), mean=(0.0, -8.0))
    with pytest.raises(Faults, match="mean: wanted two numbers"):
        TwoParameterCRM(doses=3, target=0.25, skeleton=(0.1, 0.2, 0.4), mean="flat")


def test_in_a_study_file():
    text = """
title = "A study"
target = 0.25
[doses]
labels = ["1", "2", "3"]
[designs.Two]
kind = "two_parameter_crm"
skeleton = { prior_mtd = 2, halfwidth = 0.05 }
cov = [[1, 0], [0, 0.25]]
modifiers = [{ kind = "max_patients", n = 9 }]
"""
    study = parse_study(text)
    assert parse_study(study.to_toml()) == study
    assert study.designs["Two"].base.cov == ((1.0, 0.0), (0.0, 0.25))


def test_a_calibration_tunes_its_prior():
    design = TwoParameterCRM(doses=3, target=0.25, skeleton=(0.1, 0.25, 0.4))
    assert [one.name for one in design.tunable()] == ["mean_log_a", "sd_log_a", "mean_log_b", "sd_log_b", "cohort"]
    tuned = design.tuned({"mean_log_b": 0.2, "sd_log_b": 0.5, "cohort": 2})
    assert (tuned.means[1], tuned.cov[1][1], tuned.cohort) == (0.2, 0.25, 2)
    assert tuned.means[0] == design.means[0]
