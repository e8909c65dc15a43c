"""What the averages of an amendment are called."""

from __future__ import annotations

STUDY_MODEL = "the study's model"
