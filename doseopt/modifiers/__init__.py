"""Rules laid over a design: run-in, restrictions on the dose, stopping, the cap on enrolment.

Each is a small frozen dataclass with a phase (see ``design.py``). What a rule leaves open, such as the target, is
filled in from the design it is laid over (``bind``).
"""

from doseopt.modifiers.restrict import Coherent, NoSkipping
from doseopt.modifiers.rule import Rule
from doseopt.modifiers.run_in import RunIn
from doseopt.modifiers.stopping import EnoughAtDose, MaxPatients, TooToxic

__all__ = ["MODIFIERS", "Coherent", "EnoughAtDose", "MaxPatients", "NoSkipping", "Rule", "RunIn", "TooToxic"]

MODIFIERS = {
    "run_in": RunIn,
    "no_skipping": NoSkipping,
    "coherent": Coherent,
    "too_toxic": TooToxic,
    "enough_at_dose": EnoughAtDose,
    "max_patients": MaxPatients,
}
"""Kinds of modifier, by their name in a study file."""
