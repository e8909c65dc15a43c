"""The command line. Heavy imports happen inside the commands, so that ``doseopt --help`` starts at once."""

import doseopt.cli.amend
import doseopt.cli.calibrate
import doseopt.cli.examine
import doseopt.cli.limits
import doseopt.cli.next_dose
import doseopt.cli.paths
import doseopt.cli.study
import doseopt.cli.table
import doseopt.cli.verify
import doseopt.cli.walk  # noqa: F401 - they register their commands
from doseopt.cli.app import app, main

__all__ = ["app", "main"]
