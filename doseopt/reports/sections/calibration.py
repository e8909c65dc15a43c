"""Calibrations as a document: what was searched, what it changes, and what it trades."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import xarray as xr

from doseopt.display.labels import accuracy_words, listed, made_by
from doseopt.measures.operating_characteristics import METRICS
from doseopt.models.skeleton import model_sensitivity
from doseopt.plots.calibration import calibration_figure
from doseopt.reports.render.document import MARK, Block, Bullets, Document, Figure, Heading, Paragraph, Table

MOST_FRONT = 10
"""Rows of the trade-off front that are printed."""
TITLES = {
    "correct_selection": "correct",
    "overdose_selection": "overdose",
    "no_selection": "none",
    "sample_size": "patients",
    "total_dlts": "DLTs",
    "patients_above_mtd": "above MTD",
    "patients_below_mtd": "below MTD",
    "accuracy_index": "accuracy",
    "utility": "utility",
}
WHICH = {"default": "as it is", "calibrated": "calibrated"}


def calibration_document(datasets: Sequence[xr.Dataset]) -> Document:
    """Return calibrations as a document; of several, each under a heading of its own.

    Parameters
    ----------
    datasets : sequence of Dataset
        Of `doseopt.calibration`, for the same objective.
    """
    facts = [_facts(ds) for ds in datasets]
    shared = {name: text for name, text in facts[0].items() if all(each[name] == text for each in facts)}
    kinds = [f"{ds.attrs['design']} ({ds.attrs['kind']})" for ds in datasets]
    level = 1 if len(datasets) == 1 else 2
    blocks: list[Block] = []
    for ds, each, kind in zip(datasets, facts, kinds, strict=True):
        own = tuple(f"{name}: {text}" for name, text in each.items() if name not in shared)
        blocks += [Heading(kind)] * (level > 1) + [Bullets(own)] * bool(own)
        if ds.attrs["chosen"] < 0:
            blocks += [Heading("Result", level), _nothing(ds)]
        else:
            blocks += [*_parameters(ds, level), Heading("What it gains", level), _findings(ds)]
        blocks += [_comparison(ds), _front(ds)]
    caption = "The objective against overdose selection, each candidate a point"
    alt = "A panel for each design: the candidates, the line of those that none is better than, and what was chosen."
    figure = Figure.of(partial(calibration_figure, datasets), caption, alt, "calibration")
    return Document(f"Calibration of {listed(kinds)}", shared, (*blocks, figure))


def _facts(ds: xr.Dataset) -> dict[str, str]:
    """Return what stands above a calibration."""
    attrs = ds.attrs
    how = "in the worst scenario" if attrs["worst"] else "averaged over the belief"
    done = ds.sizes["candidate"]
    stopped = f"; interrupted, {attrs['wanted']} were wanted" if attrs["interrupted"] else ""
    ranges = zip(*(ds[v].to_numpy().tolist() for v in ("parameter", "low", "high")), strict=True)
    return {
        "Objective": f"{_meaning(attrs['objective'], attrs)}, {how}",
        "Limits": f"{attrs['limits']} (averages over the belief)" if attrs["limits"] else "none",
        "Belief": str(attrs["belief"]),
        "Averages": accuracy_words(_error(ds)) or "sums over its scenarios",
        "Held out": f"{attrs['held_out']}: another family, not used in the search",
        "Free": ", ".join(f"{name} {low:g} to {high:g}" for name, low, high in ranges),
        "Evaluated": f"{done} candidates exactly, in {attrs['seconds']:g} s (seed {attrs['seed']}){stopped}",
        "Definition": str(attrs["mtd_rule"]),
        "Made by": made_by(attrs),
    }


def _error(ds: xr.Dataset) -> float:
    """Return the largest error of an average under the belief, patients apart."""
    shares = [name for name in ds["measure"].to_numpy().tolist() if name == "utility" or METRICS[name].units == "1"]
    at = ds.sel(belief="belief", measure=shares)
    return float(np.fmax(at["compared_error"].max(), at["attainable_error"]))


def _meaning(name: str, attrs: dict[str, object]) -> str:
    return f"expected utility ({attrs['utility']})" if name == "utility" else METRICS[name].long_name


def _nothing(ds: xr.Dataset) -> Paragraph:
    """Say that no candidate keeps the limits, and how near the nearest comes."""
    at = int(ds["excess"].to_numpy().argmin())
    parts = [f"{name} {number:g}" for name, number in zip(*_row(ds, at), strict=True)]
    limited = [part.split(" at most ")[0] for part in str(ds.attrs["limits"]).split("; ")]
    came = ", ".join(f"{name} = {float(ds[name][at]):.4g}" for name in limited)
    nearest = f"The nearest ({', '.join(parts)}) has {came}"
    return Paragraph(f"No candidate keeps the limits. {nearest}. No study file is written.")


def _row(ds: xr.Dataset, candidate: int) -> tuple[list[str], list[float]]:
    return ds["parameter"].to_numpy().tolist(), ds["value"].to_numpy()[candidate].tolist()


def _parameters(ds: xr.Dataset, level: int) -> list[Block]:
    """Show the tuned parameters; of a CRM the skeletons too, and what they cannot tell apart."""
    text = ", ".join(f"{name} = {value:g}" for name, value in zip(*_row(ds, int(ds.attrs["chosen"])), strict=True))
    blocks: list[Block] = [Heading("Calibrated", level), Paragraph(text)]
    if "skeleton" not in ds:
        return blocks
    rows: list[tuple[str, ...]] = []
    model, intercept, target = ds.attrs["model"], ds.attrs["intercept"], ds.attrs["target"]
    for which in ds["which"].to_numpy().tolist():
        skeleton = ds["skeleton"].sel(which=which).to_numpy()
        rows.append((f"skeleton {WHICH[which]}", *(f"{s:.4f}" for s in skeleton)))
        found = model_sensitivity(skeleton.tolist(), target, model, intercept)
        ends = zip(found.lower, found.upper, strict=True)
        rows.append((f"indifferent {WHICH[which]}", *(f"{_end(low, 0)}-{_end(high, 1)}" for low, high in ends)))
    head = ("", *(f"dose {j + 1}" for j in range(ds.sizes["level"])))
    note = "Indifferent: rates of its neighbours inside may leave a dose recommended for good (R dfcrm: crmsens)."
    return [*blocks, Table("Skeletons", head, tuple(rows), notes=(note,))]


def _end(rate: float, otherwise: float) -> str:
    return f"{otherwise if np.isnan(rate) else rate:.2f}"


def _scaled(name: str, value: float) -> str:
    """Print probabilities and indices in percent, counts as they are."""
    percent = name == "utility" or METRICS[name].units == "1"
    return "-" if np.isnan(value) else f"{100 * value:.1f}" if percent else f"{value:.2f}"


def _findings(ds: xr.Dataset) -> Bullets:
    """Say in sentences how much the calibration gains, and how much of the gap to the attainable that is."""
    texts = []
    correct = ds["compared"].sel(measure="correct_selection")
    for belief in ds["belief"].to_numpy().tolist():
        before, after = (100 * float(correct.sel(which=which, belief=belief)) for which in WHICH)
        best = 100 * float(ds["attainable"].sel(belief=belief))
        where = "Under the belief" if belief == "belief" else "On the held-out curves"
        text = f"{where} it selects correctly in {after:.1f}%, as it is in {before:.1f}%"
        if not np.isnan(best) and best > before:
            share = 100 * (after - before) / (best - before)
            text += f"; {best:.1f}% is attainable with its cap, and {share:.0f}% of the gap is closed"
        texts.append(f"{text}.")
    if ds["attainable"].attrs.get("not_computed"):
        texts.append(f"What is attainable was not computed: {ds['attainable'].attrs['not_computed']}.")
    if ds.attrs["worst"]:
        score = ds["compared_score"].sel(belief="belief")
        first, then = (_scaled(ds.attrs["objective"], abs(float(score.sel(which=which)))) for which in WHICH)
        texts.append(f"In the worst scenario of the belief the objective is {then}, as it is {first}.")
    return Bullets(tuple(texts))


def _comparison(ds: xr.Dataset) -> Table:
    """Show the design as it is and calibrated, under both beliefs."""
    names = [name for name in ds["measure"].to_numpy().tolist() if name in TITLES]
    rows = []
    for belief in ds["belief"].to_numpy().tolist():
        for which in ds["which"].to_numpy().tolist():
            values = ds["compared"].sel(which=which, belief=belief)
            cells = [_scaled(name, float(values.sel(measure=name))) for name in names]
            rows.append((f"{belief}, {WHICH[which]}", *cells))
    caption = "Averages (selection and index in %; patients, DLTs, patients above and below the MTD expected)"
    return Table(caption, ("", *(TITLES[name] for name in names)), tuple(rows))


def _front(ds: xr.Dataset) -> Table:
    """Show the trade-off between the objective and overdose selection."""
    front = np.flatnonzero(ds["front"].to_numpy())
    front = front[np.argsort(ds["overdose_selection"].to_numpy()[front])]
    some = front[np.unique(np.linspace(0, len(front) - 1, MOST_FRONT).round().astype(int))].tolist()
    objective = str(ds.attrs["objective"])
    measures = (objective, "overdose_selection", "patients_above_mtd", "patients_below_mtd")
    head = (
        TITLES.get(objective, objective),
        "overdose",
        "above MTD",
        "below MTD",
        *ds["parameter"].to_numpy().tolist(),
    )
    rows = tuple(
        (*(_scaled(name, float(ds[name][at])) for name in measures), *(f"{v:g}" for v in _row(ds, at)[1]))
        for at in some
    )
    shown = f"{len(some)} of {len(front)}" if len(some) < len(front) else f"all {len(front)}"
    caption = f"Trade-off front ({shown}): no candidate is better in both; {MARK} chosen"
    marked = frozenset((k, 0) for k, at in enumerate(some) if at == ds.attrs["chosen"])
    return Table(caption, head, rows, texts=(), marked=marked)
