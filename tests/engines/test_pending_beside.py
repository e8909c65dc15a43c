"""Trials simulated in two processes are those simulated in one."""

import sys

import pytest
import xarray as xr

from doseopt import TITECRM, SimulatePending, make_scenarios
from doseopt.clock.lattice import Gaps
from doseopt.core.beside import Beside
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients, TooToxic
from doseopt.engines import simulate_pending


@pytest.mark.skipif(sys.platform != "linux", reason="a process is copied on Linux alone")
def test_two_processes_simulate_the_same_trials(monkeypatch, two):
    design = Modified(
        TITECRM(doses=3, target=0.25, skeleton=(0.1, 0.25, 0.4), cohort=1), (TooToxic(confidence=0.9), MaxPatients(9))
    )
    engine = SimulatePending(Gaps(per_window=2.0, kind="poisson"), trials=25)
    scenarios = make_scenarios([[0.1, 0.3, 0.5], [0.2, 0.25, 0.3]])
    together = engine(design, scenarios)
    simulate_pending._run.cache_clear()
    monkeypatch.setattr(Beside, "processes", 1)
    xr.testing.assert_identical(engine(design, scenarios), together)
