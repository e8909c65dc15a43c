"""Eligibility in the record of a trial: who deviates and by what, and tally, posterior and next dose without them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from doseopt.conduct.eligible import Finding, findings, with_and_without
from doseopt.core.parameters import Faults
from doseopt.core.text import counted
from doseopt.display.labels import listed
from doseopt.records.record import Record
from doseopt.records.status import unread
from doseopt.reports.render.document import Block, Bullets, Heading, Paragraph, Table
from doseopt.reports.sections.next_dose import decision_words
from doseopt.reports.sections.safety import MOST_ROWS, left_off
from doseopt.study.study import Study

WITH, WITHOUT = "all subjects", "without them"


def eligibility_blocks(study: Study, record: Record) -> list[Block]:
    """Return what the criteria of a study say of the subjects of a record; nothing where it states none.

    Parameters
    ----------
    study : Study
    record : Record
    """
    if study.eligibility is None:
        return []
    seen = findings(study, record)
    off = [one for one in seen if one.deviates]
    said = study.eligibility.describe()
    blocks: list[Block] = [Heading("Eligibility")]
    blocks += [Paragraph(f"Criteria that the tables can check: {'; '.join(said)}.")] if said else []
    blocks += [_table("Deviations from the criteria; nobody is left out for them", "off by", off)] if off else []
    blocks += [Paragraph("Nobody is known to deviate from them.")] if said and not off else []
    if unknown := [one for one in seen if not one.deviates]:
        blocks.append(_table("Not known whether the criterion is met", "", unknown))
    if study.eligibility.judged:
        blocks += [Paragraph("Only a clinician can judge, and not checked here:"), Bullets(study.eligibility.judged)]
    return [*blocks, *(_without(study, record, {one.subject for one in off}) if off else [])]


def _table(caption: str, last: str, found: list[Finding]) -> Table:
    """Return a row a subject and criterion."""
    head = ("subject", "dose", "criterion", "before treatment", *([last] if last else []))
    rows = ((str(f.subject), f.dose, f.criterion, f.found, *([f.by] if last else [])) for f in found[:MOST_ROWS])
    return Table(caption, head, tuple(rows), texts=(0, *range(2, len(head))), notes=left_off(len(found)))


def _without(study: Study, record: Record, subjects: Collection[int]) -> list[Block]:
    """Show tally, posterior and next dose with and without the subjects who deviate."""
    who = f"{counted(len(subjects), 'subject')} who {'deviate' if len(subjects) > 1 else 'deviates'}"
    if unread(record):
        return [Paragraph(f"With and without the {who}: no tally before it is stated how those who left count.")]
    try:
        both = with_and_without(study, record, subjects)
    except Faults as faults:
        return [Paragraph(f"With and without the {who} nothing can be said: {faults.faults[0]}")]
    whole, less = both["with"], both["without"]
    columns = ("DLT/n", "mean", f"{100 * whole['level']:.0f}% interval", f"> {100 * study.target:.3g}%")
    pairs = zip(study.doses.labels, whole["doses"], less["doses"], strict=True)
    rates = Table(
        f"Tally and posterior DLT rate (%) with and without the {who} ({listed(list(map(str, sorted(subjects))))})",
        ("dose", *columns, *columns),
        tuple((label, *_known(one), *_known(other)) for label, one, other in pairs),
        groups=((WITH, len(columns)), (WITHOUT, len(columns))),
    )
    answers = (
        (name, *(decision_words(each["designs"][name], each) for each in (whole, less))) for name in whole["designs"]
    )
    note = "Cohorts that lose a subject may be none that a design gives: it answers from the tallies then."
    head = ("design", WITH, WITHOUT)
    return [rates, Table("What each design does next", head, tuple(answers), words=True, notes=(note,))]


def _known(dose: Mapping[str, Any]) -> tuple[str, ...]:
    mean, low, high, above = (f"{100 * dose[name]:.1f}" for name in ("mean", "lower", "upper", "p_above_target"))
    return f"{dose['y']}/{dose['n']}", mean, f"{low} to {high}", above
