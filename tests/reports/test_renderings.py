"""One document, three renderings: the same words and numbers, whole files, no request to any address."""

import re

import numpy as np
import pytest
from docx import Document as Docx
from matplotlib.figure import Figure as Drawing
from pypdf import PdfReader
from reports.reading import numbers, read_html, words_of_docx

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


@pytest.fixture(scope="module")
def document():
    drawing = Drawing(figsize=(6.3, 2))
    ax = drawing.subplots()
    ax.plot([0, 1], [2, 3])
    ax.set_title("A figure")
    figure = Figure.of(lambda: drawing, "Figure 1. A line.", "A line from 2 to 3.")
    rng = np.random.default_rng(1)
    rows = tuple((f"design {k}", *(f"{v:.1f}" for v in rng.uniform(0, 100, 4))) for k in range(40))
    return Document(
        "An amendment: #1 of $2 <3> & *4*",
        {"Registry": "NCT05727722", "Study hash": "a8d8ef4c7bf64e4e"},
        (
            Heading("Summary"),
            Paragraph("With 10 patients the design declares no MTD in 63.9% of trials.", strong=True),
            Paragraph("Text with markup that is none: #set text(red), $x_1$, *bold*, <b>html</b>, @cite, \\ and ~."),
            Bullets(("first item: 12.8%", "second item: 70.1%")),
            Heading("Numbers"),
            Table("Table 1. Correct selection (%).", ("", "a", "b", "c", "d"), rows),
            Heading("A part", 2),
            figure,
            figure,
            Code('doseopt amend renji-elo --outcomes "1N 2NNT"'),
            Gap("how patients were consulted."),
            Table("Table 2. Checklist.", ("item", "where"), (("3a.1", "Summary"), ("3b", "Numbers")), words=True),
        ),
    )


def test_the_three_hold_the_same_numbers(document, tmp_path):
    web = " ".join(read_html(write_html(document, tmp_path / "r.html")).text)
    word = words_of_docx(write_docx(document, tmp_path / "r.docx"))
    pages = PdfReader(write_pdf(document, tmp_path / "r.pdf")).pages
    pdf = " ".join(page.extract_text() for page in pages)
    wanted = numbers(" ".join(cell for row in document.blocks[5].rows for cell in row[1:]))
    assert len(wanted) == 160
    for text in (web, word):
        assert set(wanted) <= set(numbers(text))
        for phrase in ("63.9%", "#set text(red)", "For the investigators: how patients", "NCT05727722", "Figure 1."):
            assert phrase in text
    assert numbers(web) == numbers(word)
    printed = pdf.replace("A figure", "")
    assert set(numbers(word)) <= set(numbers(printed))
    for phrase in ("63.9%", "#set text(red), $x_1$, *bold*, <b>html</b>", "NCT05727722", "Figure 1. A line."):
        assert phrase in " ".join(printed.split())


def test_html_is_one_file_that_asks_for_nothing(document, tmp_path):
    path = write_html(document, tmp_path / "r.html")
    reader = read_html(path)
    for tag, attrs in reader.tags:
        assert tag not in ("script", "link", "img", "iframe")
        for name in ("src", "href", "xlink:href"):
            assert attrs.get(name, "#").startswith("#"), (tag, attrs)
    assert "url(http" not in path.read_text()
    assert "@import" not in path.read_text()


