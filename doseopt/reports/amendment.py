"""Dossier -> the amendment report."""

from __future__ import annotations

from doseopt.amendment.dossier import Dossier
from doseopt.reports.render.document import Document
from doseopt.reports.sections.characteristics import conditional, prospective
from doseopt.reports.sections.checklist import checklist
from doseopt.reports.sections.closing import attainable, examples, limitations, reproduction, sensitivity
from doseopt.reports.sections.data_so_far import known
from doseopt.reports.sections.designs import amended, registered
from doseopt.reports.sections.summary import summary
from doseopt.reports.sections.words import dose_words, so_far


def amendment_report(dossier: Dossier, command: str) -> Document:
    """Return the report.

    Parameters
    ----------
    dossier : Dossier
    command : str
        That makes it again.
    """
    study, attrs = dossier.study, dossier.amendment.attrs
    labels, unit = dose_words(dossier)
    facts = {
        "Registry": study.registry,
        "Doses": f"{', '.join(labels)} {unit}".strip(),
        "Target DLT rate": f"{study.target:g}",
        "Planned enrolment": "" if study.planned_enrolment is None else f"{study.planned_enrolment} patients",
        "Registered design": dossier.proposal.registered,
        "Proposed designs": ", ".join(dossier.proposal.amended),
        "Data so far": so_far(dossier),
        "Made by": f"doseopt {attrs['version']}, study {study.name}, hash {study.hash}",
    }
    blocks = [
        *summary(dossier),
        *registered(dossier),
        *amended(dossier),
        *known(dossier),
        *prospective(dossier),
        *conditional(dossier),
        *attainable(dossier),
        *sensitivity(dossier),
        *limitations(dossier),
        *examples(dossier),
        *reproduction(dossier, command),
        *checklist(dossier),
    ]
    title = f"Amendment of a dose-finding design: {study.title}"
    return Document(title, {name: text for name, text in facts.items() if text}, tuple(blocks))
