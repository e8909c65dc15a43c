"""A calibration as text: what was searched, what it changes, and what it trades."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # ships no types
import xarray as xr
from rich.console import Console
from rich.text import Text

from doseopt.display.labels import accuracy_words
from doseopt.measures.operating_characteristics import METRICS
from doseopt.models.skeleton import model_sensitivity
from doseopt.reports.render.layout import MARK, grid, heading, page_width, paragraph

WIDTH = 100
MOST_FRONT = 10
"""Rows of the trade-off front that are printed."""
TITLES = {
    "correct_selection": "correct",
    "overdose_selection": "overdose",
    "no_selection": "none",
    "sample_size": "patients",
    "total_dlts": "DLTs",
    "patients_above_mtd": "above MTD",
    "accuracy_index": "accuracy",
    "utility": "utility",
}
WHICH = {"default": "as it is", "calibrated": "calibrated"}


def print_calibration(ds: xr.Dataset, console: Console) -> None:
    """Print a calibration, 100 columns wide or as wide as a narrower terminal."""
    width = page_width(console)
    console.print(calibration_text(ds, width), soft_wrap=True)


def calibration_text(ds: xr.Dataset, width: int = WIDTH) -> Text:
    """Return a calibration as text.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.calibration`.
    width : int
        Columns that no line exceeds.
    """
    attrs = ds.attrs
    lines = paragraph(f"Calibration of {attrs['design']} ({attrs['kind']})", width, style="bold")
    how = "in the worst scenario" if attrs["worst"] else "averaged over the belief"
    done = ds.sizes["candidate"]
    stopped = f"; interrupted, {attrs['wanted']} were wanted" if attrs["interrupted"] else ""
    rows = {
        "Objective": f"{_meaning(attrs['objective'], attrs)}, {how}",
        "Limits": f"{attrs['limits']} (averages over the belief)" if attrs["limits"] else "none",
        "Belief": attrs["belief"],
        "Averages": accuracy_words(_error(ds)) or "sums over its scenarios",
        "Held out": f"{attrs['held_out']}: another family, not used in the search",
        "Free": ", ".join(
            f"{name} {low:g} to {high:g}"
            for name, low, high in zip(*(ds[v].to_numpy().tolist() for v in ("parameter", "low", "high")), strict=True)
        ),
        "Evaluated": f"{done} candidates exactly, in {attrs['seconds']:g} s (seed {attrs['seed']}){stopped}",
        "Definition": attrs["mtd_rule"],
        "Made by": f"doseopt {attrs['version']}, study {attrs['study']} (hash {attrs['study_hash']})",
    }
    margin = max(map(len, rows)) + 2
    for name, text in rows.items():
        lines += paragraph(str(text), width, " " * margin, name.ljust(margin))
    if attrs["chosen"] < 0:
        lines += _nothing(ds, width)
    else:
        lines += [*_parameters(ds, width), *_findings(ds, width)]
    return Text("\n").join([*lines, *_comparison(ds, width), *_front(ds, width)])


def _error(ds: xr.Dataset) -> float:
    """Return the largest error of an average under the belief, patients apart."""
    shares = [name for name in ds["measure"].to_numpy().tolist() if name == "utility" or METRICS[name].units == "1"]
    at = ds.sel(belief="belief", measure=shares)
    return float(np.fmax(at["compared_error"].max(), at["attainable_error"]))


def _meaning(name: str, attrs: dict[str, object]) -> str:
    return f"expected utility ({attrs['utility']})" if name == "utility" else METRICS[name].long_name


def _nothing(ds: xr.Dataset, width: int) -> list[Text]:
    """Say that no candidate keeps the limits, and how near the nearest comes."""
    at = int(ds["excess"].to_numpy().argmin())
    parts = [f"{name} {number:g}" for name, number in zip(*_row(ds, at), strict=True)]
    limited = [part.split(" at most ")[0] for part in str(ds.attrs["limits"]).split("; ")]
    came = ", ".join(f"{name} = {float(ds[name][at]):.4g}" for name in limited)
    text = f"No candidate keeps the limits. The nearest ({', '.join(parts)}) has {came}. No study file is written."
    return [*heading("Result", width), *paragraph(text, width)]


def _row(ds: xr.Dataset, candidate: int) -> tuple[list[str], list[float]]:
    return ds["parameter"].to_numpy().tolist(), ds["value"].to_numpy()[candidate].tolist()


def _parameters(ds: xr.Dataset, width: int) -> list[Text]:
    names, values = _row(ds, int(ds.attrs["chosen"]))
    text = ", ".join(f"{name} = {value:g}" for name, value in zip(names, values, strict=True))
    return [*heading("Calibrated", width), *paragraph(text, width), *_skeletons(ds, width)]


def _skeletons(ds: xr.Dataset, width: int) -> list[Text]:
    """Show the skeletons of a CRM and what they cannot tell apart."""
    if "skeleton" not in ds:
        return []
    head = ["", *(f"dose {j + 1}" for j in range(ds.sizes["level"]))]
    body = []
    model, intercept, target = ds.attrs["model"], ds.attrs["intercept"], ds.attrs["target"]
    for which in ds["which"].to_numpy().tolist():
        skeleton = ds["skeleton"].sel(which=which).to_numpy()
        body.append([f"skeleton {WHICH[which]}", *(f"{s:.4f}" for s in skeleton)])
        found = model_sensitivity(skeleton.tolist(), target, model, intercept)
        ends = zip(found.lower, found.upper, strict=True)
        body.append(["  indifferent", *(f"{_end(low, 0)}-{_end(high, 1)}" for low, high in ends)])
    note = "Indifferent: rates of its neighbours inside may leave a dose recommended for good (R dfcrm: crmsens)."
    return [Text(""), *grid(head, body, width=width), *paragraph(note, width)]


def _end(rate: float, otherwise: float) -> str:
    return f"{otherwise if np.isnan(rate) else rate:.2f}"


def _scaled(name: str, value: float) -> str:
    """Print probabilities and indices in percent, counts as they are."""
    percent = name == "utility" or METRICS[name].units == "1"
    return "-" if np.isnan(value) else f"{100 * value:.1f}" if percent else f"{value:.2f}"


def _findings(ds: xr.Dataset, width: int) -> list[Text]:
    """Say in sentences how much the calibration gains, and how much of the gap to the attainable that is."""
    lines = []
    correct = ds["compared"].sel(measure="correct_selection")
    for belief in ds["belief"].to_numpy().tolist():
        before, after = (100 * float(correct.sel(which=which, belief=belief)) for which in ("default", "calibrated"))
        best = 100 * float(ds["attainable"].sel(belief=belief))
        where = "Under the belief" if belief == "belief" else "On the held-out curves"
        text = f"{where} it selects correctly in {after:.1f}%, as it is in {before:.1f}%"
        if not np.isnan(best) and best > before:
            share = 100 * (after - before) / (best - before)
            text += f"; {best:.1f}% is attainable with its cap, and {share:.0f}% of the gap is closed"
        lines += paragraph(f"{text}.", width, "  ", "- ")
    if ds["attainable"].attrs.get("not_computed"):
        text = f"What is attainable was not computed: {ds['attainable'].attrs['not_computed']}."
        lines += paragraph(text, width, "  ", "- ")
    if ds.attrs["worst"]:
        score = ds["compared_score"].sel(belief="belief")
        ends = [_scaled(ds.attrs["objective"], abs(float(score.sel(which=w)))) for w in ("default", "calibrated")]
        text = f"In the worst scenario of the belief the objective is {ends[1]}, as it is {ends[0]}."
        lines += paragraph(text, width, "  ", "- ")
    return [*heading("What it gains", width), *lines]


def _comparison(ds: xr.Dataset, width: int) -> list[Text]:
    """Show the design as it is and calibrated, under both beliefs."""
    names = [name for name in ds["measure"].to_numpy().tolist() if name in TITLES]
    body = []
    for belief in ds["belief"].to_numpy().tolist():
        for which in ds["which"].to_numpy().tolist():
            values = ds["compared"].sel(which=which, belief=belief)
            cells = [_scaled(name, float(values.sel(measure=name))) for name in names]
            body.append([f"{belief}, {WHICH[which]}", *cells])
    title = "Averages (selection and index in %; patients, DLTs and patients above the MTD expected)"
    return [*heading(title, width), *grid(["", *(TITLES[name] for name in names)], body, width=width)]


def _front(ds: xr.Dataset, width: int) -> list[Text]:
    """Show the trade-off between the objective and overdose selection."""
    front = np.flatnonzero(ds["front"].to_numpy())
    front = front[np.argsort(ds["overdose_selection"].to_numpy()[front])]
    some = front[np.unique(np.linspace(0, len(front) - 1, MOST_FRONT).round().astype(int))]
    objective = str(ds.attrs["objective"])
    head = [TITLES.get(objective, objective), "overdose", "above MTD", *ds["parameter"].to_numpy().tolist()]
    body, marked = [], set()
    for k, at in enumerate(some.tolist()):
        mark = MARK if at == ds.attrs["chosen"] else ""
        marked |= {(k, 0)} if mark else set()
        cells = [_scaled(name, float(ds[name][at])) for name in ("overdose_selection", "patients_above_mtd")]
        body.append([_scaled(objective, float(ds[objective][at])) + mark, *cells, *(f"{v:g}" for v in _row(ds, at)[1])])
    shown = f"{len(some)} of {len(front)}" if len(some) < len(front) else f"all {len(front)}"
    title = f"Trade-off front ({shown}): no candidate is better in both; {MARK} chosen"
    return [*heading(title, width), *grid(head, body, marked, left=0, width=width)]


def candidates_frame(datasets: Sequence[xr.Dataset]) -> pd.DataFrame:
    """Return every candidate of several calibrations, one a row."""
    parts = []
    for ds in datasets:
        values = pd.DataFrame(ds["value"].to_numpy(), columns=ds["parameter"].to_numpy())
        measures = {str(name): ds[name].to_numpy() for name in ds.data_vars if ds[name].dims == ("candidate",)}
        parts.append(pd.concat([pd.Series([ds.attrs["design"]] * len(values), name="design"), values], axis=1))
        parts[-1] = parts[-1].assign(**measures, chosen=np.arange(len(values)) == ds.attrs["chosen"])
    return pd.concat(parts, ignore_index=True)
