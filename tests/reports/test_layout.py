"""Lines keep to the width of the terminal, and no word of a table is cut."""

import io
import re

import pytest
from cli.test_cli import run
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from doseopt.reports.render.layout import grid, page_width, paragraph

LAWS = settings(deadline=None, derandomize=True, max_examples=150)
WORD = st.text("abcdefgh", min_size=1, max_size=9)
WORDS = st.lists(WORD, min_size=1, max_size=7).map(" ".join)
NUMBER = st.decimals(0, 999, places=1).map(str)


@LAWS
@given(st.data(), st.integers(1, 3), st.integers(0, 9), st.integers(1, 5), st.integers(40, 100))
def test_a_grid_fits_and_says_everything_once_or_more(data, left, numbers, rows, width):
    head = data.draw(st.lists(WORDS, min_size=left, max_size=left)) + data.draw(
        st.lists(WORD, min_size=numbers, max_size=numbers)
    )
    line = st.tuples(*[WORDS] * left, *[NUMBER] * numbers).map(list)
    body = data.draw(st.lists(line, min_size=rows, max_size=rows))
    styles = {(0, len(head) - 1): "bold"}
    texts = grid(head, body, styles, left=[True] * left, gaps={left, left + 2}, width=width)
    assert max(text.cell_len for text in texts) <= width
    assert all(text.plain == text.plain.rstrip() for text in texts)
    said = " ".join(text.plain for text in texts).split()
    for cells in [head, *body]:
        for word in " ".join(cells).split():
            assert word in said
    bold = [text.plain[span.start : span.end] for text in texts for span in text.spans]
    assert body[0][-1].split()[-1] in " ".join(bold)
    wide = grid(head, body, styles, left=[True] * left, gaps={left, left + 2})
    if max(text.cell_len for text in wide) <= width:
        assert texts == wide


@LAWS
@given(WORDS, st.integers(6, 18), st.integers(20, 60))
def test_a_paragraph_fits_and_cuts_no_word(text, margin, width):
    lines = paragraph(text, width, " " * margin, "name".ljust(margin))
    assert max(line.cell_len for line in lines) <= width
    assert [word for line in lines for word in line.plain.split()] == ["name", *text.split()]


@pytest.mark.parametrize("first", ["", "! ", "D: ", "剂量递增试验" * 12 + ": ", "long name " * 20 + ": "])
@pytest.mark.parametrize("text", ["剂量" * 60, "δοκιμή ασφάλειας " * 9, "a 剂量 b " * 20, "stop now"])
@pytest.mark.parametrize("width", [20, 41, 100])
def test_a_paragraph_of_any_script_fits_and_loses_nothing(first, text, width):
    lines = [line.plain for line in paragraph(text, width, "  ", first)]
    assert max(map(cell_len, lines)) <= width
    assert "".join("".join(lines).split()) == "".join((first + text).split())


@pytest.mark.parametrize(("columns", "width"), [("40", 40), ("60", 60), ("120", 100), (None, 100)])
def test_the_page_is_as_wide_as_is_stated_and_at_most_100(columns, width, monkeypatch):
    monkeypatch.delenv("COLUMNS", raising=False)
    if columns is not None:
        monkeypatch.setenv("COLUMNS", columns)
    assert page_width(Console(file=io.StringIO())) == width


COMMANDS = {
    "compare": ["compare", "library"],
    "next": ["next", "renji-elo", "--outcomes", "1N 2NNT"],
    "posterior": ["posterior", "renji-elo", "--outcomes", "1N 2NNT"],
    "table": ["table", "library", "--design", "BOIN"],
    "paths": ["paths", "renji-elo", "--design", "BOIN 10", "--cohorts", "1"],
    "walk": ["walk", "renji-elo", "--design", "BOIN 10", "--scenario", "mild"],
}


@pytest.mark.usefixtures("without_figures")
@pytest.mark.parametrize("columns", [40, 60, 80])
@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_prints_fits_the_terminal(name, columns, tmp_path, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.chdir(tmp_path)
    result = run(*COMMANDS[name])
    assert result.exit_code == 0, result.output
    over = [line for line in result.stdout.splitlines() if len(line) > columns]
    assert over == []
    assert re.search(r"\w{3}", result.stdout)
