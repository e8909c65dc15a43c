"""Time: how long trials take at the study's pace, who is turned away, and how many are enrolled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from doseopt.comparison.calendar import with_calendar
from doseopt.core.state import FloatArray
from doseopt.display.labels import listed, names
from doseopt.display.simulated import error_of
from doseopt.plots.duration import duration_figure
from doseopt.plots.time_frontier import time_frontier_figure
from doseopt.reports.render.document import Block, Bullets, Figure, Heading, Paragraph, Table
from doseopt.reports.sections.calendar import calendar_blocks
from doseopt.reports.sections.not_waiting import pace_blocks
from doseopt.reports.sections.section import Section
from doseopt.reports.sections.window import window_blocks

if TYPE_CHECKING:
    from doseopt.amendment.dossier import Dossier

type Column = tuple[str, str, FloatArray, Callable[[float], str]]
"""Group, heading, one value a design, and how it is printed."""
BESIDE = (
    ("correct", "", "correct_selection"),
    ("correct", "waits", "correct_selection_if_waiting"),
    ("overdose", "", "overdose_selection"),
    ("overdose", "waits", "overdose_selection_if_waiting"),
    ("days", "", "duration"),
    ("days", "waits", "duration_if_waiting"),
)
"""Group, heading and variable of what stands beside the same with full follow-up: four probabilities, then days."""
FIGURES = {
    "selection_and_duration": (
        time_frontier_figure,
        "Correct and overdose selection against the expected duration.",
        "A point a design, in a panel for correct and one for overdose selection; the numbers stand in the tables.",
    ),
    "duration": (
        duration_figure,
        "Days until the last follow-up ends, by design and scenario",
        "A dot and two lines for each design in each scenario; the numbers stand in the table of times.",
    ),
}
"""What draws each figure, its caption, and what it shows for those who cannot see it."""
FEW_PENDING, SHORT = 1.0, 0.05
"""Patients pending at an arrival below which they seldom overlap, and share of the duration that is little to gain."""


def time_blocks(ds: xr.Dataset) -> list[Block]:
    """Show how long the designs of a comparison take, and how many they enrol; empty if the study does not say enough.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    """
    blocks: list[Block] = []
    if _known(ds, "duration"):
        known = _of_known(ds, "duration")
        figures = [Figure.of(partial(draw, known), text, alt, name) for name, (draw, text, alt) in FIGURES.items()]
        blocks += [
            Paragraph(f"{ds.attrs['clock']}. {ds.attrs['waits']} {_made(ds)}"),
            _durations(ds),
            *_pending(ds),
            *_by_pace(ds),
            *pace_blocks(ds),
            Bullets(tuple(pace(ds))),
            *figures,
            *calendar_blocks(ds),
        ]
    blocks += window_blocks(ds)
    if _known(ds, "enrolled_sd"):
        blocks.append(_enrolled(ds))
    return blocks


def with_heading(ds: xr.Dataset) -> list[Block]:
    """Return `time_blocks` under a heading, if there are any."""
    blocks = time_blocks(ds)
    return [Heading("Time and enrolment"), *blocks] if blocks else []


def _known(ds: xr.Dataset, name: str) -> bool:
    return name in ds and bool(ds[name].notnull().any())


def _made(ds: xr.Dataset) -> str:
    """Say whether the times are exact."""
    if "times_simulated" not in ds.attrs:
        return "Exact."
    how = f"simulated, since {ds.attrs['times_simulated']} ({_trials(ds)}"
    error = error_of(_of_known(ds, "duration"), "duration").max("scenario")
    most = f"standard error of a mean at most {float(error.max()):.1f} days"
    exact = [str(name) for name in error["design"].to_numpy()[error.to_numpy() == 0]]
    if len(exact) == error.size:
        return f"Means are exact; quantiles and probabilities are {how})."
    return f"Exact for {listed(exact)}, else {how}; {most})." if exact else f"S{how[1:]}; {most})."


def _trials(ds: xr.Dataset) -> str:
    """Say how many trials times are simulated by, and with which seed; by design where these differ."""
    drawn = zip(names(ds, "design"), ds["times_trials"].to_numpy(), ds["times_seed"].to_numpy(), strict=True)
    by_number: dict[tuple[int, int], list[str]] = {}
    for name, trials, seed in drawn:
        if not np.isnan(trials):
            by_number.setdefault((int(trials), int(seed)), []).append(name)
    alone = len(by_number) == 1
    each = [(trials, "a design" if alone else listed(of), seed) for (trials, seed), of in by_number.items()]
    return "; ".join(f"{trials:,} trials of {which} in a scenario, seed {seed}" for trials, which, seed in each)


def _of_known(ds: xr.Dataset, name: str) -> xr.Dataset:
    """Return the designs of which a variable is known."""
    return ds.isel(design=np.flatnonzero(ds[name].notnull().all("scenario").to_numpy()))


def _mean(ds: xr.Dataset, name: str, **at: float) -> FloatArray:
    """Return the mean over the scenarios, one number a design."""
    return np.asarray(ds[name].sel(at).mean("scenario", skipna=False).to_numpy())


def _whole(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.0f}"


def _tenth(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.1f}"


def _durations(ds: xr.Dataset) -> Table:
    """Return days and probabilities by design."""
    longest = ds["duration"].max("scenario", skipna=False).to_numpy()
    day = int(ds.attrs["registered_day"])
    columns: list[Column] = [
        ("decided", "mean", _mean(ds, "duration"), _whole),
        ("decided", "longest", longest, _whole),
        *_quantiles(ds, "decided", "duration_quantile", _whole),
        ("decided by", "1 y", 100 * _mean(ds, "done_by", day=365), _tenth),
        ("decided by", "2 y", 100 * _mean(ds, "done_by", day=730), _tenth),
        ("completed", "mean" if day > 0 else "on average", _mean(ds, "completion"), _whole),
        *([("completed", f"by {day}", 100 * _mean(ds, "completed_by", day=day), _tenth)] if day > 0 else []),
        ("closed", "days", _mean(ds, "closed_days"), _whole),
        ("closed", "lost", _mean(ds, "turned_away"), _tenth),
    ]
    title = "Time in days and % of trials, mean over the scenarios; longest: the scenario where a trial takes longest"
    notes = ["Decided: the last cohort; completed: the last follow-up. Closed: days without enrolment, patients lost"]
    if _known(ds, "backfilled"):
        columns.append(("patients", "backfilled", _mean(ds, "backfilled"), _tenth))
    notes += [f"Day {day} is the registered completion, {ds.attrs['registered_completion']}"] if day > 0 else []
    return _table(ds, title, columns, tuple(notes))


def _pending(ds: xr.Dataset) -> list[Block]:
    """Return what is decided while patients are pending, and what waiting for them would cost and save."""
    if not _known(ds, "correct_selection_if_waiting"):
        return []
    ds = _of_known(ds, "correct_selection_if_waiting")
    percent: list[tuple[str, str, FloatArray]] = [
        ("decisions", "pending", _mean(ds, "decided_while_pending")),
        ("early", "up", _mean(ds, "escalated_before_dlt")),
        *((group, head, _mean(ds, name)) for group, head, name in BESIDE[:4]),
    ]
    columns: list[Column] = [(group, head, 100 * value, _tenth) for group, head, value in percent]
    columns.insert(1, ("decisions", "patients", _mean(ds, "pending_at_decision"), _tenth))
    columns.append(("patients", "<MTD", np.asarray(ds["patients_below_mtd"].mean("scenario").to_numpy()), _tenth))
    columns += [(group, head, _mean(ds, name), _whole) for group, head, name in BESIDE[4:]]
    title = "Decisions on pending patients, in % of decisions and of trials, mean over the scenarios; and if all waited"
    notes = (
        "Pending: decisions while a patient is; patients: how many then. Early up: a dose is escalated from while a "
        "patient is pending there who is to have a DLT. Waits: the same design, every cohort followed up. <MTD: "
        "patients below the MTD, where a dose is right",
    )
    return [_table(ds, title, columns, notes)]


def _by_pace(ds: xr.Dataset) -> list[Block]:
    """Return the completion by pace, if the study names other paces."""
    if "pace" not in ds.dims:
        return []
    day, paces = int(ds.attrs["registered_day"]), ds["pace"].to_numpy().tolist()
    columns: list[Column] = [
        ("mean days", f"{pace:.3g}", _mean(ds, "completion_at_pace", pace=pace), _whole) for pace in paces
    ]
    if day > 0:
        of = "completed_by_at_pace"
        columns += [(f"by day {day}", f"{pace:.3g}", 100 * _mean(ds, of, pace=pace, day=day), _tenth) for pace in paces]
    return [_table(ds, "Completion by patients a month: days and % of trials, mean over the scenarios", columns, ())]


def _quantiles(ds: xr.Dataset, group: str, name: str, show: Callable[[float], str]) -> list[Column]:
    return [(group, f"{100 * q:g}%", _mean(ds, name, time_quantile=q), show) for q in (0.1, 0.5, 0.9)]


def _enrolled(ds: xr.Dataset) -> Table:
    """Return the number enrolled by design."""
    columns: list[Column] = [
        ("enrolled", "mean", _mean(ds, "enrolled"), _tenth),
        ("enrolled", "sd", _mean(ds, "enrolled_sd"), _tenth),
        *_quantiles(ds, "enrolled", "enrolled_quantile", _tenth),
        ("enrolled", ">plan", 100 * _mean(ds, "more_than_planned"), _tenth),
    ]
    title = (
        "Patients enrolled, those not evaluable included, and % of trials with more than planned; mean over scenarios"
    )
    return _table(ds, title, columns, ())


def _table(ds: xr.Dataset, title: str, columns: list[Column], notes: tuple[str, ...]) -> Table:
    spans: dict[str, int] = {}
    for group, *_ in columns:
        spans[group] = spans.get(group, 0) + 1
    rows = [(name, *(show(value[d]) for _, _, value, show in columns)) for d, name in enumerate(names(ds, "design"))]
    head = ("", *(text for _, text, _, _ in columns))
    return Table(title, head, tuple(rows), labels=True, groups=tuple(spans.items()), notes=notes)


def pace(ds: xr.Dataset) -> list[str]:
    """Say what the pace implies: who is pending when a patient arrives, and what deciding on them could gain."""
    known = _of_known(ds, "delay")
    pending, window = (float(ds.attrs[name]) for name in ("pending_at_arrival", "window"))
    come = ds.attrs.get("arrivals_per_window")
    found = (
        ("" if come is None else f"{float(come):.2g} patients arrive in a window of {window:g} days. ")
        + "If enrolment never closed, the number of others whose window is still running when a patient arrives "
        f"would be {pending:.2g} on average."
    )
    if not known.sizes["design"]:
        return [found]
    delay, days = _mean(known, "delay"), _mean(known, "duration")
    most = int((delay / days).argmax())
    little = "can gain at this pace"
    if delay[most] < SHORT * days[most]:
        little = "gains little at this pace"
    elif pending < FEW_PENDING:
        little = "gains some time at this pace, though patients seldom overlap"
    gain = (
        f"A design that decides while patients are pending {little}: that enrolment closes delays the last patient by "
        f"{delay[most]:.0f} of {days[most]:.0f} days, {100 * delay[most] / days[most]:.0f}%, at the most "
        f"({names(known, 'design')[most]}), and with as many patients none saves more."
    )
    return [found, gain]


def summary_sentences(ds: xr.Dataset, designs: Sequence[str]) -> list[str]:
    """Say how long trials take, for a first page; nothing without a clock.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    designs : sequence of str
    """
    known = ds["duration"].notnull().all("scenario") if _known(ds, "duration") else None
    told = [] if known is None else [name for name in designs if bool(known.sel(design=name))]
    if not told:
        return []
    at, day = ds.sel(design=told), int(ds.attrs["registered_day"])
    days = [f"{value:.0f} days with {name}" for name, value in zip(told, _mean(at, "completion"), strict=True)]
    if day > 0:
        by = 100 * _mean(at, "completed_by", day=day)
        days = [f"{text} (by the registered date in {p:.0f}% of trials)" for text, p in zip(days, by, strict=True)]
    found = (
        "From the start of enrolment to the end of the last follow-up, on average over the scenarios at the stated "
        f"pace: {listed(days)}."
    )
    if "pace" in ds.dims:
        for pace in ds["pace"].to_numpy().tolist():
            mean = _mean(at, "completion_at_pace", pace=pace)
            if np.allclose(mean, _mean(at, "completion")):  # the stated one
                continue
            each = listed([f"{value:.0f} days with {name}" for name, value in zip(told, mean, strict=True)])
            found += f" At {pace:.3g} patients a month {each}."
    return [found]


def _of_dossier(dossier: Dossier) -> list[Block]:
    """Show the times of the designs compared, and one trial where the study has a design that does not wait."""
    ds = dossier.comparison
    blocks = time_blocks(ds)
    if not blocks or "calendar_came" in ds:
        return blocks
    return [*blocks, *calendar_blocks(with_calendar(dossier.study, ds))]


TIME = Section("How long it takes", _of_dossier)
"""Empty for a study without a clock and without patients who are replaced."""
