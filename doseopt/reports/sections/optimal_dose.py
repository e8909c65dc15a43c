"""The optimal biological dose in a comparison: what is right, and how designs did that see efficacy or do not."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.display.labels import listed, names
from doseopt.reports.render.document import MARK, Block, Heading, Paragraph, Table
from doseopt.reports.sections.measures import LETTERS, Measure, measure_tables, number, scaled

MEASURES = (
    Measure("correct_obd_selection", "Correct selection of the OBD (% of trials)", 1),
    Measure("selected_utility", "Mean utility at the dose selected, 0 if none is (of 100)", 1),
    Measure("patients_at_obd", "Expected patients at the OBD", 1),
    Measure("responses", "Expected patients with efficacy", 1),
)
ALIKE = (
    "Designs that do not look at efficacy are judged alike: what they select is compared with the OBD, and patients "
    "whom they treat respond at the same rates. The correct selection of the other tables is that of the MTD."
)
MOST_NAMED = 3
"""Designs that a finding names as the best."""


def optimal_dose(ds: xr.Dataset) -> list[Block]:
    """Show what the OBD is in each scenario, and the measures that are about it; nothing where a study has none.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    """
    if "obd_acceptable" not in ds:
        return []
    about = [Paragraph(ALIKE)]
    return [Heading("The optimal biological dose"), *about, _truths(ds), *measure_tables(ds, MEASURES)]


def optimal_finding(ds: xr.Dataset) -> list[str]:
    """Say which designs select the OBD most often, averaged over the scenarios, and how often the others do."""
    if "obd_acceptable" not in ds:
        return []
    each = ds["correct_obd_selection"].transpose("design", "scenario").to_numpy().mean(axis=1)
    order, label = np.argsort(-each, kind="stable").tolist(), names(ds, "design")
    told = listed([f"{label[d]} ({100 * each[d]:.1f}%)" for d in order[:MOST_NAMED]])
    if len(order) > MOST_NAMED:
        told += f", least often by {label[order[-1]]} ({100 * each[order[-1]]:.1f}%)"
    count = ds.sizes["scenario"]
    over = f"averaged over the {count} scenarios" if count > 1 else "in the one scenario"
    return [f"The optimal biological dose is selected most often, {over}, by {told}."]


def _truths(ds: xr.Dataset) -> Table:
    """List the efficacy rates and the utilities, under the letters of the scenarios."""
    q, utility = scaled(ds["p_eff"].to_numpy(), "1"), np.round(ds["utility"].to_numpy(), 1)
    right, rows, marked = ds["obd_acceptable"].to_numpy(), [], set[tuple[int, int]]()
    doses = names(ds, "dose")
    for s, name in enumerate(names(ds, "scenario")):
        none = not right[s].any()
        letter = LETTERS[s] if s < len(LETTERS) else ""
        cells = (*(number(v) for v in q[s]), "right" if none else "", *(number(v) for v in utility[s]))
        rows.append((letter, name, *cells))
        marked |= {(s, 2 + len(doses) + c) for c, ok in enumerate([none, *right[s]]) if ok}
    return Table(
        f"Efficacy rate (%), and mean utility of a patient; {MARK} the OBD",
        ("", "", *doses, "none", *doses),
        tuple(rows),
        texts=(0, 1),
        marked=frozenset(marked),
        groups=(("efficacy", len(doses)), ("utility", 1 + len(doses))),
    )
