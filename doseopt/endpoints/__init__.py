"""Endpoints beside the DLT, as arrays: scores of liver function, proportions with their intervals, survival."""
