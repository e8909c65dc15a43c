"""Studies that pages of the app are asked about: a small one, and one with a graph that takes long."""

SMALL = """
title = "Small"
target = 0.25
[doses]
labels = ["1", "2"]
[scenarios]
mild = [0.1, 0.25]
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 9 }]
"""

LARGE = """
title = "Large"
target = 0.25
[doses]
labels = ["1", "2", "3", "4", "5", "6", "7"]
[scenarios]
middle = [0.02, 0.05, 0.12, 0.25, 0.4, 0.55, 0.6]
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 12 }]
[designs.CRM]
kind = "crm"
cibp = 0.5
cohort = 1
skeleton = { prior_mtd = 4, halfwidth = 0.05 }
modifiers = [{ kind = "no_skipping" }, { kind = "max_patients", n = 30 }]
"""
