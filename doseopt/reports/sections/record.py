"""The record of a trial as a document: data so far, courses, safety, survival, liver function, signs of effect.

Subjects have numbers in the order of treatment, and days from treatment: names and dates of theirs are not shown.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import partial

import numpy as np
import xarray as xr

from doseopt.conduct.endpoints import Endpoints
from doseopt.core.text import counted
from doseopt.display.panels import doses
from doseopt.endpoints.historical import Historical
from doseopt.endpoints.life_table import BREAKS, at_end, life_table
from doseopt.endpoints.survival import Survival
from doseopt.plots.scaffold import dose_label
from doseopt.plots.swimmer import swimmer_figure
from doseopt.records.efficacy import antibodies, improvement
from doseopt.records.outcomes import SCORES, courses, follow_up, liver_function
from doseopt.records.patient import Patient
from doseopt.records.record import Record
from doseopt.records.safety import ALL, GRADES, by_term, listing, overview
from doseopt.records.status import ALONE, SILENT, statuses, unread
from doseopt.records.window import how_to_state
from doseopt.reports.render.document import Block, Bullets, Caution, Document, Figure, Heading, Paragraph, Table
from doseopt.reports.sections.endpoints import (
    against_random_controls,
    improvement_averaged,
    liver_in_time,
    survival_drawn,
)
from doseopt.study.study import Study

DAY = 60
"""Of survival, where a study states no controls."""
EMERGENT = "Subjects (%) with treatment-emergent adverse events [events]"


def record_document(study: Study, record: Record, endpoints: Endpoints | None = None) -> Document:
    """Return what a record holds as a document.

    Parameters
    ----------
    study : Study
    record : Record
    endpoints : Endpoints, optional
        What their models say; by quadrature, if left out.
    """
    modelled = Endpoints.of(study, record) if endpoints is None else endpoints
    facts = {
        "Known on": record.last.isoformat(),
        "Subjects": f"{len(record.subjects)} treated",
        "Made by": f"doseopt {study.provenance()['version']}",
    }
    blocks: list[Block] = [Heading("Data so far"), *(Caution(f"{record.without_names(w)}.") for w in record.warnings)]
    if not record.subjects:
        return Document(study.title, facts, (*blocks, Paragraph("Nobody had been treated.")))
    blocks += [*_data(record), Heading("Adverse events"), *_safety(record)]
    blocks += [Heading("Survival"), *_survival(record, study.historical)]
    blocks += [survival_drawn(record, study.historical), *against_random_controls(modelled.survival)]
    blocks += [*_liver(record), *liver_in_time(record)]
    blocks += [*_improvement(record), *improvement_averaged(modelled.improvement), *_antibodies(record)]
    return Document(study.title, facts, tuple(blocks))


def _data(record: Record) -> list[Block]:
    """Show who counts at each dose, and the courses."""
    states, numbers, asked = statuses(record), record.numbers, unread(record)
    rows = []
    for level, label in enumerate(record.doses.labels):
        here = [state for state in states if state.level == level]
        columns = [
            len(here),
            sum(state.evaluable and state.dlt is not None for state in here),
            sum(state.dlt is True for state in here),
            sum(state.evaluable and state.dlt is None for state in here),
            sum(not state.evaluable for state in here),
        ]
        rows.append((label, *map(str, columns)))
    shown = courses(record)
    head = (dose_label(doses(shown)[1]), "treated", "resolved", "DLT", "pending", "not evaluable")
    said = []
    for state in states:
        who = f"Subject {numbers[state.name]}"
        if state.evaluable and state.dlt is None:
            said.append(f"{who} is pending, on day {state.followed:g} of {record.window.days:g}.")
        elif state.name in asked:
            said.append(f"{who}: {state.departure}; not evaluable: {SILENT}.")
        elif not state.evaluable:
            said.append(f"{who}: {state.reason}; not evaluable.")
        elif state.left:
            said.append(f"{who}: {state.departure}; counted as {'a DLT' if state.dlt else 'none'}.")
    caption = f"Subjects at each dose; DLTs within {record.window.days:g} days"
    alt = "A bar for each subject from treatment to the end of follow-up, with marks for what the listings name."
    figure = Figure.of(partial(swimmer_figure, shown), "Course of each subject.", alt, "swimmer")
    table, listed = Table(caption, head, tuple(rows)), [Bullets(tuple(said))] if said else []
    return [*([Caution(_silence(states, asked))] if asked else []), table, *listed, figure]


def _silence(states: Sequence[Patient], asked: Collection[str]) -> str:
    """Say that a tally waits for readings of the study, and how it states them."""
    kinds = dict.fromkeys(state.left for state in states if state.name in asked)
    return (
        f"How {counted(len(asked), 'subject')} who left the DLT window without a DLT may count is not stated: not "
        f"evaluable on this page, and no tally for a decision before it is; {'; '.join(map(how_to_state, kinds))}, "
        f"{ALONE}."
    )


def _safety(record: Record) -> list[Block]:
    """Show the overview with intervals, classes and terms, worst grades, and listings."""
    whole, terms = overview(record), by_term(record)
    columns = _columns(whole)
    rows = [(str(row), *_cells(whole.sel(row=row))) for row in whole["row"].to_numpy()]
    lower, upper, treated = (whole[name].to_numpy() for name in ("lower", "upper", "treated"))
    limits = [
        (str(row), *(_interval(*pair) if n else "-" for *pair, n in zip(lower[r], upper[r], treated, strict=True)))
        for r, row in enumerate(whole["row"].to_numpy())
    ]
    unknown = zip(whole["row"].values.tolist(), whole["unrecorded"].values.tolist(), strict=True)
    notes = [f"Not recorded, and not counted: of {counted(n, 'event')}, whether {row}." for row, n in unknown if n]
    blocks: list[Block] = [
        Table(EMERGENT, ("", *columns), tuple(rows), notes=("A subject counts once in a row.", *notes)),
        Table("Exact 95% intervals (Clopper-Pearson) of these percentages", ("", *columns), tuple(limits)),
    ]
    if terms.sizes["row"]:
        names = zip(terms["system"].values.tolist(), terms["term"].values.tolist(), strict=True)
        shown = [f"- {term}" if system and term else term or system for system, term in names]
        by_dose = tuple((name, *_cells(terms.isel(row=r))) for r, name in enumerate(shown))
        worst = terms["worst"].sel(dose=ALL).to_numpy()
        grades = tuple((name, *map(str, worst[r].tolist())) for r, name in enumerate(shown))
        head = ("class, term", *columns)
        blocks += [
            Table(f"{EMERGENT}, by class and term", head, by_dose),
            Table("Subjects by worst grade, all doses", ("class, term", *(f"grade {g}" for g in GRADES)), grades),
        ]
    for kind, title in (("dose-limiting", "Dose-limiting toxicities"), ("serious", "Serious adverse events")):
        blocks.append(_listed(title, listing(record, kind)))
    return blocks


def _columns(ds: xr.Dataset) -> list[str]:
    return [f"{dose} (n = {n})" for dose, n in zip(ds["dose"].to_numpy(), ds["treated"].to_numpy(), strict=True)]


def _cells(row: xr.Dataset) -> list[str]:
    """Return "2 (50%) [3]" for each dose."""
    each = zip(*(row[name].values.tolist() for name in ("subjects", "events", "treated")), strict=True)
    return [f"{y} ({100 * y / n:.0f}%) [{events}]" if n else "-" for y, events, n in each]


def _interval(lower: float, upper: float) -> str:
    return f"{100 * lower:.0f} to {100 * upper:.0f}%"


def _listed(title: str, rows: Sequence[Mapping[str, object]]) -> Block:
    """Return a listing of events, or say that there are none."""
    if not rows:
        return Paragraph(f"{title}: none.")
    head = ("subject", "dose", "day", "until", "term", "grade", "related", "outcome")
    cells = tuple(tuple(_word(row[name]) for name in head) for row in rows)
    return Table(title, head, cells, texts=(0, 1, 4, 6, 7))


def _word(value: object) -> str:
    """Return what stands in a cell of a listing."""
    if value is None or value == "":
        return "-"
    return {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)


def _survival(record: Record, controls: Historical | None) -> list[Block]:
    """Show the life table, survival in three readings of a transplantation, and the controls."""
    day, followed = DAY if controls is None else controls.day, follow_up(record)
    seen = followed.survival()
    breaks = [*(b for b in BREAKS if b < day), day]
    table = life_table(*seen.times, breaks)
    rows = tuple(
        (str(name), str(row["at_risk_start"]), str(row["deaths"]), str(row["lost"]), _percent(row["surv_at_start"]))
        for name, row in table.astype(object).iterrows()
    )
    head = ("days", "at risk", "deaths", "censored", "survival at start")
    end, error = at_end(table)
    note = f"Survival on day {day:g}: {_percent(end)}, standard error {_percent(error)} (actuarial)."
    both = {"censored": seen, "an event": followed.survival("event")}
    three = tuple((name, *_estimate(each, day)) for name, each in both.items())
    dead, moved = followed.incidence(day)
    caption = f"Survival to day {day:g} (Kaplan-Meier), a transplantation read in two ways"
    blocks: list[Block] = [
        Table("Life table, follow-up ending with a transplantation", head, rows, notes=(note,)),
        Table(caption, ("read as", "survival", "95% interval", "method"), three, words=True),
        Paragraph(
            f"Read as an end that competes with death: by day {day:g}, {_percent(dead)} died without a transplantation "
            f"and {_percent(moved)} were transplanted."
        ),
    ]
    if any(row[3] == "beta product" for row in three):
        blocks.append(Paragraph("With censoring no exact interval exists; that of the beta product is given."))
    lower, upper, _ = seen.interval(day)
    return [*blocks, *_against(seen, controls), _how_little("survival", len(record.subjects), lower, upper)]


def _estimate(seen: Survival, day: float) -> tuple[str, str, str]:
    lower, upper, method = seen.interval(day)
    return _percent(seen.estimate(day)[0]), _interval(lower, upper), method


def _percent(share: float) -> str:
    return "not known" if np.isnan(share) else f"{100 * share:.1f}%"


def _against(seen: Survival, controls: Historical | None) -> list[Block]:
    """Say what survival is against that of historical controls, in three ways."""
    if controls is None:
        return [Paragraph("The study states no historical controls ([historical]): nothing is compared with them.")]
    counts, test = controls.at_day(seen), controls.log_rank(seen)

    def between(pair: tuple[float, float]) -> str:
        worst, best = (f"{value:.3f}" for value in pair)
        return worst if counts.exact else f"{worst} if all who are censored died, {best} if all live"

    said = f"{controls.survivors} of {controls.n} controls lived on day {controls.day:g} ({controls.source})"
    each = (
        f"Exact binomial test of more survivors than at their rate, taken as known: p = {between(counts.p_more)}.",
        f"One-sample log-rank test against an exponential curve through it: {test.observed} deaths seen, "
        f"{test.expected:.2f} expected, Pr(Poisson of as few) = {test.p_fewer:.3f}, an approximation.",
        f"Posterior probability that survival is above theirs, both rates uniform before: {between(counts.above)}.",
    )
    return [Paragraph(f"{said}."), Bullets(each)]


def _liver(record: Record) -> list[Block]:
    """Show the scores by subject and visit."""
    scores = liver_function(record)
    if not scores:
        return []
    rows = tuple(
        (
            str(one.subject),
            one.dose,
            one.visit,
            *(f"{one.scores[s]:.0f}" if s in one.scores else one.missing[s] for s in SCORES),
        )
        for one in scores
    )
    sure = "Who has died or was transplanted is not in it: later visits are those of the better patients."
    head = ("subject", "dose", "visit", *SCORES)
    return [Heading("Liver function"), Table("Scores by visit", head, rows, notes=(sure,), words=True)]


def _improvement(record: Record) -> list[Block]:
    """Show clinical improvement by dose."""
    found = improvement(record)
    if not found.sizes["visit"]:
        return []
    rows = []
    for visit in found["visit"].to_numpy():
        here = found.sel(visit=visit)
        each = zip(*(here[name].values for name in ("improved", "assessed", "lower", "upper")), strict=True)
        best = here["most_likely_best"].item()
        cells = [f"{y} of {n} ({_interval(low, high)})" if n else "-" for y, n, low, high in each]
        rows.append((str(visit), *cells, "-" if np.isnan(best) else f"{100 * best:.0f}%"))
    head = ("visit", *_columns(found), "best is best")
    note = "Last column: probability that the dose with the best share has the highest rate, under uniform priors."
    table = Table("Clinical improvement, of those assessed, with exact 95% intervals", head, tuple(rows), notes=(note,))
    last = found.isel(visit=-1).sel(dose=ALL)
    ends = last["lower"].item(), last["upper"].item()
    return [Heading("Clinical improvement"), table, _how_little("improvement", int(last["assessed"]), *ends)]


def _how_little(what: str, subjects: int, lower: float, upper: float) -> Paragraph:
    """Say how little so many subjects can say."""
    width = f"spans {100 * (upper - lower):.0f} percentage points"
    return Paragraph(f"How little this says: with {counted(subjects, 'subject')} the 95% interval of {what} {width}.")


def _antibodies(record: Record) -> list[Block]:
    """Show antibodies by class and visit."""
    found = antibodies(record)
    if not found.sizes["visit"]:
        return []
    rows = [
        (str(hla), str(visit), *(str(found[name].sel(hla=hla, visit=visit).item()) for name in found.data_vars))
        for hla in found["hla"].to_numpy()
        for visit in found["visit"].to_numpy()
    ]
    head = ("HLA", "visit", "tested", "positive", "negative before", "de novo")
    caption = f"Antibodies against HLA, of {counted(len(record.subjects), 'treated subject')}"
    return [Heading("Antibodies"), Table(caption, head, tuple(rows), texts=(0, 1))]
