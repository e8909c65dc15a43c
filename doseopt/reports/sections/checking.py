"""Checks of the model that DLT rates are judged by, as a section."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from doseopt.core.text import counted
from doseopt.display.labels import dose_labels, names
from doseopt.display.numbers import bare, decimal, percent
from doseopt.reports.render.document import Block, Caution, Figure, Heading, Paragraph, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

SURPRISING = 0.05
"""Posterior predictive probabilities below this are called surprising."""
SENSITIVE = 0.05
"""Power-scaling sensitivities from this on are named."""
FEW, NEAR = 100, 4.0
"""Patients, and elpd between models, below which leave-one-out cannot tell models apart whatever its standard error."""
FIRST = (
    "Prior predictive probability of each number of DLTs in the first cohort of 3, were it treated at the dose.",
    "Bars of the probabilities of no, one, two and three DLTs, for each dose; the numbers stand in the table.",
)


def checks(ds: xr.Dataset, draw: Callable[[], Drawing]) -> list[Block]:
    """Show the checks of a model.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.conduct.checking.check_model`.
    draw : callable
        Draws what the prior expects of the first cohort.
    """
    blocks = [*_believed(ds), Figure.of(draw, *FIRST, "first_cohort"), *_again(ds), *_sensitivity(ds), *_compared(ds)]
    who = ds.attrs.get("in_part", "")
    whole = [Paragraph(f"These checks take the patients who count in whole, and leave out {who}.")] if who else []
    return [Heading("Checks of the model"), *whole, *blocks, *_monte_carlo(ds)]


def _believed(ds: xr.Dataset) -> list[Block]:
    chance = ds["first_cohort"].transpose("dose", "dlts").to_numpy()
    labels, unit = dose_labels(ds)
    size = chance.shape[1] - 1
    low, high = (
        f"no DLT with {percent(row[0])} and two or more with {percent(row[2:].sum())}"
        for row in (chance[0], chance[-1])
    )
    each = f"{labels[0]} {unit}".strip()
    text = f"Before any patient the model expects of the first {size}, treated at {each}, {low}"
    text += f"; were they treated at {f'{labels[-1]} {unit}'.strip()}, {high}." if len(labels) > 1 else "."
    rows = tuple((label, *map(bare, row)) for label, row in zip(names(ds, "dose"), chance, strict=True))
    head = ("dose", *(counted(k, "DLT") for k in range(size + 1)))
    return [
        Paragraph(text),
        Table(f"What the prior expects of the first cohort of {size} (%)", head, rows, labels=True),
    ]


def _again(ds: xr.Dataset) -> list[Block]:
    tail = ds["again_tail"].to_numpy()
    if np.isnan(tail).all():
        return []
    seen = zip(names(ds, "given"), ds["again_y"].to_numpy(), ds["again_n"].to_numpy(), tail, strict=True)
    rows = [(label, y, n, p) for label, y, n, p in seen if not np.isnan(p)]
    odd = [label for label, _, _, p in rows if p < SURPRISING]
    told = f"surprising at {', '.join(odd)}: the model does not fit there" if odd else "surprising at no dose"
    each = ", ".join(f"{percent(p)} at {label} ({y} of {n})" for label, y, n, p in rows)
    text = (
        "Posterior predictive check: after these data the model gives as many DLTs again, or a number further out, a "
        f"two-sided probability of {each}; {told}. The data were used twice, so that only small values mean something."
    )
    return [Paragraph(text, strong=bool(odd))]


def _sensitivity(ds: xr.Dataset) -> list[Block]:
    prior, data = ds["prior_sensitivity"].to_numpy(), ds["data_sensitivity"].to_numpy()
    rows = []
    for label, p, d in zip(names(ds, "dose"), prior, data, strict=True):
        if np.isnan(p):
            said = "not known for this prior"
        elif p < SENSITIVE:
            said = "the prior matters little"
        else:
            said = "prior and data both matter" if d >= SENSITIVE else "the prior outweighs the data"
        rows.append((label, decimal(p, 3), decimal(d, 3), said))
    note = (
        "Of small powers of the prior and of the likelihood, exactly and not from draws: how far the posterior of the "
        f"rate moves, for each doubling. From {SENSITIVE:g} on it is worth a look (Kallioinen and others 2024); "
        "where both are, prior and data may disagree."
    )
    caption = "Power-scaling sensitivity of the DLT rate at each dose"
    return [Table(caption, ("dose", "prior", "data", ""), tuple(rows), texts=(0, -1), labels=True, notes=(note,))]


def _compared(ds: xr.Dataset) -> list[Block]:
    count, kinds = int(ds.attrs["patients"]), names(ds, "model")
    if not count:
        return []
    columns = ("elpd", "elpd_se", "elpd_difference", "elpd_difference_se", "log_marginal")
    values = np.stack([ds[name].to_numpy() for name in columns], axis=1)
    rows = tuple((kind, *(decimal(v, 2) for v in row)) for kind, row in zip(kinds, values, strict=True))
    best = kinds[int(values[:, 0].argmax())]
    apart = values[:, 2]
    unsure = [k for k, gap in zip(kinds, apart, strict=True) if k != best and (count < FEW or gap > -NEAR)]
    text = f"Each patient predicted from all others, exactly: {best} does so best. " + (
        f"With {counted(count, 'patient')} this does not tell it from {', '.join(unsure)}: standard errors of "
        f"so few are too small, and differences below {NEAR:g} or from fewer than {FEW} observations say little "
        "(Sivula and others 2020). Choose the model for reasons, not by this table."
        if unsure
        else ""
    )
    head = ("model", "elpd", "se", "difference", "its se", "log evidence")
    caption = "Models compared: expected log predictive density (elpd), leaving out each patient"
    return [Table(caption, head, rows, labels=True), Paragraph(text)]


def _monte_carlo(ds: xr.Dataset) -> list[Block]:
    calibrated = Paragraph(
        "Whether the code that samples a model is right is another question: simulation-based calibration answers it, "
        "and stands in the source, tests/slow/sbc_results.json."
    )
    if "over_mcse" not in ds:
        exact = (
            "The probabilities are computed by quadrature and have no Monte Carlo error: no decision hangs on draws."
        )
        return [Paragraph(exact), calibrated]
    limit, rows, close = 100 * ds.attrs["limit"], [], []
    found = (ds[name].to_numpy() for name in ("over_mcse", "over_distance", "draws_needed"))
    for label, error, distance, needed in zip(names(ds, "dose"), *found, strict=True):
        rows.append(
            (label, decimal(100 * error, 2), f"{distance:+.1f}", f"{needed:.0f}" if np.isfinite(needed) else "-")
        )
        if abs(distance) < 2:
            close.append(f"{label} (needs about {needed:,.0f} draws)" if np.isfinite(needed) else label)
    caption = f"Monte Carlo error of a decision: is the probability of overdosing below {limit:g}%?"
    head = ("dose", "error (%)", "errors from the limit", "draws needed")
    said: list[Block] = [Table(caption, head, tuple(rows), labels=True), Paragraph(str(ds.attrs["diagnostics"]))]
    if close:
        said.append(
            Caution(f"These draws do not tell the probability of overdosing from {limit:g}% at {', '.join(close)}.")
        )
    return [*said, calibrated]
