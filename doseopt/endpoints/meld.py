"""Scores of liver function: MELD, MELD-Na and MELD 3.0.

Logarithms are natural; bilirubin and creatinine in mg/dL (umol/L divided by 17.1 and 88.4), albumin in g/dL (g/L
divided by 10), sodium in mmol/L. Dialysis twice in seven days sets creatinine to its cap. A half is rounded up.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from doseopt.core.state import BoolArray, FloatArray
from doseopt.endpoints.arguments import Arguments, number_or_array

UNITS = ("mg/dL", "umol/L")
VERSIONS = ("OPTN2016", "Kim2008")
PER_UNIT = {"bilirubin": 17.1, "creatinine": 88.4, "albumin": 10.0}
"""How many umol/L, of albumin g/L, are one mg/dL, of albumin g/dL."""
POSSIBLE = {
    "bilirubin": (0.01, 100.0),
    "inr": (0.1, 50.0),
    "creatinine": (0.1, 50.0),
    "sodium": (80.0, 220.0),
    "albumin": (0.5, 10.0),
}
"""Wider than any patient's values in mg/dL, g/dL, mmol/L: what is outside is in another unit, or a slip of the pen."""
LOWEST, HIGHEST = 6, 40


def meld(
    bilirubin: npt.ArrayLike,
    inr: npt.ArrayLike,
    creatinine: npt.ArrayLike,
    *,
    units: str = "mg/dL",
    dialysis: npt.ArrayLike = False,
    rounded: bool = True,
) -> FloatArray | float:
    """Return the MELD score of the United Network for Organ Sharing.

    10 (0.957 ln Cr + 0.378 ln bilirubin + 1.120 ln INR + 0.643), each value at least 1, Cr at most 4.

    Parameters
    ----------
    bilirubin, inr, creatinine : float or array
        NaN where a value is missing: so is the score.
    units : {"mg/dL", "umol/L"}
        Of bilirubin and creatinine.
    dialysis : bool or array
        Twice in the last seven days.
    rounded : bool
        Whether the score is a whole number from 6 to 40; else it is as the formula gives it.

    Returns
    -------
    float or array

    Raises
    ------
    Faults
        With every argument that is no number, or a value that no patient has.

    References
    ----------
    Wiesner et al. 2003, Gastroenterology 124:91.

    Examples
    --------
    >>> from doseopt import meld
    >>> meld(2.0, 1.5, 1.2), round(meld(2.0, 1.5, 1.2, rounded=False), 4)
    (15.0, 15.3361)
    >>> meld([34.2, 205.2], [1.5, 2.5], [106.08, 159.12], units="umol/L").tolist()
    [15.0, 32.0]
    """
    bili, ratio, cr, *_, dialysed, _ = _read("meld", bilirubin, inr, creatinine, units, dialysis)
    raw = _unos(bili, ratio, cr, dialysed)
    return number_or_array(_whole(raw) if rounded else raw)


def meld_na(
    bilirubin: npt.ArrayLike,
    inr: npt.ArrayLike,
    creatinine: npt.ArrayLike,
    *,
    sodium: npt.ArrayLike,
    version: str = "OPTN2016",
    units: str = "mg/dL",
    dialysis: npt.ArrayLike = False,
    rounded: bool = True,
) -> FloatArray | float:
    """Return the MELD score with sodium.

    With the rounded MELD score M, OPTN 2016: M + 1.32 (137 - Na) - 0.033 M (137 - Na) if M > 11, else M, Na being kept
    within [125, 137]; Kim 2008: M - Na - 0.025 M (140 - Na) + 140, Na within [125, 140], which is not rounded.

    Parameters
    ----------
    bilirubin, inr, creatinine : float or array
        NaN where a value is missing: so is the score.
    sodium : float or array
        In mmol/L.
    version : {"OPTN2016", "Kim2008"}
    units : {"mg/dL", "umol/L"}
        Of bilirubin and creatinine.
    dialysis : bool or array
        Twice in the last seven days.
    rounded : bool
        Whether the score of OPTN 2016 is a whole number from 6 to 40; else it is as the formula gives it.

    Returns
    -------
    float or array

    Raises
    ------
    Faults
        With every argument that is no number, or a value that no patient has.

    References
    ----------
    Kim et al. 2008, N Engl J Med 359:1018; OPTN policy 9.1 of January 2016.

    Examples
    --------
    >>> from doseopt import meld_na
    >>> meld_na(5.0, 2.0, 1.0, sodium=130), round(meld_na(5.0, 2.0, 1.0, sodium=130, rounded=False), 2)
    (25.0, 24.62)
    >>> meld_na(2.0, 1.5, 1.2, sodium=138, version="Kim2008")
    16.25
    """
    more = {"sodium": sodium, "version": version}
    bili, ratio, cr, na, _, dialysed, _ = _read("meld_na", bilirubin, inr, creatinine, units, dialysis, **more)
    score = _half_up(_unos(bili, ratio, cr, dialysed))
    if version == "Kim2008":
        na = np.clip(na, 125, 140)
        return number_or_array(np.clip(score - na - 0.025 * score * (140 - na) + 140, LOWEST, HIGHEST))
    lack = 137 - np.clip(na, 125, 137)
    raw = np.where(score > 11, score + 1.32 * lack - 0.033 * score * lack, score + 0 * lack)
    return number_or_array(_whole(raw) if rounded else raw)


