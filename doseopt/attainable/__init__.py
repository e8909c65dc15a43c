"""The attainable: what no design can beat."""

from doseopt.attainable.accuracy import error_of
from doseopt.attainable.optimal import Optimum, bayes_optimal
from doseopt.attainable.rules import Rules

__all__ = [
    "Optimum",
    "Rules",
    "bayes_optimal",
    "error_of",
]
