"""Statements of a registered protocol, as a study file lists them, and what is made of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from doseopt.core.parameters import check, param
from doseopt.study.reader import Reader

TAKEN = {"modelled": "modelled", "silence": "read as a silence", "not_modelled": "not modelled"}
"""What may be made of a statement, in words."""


@dataclass(frozen=True)
class Stated:
    """A statement of the registered protocol.

    Parameters
    ----------
    says : str
        What the protocol says, or does not.
    taken : {"modelled", "silence", "not_modelled"}
        Whether the numbers follow it, whether it was read in one of several ways, or whether it is left out of them.
    how : str
        How it is modelled or read, or why it is left out.

    Examples
    --------
    >>> Stated("planned enrolment 10 (estimated)", "silence", "a cap of 10").taken
    'silence'
    """

    says: str = param(kind=str, doc="what the protocol says, or does not")
    taken: str = param(kind=str, choices=tuple(TAKEN), doc="what is made of it")
    how: str = param("", doc="how it is modelled or read, or why it is left out")

    def __post_init__(self) -> None:
        """Check the declared parameters."""
        check(self)


def read_protocol(reader: Reader, table: Any, where: str) -> tuple[Stated, ...]:
    """Build the statements of a protocol; faults go to the reader."""
    if not isinstance(table, list) or not all(isinstance(each, Mapping) for each in table):
        reader.fault(where, f'wanted a list of tables such as {{ says = "..", taken = "modelled" }}, got {table!r}')
        return ()
    found = [reader.build(Stated, each, f"{where}[{k}]", {}) for k, each in enumerate(table)]
    return tuple(each for each in found if each is not None)
