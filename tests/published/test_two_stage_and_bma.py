"""CRM in two stages and averaged over skeletons: by hand, by the oracle's recursion, and by integrals written here.

Yin & Yuan 2009, JASA 104:954: the posterior probability of model k is proportional to its prior probability times its
marginal likelihood; the DLT rates are averaged with it.
"""

import itertools

import numpy as np
import oracle
import pytest
import strategies
from oracle_rules import Give
from scipy import integrate, stats
from test_behaviour import answer

from doseopt import BMACRM, CRM
from doseopt.core.parameters import Faults
from doseopt.core.trial import after
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import CohortsByDLT, MaxPatients
from doseopt.engines.exact import Exact
from doseopt.models.skeleton import IndifferenceInterval
from doseopt.scenarios import make_scenarios
from doseopt.study.file import parse_study

CAP = MaxPatients(n=18)
SKELETONS = ((0.05, 0.12, 0.25, 0.40), (0.15, 0.25, 0.38, 0.50), (0.02, 0.06, 0.12, 0.25))
WEIGHTS = (0.5, 0.2, 0.3)


def by_integral(n, y, skeleton, sd):
    """Marginal likelihood and posterior mean rates of the empiric model."""

    def weighted(f):
        def g(b):
            p = np.array(skeleton) ** np.exp(b)
            return f(p) * np.prod(p**y * (1 - p) ** (n - y)) * stats.norm.pdf(b, 0, sd)

        return integrate.quad(g, -10 * sd, 10 * sd, points=[-1, 0, 1], epsabs=1e-14, limit=400)[0]

    whole = weighted(lambda p: 1.0)
    return whole, np.array([weighted(lambda p, j=j: p[j]) for j in range(4)]) / whole


@pytest.mark.parametrize("outcomes", ["1NNN 2NNT", "1NNN 2NNN 3NTT", "1NNN 2NNN 3NNN 4NNT 4NTT"])
def test_the_average_over_skeletons(outcomes):
    design = BMACRM(doses=4, target=0.25, skeletons=SKELETONS, weights=WEIGHTS)
    state = after(design, outcomes)
    parts = [by_integral(state.n[0], state.y[0], s, np.sqrt(1.34)) for s in SKELETONS]
    posterior = np.array([w * whole for w, (whole, _) in zip(WEIGHTS, parts, strict=True)])
    mean = (posterior / posterior.sum()) @ np.stack([m for _, m in parts])
    np.testing.assert_allclose(design.estimated(state)[0], mean, atol=1e-7)
    assert answer(Modified(design, (CAP,)), outcomes)[0] == np.abs(mean - 0.25).argmin() + 1


def test_one_skeleton_is_the_crm_with_the_posterior_mean():
    design = BMACRM(doses=4, target=0.25, skeletons=SKELETONS[:1])
    crm = CRM(doses=4, target=0.25, skeleton=SKELETONS[0], estimate="mean")
    state = after(crm, "1NNN 2NNT 2NNT")
    np.testing.assert_allclose(design.estimated(state), crm.estimated(state), atol=1e-13)


def test_without_skeletons_there_is_one_for_each_prior_mtd():
    rates = BMACRM(doses=4, target=0.25).rates
    assert [rate[k] for k, rate in enumerate(rates)] == [0.25] * 4
    # published.md: (5, 3, .25, .05) without its last dose
    np.testing.assert_allclose(rates[2], [0.083973, 0.156741, 0.25, 0.354500], atol=1e-6)


def test_faults_of_an_average():
    with pytest.raises(Faults, match=r"(?s)skeletons\[1\]: wanted 4 rates.*weights: wanted 2 weights"):
        BMACRM(doses=4, target=0.25, skeletons=(SKELETONS[0], (0.1, 0.2)), weights=WEIGHTS)
    with pytest.raises(Faults, match="skeleton 1: wanted increasing rates"):
        BMACRM(doses=2, target=0.25, skeletons=((0.2, 0.1),))


TWO_STAGE = CRM(
    doses=4, target=0.25, skeleton=IndifferenceInterval(prior_mtd=3, halfwidth=0.05), initial=(1, 2, 2, 3, 3, 3, 3, 4)
)


