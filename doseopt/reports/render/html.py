"""Document -> one HTML file: no script, no request to any address, legible on a phone and on paper."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from pathlib import Path

from doseopt.core.files import write_whole
from doseopt.reports.render.document import (
    Block,
    Bullets,
    Caution,
    Code,
    Document,
    Figure,
    Gap,
    Heading,
    Item,
    Paragraph,
    Table,
    Tree,
)
from doseopt.reports.render.layout import chunks

type Box = tuple[float, float, float, float]
"""Of a drawing: left, top, width, height, in points."""
VIEW = r'<view id="band-(\d+)-\d+" viewBox="([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+)"/>'
"""A panel of a figure, or the names of all panels beside each other, as `plots.bands` states them."""
PHONE = 305.0
"""Points of what a phone shows side by side."""
LEAST = 0.85
"""Share of its size in print that a piece has at the least; what is wider is scrolled."""
STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; margin: 0 auto; max-width: 52rem;
  padding: 1rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; } h2 { font-size: 1.3rem; margin-top: 2.5rem; border-top: 1px solid #c9c9c9;
  padding-top: 1rem; } h3 { font-size: 1.05rem; margin-top: 1.5rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; font-size: .9rem; }
dt { color: #595959; } dd { margin: 0; overflow-wrap: anywhere; }
nav ul { columns: 2; padding-left: 1.1rem; font-size: .95rem; } a { color: #00558c; }
.table { overflow-x: auto; margin: 1rem 0; width: fit-content; max-width: calc(50vw + 23.5rem);
  background: linear-gradient(90deg, #fff 30%, #fff0) left/40px 100% no-repeat local,
    linear-gradient(270deg, #fff 30%, #fff0) right/40px 100% no-repeat local,
    linear-gradient(90deg, #0004, #0000) left/12px 100% no-repeat scroll,
    linear-gradient(270deg, #0004, #0000) right/12px 100% no-repeat scroll; }
table { border-collapse: collapse; font-size: .85rem; }
caption { text-align: left; font-weight: 600; padding-bottom: .35rem; }
caption span { display: inline-block; position: sticky; left: 0; max-width: min(46rem, calc(100vw - 3.5rem)); }
th, td { padding: .2rem .55rem; border-bottom: 1px solid #d9d9d9; text-align: right; vertical-align: top;
  font-variant-numeric: tabular-nums; }
th { border-bottom: 1px solid #595959; } th:first-child, .left { text-align: left; }
@media (min-width: 48rem) { td:not([class]) { white-space: nowrap; } }
.word { white-space: nowrap; } tbody th { font-weight: 500; border-bottom: 1px solid #d9d9d9; }
figure { margin: 1.25rem 0; } figure svg { width: 100%; max-width: 46rem; height: auto; }
figcaption { font-size: .9rem; color: #404040; }
.pieces { display: none; flex-wrap: wrap; gap: .5rem 1rem; overflow-x: auto; font-size: .8rem; }
.again { position: absolute; width: 0; height: 0; }
.pieces p { margin: 0; } .pieces svg { flex: none; max-width: 100%; }
pre { background: #f4f4f4; padding: .6rem .8rem; overflow-x: auto; font-size: .85rem; }
.strong { font-weight: 600; } .gap { border-left: 4px solid #b45309; background: #fff7ed; padding: .5rem .8rem; }
.caution { border-left: 4px solid #00558c; background: #eef5fa; padding: .4rem .8rem; } .note { font-size: .85rem; }
.end { border-right: 1px solid #d9d9d9; } .up { background: #cfe8f3; } .down { background: #fff0b3; }
.out { background: #f6c6c0; } .tree ul { list-style: none; padding-left: 1.1rem; border-left: 1px solid #d9d9d9; }
@media (max-width: 40rem) { nav ul { columns: 1; } dl { grid-template-columns: 1fr; } dt { margin-top: .4rem; }
  .left { min-width: 7rem; } main ul { padding-left: 1.2rem; } }
@media (max-width: 55rem) { .table { max-width: 100%; } }
@media (max-width: 34rem) { table { font-size: .7rem; } th, td { padding: .15rem .22rem; } .left { min-width: 4.5rem; }
  figure { overflow-x: auto; } figure > svg { min-width: 40rem; }
  figcaption { position: sticky; left: 0; }
  .cut > svg { position: absolute; width: 0; height: 0; min-width: 0; } .cut .pieces { display: flex; } }
@media print { body { font-size: 10pt; max-width: none; padding: 0; } nav { display: none; }
  figure, table, .gap { break-inside: avoid; } h2, h3 { break-after: avoid; }
  .table { overflow: visible; max-width: 100%; } }
"""


