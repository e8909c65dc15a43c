"""What no design can beat."""

from doseopt.limits.benchmark import benchmark_correct_selection, complete_information_benchmark

__all__ = ["benchmark_correct_selection", "complete_information_benchmark"]
