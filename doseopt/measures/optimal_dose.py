"""Measures of a study that says what the optimal biological dose is: of any design, whether or not it sees efficacy.

All are linear in what is selected or in the patients at each dose: what becomes of a patient does not depend on why a
dose was given.
"""

from __future__ import annotations

import numpy as np

from doseopt.core.state import BoolArray, FloatArray
from doseopt.measures.endings import Truth
from doseopt.measures.metric import Metric


def correct_obd_selection(truth: Truth) -> FloatArray:
    """1 if the OBD is selected, or none where no dose is within the limits."""
    obd = truth.optimal.obd
    return np.column_stack([~obd.any(axis=1), obd]).astype(float)


def selected_utility(truth: Truth) -> FloatArray:
    """Return the mean utility of a patient at the dose selected, 0 where none is."""
    return np.column_stack([np.zeros(len(truth.p_dlt)), truth.optimal.utility])


def at_obd(truth: Truth) -> BoolArray:
    """Patients treated at the OBD."""
    return truth.optimal.obd


def responses(truth: Truth) -> FloatArray:
    """Patients with efficacy: n_j times the rate."""
    return truth.optimal.p_eff


OF_OBD = {
    "correct_obd_selection": Metric(
        correct_obd_selection, "1", "probability of correct selection of the OBD", 1, of="chosen"
    ),
    "selected_utility": Metric(
        selected_utility, "utility", "mean utility of a patient at the dose selected, 0 if none is", 1, of="chosen"
    ),
    "patients_at_obd": Metric(at_obd, "patients", "expected patients at the OBD", 1, of="patients"),
    "allocation_at_obd": Metric(at_obd, "1", "expected share of the patients treated at the OBD", 1, of="share"),
    "responses": Metric(responses, "patients", "expected patients with efficacy", 1, of="patients"),
}
"""By the name of the result variable."""