def write_html(document: Document, path: Path) -> Path:
    """Write a document as one self-contained HTML file, whole or not at all."""
    text = html(document)
    return write_whole(path, lambda p: p.write_text(text, encoding="utf-8"))


def html(document: Document) -> str:
    """Return a document as HTML."""
    document = document.printed()
    facts = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in document.facts.items())
    links = "".join(f'<li><a href="#{_anchor(name)}">{escape(name)}</a></li>' for name in document.sections)
    body = "\n".join(_block(block, k) for k, block in enumerate(document.blocks))
    title = escape(document.title)
    navigation = f'<nav aria-label="Sections"><ul>{links}</ul></nav>\n' if len(document.sections) > 2 else ""
    return (
        f'<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n<title>{title}</title>\n'
        f"<style>{STYLE}</style>\n</head>\n<body>\n<header>\n<h1>{title}</h1>\n<dl>{facts}</dl>\n</header>\n"
        f"{navigation}<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


def _anchor(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _block(block: Block, k: int) -> str:
    match block:
        case Heading(text, 1):
            return f'<h2 id="{_anchor(text)}">{escape(text)}</h2>'
        case Heading(text, _):
            return f"<h3>{escape(text)}</h3>"
        case Paragraph(text, strong):
            return f"<p{' class=' + chr(34) + 'strong' + chr(34) if strong else ''}>{escape(text)}</p>"
        case Caution(text):
            return f'<p class="caution">{escape(text)}</p>'
        case Bullets(items, numbered):
            return _list(items, "ol" if numbered else "ul")
        case Tree(root):
            return f'<div class="tree">{_list((root,))}</div>'
        case Table():
            return _table(block)
        case Figure():
            return _figure(block, k)
        case Code(text):
            return f"<pre>{escape(text)}</pre>"
        case Gap(text):
            return f'<p class="gap">For the investigators: {escape(text)}</p>'


def _list(items: Sequence[Item | str], kind: str = "ul") -> str:
    """Return a list, with the lists inside its items."""
    ones = [Item(item) if isinstance(item, str) else item for item in items]
    each = (f"<li>{escape(one.text)}{_list(one.details) if one.details else ''}</li>" for one in ones)
    return f"<{kind}>{''.join(each)}</{kind}>"


def _table(table: Table) -> str:
    """Return a table; what is marked is bold too, and a tone colours what the text says."""
    side = [" left" * left for left in table.left]
    ends = _last_of_groups(table)
    classes = [f"{s}{' end' * (c in ends)}".strip() for c, s in enumerate(side)]
    kind = [f' class="{name}"' if name else "" for name in classes]
    head = "".join(f'<th scope="col"{s}>{_whole_words(cell)}</th>' for s, cell in zip(kind, table.head, strict=True))
    above = "".join(f'<th scope="colgroup" colspan="{n}" class="left end">{escape(t)}</th>' for t, n in table.groups)
    above = f'<tr><td colspan="{table.leading}"></td>{above}</tr>' if above else ""
    rows = []
    for r, row in enumerate(table.rows):
        cells = [_cell(table, r, c, classes[c]) for c in range(1, len(row))]
        rows.append(f'<tr><th scope="row">{_whole_words(table.shown(r, 0))}</th>{"".join(cells)}</tr>')
    caption = f"<caption><span>{escape(table.caption)}</span></caption>" if table.caption else ""
    body = f"{caption}<thead>{above}<tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>"
    notes = "".join(f'<p class="note">{escape(note)}</p>' for note in table.notes)
    return f'<div class="table"><table>{body}</table></div>{notes}'


def _whole_words(text: str) -> str:
    """Return what heads a row or a column, in which no name is broken at a hyphen."""
    return re.sub(r"\S*\w-\w\S*", r'<span class="word">\g<0></span>', escape(text))


def _last_of_groups(table: Table) -> set[int]:
    """Return the last column of each group."""
    spans = [span for _, span in table.groups]
    return {table.leading + sum(spans[: k + 1]) - 1 for k in range(len(spans))}


def _cell(table: Table, row: int, column: int, kind: str) -> str:
    names = f"{kind} {table.tones.get((row, column), '')}".strip()
    text = escape(table.shown(row, column))
    text = f"<strong>{text}</strong>" if (row, column) in table.marked else text
    return f'<td class="{names}">{text}</td>' if names else f"<td>{text}</td>"


def too_wide(figure: Figure) -> bool:
    """Tell whether a panel of a figure is wider than a phone, so that a page draws the figure again."""
    runs = (run for band in _bands(figure.svg.decode("utf-8")) for run in _runs(*band))
    return any(names[2] + panels[2] > PHONE for names, panels in runs)


def _figure(figure: Figure, k: int) -> str:
    """Return the SVG in the page; its ids get a number, so that two figures never share one.

    Where the page is narrow its pieces are shown, which are no drawings of their own, but that a panel wider than a
    phone is drawn again.
    """
    svg = figure.svg.decode("utf-8")
    bands, again = _bands(svg), ""
    pieces = [(_runs(*band), f"f{k}-figure_1") for band in bands]
    if too_wide(figure):
        narrow = figure.narrow().decode("utf-8")
        redrawn = [(_runs(*band), f"f{k}n-figure_1") for band in _bands(narrow)]
        fits = [all(names[2] + panels[2] <= PHONE for names, panels in runs) for runs, _ in pieces]
        alike = len(redrawn) == len(pieces)
        pieces = (
            [old if fit else new for old, new, fit in zip(pieces, redrawn, fits, strict=True)] if alike else redrawn
        )
        again = _inline(narrow, f"f{k}n", 'class="again" aria-hidden="true"')
    parts = [_piece(*run, drawing) for runs, drawing in pieces for run in runs]
    shown = f'<div class="pieces" aria-hidden="true">{"".join(_heading(svg) + parts)}</div>' if parts else ""
    cut = ' class="cut"' if parts else ""
    whole = _inline(svg, f"f{k}", f'role="img" aria-label="{escape(figure.alt)}"')
    return f"<figure{cut}>{whole}{again}{shown}<figcaption>{escape(figure.caption)}</figcaption></figure>"


def _inline(svg: str, name: str, attributes: str) -> str:
    """Return a drawing as a part of the page, its ids under a name."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="#|url\(#)', rf"\g<1>{name}-", svg)
    svg = re.sub(r"<title>.*?</title>|<desc>.*?</desc>|<view [^>]*>", "", svg, flags=re.DOTALL)
    return svg.replace("<svg", f"<svg {attributes}", 1)


def _bands(svg: str) -> list[list[Box]]:
    """Return of each band of a drawing the names and the panels; none of one that is of one piece."""
    bands: dict[str, list[Box]] = {}
    for band, *box in re.findall(VIEW, svg):
        x, y, width, height = map(float, box)
        bands.setdefault(band, []).append((x, y, width, height))
    return list(bands.values())


def _heading(svg: str) -> list[str]:
    """Return the title and the subtitle of a drawing as text."""
    title, said = (re.search(rf"<{tag}>(.*?)</{tag}>", svg, re.DOTALL) for tag in ("title", "desc"))
    heading = [f"<p><strong>{title[1]}</strong></p>"] if title else []
    return heading + ([f"<p>{said[1]}</p>"] if said else [])


def _runs(names: Box, *panels: Box) -> list[tuple[Box, Box]]:
    """Return runs of panels that a phone has room for, each with the names at its left."""
    _, y, width, height = names
    found = []
    for run in chunks([round(panel[2]) for panel in panels], round(PHONE - width)):
        first, last = panels[run[0]], panels[run[-1]]
        found.append((names, (first[0], y, last[0] + last[2] - first[0], height)))
    return found


def _piece(names: Box, panels: Box, drawing: str) -> str:
    """Return a piece of a drawing; as large as in print, or a little smaller where that takes too much room."""
    width, height = names[2] + panels[2], names[3]
    at, parts = 0.0, ""
    for box in (names, panels):
        if box[2]:
            seen = " ".join(f"{number:.1f}" for number in box)
            place = f'x="{at:.1f}" width="{box[2]:.1f}" height="{height:.1f}" viewBox="{seen}"'
            parts += f'<svg {place}><use href="#{drawing}"/></svg>'
            at += box[2]
    style = f"width: {width:.1f}pt; min-width: {LEAST * width:.1f}pt"
    return f'<svg viewBox="0 0 {width:.1f} {height:.1f}" style="{style}">{parts}</svg>'
