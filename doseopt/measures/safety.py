"""Measures of the aim of a titration, and of safety: patients below the MTD, and at rates that are too high."""

from __future__ import annotations

import numpy as np

from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.measures.endings import Endings, Truth, number_at
from doseopt.measures.metric import Metric


def patients_below_mtd(truth: Truth) -> FloatArray:
    """Patients treated below the lowest acceptable dose; nan where no dose is right."""
    return np.where(truth.nothing[:, None], np.nan, truth.below)


def never_reached(endings: Endings, truth: Truth) -> FloatArray:
    """1 if nobody is treated at an acceptable dose; nan where no dose is right."""
    return np.where(truth.nothing[:, None], np.nan, number_at(endings.n, truth.acceptable) == 0)


def _exposed(endings: Endings, truth: Truth) -> IntArray:
    return number_at(endings.n, truth.too_high)


def exposed_1(endings: Endings, truth: Truth) -> BoolArray:
    """1 if at least one patient is treated at a true rate above 1/3."""
    return _exposed(endings, truth) >= 1


def exposed_3(endings: Endings, truth: Truth) -> BoolArray:
    """1 if at least 3 patients in all are treated at true rates above 1/3."""
    return _exposed(endings, truth) >= 3


def exposed_6(endings: Endings, truth: Truth) -> BoolArray:
    """1 if at least 6 patients in all are treated at true rates above 1/3."""
    return _exposed(endings, truth) >= 6


def dlts_above_mtd(truth: Truth) -> BoolArray:
    """Patients with a DLT above the highest acceptable dose, at rates above the target."""
    return truth.above


def two_dlts_above_mtd(endings: Endings, truth: Truth) -> BoolArray:
    """1 if at least 2 patients have a DLT above the MTD."""
    return number_at(endings.y, truth.above) >= 2


def too_high_selection(truth: Truth) -> FloatArray:
    """1 if a dose with a true rate above 1/3 is selected."""
    return np.column_stack([np.zeros(len(truth.too_high)), truth.too_high]).astype(float)


_MANY = "are treated at true DLT rates above 1/3"
SAFETY = {
    "patients_below_mtd": Metric(patients_below_mtd, "patients", "expected patients below the MTD", -1, of="patients"),
    "underdosed": Metric(
        patients_below_mtd, "1", "expected share of the patients treated below the MTD", -1, of="share"
    ),
    "never_reached": Metric(never_reached, "1", "probability that nobody is treated at a right dose", -1),
    "exposed_1": Metric(exposed_1, "1", f"probability that at least 1 patient {_MANY}", -1),
    "exposed_3": Metric(exposed_3, "1", f"probability that at least 3 patients {_MANY}", -1),
    "exposed_6": Metric(exposed_6, "1", f"probability that at least 6 patients {_MANY}", -1),
    "dlts_above_mtd": Metric(dlts_above_mtd, "patients", "expected patients with a DLT above the MTD", -1, of="dlts"),
    "two_dlts_above_mtd": Metric(
        two_dlts_above_mtd, "1", "probability that at least 2 patients have a DLT above the MTD", -1
    ),
    "too_high_selection": Metric(
        too_high_selection, "1", "probability of selecting a dose with a true DLT rate above 1/3", -1, of="chosen"
    ),
}
"""By the name of the result variable."""
