"""Numbers of others beside ours, as a document. Takes the rows of `doseopt.verify` and what is said about them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from doseopt.reports.render.document import MARK, Block, Bullets, Document, Heading, Paragraph, Table

CELL = 11
"""Letters of the longest number."""
SHOWN = 20
"""Differing numbers that are spelled out."""

type Row = Mapping[str, Any]


def verification_document(rows: Sequence[Row], about: Row) -> Document:
    """Return what was recomputed: what differs first, a line for each check and source, notes, the verdict.

    Parameters
    ----------
    rows : sequence of mapping
        Of `verify.as_rows`.
    about : mapping
        Of `verify.about`.
    """
    wrong = [row for row in rows if not row["agrees"]]
    title = f"{len(wrong):,} {'numbers differ' if len(wrong) > 1 else 'number differs'}"
    blocks = [*_differing(wrong), _summary(rows), *_notes(about), *_sources(rows), *_verdict(about)]
    return Document(title if wrong else "Numbers of others, recomputed", {}, tuple(blocks))


def _source(row: Row) -> str:
    return f"{row['source']} {row['version']}".strip()


def _differing(wrong: Sequence[Row]) -> list[Block]:
    """Spell out what differs."""
    texts = []
    for row in wrong[:SHOWN]:
        ours = "none" if row["ours"] is None else row["ours"]
        apart = "" if math.isinf(row["difference"]) else f", difference {row['difference']:.1e}"
        limit = f", granted {row['granted']:.1e}" if row["granted"] else ""
        place = f"{row['check']}, {_source(row)} {row['place']}".rstrip()
        texts.append(f"{place}: {row['what']}: theirs {row['theirs'] or 'none'}, ours {ours}{apart}{limit}")
    if len(wrong) > SHOWN:
        texts.append(f"and {len(wrong) - SHOWN:,} more; --out writes all")
    return [Bullets(tuple(texts))] if texts else []


def _summary(rows: Sequence[Row]) -> Table:
    """Return a line for each check and source, with the number that lies furthest off for what it is granted."""
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row["check"], _source(row)), []).append(row)
    body, marked = [], set()
    for i, (key, group) in enumerate(groups.items()):
        worst = max(group, key=_distance)
        values = _cell(worst["theirs"]), _cell(worst["ours"]), f"{worst['difference']:.1g}", f"{worst['granted']:.1g}"
        body.append((*key, f"{len(group):,}", *values))
        marked |= set() if worst["agrees"] else {(i, 5)}
    caption = "Of each source, the number that lies furthest off for what is granted"
    return Table(
        caption + f"; {MARK} further off than that" * bool(marked),
        ("check", "source", "numbers", "theirs", "ours", "differ by", "granted"),
        tuple(body),
        texts=(0, 1),
        marked=frozenset(marked),
    )


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


def _notes(about: Row) -> list[Block]:
    """Say why more than half a unit of the last digit is granted, or what else needs saying."""
    notes = tuple(f"{name}: {check['note']}" for name, check in about["checks"].items() if check["note"])
    granted = "Granted is half a unit of the last digit printed, and a rounding error"
    return [Heading(f"{granted}; but"), Bullets(notes)] if notes else [Paragraph(f"{granted}.")]


def _sources(rows: Sequence[Row]) -> list[Block]:
    """Name the sources with calls and places."""
    places: dict[str, dict[str, None]] = {}
    for row in rows:
        places.setdefault(_source(row), {})[row["place"]] = None
    said = {name: " / ".join(filter(None, places[name])) for name in sorted(places, key=str.lower)}
    return [Heading("Sources"), Bullets(tuple(f"{name}: {text}" if text else name for name, text in said.items()))]


def _verdict(about: Row) -> list[Block]:
    made = f"doseopt {about['version']}, Python {about['python']}, NumPy {about['numpy']}, SciPy {about['scipy']}"
    many = len(about["sources"])
    counted = f"{about['numbers']:,} numbers from {many} {'sources' if many > 1 else 'source'}"
    said = (
        f"{about['differing']:,} of them differ"
        if about["differing"]
        else "all agree within the digits given or the difference granted"
    )
    return [Paragraph(made, strong=True), Paragraph(f"{counted}: {said}", strong=True)]
