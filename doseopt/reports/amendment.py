"""The amendment report: its sections in order, from a dossier."""

from __future__ import annotations

import dataclasses

from doseopt.amendment.dossier import Dossier
from doseopt.display.labels import with_assumed
from doseopt.records.record import MADE_UP
from doseopt.reports.render.document import Block, Document, Heading
from doseopt.reports.sections.break_even import DECISION
from doseopt.reports.sections.characteristics import FROM_NOW, FROM_THE_START
from doseopt.reports.sections.checklist import checklist
from doseopt.reports.sections.closing import ATTAINABLE, EXAMPLES, LIMITATIONS, REPRODUCTION, SENSITIVITY
from doseopt.reports.sections.data_so_far import KNOWN
from doseopt.reports.sections.designs import PROPOSED, REGISTERED
from doseopt.reports.sections.estimates import POSTERIORS
from doseopt.reports.sections.holds import HOLDS
from doseopt.reports.sections.ladder import LADDER
from doseopt.reports.sections.like_for_like import LIKE_FOR_LIKE
from doseopt.reports.sections.summary import SUMMARY
from doseopt.reports.sections.time import TIME
from doseopt.reports.sections.words import dose_words, so_far

SECTIONS = (
    SUMMARY,
    HOLDS,
    POSTERIORS,
    LADDER,
    REGISTERED,
    PROPOSED,
    KNOWN,
    FROM_THE_START,
    LIKE_FOR_LIKE,
    FROM_NOW,
    TIME,
    ATTAINABLE,
    DECISION,
    SENSITIVITY,
    LIMITATIONS,
    EXAMPLES,
    REPRODUCTION,
)
"""In order; the checklist follows them."""


def amendment_report(dossier: Dossier, command: str) -> Document:
    """Return the report.

    Parameters
    ----------
    dossier : Dossier
    command : str
        That makes it again.
    """
    dossier = dataclasses.replace(dossier, command=command)
    study, attrs = dossier.study, dossier.amendment.attrs
    labels, unit = dose_words(dossier)
    facts = {
        "Registry": study.registry,
        "Doses": with_assumed(f"{', '.join(labels)} {unit}".strip(), attrs),
        "Target DLT rate": f"{study.target:g}",
        "Planned enrolment": "" if study.planned_enrolment is None else f"{study.planned_enrolment} patients",
        "Registered design": dossier.proposal.registered,
        "Proposed designs": ", ".join(dossier.proposal.amended),
        "Data so far": f"{so_far(dossier)}{f'; {MADE_UP}' * (MADE_UP in dossier.trial.warnings)}",
        "Made by": f"doseopt {attrs['version']}, study {study.name}, hash {study.hash}",
    }
    blocks: list[Block] = []
    for section in (*SECTIONS, checklist(SECTIONS)):
        built = section.build(dossier)
        blocks += [Heading(section.title), *built] if built else []
    title = f"Amendment of a dose-finding design: {study.title}"
    return Document(title, facts, tuple(blocks))
