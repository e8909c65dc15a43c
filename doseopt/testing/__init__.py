"""Conformance checks that any part must pass, the library's own and a reader's: one for each kind of part.

A check raises ``AssertionError`` with what was wanted, what came, and in which trial.
"""

from doseopt.testing.designs import check_design
from doseopt.testing.metrics import check_metric
from doseopt.testing.models import check_model
from doseopt.testing.modifiers import check_modifier

__all__ = ["check_design", "check_metric", "check_model", "check_modifier"]
