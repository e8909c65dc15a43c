"""A small study that pages of the app are asked about."""

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
