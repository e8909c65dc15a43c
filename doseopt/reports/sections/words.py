"""How a report says numbers, doses and decisions."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any

import numpy as np
import xarray as xr

from doseopt.amendment.dossier import Dossier
from doseopt.core.state import IntArray
from doseopt.core.text import counted
from doseopt.designs.unfinished import PENDING, seen
from doseopt.display.labels import reason_words
from doseopt.display.numbers import bare, decimal
from doseopt.display.panels import doses, grouped, panels
from doseopt.measures.expected import mean_of_known
from doseopt.measures.operating_characteristics import METRICS
from doseopt.reports.render.document import Block, Gap, Paragraph, Table
from doseopt.reports.sections.measures import LETTERS
from doseopt.scenarios.mtd_rule import planned_of
from doseopt.study.amendment import STATEMENTS


def dose_words(dossier: Dossier) -> tuple[list[str], str]:
    """Return the labels of the doses, and their unit."""
    labels, unit = doses(dossier.comparison)
    return labels, "" if unit == "dose level" else unit


def dose(dossier: Dossier, level: int) -> str:
    """Return what to call a dose level, counted from 1."""
    labels, unit = dose_words(dossier)
    return f"{labels[level - 1]} {unit}".strip() if unit else f"level {level} ({labels[level - 1]})"


def decided(dossier: Dossier, level: int, size: int, mtd: int, stop: str = "") -> str:
    """Say what a design does: the next cohort, or that it stops and what it declares."""
    if level:
        return f"{counted(size, 'patient')} at {dose(dossier, level)}"
    why = f" ({reason_words(stop)})" if stop else ""
    return f"stops{why}: {declared(dossier, mtd)}"


def declared(dossier: Dossier, mtd: int | None) -> str:
    """Say what a design declares when it stops: a dose level, counted from 1, or none."""
    return f"MTD {dose(dossier, mtd)}" if mtd else "no MTD"


def measured(at: xr.Dataset, *names: str) -> list[str]:
    """Return measures as a table says them: probabilities in percent, numbers of patients as they are."""
    return [sayer(name)(float(at[name])) for name in names]


def sayer(name: str) -> Callable[[float], str]:
    """Return what says a measure: `bare` of a probability, else `decimal`."""
    return bare if name in METRICS and METRICS[name].units == "1" else decimal


def gains(dossier: Dossier, values: xr.DataArray) -> xr.DataArray:
    """Return what the proposed designs have more than the registered one."""
    return values.sel(design=list(dossier.proposal.amended)) - values.sel(design=dossier.proposal.registered)


def undeclarable(dossier: Dossier, name: str) -> list[int]:
    """Return the dose levels (indices, planned ones) that a design cannot declare from where the trial stands."""
    at = dossier.amendment["now"].to_dataset()["selection"].sel(design=name)
    never = ~(at > 0).any("scenario").to_numpy()
    return [int(j) for j in planned_of(dossier.comparison) if never[j]]


def so_far(dossier: Dossier) -> str:
    """Say what has been seen."""
    patients = sum(len(c.letters) for c in dossier.cohorts)
    if not patients:
        return "before the first patient"
    dlts = sum(c.counts()[0] for c in map(seen, dossier.cohorts))
    pending = sum(c.letters.count(PENDING) for c in dossier.cohorts)
    waiting = f", {pending} of them pending" if pending else ""
    return f"after {counted(dlts, 'DLT')} in {counted(patients, 'patient')} ({dossier.outcomes}{waiting})"


def statements(dossier: Dossier) -> dict[str, str]:
    """Return what the investigators say, by the keys of `STATEMENTS`; of the DLT window, else what the clock says."""
    clock = dossier.study.clock
    by_clock = {} if clock is None else {"dlt_window": f"{clock.window:g} days, by the clock of the study file."}
    return by_clock | {key: text for key, text in dossier.proposal.statements.items() if text}


def statement(dossier: Dossier, key: str) -> Block:
    """Return what the investigators say of a point, or the gap where they have said nothing."""
    text = statements(dossier).get(key, "")
    what = STATEMENTS[key]
    return Paragraph(f"{what[0].upper()}{what[1:]}: {text}") if text else Gap(f"{what}.")


def columns(dossier: Dossier) -> list[tuple[str, IntArray]]:
    """Return the columns of tables by scenario: each scenario under a letter, or each true MTD where there are many.

    Returns
    -------
    list of (str, int array)
        What the column is called, and the positions of its scenarios.
    """
    ds = dossier.comparison
    if not grouped(ds):
        return [(LETTERS[s], np.array([s])) for s in range(ds.sizes["scenario"])]
    return [(panel.title, panel.rows) for panel in panels(ds)]


def by_scenario(dossier: Dossier, caption: str, values: xr.DataArray, show: Callable[[float], str] = bare) -> Table:
    """Return a table of one measure: a row a design, columns of `columns`, and the mean over all scenarios.

    Parameters
    ----------
    dossier : Dossier
    caption : str
    values : DataArray
        (design, scenario).
    show : callable
        Says a number.
    """
    shown = columns(dossier)
    rows = [
        (str(name), *(show(float(mean_of_known(row[at], 0))) for _, at in shown), show(float(mean_of_known(row, 0))))
        for name, row in zip(values[values.dims[0]].to_numpy(), values.to_numpy(), strict=True)
    ]
    return Table(caption, ("", *(head for head, _ in shown), "mean"), tuple(rows))


def shown_waiting(dossier: Dossier) -> str:
    """Say which designs decide while patients are pending, and are shown without that; empty if there are none."""
    which = str(dossier.amendment.attrs.get("followed_up", ""))
    return f" Here with every cohort followed up before the next decision: {which}." if which else ""


def followed_up(attrs: Mapping[Hashable, Any]) -> list[Paragraph]:
    """Say how an amendment shows designs whose trials depend on when patients come, and which it does not show."""
    which, fills, other = (str(attrs.get(name, "")) for name in ("followed_up", "not_backfilled", "not_asked"))
    filled = (
        f"Backfills lower doses: {fills}. What it does now counts those patients. From the data so far on, over "
        "beliefs and on the same patients it is shown without further ones. In the comparison of designs they are "
        "treated as they come by the study's clock, in simulated trials."
    )
    said = (
        f"Decides while patients are pending: {which}. What it does now is by their days of follow-up, where these are "
        "known. From the data so far on, over beliefs and on the same patients it is shown with every cohort followed "
        "up before the next decision. In the comparison of designs it decides as patients come by the study's clock: "
        "with its duration, and what not waiting gains."
    )
    absent = f"Without the designs that look at moderate toxicity or efficacy, too: {other}."
    return [Paragraph(text) for names, text in ((which, said), (fills, filled), (other, absent)) if names]
