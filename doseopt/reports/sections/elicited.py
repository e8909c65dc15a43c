"""Elicited prior, as a document: stated and fitted quantiles, what the prior believes, and what if it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from doseopt.core.text import counted
from doseopt.display.labels import made_by, names
from doseopt.display.numbers import bare, decimal, percent
from doseopt.reports.render.document import Block, Caution, Document, Figure, Heading, Paragraph, Table
from doseopt.reports.sections.checking import FIRST

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

FAR = 0.05
"""Distance from a stated quantile that is called a misfit."""


def elicited_document(ds: xr.Dataset, line: str, draw: Callable[[], Drawing]) -> Document:
    """Return an elicited prior as a document.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.conduct.elicited.elicit`.
    line : str
        The prior as a study file has it.
    draw : callable
        Draws what the prior expects of the first cohort.
    """
    attrs = ds.attrs
    facts = {"Prior": attrs["prior_in_words"], "Made by": made_by(attrs)}
    blocks = [*_fit(ds), Paragraph(f"In a study file: {line}"), *_believed(ds)]
    blocks += [Figure.of(draw, *FIRST, "first_cohort"), *_if_wrong(ds)]
    return Document(f"Elicited prior: {attrs['title']}", facts, tuple(blocks))


def _fit(ds: xr.Dataset) -> list[Block]:
    stated, fitted = (ds[name].transpose("stated_dose", "level").to_numpy() for name in ("stated", "fitted"))
    doses = names(ds, "stated_dose")
    rows = tuple(
        (dose, *(cell for pair in zip(s, f, strict=True) for cell in map(bare, pair)))
        for dose, s, f in zip(doses, stated, fitted, strict=True)
    )
    groups = tuple((title, 2) for title in ("5% quantile", "median", "95% quantile"))
    caption = "Quantiles of the DLT rate (%): stated, and of the prior (least squares on the logits)"
    table = Table(caption, ("dose", *("stated", "prior") * 3), rows, labels=True, groups=groups)
    off = np.abs(fitted - stated)
    j, k = np.unravel_index(off.argmax(), off.shape)
    pair = f"{percent(float(stated[j, k]))} stated and {percent(float(fitted[j, k]))} fitted"
    far = f"the {groups[k][0]} at {doses[j]}, {pair}"
    if off.max() <= FAR:
        return [table, Paragraph(f"The prior is nowhere further from what is stated than at {far}.")]
    text = (
        f"No prior of this model has the stated quantiles: it is furthest off at {far}. Ask again, or choose another "
        "model; a prior that nobody stated should not be used."
    )
    return [table, Caution(text)]


def _believed(ds: xr.Dataset) -> list[Block]:
    chance = ds["first_cohort"].transpose("dose", "dlts").to_numpy()
    size = chance.shape[1] - 1
    columns = (ds[name].to_numpy() for name in ("prior_mean", "prior_sd", "prior_ess"))
    rows = tuple(
        (dose, *map(bare, row), bare(mean), bare(sd), decimal(worth))
        for dose, row, mean, sd, worth in zip(names(ds, "dose"), chance, *columns, strict=True)
    )
    head = ("dose", *(counted(k, "DLT") for k in range(size + 1)), "mean", "sd", "ESS")
    note = (
        "ESS: the patients that the prior is worth, a + b of the beta distribution of its mean m and variance v, "
        "m(1-m)/v - 1 (moment matching; Neuenschwander, Weber, Schmidli, O'Hagan 2020, Biometrics 76:578)."
    )
    caption = f"What the prior believes: DLTs in the first cohort of {size} (%), mean and sd of the DLT rate (%)"
    return [Table(caption, head, rows, labels=True, notes=(note,))]


def _if_wrong(ds: xr.Dataset) -> list[Block]:
    doses, kinds = names(ds, "dose"), names(ds, "prior")
    high = 100 * ds.attrs["interval_high"]
    tables = []
    for name, what in (("mean", "posterior mean of the DLT rate (%)"), ("over", f"Pr(DLT rate > {high:g}%) (%)")):
        values = ds[name].transpose("case", "prior", "dose").to_numpy()
        rows = tuple(
            (case, *(bare(p) for p in row.ravel())) for case, row in zip(names(ds, "case"), values, strict=True)
        )
        groups = tuple((f"{kind} prior", len(doses)) for kind in kinds)
        caption = f"After typical first cohorts: {what}, with the elicited prior and with a weak one"
        tables.append(Table(caption, ("DLTs", *doses * len(kinds)), rows, labels=True, groups=groups))
    over = ds["over"].transpose("case", "prior", "dose").to_numpy()[0, :, 0]
    text = (
        f"If the prior is too hopeful: after {names(ds, 'case')[0]} it gives overdosing there "
        f"{percent(over[0])}, the weak prior {percent(over[1])}. The weak prior: {ds.attrs['weak_in_words']}."
    )
    return [Heading("If the prior is wrong"), Paragraph(text), *tables]
