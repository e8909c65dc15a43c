"""Operating characteristics: from the start of the trial, and from the data so far on."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.dossier import Dossier
from doseopt.metrics import METRICS
from doseopt.plots.amendment import conditional_figure, enrolment_needed_figure
from doseopt.prospects import MOST, STUDY_MODEL, enrolment_needed
from doseopt.report.document import Block, Figure, Heading, Paragraph, Table
from doseopt.report.words import NOTHING, bare, by_scenario, decimal, dose_words, percent, points, so_far
from doseopt.tables.labels import listed
from doseopt.tables.measures import LETTERS, MOST_SCENARIOS

BY_SCENARIO = ("correct_selection", "no_selection", "overdose_selection", "patients_above_mtd", "total_dlts")
OVERALL = (
    "underdose_selection",
    "sample_size",
    "enrolled",
    "over_planned",
    "overdosed",
    "overdosed_60",
    "overdosed_80",
    "poor_allocation",
    "high_dlt_fraction",
    "accuracy_index",
)


def prospective(dossier: Dossier) -> list[Block]:
    """Return the section on operating characteristics from the start of the trial."""
    ds = dossier.amendment["start"].to_dataset()
    whole = dossier.comparison
    return [
        Heading("Operating characteristics"),
        Paragraph(
            "From the first patient on, exact, in each scenario. "
            f"{whole.attrs['mtd_rule']} Overdose: a dose above the highest correct one, and any dose where only "
            "selecting none is correct."
        ),
        _scenarios(dossier),
        _figure(dossier, "start", "from the first patient on"),
        *_tables(ds, whole),
        _differences(dossier, ds),
        _overall(whole),
        _stops(whole),
        _selection(dossier, ds),
        *_estimation(dossier),
    ]


def conditional(dossier: Dossier) -> list[Block]:
    """Return the section on what happens from the data so far on."""
    heading = Heading("Operating characteristics from the data so far")
    blocks: list[Block] = [heading]
    if dossier.cohorts:
        ds = dossier.amendment["now"].to_dataset()
        blocks += [
            Paragraph(
                f"Given the {dossier.outcomes} seen: exact, from the state that the trial is in. Patients and DLTs "
                "count from the start of the trial; further ones are those still to come."
            ),
            _figure(dossier, "now", f"from the data so far on ({dossier.outcomes})"),
            *_tables(ds, dossier.comparison),
            by_scenario("Expected patients still to come", ds["further_patients"], _letters(ds), scale=False),
            by_scenario("Expected DLTs still to come", ds["further_dlts"], _letters(ds), scale=False),
            _differences(dossier, ds),
        ]
    else:
        blocks.append(
            Paragraph(
                "There are no data: from the data so far on is from the first patient on, as above. What follows "
                "averages over what is believed before the trial."
            )
        )
    blocks += [_averages(dossier), _paired(dossier), *_needed(dossier)]
    return [*blocks, *_interims(dossier)]


def _letters(ds: xr.Dataset) -> list[str]:
    """Return what the scenarios are called in tables: letters, or numbers where there are many."""
    count = ds.sizes["scenario"]
    return list(LETTERS[:count]) if count <= MOST_SCENARIOS else [str(k) for k in range(1, count + 1)]


def _scenarios(dossier: Dossier) -> Table:
    ds = dossier.comparison
    labels, unit = dose_words(dossier)
    right = ds["acceptable"].to_numpy()
    rows = []
    for s, letter in enumerate(_letters(ds)):
        cells = [f"{bare(p)}{' ✓' if ok else ''}" for p, ok in zip(ds["p_dlt"].to_numpy()[s], right[s], strict=True)]
        none = "✓" if not right[s].any() else ""
        reason = str(ds["reason"].to_numpy()[s]) or str(ds["source"].to_numpy()[s])
        rows.append((f"{letter} {ds['scenario'].to_numpy()[s]}", *cells, none, reason))
    caption = f"Scenarios: true DLT rate (%) at each dose{f', {unit}' if unit else ''}; ✓ what is correct"
    return Table(caption, ("", *labels, "none", "why"), tuple(rows), texts=(0, -1))


def _figure(dossier: Dossier, node: str, what: str) -> Figure:
    ds = dossier.amendment[node].to_dataset()
    means = [
        f"{name} {percent(float(ds['correct_selection'].sel(design=name).mean()))}"
        for name in ds["design"].to_numpy().tolist()
    ]
    return Figure.of(
        conditional_figure(dossier.amendment, node),
        f"Correct selection, no MTD and overdose selection in each scenario, {what}; exact.",
        f"Points for each design in each scenario. Mean correct selection: {listed(means)}.",
    )


def _tables(ds: xr.Dataset, whole: xr.Dataset) -> list[Block]:
    """Return one table a measure."""
    tables: list[Block] = []
    for name in BY_SCENARIO:
        scale = METRICS[name].units == "1"
        text = METRICS[name].long_name
        caption = f"{text[0].upper()}{text[1:]}{' (%)' if scale else ''}, by scenario"
        tables.append(by_scenario(caption, ds[name], _letters(whole), scale=scale))
    return tables


def _differences(dossier: Dossier, ds: xr.Dataset) -> Table:
    """Show what each proposed design gains over the registered one."""
    right = ds["correct_selection"]
    gains = right.sel(design=list(dossier.proposal.amended)) - right.sel(design=dossier.proposal.registered)
    rows = [
        (str(name), *(points(v) for v in row), points(float(row.mean())))
        for name, row in zip(dossier.proposal.amended, gains.transpose("design", "scenario").to_numpy(), strict=True)
    ]
    caption = f"Correct selection, proposed minus registered ({dossier.proposal.registered}), percentage points; exact"
    return Table(caption, ("", *_letters(ds), "mean"), tuple(rows))


def _overall(ds: xr.Dataset) -> Table:
    """Show the further measures as means over the scenarios in which they are defined."""
    rows = []
    for name in OVERALL:
        values = ds[name].transpose("design", "scenario").to_numpy()
        known = ~np.isnan(values).all(axis=0)
        scale, units = METRICS[name].units == "1", f" ({METRICS[name].units})"
        cells = [
            NOTHING
            if not known.any() or np.isnan(row[known]).any()
            else (bare if scale else decimal)(row[known].mean())
            for row in values
        ]
        rows.append((f"{METRICS[name].long_name}{' (%)' if scale else units}", *cells))
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
        (str(reason).replace("_", " "), *(bare(float(v)) for v in row))
        for reason, row in zip(mean["stop_reason"].to_numpy(), mean.to_numpy(), strict=True)
        if row.any()
    ]
    caption = "Why trials stop: probability (%), mean over the scenarios"
    return Table(caption, ("", *ds["design"].to_numpy().tolist()), tuple(rows))


def _selection(dossier: Dossier, ds: xr.Dataset) -> Table:
    """Show the selection, patients and DLTs of every design in every scenario."""
    rows = []
    for s, letter in enumerate(_letters(ds)):
        for name in dossier.designs:
            at = ds.sel(design=name).isel(scenario=s)
            cells = [bare(float(at["no_selection"])), *(bare(float(v)) for v in at["selection"].to_numpy())]
            given = [decimal(float(v)) for v in at["patients"].to_numpy()]
            rows.append((f"{letter}: {name}", *cells, *given, decimal(float(at["total_dlts"]))))
    labels = dose_words(dossier)[0]
    head = ("", "none", *labels, *(f"n {label}" for label in labels), "DLTs")
    caption = "Selection of no dose and of each dose (%), expected patients at each dose, expected DLTs; exact"
    return Table(caption, head, tuple(rows))


def _estimation(dossier: Dossier) -> list[Block]:
    """Show what the posterior DLT rates are worth after each design."""
    ds = dossier.comparison
    labels = dose_words(dossier)[0]
    rows = []
    for name in dossier.designs:
        for measure, text in (("bias", "bias"), ("rmse", "root mean squared error"), ("coverage", "coverage")):
            values = ds[f"posterior_{measure}"].sel(design=name).mean("scenario").to_numpy()
            rows.append((f"{name}: {text}", *(points(v) if measure == "bias" else bare(v) for v in values)))
    caption = "Posterior DLT rate at each dose after the trial (percentage points; coverage of the 90% interval in %)"
    return [
        Table(f"{caption}, mean over the scenarios; exact", ("", *labels), tuple(rows)),
        Paragraph(f"All designs are judged by one model: {ds.attrs['posterior_model']}."),
    ]


def _averages(dossier: Dossier) -> Table:
    """Show the averages over all beliefs."""
    ds = dossier.amendment["average"].to_dataset()
    rows = []
    for belief in ds["belief"].to_numpy().tolist():
        for name in dossier.designs:
            at = ds.sel(design=name, belief=belief)
            shares = [bare(float(at[m])) for m in ("correct_selection", "no_selection", "overdose_selection")]
            counts = [decimal(float(at[m])) for m in ("further_patients", "further_dlts", "patients_above_mtd")]
            rows.append((f"{belief}: {name}", *shares, *counts))
    head = ("", "correct %", "no MTD %", "overdose %", "further patients", "further DLTs", "above the MTD")
    caption = f"Averages over what may be believed {so_far(dossier)}; exact under each belief"
    return Table(caption, head, tuple(rows))


def _paired(dossier: Dossier) -> Table:
    """Show the simulated paired comparison, with its error."""
    ds = dossier.amendment["paired"].to_dataset()
    rows = []
    for name in dossier.proposal.amended:
        at = ds.sel(amended=name)
        cells = [bare(float(v)) for v in at["selects_differently"].to_numpy()]
        rows.append((name, *cells, bare(float(at["selects_differently_mcse"].max()), 2)))
    trials, seed = int(dossier.amendment.attrs["trials"]), int(dossier.amendment.attrs["seed"])
    caption = (
        "Simulated, not exact: probability (%) that the design selects another dose than "
        f"{dossier.proposal.registered} for the same patients. It depends on that coupling: a patient has one "
        "tolerance under both designs, and the k-th of one trial is the k-th of the other "
        f"({trials:,} trials a scenario, seed {seed}; last column: largest Monte Carlo standard error)"
    )
    return Table(caption, ("", *_letters(ds), "error"), tuple(rows))


def _needed(dossier: Dossier) -> list[Block]:
    """Say how many patients each design needs for the wanted probability of correct selection."""
    curve = dossier.amendment["enrolment"].to_dataset()["correct_selection"]
    wanted = dossier.proposal.wanted
    needed = enrolment_needed(curve, wanted)
    each = [f"{name} {f'not with {MOST} or fewer' if n is None else f'{n}'}" for name, n in needed.items()]
    text = (
        f"Patients needed, those so far included, for a correct selection with probability {percent(wanted, 0)}, "
        f"averaged over the study's model: {'; '.join(each)}. Tried were caps in steps of "
        "3 patients, and the designs' own."
    )
    figure = Figure.of(
        enrolment_needed_figure(dossier.amendment),
        "Correct selection against the most patients a trial may have, averaged over the study's model; exact.",
        text,
    )
    return [Heading("Enrolment needed", 2), Paragraph(text), figure]


def _interims(dossier: Dossier) -> list[Block]:
    """Show the interims that the study file works through."""
    ds = dossier.interims
    if ds is None:
        return []
    rows = []
    for i, name in enumerate(ds["interim"].to_numpy().tolist()):
        for design in dossier.designs:
            at = ds.isel(interim=i).sel(design=design)
            cells = [bare(float(at[m])) for m in ("correct_selection", "no_selection")]
            counts = [decimal(float(at[m])) for m in ("further_patients", "further_dlts")]
            rows.append((f"{name} ({at['outcomes'].item()}): {design}", *cells, *counts))
    head = ("", "correct %", "no MTD %", "further patients", "further DLTs")
    caption = f"At interims that the study names, averaged over {STUDY_MODEL} after the data; exact"
    return [Heading("Worked interims", 2), Table(caption, head, tuple(rows))]
