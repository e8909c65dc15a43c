"""Document: what a command or a report says, before it is text on a terminal, HTML, DOCX or PDF; nothing of looks."""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from doseopt.core.text import neutral
from doseopt.display.numbers import typeset
from doseopt.plots.save import drawn, drawn_narrow, in_pixels

if TYPE_CHECKING:
    from matplotlib.figure import Figure as MatplotlibFigure


MARK = "*"
"""Behind a marked cell."""


LETTER, BESIDE, ROOM = 3.7, 8.0, 500.0
"""Points of a letter in a wide table, beside the text of a cell, and of all columns on a page."""
TALLEST = 1.35
"""Height of a figure, in the width of the text, up to which a page has room for it and its caption."""
BROADEST = 24
"""Letters of a column of words that has many beside it: longer texts are broken into lines."""


@dataclass(frozen=True)
class Heading:
    """A heading of level 1 (a section) or 2."""

    text: str
    level: int = 1


@dataclass(frozen=True)
class Paragraph:
    """Running text; `strong` for what must not be missed."""

    text: str
    strong: bool = False


@dataclass(frozen=True)
class Caution:
    """Something that a reader must know before trusting what follows."""

    text: str


@dataclass(frozen=True)
class Item:
    """An item of a list, with what stands below it."""

    text: str
    details: tuple[Item | str, ...] = ()


@dataclass(frozen=True)
class Bullets:
    """A list; its items are numbered, if their order matters."""

    items: tuple[Item | str, ...]
    numbered: bool = False