def test_html_can_be_used_without_seeing_it(document, tmp_path):
    path = write_html(document, tmp_path / "r.html")
    reader = read_html(path)
    tags = [tag for tag, _ in reader.tags]
    assert [tag for tag in tags if re.fullmatch(r"h\d", tag)] == ["h1", "h2", "h2", "h3"]
    assert dict(reader.tags[0][1] or {"lang": ""})["lang"] == "en"
    figures = [attrs for tag, attrs in reader.tags if tag == "svg" and "role" in attrs]
    assert [attrs["aria-label"] for attrs in figures] == ["A line from 2 to 3."] * 2
    assert all(attrs["role"] == "img" for attrs in figures)
    told = re.sub(r'<div class="pieces" aria-hidden="true">.*?</div>', "", path.read_text(encoding="utf-8"))
    told = re.sub(r'<svg[^>]*aria-hidden="true".*?</svg>', "", told, flags=re.DOTALL)
    assert told.count("<svg") == 2  # the pieces of a figure on a phone say nothing a second time
    assert tags.count("caption") == 2
    assert {attrs.get("scope") for tag, attrs in reader.tags if tag == "th"} == {"col", "row"}
    links = [attrs["href"][1:] for tag, attrs in reader.tags if tag == "a"]
    identities = [attrs["id"] for _, attrs in reader.tags if "id" in attrs]
    assert set(links) <= set(identities)
    assert len(identities) == len(set(identities))


def test_every_cell_of_a_head_says_what_it_heads(document, tmp_path):
    text = write_html(document, tmp_path / "r.html").read_text(encoding="utf-8")
    tables = re.findall(r"<table>.*?</table>", text, re.DOTALL)
    assert len(tables) == 2
    for table in tables:
        head, body = table.split("</thead>")
        assert re.findall(r"<th[ >]", head) == re.findall(r'<th(?= scope="col")[ >]', head) != []
        rows = re.findall(r"<tr>.*?</tr>", body)
        assert rows == re.findall(r'<tr><th scope="row">.*?</tr>', body) != []
        assert all(row.count("<th") == 1 for row in rows)


def test_no_name_at_a_head_is_broken_at_a_hyphen(tmp_path):
    table = Table("", ("", "TITE-BOIN"), (("TITE-CRM, cap 18", "0-1"),))
    text = write_html(Document("t", {}, (table,)), tmp_path / "r.html").read_text(encoding="utf-8")
    assert re.findall(r'<span class="word">(.*?)</span>', text) == ["TITE-BOIN", "TITE-CRM,"]


def parts_of_pdf(path):
    """The elements of the tree that a screen reader follows, in order."""

    def below(element):
        for part in element if isinstance(element, list) else [element]:
            node = part.get_object()
            if isinstance(node, list):
                yield from below(node)
            elif isinstance(node, dict) and "/S" in node:
                yield node
                yield from below(node.get("/K", []))

    return list(below(PdfReader(path).trailer["/Root"]["/StructTreeRoot"]["/K"]))


def test_pdf_can_be_used_without_seeing_it(document, tmp_path):
    path = write_pdf(document, tmp_path / "r.pdf")
    root = PdfReader(path).trailer["/Root"]
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert PdfReader(path).metadata.title == document.title
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()
    parts = parts_of_pdf(path)
    kinds = [str(part["/S"]) for part in parts]
    assert [kind for kind in kinds if re.fullmatch(r"/(H\d|Title)", kind)] == ["/Title", "/H1", "/H1", "/H2"]
    assert [part["/Alt"] for part in parts if part["/S"] == "/Figure"] == ["A line from 2 to 3."] * 2
    assert kinds.count("/Table") == kinds.count("/THead") == 2
    heads = [attrs.get_object() for part in parts if part["/S"] == "/TH" for attrs in part["/A"]]
    assert [attrs["/Scope"] for attrs in heads if attrs["/O"] == "/Table"] == ["/Column"] * (5 + 2)
    assert kinds.count("/LI") == 2


@pytest.mark.parametrize(
    ("title", "text"), [("", "no title"), ("A letter that no font has", "\U0010fffd"), ("Level 2", Heading("first", 2))]
)
def test_a_pdf_that_cannot_be_read_aloud_in_full_is_written_and_tagged(title, text, tmp_path):
    block = text if isinstance(text, Heading) else Paragraph(text)
    root = PdfReader(write_pdf(Document(title, {}, (block,)), tmp_path / "r.pdf")).trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert b"pdfuaid" not in root["/Metadata"].get_data()


