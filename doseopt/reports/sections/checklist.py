"""What guidelines ask of such a report, and the sections that answer it: derived from what the sections say of it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from doseopt.amendment.dossier import Dossier
from doseopt.reports.render.document import Block, Paragraph, Table
from doseopt.reports.sections.guidelines import ITEMS
from doseopt.reports.sections.section import Section
from doseopt.reports.sections.words import statements

INVESTIGATORS = "not answered: for the investigators"


def checklist(sections: Sequence[Section]) -> Section:
    """Return the section that says where each item is answered."""

    def build(dossier: Dossier) -> list[Block]:
        stated = statements(dossier)
        rows = [(*asked, answered(item, sections, stated)) for item, asked in ITEMS.items()]
        return [
            Paragraph(
                "Items in our words. Numbers are those of SPIRIT 2013 and CONSORT 2010, which the DEFINE extensions "
                "(2023) subdivide; ADEMP: Morris, White and Crowther 2019, on simulation studies; FDA: guidance on "
                "adaptive designs 2019, on early-phase trials of cellular and gene therapy products 2015, and draft "
                "guidance on Bayesian methodology of January 2026, about primary inference. ICH E20, draft of June "
                "2025, is about confirmatory trials: what it asks of simulation reports is taken up, no more."
            ),
            Table(
                "What guidelines ask for, and where it is answered",
                ("guideline", "item", "answered in"),
                tuple(rows),
                words=True,
            ),
        ]

    return Section("Checklist", build)


def answered(item: str, sections: Sequence[Section], stated: Collection[str]) -> str:
    """Say where an item is answered, and whether investigators have to add to it or to answer it themselves.

    Parameters
    ----------
    item : str
    sections : sequence of Section
    stated : collection of str
        Keys of the statements that the investigators have made.
    """
    asked = [key for section in sections for key in section.stated.get(item, ())]
    places = [s.title for s in sections if item in s.answers or set(s.stated.get(item, ())) & set(stated)]
    missing = [f"in part {INVESTIGATORS}"] * (not set(asked) <= set(stated))
    return "; ".join([*places, *missing]) if places else INVESTIGATORS
