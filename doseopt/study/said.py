"""Keys of tables that no class declares: what each means and may hold, said once for reader, reference and schema."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from doseopt.core.parameters import Domain

ANYTHING = Domain(object)


@dataclass(frozen=True)
class Said:
    """A key that a reader knows by its name; a mapping of names to these is what `Reader.table` takes.

    Parameters
    ----------
    doc : str
        What it means.
    domain : Domain
        What it may hold.
    default : Any
        What holds where it is left out; MISSING where it must stand.
    example : Any
    """

    doc: str
    domain: Domain = ANYTHING
    default: Any = None
    example: Any = None


MISSING = dataclasses.MISSING
