"""What a process of a session knows: a study and a trial, and what was made of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from doseopt.app.weighing import Weighing
from doseopt.core.parameters import Fault, Faults
from doseopt.records.record import Record
from doseopt.records.trial import Trial
from doseopt.reports.render.document import Document
from doseopt.study.study import Study

type Given = Mapping[str, Any]
"""What a page says: values of JSON, none of which is trusted."""
type Tell = Callable[[str], object]


@dataclass
class Desk:
    """A study and a trial, as a page last gave them, and what was made of them.

    Parameters
    ----------
    states : int
        Of the graph of a design at the most.
    own : (str, str), optional
        Text and path of the study that the server was started with: as long as its text is this one, it may name files
        of its folder.
    """

    states: int
    own: tuple[str, str] | None = None
    study: Study | None = None
    trial: Trial | None = None
    record: Record | None = None
    digest: str = ""
    command: str = "study.toml"
    asked: str = ""
    given: str = ""
    weighings: dict[str, Weighing] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    writers: dict[str, Callable[[str], bytes]] = field(default_factory=dict)

    @property
    def known(self) -> Study:
        """The study; Faults if there is none."""
        if self.study is None:
            raise Faults([Fault("study", "wanted a study that can be read, on the page Study")])
        return self.study

    def page(self, name: str, document: Document) -> str:
        """Keep a document for downloads, and return it as HTML."""
        from doseopt.reports.render.html import html

        self.documents[name] = document
        self.writers.pop(name, None)
        return html(document)
