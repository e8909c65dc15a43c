"""Scores of liver function: hand formulas calculated apart from the package, in two unit systems, and faults."""

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from doseopt import Faults, meld, meld3, meld_na

REFERENCE = Path(__file__).parent / "reference" / "meld.csv"
"""The published formulas by hand (bilirubin / 17.1, creatinine / 88.4, albumin / 10), raw and rounded."""
ROWS = [{k: float(v) for k, v in row.items()} for row in csv.DictReader(REFERENCE.read_text().splitlines())]
DIGITS = 6e-11
"""Ten decimals are printed; those in umol/L are the same patients, rounded to three."""


def scores(row, units, rounded):
    mol = units == "umol/L"
    first = (
        row["bilirubin_umol_l" if mol else "bilirubin_mg_dl"],
        row["inr"],
        row["creatinine_umol_l" if mol else "creatinine_mg_dl"],
    )
    shared = {"units": units, "dialysis": bool(row["dialysis_twice_in_week"]), "rounded": rounded}
    sodium, albumin = row["sodium_mmol_l"], row["albumin_g_l" if mol else "albumin_g_dl"]
    female = bool(row["female"])
    return {
        "meld": meld(*first, **shared),
        "meldna_optn2016": meld_na(*first, sodium=sodium, **shared),
        "meldna_kim2008": meld_na(*first, sodium=sodium, version="Kim2008", **shared),
        "meld3": meld3(*first, sodium=sodium, albumin=albumin, female=female, **shared),
    }


def test_the_reference_is_there():
    assert len(ROWS) == 23


@pytest.mark.parametrize("units", ["mg/dL", "umol/L"])
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['id']:g}")
def test_every_score_of_the_reference(row, units):
    whole, raw = scores(row, units, rounded=True), scores(row, units, rounded=False)
    for name in ("meld", "meldna_optn2016", "meld3"):
        assert whole[name] == row[name], name
        assert raw[name] == pytest.approx(row[f"{name}_raw"], rel=0, abs=DIGITS), name
    for each in (whole, raw):  # this version is not rounded
        assert each["meldna_kim2008"] == pytest.approx(row["meldna_kim2008"], rel=0, abs=DIGITS)


HAND = [
    ((2.0, 1.5, 1.2, 138, 3.5, False), (15.3361, 15, 15, 14.8775, 15)),
    ((5.0, 2.0, 1.0, 130, 2.8, True), (20.2769, 20, 25, 25.3009, 25)),
    ((12.0, 2.5, 1.8, 128, 2.2, False), (31.7105, 32, 34, 35.2275, 35)),
]
"""Three patients by hand: MELD raw and rounded, MELD-Na, MELD 3.0 raw and rounded."""


@pytest.mark.parametrize(("patient", "wanted"), HAND)
def test_three_patients_by_hand(patient, wanted):
    *first, sodium, albumin, female = patient
    more = {"sodium": sodium, "albumin": albumin, "female": female}
    found = (meld(*first), meld_na(*first, sodium=sodium), meld3(*first, **more))
    assert found == (wanted[1], wanted[2], wanted[4])
    assert round(meld(*first, rounded=False), 4) == wanted[0]
    assert round(meld3(*first, **more, rounded=False), 4) == wanted[3]


def test_values_below_one_count_as_one_and_creatinine_has_a_cap():
    """10 x 0.643 = 6.43; with creatinine at 4: 6.43 + 9.57 ln 4."""
    assert meld(0.5, 0.8, 0.4, rounded=False) == pytest.approx(6.43, abs=1e-12)
    assert meld(0.5, 0.8, 0.4) == 6
    capped = 6.43 + 9.57 * math.log(4)
    assert meld(1, 1, 4, rounded=False) == pytest.approx(capped, abs=1e-12)
    assert meld(1, 1, 9, rounded=False) == pytest.approx(capped, abs=1e-12)
    assert meld(1, 1, 1, dialysis=True, rounded=False) == pytest.approx(capped, abs=1e-12)
    at_three = meld3(1, 1, 3, sodium=137, albumin=3.5, female=False, rounded=False)
    assert at_three == pytest.approx(6 + 11.14 * math.log(3), abs=1e-12)
    assert meld3(1, 1, 1, sodium=140, albumin=5, female=0, dialysis=1, rounded=False) == at_three


def test_a_half_is_rounded_up():
    """A MELD of 6.5 has ln bilirubin = 0.07 / 3.78."""
    assert meld(math.exp(0.07 / 3.78), 1, 1) == 7
    assert meld(math.exp(0.0699 / 3.78), 1, 1) == 6


def test_sodium_counts_above_eleven_only():
    """A MELD of 11 has ln INR = 4.57 / 11.2, and one of 12 a sodium of 125 that adds 1.32 x 12 - 0.033 x 12 x 12."""
    eleven, twelve = (math.exp((score - 6.43) / 11.2) for score in (11, 12))
    assert meld_na(1, eleven, 1, sodium=120) == 11
    assert meld_na(1, twelve, 1, sodium=120, rounded=False) == pytest.approx(12 + 15.84 - 4.752, abs=1e-12)


def test_arrays_keep_their_shape_and_a_missing_value_makes_the_score_missing():
    found = meld_na([[2.0], [5.0]], [1.5, np.nan], 1.0, sodium=[[138], [130]])
    assert found.shape == (2, 2)
    assert np.isnan(found).tolist() == [[False, True], [False, True]]
    assert np.isnan(meld(2.0, 1.5, np.nan))
    assert np.isnan(meld(2.0, 1.5, np.nan, dialysis=True))
    assert np.isnan(meld_na(1.0, 1.0, 1.0, sodium=None))


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(Faults) as caught:
        meld3(-1, [1, 2, "x"], [1.0, 106.08, 88.4], sodium=14, albumin=35, female="yes", units="mg/dl", dialysis=[0, 2])
    assert [str(fault) for fault in caught.value.faults] == [
        "units: wanted one of 'mg/dL', 'umol/L', got 'mg/dl'; did you mean 'mg/dL'?",
        "bilirubin: wanted numbers in [0.01, 100] mg/dL, got -1.0",
        "inr: wanted numbers in [0.1, 50], got [1, 2, 'x']",
        "creatinine[1]: wanted numbers in [0.1, 50] mg/dL, got 106.08 and in 1 more",
        "sodium: wanted numbers in [80, 220] mmol/L, got 14.0",
        "albumin: wanted numbers in [0.5, 10] g/dL, got 35.0",
        "dialysis[1]: wanted True or False, or 1 or 0, got 2",
        "female: wanted True or False, or 1 or 0, got 'yes'",
    ]


@pytest.mark.parametrize(
    "value", ["x", b"x", None.__class__, 10**400, 3 + 4j, True, object(), {}, [[1], [1, 2]], ["2"]]
)
def test_what_is_no_number_is_refused(value):
    with pytest.raises(Faults, match="inr: wanted numbers"):
        meld(2.0, value, 1.0)


def test_shapes_that_do_not_go_together_are_refused():
    with pytest.raises(Faults, match=r"shapes that go together, got bilirubin \(2,\), inr \(3,\)"):
        meld([1, 2], [1, 2, 3], 1)


def test_a_version_is_one_of_two():
    with pytest.raises(Faults, match="version: wanted one of 'OPTN2016', 'Kim2008'"):
        meld_na(1, 1, 1, sodium=137, version="OPTN2022")
