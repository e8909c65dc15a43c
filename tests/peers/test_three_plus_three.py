"""3+3 and accelerated titration against bcrm, escalation, precautionary and PhIdesign."""

import pytest
from peers.reading import assert_operating_characteristics, grouped, read

from doseopt.designs import AcceleratedTitration, ThreePlusThree

VARIANTS = {
    "A_escalation_only": {"on_descent": "declare", "confirm_top": False},
    "B_deescalate": {"confirm_top": False},
    "C_deescalate_six_everywhere": {},
}
OC = grouped(read("three_plus_three_oc.csv"), "variant", "peer", "method")
TITRATION = grouped(read("atd_three_plus_three_exact.csv"), "acc_tit", "last_titration_dose")


@pytest.mark.parametrize("key", OC, ids=" ".join)
def test_operating_characteristics(key):
    """Every row is exact: none in this table is simulated, so none is compared within a standard error."""
    assert key[2] == "exact"
    assert_operating_characteristics(ThreePlusThree(doses=4, target=0.25, **VARIANTS[key[0]]), OC[key], atol=1e-9)


@pytest.mark.parametrize("key", TITRATION, ids="/".join)
def test_accelerated_titration(key):
    """PhIdesign 0.2.0 fills the last titration dose L to 3 where this package goes up: `titrate = L - 1`."""
    design = AcceleratedTitration(doses=4, target=0.25, titrate=int(key[1]) - 1 if key[0] == "1" else 0)
    assert_operating_characteristics(design, TITRATION[key], atol=1e-9)
