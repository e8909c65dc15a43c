"""The command line. Heavy imports happen inside the commands, so that ``doseopt --help`` starts at once."""

# The commands register themselves, in the order in which ``doseopt --help`` names them.
# isort: off
import doseopt.cli.amend
import doseopt.cli.calibrate
import doseopt.cli.examine
import doseopt.cli.limits
import doseopt.cli.next_dose
import doseopt.cli.paths
import doseopt.cli.compare
import doseopt.cli.definitions
import doseopt.cli.posterior
import doseopt.cli.elicit
import doseopt.cli.record
import doseopt.cli.calendar
import doseopt.cli.new
import doseopt.cli.check
import doseopt.cli.keys
import doseopt.cli.completion
import doseopt.cli.table
import doseopt.cli.verify
import doseopt.cli.walk
import doseopt.cli.serve  # noqa: F401

# isort: on
from doseopt.cli.app import app, main

__all__ = ["app", "main"]
