"""Eligibility as a study states it: criteria that a table can check, and those that only a clinician can judge."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from doseopt.core.parameters import Domain, Fault, Faults, check, nearest, param
from doseopt.core.text import name_fault
from doseopt.endpoints.laboratory import LIMITS, UNITS, unit_of
from doseopt.study.reader import Reader, plain, said_fault
from doseopt.study.said import MISSING, Said

SUBJECT: dict[str, tuple[str, float]] = {"AGE": ("years", 130), "WEIGHTBL": ("kg", 500)}
"""Variables of a subject, each with its unit and the largest value that anybody has."""
NORMAL = "ULN"
"""Unit of a value in multiples of the upper limit of normal."""
MOST_NORMAL = 1_000
VARIABLES = {
    "AGE": "age",
    "WEIGHTBL": "body weight",
    "BILI": "total bilirubin",
    "CREAT": "creatinine",
    "ALB": "albumin",
    "SODIUM": "sodium",
    "INR": "INR",
    "PTA": "PTA",
    "PLAT": "platelets",
    "PAO2FIO2": "PaO2/FiO2",
}
"""What criteria may ask for, as the columns of adsl.csv and the PARAMCD of adlb.csv, each in words."""
RELATIONS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
EXAMPLE = '[{ variable = "AGE", relation = ">=", value = 18, unit = "years" }]'
LISTS = {
    "include": Said("what must hold of a subject, a list of criteria", Domain(list), [], EXAMPLE),
    "exclude": Said("what must not hold", Domain(list), []),
    "judged": Said("criteria that only a clinician can judge", Domain(list), [], ["no active infection"]),
}
POPULATION = {"population": Said("population that the criterion is for; all if left out", Domain(str), "", "CLF")}
ANY = {"any": Said("conditions of which one is enough", Domain(list), MISSING), **POPULATION}


@dataclass(frozen=True)
class Condition:
    """A bound on a variable before treatment.

    Parameters
    ----------
    variable : str
        One of ``VARIABLES``.
    relation : {"<", "<=", ">", ">="}
    value : float
    unit : str
        Of the value: "years", "kg", one of the parameter's, or "ULN" for multiples of the upper limit of normal.

    Examples
    --------
    >>> Condition("BILI", "<", 10, "ULN").describe()
    'total bilirubin < 10 ULN'
    """

    variable: str = param(kind=str, choices=tuple(VARIABLES), doc="what is asked for")
    relation: str = param(kind=str, choices=tuple(RELATIONS), doc="how it relates to the value")
    value: float = param(kind=float, doc="the bound")
    unit: str = param("", doc="of the value")

    def __post_init__(self) -> None:
        """Check the declared parameters, alone and together."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        """Return a unit that the variable does not have, or a value that nobody has in it."""
        if self.variable not in VARIABLES:
            return []
        known = _units(self.variable)
        unit = self.unit if self.unit in known else unit_of(self.variable, self.unit)
        if unit is None:
            names = [name for name in known if name] + ["none"] * ("" in known)
            close = nearest(self.unit, names)
            hint = close if close.startswith("; did") else ""
            return [Fault("unit", f"wanted a unit of {self.variable}: {' or '.join(names)}, got {self.unit!r}{hint}")]
        low, high = known[unit]
        if not low <= self.value <= high:
            wanted = f"wanted a value of {self.variable} in [{low:g}, {high:g}] {self.unit}".rstrip()
            return [Fault("value", f"{wanted}, got {self.value:g}")]
        return []

    def holds(self, value: float) -> bool:
        """Tell whether a value, in the unit of the condition, is within the bound."""
        return RELATIONS[self.relation](value, self.value)

    def measured(self, value: float, upper: float | None) -> float | None:
        """Return a value of a variable in the unit of the condition; None if it has no limit of normal and needs one.

        Parameters
        ----------
        value : float
            Of a laboratory parameter in the first of its units.
        upper : float, optional
            Limit of normal, in the same.
        """
        if self.variable in SUBJECT:
            return value
        if self.unit == NORMAL:
            return value / upper if upper else None
        return value * UNITS[self.variable][str(unit_of(self.variable, self.unit))]

    def describe(self) -> str:
        """Say the bound in words."""
        return f"{VARIABLES[self.variable]} {self.relation} {self.quantity(self.value)}"

    def quantity(self, value: float) -> str:
        """Return a value with the unit of the condition."""
        return f"{value:g}{'' if self.unit in ('', '%') else ' '}{self.unit}"


@dataclass(frozen=True)
class Criterion:
    """Conditions of which one is enough, of all subjects or of those of a population.

    Parameters
    ----------
    conditions : tuple of Condition
    population : str
        Empty for all.

    Examples
    --------
    >>> either = Condition("PTA", "<=", 40, "%"), Condition("INR", ">=", 1.5)
    >>> Criterion(either, "CLF").describe()
    'PTA <= 40% or INR >= 1.5 (CLF)'
    """

    conditions: tuple[Condition, ...]
    population: str = ""

    def describe(self) -> str:
        """Say the criterion in words."""
        text = " or ".join(condition.describe() for condition in self.conditions)
        return f"{text} ({self.population})" if self.population else text

    def in_file(self) -> dict[str, Any]:
        """Return the table of the study file."""
        tables = [plain(condition) for condition in self.conditions]
        said = tables[0] if len(tables) == 1 else {"any": tables}
        return said | ({"population": self.population} if self.population else {})


@dataclass(frozen=True)
class Eligibility:
    """Criteria of eligibility.

    Parameters
    ----------
    include, exclude : tuple of Criterion
        What must hold of a subject, and what must not.
    judged : tuple of str
        Criteria that only a clinician can judge, in the words of the protocol.

    Examples
    --------
    >>> grown = Criterion((Condition("AGE", ">=", 18, "years"),))
    >>> Eligibility(include=(grown,)).describe()
    ['age >= 18 years']
    """

    include: tuple[Criterion, ...] = ()
    exclude: tuple[Criterion, ...] = ()
    judged: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is empty, and texts that are none."""
        faults = [Fault(f"judged[{k}]", message) for k, text in enumerate(self.judged) if (message := _no_words(text))]
        if not (self.include or self.exclude or self.judged):
            faults.append(Fault("include", f"missing; wanted include, exclude or judged, as include = {EXAMPLE}"))
        if faults:
            raise Faults(faults, type(self).__name__)

    def describe(self) -> list[str]:
        """Say the criteria that a table can check."""
        return [
            *(criterion.describe() for criterion in self.include),
            *(f"excluded: {criterion.describe()}" for criterion in self.exclude),
        ]

    @property
    def populations(self) -> list[str]:
        """The populations that criteria name."""
        return list(dict.fromkeys(c.population for c in (*self.include, *self.exclude) if c.population))

    def unknown_populations(self, known: Iterable[str]) -> list[Fault]:
        """Return criteria of populations that the study does not have."""
        names = list(known)
        return [
            Fault(
                f"{name}[{k}].population",
                f"wanted one of the study, got {one.population!r}{nearest(one.population, names)}",
            )
            for name in ("include", "exclude")
            for k, one in enumerate(getattr(self, name))
            if one.population and one.population not in names
        ]

    def in_file(self) -> dict[str, Any]:
        """Return the table of the study file."""
        lists = {name: [plain(one) for one in getattr(self, name)] for name in LISTS}
        return {name: value for name, value in lists.items() if value}


