"""BOIN against R's BOIN 2.7.2."""

import functools

import numpy as np
import pytest
from peers.reading import assert_operating_characteristics, grouped, read, tallies, vector
from scipy.optimize import isotonic_regression

from doseopt.core.state import NONE, TrialState
from doseopt.designs import BOIN
from doseopt.designs.interval import beta_tail
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import EnoughAtDose, MaxPatients
from doseopt.designs.selection import isotonic

R = functools.partial(BOIN, tie="stay")  # from 2.7.2 an exact tie at lambda_d stays

BOUNDARIES = grouped(read("boin_boundaries.csv"), "target", "p_saf", "p_tox", "cutoff_eli", "extrasafe", "offset")


@pytest.mark.parametrize("key", BOUNDARIES, ids="/".join)
def test_boundaries(key):
    """`get.boundary`, every row: n = 1 to 45."""
    target, p_saf, p_tox, cutoff, extra_safe, offset = key
    target = float(target)
    design = R(
        doses=3,
        target=target,
        saf=float(p_saf) / target,
        tox=float(p_tox) / target,
        cutoff=float(cutoff),
        extra_safe=extra_safe == "TRUE",
        offset=float(offset),
    )
    for row in BOUNDARIES[key]:
        np.testing.assert_allclose(
            [design.lambda_e, design.lambda_d], [float(row["lambda_e"]), float(row["lambda_d"])], rtol=1e-13
        )
        n = int(row["n"])
        y = np.arange(n + 1)
        zero = np.zeros_like(y)
        state = TrialState(
            np.stack([zero, zero + n, zero], 1), np.stack([zero, y, zero], 1), zero + 1, np.zeros((n + 1, 0), np.int64)
        )
        move = np.where(y <= int(row["escalate_le"]), 2, np.where(y >= int(row["deescalate_ge"]), 0, 1))
        np.testing.assert_array_equal(design.decide(state).dose, move)
        out = [row["eliminate_ge"] != "" and k >= int(row["eliminate_ge"]) for k in y]
        np.testing.assert_array_equal(~design.admissible(state)[:, 1], out)
        lowest = row["stop_lowest_ge"] or row["eliminate_ge"]
        state = TrialState(
            np.stack([zero + n, zero, zero], 1), np.stack([y, zero, zero], 1), zero, np.zeros((n + 1, 0), np.int64)
        )
        np.testing.assert_array_equal(design.decide(state).stop != 0, [lowest != "" and k >= int(lowest) for k in y])


SELECT = grouped(read("boin_select_mtd.csv"), "K", "target", "cutoff_eli", "extrasafe", "offset", "boundMTD", "p_tox")


@pytest.mark.parametrize("key", SELECT, ids="/".join)
def test_select_mtd(key):
    """`select.mtd`, every row: the MTD and the isotonic estimates that it prints (those of all tried doses)."""
    doses, target, cutoff, extra_safe, offset, bounded, p_tox = key
    target = float(target)
    design = R(
        doses=int(doses),
        target=target,
        tox=float(p_tox) / target,
        cutoff=float(cutoff),
        extra_safe=extra_safe == "TRUE",
        offset=float(offset),
        bounded=bounded == "TRUE",
    )
    rows = SELECT[key]
    state = tallies([vector(row["n"], int) for row in rows], [vector(row["y"], int) for row in rows])
    none = np.array([row["none"] == "TRUE" for row in rows])
    wanted = np.array([int(row["mtd"]) for row in rows])
    assert ((wanted == 99) == none).all()
    stop = np.where(design.admissible(state)[:, 0], 0, 1)
    np.testing.assert_array_equal(design.select(state, stop), np.where(none, NONE, wanted - 1))

    estimate = isotonic(state.n, state.y, state.tried)
    for row, n, y, found in zip(rows, state.n, state.y, estimate, strict=True):
        tried = n > 0
        printed = [p for p, t in zip(row["phat_iso_2dp"].split("|"), tried, strict=True) if t]
        # Half a unit of the second decimal, and the 1e-10 by which ties are broken.
        np.testing.assert_allclose(found[tried], np.array(printed, float), rtol=0, atol=0.005 + 1e-9)
        tail = isotonic_regression(beta_tail(n[tried], y[tried], target, 0.05, 0.05)).x
        printed = [p for p, t in zip(row["p_overdose_2dp"].split("|"), tried, strict=True) if t]
        np.testing.assert_allclose(tail, np.array(printed, float), rtol=0, atol=0.005 + 1e-9)


def stops(row):
    early = int(row["n_earlystop"])
    cap = (MaxPatients(int(row["N"])),)
    return cap if early >= 100 else (*cap, EnoughAtDose(n=early, only_if_staying=True))


EXACT = grouped([row for row in read("exact_boin_crm.csv") if row["design"] == "BOIN"], "run")
TITRATION = grouped(read("exact_boin_titration.csv"), "run")


@pytest.mark.parametrize("rows", EXACT.values(), ids=["".join(key) for key in EXACT])
def test_exact_operating_characteristics(rows):
    """Recursion in which `get.boundary` and `select.mtd` decide."""
    options = {"extra_safe": rows[0]["extrasafe"] == "TRUE", "bounded": rows[0]["boundMTD"] == "TRUE"}
    base = R(doses=4, target=float(rows[0]["target"]), cohort=int(rows[0]["cohortsize"]), **options)
    assert_operating_characteristics(Modified(base, stops(rows[0])), rows, atol=1e-9)


@pytest.mark.parametrize("rows", TITRATION.values(), ids=["".join(key) for key in TITRATION])
def test_exact_operating_characteristics_with_titration(rows):
    """The same with the package's titration."""
    base = R(doses=4, target=float(rows[0]["target"]), cohort=int(rows[0]["cohortsize"]), titration=True)
    assert_operating_characteristics(Modified(base, stops(rows[0])), rows, atol=1e-9)