def meld3(
    bilirubin: npt.ArrayLike,
    inr: npt.ArrayLike,
    creatinine: npt.ArrayLike,
    *,
    sodium: npt.ArrayLike,
    albumin: npt.ArrayLike,
    female: npt.ArrayLike,
    units: str = "mg/dL",
    dialysis: npt.ArrayLike = False,
    rounded: bool = True,
) -> FloatArray | float:
    """Return the MELD 3.0 score.

    1.33 [female] + 4.56 ln bilirubin + 0.82 (137 - Na) - 0.24 (137 - Na) ln bilirubin + 9.09 ln INR + 11.14 ln Cr
    + 1.85 (3.5 - albumin) - 1.83 (3.5 - albumin) ln Cr + 6; bilirubin, INR and Cr at least 1, Cr at most 3, Na within
    [125, 137], albumin within [1.5, 3.5].

    Parameters
    ----------
    bilirubin, inr, creatinine : float or array
        NaN where a value is missing: so is the score.
    sodium : float or array
        In mmol/L.
    albumin : float or array
        In g/dL; in g/L where `units` is "umol/L".
    female : bool or array
    units : {"mg/dL", "umol/L"}
    dialysis : bool or array
        Twice in the last seven days.
    rounded : bool
        Whether the score is a whole number from 6 to 40; else it is as the formula gives it.

    Returns
    -------
    float or array

    Raises
    ------
    Faults
        With every argument that is no number, or a value that no patient has.

    References
    ----------
    Kim et al. 2021, Gastroenterology 161:1887.

    Examples
    --------
    >>> from doseopt import meld3
    >>> meld3(5.0, 2.0, 1.0, sodium=130, albumin=2.8, female=True)
    25.0
    >>> round(meld3(205.2, 2.5, 159.12, sodium=128, albumin=22, female=False, units="umol/L", rounded=False), 4)
    35.2275
    """
    more = {"sodium": sodium, "albumin": albumin, "female": female}
    bili, ratio, cr, na, alb, dialysed, is_female = _read("meld3", bilirubin, inr, creatinine, units, dialysis, **more)
    log_bilirubin, log_inr = np.log(np.maximum(bili, 1)), np.log(np.maximum(ratio, 1))
    log_creatinine = _log_creatinine(cr, dialysed, cap=3.0)
    lack, low = 137 - np.clip(na, 125, 137), 3.5 - np.clip(alb, 1.5, 3.5)
    raw = np.asarray(
        1.33 * is_female
        + (4.56 - 0.24 * lack) * log_bilirubin
        + 0.82 * lack
        + 9.09 * log_inr
        + (11.14 - 1.83 * low) * log_creatinine
        + 1.85 * low
        + 6
    )
    return number_or_array(_whole(raw) if rounded else raw)


def _read(
    title: str, bilirubin: Any, inr: Any, creatinine: Any, units: Any, dialysis: Any, **more: Any
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray, FloatArray, BoolArray, BoolArray]:
    """Return bilirubin, INR, creatinine, sodium, albumin, dialysis, female: in mg/dL, g/dL and mmol/L, where given."""
    arguments = Arguments()
    arguments.choice("units", units, UNITS)
    if "version" in more:
        arguments.choice("version", more["version"], VERSIONS)
    given = {"bilirubin": bilirubin, "inr": inr, "creatinine": creatinine}
    given |= {name: more[name] for name in ("sodium", "albumin") if name in more}
    values = {name: _laboratory(arguments, name, value, units) for name, value in given.items()}
    flags = {"dialysis": arguments.flags("dialysis", dialysis)}
    if "female" in more:
        flags["female"] = arguments.flags("female", more["female"])
    arguments.together(**values, **flags)
    arguments.done(title)
    none, no = np.zeros(()), np.zeros((), bool)
    first = (values["bilirubin"], values["inr"], values["creatinine"])
    return (*first, values.get("sodium", none), values.get("albumin", none), flags["dialysis"], flags.get("female", no))


def _laboratory(arguments: Arguments, name: str, value: Any, units: Any) -> FloatArray:
    """Return values in mg/dL, of albumin in g/dL, of sodium in mmol/L."""
    molar = isinstance(units, str) and units == "umol/L"
    factor = PER_UNIT.get(name, 1.0) if molar else 1.0
    low, high = (limit * factor for limit in POSSIBLE[name])
    other = {"inr": "", "sodium": " mmol/L", "albumin": " g/L" if molar else " g/dL"}
    unit = other.get(name, " umol/L" if molar else " mg/dL")
    wanted = f"numbers in [{low:g}, {high:g}]{unit}"
    return arguments.numbers(name, value, low, high, wanted, missing=True) / factor


def _log_creatinine(creatinine: FloatArray, dialysis: BoolArray, cap: float) -> FloatArray:
    """Return the logarithm of creatinine within 1 and its cap, at the cap after dialysis."""
    return np.log(np.where(dialysis & ~np.isnan(creatinine), cap, np.clip(creatinine, 1, cap)))


def _unos(bilirubin: FloatArray, inr: FloatArray, creatinine: FloatArray, dialysis: BoolArray) -> FloatArray:
    """Return MELD as the formula gives it."""
    log_bilirubin, log_inr = np.log(np.maximum(bilirubin, 1)), np.log(np.maximum(inr, 1))
    log_creatinine = _log_creatinine(creatinine, dialysis, cap=4.0)
    return np.asarray(10 * (0.957 * log_creatinine + 0.378 * log_bilirubin + 1.120 * log_inr + 0.643))


def _half_up(raw: FloatArray) -> FloatArray:
    """Return the nearest whole number, the higher of two; what is a half but for the last bits of a sum is one."""
    return np.floor(raw + 0.5 + 1e-9)


def _whole(raw: FloatArray) -> FloatArray:
    return np.clip(_half_up(raw), LOWEST, HIGHEST)
