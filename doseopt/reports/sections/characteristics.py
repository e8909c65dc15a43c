"""Operating characteristics: from the start of the trial, and from the data so far on."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from doseopt.amendment.dossier import Dossier
from doseopt.display.labels import listed, reason_words
from doseopt.display.numbers import bare, decimal, percent, points, signed
from doseopt.measures.expected import mean_of_known
from doseopt.measures.operating_characteristics import METRICS
from doseopt.plots.amendment import conditional_figure
from doseopt.plots.scenarios import scenario_figure
from doseopt.reports.render.document import Block, Figure, Paragraph, Table
from doseopt.reports.sections.comparison import CAPTIONS, OVERDOSE, scenario_table
from doseopt.reports.sections.estimates import robustness
from doseopt.reports.sections.outlook import outlook
from doseopt.reports.sections.section import Section
from doseopt.reports.sections.words import by_scenario, columns, dose_words, gains, sayer, shown_waiting

BY_SCENARIO = (
    "correct_selection",
    "no_selection",
    "overdose_selection",
    "patients_above_mtd",
    "patients_below_mtd",
    "total_dlts",
)
GAINS = {"correct_selection": "correct", "overdose_selection": "overdose", "patients_below_mtd": "below the MTD"}
"""Of the table of differences."""
OTHERWISE = {
    "correct_selection_of_all": "doses that may be inserted counting as doses",
    "correct_selection_own_target": "judged at each design's own target",
}
"""Correct selection by other definitions."""
OVERALL = (
    "underdose_selection",
    "sample_size",
    "enrolled",
    "over_planned",
    "patients_before_first_right",
    "never_reached",
    "overdosed",
    "overdosed_60",
    "overdosed_80",
    "poor_allocation",
    "high_dlt_fraction",
    "accuracy_index",
    "selection_score",
)


def prospective(dossier: Dossier) -> list[Block]:
    """Show operating characteristics from the start of the trial."""
    ds = dossier.amendment["start"].to_dataset()
    whole, waiting = dossier.comparison, shown_waiting(dossier)
    as_they_come = " As patients come: further characteristics, and why trials stop." if waiting else ""
    return [
        Paragraph(
            f"From the first patient on, exact, in each scenario. {whole.attrs['mtd_rule']} Overdose: "
            f"{OVERDOSE}{waiting}{as_they_come}"
        ),
        scenario_table(whole, why=True),
        Figure.of(partial(scenario_figure, whole), *CAPTIONS["scenarios"]),
        _figure(dossier, "start", "from the first patient on"),
        *_tables(dossier, ds),
        _differences(dossier, ds),
        _overall(whole),
        _stops(whole),
        _selection(dossier, ds),
        *robustness(whole),
    ]


def conditional(dossier: Dossier) -> list[Block]:
    """Show what happens from the data so far on."""
    if not dossier.cohorts:
        text = (
            "There are no data: from the data so far on is from the first patient on, as above. What follows averages "
            "over what is believed before the trial."
        )
        return [Paragraph(text), *outlook(dossier)]
    ds = dossier.amendment["now"].to_dataset()
    return [
        Paragraph(
            f"Given what has been seen ({dossier.outcomes}): exact, from the state that the trial is in. Patients and "
            "DLTs count from the start of the trial; further ones are those still to come." + shown_waiting(dossier)
        ),
        _figure(dossier, "now", f"from the data so far on ({dossier.outcomes})"),
        *_tables(dossier, ds),
        by_scenario(dossier, "Expected patients still to come", ds["further_patients"], decimal),
        by_scenario(dossier, "Expected DLTs still to come", ds["further_dlts"], decimal),
        _differences(dossier, ds),
        *outlook(dossier),
    ]


def _figure(dossier: Dossier, node: str, what: str) -> Figure:
    ds = dossier.amendment[node].to_dataset()
    means = [
        f"{name} {percent(float(ds['correct_selection'].sel(design=name).mean()))}"
        for name in ds["design"].to_numpy().tolist()
    ]
    return Figure.of(
        partial(conditional_figure, dossier.amendment, node),
        f"Correct selection, no MTD, overdose selection and patients below the MTD in each scenario, {what}; exact.",
        f"Points for each design in each scenario. Mean correct selection: {listed(means)}.",
    )


def _tables(dossier: Dossier, ds: xr.Dataset) -> list[Block]:
    """Return one table a measure, and those of other definitions of what is right where they differ."""
    tables: list[Block] = []
    for name in BY_SCENARIO:
        text, share = METRICS[name].long_name, METRICS[name].units == "1"
        caption = f"{text[0].upper()}{text[1:]}{' (%)' if share else ''}, by scenario"
        caption += "; mean over those where a dose is correct" if bool(ds[name].isnull().any()) else ""
        tables.append(by_scenario(dossier, caption, ds[name], sayer(name)))
    for name, what in OTHERWISE.items():
        if name in ds and not np.allclose(ds[name], ds["correct_selection"], rtol=0, atol=1e-12):
            tables.append(by_scenario(dossier, f"Correct selection (%), {what}, by scenario", ds[name]))
    return tables


def _differences(dossier: Dossier, ds: xr.Dataset) -> Table:
    """Show what each proposed design gains over the registered one, and at what price."""
    tables = [
        by_scenario(dossier, "", gains(dossier, ds[name]), points if METRICS[name].units == "1" else signed)
        for name in GAINS
    ]
    rows = [
        (f"{name}: {head}", *cells)
        for each in zip(*(table.rows for table in tables), strict=True)
        for head, (name, *cells) in zip(GAINS.values(), each, strict=True)
    ]
    caption = (
        f"Proposed minus registered ({dossier.proposal.registered}): correct and overdose selection, percentage "
        "points, and expected patients below the MTD; exact"
    )
    return Table(caption, tables[0].head, tuple(rows))


def _overall(ds: xr.Dataset) -> Table:
    """Show the further measures as means over the scenarios in which they are defined."""
    rows = []
    for name in OVERALL:
        values = ds[name].transpose("design", "scenario").to_numpy()
        known = ~np.isnan(values).all(axis=0)
        means = values[:, known].mean(axis=1) if known.any() else np.full(len(values), np.nan)
        units, text = (ds[name].attrs[key] for key in ("units", "long_name"))
        unit = {"1": " (%)", "score": ""}.get(units, f" ({units})")
        rows.append((f"{text}{unit}", *map(sayer(name), means)))
    for level in (0.05, 0.95):
        for name in ("sample_size_quantile", "total_dlts_quantile"):
            mean = ds[name].sel(quantile=level).mean("scenario").to_numpy()
            rows.append((f"{percent(level, 0)} {ds[name].attrs['long_name']} (patients)", *map(decimal, mean)))
    caption = "Further operating characteristics: means over the scenarios in which they are defined; exact"
    return Table(caption, ("", *ds["design"].to_numpy().tolist()), tuple(rows))


def _stops(ds: xr.Dataset) -> Table:
    """Show why trials stop."""
    mean = ds["stopped"].mean("scenario").transpose("stop_reason", "design")
    rows = [
        (reason_words(str(reason)), *map(bare, row))
        for reason, row in zip(mean["stop_reason"].to_numpy(), mean.to_numpy(), strict=True)
        if row.any()
    ]
    caption = "Why trials stop: probability (%), mean over the scenarios"
    return Table(caption, ("", *ds["design"].to_numpy().tolist()), tuple(rows))


def _selection(dossier: Dossier, ds: xr.Dataset) -> Table:
    """Show the selection, patients and DLTs of every design in every scenario."""
    found = ds[["no_selection", "selection", "patients", "total_dlts"]].sel(design=dossier.designs)
    each = [values.transpose("design", "scenario", ...).to_numpy() for values in found.data_vars.values()]
    rows = [
        (f"{head}: {name}", bare(none), *map(bare, chosen), *map(decimal, given), decimal(dlts))
        for head, at in columns(dossier)
        for name, none, chosen, given, dlts in zip(
            dossier.designs, *(mean_of_known(values[:, at], 1) for values in each), strict=True
        )
    ]
    labels = dose_words(dossier)[0]
    heads = ("", "none", *labels, *(f"n {label}" for label in labels), "DLTs")
    caption = "Selection of no dose and of each dose (%), expected patients at each dose, expected DLTs; exact"
    return Table(caption, heads, tuple(rows))


FROM_THE_START = Section(
    "Operating characteristics",
    prospective,
    answers=("objective", "scenarios", "estimands", "measures", "comparator", "configurations"),
)
FROM_NOW = Section("Operating characteristics from the data so far", conditional, answers=("enrolment",))
