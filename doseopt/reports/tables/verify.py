"""Numbers of others beside ours, as text. Takes the rows of `doseopt.verify` and what is said about them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.text import Text

from doseopt.reports.render.layout import grid, heading, page_width, paragraph

WIDTH = 100
CELL = 11
"""Columns that a number takes."""
SHOWN = 20
"""Differing numbers that are spelled out."""

type Row = Mapping[str, Any]


def print_verification(rows: Sequence[Row], about: Row, console: Console) -> None:
    """Print what was recomputed, at most 100 columns wide."""
    width = page_width(console)
    console.print(verification_text(rows, about, width), soft_wrap=True)


def verification_text(rows: Sequence[Row], about: Row, width: int = WIDTH) -> Text:
    """Return what was recomputed as text: what differs first, a line for each check and source, notes, the verdict.

    Parameters
    ----------
    rows : sequence of mapping
        Of `verify.as_rows`.
    about : mapping
        Of `verify.about`.
    width : int
        Columns that no line exceeds.
    """
    lines = [*_differing(rows, width), *_summary(rows, width), *_notes(about, width), *_sources(rows, width)]
    return Text("\n").join([*lines, *_verdict(about, width)])


def _source(row: Row) -> str:
    return f"{row['source']} {row['version']}".strip()


def _differing(rows: Sequence[Row], width: int) -> list[Text]:
    """Spell out what differs."""
    wrong = [row for row in rows if not row["agrees"]]
    if not wrong:
        return []
    lines = paragraph(f"{len(wrong):,} {'numbers differ' if len(wrong) > 1 else 'number differs'}", width, style="bold")
    for row in wrong[:SHOWN]:
        ours = "none" if row["ours"] is None else row["ours"]
        apart = "" if math.isinf(row["difference"]) else f", difference {row['difference']:.1e}"
        limit = f", granted {row['granted']:.1e}" if row["granted"] else ""
        place = f"{row['check']}, {_source(row)} {row['place']}".rstrip()
        text = f"{place}: {row['what']}: theirs {row['theirs'] or 'none'}, ours {ours}{apart}{limit}"
        lines += paragraph(text, width, "  ", "- ")
    if len(wrong) > SHOWN:
        lines += paragraph(f"and {len(wrong) - SHOWN:,} more; --out writes all", width, "  ", "  ")
    return [*lines, Text("")]


def _summary(rows: Sequence[Row], width: int) -> list[Text]:
    """Return a line for each check and source, with the number that lies furthest off for what it is granted."""
    body, marked = [], set()
    ordered = sorted(rows, key=lambda row: (row["check"], _source(row)))
    place = {key: i for i, key in enumerate(dict.fromkeys((row["check"], _source(row)) for row in rows))}
    groups = {key: list(group) for key, group in groupby(ordered, key=lambda row: (row["check"], _source(row)))}
    for i, key in enumerate(sorted(groups, key=place.__getitem__)):
        worst = max(groups[key], key=_distance)
        apart, granted = worst["difference"], worst["granted"]
        body.append(
            [
                *key,
                f"{len(groups[key]):,}",
                _cell(worst["theirs"]),
                _cell(worst["ours"]),
                f"{apart:.1g}",
                f"{granted:.1g}",
            ]
        )
        marked |= {(i, c) for c in range(len(body[0])) if not worst["agrees"]}
    text = "Numbers of others, recomputed. Of each source the one that lies furthest off for what is granted is shown."
    head = ["check", "source", "numbers", "theirs", "ours", "differ by", "granted"]
    return [*paragraph(text, width), Text(""), *grid(head, body, marked, left=2, gaps={1, 2}, width=width)]


def _distance(row: Row) -> float:
    """Return how far off a number is, in what is granted it."""
    if not row["difference"]:
        return -1.0 if row["ours"] is None else 0.0
    return float(row["difference"] / row["granted"]) if row["granted"] else math.inf


def _cell(value: Any) -> str:
    """Return a number as it is printed, or with as many digits as there is room for."""
    text = "-" if value in (None, "") else str(value)
    if len(text) <= CELL:
        return text
    try:
        return f"{float(text):.{CELL - 6}e}" if 0 < abs(float(text)) < 1e-4 else f"{float(text):.{CELL - 3}g}"
    except ValueError:
        return text


def _notes(about: Row, width: int) -> list[Text]:
    """Say why more than half a unit of the last digit is granted, or what else needs saying."""
    notes = {name: check["note"] for name, check in about["checks"].items() if check["note"]}
    lines = heading(
        "Granted is half a unit of the last digit printed, and a rounding error" + "; but" * bool(notes), width
    )
    return lines + [line for name in notes for line in paragraph(f"{name}: {notes[name]}", width, "  ", "- ")]


def _sources(rows: Sequence[Row], width: int) -> list[Text]:
    """Name the sources with calls and places."""
    places: dict[str, dict[str, None]] = {}
    for row in rows:
        places.setdefault(_source(row), {})[row["place"]] = None
    lines = heading("Sources", width)
    for name, found in sorted(places.items(), key=lambda item: item[0].lower()):
        said = " / ".join(place for place in found if place)
        lines += paragraph(f"{name}: {said}" if said else name, width, "  ", "- ")
    return lines


def _verdict(about: Row, width: int) -> list[Text]:
    made = f"doseopt {about['version']}, Python {about['python']}, NumPy {about['numpy']}, SciPy {about['scipy']}"
    many = len(about["sources"])
    counted = f"{about['numbers']:,} numbers from {many} {'sources' if many > 1 else 'source'}"
    said = (
        f"{about['differing']:,} of them differ"
        if about["differing"]
        else "all agree within the digits given or the difference granted"
    )
    return [*heading(made, width), *paragraph(f"{counted}: {said}", width, style="bold")]
