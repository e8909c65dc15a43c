"""What not waiting gains: the design it is compared with, and gains of the same simulated patients."""

from dataclasses import replace

import numpy as np
import pytest
from small_study import SMALL

from doseopt import BOIN, CRM, TITEBOIN, ExactWherePossible, RollingSix, Simulate, ThreePlusThree
from doseopt.clock.arrivals import Accrual
from doseopt.comparison.compare import compare
from doseopt.designs.waiting import followed_up
from doseopt.study.clock import Clock
from doseopt.study.file import parse_study

DESIGNS = """
[designs."3+3"]
kind = "three_plus_three"
on_descent = "six"

[designs."Rolling six"]
kind = "rolling_six"

[designs."TITE-BOIN 9"]
kind = "tite_boin"
modifiers = [{ kind = "max_patients", n = 9 }, { kind = "run_in", levels = 1 }]

[designs."TITE-BOIN 12"]
kind = "tite_boin"
modifiers = [{ kind = "max_patients", n = 12 }]
"""
CLOCK = """
[clock]
window = 28
accrual = { kind = "fixed", per_window = 2 }
also_per_month = [0.5, 8.7]
"""
STUDY = parse_study(SMALL.split("[amendment]")[0] + DESIGNS + CLOCK)


def test_the_design_that_waits_has_the_parameters_of_the_one_that_does_not():
    tite = TITEBOIN(doses=3, target=0.3, cutoff=0.9, cohort=2, estimate="ess", suspend_from=3)
    assert followed_up(tite) == BOIN(doses=3, target=0.3, cutoff=0.9, cohort=2)
    six = ThreePlusThree(doses=3, target=0.3, on_descent="six", confirm_top=False)
    assert followed_up(RollingSix(doses=3, target=0.3, six_at_mtd=False)) == six
    assert followed_up(six) is None
    assert followed_up(CRM(doses=3, target=0.3, skeleton=(0.1, 0.3, 0.5))) is None


@pytest.fixture(scope="module")
def exact():
    return compare(STUDY, posteriors=False)


def test_pairs_are_found_whatever_the_order_of_their_modifiers(exact):
    found = dict(zip(exact["design"].values.tolist(), exact["waits_as"].values.tolist(), strict=True))
    assert found == {"ATD 6": "", "BOIN 9": "", "3+3": "", "Rolling six": "3+3"} | {
        "TITE-BOIN 9": "BOIN 9",
        "TITE-BOIN 12": "",
    }


def test_each_pace_is_that_of_a_study_of_its_own(exact):
    """Where gaps are longer than the window nobody is pending, and TITE-BOIN is BOIN."""
    assert exact["pace"].values[[0, 2]].tolist() == [0.5, 8.7]
    for pace in (0.5, 8.7):
        own = compare(replace(STUDY, clock=Clock(28, Accrual("fixed", per_month=pace))), posteriors=False)
        for name in ("correct_selection", "overdose_selection"):
            np.testing.assert_allclose(exact[f"{name}_at_pace"].sel(pace=pace), own[name], rtol=0, atol=1e-13)
        for name in ("correct_gain", "overdose_gain"):
            np.testing.assert_allclose(exact[f"{name}_at_pace"].sel(pace=pace), own[name], rtol=0, atol=1e-13)
    slow = exact.sel(pace=0.5)
    assert slow["correct_gain_at_pace"].sel(design="TITE-BOIN 9").item() == pytest.approx(0, abs=1e-12)
    mean = exact["correct_selection"].mean("scenario")
    gain = mean.sel(design="TITE-BOIN 9") - mean.sel(design="BOIN 9")
    assert exact["correct_gain"].sel(design="TITE-BOIN 9").item() == pytest.approx(gain.item(), abs=1e-13)
    assert (exact["correct_gain_mcse"].sel(design="TITE-BOIN 9") == 0).all()
    assert np.isnan(exact["correct_gain"].sel(design=["BOIN 9", "TITE-BOIN 12"])).all()


def test_gains_of_simulated_designs_are_those_of_the_same_patients(exact):
    """Simulated, the gain agrees with the exact one within its error, which is well below that of two designs."""
    drawn = compare(STUDY, ExactWherePossible(simulate=Simulate(2000, 5)), posteriors=False)
    np.testing.assert_array_equal(drawn["correct_gain"], exact["correct_gain"])  # exact where it can be
    drawn = compare(STUDY, Simulate(2000, 5), posteriors=False)
    for name in ("correct_gain", "overdose_gain"):
        for design in ("Rolling six", "TITE-BOIN 9"):
            found, wanted = (ds[f"{name}_at_pace"].sel(design=design) for ds in (drawn, exact))
            error = drawn[f"{name}_at_pace_mcse"].sel(design=design)
            assert (np.abs(found - wanted) <= 4 * error + 1e-12).all()
    apart = drawn["correct_selection_mcse"].mean("scenario").sel(design="TITE-BOIN 9")
    assert drawn["correct_gain_mcse"].sel(design="TITE-BOIN 9") < apart / 2
    assert drawn["correct_gain_at_pace"].sel(pace=0.5, design="TITE-BOIN 9").item() == 0


def test_a_study_without_such_designs_has_nothing_of_it():
    ds = compare(parse_study(SMALL.split("[amendment]")[0] + CLOCK), posteriors=False)
    assert not [name for name in (*ds.data_vars, *ds.coords) if "gain" in str(name) or name == "waits_as"]
