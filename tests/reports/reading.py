"""What a reader finds in a rendering."""

import re
from html.parser import HTMLParser

from docx import Document as Docx


class Reader(HTMLParser):
    """What is said, apart from figures and their pieces, and the tags."""

    def __init__(self):
        super().__init__()
        self.text, self.tags, self.skip, self.hidden = [], [], 0, []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.skip += tag in ("style", "svg") or self._is_hidden(tag, dict(attrs))

    def handle_endtag(self, tag):
        self.skip -= tag in ("style", "svg") or (tag == "div" and self.hidden.pop())

    def _is_hidden(self, tag, attrs):
        if tag == "div":
            self.hidden.append("aria-hidden" in attrs)
        return tag == "div" and self.hidden[-1]

    def handle_data(self, data):
        if not self.skip:
            self.text.append(data)


def read_html(path):
    reader = Reader()
    reader.feed(path.read_text(encoding="utf-8"))
    return reader


def words_of_docx(path):
    word = Docx(str(path))
    cells = [cell.text for table in word.tables for cell in dict.fromkeys(table._cells)]
    return " ".join([p.text for p in word.paragraphs] + cells)


def numbers(text):
    return sorted(re.findall(r"\d+\.\d+", text))
