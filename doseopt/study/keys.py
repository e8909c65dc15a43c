"""Reference of the keys of a study file, table by table, from the declarations that its reader reads."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from doseopt.beliefs import BELIEFS
from doseopt.beliefs.utility import Utility
from doseopt.core.definition import Definition
from doseopt.core.parameters import Domain, Fault, Faults, written
from doseopt.designs import DESIGNS
from doseopt.designs.expanding import Expansion
from doseopt.designs.layers import layers
from doseopt.designs.modifiers import MODIFIERS
from doseopt.models.choice import PosteriorModel
from doseopt.scenarios import TRANSFORMS, MTDRule, OBDRule
from doseopt.study.absent import nearest_kind
from doseopt.study.amendment import KEYS, STATEMENTS
from doseopt.study.criteria import CRITERIA
from doseopt.study.definitions import OF_ALSO
from doseopt.study.designs import OF_A_DESIGN
from doseopt.study.eligibility import ANY, LISTS, POPULATION, Condition
from doseopt.study.file import BUILT, OF_MTD, TOP
from doseopt.study.most_probable import KEYS as OF_MOST_PROBABLE
from doseopt.study.naming import EVIDENCE
from doseopt.study.obd import SHARED
from doseopt.study.protocol import Stated
from doseopt.study.reader import plain
from doseopt.study.rules import WAYS
from doseopt.study.said import MISSING, Said
from doseopt.study.scenarios import FIXED, RANDOM
from doseopt.study.window_events import DROPOUT, WindowEvents

GIVEN = ("target", "dose_values", "unit", "definition", *SHARED)
"""What the study gives to each of its designs; a table of one may say another."""
FAMILIES = ("designs", "modifiers", "transform", "belief")
"""Tables that a `kind` tells apart."""
UNITS = (("day", "days"), ("patients", "patients"), ("cohort size", "patients"), ("month", "months"))


@dataclass(frozen=True)
class Key:
    """A key of a table.

    Parameters
    ----------
    name, doc : str
    domain : Domain
    default : Any
        MISSING where it must stand.
    example : Any
        None where none is known.
    table : str
        The table that may stand here, if one may.
    """

    name: str
    doc: str
    domain: Domain
    default: Any = MISSING
    example: Any = None
    table: str = ""

    @property
    def unit(self) -> str:
        """The unit of a number, as its meaning says it; empty where it has none, or that of the doses."""
        if self.domain.kind not in (int, float, tuple):
            return ""
        if self.domain.kind is float and (self.domain.low, self.domain.high) == (0, 1):
            return "share, 0 to 1"
        return next((unit for word, unit in UNITS if word in self.doc), "")


@dataclass(frozen=True)
class KeyTable:
    """A table of a study file.

    Parameters
    ----------
    path : str
        Where it stands; NAME is a name that the study gives.
    doc : str
        What it says.
    keys : tuple of Key
    source : str
        References, where the class states any.
    open : bool
        Whether other keys may stand in it.
    """

    path: str
    doc: str
    keys: tuple[Key, ...]
    source: str = ""
    open: bool = False

    @property
    def kind(self) -> str:
        """The kind that it is of; empty where there is one only."""
        family, _, kind = self.path.partition(".")
        return kind if family in FAMILIES else ""


def key_tables() -> dict[str, KeyTable]:
    """Return all tables by path: "study", "clock", "clock.accrual", "designs.boin", "modifiers.max_patients", ...

    Examples
    --------
    >>> from doseopt.study.keys import key_tables
    >>> [key.name for key in key_tables()["modifiers.max_patients"].keys]
    ['kind', 'n']
    """
    found = {"study": KeyTable("study", "what stands in no table, and the tables", _of_said(TOP))}
    for name, cls in BUILT.items():
        _add(found, name, cls, TOP[name].doc)
    _add(found, "window_events", WindowEvents, TOP["window_events"].doc)
    _add(found, "posterior", PosteriorModel, TOP["posterior"].doc)
    _add(found, "utility", Utility, TOP["utility"].doc)
    _add(found, "mtd", MTDRule, TOP["mtd"].doc, OF_MTD, without=("target",))
    _add(found, "obd", OBDRule, TOP["obd"].doc, given=("phi_t",))
    _add(found, "mtd.also", MTDRule, OF_MTD["also"].doc, OF_ALSO, given=("target",))
    _add(found, "mtd.definition", Definition, OF_MTD["definition"].doc)
    _add(found, "expansion", Expansion, OF_A_DESIGN["expansion"].doc)
    _add(found, "eligibility.condition", Condition, "one of the alternatives of a criterion")
    _add(found, "eligibility.include", Condition, LISTS["include"].doc, POPULATION)
    _add(found, "amendment.protocol", Stated, KEYS["protocol"].doc)
    by_name = {
        "dropout": (DROPOUT, TOP["dropout"].doc),
        "eligibility": (LISTS, TOP["eligibility"].doc),
        "eligibility.any": (ANY, "a criterion of alternatives"),
        "scenarios": (FIXED, TOP["scenarios"].doc),
        "scenarios.random": (RANDOM, "scenarios that a generator draws"),
        "amendment": (KEYS, TOP["amendment"].doc),
        "amendment.criteria": (CRITERIA, KEYS["criteria"].doc),
        "amendment.statements": ({n: Said(t, Domain(str), "") for n, t in STATEMENTS.items()}, KEYS["statements"].doc),
        "names": (EVIDENCE, OF_A_DESIGN["names"].doc),
        **{f"modifiers.{how}": ({how: said}, said.doc) for how, said in WAYS.items()},
        "selection": (OF_MOST_PROBABLE, "the dose that is most probably right, as [mtd] says what is, names the MTD"),
    }
    for path, (said, doc) in by_name.items():
        found[path] = KeyTable(path, doc, _of_said(said), open=path == "amendment.criteria")
    for family, kinds in zip(FAMILIES, (DESIGNS, MODIFIERS, TRANSFORMS, BELIEFS), strict=True):
        own = family == "designs"
        for kind, cls in kinds.items():
            said = {"kind": Said("which one it is", Domain(str, choices=(kind,)), MISSING, kind)}
            without, given = (("doses",), GIVEN) if own else ((), ())
            _add(found, f"{family}.{kind}", cls, _first(cls), said, without=without, given=given)
            if own:
                table = found[f"{family}.{kind}"]
                keys = (*table.keys, *_of_said(OF_A_DESIGN))
                found[f"{family}.{kind}"] = dataclasses.replace(table, keys=keys)
    return found


def asked(kind: str) -> dict[str, KeyTable]:
    """Return the tables of a kind, of a table with all below it, or all of them.

    Raises
    ------
    Faults
        If there is none of the name.

    Examples
    --------
    >>> from doseopt.study.keys import asked
    >>> list(asked("boin"))
    ['designs.boin']
    """
    every = key_tables()
    if not kind:
        return every
    found = {p: t for p, t in every.items() if kind in (p, t.kind) or p.startswith(f"{kind}.")}
    if not found:
        names = dict.fromkeys(name for p, t in every.items() for name in (t.kind or p, p.partition(".")[0]))
        raise Faults([Fault("", f"no table or kind {kind!r}{nearest_kind(kind, names)}")], "keys")
    return found


def _of_said(said: Mapping[str, Said]) -> tuple[Key, ...]:
    return tuple(Key(name, one.doc, one.domain, one.default, one.example) for name, one in said.items())


def _add(
    found: dict[str, KeyTable],
    path: str,
    cls: type,
    doc: str,
    said: Mapping[str, Said] | None = None,
    without: Iterable[str] = (),
    given: Iterable[str] = (),
) -> None:
    """Add the table of a class, and those inside it."""
    keys, inside, known = list(_of_said(said or {})), [], _example(cls)
    for name, field in written(cls).items():
        if name in set(without):
            continue
        domain, table = field.metadata["domain"], ""
        if domain.table is not None:
            table = f"{path}.{name}"
            inside.append((table, domain.table, doc_of(field)))
        default = None if name in set(given) and field.default is MISSING else field.default
        keys.append(Key(name, doc_of(field), domain, default, known.get(name), table))
    found[path] = KeyTable(path, doc, tuple(keys), source_of(cls))
    for table, nested, meaning in inside:
        _add(found, table, nested, meaning)


def doc_of(field: dataclasses.Field[Any]) -> str:
    """Return what a parameter means; of one that is a table, what its class says if it says nothing itself."""
    table = field.metadata["domain"].table
    return str(field.metadata["doc"] or ("" if table is None else _first(table)))


def _example(cls: type) -> Mapping[str, Any]:
    """Return values that a class gives as its example, as a study file writes them."""
    make = getattr(cls, "example", None)
    if make is None:
        return {}
    one = make()
    rule = one if type(one) is cls else layers(one).rule
    values = {name: getattr(rule, f.name) for name, f in written(cls).items() if hasattr(rule, f.name)}
    return {name: _toml(value) for name, value in values.items() if value is not None}


def _toml(value: Any) -> Any:
    """Return a value as TOML says it, None if it says none."""
    if isinstance(value, tuple):
        return [_toml(each) for each in value]
    if dataclasses.is_dataclass(value):
        value = plain(value)
    return value if isinstance(value, str | int | float | bool | list | dict) else None


def _first(cls: type) -> str:
    """Return the first sentence of a docstring, without its names and references."""
    text = " ".join((inspect.getdoc(cls) or "").split("\n\n")[0].split())
    return re.split(r"(?:\.\s+(?:Names|References|Parameters)\b)|\.$|(?<=[a-z)])\. ", text)[0]


def source_of(cls: type) -> str:
    """Return the references of the docstring of a class, empty where there are none."""
    text = inspect.getdoc(cls) or ""
    found = re.search(r"References(?:\n-+\n|: )(.*?)(?:\n\n[A-Z]\w+\n-|\n\n|\Z)", text, re.DOTALL)
    return "" if found is None else " ".join(found[1].split())
