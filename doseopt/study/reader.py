"""Tables of a study file -> objects, collecting every fault with its path instead of stopping at the first.

What a table may hold is declared where the class is (``parameters.param``); nothing here names a design.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from doseopt.core.parameters import Domain, Fault, Faults, native, written
from doseopt.core.text import name_fault, text_fault
from doseopt.study.absent import ABSENT, letters, near, nearest_kind

type Judge = Callable[[Any], Iterable[Fault]]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def key(name: str) -> str:
    """Write a name as TOML writes a key: quoted where it must be."""
    if _BARE.fullmatch(name):
        return name
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def join(where: str, name: str) -> str:
    """Return the path of a key in a table."""
    return f"{where}.{name}" if where else name


def as_meant(table: Mapping[str, Any], known: Iterable[str]) -> dict[str, Any]:
    """Return a table's known keys; a misspelt one stands under the name that is probably meant, unless that is there.

    Nothing is then said to be missing, or judged against a default, because of a slip of the pen.
    """
    names = list(known)
    read = {meant: table[name] for name in table if name not in names for meant in near(name, names)} | dict(table)
    return {name: read[name] for name in names if name in read}


class Reader:
    """Collects faults while the parts of a study are built.

    Parameters
    ----------
    folder : Path or None
        Where files that the study names are sought; None if it may name none.
    trusted : bool
        Whether it may name files outside of that folder.
    judge : callable, optional
        Returns what is wrong with criteria of a recommendation: which measures there are is not known here.
    """

    def __init__(self, folder: Path | None = Path(), trusted: bool = True, judge: Judge = lambda _: []) -> None:
        self.folder = folder
        self.trusted = trusted
        self.judge = judge
        self.faults: list[Fault] = []

    def fault(self, where: str, message: str) -> None:
        """Note that something is wrong."""
        self.faults.append(Fault(where, message))

    def table(self, value: Any, where: str, known: Iterable[str]) -> dict[str, Any]:
        """Return a table's known keys, as they are meant; its other keys are faults, as is a value that is no table."""
        if not isinstance(value, Mapping):
            self.fault(where, f"wanted a table, got {value!r}")
            return {}
        names = list(known)
        for name in value:
            if name not in names:
                self.fault(join(where, key(name)), f"unknown key{nearest_kind(name, names)}")
        return as_meant(value, names)

    def value(self, found: Any, where: str, domain: Domain) -> Any:
        """Return a single value inside its domain, or None after noting the fault."""
        message = domain.fault(found)
        if message:
            self.fault(where, message)
            return None
        return float(found) if domain.kind is float else found

    def rates(self, value: Any, where: str, count: int | None) -> tuple[float, ...] | None:
        """Return a list of probabilities, one a dose."""
        if not isinstance(value, list | tuple):
            self.fault(where, f"wanted a list of DLT rates, one a dose, got {value!r}")
            return None
        domain = Domain(float, 0, 1)
        before = len(self.faults)
        result = tuple(self.value(p, f"{where}[{i}]", domain) for i, p in enumerate(value))
        if count is not None and len(value) != count:
            self.fault(where, f"wanted {count} rates, one a dose, got {len(value)}")
        return result if len(self.faults) == before else None

    def build(
        self,
        cls: type,
        table: Any,
        where: str,
        given: Mapping[str, Any],
        also: Iterable[str] = (),
        private: Iterable[str] = (),
    ) -> Any:
        """Return an object of a class with declared parameters, or None after noting every fault of its table.

        Parameters
        ----------
        cls : type
        table : Any
            What stands in the file.
        where : str
            Path of the table in the file.
        given : mapping
            Values that come from elsewhere; a key of the table that is also declared goes before. While one of them is
            not known (None) single values are checked, and no object is made.
        also : iterable of str
            Keys that the table may hold and that the caller reads.
        private : iterable of str
            Parameters that the table may not hold.
        """
        fields = written(cls)
        values = self.table(table, where, [*also, *(name for name in fields if name not in set(private))])
        if not isinstance(table, Mapping):  # its keys are not missing
            return None
        for name in also:
            values.pop(name, None)
        before = len(self.faults)
        arguments = dict(given)
        for name, found in values.items():
            try:
                arguments[name] = self._converted(found, fields[name])
            except Faults as faults:
                self.faults.extend(f.under(name).under(where) for f in faults.faults)
        missing = [n for n, f in fields.items() if n not in arguments and f.default is dataclasses.MISSING]
        for name in missing:
            if name not in values:
                self.fault(join(where, name), f"missing; wanted {fields[name].metadata['doc'] or 'a value'}")
        if missing or len(self.faults) > before or any(name in fields and v is None for name, v in given.items()):
            self._single_faults(cls, {name: arguments.get(name, v) for name, v in values.items()}, where, before)
            return None
        try:
            return cls(**{fields[name].name: v for name, v in arguments.items() if name in fields})
        except Faults as faults:
            self.faults.extend(f.under(where) for f in faults.faults)
            return None

    def kind(
        self,
        table: Any,
        where: str,
        kinds: Mapping[str, type],
        given: Mapping[str, Any] | None = None,
        also: Iterable[str] = (),
        private: Iterable[str] = (),
    ) -> Any:
        """Return an object of the class that the table's `kind` names; see `build`."""
        if not isinstance(table, Mapping):
            self.fault(where, f"wanted a table with kind = one of {', '.join(kinds)}, got {table!r}")
            return None
        found = as_meant(table, ["kind"]).get("kind")
        if isinstance(found, str) and found in kinds:
            return self.build(kinds[found], table, where, given or {}, ["kind", *also], private)
        came = f"unknown kind {found!r}{nearest_kind(found, kinds)}"
        self.fault(f"{where}.kind", f"missing; wanted one of {', '.join(kinds)}" if found is None else came)
        self._of_no_kind(table, where, kinds, {"kind", *also, *private})
        return None

    def _of_no_kind(self, table: Mapping[str, Any], where: str, kinds: Mapping[str, type], other: set[str]) -> None:
        """Note what is wrong in a table of unknown kind, whichever kind is meant: the nearest, if a name is near."""
        found = str(table.get("kind"))
        fields = [written(kinds[name]) for name in near(found, kinds) or kinds]
        known = sorted({"kind", *(name for each in fields for name in each)})
        for name, value in table.items():
            holders = [each[name] for each in fields if name in each]
            path = join(where, key(name))
            if name in other:
                continue
            if not holders and letters(found) not in ABSENT:
                self.fault(path, f"unknown key{nearest_kind(name, known)}")
            faults = [self.faults_of(value, field) for field in holders]
            if faults and all(faults):
                self.faults.extend(fault.under(path) for fault in faults[0])

    def faults_of(self, value: Any, field: dataclasses.Field[Any]) -> list[Fault]:
        """Return what is wrong with a single value."""
        try:
            message = field.metadata["domain"].fault(self._converted(value, field))
        except Faults as faults:
            return list(faults.faults)
        return [Fault("", message)] if message else []

    def _converted(self, value: Any, field: dataclasses.Field[Any]) -> Any:
        """Return a value as the field holds it: tuples for lists, floats for whole numbers, what tables, files hold."""
        domain: Domain = field.metadata["domain"]
        if isinstance(value, str) and domain.file is not None:
            try:
                return domain.file(self._file(value))
            except Faults as faults:
                places = {f: ", ".join(filter(None, (value, f.where))) for f in faults.faults}
                raise Faults(Fault(f"[{place}]", f.message) for f, place in places.items()) from faults
        if isinstance(value, Mapping) and domain.table is not None:
            reader = Reader(self.folder, self.trusted)
            built = reader.build(domain.table, value, "", {})
            if reader.faults:
                raise Faults(reader.faults)
            return built
        if domain.kind is float and isinstance(value, int) and not isinstance(value, bool):
            return float(value)
        return native(value)

    def _file(self, name: str) -> Path:
        """Return the path of a file that the study names; of a study from elsewhere, only one in its folder."""
        if self.folder is None:
            wanted = "wanted a study that names no file, as it comes without its folder"
            raise Faults([Fault("", wanted)])
        path = self.folder / name
        try:
            inside = path.resolve().is_relative_to(self.folder.resolve()) and not set(name) & set("\\:")
            if not (self.trusted or inside):
                wanted = "wanted a file in the folder of the study, which comes from elsewhere"
                raise Faults([Fault("", f"{wanted}, got one outside of it")])
            if path.exists() and not path.is_file():  # of a device, say, reading never ends
                raise Faults([Fault("", "cannot be read: it is a folder or a device")])
        except (OSError, RuntimeError) as error:  # before Python 3.13 a link to itself is a RuntimeError
            reason = getattr(error, "strerror", None) or "it is a link to itself"
            raise Faults([Fault("", f"cannot be read: {reason}")]) from error
        return path

    def _single_faults(self, cls: type, values: Mapping[str, Any], where: str, before: int) -> None:
        """Note what is wrong with single values of an object that cannot be made."""
        seen = {f.where for f in self.faults[before:]}
        for name, found in values.items():
            path = join(where, name)
            message = written(cls)[name].metadata["domain"].fault(native(found))
            if message and not any(s.startswith(path) for s in seen):
                self.fault(path, message)


def plain(obj: Any, kinds: Mapping[type, str] | None = None, without: Iterable[str] = ()) -> Any:
    """Return an object as a study file writes it: its parameters that differ from their defaults."""
    if isinstance(obj, tuple):
        return [plain(v) for v in obj]
    if hasattr(obj, "in_file"):
        return obj.in_file()
    if not dataclasses.is_dataclass(obj):
        return obj
    result: dict[str, Any] = {"kind": kinds[type(obj)]} if kinds else {}
    for name, field in written(type(obj)).items():
        value = getattr(obj, field.name)
        if (
            name not in without
            and value is not None
            and (field.default is dataclasses.MISSING or value != field.default)
        ):
            result[name] = plain(value)
    return result


def said_fault(value: Any) -> str | None:
    """Return what is wrong with a text that a study says."""
    return text_fault(value) if isinstance(value, str) else f"wanted text, got {value!r}"


def names_fault(value: Any) -> str | None:
    """Return what is wrong with the names of scenarios or designs."""
    if not isinstance(value, Mapping):
        return f"wanted a mapping of names, got {value!r}"
    found = [name_fault(name) if isinstance(name, str) else f"wanted text, got {name!r}" for name in value]
    return "; ".join(filter(None, found)) or None
