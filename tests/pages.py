"""What stands on a page of HTML: its tables by caption, its figures by what they show."""

from html.parser import HTMLParser


class Page(HTMLParser):
    """A page taken apart.

    Attributes
    ----------
    tables : dict of str to list of list of str
        By caption; the head is the first row, without titles of groups of columns above it.
    figures : dict of str to str
        The caption of each figure, by its description in words.
    """

    def __init__(self, text):
        super().__init__()
        self.tables, self.figures = {}, {}
        self._rows, self._alt, self._said = [], "", ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self._rows = []
        elif tag == "tr":
            self._rows.append([])
        elif tag == "svg":
            self._alt = dict(attrs).get("aria-label", self._alt)  # pieces of a drawing have none of their own
        self._said = "" if tag in ("caption", "th", "td", "figcaption") else self._said

    def handle_data(self, data):
        self._said += data

    def handle_endtag(self, tag):
        if tag == "caption":
            self.tables[self._said] = self._rows
        elif tag == "thead":
            del self._rows[:-1]
        elif tag in ("th", "td"):
            self._rows[-1].append(self._said)
        elif tag == "figcaption":
            self.figures[self._alt] = self._said
