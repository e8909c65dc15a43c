"""Rules laid over a design: run-in, restrictions on the dose, cohort sizes, stopping, demands, the cap on enrolment.

Each is a small frozen dataclass with a phase (see ``design.py``). What a rule leaves open, such as the target, is
filled in from the design it is laid over (``bind``).
"""

from doseopt.designs.modifiers.caps import MaxEnrolled, MaxPatients
from doseopt.designs.modifiers.conditions import (
    BelowLowest,
    DLTsSeen,
    EnoughPatients,
    Repeated,
    TargetProbability,
)
from doseopt.designs.modifiers.demand import DemandAtDose
from doseopt.designs.modifiers.increments import MaxRatio
from doseopt.designs.modifiers.joined import AllOf, AnyOf
from doseopt.designs.modifiers.restrict import Coherent, NoSkipping, NoSkippingDown
from doseopt.designs.modifiers.rule import Rule
from doseopt.designs.modifiers.run_in import RunIn
from doseopt.designs.modifiers.safety import BetaSafety
from doseopt.designs.modifiers.sizes import CohortRange, CohortsByDLT, CohortsByDose, CohortsInOrder
from doseopt.designs.modifiers.stopping import EnoughAtDose, NarrowInterval, TooToxic
from doseopt.designs.modifiers.titrate import Titrate

__all__ = [
    "JOINED",
    "MODIFIERS",
    "AllOf",
    "AnyOf",
    "BelowLowest",
    "BetaSafety",
    "Coherent",
    "CohortRange",
    "CohortsByDLT",
    "CohortsByDose",
    "CohortsInOrder",
    "DLTsSeen",
    "DemandAtDose",
    "EnoughAtDose",
    "EnoughPatients",
    "MaxEnrolled",
    "MaxPatients",
    "MaxRatio",
    "NarrowInterval",
    "NoSkipping",
    "NoSkippingDown",
    "Repeated",
    "Rule",
    "RunIn",
    "TargetProbability",
    "Titrate",
    "TooToxic",
]

MODIFIERS = {
    "titrate": Titrate,
    "run_in": RunIn,
    "no_skipping": NoSkipping,
    "no_skipping_down": NoSkippingDown,
    "max_ratio": MaxRatio,
    "coherent": Coherent,
    "beta_safety": BetaSafety,
    "cohorts_by_dose": CohortsByDose,
    "cohorts_by_dlt": CohortsByDLT,
    "cohorts_in_order": CohortsInOrder,
    "cohort_range": CohortRange,
    "too_toxic": TooToxic,
    "enough_at_dose": EnoughAtDose,
    "narrow_interval": NarrowInterval,
    "target_probability": TargetProbability,
    "repeated": Repeated,
    "dlts_seen": DLTsSeen,
    "enough_patients": EnoughPatients,
    "below_lowest": BelowLowest,
    "demand_at_dose": DemandAtDose,
    "max_patients": MaxPatients,
    "max_enrolled": MaxEnrolled,
}
"""Kinds of modifier, by their name in a study file."""

JOINED = {"all": AllOf, "any": AnyOf}
"""Ways to join rules that end a trial, by the key of the table that lists them."""
