"""Designs of a study, evaluated on shared scenarios."""
