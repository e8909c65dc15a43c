"""The data so far, and what is known of the DLT rate at each dose."""

from __future__ import annotations

from functools import partial

from doseopt.amendment.dossier import Dossier
from doseopt.conduct.survival import against_controls
from doseopt.core.text import counted
from doseopt.display.numbers import percent
from doseopt.plots.posterior import density_figure
from doseopt.reports.render.document import Block, Bullets, Figure, Heading, Paragraph
from doseopt.reports.sections.courses import swimmer
from doseopt.reports.sections.endpoints import against_random_controls, survival_drawn
from doseopt.reports.sections.patients import patients_at_cutoff
from doseopt.reports.sections.posterior import CAPTIONS, conflict, decision_tables, posterior_tables
from doseopt.reports.sections.record import survival
from doseopt.reports.sections.safety import safety_overview
from doseopt.reports.sections.section import Section
from doseopt.reports.sections.words import dose_words, so_far, statement


def known(dossier: Dossier) -> list[Block]:
    """Show the data, the posterior, and whether prior and data agree."""
    ds = dossier.analysis.summary
    patients = int(ds["n"].sum())
    text = (
        f"{counted(patients, 'evaluable patient')} so far, {int(ds['y'].sum())} with a DLT: {dossier.outcomes}. The "
        "notation gives the dose level of each cohort and a letter a patient, T for a DLT"
        f"{', M for a moderate toxicity' if 'M' in dossier.outcomes else ''} and N for none"
        f"{', ? for a patient who is pending' if dossier.trial.pending else ''}."
        if patients
        else "There are no patients yet: the amendment is prospective, and what follows is prior."
    )
    return [
        Paragraph(text),
        *_remarks(dossier),
        *patients_at_cutoff(dossier.trial),
        *posterior_tables(ds, so_far(dossier)),
        Paragraph(f"Model: {ds.attrs['prior']}." + _whose(str(ds.attrs.get("population", "")))),
        *([] if dossier.decided is None else decision_tables(dossier.decided, dossier.study.target, 2)),
        *((*conflict(ds), _figure(dossier)) if patients else ()),
        *of_record(dossier),
        *(statement(dossier, key) for key in ("populations", "decisions")),
    ]


def _whose(population: str) -> str:
    """Say whose rates the tables show, of a model of two populations."""
    if not population:
        return ""
    return (
        f" The rates are those in {population}; doseopt posterior --population shows the others. Averages and "
        "operating characteristics take patients of unknown population."
    )


def _remarks(dossier: Dossier) -> list[Block]:
    """Report departures from the registered design and what the data file warns of."""
    notes = [f"Departure from the registered design: {text}." for text in dossier.departures]
    notes += list(dossier.trial.warnings)
    left_out = dossier.analysis.summary.attrs["left_out"]
    if dossier.trial.has_actual_doses:
        notes.append(
            "Actual doses are known of some patients: the two-parameter logistic models weigh them; the other beliefs, "
            "and the prior-predictive probabilities below, take planned doses."
        )
    notes += [f"Left out: {left_out}."] if left_out else []
    pending = ", ".join(p.name for p in dossier.trial.pending)
    if pending:
        not_counted = "" if dossier.analysis.summary.attrs.get("in_part", "") else "not counted, and "
        notes.append(f"Pending, {not_counted}weighed like patients still to come: {pending}.")
    if part := dossier.analysis.summary.attrs.get("in_part", ""):
        notes.append(
            f"In the posterior of this section these count in part, by the share of the DLT window: {part}; averages "
            "over the posterior take the patients who count in whole."
        )
    if notes:
        return [Bullets(tuple(notes))]
    if not dossier.cohorts:
        return []
    return [Paragraph("Every cohort so far is one that the registered design would have given.")]


def of_record(dossier: Dossier) -> list[Block]:
    """Show courses, adverse events and survival where the tables of a record are given."""
    record = dossier.record
    if record is None or not record.subjects:
        return []
    controls = dossier.study.historical
    return [
        Heading("Courses, adverse events and survival", 2),
        swimmer(record),
        *safety_overview(record),
        *survival(record, controls),
        survival_drawn(record, controls),
        *against_random_controls(None if controls is None else against_controls(record, controls)),
    ]


def _figure(dossier: Dossier) -> Figure:
    ds = dossier.analysis.summary
    each = [
        f"{label}: {percent(float(m), 0)} ({percent(float(a), 0)} to {percent(float(b), 0)})"
        for label, m, a, b in zip(dose_words(dossier)[0], ds["mean"], ds["lower"], ds["upper"], strict=True)
    ]
    return Figure.of(
        partial(density_figure, ds, dossier.analysis.density),
        CAPTIONS["posterior"][0],
        f"Densities of the DLT rate, a row a dose. Posterior mean and interval at {'; '.join(each)}.",
    )


KNOWN = Section(
    "Data so far and DLT rate at each dose",
    known,
    answers=("estimation", "populations", "decisions", "results", "prior", "conflict"),
    stated={"populations": ("populations",), "decisions": ("decisions",)},
)
