"""Analysis of the data of a trial, as a document: the posterior DLT rates, and what they owe to the prior."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from doseopt.display.labels import dose_labels, made_by, names
from doseopt.display.numbers import bare, decimal, percent, with_interval
from doseopt.reports.render.document import Block, Caution, Document, Figure, Heading, Paragraph, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

CONFLICT = 0.05
"""Prior-predictive tail probabilities below this are called a conflict."""
CAPTIONS = {
    "posterior": (
        "Prior and posterior density of the DLT rate at each dose.",
        "Densities of the DLT rate, a row a dose; means and intervals stand in the table.",
    ),
    "curve": (
        "Posterior mean and interval of the DLT rate against the dose, with what was observed.",
        "Points with intervals at each dose; the numbers stand in the table.",
    ),
    "predictive": (
        "Predictive distribution of the number of DLTs in the next cohort at each dose.",
        "Bars of the probabilities of no, one, two DLTs and so on, for each dose.",
    ),
}
"""Of each figure: caption, and what it shows for those who cannot see it."""


def posterior_document(ds: xr.Dataset, drawings: Mapping[str, Callable[[], Drawing]], worked: str = "") -> Document:
    """Return the analysis of data in hand as a document.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.conduct.posterior.analyse`.
    drawings : mapping of str to callable
        Of `doseopt.plots.posterior`.
    worked : str
        The outcomes, if they are a worked example.
    """
    attrs = ds.attrs
    labels, unit = dose_labels(ds)
    sampled = f"NUTS ({attrs.get('sampler', '')}, seed {attrs.get('seed', '')})"
    facts = {
        "Doses": f"{', '.join(labels)} {unit}".strip(),
        "Model": attrs["prior"],
        "Population": str(attrs.get("population", "")),
        "Method": "quadrature, deterministic" if attrs["method"] == "quadrature" else sampled,
        "Sampling": attrs.get("diagnostics", ""),
        "Target interval": f"{100 * attrs['interval_low']:g}% to {100 * attrs['interval_high']:g}%; over: above it",
        "Actual doses": "used as given" if attrs["actual_doses"] else "",
        "Cut-off": attrs["cutoff"],
        "Left out": attrs["left_out"],
        "Pending": f"{attrs['pending']}: not counted" if attrs["pending"] and not attrs.get("in_part", "") else "",
        "Counted in part": f"{attrs.get('in_part', '')} (share of the window; likelihood 1 - w p)"
        if attrs.get("in_part", "")
        else "",
        "External data": _believed(attrs),
        "Made by": made_by(attrs),
    }
    said = [f'No data were given; this is a worked example, as if --outcomes "{worked}".'] if worked else []
    said += [f"Warning: {warning}." for warning in attrs["warnings"].split("\n") if warning]
    figures = (Figure.of(draw, *CAPTIONS[name], name) for name, draw in drawings.items())
    agreement = conflict(ds)
    titled = [Heading("Prior and data"), *agreement] if agreement else []
    blocks = (*map(Caution, said), *posterior_tables(ds), *titled, *figures)
    return Document(str(attrs["title"]), facts, blocks)


def _believed(attrs: Mapping[str, Any]) -> str:
    """Say how far external data are believed after those of the trial."""
    if "external_weight" not in attrs:
        return ""
    return f"like the trial's with posterior probability {attrs['external_weight']:.3f}"


def posterior_tables(ds: xr.Dataset, when: str = "") -> list[Block]:
    """Show the DLT rate at each dose, and what it owes to the prior.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.conduct.posterior.analyse`.
    when : str
        After which patients.
    """
    return [_posterior(ds, when), _sensitivity(ds)]


def _posterior(ds: xr.Dataset, when: str) -> Table:
    low, high, target = (100 * ds.attrs[name] for name in ("interval_low", "interval_high", "target"))
    chances = ("under", "target", "over", f"> {target:g}%")
    head = ("dose", "DLT/n", "mean", "sd", f"{100 * ds.attrs['level']:.0f}% interval", *chances)
    rows = []
    for j, label in enumerate(names(ds, "dose")):
        v = {str(name): float(ds[name][j]) for name in ds.data_vars if ds[name].dims == ("dose",)}
        numbers = [bare(v[name]) for name in ("mean", "sd")]
        interval = f"{bare(v['lower'])} to {bare(v['upper'])}"
        probabilities = [bare(v[name]) for name in ("p_under", "p_target", "p_over", "p_above_target")]
        rows.append((label, f"{v['y']:.0f}/{v['n']:.0f}", *numbers, interval, *probabilities))
    where = f"DLT rate (%) at each dose{f', {when}' if when else ''}"
    chance = f"under, in or over the target interval, {low:g}% to {high:g}%, and above the target"
    return Table(f"{where}: posterior, and probability (%) that it is {chance}", head, tuple(rows), labels=True)


def _sensitivity(ds: xr.Dataset) -> Table:
    scales = ds["prior_scale"].to_numpy()
    head = ("dose", *(f"prior sd x {scale:g}" for scale in scales), "prior alone", "prior ESS")
    parts = ("mean", "lower", "upper")
    rows = []
    for j, label in enumerate(names(ds, "dose")):
        each = [*zip(*(ds[f"sensitivity_{v}"].to_numpy()[:, j] for v in parts), strict=True)]
        each.append(tuple(float(ds[f"prior_{v}"][j]) for v in parts))
        rows.append((label, *(with_interval(*values) for values in each), decimal(float(ds["prior_ess"][j]))))
    text = (
        "Sensitivity to the prior: mean DLT rate and interval (%), with the prior standard deviations halved and "
        "doubled; the prior alone, and its effective sample size: the patients that it is worth"
    )
    return Table(text, head, tuple(rows), labels=True)


def conflict(ds: xr.Dataset) -> list[Block]:
    """Say whether prior and data agree; nothing without data."""
    total, each = float(ds.attrs["prior_tail_total"]), ds["prior_tail"].to_numpy()
    if np.isnan(total):
        return []
    tails = [(float(p), label) for p, label in zip(each, names(ds, "dose"), strict=True) if not np.isnan(p)]
    low = min([total, *(p for p, _ in tails)]) < CONFLICT
    listing = ", ".join(f"{percent(p)} at {label}" for p, label in tails)
    text = (
        f"{'Prior and data disagree' if low else 'Prior and data do not disagree'}: before the trial the model gave as "
        "many DLTs or a number further out a two-sided probability of "
        f"{percent(total)} in total, and of {listing}. Below {percent(CONFLICT, 0)} would be called a conflict."
    )
    return [Paragraph(text, strong=low)]
