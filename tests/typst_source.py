"""What a typst source says, apart from what it computes: running text, strings, mathematics, references, labels."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

NAME = re.compile(r"[A-Za-z_][\w-]*")
REFERENCE = re.compile(r"@[A-Za-z][\w:-]*")
LABEL = re.compile(r"<[A-Za-z][\w:-]*>")
COMMENT = re.compile(r"(?<!:)//[^\n]*")


@dataclass
class Source:
    """The parts of one file.

    Attributes
    ----------
    text : list of str
        Running text, in pieces.
    strings : list of (str, str)
        The function whose arguments a string is among, and the string.
    math : list of str
    references, labels : list of str
    """

    text: list[str] = field(default_factory=list)
    strings: list[tuple[str, str]] = field(default_factory=list)
    math: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)


def read(content: str, as_code: bool = False) -> Source:
    """Take a typst source apart; `as_code` for a file of definitions."""
    reader = _Reader(COMMENT.sub("", content))
    if as_code:
        lines = [line for line in reader.content.splitlines() if not line.startswith("#import")]
        reader.content = "\n".join(lines)
        reader.code("", "")
    else:
        reader.markup("")
    return reader.found


class _Reader:
    def __init__(self, content: str) -> None:
        self.content, self.at, self.found = content, 0, Source()

    def peek(self, length: int = 1) -> str:
        return self.content[self.at : self.at + length]

    def match(self, pattern: re.Pattern[str]) -> str:
        found = pattern.match(self.content, self.at)
        if found is None:
            return ""
        self.at = found.end()
        return found.group()

    def markup(self, end: str) -> None:
        """Read running text up to a closing bracket, or to the end."""
        piece, depth = "", 0
        while self.at < len(self.content):
            c = self.peek()
            if c == end and not depth:
                self.at += 1
                break
            if c in "#$`@<":
                self.found.text.append(piece)
                piece = self.special(c)
                continue
            if end and c in "[]":
                depth += 1 if c == "[" else -1
            if c == "\\":
                self.at += 1
            piece += c
            self.at += 1
        self.found.text.append(piece)

    def special(self, c: str) -> str:
        """Read what is not running text; return what turns out to be."""
        if c == "@" and (name := self.match(REFERENCE)):
            self.found.references.append(name[1:].rstrip(".:"))
        elif c == "<" and (name := self.match(LABEL)):
            self.found.labels.append(name[1:-1])
        elif c == "`":
            self.at = self.content.index("`", self.at + 1) + 1
        elif c == "$":
            self.mathematics()
        elif c == "#":
            self.expression()
        else:
            self.at += 1
            return c
        return ""

    def mathematics(self) -> None:
        self.at += 1
        piece = ""
        while self.peek() != "$":
            if self.peek() == "#":
                self.expression()
                continue
            piece += self.peek()
            self.at += 1
        self.at += 1
        self.found.math.append(piece)

    def expression(self) -> None:
        """Read one expression behind a "#": a name with its arguments and content, or a line of import or include."""
        self.at += 1
        name = self.match(NAME)
        if name in ("import", "include"):
            self.at = (self.content + "\n").index("\n", self.at)
            return
        if name == "show":
            self.match(re.compile(r":\s*"))
            name = self.match(NAME)
        while True:
            if self.peek() == "(":
                self.at += 1
                self.code(")", name)
            elif self.peek() == "[":
                self.at += 1
                self.markup("]")
            elif self.peek() == "." and NAME.match(self.content, self.at + 1):
                self.at += 1
                self.match(NAME)
            else:
                return

    def code(self, end: str, function: str) -> None:
        """Read code up to a closing parenthesis, or to the end: strings and content are text, numbers are not."""
        called = function
        while self.at < len(self.content):
            c = self.peek()
            self.at += 1
            if c == end:
                return
            if c == "(":
                self.code(")", called or function)
            elif c == "[":
                self.markup("]")
            elif c == "$":
                self.at -= 1
                self.mathematics()
            elif c == '"':
                close = self.content.index('"', self.at)
                self.found.strings.append((function, self.content[self.at : close]))
                self.at = close + 1
            elif NAME.match(c):
                self.at -= 1
                called = self.match(NAME)
            elif not c.isspace():
                called = function
