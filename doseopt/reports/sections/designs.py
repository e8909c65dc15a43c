"""The registered design rule by rule, and what is proposed instead."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from doseopt.amendment.dossier import Dossier
from doseopt.core.cohort import format_outcomes
from doseopt.core.design import Design, Row
from doseopt.core.text import counted
from doseopt.designs.layers import with_cap
from doseopt.display.labels import listed
from doseopt.display.numbers import NOTHING, percent
from doseopt.display.pathways import cohort_of
from doseopt.display.readings import factor_words, reading_words
from doseopt.plots.pathways import paths_figure
from doseopt.reports.render.document import Block, Figure, Heading, Paragraph, Table
from doseopt.reports.sections.section import Section
from doseopt.reports.sections.words import decided, dose_words, followed_up, so_far, statement, undeclarable
from doseopt.study.protocol import TAKEN


def registered(dossier: Dossier) -> list[Block]:
    """State the registered design, the silences of its protocol, and what it does next."""
    name = dossier.proposal.registered
    return [
        statement(dossier, "version"),
        *_protocol(dossier),
        _doses(dossier),
        _rules(dossier, [name]),
        *(_readings(dossier) if dossier.readings else []),
        *(statement(dossier, key) for key in ("dlt_definition", "dlt_window", "accrual", "oversight")),
        Heading("What it does next", 2),
        *_pathways(dossier, [name]),
    ]


def amended(dossier: Dossier) -> list[Block]:
    """State the proposed designs, what differs, and what they do next."""
    alike: dict[Design, list[str]] = {}
    for name in dossier.proposal.amended:
        alike.setdefault(with_cap(dossier.study.designs[name], None), []).append(name)
    return [
        _differences(dossier),
        *(_rules(dossier, names) for names in alike.values()),
        *followed_up(dossier.amendment.attrs),
        *(statement(dossier, key) for key in ("reason", "prespecified")),
        Heading("What they do next", 2),
        *_pathways(dossier, list(dossier.proposal.amended)),
    ]


def _protocol(dossier: Dossier) -> list[Block]:
    """List what the protocol says, and what is made of each statement; nothing if the study lists none."""
    rows = [(each.says, TAKEN[each.taken], each.how or NOTHING) for each in dossier.proposal.protocol]
    head = ("the protocol", "taken as", "how")
    return [Table("What the protocol says, and what is made of it", head, tuple(rows), words=True)] if rows else []


def _doses(dossier: Dossier) -> Table:
    """List the dose levels."""
    labels, unit = dose_words(dossier)
    planned = dossier.study.doses.as_planned
    rows = []
    for level, (label, own) in enumerate(zip(labels, dossier.study.doses.labels, strict=True), 1):
        kind = "planned" if own in planned.labels else "may be inserted"
        rows.append((str(level), f"{label} {unit}".strip(), kind))
    tolerance = planned.tolerance
    off = f"; the actual dose may differ by up to {100 * tolerance:g}%" if tolerance else ""
    return Table(f"Dose levels{off}", ("level", "dose", ""), tuple(rows), words=True)


def _rules(dossier: Dossier, names: list[str]) -> Table:
    """List the rules of designs that are one but for the cap: what they share, then what each has alone."""
    each = {name: dossier.rows[name] for name in names}
    shared = [row for row in each[names[0]] if all(row in rows for rows in each.values())]
    lines = [(row.rule, row.reading, row.source or NOTHING) for row in shared]
    alone = {name: {row.rule: row for row in rows if row not in shared} for name, rows in each.items()}
    for rule in dict.fromkeys(rule for rows in alone.values() for rule in rows):
        for name, rows in alone.items():
            row = rows.get(rule, Row(rule, "none"))
            lines.append((f"{rule}, {name}", row.reading, row.source or NOTHING))
    return Table(f"Rules of {listed(names)}", ("rule", "as it is read here", "source"), tuple(lines), words=True)


def _readings(dossier: Dossier) -> list[Block]:
    text = "Where the protocol is silent, a reading was chosen. The section on sensitivity shows what the others would"
    rows = []
    for factor, values in dossier.readings.items():
        words = [reading_words(factor, value) for value in values]
        rows.append((factor_words(factor), words[0], "; ".join(words[1:])))
    head = ("the protocol does not say", "read here as", "could also mean")
    table = Table("Silences of the registered protocol", head, tuple(rows), words=True)
    return [Paragraph(f"{text} change."), table]


def _differences(dossier: Dossier) -> Table:
    """Set the designs side by side."""
    rows = []
    for name in dossier.designs:
        design = dossier.study.designs[name]
        cap = float(dossier.comparison["planned_maximum"].sel(design=name))
        never = [dose_words(dossier)[0][j] for j in undeclarable(dossier, name)]
        first = design.first()
        rows.append(
            (
                name,
                "none" if cap != cap else f"{cap:.0f}",
                f"{design.facts.target:g}",
                f"{counted(int(first.size[0]), 'patient')} at level {int(first.dose[0]) + 1}",
                listed(never) if never else "none",
            )
        )
    head = ("design", "enrolment cap", "target", "first cohort", "cannot declare")
    return Table(f"What differs; the last column {so_far(dossier)}", head, tuple(rows), words=True)


def _pathways(dossier: Dossier, names: list[str]) -> list[Block]:
    """Say what each design does after each way that the next cohort can turn out."""
    rows = [row for name in names for row in _answers(dossier, name, dossier.pathways[name])]
    if not rows:
        return [Paragraph(f"{listed(names)}: the trial is over {so_far(dossier)}.")]
    drawn: dict[bytes, list[str]] = {}
    for name in names:
        ds = dossier.pathways[name]
        same = [ds[part].to_numpy().tobytes() for part in ("parent", "given", "level", "size", "mtd")]
        drawn.setdefault(b"".join(same), []).append(name)
    figures = [_tree(dossier, alike) for alike in drawn.values()]
    caption = (
        f"After the next cohort, {so_far(dossier)}; probability by the posterior predictive distribution of the "
        "study's model"
    )
    head = ("design", "next cohort", "probability", "then")
    return [Table(caption, head, tuple(rows), words=True), *figures]


def _tree(dossier: Dossier, names: list[str]) -> Figure:
    """Draw the pathways of designs that do the same for so long."""
    ds = dossier.pathways[names[0]]
    return Figure.of(
        partial(paths_figure, ds.assign_attrs(design=listed(names))),
        f"Dose transition pathways of {listed(names)} over the next cohorts.",
        f"A tree of the next cohorts of {listed(names)}; its first branches stand in the table above.",
    )


def _answers(dossier: Dossier, name: str, ds: xr.Dataset) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for node in np.flatnonzero(ds["depth"].to_numpy() == 1).tolist():
        at = ds.isel(node=node)
        then = decided(dossier, int(at["level"]), int(at["size"]), int(at["mtd"]), str(at["stop"].item()))
        seen = format_outcomes((cohort_of(ds, node),))
        rows.append((name, seen, percent(float(at["probability"])), then))
    return rows


REGISTERED = Section(
    "The registered design, rule by rule",
    registered,
    answers=("elements", "transitions", "doses", "allocation", "rules"),
    stated={
        "version": ("version",),
        "dlt": ("dlt_definition", "dlt_window"),
        "allocation": ("accrual",),
        "oversight": ("oversight",),
    },
)
PROPOSED = Section(
    "The proposed designs",
    amended,
    answers=("changes", "methods"),
    stated={"changes": ("reason",), "prespecified": ("prespecified",)},
)
