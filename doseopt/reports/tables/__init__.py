"""A comparison as text and as tidy data. Takes the Dataset of `doseopt.compare`, and nothing else."""

from doseopt.reports.sections.comparison import comparison_text, print_comparison
from doseopt.reports.sections.estimates import posterior_text, print_estimates, print_posterior
from doseopt.reports.sections.findings import findings
from doseopt.reports.tables.tidy import tidy

__all__ = [
    "comparison_text",
    "findings",
    "posterior_text",
    "print_comparison",
    "print_estimates",
    "print_posterior",
    "tidy",
]
