"""Beliefs about the DLT rates: weighted scenarios, means over them, and what trials are worth."""

from doseopt.beliefs.belief import (
    ACCURACY,
    BELIEFS,
    Belief,
    BeliefSpec,
    DrawnBelief,
    StatedBelief,
    belief_of_rates,
    integrated,
)
from doseopt.beliefs.logistic import LogisticFamily, logistic_rates

__all__ = [
    "ACCURACY",
    "BELIEFS",
    "Belief",
    "BeliefSpec",
    "DrawnBelief",
    "LogisticFamily",
    "StatedBelief",
    "belief_of_rates",
    "integrated",
    "logistic_rates",
]
