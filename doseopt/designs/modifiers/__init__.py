"""Rules laid over a design: run-in, restrictions on the dose, cohort sizes, stopping, demands, the cap on enrolment.

Each is a small frozen dataclass with a phase (see ``design.py``). What a rule leaves open, such as the target, is
filled in from the design it is laid over (``bind``).
"""

from doseopt.designs.modifiers.demand import DemandAtDose
from doseopt.designs.modifiers.restrict import Coherent, NoSkipping
from doseopt.designs.modifiers.rule import Rule
from doseopt.designs.modifiers.run_in import RunIn
from doseopt.designs.modifiers.sizes import CohortsByDLT, CohortsByDose, CohortsInOrder
from doseopt.designs.modifiers.stopping import EnoughAtDose, MaxEnrolled, MaxPatients, NarrowInterval, TooToxic

__all__ = [
    "MODIFIERS",
    "Coherent",
    "CohortsByDLT",
    "CohortsByDose",
    "CohortsInOrder",
    "DemandAtDose",
    "EnoughAtDose",
    "MaxEnrolled",
    "MaxPatients",
    "NarrowInterval",
    "NoSkipping",
    "Rule",
    "RunIn",
    "TooToxic",
]

MODIFIERS = {
    "run_in": RunIn,
    "no_skipping": NoSkipping,
    "coherent": Coherent,
    "cohorts_by_dose": CohortsByDose,
    "cohorts_by_dlt": CohortsByDLT,
    "cohorts_in_order": CohortsInOrder,
    "too_toxic": TooToxic,
    "enough_at_dose": EnoughAtDose,
    "narrow_interval": NarrowInterval,
    "demand_at_dose": DemandAtDose,
    "max_patients": MaxPatients,
    "max_enrolled": MaxEnrolled,
}
"""Kinds of modifier, by their name in a study file."""
