"""Statements of clinicians: quantiles of the DLT rate at doses of a study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from doseopt.core.parameters import Fault, Faults, is_number, nearest
from doseopt.core.state import FloatArray
from doseopt.scenarios.doses import Doses
from doseopt.study.parsing import parse_toml
from doseopt.study.reader import Reader

KEYS = ("dose", "lower", "median", "upper")
BOUNDS = ("5% quantile", "median", "95% quantile")
FORM = '"DOSE: LOWER MEDIAN UPPER", as "0.5: 0.02 0.08 0.25"'
FILE_FORM = '[[quantiles]] with dose = "0.5", lower = 0.02, median = 0.08, upper = 0.25'


@dataclass(frozen=True)
class Statements:
    """What is stated: 5% quantile, median and 95% quantile of the DLT rate at each of K doses, in order of dose.

    Parameters
    ----------
    names : tuple of str
        What to call the doses.
    values : float array [K]
        In the study's unit; of a study without values the levels, from 1 on.
    rates : float array [K, 3]
    """

    names: tuple[str, ...]
    values: FloatArray
    rates: FloatArray


def from_options(texts: Iterable[str]) -> list[tuple[str, Any, list[Any]]]:
    """Return where each statement stands, its dose and its numbers, from texts of the form `FORM`."""
    found = []
    for number, text in enumerate(texts, 1):
        dose, colon, rest = text.rpartition(":")
        parts: list[Any] = [_number(part) for part in rest.replace(",", " ").split()] if colon else [text]
        found.append((f"--quantiles {number}", dose.strip() if colon else None, parts))
    return found


def _number(text: str) -> Any:
    try:
        return float(text)
    except ValueError:
        return text


def from_file(text: str, name: str) -> list[tuple[str, Any, list[Any]]]:
    """Return the same from the text of a file with a table of the form `FILE_FORM` for each dose.

    Raises
    ------
    Faults
        If it is no such file, with all that is wrong.
    """
    document, unsound = parse_toml(text, name)
    reader = Reader()
    reader.faults += unsound
    tables = reader.table(document, "", ["quantiles"]).get("quantiles", [])
    if not isinstance(tables, list) or not tables or not all(isinstance(each, Mapping) for each in tables):
        reader.fault("quantiles", f"wanted {FILE_FORM}")
        raise Faults(reader.faults, name)
    found = []
    for number, each in enumerate(tables, 1):
        where = f"quantiles[{number}]"
        stated = reader.table(each, where, KEYS)
        for key in KEYS:
            if key not in stated:
                reader.fault(f"{where}.{key}", f"missing; wanted {FILE_FORM}")
        found.append((where, stated.pop("dose", None), list(stated.values())))
    if reader.faults:
        raise Faults(reader.faults, name)
    return found


def statements(given: Iterable[tuple[str, Any, list[Any]]], doses: Doses, fewest: int, between: bool) -> Statements:
    """Return what is stated, held to what can be true at once.

    Parameters
    ----------
    given : iterable of (where, dose, numbers)
    doses : Doses
    fewest : int
        Doses of which something must be stated.
    between : bool
        Whether doses that are not the study's may be named by their values.

    Raises
    ------
    Faults
        With every statement that cannot be read and every contradiction: quantiles out of order, a rate that falls as
        the dose rises.
    """
    faults: list[Fault] = []
    read: dict[float, tuple[str, str, list[float]]] = {}
    for where, dose, numbers in given:
        known = _dose(doses, dose, between)
        wrong = _rates_fault(numbers)
        unknown = known if isinstance(known, str) and dose is not None else None
        faults += [Fault(where, text) for text in (unknown, wrong) if text]
        if isinstance(known, str) or wrong:
            continue
        name, value = known
        if value in read:
            faults.append(Fault(where, f"states dose {name} again, which {read[value][0]} does"))
            continue
        read[value] = (where, name, [float(v) for v in numbers])
    ordered = sorted(read)
    for low, high in pairwise(ordered):
        (_, one, below), (where, other, above) = read[low], read[high]
        faults += [
            Fault(
                where, f"the {what} falls from {p:g} at {one} to {q:g} at {other}; wanted none that falls with the dose"
            )
            for what, p, q in zip(BOUNDS, below, above, strict=True)
            if q < p
        ]
    if len(ordered) < fewest and not faults:
        faults.append(
            Fault("quantiles", f"wanted statements about at least {fewest} doses, got {len(ordered)}: {FORM}")
        )
    if faults:
        raise Faults(faults, "the statements")
    return Statements(
        tuple(read[v][1] for v in ordered), np.array(ordered), np.array([read[v][2] for v in ordered]).reshape(-1, 3)
    )


def _rates_fault(numbers: list[Any]) -> str | None:
    if len(numbers) != 3 or not all(is_number(v) for v in numbers):
        return f"wanted {FORM}, got {' '.join(map(str, numbers)) or 'nothing'}"
    if not all(0 < v < 1 for v in numbers):
        hint = "; write 5% as 0.05" if max(numbers) <= 100 and min(numbers) > 0 else ""
        return f"wanted rates above 0 and below 1, got {', '.join(f'{v:g}' for v in numbers)}{hint}"
    if not numbers[0] < numbers[1] < numbers[2]:
        return f"wanted 5% quantile < median < 95% quantile, got {', '.join(f'{v:g}' for v in numbers)}"
    return None


def _dose(doses: Doses, dose: Any, between: bool) -> tuple[str, float] | str:
    """Return what to call a dose, and its value; or what is wrong."""
    labels, values = list(doses.labels), doses.values
    if isinstance(dose, str) and dose in labels:
        level = labels.index(dose)
        return dose, float(level + 1 if values is None else values[level])
    wanted = f"wanted a dose of the study ({', '.join(labels)})"
    number = _number(dose) if isinstance(dose, str) else dose
    if values is None or not is_number(number) or not 0 < number < np.inf:
        return f"{wanted}, got {dose!r}{nearest(str(dose), labels)}"
    if number in values:
        return labels[values.index(number)], float(number)
    if not between:
        return f"{wanted}, got {number:g}: the model knows the planned doses only"
    return f"{number:g} {doses.unit}".strip(), float(number)
