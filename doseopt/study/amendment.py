"""The amendment of a study file: which design is registered, which are proposed, and the words of the team."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from doseopt.core.cohort import parse_outcomes
from doseopt.core.parameters import Domain, Fault, Faults, nearest
from doseopt.scenarios import MTDRule
from doseopt.study.criteria import Criteria, read_criteria
from doseopt.study.protocol import Stated, read_protocol
from doseopt.study.reader import Reader, key, plain
from doseopt.study.said import Said

STATEMENTS = {
    "version": "version and date of the protocol that is amended",
    "reason": "why the change is proposed, and what new knowledge it rests on",
    "prespecified": "which of the changes the registered protocol allowed for, and which it did not",
    "dlt_definition": "the definition of a dose-limiting toxicity",
    "dlt_window": "the DLT observation period",
    "accrual": "how patients enter: staggering within a dose level, sentinel patients, waiting times",
    "populations": "analysis populations, and how missing data and withdrawals are handled",
    "decisions": "the dose decisions taken so far, who took them, and any deviation from the rule",
    "oversight": "who reviews safety data, and when",
    "involvement": "how patients or the public were involved",
}
"""What only the investigators can say, by its key in the study file."""


_PROBABILITY = Domain(float, 0, 1, open_low=True, open_high=True)
WANTED = 0.6
"""The probability of correct selection for which the enrolment needed is stated, unless the file says another."""


KEYS = {
    "registered": Said("the design that is registered; the first if left out", Domain(str)),
    "amended": Said("the designs proposed instead; all others if left out", Domain(list)),
    "wanted": Said("probability of correct selection for which enrolment is stated", _PROBABILITY, WANTED),
    "criteria": Said("by which one of the designs is recommended"),
    "interims": Said("outcomes at which the amendment is worked through, by name", example={"third": "1N 2NNT"}),
    "statements": Said("words of the investigators, by what they are on"),
    "protocol": Said("statements of the registered protocol, and what is made of each", Domain(list), []),
}


@dataclass(frozen=True)
class Proposal:
    """An amendment as the study file proposes it.

    Parameters
    ----------
    registered : str
        The design that is registered.
    amended : tuple of str
        The designs proposed instead.
    wanted : float
        The probability of correct selection for which the enrolment needed is stated.
    interims : mapping of str to str
        Outcomes at which the amendment is worked through, e.g. ``"1N 2NNT"``, by name.
    statements : mapping of str to str
        Words of the investigators, by the keys of `STATEMENTS`.
    criteria : Criteria, optional
        By which one of the designs is recommended; without, none is.
    protocol : tuple of Stated
        What the registered protocol says, and what is made of it.
    """

    registered: str
    amended: tuple[str, ...]
    wanted: float = WANTED
    interims: Mapping[str, str] = field(default_factory=dict)
    statements: Mapping[str, str] = field(default_factory=dict)
    criteria: Criteria | None = None
    protocol: tuple[Stated, ...] = ()

    def only(self, names: Collection[str]) -> Proposal | None:
        """Return what is proposed of these designs; None if the registered one or every other is not among them."""
        amended = tuple(name for name in self.amended if name in names)
        return replace(self, amended=amended) if amended and self.registered in names else None

    def in_file(self) -> dict[str, Any]:
        """Return the table of the study file."""
        table = {"registered": self.registered, "amended": list(self.amended), "wanted": self.wanted}
        table |= {} if self.criteria is None else {"criteria": self.criteria.in_file()}
        rest = {
            "interims": dict(self.interims),
            "statements": dict(self.statements),
            "protocol": [plain(each) for each in self.protocol],
        }
        return table | {name: value for name, value in rest.items() if value}


def read_proposal(
    reader: Reader,
    table: Any,
    designs: Mapping[str, Any],
    doses: int | None,
    also: Mapping[str, MTDRule],
    target: float,
) -> Proposal | None:
    """Build the amendment of a study file; faults go to the reader."""
    before = len(reader.faults)
    found = reader.table(table, "amendment", KEYS)
    registered = found.get("registered", next(iter(designs), ""))
    _design(reader, registered, "amendment.registered", designs)
    amended = found.get("amended", [name for name in designs if name != registered])
    if not isinstance(amended, list) or not amended:
        reader.fault("amendment.amended", f"wanted a list of designs of the study, got {amended!r}")
        amended = []
    for k, name in enumerate(amended):
        _design(reader, name, f"amendment.amended[{k}]", designs)
        if name == registered:
            reader.fault(f"amendment.amended[{k}]", f"{name!r} is the registered design")
        if name in amended[:k]:
            reader.fault(f"amendment.amended[{k}]", f"{name!r} is named twice")
    wanted = reader.value(found.get("wanted", WANTED), "amendment.wanted", KEYS["wanted"].domain)
    criteria = None
    if "criteria" in found:
        criteria = read_criteria(reader, found["criteria"], "amendment.criteria", also, target)
    interims = _texts(reader, found.get("interims", {}), "amendment.interims")
    for name, outcomes in interims.items():
        try:
            parse_outcomes(outcomes, doses or 99)
        except Faults as faults:
            reader.faults.extend(Fault(f"amendment.interims.{key(name)}", f.message) for f in faults.faults)
    statements = _texts(reader, found.get("statements", {}), "amendment.statements", STATEMENTS)
    protocol = read_protocol(reader, found.get("protocol", []), "amendment.protocol")
    if len(reader.faults) > before:
        return None
    return Proposal(registered, tuple(amended), wanted, interims, statements, criteria, protocol)


def _design(reader: Reader, name: Any, where: str, designs: Mapping[str, Any]) -> None:
    if not isinstance(name, str) or name not in designs:
        reader.fault(where, f"no design {name!r} in the study{nearest(str(name), designs)}")


def _texts(reader: Reader, table: Any, where: str, known: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return a table of texts, of any keys or of the known ones."""
    entries = reader.table(table, where, known if known is not None else table if isinstance(table, Mapping) else ())
    each = {name: reader.value(text, f"{where}.{key(name)}", Domain(str)) for name, text in entries.items()}
    return {name: text for name, text in each.items() if text is not None}
