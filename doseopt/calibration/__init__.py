"""Free parameters of a design chosen by exact operating characteristics."""

from doseopt.calibration.objective import Objective, measures_of
from doseopt.calibration.search import Calibration, calibrate

__all__ = ["Calibration", "Objective", "calibrate", "measures_of"]
