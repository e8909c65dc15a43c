"""What no design can beat."""

from doseopt.limits.benchmark import benchmark_beside, complete_information_benchmark
from doseopt.limits.optimal import Optimum, Rules, bayes_optimal
from doseopt.limits.value import error_of, expected_utility

__all__ = [
    "Optimum",
    "Rules",
    "bayes_optimal",
    "benchmark_beside",
    "complete_information_benchmark",
    "error_of",
    "expected_utility",
]