@pytest.mark.parametrize("above", range(24, 48, 4))
def test_no_row_of_a_table_is_alone_on_a_page_of_pdf(above, tmp_path):
    lines = tuple(Paragraph(f"line {k}") for k in range(above))
    rows = tuple((f"row {k}", "1", "2", "3", "4") for k in range(60))
    table = Table("A long table", ("", "low", "high", "low", "high"), rows, groups=(("one", 2), ("two", 2)))
    path = write_pdf(Document("A title", {}, (*lines, table)), tmp_path / "r.pdf")
    pages = [page.extract_text() for page in PdfReader(path).pages]
    counts = [count for page in pages if (count := len(re.findall(r"row \d+", page)))]
    assert sum(counts) == 60
    assert len(counts) > 1
    assert min(counts) >= 3
    assert all("one" in page and page.count("high") == 2 for page in pages if "row" in page)
    kinds = [str(part["/S"]) for part in parts_of_pdf(path)]
    assert kinds.count("/TH") == 2 + 5 + 1  # the corner above the names, too


def test_a_long_column_leaves_room_for_the_others_in_pdf(tmp_path):
    rows = (("a short text of some thirty letters", "another one", "a long text " * 40),) * 3
    path = write_pdf(
        Document("A", {}, (Table("Words", ("the protocol does not say", "", ""), rows, words=True),)),
        tmp_path / "r.pdf",
    )
    text = PdfReader(path).pages[0].extract_text()
    assert "the protocol does not say" in text


def test_docx_has_headings_alt_texts_and_tables(document, tmp_path):
    word = Docx(str(write_docx(document, tmp_path / "r.docx")))
    styles = [p.style.name for p in word.paragraphs if p.style.name.startswith(("Heading", "Title"))]
    assert styles == ["Title", "Heading 1", "Heading 1", "Heading 2"]
    assert [shape._inline.docPr.get("descr") for shape in word.inline_shapes] == ["A line from 2 to 3."] * 2
    assert [len(table.rows) for table in word.tables] == [41, 3]
    assert word.core_properties.title == document.title


def test_the_same_document_gives_the_same_bytes(document, tmp_path):
    for write, name in ((write_html, "r.html"), (write_pdf, "r.pdf")):
        one, two = (write(document, tmp_path / f"{k}-{name}").read_bytes() for k in (1, 2))
        assert one == two


def test_a_failure_leaves_the_old_file(document, tmp_path, monkeypatch):
    for write, name in ((write_html, "r.html"), (write_docx, "r.docx"), (write_pdf, "r.pdf")):
        (tmp_path / name).write_text("old")
        with monkeypatch.context() as patch:

            def fail(*_args, **_kwargs):
                raise OSError("disk full")

            patch.setattr("os.replace", fail)
            patch.setattr("pathlib.Path.replace", fail)
            with pytest.raises(OSError, match="disk full"):
                write(document, tmp_path / name)
        assert (tmp_path / name).read_text() == "old"
        assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


def test_a_row_that_does_not_fit_is_refused():
    with pytest.raises(ValueError, match="wanted rows of 2 cells in 'Table', got"):
        Table("Table", ("a", "b"), (("1", "2", "3"),))


EVERYTHING = Document(
    "A title",
    {"Registry": "NCT1", "Empty": ""},
    (
        Caution("read this first"),
        Paragraph("a paragraph"),
        Bullets(("one", Item("two", ("within two", "and more")))),
        Bullets(("first", "second"), numbered=True),
        Tree(Item("root", (Item("left", ("leaf",)), "right"))),
        Table(
            "Groups",
            ("design", "none", "low", "none", "low"),
            (("A", "1.1", "2.2", "3.3", "4.4"), ("B", "5.5", "6.6", "7.7", "8.8")),
            labels=True,
            marked=frozenset({(0, 2), (1, 4)}),
            tones={(1, 1): "out"},
            groups=(("scenario a", 2), ("scenario b", 2)),
            notes=("a note below",),
        ),
        Heading("The end"),
        Code("doseopt compare"),
        Gap("a gap"),
    ),
)


