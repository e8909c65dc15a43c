"""True DLT rates: labelled sets, published and random, what is right in them, and how truth becomes observation."""

from doseopt.scenarios.dataset import concat_scenarios, lacking, make_scenarios
from doseopt.scenarios.dose_curve import actual_dose, curve
from doseopt.scenarios.generators import GENERATORS, MU_OF_GAP, clertant, paoletti
from doseopt.scenarios.mtd_rule import MTDRule, above_mtd
from doseopt.scenarios.obd_rule import OBDRule
from doseopt.scenarios.published import PUBLISHED, PublishedSet, published
from doseopt.scenarios.transforms import (
    TRANSFORMS,
    ActualDose,
    Misattribution,
    Mixture,
    Transform,
    misattribution,
    mixture,
)

__all__ = [
    "GENERATORS",
    "MU_OF_GAP",
    "PUBLISHED",
    "TRANSFORMS",
    "ActualDose",
    "MTDRule",
    "Misattribution",
    "Mixture",
    "OBDRule",
    "PublishedSet",
    "Transform",
    "above_mtd",
    "actual_dose",
    "clertant",
    "concat_scenarios",
    "curve",
    "lacking",
    "make_scenarios",
    "misattribution",
    "mixture",
    "paoletti",
    "published",
]
