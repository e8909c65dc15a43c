"""A study small enough for reports to be made in a test."""

SMALL = """
title = "A small trial: two designs"
registry = "NCT00000000"
target = 0.25
planned_enrolment = 6

[doses]
labels = ["1", "2", "4"]
values = [1.0, 2.0, 4.0]
unit = "mg"
tolerance = 0.1

[posterior]
reference_dose = 2.0

[scenarios]
safe = { p_dlt = [0.02, 0.05, 0.20], reason = "Little is expected." }
middle = { p_dlt = [0.10, 0.26, 0.50], reason = "The second dose is right." }
"too toxic" = { p_dlt = [0.45, 0.60, 0.75], reason = "Nothing is right." }

[designs."ATD 6"]
kind = "accelerated_titration"
titrate = 1
modifiers = [{ kind = "max_patients", n = 6 }]

[designs."BOIN 9"]
kind = "boin"
modifiers = [{ kind = "run_in", levels = 1 }, { kind = "max_patients", n = 9 }]

[amendment]
registered = "ATD 6"
amended = ["BOIN 9"]
wanted = 0.5

[amendment.interims]
"a DLT in the first patient" = "1T"

[amendment.statements]
version = "Version 1.2 of 3 March 2026."
"""