def _units(variable: str) -> dict[str, tuple[float, float]]:
    """Return the units of a variable, each with the least and the largest value that anybody has in it."""
    if variable in SUBJECT:
        unit, most = SUBJECT[variable]
        return {unit: (0.0, most)}
    low, high = LIMITS[variable]
    return {unit: (low * per, high * per) for unit, per in UNITS[variable].items()} | {NORMAL: (0.0, MOST_NORMAL)}


def _no_words(text: Any) -> str | None:
    """Return what is wrong with a criterion in words."""
    return said_fault(text) or (None if text.strip() else "wanted the words of a criterion, got nothing")


def _no_name(text: Any) -> str | None:
    """Return what is wrong with the name of a population, which may be left out."""
    return name_fault(text) if isinstance(text, str) and text else said_fault(text)


def read_eligibility(reader: Reader, table: Any) -> Eligibility | None:
    """Build the criteria of a study file; faults go to the reader."""
    before = len(reader.faults)
    top = reader.table(table, "eligibility", LISTS)
    lists: dict[str, list[Any]] = {}
    for name in LISTS:
        lists[name] = top.get(name, [])
        if not isinstance(lists[name], list):
            example = '["no active infection"]' if name == "judged" else EXAMPLE
            reader.fault(f"eligibility.{name}", f"wanted a list, as {example}, got {lists[name]!r}")
            lists[name] = []
    include, exclude = (
        tuple(_criterion(reader, entry, f"eligibility.{name}[{k}]") for k, entry in enumerate(lists[name]))
        for name in ("include", "exclude")
    )
    for k, text in enumerate(lists["judged"]):
        reader.value(text, f"eligibility.judged[{k}]", Domain(str, custom=_no_words))
    if len(reader.faults) == before:
        try:
            return Eligibility(include, exclude, tuple(lists["judged"]))
        except Faults as faults:
            reader.faults += [fault.under("eligibility") for fault in faults.faults]
    return None


def _criterion(reader: Reader, entry: Any, where: str) -> Any:
    """Build one criterion, None with faults."""
    if isinstance(entry, Mapping) and "any" in entry:
        reader.table(entry, where, ANY)
        listed = entry["any"]
        if not isinstance(listed, list) or len(listed) < 2:
            reader.fault(f"{where}.any", f"wanted a list of two conditions at least, as {EXAMPLE}, got {listed!r}")
            listed = []
        conditions = [reader.build(Condition, each, f"{where}.any[{k}]", {}) for k, each in enumerate(listed)]
    else:
        conditions = [reader.build(Condition, entry, where, {}, also=POPULATION)]
    stated = entry.get("population", "") if isinstance(entry, Mapping) else ""
    population = reader.value(stated, f"{where}.population", Domain(str, custom=_no_name))
    return Criterion(tuple(conditions), population)
