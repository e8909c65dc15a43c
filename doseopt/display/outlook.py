"""Names of the averages of an amendment."""

from __future__ import annotations

STUDY_MODEL = "the study's model"
STUDY_BELIEF = "the study's belief"
