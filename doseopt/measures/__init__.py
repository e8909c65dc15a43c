"""Measures of endings: operating characteristics, estimation, and what complete information would give."""
