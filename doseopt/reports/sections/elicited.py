"""Elicited prior, as a document: stated and fitted quantiles, what the prior believes, and what if it is wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
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
    return [Heading("If the prior is wrong"), Paragraph(text), *tables, *_operating(ds)]


def _operating(ds: xr.Dataset) -> list[Block]:
    """Say how the design that decides by the prior fares where the truth departs from it."""
    if "truth" not in ds.dims:
        return [Paragraph(f"No operating characteristics: {ds.attrs['no_operating_characteristics']}")]
    kinds, truths = names(ds, "prior"), names(ds, "truth")
    shown = {"correct_selection": "right", "overdose_selection": "over", "no_selection": "none"}
    further = {"patients_above_mtd": "above", "total_dlts": "DLTs"}
    parts: list[tuple[FloatArray, Callable[[float], str]]] = [
        (ds[name].transpose("truth", "prior").to_numpy(), bare) for name in shown
    ]
    parts += [(ds[name].transpose("truth", "prior").to_numpy(), decimal) for name in further]
    rows = tuple(
        (truth, *(write(values[t, k]) for k in range(len(kinds)) for values, write in parts))
        for t, truth in enumerate(truths)
    )
    model = "BLRM" if ds.attrs["model"] == "blrm" else "CRM"
    size = ds.attrs["most_patients"]
    caption = f"{model} with either prior, {size} patients in cohorts of 3, by what the DLT rates are in truth"
    groups = tuple((f"{kind} prior", len(parts)) for kind in kinds)
    rates = "; ".join(
        f"{truth}: {', '.join(percent(p) for p in row)}"
        for truth, row in zip(truths, ds["truth_p_dlt"].transpose("truth", "dose").to_numpy(), strict=True)
    )
    selections = (
        "Exact. Selection of a right dose, of one above it and of none (%); patients above it and DLTs, expected."
    )
    notes = (selections, f"DLT rates {rates}.")
    head = ("DLT rates", *(*shown.values(), *further.values()) * len(kinds))
    return [Table(caption, head, rows, labels=True, groups=groups, notes=notes), _price(ds)]


def _price(ds: xr.Dataset) -> Paragraph:
    """Say what the prior costs if it is too hopeful, and gains if it is right."""
    (right, weak_right), (wrong, weak_wrong) = (
        ds["correct_selection"].transpose("truth", "prior").to_numpy()[t] for t in (0, 1)
    )
    over, weak_over = ds["overdose_selection"].transpose("truth", "prior").to_numpy()[1]
    return Paragraph(
        f"If the prior is right the design selects correctly in {percent(right)}, with the weak prior in "
        f"{percent(weak_right)}; if the rates are as high as its 95% quantiles in {percent(wrong)} against "
        f"{percent(weak_wrong)}, and a dose too high in {percent(over)} against {percent(weak_over)}."
    )
