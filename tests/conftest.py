"""What holds for every test, and what tests of pages share."""

import os
import threading

import pytest

from doseopt.core.beside import Beside
from doseopt.reports.render.document import Figure

os.environ.pop("COLUMNS", None)  # set in processes that pytest starts; output would be broken as in a terminal

POINT = b'<svg xmlns="http://www.w3.org/2000/svg" width="100" height="50" viewBox="0 0 100 50"></svg>'


@pytest.fixture
def without_figures(monkeypatch):
    """Pages whose figures are dots: for tests of what pages say, as to draw figures takes longer than all else."""

    def blank(cls, _draw, caption, alt, name=""):
        return cls(lambda: POINT, caption, alt, name, narrow=lambda: POINT)

    monkeypatch.setattr(Figure, "of", classmethod(blank))


@pytest.fixture
def two(monkeypatch):
    """Two processes, where only threads and copies of this test count: an earlier one may leave idle ones."""
    count, before = threading.active_count, threading.active_count() - 1
    monkeypatch.setattr(threading, "active_count", lambda: count() - before)
    monkeypatch.setattr(Beside, "processes", 2)
    monkeypatch.setattr(Beside, "copies", [])
