"""``python -m doseopt.cli``."""

from doseopt.cli import main

main()
