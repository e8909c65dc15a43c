"""The data so far, and what is known of the DLT rate at each dose."""

from __future__ import annotations

from functools import partial

import numpy as np

from doseopt.amendment.dossier import Dossier
from doseopt.core.text import counted
from doseopt.display.numbers import bare, decimal, percent
from doseopt.plots.posterior import density_figure
from doseopt.reports.render.document import Block, Bullets, Figure, Paragraph, Table
from doseopt.reports.sections.section import Section
from doseopt.reports.sections.words import dose_words, so_far, statement, with_interval

CONFLICT = 0.05
"""Prior-predictive tail probabilities below this are called a conflict."""


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
        _table(dossier),
        _sensitivity(dossier),
        Paragraph(f"Model: {ds.attrs['prior']}."),
        *((_conflict(dossier), _figure(dossier)) if patients else ()),
        *(statement(dossier, key) for key in ("populations", "decisions")),
    ]


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
        notes.append(f"Pending, not counted, and weighed like patients still to come: {pending}.")
    if notes:
        return [Bullets(tuple(notes))]
    if not dossier.cohorts:
        return []
    return [Paragraph("Every cohort so far is one that the registered design would have given.")]


def _table(dossier: Dossier) -> Table:
    ds = dossier.analysis.summary
    low, high, target = (100 * ds.attrs[name] for name in ("interval_low", "interval_high", "target"))
    level = 100 * ds.attrs["level"]
    rows = []
    seen = bool(ds["n"].any())
    labels, unit = dose_words(dossier)
    for j, label in enumerate(labels):
        v = {str(name): float(ds[name][j]) for name in ds.data_vars if ds[name].dims == ("dose",)}
        rows.append(
            (
                label,
                f"{v['y']:.0f}/{v['n']:.0f}",
                bare(v["mean"]),
                f"{bare(v['lower'])} to {bare(v['upper'])}",
                *(bare(v[name]) for name in ("p_under", "p_target", "p_over", "p_above_target")),
                *([with_interval(v["prior_mean"], v["prior_lower"], v["prior_upper"])] if seen else []),
                decimal(v["prior_ess"]),
            )
        )
    chances = (f"Pr(≤{low:.0f})", f"Pr({low:.0f}–{high:.0f})", f"Pr(>{high:.0f})", f"Pr(>{target:g})")
    prior = ["prior mean (interval)"] if seen else []
    head = ("dose", "DLT/n", "mean", f"{level:.0f}% interval", *chances, *prior, "prior ESS")
    caption = f"DLT rate (%) at each dose{f', {unit}' if unit else ''}, {so_far(dossier)}: the study's model"
    return Table(caption, head, tuple(rows))


def _sensitivity(dossier: Dossier) -> Table:
    """Show the posterior under weaker and stronger priors."""
    ds = dossier.analysis.summary
    rows = []
    for k, factor in enumerate(ds["prior_scale"].to_numpy().tolist()):
        part = (ds[f"sensitivity_{name}"].to_numpy()[k] for name in ("mean", "lower", "upper"))
        rows.append((f"prior sd × {factor:g}", *map(with_interval, *part)))
    caption = "Sensitivity to the prior: mean DLT rate and interval (%)"
    return Table(caption, ("", *dose_words(dossier)[0]), tuple(rows))


def _conflict(dossier: Dossier) -> Paragraph:
    """Say whether prior and data agree."""
    ds = dossier.analysis.summary
    total, each = float(ds.attrs["prior_tail_total"]), ds["prior_tail"].to_numpy()
    smallest = float(np.nanmin(each))
    low = min(total, smallest) < CONFLICT
    verdict = "Prior and data disagree" if low else "Prior and data do not disagree"
    tails = zip(each, dose_words(dossier)[0], strict=True)
    listing = ", ".join(f"{percent(float(p))} at {label}" for p, label in tails if p == p)
    text = (
        f"{verdict}: before the trial the model gave as many DLTs or a number further out a two-sided probability of "
        f"{percent(total)} in total, and of {listing}. Below {percent(CONFLICT, 0)} would be called a conflict."
    )
    return Paragraph(text, strong=low)


def _figure(dossier: Dossier) -> Figure:
    ds = dossier.analysis.summary
    each = [
        f"{label}: {percent(float(m), 0)} ({percent(float(a), 0)} to {percent(float(b), 0)})"
        for label, m, a, b in zip(dose_words(dossier)[0], ds["mean"], ds["lower"], ds["upper"], strict=True)
    ]
    return Figure.of(
        partial(density_figure, ds, dossier.analysis.density),
        "Prior and posterior density of the DLT rate at each dose.",
        f"Densities of the DLT rate, a row a dose. Posterior mean and interval at {'; '.join(each)}.",
    )


KNOWN = Section(
    "Data so far and DLT rate at each dose",
    known,
    answers=("estimation", "populations", "decisions", "results", "prior", "conflict"),
    stated={"populations": ("populations",), "decisions": ("decisions",)},
)
