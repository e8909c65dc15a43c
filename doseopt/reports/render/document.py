"""What a report says, before it is HTML, DOCX or PDF: headings, text, tables and figures, and nothing of looks."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from doseopt.core.text import neutral
from doseopt.plots.save import rendered

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 (a section) or 2; on a new page of what is printed, if `new_page`."""

    text: str
    level: int = 1
    new_page: bool = False


@dataclass(frozen=True)
class Paragraph:
    """Running text; `strong` for what must not be missed."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Bullets:
    """A list."""

    items: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A table with its caption; the first column is set flush left, the others flush right unless they hold words.

    Parameters
    ----------
    caption : str
    head : tuple of str
    rows : tuple of tuple of str
    words : bool
        Whether all columns hold words.
    texts : tuple of int
        Which columns do, if not all; -1 is the last.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: bool = False
    texts: tuple[int, ...] = (0,)

    @property
    def left(self) -> tuple[bool, ...]:
        """Whether each column is set flush left."""
        count = len(self.head)
        return tuple(self.words or c in {k % count for k in self.texts} for c in range(count))

    def __post_init__(self) -> None:
        """Refuse rows that do not fit the head."""
        wrong = [row for row in self.rows if len(row) != len(self.head)]
        if wrong:
            raise ValueError(f"wanted rows of {len(self.head)} cells in {self.caption!r}, got {wrong[0]}")


@dataclass(frozen=True)
class Figure:
    """A figure, with a caption, and in words what it shows for those who cannot see it.

    Parameters
    ----------
    drawn : callable
        Returns the figure as PNG and as SVG.
    caption, alt : str
    name : str
        Of its files, where it has any.
    """

    drawn: Callable[[], tuple[bytes, bytes]] = field(repr=False)
    caption: str
    alt: str
    name: str = ""

    @classmethod
    def of(cls, draw: Callable[[], MatplotlibFigure], caption: str, alt: str, name: str = "") -> Figure:
        """Return a figure that is drawn when it is first asked for, and once."""
        return cls(functools.cache(lambda: rendered(draw())), caption, alt, name)

    @property
    def png(self) -> bytes:
        """The figure as PNG."""
        return self.drawn()[0]

    @property
    def svg(self) -> bytes:
        """The figure as SVG."""
        return self.drawn()[1]


@dataclass(frozen=True)
class Code:
    """A command or a file, letter for letter."""

    text: str


@dataclass(frozen=True)
class Gap:
    """Something that only the investigators can say: visible, and never filled by a guess."""

    text: str


type Block = Heading | Paragraph | Bullets | Table | Figure | Code | Gap


def _neutral(value: Any) -> Any:
    """Return a block, or what stands in one, with every text made harmless."""
    if isinstance(value, str):
        return neutral(value)
    if isinstance(value, tuple):
        return tuple(_neutral(part) for part in value)
    if isinstance(value, Block.__value__):
        return type(value)(**{field.name: _neutral(getattr(value, field.name)) for field in dataclasses.fields(value)})
    return value


@dataclass(frozen=True)
class Document:
    """A report.

    Parameters
    ----------
    title : str
    facts : mapping of str to str
        What stands under the title: registry number, versions, hashes.
    blocks : tuple of Block
    """

    title: str
    facts: Mapping[str, str]
    blocks: tuple[Block, ...]

    def neutral(self) -> Document:
        """Return the document as it may be rendered: every text in it made harmless."""
        facts = {neutral(name): neutral(text) for name, text in self.facts.items()}
        return Document(neutral(self.title), facts, tuple(_neutral(block) for block in self.blocks))

    @property
    def sections(self) -> tuple[str, ...]:
        """The headings of level 1, in order."""
        return tuple(block.text for block in self.blocks if isinstance(block, Heading) and block.level == 1)