@dataclass(frozen=True)
class Tree:
    """A tree of items."""

    root: Item


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
    labels : bool
        Whether the leading columns of words and the heads are labels, which a narrow page may shorten.
    short_heads : bool
        Whether that holds of the heads.
    marked : collection of (row, column)
        Cells that stand out, each with `MARK` behind it; the caption says for what.
    tones : mapping of (row, column) to str
        Cells that are coloured: "up", "down" or "out". The colour repeats what the text says.
    groups : tuple of (str, int)
        Titles over the columns behind the leading columns of words, each with the number of columns it spans.
    notes : tuple of str
        What stands below the table.
    """

    caption: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: bool = False
    texts: tuple[int, ...] = (0,)
    labels: bool = False
    short_heads: bool = True
    marked: frozenset[tuple[int, int]] = frozenset()
    tones: Mapping[tuple[int, int], str] = field(default_factory=dict)
    groups: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()

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
        grouped = sum(span for _, span in self.groups)
        if self.groups and grouped != len(self.head) - self.leading:
            wanted = f"wanted groups of {len(self.head) - self.leading} columns in {self.caption!r}"
            raise ValueError(f"{wanted}, got {grouped}")

    @property
    def leading(self) -> int:
        """The number of leading columns of words."""
        return next((c for c, left in enumerate(self.left) if not left), len(self.head))

    def parts(self) -> tuple[Table, ...]:
        """Return the table in parts that a page has room for, cut between groups; leading words stand in each."""
        lead, each = list(range(self.leading)), self.groups or (("", 1),) * (len(self.head) - self.leading)
        heads = [max(map(len, head.split()), default=0) for head in self.head]
        longest = [max(heads[c], *(len(row[c]) for row in self.rows), 0) for c in range(len(self.head))]
        width = [
            LETTER * (min(n, BROADEST) if left else n) + BESIDE for n, left in zip(longest, self.left, strict=True)
        ]
        runs: list[tuple[list[int], list[tuple[str, int]]]] = []
        last = self.leading
        for group in each:
            columns = list(range(last, last + group[1]))
            last += group[1]
            if runs and sum(width[c] for c in (*lead, *runs[-1][0], *columns)) <= ROOM:
                runs[-1][0].extend(columns)
                runs[-1][1].append(group)
            else:
                runs.append((columns, [group]))
        if len(runs) < 2:
            return (self,)
        return tuple(
            self._part(k, [*lead, *columns], groups, k == len(runs) - 1) for k, (columns, groups) in enumerate(runs)
        )

    def _part(self, k: int, columns: list[int], groups: list[tuple[str, int]], last: bool) -> Table:
        """Return some columns as a table, the k-th of its parts."""
        place = {c: at for at, c in enumerate(columns)}
        return dataclasses.replace(
            self,
            caption=f"{self.caption} (continued)" if k else self.caption,
            head=tuple(self.head[c] for c in columns),
            rows=tuple(tuple(row[c] for c in columns) for row in self.rows),
            texts=tuple(place[c] for c in columns if self.left[c]),
            marked=frozenset((r, place[c]) for r, c in self.marked if c in place),
            tones={(r, place[c]): tone for (r, c), tone in self.tones.items() if c in place},
            groups=tuple(groups) if self.groups else (),
            notes=self.notes if last else (),
        )

    def shown(self, row: int, column: int) -> str:
        """Return the text of a cell of the body, with the mark if it is marked."""
        return self.rows[row][column] + MARK * ((row, column) in self.marked)


@dataclass(frozen=True)
class Figure:
    """A figure, with a caption, and in words what it shows for those who cannot see it.

    Parameters
    ----------
    drawn : callable
        Returns the figure as SVG.
    caption, alt : str
    name : str
        Of its files, where it has any.
    narrow : callable
        Returns it as an SVG that is drawn for a phone.
    """

    drawn: Callable[[], bytes] = field(repr=False)
    caption: str
    alt: str
    name: str = ""
    narrow: Callable[[], bytes] = field(repr=False, kw_only=True)

    @classmethod
    def of(cls, draw: Callable[[], MatplotlibFigure], caption: str, alt: str, name: str = "") -> Figure:
        """Return a figure that is drawn when it is first asked for, and once."""
        narrow = functools.cache(lambda: drawn_narrow(draw))
        return cls(functools.cache(lambda: drawn(draw())), caption, alt, name, narrow=narrow)

    @property
    def png(self) -> bytes:
        """The figure as PNG."""
        return in_pixels(self.svg)

    @property
    def svg(self) -> bytes:
        """The figure as SVG."""
        return self.drawn()

    @property
    def height(self) -> float:
        """The height of the figure, in its width."""
        size = re.search(rb'<svg[^>]*viewBox="0 0 ([\d.]+) ([\d.]+)"', self.svg)
        assert size is not None, "figures of plots.save state their size"
        return float(size[2]) / float(size[1])


@dataclass(frozen=True)
class Code:
    """A command or a file, letter for letter."""

    text: str


@dataclass(frozen=True)
class Gap:
    """Something that only the investigators can say: visible, and never filled by a guess."""

    text: str


type Block = Heading | Paragraph | Caution | Bullets | Tree | Table | Figure | Code | Gap


def _written(value: Any, write: Callable[[str], str]) -> Any:
    """Return a block, or what stands in one, with every text as `write` has it."""
    if isinstance(value, str):
        return write(value)
    if isinstance(value, tuple):
        return tuple(_written(part, write) for part in value)
    if isinstance(value, Item | Block.__value__):
        parts = {f.name: _written(getattr(value, f.name), write) for f in dataclasses.fields(value)}
        return type(value)(**parts)
    return value


@dataclass(frozen=True)
class Document:
    """A report.

    Parameters
    ----------
    title : str
    facts : mapping of str to str
        What stands under the title: registry number, versions, hashes; what has no text is left out.
    blocks : tuple of Block
    """

    title: str
    facts: Mapping[str, str]
    blocks: tuple[Block, ...]

    @property
    def figures(self) -> tuple[Figure, ...]:
        """The figures that have files, in order."""
        return tuple(block for block in self.blocks if isinstance(block, Figure) and block.name)

    def neutral(self) -> Document:
        """Return the document as a terminal may show it: every text in it made harmless."""
        return self._written(neutral)

    def printed(self) -> Document:
        """Return the document as a page may show it: harmless, with powers of ten as print has them, code apart."""
        return self._written(lambda text: typeset(neutral(text)))

    def _written(self, write: Callable[[str], str]) -> Document:
        facts = {write(name): write(text) for name, text in self.facts.items() if text}
        blocks = tuple(_written(b, neutral if isinstance(b, Code) else write) for b in self.blocks)
        return Document(write(self.title), facts, blocks)

    @property
    def sections(self) -> tuple[str, ...]:
        """The headings of level 1, in order."""
        return tuple(block.text for block in self.blocks if isinstance(block, Heading) and block.level == 1)
