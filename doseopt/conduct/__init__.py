"""Conduct of a running trial."""
