"""Analysis of the data of a trial, as a document: the posterior DLT rates, and what they owe to the prior."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from doseopt.display.labels import dose_labels, made_by, names
from doseopt.reports.render.document import Block, Caution, Document, Figure, Heading, Paragraph, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

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
        "Method": "quadrature, deterministic" if attrs["method"] == "quadrature" else sampled,
        "Sampling": attrs.get("diagnostics", ""),
        "Target interval": f"{100 * attrs['interval_low']:g}% to {100 * attrs['interval_high']:g}%; over: above it",
        "Actual doses": "used as given" if attrs["actual_doses"] else "",
        "Left out": attrs["left_out"],
        "Pending": f"{attrs['pending']}: not counted" if attrs["pending"] else "",
        "Made by": made_by(attrs),
    }
    said = [f'No data were given; this is a worked example, as if --outcomes "{worked}".'] if worked else []
    said += [f"Warning: {warning}." for warning in attrs["warnings"].split("\n") if warning]
    figures = (Figure.of(draw, *CAPTIONS[name], name) for name, draw in drawings.items())
    blocks = (*map(Caution, said), _posterior(ds), _sensitivity(ds), *_conflict(ds), *figures)
    return Document(str(attrs["title"]), facts, blocks)


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _posterior(ds: xr.Dataset) -> Table:
    target = f"{100 * ds.attrs['target']:g}%"
    head = ("dose", "n", "y", "mean", "sd", "90% interval", "under", "target", "over", f"> {target}")
    rows = []
    for j, label in enumerate(names(ds, "dose")):
        d = ds.isel(dose=j)
        interval = f"{_percent(d['lower'].item())} to {_percent(d['upper'].item())}"
        probabilities = [_percent(d[name].item()) for name in ("p_under", "p_target", "p_over", "p_above_target")]
        counts = [str(d["n"].item()), str(d["y"].item())]
        rows.append((label, *counts, _percent(d["mean"].item()), _percent(d["sd"].item()), interval, *probabilities))
    title = "Posterior DLT rate (%), and the posterior probability (%) that it is under, in or over the target interval"
    return Table(f"{title}, and above the target rate", head, tuple(rows), labels=True)


def _sensitivity(ds: xr.Dataset) -> Table:
    scales = ds["prior_scale"].to_numpy()
    head = ("dose", *(f"prior sd x {scale:g}" for scale in scales), "prior alone", "worth")
    rows = []
    for j, label in enumerate(names(ds, "dose")):
        cells = [
            f"{_percent(m)} ({_percent(low)}-{_percent(high)})"
            for m, low, high in zip(
                *(ds[f"sensitivity_{v}"].to_numpy()[:, j] for v in ("mean", "lower", "upper")), strict=True
            )
        ]
        prior = [ds[f"prior_{v}"].to_numpy()[j] for v in ("mean", "lower", "upper")]
        cells.append(f"{_percent(prior[0])} ({_percent(prior[1])}-{_percent(prior[2])})")
        rows.append((label, *cells, f"{ds['prior_ess'].to_numpy()[j]:.1f}"))
    title = (
        "Sensitivity to the prior: posterior mean (90% interval) in %, with the prior standard deviations halved and"
    )
    text = f"{title} doubled; the prior alone; and the patients that the prior is worth"
    return Table(text, head, tuple(rows), labels=True)


def _conflict(ds: xr.Dataset) -> list[Block]:
    """Say how surprising the data are to the prior."""
    total = float(ds.attrs["prior_tail_total"])
    if np.isnan(total):
        return []
    tail = ds["prior_tail"].to_numpy()
    tried = [j for j in range(len(tail)) if not np.isnan(tail[j])]
    each = ", ".join(f"{label} {tail[j]:.2f}" for j, label in enumerate(names(ds, "dose")) if j in tried)
    small = min([total, *(tail[j] for j in tried)]) < 0.05
    verdict = "Some of these are below 0.05: data and prior disagree." if small else "None is below 0.05."
    text = f"Two-sided prior-predictive tail probability of the number of DLTs: in all {total:.2f}; by dose {each}. "
    return [Heading("Prior and data"), Paragraph(text + verdict)]
