"""A comparison as text and as tidy data. Takes the Dataset of `doseopt.compare`, and nothing else."""

from doseopt.tables.comparison import comparison_text, print_comparison
from doseopt.tables.findings import findings
from doseopt.tables.tidy import tidy

__all__ = ["comparison_text", "findings", "print_comparison", "tidy"]