def test_a_document_on_a_terminal():
    assert (
        terminal_text(EVERYTHING, 60).plain
        == """A title
Registry  NCT1

! read this first
a paragraph
- one
- two
  within two
  and more

1. first
2. second

root
├── left
│   └── leaf
└── right

Groups
         scenario a   scenario b
design   none  low    none  low
--------------------------------
A         1.1  2.2*    3.3  4.4
B         5.5  6.6     7.7  8.8*
a note below

The end
  doseopt compare

? For the investigators: a gap"""
    )


def test_groups_that_do_not_fit_stand_below_each_other():
    lines = terminal_text(EVERYTHING, 24).plain.splitlines()
    first, second = (next(i for i, line in enumerate(lines) if name in line) for name in ("scenario a", "scenario b"))
    assert second > first
    assert [line.split() for line in lines[second + 3 : second + 5]] == [["A", "3.3", "4.4"], ["B", "7.7", "8.8*"]]


def test_every_kind_of_block_is_in_every_rendering(tmp_path):
    web = read_html(write_html(EVERYTHING, tmp_path / "e.html"))
    pages = PdfReader(write_pdf(EVERYTHING, tmp_path / "e.pdf")).pages
    texts = {
        "terminal": terminal_text(EVERYTHING, 60).plain,
        "html": " ".join(web.text),
        "docx": words_of_docx(write_docx(EVERYTHING, tmp_path / "e.docx")),
        "pdf": " ".join(page.extract_text() for page in pages),
    }
    said = ("NCT1", "read this first", "a paragraph", "within two", "second", "leaf", "scenario b", "2.2*", "8.8*")
    for name, text in texts.items():
        found = " ".join(text.split())
        for phrase in (*said, "a note below", "The end", "doseopt compare", "a gap"):
            assert phrase in found, (name, phrase)
        assert "Empty" not in found
    spans = [attrs["colspan"] for tag, attrs in web.tags if tag == "th" and attrs.get("scope") == "colgroup"]
    assert spans == ["2", "2"]
    assert [attrs["class"] for tag, attrs in web.tags if tag == "td" and attrs.get("class") == "out"] == ["out"]


def test_a_figure_is_drawn_once_and_only_where_it_is_asked_for(tmp_path):
    count = []

    def draw():
        count.append(1)
        return Drawing(figsize=(2, 1))

    document = Document("A", {}, (Figure.of(draw, "a caption", "alt", "name"),))
    assert terminal_text(document).plain == "A"
    assert count == []
    write_html(document, tmp_path / "a.html")
    write_docx(document, tmp_path / "a.docx")
    write_pdf(document, tmp_path / "a.pdf")
    assert document.figures[0].png.startswith(b"\x89PNG")
    assert count == [1]


def test_groups_that_do_not_span_the_columns_are_refused():
    with pytest.raises(ValueError, match="wanted groups of 2 columns in 'Table', got 3"):
        Table("Table", ("", "1", "2"), (("a", "1", "2"),), groups=(("x", 3),))


def test_a_label_is_not_shortened_where_two_groups_fit_beside_it():
    """Eleven groups never fit beside each other, whatever the labels."""
    head = ("", *["none", "0.15", "0.5", "1.5", "4.5"] * 11)
    rows = (("ATD+3+3 uncapped", *["10.0"] * 55),)
    groups = tuple((f"scenario {k}", 5) for k in range(11))
    lines = terminal_text(Document("", {}, (Table("", head, rows, labels=True, groups=groups),)), 80).plain.splitlines()
    assert sum(line.startswith("ATD+3+3 uncapped") for line in lines) == 6
    assert max(map(len, lines)) <= 80
