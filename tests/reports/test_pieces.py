"""On a phone a figure is shown in pieces: each panel once, the names at its left with it, as large as in print."""

import re
import xml.etree.ElementTree as ET

import pytest

from doseopt.plots.scaffold import draw_key, entry, name_rows, new_figure, small_multiples
from doseopt.plots.style import styled
from doseopt.reports.render.document import Document, Figure
from doseopt.reports.render.html import html

PHONE = 360
"""Pixels that a page of 400 has between its margins; a point is 4/3 of a pixel."""
SMALLEST = 5.5
"""Points of the smallest letters of a figure, where it takes a little more room than there is."""
HEADING = ("Five panels", "What is drawn, in 10% steps, where <x> & y are.")


@styled
def multiples(columns, titles, shared="rows", key=0.0, foot=""):
    names = [f"a design with a name, {k}" for k in range(3)]
    figure, axes = small_multiples(HEADING, titles, columns, 60, row=1, rest=0.3, shared=shared, key=key)
    for ax in axes[int(key > 0) :]:
        ax.plot([0, 1], [0, 2])
    if key:
        draw_key(axes[0], [entry(f"entry {k} of the key", color="black") for k in range(6)], 3)
    for ax in axes[int(key > 0) :: columns]:
        name_rows(ax, names)
    if foot:
        figure.supxlabel(foot)
    return figure


def cut(figure):
    """Return the page, the panels as (x, y, width, height) of their frames, and the pieces, each a list of boxes."""
    shown = Figure.of(lambda: figure, "a caption", "what it shows")
    svg, page = shown.svg.decode(), html(Document("", {}, (shown,)))
    frames = []
    for part in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}g"):
        if re.fullmatch(r"axes_\d+", part.get("id", "")) and "patch" in part[0].get("id", ""):
            path = [float(number) for number in re.findall(r"-?[\d.]+", part[0][0].get("d"))]
            frames.append((min(path[::2]), min(path[1::2]), max(path[::2]), max(path[1::2])))
    (pieces,) = re.findall(r'<div class="pieces" aria-hidden="true">(.*?)</div>', page, re.DOTALL)
    found = [
        [tuple(map(float, box.split())) for box in re.findall(r' viewBox="([^"]+)"><use href="#f0-figure_1"/>', piece)]
        for piece in re.findall(r"<svg viewBox=[^>]*>(.*?</svg>)</svg>", pieces)
    ]
    return page, frames, found


@pytest.mark.parametrize(("columns", "count"), [(5, 5), (4, 11), (3, 3), (2, 2)])
@pytest.mark.parametrize("shared", ["rows", "all"])
def test_each_panel_is_in_one_piece_with_the_names(columns, count, shared):
    page, frames, pieces = cut(multiples(columns, [f"panel {k}" for k in range(count)], shared))
    assert len(frames) == count
    left = min(x for x, *_ in frames)
    for x0, y0, x1, y1 in frames:
        inside = [
            piece
            for piece in pieces
            for x, y, width, height in piece
            if x - 0.1 <= x0 and y - 0.1 <= y0 and x1 <= x + width + 0.1 and y1 <= y + height + 0.1
        ]
        assert len(inside) == 1
        names = inside[0][0]
        assert names[0] == 0
        assert left - 10 < names[2] < left
    assert page.count('id="f0-figure_1"') == 1


def test_pieces_fit_a_phone_and_are_legible():
    page, _, pieces = cut(multiples(5, [f"panel {k}" for k in range(5)]))
    styles = re.findall(r'viewBox="0 0 ([\d.]+) [\d.]+" style="width: ([\d.]+)pt; min-width: ([\d.]+)pt"', page)
    assert len(styles) == len(pieces) > 1
    for shown, width, least in (map(float, style) for style in styles):
        assert shown == width
        assert 4 / 3 * least <= PHONE
        assert 6.5 * least / width >= SMALLEST


def test_the_heading_is_text_and_the_foot_stands_once():
    page, frames, pieces = cut(multiples(4, [f"panel {k}" for k in range(4)], "all", foot="days from the start"))
    assert "<p><strong>Five panels</strong></p><p>What is drawn, in 10% steps, where &lt;x&gt; &amp; y are.</p>" in page
    *panels, foot = pieces
    bottom = max(y for *_, y in frames)
    assert all(y + height < foot[-1][1] + 3 for piece in panels for _, y, _, height in piece)
    assert foot[-1][1] > bottom
    assert foot[-1][2] < 100


def test_a_key_is_cut_between_its_columns():
    _, _, pieces = cut(multiples(3, ["a", "b", "c"], key=0.4))
    (first,), (second,) = (piece for piece in pieces if len(piece) == 1)
    assert first[0] == 0
    assert first[0] + first[2] == pytest.approx(second[0], abs=0.2)
    assert second[0] + second[2] == pytest.approx(6.3 * 72, abs=0.2)


def test_a_figure_of_one_panel_is_drawn_again_as_wide_as_a_phone():
    """At the size of print, where its smallest letters have 6.5 points."""

    @styled
    def one():
        figure = new_figure(2, *HEADING)
        figure.add_subplot().plot([0, 1], [0, 1])
        return figure

    page = html(Document("", {}, (Figure.of(one, "a caption", "what it shows"),)))
    (width, least), *more = re.findall(r'style="width: ([\d.]+)pt; min-width: ([\d.]+)pt"><svg [^>]*><use', page)
    assert not more
    assert float(least) <= float(width) <= 3 / 4 * PHONE
    assert page.count('id="f0-figure_1"') == page.count('id="f0n-figure_1"') == page.count("#f0n-figure_1") == 1
    assert page.count('role="img"') == 1
    assert page.count('<svg class="again"') == 1
