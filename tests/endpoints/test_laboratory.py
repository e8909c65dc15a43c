"""Units of laboratory parameters, in the spellings that come."""

import pytest

from doseopt.endpoints.laboratory import LIMITS, UNITS, unit_of


@pytest.mark.parametrize(
    ("code", "written", "unit"),
    [
        *(("BILI", text, "umol/L") for text in ("umol/L", "μmol/L", "µmol/l", "UMOL/L", "micromol/L")),
        *(("PLAT", text, "10^9/L") for text in ("10^9/L", "x10^9/L", "× 10⁹/L", "10E9/L", "10*9/L", "GIGA/L")),
        *(("PLAT", text, "10^3/uL") for text in ("10^3/uL", "K/µL", "10*3/uL")),
        *(("INR", text, unit) for text, unit in (("", ""), ("1", "1"), ("Ratio", "ratio"))),
        ("PTA", "percent", "%"),
        ("PAO2FIO2", "mm Hg", "mmHg"),
        ("SODIUM", "meq/L", "mEq/L"),
        *((code, text, None) for code, text in (("BILI", "g/L"), ("ALB", "umol/L"), ("BILI", ""), ("PLAT", "10^12/L"))),
    ],
)  # fmt: skip
def test_spellings_of_units(code, written, unit):
    assert unit_of(code, written) == unit


def test_every_parameter_with_units_has_values_that_are_possible():
    assert list(UNITS) == list(LIMITS)
    assert all(low < high for low, high in LIMITS.values())
