"""Dose-toxicity models: each prior and curve stated once, and the posteriors computed from them."""
