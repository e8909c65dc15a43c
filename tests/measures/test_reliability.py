"""Reliability by bins, by hand: one dose, six patients, independent uniform rates."""

import numpy as np
import pytest
from scipy.stats import beta

from doseopt import Exact, MTDRule, ThreePlusThree, make_scenarios
from doseopt.beliefs.right import Definitions
from doseopt.engines.outcomes import judged
from doseopt.measures.decisive import decisive_accuracy
from doseopt.measures.estimates import Estimates
from doseopt.measures.reliability import pooled, reliability
from doseopt.models.beta import BetaBinomial

RULE, RATES = MTDRule(0.25), np.array([0.3, 0.45])


def found():
    design = ThreePlusThree(doses=1, target=0.25)
    outcomes = judged(Exact()(design, make_scenarios(RATES[:, None])), RULE)
    estimates = Estimates(BetaBinomial(1), [outcomes], definitions=Definitions((RULE,), range(1)))
    estimates.run()
    return reliability(outcomes, estimates), decisive_accuracy(outcomes, design, estimates)


def test_three_plus_three_declares_after_0_or_1_dlt_in_six():
    """Pr(rate <= 0.35) is 0.951 after 0 of 6 and 0.756 after 1 of 6, Pr(rate > 1/3) 0.059 and 0.263: four bins."""
    ds = found()[0]
    for s, p in enumerate(RATES):
        none, one = (1 - p) ** 6, 6 * p * (1 - p) ** 5
        share = np.array([none, one]) / (none + one)
        said = [beta(1 + y, 7 - y).cdf(0.35) for y in (0, 1)], [beta(1 + y, 7 - y).sf(1 / 3) for y in (0, 1)]
        for e, (q, so) in enumerate(zip(said, (p <= 0.35, p > 1 / 3), strict=True)):
            at = ds.isel(scenario=s, event=e)
            bins = [int(10 * value) for value in q]
            assert at["reliability_share"].to_numpy()[bins] == pytest.approx(share, abs=1e-9)
            assert at["reliability_said"].to_numpy()[bins] == pytest.approx(q, abs=1e-7)
            assert at["reliability_true"].to_numpy()[bins].tolist() == [float(so)] * 2
            assert np.isnan(at["reliability_said"].to_numpy()).sum() == 8


def test_bins_add_up_to_what_is_said_and_true_on_average():
    ds, accuracy = found()
    share = ds["reliability_share"].isel(event=0)
    for binned, whole in (("said", "declared_p_right"), ("true", "declared_right")):
        mean = (share * ds[f"reliability_{binned}"].isel(event=0)).sum("bin")
        assert mean.to_numpy() == pytest.approx(accuracy[whole].to_numpy(), abs=1e-9)
    mass, said, true = pooled(ds.expand_dims("design"))
    assert mass.sum(axis=-1) == pytest.approx(1.0)
    both = ds["reliability_share"].isel(event=0).mean("scenario").to_numpy()
    assert mass[0, 0] == pytest.approx(both)
    assert np.nansum(mass[0, 0] * true[0, 0]) == pytest.approx(accuracy["declared_right"].mean().item())
    assert np.nansum(mass[0, 0] * said[0, 0]) == pytest.approx(accuracy["declared_p_right"].mean().item())
