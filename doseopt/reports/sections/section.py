"""A section of the amendment report, and the items of guidelines that it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from doseopt.core.parameters import nearest
from doseopt.reports.render.document import Block
from doseopt.reports.sections.guidelines import ITEMS
from doseopt.study.amendment import STATEMENTS

if TYPE_CHECKING:
    from doseopt.amendment.dossier import Dossier


@dataclass(frozen=True)
class Section:
    """A section of the amendment report.

    Parameters
    ----------
    title : str
    build : callable
        Returns what stands under the title, from the dossier.
    answers : tuple of str
        Items of `ITEMS` that its numbers and texts answer.
    stated : mapping of str to tuple of str
        Items that statements of the investigators answer which the section prints, by their keys in `STATEMENTS`.
    """

    title: str
    build: Callable[[Dossier], list[Block]]
    answers: tuple[str, ...] = ()
    stated: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse items and statements that there are not."""
        keys = [key for each in self.stated.values() for key in each]
        for name, known in [(n, ITEMS) for n in (*self.answers, *self.stated)] + [(k, STATEMENTS) for k in keys]:
            if name not in known:
                raise ValueError(f"section {self.title!r}: no {name!r}{nearest(name, known)}")
