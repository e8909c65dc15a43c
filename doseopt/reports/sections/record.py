"""The record of a trial as a document: data so far, courses, safety, survival, liver function, signs of effect.

Subjects have numbers in the order of treatment, and days from treatment: names and dates of theirs are not shown unless
they are asked for.
"""

from __future__ import annotations

import numpy as np

from doseopt.conduct.endpoints import Endpoints
from doseopt.core.text import counted
from doseopt.endpoints.historical import Historical
from doseopt.endpoints.life_table import BREAKS, at_end, life_table
from doseopt.endpoints.survival import Survival
from doseopt.records.efficacy import antibodies, improvement
from doseopt.records.outcomes import SCORES, follow_up, liver_function
from doseopt.records.record import MADE_UP, Record
from doseopt.records.safety import ALL
from doseopt.reports.render.document import Block, Bullets, Caution, Document, Heading, Paragraph, Table
from doseopt.reports.sections.courses import identified, subjects_by_dose
from doseopt.reports.sections.eligibility import eligibility_blocks
from doseopt.reports.sections.endpoints import (
    against_random_controls,
    improvement_averaged,
    liver_in_time,
    survival_drawn,
)
from doseopt.reports.sections.safety import (
    MOST_ROWS,
    columns_of,
    interval_words,
    left_off,
    safety_overview,
    safety_tables,
)
from doseopt.study.study import Study

DAY = 60
"""Of survival, where a study states no controls."""


def record_document(
    study: Study, record: Record, identifiers: bool = False, endpoints: Endpoints | None = None
) -> Document:
    """Return what a record holds as a document.

    Parameters
    ----------
    study : Study
    record : Record
    identifiers : bool
        Whether identifiers and dates of subjects are shown.
    endpoints : Endpoints, optional
        What their models say; by quadrature, if left out.
    """
    modelled = Endpoints.of(study, record) if endpoints is None else endpoints
    facts = {
        "Known on": record.last.isoformat(),
        "Subjects": f"{len(record.subjects)} treated",
        "Made by": f"doseopt {study.provenance()['version']}",
    }
    title = f"{study.title} (an invented record)" if MADE_UP in record.warnings else study.title
    told = [record.without_names(warning) for warning in record.warnings]
    blocks: list[Block] = [Heading("Data so far"), *(Caution(f"{text[0].upper()}{text[1:]}.") for text in told if text)]
    if not record.subjects:
        return Document(title, facts, (*blocks, Paragraph("Nobody had been treated.")))
    blocks += [
        *subjects_by_dose(record),
        *([identified(record)] if identifiers else []),
        *eligibility_blocks(study, record),
        Heading("Adverse events"),
        *safety_overview(record),
        *safety_tables(record, identifiers),
    ]
    blocks += [Heading("Survival"), *survival(record, study.historical)]
    blocks += [survival_drawn(record, study.historical), *against_random_controls(modelled.survival)]
    blocks += [*_liver(record), *liver_in_time(record)]
    blocks += [*_improvement(record), *improvement_averaged(modelled.improvement), *_antibodies(record)]
    return Document(title, facts, tuple(blocks))


def survival(record: Record, controls: Historical | None) -> list[Block]:
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
    return _percent(seen.estimate(day)[0]), interval_words(lower, upper), method


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
        for one in scores[:MOST_ROWS]
    )
    sure = "Who has died or was transplanted is not in it: later visits are those of the better patients."
    head = ("subject", "dose", "visit", *SCORES)
    return [
        Heading("Liver function"),
        Table("Scores by visit", head, rows, notes=(sure, *left_off(len(scores))), words=True),
    ]


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
        cells = [f"{y} of {n} ({interval_words(low, high)})" if n else "-" for y, n, low, high in each]
        rows.append((str(visit), *cells, "-" if np.isnan(best) else f"{100 * best:.0f}%"))
    head = ("visit", *columns_of(found), "best is best")
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
