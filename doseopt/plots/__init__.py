"""Figures: each from a Dataset, drawn when it is looked at. Those of a comparison are listed in ``drawings``."""
