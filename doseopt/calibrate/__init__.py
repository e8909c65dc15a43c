"""Free parameters of a design chosen by exact operating characteristics."""

from doseopt.calibrate.objective import Objective, measures_of
from doseopt.calibrate.search import Calibration, calibrate

__all__ = ["Calibration", "Objective", "calibrate", "measures_of"]
