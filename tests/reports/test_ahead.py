"""Figures drawn ahead are those that are drawn when asked for, byte by byte."""

import os
import sys
import time

import pytest

from doseopt.reports.render.ahead import ahead
from doseopt.reports.render.document import Document, Figure, Heading


def drawn(colour):
    from doseopt.plots.scaffold import new_figure
    from doseopt.plots.style import styled

    @styled
    def draw():
        figure = new_figure(1.0, "title", "subtitle")
        figure.subplots().plot([0, 1], [0, 1], color=colour)
        return figure

    return Figure.of(draw, "caption", "alt", colour)


@pytest.mark.skipif(sys.platform != "linux", reason="a process is copied on Linux alone")
@pytest.mark.parametrize("page", [False, True])
def test_the_same_bytes(two, page):
    document = Document("", {}, (Heading("one"), drawn("red"), drawn("green"), Heading("two"), drawn("blue")))
    found = ahead(document, page=page)
    assert [type(block) for block in found.blocks] == [type(block) for block in document.blocks]
    for one, other in zip(found.blocks, document.blocks, strict=True):
        if isinstance(other, Figure):
            assert one.drawn is not other.drawn
            assert one.name == other.name
            assert one.drawn() == other.drawn()
            assert one.narrow() == other.narrow()


@pytest.mark.skipif(sys.platform != "linux", reason="a process is copied on Linux alone")
def test_each_is_drawn_by_who_is_free(two):
    def by_whom(seconds):
        return Figure(lambda: time.sleep(seconds) or str(os.getpid()).encode(), "", "", narrow=bytes)

    figures = ahead(Document("", {}, (by_whom(0.5), *[by_whom(0)] * 5))).blocks
    other, *rest = [figure.drawn() for figure in figures]
    assert other != str(os.getpid()).encode() == rest[3] == rest[4]


def test_alone_they_are_drawn_when_asked_for():
    document = Document("", {}, (Heading("one"), drawn("red")))
    assert ahead(document) is document
