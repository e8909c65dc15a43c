"""The command line. Heavy imports happen inside the commands, so that ``doseopt --help`` starts at once."""

import doseopt.cli.study  # noqa: F401 - registers its commands
from doseopt.cli.app import app, main

__all__ = ["app", "main"]
