"""The order of blocks in a format whose figures cannot float: pages are full, and nothing is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from doseopt.reports.render.document import Bullets, Figure, Heading, Paragraph, Table
from doseopt.reports.render.pages import AFTER, HEIGHT, ROW, SPACED, WIDTH, figure_height, in_order, pieces


def figure(height, caption="A figure."):
    svg = f'<svg viewBox="0 0 100 {100 * height}">'.encode()
    return Figure(lambda: svg, caption, "", narrow=lambda: svg)


def rows(count):
    return Table("Rows", ("", "a"), tuple((str(k), "1") for k in range(count)))


TALL, LINE = figure(1.0), Paragraph("A line.")


def empty(blocks, used=0.0):
    """The points that stay empty at the end of each page but the last."""
    left, heading = [], 0.0
    for block in blocks:
        if isinstance(block, Heading):
            heading += pieces(block)[0]
            continue
        first, *rest = pieces(block)
        for height in (heading + first, *rest):
            if used + height > HEIGHT:
                left.append(HEIGHT - used)
                used = 0.0
            used += height
        heading = 0.0
    return left


def test_a_figure_that_fits_stays_where_it_is():
    small = figure(0.5)
    assert in_order([LINE, small, LINE], 0) == [LINE, small, LINE]


def test_a_figure_waits_until_what_follows_has_filled_its_page():
    blocks = [rows(25), TALL, rows(60), *[LINE] * 20]  # 25 rows leave 300 points, and the figure takes 490
    found = in_order(blocks, 0)
    assert found.index(TALL) > found.index(rows(60))
    assert max(empty(blocks)) > 0.4 * HEIGHT
    assert max(empty(found), default=0) < 0.31 * HEIGHT


def test_a_figure_never_comes_between_a_heading_and_what_it_heads():
    found = in_order([rows(25), TALL, Heading("Next"), LINE, rows(60)], 0)
    assert found[found.index(Heading("Next")) + 1] == LINE


def test_what_heads_a_figure_stays_before_it():
    assert in_order([rows(25), Heading("Figure"), TALL, LINE], 0)[1:3] == [Heading("Figure"), TALL]


def test_a_list_without_items_takes_no_room():
    assert in_order([Heading("None"), Bullets(()), LINE], 0) == [Heading("None"), Bullets(()), LINE]


def test_heights_are_those_of_what_is_printed():
    """A figure as wide as the line and its caption; a table in pieces that no page breaks: the first and last rows."""
    assert figure_height(TALL) == pytest.approx(WIDTH + SPACED + 2 * AFTER)
    assert figure_height(figure(3)) < HEIGHT  # drawn narrower
    assert len(pieces(rows(10))) == 2
    assert len(pieces(rows(20))) == 1 + 14 + 1 + 1
    assert sum(pieces(rows(20))) - sum(pieces(rows(10))) == pytest.approx(10 * 9 * ROW)


blocks = st.lists(
    st.one_of(st.integers(1, 80).map(rows), st.floats(0.2, 1.35).map(figure), st.just(LINE)), min_size=1, max_size=12
)


@given(blocks, st.floats(0, 300))
def test_nothing_is_lost_and_figures_keep_their_order(given, used):
    found = in_order(given, used)
    assert sorted(map(id, found)) == sorted(map(id, given))
    for kind in (Figure, Table):
        assert [b for b in found if isinstance(b, kind)] == [b for b in given if isinstance(b, kind)]
