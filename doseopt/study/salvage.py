"""Tables that have faults, read as far as they can be, so that what does not fit the rest is told in the same round."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doseopt.clock.arrivals import Accrual
from doseopt.core.parameters import Fault, declared
from doseopt.core.text import name_fault
from doseopt.study.clock import Clock
from doseopt.study.misfits import in_window
from doseopt.study.populations import Populations
from doseopt.study.reader import Reader
from doseopt.study.silences import Silences
from doseopt.study.window_events import WindowEvents

FOR_CLOCK = {"window": 28.0, "accrual": Accrual(per_month=1.0)}
"""In the place of what a clock must have and what is wrong in it; nothing is said of these."""


def salvaged(reader: Reader, kind: type, table: Any, where: str, instead: Mapping[str, Any] | None = None) -> Any:
    """Return an object of the values of a table that are right by themselves, None if they make none.

    What does not go together among them is noted.

    Parameters
    ----------
    reader : Reader
    kind : type
        A class with declared parameters.
    table : Any
        What stands in the file.
    where : str
        Path of the table.
    instead : mapping, optional
        Values in the place of those that must be there and are not, or are wrong.
    """
    if not isinstance(table, Mapping):
        return None
    fields, apart = declared(kind), Reader(reader.folder, reader.trusted)
    kept = {name: v for name, v in table.items() if name in fields and not reader.faults_of(v, fields[name])}
    given = {name: value for name, value in (instead or {}).items() if name not in kept}
    built = apart.build(kind, kept, where, given)
    unknown = {f"{where}.{name}" for name in (*given, *(name for name in table if name not in kept))}
    said = {fault.where for fault in reader.faults} | ({where} if unknown else set())
    reader.faults += [
        fault
        for fault in apart.faults
        if fault.where not in said and not any(f"{fault.where}.".startswith(f"{one}.") for one in unknown)
    ]
    return built


def window_misfits(
    reader: Reader, top: Mapping[str, Any], parts: Mapping[str, Any], names: list[str], doses: int, stated: bool
) -> list[Fault]:
    """Return what of the DLT window does not fit the rest of a study that has other faults.

    Parameters
    ----------
    reader : Reader
        Notes what does not go together within a table.
    top : mapping
        The tables of the study.
    parts : mapping
        What has been read of them; None for a table that is wrong.
    names : list of str
        The scenarios.
    doses : int
        How many are planned.
    stated : bool
        Whether what is believed of the DLT rates are the scenarios.
    """

    def read(name: str, kind: type, instead: Mapping[str, Any] | None = None) -> Any:
        found = parts[name]
        return salvaged(reader, kind, top[name], name, instead) if found is None and name in top else found

    events, silences = read("window_events", WindowEvents), read("silences", Silences)
    clock = read("clock", Clock, FOR_CLOCK)
    populations, told = parts["populations"], True
    if populations is None and "populations" in top:
        populations = _named(top["populations"])
        told = populations is not None
    found = in_window(events, silences, (names, doses, populations), clock, stated)
    if parts["clock"] is None and "clock" in top:  # which window it is, or whether there is one, is not known
        found = [fault for fault in found if fault.where != "silences.dlt_window"]
    return found if told else [fault for fault in found if "[populations]" not in fault.message]


def _named(table: Any) -> Populations | None:
    """Return populations of these names whose shares are wrong, with equal ones; None if the names are wrong."""
    shares = table.get("shares") if isinstance(table, Mapping) else None
    if not isinstance(shares, Mapping) or len(shares) < 2 or "scenario" in shares or any(map(name_fault, shares)):
        return None
    return Populations(dict.fromkeys(shares, 1 / len(shares)))