@pytest.mark.parametrize(
    ("outcomes", "wanted"),
    [
        ("", (1, 1)),
        ("1N", (2, 2)),
        ("1N 2NN", (3, 3)),
        ("1N 2NN 3NNN", (3, 1)),
        ("1N 2NN 3NNN 3N", (4, 1)),
    ],
)
def test_the_first_stage_follows_the_sequence_in_cohorts_of_at_most_three(outcomes, wanted):
    assert answer(Modified(TWO_STAGE, (CAP,)), outcomes) == wanted


@pytest.mark.parametrize("outcomes", ["1T", "1N 2NT", "1N 2NN 3NNN 3N 4N", "1N 2NT 1NNN"])
def test_from_the_first_dlt_on_or_after_the_sequence_the_model_decides(outcomes):
    one_stage = CRM(doses=4, target=0.25, skeleton=TWO_STAGE.skeleton)
    assert answer(Modified(TWO_STAGE, (CAP,)), outcomes) == answer(Modified(one_stage, (CAP,)), outcomes)


class TwoStage(oracle.CRM):
    """The oracle's CRM behind an initial sequence, one entry a patient."""

    def first(self):
        return self.stage(0)

    def stage(self, seen):
        run = itertools.takewhile(lambda level: level == self.initial[seen], self.initial[seen:])
        return Give(self.initial[seen] - 1, min(len(list(run)), self.cohort))

    def decide(self, trial):
        seen = sum(trial.n)
        return super().decide(trial) if any(trial.y) or seen >= len(self.initial) else self.stage(seen)


@pytest.mark.parametrize(
    ("initial", "modifiers"),
    [
        ((1, 2, 2, 3, 3, 3, 3, 4), {"cap": 12}),
        ((1, 1, 2), {"no_skipping": "last", "coherent": "cohort", "cap": 10}),
        ((2, 2, 1, 4, 4), {"no_skipping": "highest", "too_toxic": (0.8, 0.3), "cap": 11}),
        ((1,) * 7, {"enough": (6, "recommended", True), "cap": 12}),
    ],
)
def test_two_stages_by_a_recursion_over_outcomes(initial, modifiers):
    options = {"doses": 4, "target": 0.25, "skeleton": SKELETONS[0], "start": initial[0], "initial": initial}
    wanted = oracle.Trials(TwoStage(**options), **modifiers)
    rates = [(0.05, 0.15, 0.30, 0.45), (0.22, 0.25, 0.28, 0.31), (0.01, 0.03, 0.08, 0.33)]
    outcomes = Exact()(Modified(CRM(**options), strategies.modifiers_of(modifiers)), make_scenarios(rates))
    weight, chosen = outcomes["weight"].to_numpy(), outcomes["selected"].to_numpy()
    found = weight @ (chosen[:, None] == np.arange(-1, 4)), *(weight @ outcomes[name].to_numpy() for name in "ny")
    for part, each in zip(found, zip(*map(wanted.evaluate, rates), strict=True), strict=True):
        np.testing.assert_allclose(part, np.array(each), rtol=0, atol=1e-10)


def test_faults_of_two_stages():
    options = {"doses": 4, "target": 0.25, "skeleton": SKELETONS[0]}
    with pytest.raises(Faults, match="initial: wanted levels of 1 to 4, got 5"):
        CRM(initial=(1, 5), **options)
    with pytest.raises(Faults, match="start: wanted 2, where initial begins"):
        CRM(initial=(2, 3), **options)
    with pytest.raises(Faults, match="initial: wanted dose levels counted from 1"):
        CRM(initial=(), **options)
    with pytest.raises(Faults, match="leaves the cohort size open"):
        Modified(TWO_STAGE, (CohortsByDLT(before=1, after=3), CAP))


def test_both_in_a_study_file():
    study = parse_study(
        """
title = "t"
target = 0.25
[doses]
labels = ["a", "b"]
[scenarios]
"m" = [0.1, 0.3]
[designs.A]
kind = "bma_crm"
skeletons = [[0.1, 0.25], [0.25, 0.4]]
modifiers = [{ kind = "max_patients", n = 6 }]
[designs.B]
kind = "crm"
skeleton = [0.1, 0.25]
initial = [1, 1, 2, 2]
modifiers = [{ kind = "max_patients", n = 6 }]
"""
    )
    assert parse_study(study.to_toml()) == study
