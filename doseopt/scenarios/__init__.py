"""True DLT rates: labelled sets, published and random, what is right in them, and how truth becomes observation."""

from doseopt.scenarios.belief import (
    ACCURACY,
    BELIEFS,
    Belief,
    BeliefSpec,
    DrawnBelief,
    StatedBelief,
    belief_of_rates,
    integrated,
)
from doseopt.scenarios.dataset import concat_scenarios, make_scenarios, without_moderate
from doseopt.scenarios.family import LogisticFamily, logistic_rates
from doseopt.scenarios.generators import GENERATORS, MU_OF_GAP, clertant, paoletti
from doseopt.scenarios.published import PUBLISHED, PublishedSet, published
from doseopt.scenarios.transforms import (
    TRANSFORMS,
    ActualDose,
    Misattribution,
    Mixture,
    Transform,
    actual_dose,
    curve,
    misattribution,
    mixture,
)
from doseopt.scenarios.truth import MTDRule, above_mtd

__all__ = [
    "ACCURACY",
    "BELIEFS",
    "GENERATORS",
    "MU_OF_GAP",
    "PUBLISHED",
    "TRANSFORMS",
    "ActualDose",
    "Belief",
    "BeliefSpec",
    "DrawnBelief",
    "LogisticFamily",
    "MTDRule",
    "Misattribution",
    "Mixture",
    "PublishedSet",
    "StatedBelief",
    "Transform",
    "above_mtd",
    "actual_dose",
    "belief_of_rates",
    "clertant",
    "concat_scenarios",
    "curve",
    "integrated",
    "logistic_rates",
    "make_scenarios",
    "misattribution",
    "mixture",
    "paoletti",
    "published",
    "without_moderate",
]
