"""The pen against matplotlib's own: the same picture."""

import io
import xml.etree.ElementTree as ET
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from doseopt.plots.pen import Pen
from doseopt.plots.save import DPI, drawn, in_pixels
from doseopt.plots.scaffold import small_multiples
from doseopt.plots.style import measured, styled, text_width, wrapped


@styled
def picture():
    """Return a figure with shared axes, a grid, ticks of several looks, marks, hatches, texts and a cut line."""
    figure = Figure(figsize=(4, 3))
    a, b, c, d = figure.subplots(2, 2, sharex=True).flat
    a.plot([0, 1, 2], [3, 200, 5], "o--", color="green", alpha=0.5, markersize=4)
    a.set_ylim(0, 100)
    a.grid(axis="both", color="red", linewidth=0.4)
    a.set_axisbelow(True)
    a.set_ylabel("up & <down>")
    b.bar([0, 1], [3, 4], hatch="////", color="white", edgecolor="black")
    b.set_yticks([0, 2, 4], ["none", "two", "four"])
    b.tick_params(axis="y", length=0, labelsize=9, pad=5)
    c.text(0.5, 0.5, "two\nlines", rotation=90, ha="center", va="center", bbox={"facecolor": "yellow", "alpha": 0.5})
    c.set_xlabel("along")
    c.tick_params(labelleft=False)
    d.set_title("the last", weight="bold")
    d.set_xticks([0, 2], ["a", "b"], rotation=90)
    d.yaxis.set_visible(False)
    d.spines["left"].set_visible(False)
    return figure


@styled
def pixels(figure, dpi):
    figure.dpi = dpi
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.asarray(canvas.buffer_rgba())[..., :3].astype(float)


def test_the_pen_draws_what_matplotlib_draws():
    mine = np.asarray(Image.open(io.BytesIO(in_pixels(drawn(picture())))).convert("RGB")).astype(float)
    figure = picture()
    drawn(figure)  # laid out by the same measure of texts
    figure.set_layout_engine("none")
    other = pixels(figure, DPI)
    height, width = min(mine.shape[0], other.shape[0]), min(mine.shape[1], other.shape[1])
    squares = [
        np.add.reduceat(np.add.reduceat(each[:height, :width], range(0, height, 20), 0), range(0, width, 20), 1) / 400
        for each in (mine, other)
    ]
    assert np.abs(squares[0] - squares[1]).max() < 25  # edges lie up to half a pixel apart
    assert np.ptp(squares[1]) > 100


def test_text_is_text_and_names_are_unique():
    svg = ET.fromstring(drawn(picture()))
    texts = {text.text for text in svg.iter("{http://www.w3.org/2000/svg}text")}
    assert {"up & <down>", "two", "lines", "the last", "none"} <= texts
    names = [part.get("id") for part in svg.iter() if part.get("id")]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("size", [(2.0, 1.0), (6.3, 2.25)])
def test_a_picture_has_its_size(size):
    png = in_pixels(drawn(Figure(figsize=size)))
    assert Image.open(io.BytesIO(png)).size == tuple(int(np.ceil(DPI * side)) for side in size)


def test_a_letter_that_the_font_lacks_leaves_the_others_as_they_are():
    def ink(text):
        figure = Figure(figsize=(3, 0.5))
        figure.text(0.98, 0.3, text, ha="right", size=12)
        return np.asarray(Image.open(io.BytesIO(in_pixels(drawn(figure)))).convert("L"))[:, 400:]

    assert ink("plain").min() < 100
    np.testing.assert_array_equal(ink("剂 and then a long name"), ink("B and then a long name"))


def test_a_line_has_the_looks_that_are_stated():
    figure = Figure(figsize=(2, 1))
    figure.add_axes((0, 0, 1, 1)).plot([0, 1], [0, 1], color="#ff0080", linewidth=2, linestyle=(0, (4, 2)), alpha=0.5)
    looks = [part.get("style") for part in ET.fromstring(drawn(figure)).iter() if "ff0080" in part.get("style", "")]
    assert [set(look.split("; ")) for look in looks] == [
        {
            "fill: none",
            "stroke-opacity: 0.5",
            "stroke: #ff0080",
            "stroke-width: 2",
            "stroke-dasharray: 8,4",  # in widths
            "stroke-dashoffset: 0",
        }
    ]


@pytest.mark.parametrize("width", [90.0, 256.0, 700.0])
def test_a_text_breaks_where_the_next_word_no_longer_fits_and_little_is_measured(width):
    text = " ".join(f"{'word' * (k % 4)}{k}" for k in range(60)) + " " + "W" * 90 + " end"
    measured.cache_clear()
    lines = wrapped(text, width, 7.5)
    assert measured.cache_info().misses <= 4 * len(lines)  # not once a word
    assert " ".join(lines) == text
    for line, after in pairwise(lines):
        assert text_width(line, 7.5) <= width or " " not in line
        assert text_width(f"{line} {after.split()[0]}", 7.5) > width
    assert wrapped("", width, 7.5) == [""]


def test_each_panel_has_scales_of_its_own_unless_rows_are_shared():
    def linked(**shared):
        _, axes = styled(small_multiples)(("", ""), ["a", "b"], 2, 100, row=1, rest=1, **shared)
        groups = axes[0].get_shared_x_axes(), axes[0].get_shared_y_axes()
        return [len(group.get_siblings(axes[0])) for group in groups]

    assert linked() == [1, 1]
    assert linked(shared="rows") == [1, 2]


@pytest.mark.parametrize("weight", ["normal", "bold"])
@pytest.mark.parametrize("text", ["one line", "two\nlines"])
def test_lines_are_as_high_as_the_font_states_them(text, weight):
    class Asking(Pen):
        _get_font_height_metrics = property()  # as if there were none: matplotlib reads the font

    @styled
    def box(pen):
        figure = Figure(dpi=72)
        return figure.text(0.5, 0.5, text, size=7.5, weight=weight).get_window_extent(pen(460, 345)).bounds

    assert box(Pen) == box(Asking)
