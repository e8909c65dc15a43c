"""Panels stand where matplotlib's own layout puts them, which looks twice and asks a solver."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.figure import Figure

from doseopt.plots.grid import Grid
from doseopt.plots.pen import Sheet
from doseopt.plots.style import PAD, styled

HEIGHT = 0.8


def _labelled(layout: Grid | None, columns: int, head: bool) -> Figure:
    """Return a figure of panels whose labels differ, laid out."""
    figure = Figure(figsize=(6, 4), layout=layout)
    if layout is None:
        pads = {"w_pad": PAD[0], "h_pad": PAD[1], "hspace": 0, "wspace": 0}
        figure.set_layout_engine("constrained", rect=(0, 0, 1, HEIGHT), **pads)
    figure.text(0, 1, "title", va="top")
    figure.text(0, 0.9, "subtitle", va="top")
    grid = figure.add_gridspec(2 + head, columns, height_ratios=[0.3] * head + [1, 2])
    if head:
        figure.add_subplot(grid[0, :]).set_axis_off()
    for k in range(2 * columns):
        ax = figure.add_subplot(grid[head + k // columns, k % columns])
        ax.set_yticks([0, 1], ["a" * (1 + 3 * k), "b"])
        ax.set_xticks([0, 1], ["0", "1" * (1 + k)])
        ax.set_title("two\nlines" if k == 1 else "one")
    figure.supxlabel("across")
    figure.supylabel("up")
    figure.dpi = 72
    figure.draw(Sheet(figure).get_renderer())
    return figure


@pytest.mark.parametrize("columns", [1, 3])
@pytest.mark.parametrize("head", [False, True])
@styled
def test_panels_stand_where_a_solver_puts_them(columns: int, head: bool) -> None:
    ours, theirs = (_labelled(layout, columns, head) for layout in (Grid(HEIGHT), None))
    places = [np.array([ax.get_position().bounds for ax in figure.axes]) for figure in (ours, theirs)]
    np.testing.assert_allclose(*places, atol=1e-3)
    for text, other in zip(ours.texts, theirs.texts, strict=True):
        assert text.get_position() == pytest.approx(other.get_position())


@styled
def test_a_figure_that_is_drawn_again_stays_as_it_is() -> None:
    figure = _labelled(Grid(HEIGHT), 3, True)
    before = [ax.get_position().bounds for ax in figure.axes]
    figure.draw(Sheet(figure).get_renderer())
    np.testing.assert_allclose([ax.get_position().bounds for ax in figure.axes], before, atol=1e-3)


@styled
def test_a_panel_to_which_labels_leave_nothing_stays_where_it_is() -> None:
    figure = Figure(figsize=(3, 3), layout=Grid(HEIGHT))
    ax = figure.add_subplot()
    ax.set_yticks([0, 1], ["a" * 100, "b"])
    before = ax.get_position().bounds
    figure.draw(Sheet(figure).get_renderer())
    assert ax.get_position().bounds == before


@styled
def test_a_figure_without_panels_is_drawn() -> None:
    figure = Figure(layout=Grid(HEIGHT))
    figure.draw(Sheet(figure).get_renderer())
    assert figure.axes == []
