"""Text of others is harmless at every boundary: terminal, HTML, PDF, DOCX, SVG, CSV.

What is hostile is stated here by its Unicode category, not by the package's own list.
"""

import unicodedata
import xml.etree.ElementTree as ET
import zipfile

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure as Drawing
from reports.reading import words_of_docx

from doseopt.cli.output import write_csv
from doseopt.cli.terminal import terminal
from doseopt.core.text import MOST_NAME, MOST_TEXT, name_fault, neutral, shortened, text_fault
from doseopt.plots.save import drawn
from doseopt.reports.render.document import (
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
from doseopt.reports.render.docx import write_docx
from doseopt.reports.render.html import write_html
from doseopt.reports.render.pdf import write_pdf
from doseopt.reports.render.terminal import terminal_text

JOINERS = "\u200c\u200d"
"""Format characters that languages and emoji need."""


def hostile(character):
    control = unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") and character not in "\t\n"
    known = unicodedata.bidirectional(character) in ("LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI")
    return control or known or character in "\u200b\u200e\u200f\u061c\ufeff\u2060\u00ad\ufffe\uffff"


ATTACKS = [
    "\x1b[2J\x1b[1;1H",
    "\x1b]8;;http://x\x07y",
    "a\u202eb",
    "\x00",
    "\x0b",
    "\r",
    "\u2028",
    "\x9b31m",
    "\u2066x",
]
MARKUP = ["[red]x[/red]", "[/]", "[link=http://x]y", "<script>alert(1)</script>", "&lt;", "#panic()", "$x$", "*a* _b_"]


def test_every_character_that_moves_or_hides_is_shown_and_no_other():
    for code in range(0x110000):
        character = chr(code)
        if hostile(character):
            assert neutral(character) == f"<U+{code:04X}>", hex(code)
        elif unicodedata.category(character)[0] in "LMNPSZ" or character in f"\t\n{JOINERS}":
            assert neutral(character) == character, hex(code)


@pytest.mark.parametrize("text", [*ATTACKS, *MARKUP])
def test_the_terminal_shows_a_text_and_obeys_none(text, capsys):
    console = terminal()
    console.print(text, soft_wrap=True)
    with console.status("x"):
        pass
    passed = text.translate(dict.fromkeys(map(ord, "\a\b\v\f\r")))  # Rich takes these away itself
    assert capsys.readouterr().out == f"{neutral(passed)}\n"


@pytest.fixture(scope="module")
def document():
    text = " ".join([*ATTACKS, *MARKUP])
    drawing = Drawing(figsize=(3, 2))
    drawing.text(0, 0.5, text.replace("\x00", ""))
    blocks = (
        Heading(text),
        Paragraph(text),
        Caution(text),
        Bullets((text, Item(text, (text,)))),
        Tree(Item(text, (Item(text, (text,)),))),
        Table(text, ("a", text), (("b", text),), groups=((text, 1),), notes=(text,), marked=frozenset({(0, 1)})),
        Figure.of(lambda: drawing, text, text),
        Code(text),
        Gap(text),
    )
    return text, Document(text, {text: text}, blocks)


def no_controls(text):
    return not any(hostile(character) for character in text)


def test_html_holds_every_text_and_no_element_of_it(document, tmp_path):
    _, whole = document
    page = write_html(whole, tmp_path / "a.html").read_text(encoding="utf-8")
    assert no_controls(page)
    assert "<script" not in page
    assert page.count("&lt;script&gt;alert(1)&lt;/script&gt;") >= 20
    assert "&lt;U+202E&gt;" in page


def test_a_terminal_shows_every_text_and_obeys_none(document):
    _, whole = document
    shown = terminal_text(whole).plain
    assert no_controls(shown)
    assert shown.replace("\n", "").count("<U+202E>") >= 14


def test_docx_and_pdf_are_written_with_every_text(document, tmp_path):
    _, whole = document
    path = write_docx(whole, tmp_path / "a.docx")
    with zipfile.ZipFile(path) as packed:
        for name in packed.namelist():
            if name.endswith(".xml"):
                ET.fromstring(packed.read(name))
    words = words_of_docx(path)
    assert no_controls(words)
    assert "<U+001B>[2J" in words
    assert write_pdf(whole, tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")


def test_a_figure_is_sound_xml(document):
    for attack in ATTACKS[1:]:
        if "\x00" in attack:
            continue
        drawing = Drawing(figsize=(3, 2))
        drawing.text(0, 0.5, f"a {attack} <b>")
        svg = drawn(drawing)
        shown = "".join(ET.fromstring(svg).itertext())
        assert no_controls(shown.replace("\r", ""))
        assert neutral(attack) in shown or "\n" in attack


@pytest.mark.parametrize("cell", ["=1+1", "+x", "-x", "@x", "=HYPERLINK(1)", " =1", "\t=1", "＝1", "-", "=-1"])
def test_no_cell_of_a_csv_is_a_formula(cell, tmp_path):
    frame = pd.DataFrame({cell: [cell, "safe"], "n": [1.5, -2.0]}, index=pd.Index([cell, "b"], name="who"))
    read = pd.read_csv(write_csv(frame, tmp_path / "a.csv", index=True), dtype=str)
    for found in (read.columns[1], read.iloc[0, 0], read.iloc[0, 1]):
        assert found == f"'{neutral(cell)}"
    assert read["n"].tolist() == ["1.5", "-2.0"]


@pytest.mark.parametrize("number", ["-1", "+2.5", "-0.15e9", "-1e-3", "-.5", "-50%"])
def test_a_number_stays_a_number(number):
    assert neutral(number, "csv") == number


@settings(max_examples=300, derandomize=True, deadline=None)
@given(st.text(st.characters(), max_size=60))
def test_any_text_is_neutral_once_and_for_all(text):
    for boundary in ("plain", "csv"):
        once = neutral(text, boundary)
        assert no_controls(once)
        assert neutral(once, boundary) == once
    assert ET.fromstring(f"<a>{neutral(text, 'html')}</a>").text in (neutral(text), None)


def test_names_and_texts_have_bounds():
    assert name_fault("1.5 · 10⁹ cells/kg") is None
    assert name_fault("ارتفاع") is None
    for name in ("", " ", " a", "a ", "a\nb", "a\tb", "a\u202eb", "\ufeffa", "x" * (MOST_NAME + 1)):
        assert name_fault(name), name
    assert text_fault("two\nlines\tof text") is None
    assert text_fault("x" * (MOST_TEXT + 1)).startswith(f"wanted at most {MOST_TEXT:,} letters")
    assert len(shortened("x" * 10_000, 100)) <= 100
