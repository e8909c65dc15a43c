"""A comparison on one screen: what it shows, one table of the designs, and how to see the rest."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import xarray as xr

from doseopt.core.state import FloatArray
from doseopt.core.text import counted
from doseopt.display.labels import doses_in_words, made_by, names
from doseopt.display.simulated import evaluated, simulated, with_simulated_named
from doseopt.measures.declared import FEW
from doseopt.measures.expected import mean_of_known
from doseopt.reports.render.document import MARK, Block, Bullets, Document, Heading, Table
from doseopt.reports.sections.as_they_come import as_they_come
from doseopt.reports.sections.expanded import expanded
from doseopt.reports.sections.findings import findings
from doseopt.reports.sections.measures import best, monte_carlo, number, scaled
from doseopt.reports.sections.optimal_dose import optimal_dose, optimal_finding

COLUMNS = (
    ("correct", "mean", "correct_selection", 1, np.mean),
    ("correct", "min", "correct_selection", 0, np.min),
    ("overdose", "mean", "overdose_selection", -1, np.mean),
    ("overdose", "max", "overdose_selection", 0, np.max),
    ("patients", "all", "sample_size", 0, np.mean),
    ("patients", "DLT", "total_dlts", -1, np.mean),
    ("patients", "lo", "patients_below_mtd", 0, mean_of_known),
    ("patients", "hi", "patients_above_mtd", -1, np.mean),
    ("declared on", "n", "declared_patients", 0, mean_of_known),
    ("declared on", "DLT", "declared_dlts", 0, mean_of_known),
    ("declared on", "few", "declared_on_few", 0, np.mean),
    ("declared on", "meets", "meets_definition", 0, np.mean),
)
"""Group, heading, measure, which is best, and over the scenarios what; what a comparison does not have is left out."""
LEGEND = (
    "Patients: all, with a DLT, below (lo) and above (hi) the MTD, lo where there is one. Declared on: those at the "
    "dose named; "
)
ON_FEW = f"few: % of trials that name a dose on {FEW} patients there or fewer"
MEETS = "meets: % of trials that name one which meets the protocol's definition"
SIMULATED = "~"
"""Mark of a simulated design among exact ones."""
REST = "Every scenario, the rules and the benchmark: --full, or the files."


def overview_document(ds: xr.Dataset) -> Document:
    """Return what matters of a comparison as a document; `comparison_document` is the whole of it.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    """
    size = f"{counted(ds.sizes['design'], 'design')} in {counted(ds.sizes['scenario'], 'scenario')}"
    facts = {
        "Doses": doses_in_words(ds),
        "Target": f"{float(ds.attrs['target']):g}. {ds.attrs['mtd_rule']}",
        "Optimal dose": str(ds.attrs.get("obd_rule", "")),
        "Compared": f"{size}; {describe_engine(ds)}",
        "Not computed": str(ds.attrs.get("not_computed", "")),
        "Made by": made_by(ds.attrs),
    }
    found, ds = optimal_finding(ds) + findings(ds), marked(ds)
    blocks: list[Block] = [Heading("Findings"), Bullets(tuple(found))] if found else []
    table = overview(ds)
    table = dataclasses.replace(table, notes=(*table.notes, REST))
    blocks += [*optimal_dose(ds), table, *as_they_come(ds), *expanded(ds)]
    return Document(str(ds.attrs["title"]), facts, tuple(blocks))


def marked(ds: xr.Dataset) -> xr.Dataset:
    """Return a comparison with the simulated designs marked by their names, if others are exact."""
    return ds if simulated(ds).all() else with_simulated_named(ds, lambda _, name: f"{SIMULATED} {name}")


def describe_engine(ds: xr.Dataset) -> str:
    """Say how the designs were evaluated."""
    how = np.array(evaluated(ds))
    drawn = [(how == kind, _drawn(ds, kind)) for kind in ("simulated", "over calendars") if (how == kind).any()]
    if not drawn:
        exact = "exact: all ways a trial can go, no Monte Carlo error"
        return exact if ds.attrs.get("engine") == "exact" else str(ds.attrs.get("engine"))
    if len(drawn) == 1 and drawn[0][0].all():
        return drawn[0][1]
    which = [f"{counted(int(rows.sum()), 'design')} marked {SIMULATED} {text}" for rows, text in drawn]
    return f"exact, without Monte Carlo error; {'; '.join(which)}"


def _drawn(ds: xr.Dataset, kind: str) -> str:
    """Say how designs with a Monte Carlo error were evaluated."""
    if kind == "over calendars":
        many, seed = int(ds.attrs["calendars"]), ds.attrs["calendars_seed"]
        return (
            f"exact given each of {many:,} calendars of arrivals that are drawn, seed {seed}: the error is over these"
        )
    trials, seed, why = int(ds.attrs["trials"]), ds.attrs["seed"], ds.attrs.get("simulated_as", "")
    how = f"{trials:,} trials a scenario, seed {seed}, the same patients under each design"
    return f"simulated, as {why}: {how}" if why else f"simulated: {how}"


def overview(ds: xr.Dataset) -> Table:
    """Return the designs with what they do on average and at worst, and what they select."""
    shown = [column for column in COLUMNS if column[2] in ds]
    if "meets_definition" in ds:  # says more than how few they are
        shown = [column for column in shown if column[2] != "declared_on_few"]
    columns = [_column(ds, *column) for column in shown]
    selected = np.concatenate([ds["no_selection"].to_numpy()[:, :, None], ds["selection"].to_numpy()], axis=2)
    chosen = 100 * selected.mean(axis=1).T
    rows = [
        (name, *(number(value[d]) for value, _ in columns), *(f"{value[d]:.0f}" for value in chosen))
        for d, name in enumerate(names(ds, "design"))
    ]
    marks = {(d, c) for c, (value, way) in enumerate(columns, 1) for d in best(value, way)}
    spans: dict[str, int] = {}
    for group, *_ in shown:
        spans[group] = spans.get(group, 0) + 1
    over = f"mean and worst of {ds.sizes['scenario']} scenarios" if ds.sizes["scenario"] > 1 else "one scenario"
    return Table(
        f"Correct and overdose selection (% of trials), {over}; {MARK} best of its column",
        ("", *(head for _, head, *_ in shown), "none", *names(ds, "dose")),
        tuple(rows),
        labels=True,
        marked=frozenset(marks),
        groups=(*spans.items(), ("selected", len(chosen))),
        notes=tuple(_notes(ds)),
    )


def _notes(ds: xr.Dataset) -> list[str]:
    """Say what the evidence is, and the Monte Carlo error."""
    notes = [f"{text} (correct selection)" for text in monte_carlo(ds, "correct_selection")]
    if "declared_on_few" in ds:
        notes.append(f"{LEGEND}{MEETS if 'meets_definition' in ds else ON_FEW}.")
    return notes


def _column(
    ds: xr.Dataset, _: str, head: str, name: str, way: int, over: Callable[..., FloatArray]
) -> tuple[FloatArray, int]:
    """Return one number a design, as printed, and which is best."""
    values = ds[name].transpose("design", "scenario").to_numpy()
    return scaled(over(values, axis=1), ds[name].attrs.get("units", "1")), way
