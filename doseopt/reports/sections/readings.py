"""The silences of a protocol as rows of a table, and as a sentence."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.display.readings import factor_words, ranked, reading_words

COLUMNS = {
    "correct_selection": ("correct %", 100, 1),
    "overdose_selection": ("overdose %", 100, 1),
    "no_selection": ("no MTD %", 100, 1),
    "patients_below_mtd": ("patients below the MTD", 1, 1),
    "sample_size": ("patients", 1, 1),
}
"""Measures: heading, factor, decimals."""


def silences_rows(ds: xr.Dataset) -> tuple[list[str], list[list[str]]]:
    """Return the readings of every silence with what they make of the design, averaged over the scenarios.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.comparison.silences`.

    Returns
    -------
    head : list of str
    rows : list of list of str
        By the factor's largest effect on correct selection, the reading in use first; in brackets the change from it.
        "-" where a reading makes a design only together with another.
    """
    head = ["silent on", "reading", "in use", *(title for title, _, _ in COLUMNS.values())]
    values = ds["value"].to_numpy()
    rows = []
    for factor, places in ranked(ds):
        for k in places:
            cells = []
            for name, (_, scale, digits) in COLUMNS.items():
                mean = scale * ds[name].mean("scenario").to_numpy()
                cells.append(_cell(mean[k], mean[k] - mean[places[0]], digits, k == places[0]))
            used = "yes" if k == places[0] else ""
            rows.append([factor_words(factor), reading_words(factor, str(values[k])), used, *cells])
    return head, rows


def _cell(value: float, change: float, digits: int, used: bool) -> str:
    if np.isnan(value):
        return "-"
    rounded = round(change, digits)
    sign = "+" if rounded > 0 else ""
    return f"{value:.{digits}f}" if used else f"{value:.{digits}f} ({sign}{rounded + 0.0:.{digits}f})"


def combinations_sentence(ds: xr.Dataset) -> str:
    """Return the range and the quartiles of correct selection over all combinations of readings, as a sentence.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.comparison.silences`.
    """
    each = 100 * ds["correct_selection_all"].to_numpy()
    used = each[(ds["position"].to_numpy() == 0).all(axis=1)][0]
    low, first, median, third, high = np.quantile(each, [0, 0.25, 0.5, 0.75, 1])
    return (
        f"Over all {len(each)} combinations of readings of its own rules, {ds.attrs['design']} selects correctly in "
        f"{low:.1f}% to {high:.1f}% of trials, averaged over the scenarios (quartiles {first:.1f}%, {median:.1f}% and "
        f"{third:.1f}%); with the readings in use in {used:.1f}%."
    )
