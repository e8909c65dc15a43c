"""Dossier -> the amendment report."""

from __future__ import annotations

from doseopt.dossier import Dossier
from doseopt.report.characteristics import conditional, prospective
from doseopt.report.checklist import checklist
from doseopt.report.closing import attainable, examples, limitations, reproduction, sensitivity
from doseopt.report.designs import amended, registered
from doseopt.report.document import Document
from doseopt.report.known import known
from doseopt.report.summary import summary
from doseopt.report.words import dose_words, so_far


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
