"""Naming rules and definitions of right in a few words."""

from __future__ import annotations

DEFINITION_WORDS = {
    "closest": "closest to the target",
    "highest_below": "highest up to the target",
    "interval": "in an interval",
}
"""Rules of `MTDRule`: the dose that is right."""


def naming_words(naming: str) -> str:
    """Say on what a dose is named, from a naming rule of a comparison."""
    return {"any": "on any", "definition": "as defined"}.get(naming, f"on {naming}")
