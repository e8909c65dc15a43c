"""Posteriors by PyMC and NUTS."""
