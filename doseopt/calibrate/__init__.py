"""Free parameters of a design chosen by exact operating characteristics."""

from doseopt.calibrate.objective import MEASURES, Objective, measures_of
from doseopt.calibrate.search import Calibration, calibrate

__all__ = ["MEASURES", "Calibration", "Objective", "calibrate", "measures_of"]
