"""What a comparison shows, in plain sentences computed from its Dataset."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.display.labels import dose_labels, listed, names
from doseopt.display.simulated import simulated

MOST_NAMED = 4


def findings(ds: xr.Dataset) -> list[str]:
    """Return the findings that must not be overlooked.

    For every design that cannot declare some dose: which, how often it declares none, and what it would take. And how
    often the designs that keep to the planned enrolment select correctly.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`. Only exact results say what a design can never do; of simulated ones the largest Monte
        Carlo standard error is told.

    Returns
    -------
    list of str
        One finding each; empty if there is nothing to report.
    """
    found = []
    if "fewest_patients" in ds:
        planned = ds["planned"].to_numpy() if "planned" in ds.coords else True
        barred = np.isnan(ds["fewest_patients"].to_numpy()) & planned & ~simulated(ds)[:, None]
        found += [_barred(ds, d, np.flatnonzero(row)) for d, row in enumerate(barred) if row.any()]
    return found + _at_planned_enrolment(ds)


def _dose(ds: xr.Dataset, doses: np.ndarray, word: str) -> str:
    labels, unit = dose_labels(ds)
    return f"{listed([labels[j] for j in doses], word)} {unit}".strip()


def _cap(ds: xr.Dataset, d: int) -> float:
    return float(ds["planned_maximum"].to_numpy()[d])


def _barred(ds: xr.Dataset, d: int, doses: np.ndarray) -> str:
    """Say what the design cannot declare, how often it declares nothing, and what others need."""
    design, cap = names(ds, "design")[d], _cap(ds, d)
    planned = " planned" if cap == ds.attrs.get("planned_enrolment", -1) else ""
    capped = f" stops at {'the ' if planned else ''}{cap:.0f} patients{planned} and" if np.isfinite(cap) else ""
    sentences = [f"{design}{capped} cannot declare {_dose(ds, doses, 'or')} the MTD under any truth."]
    return " ".join([*sentences, *_declares_none(ds, d), *_uncapped(ds, d, doses), *_same_cap(ds, d, doses)])


def _declares_none(ds: xr.Dataset, d: int) -> list[str]:
    """Say how often no MTD is declared where declaring one would be right."""
    right = ds["acceptable"].to_numpy().any(axis=1)
    count = int(right.sum())
    if not count:
        return []
    none = ds["no_selection"].to_numpy()[d][right]
    low, high = (f"{100 * v:.1f}%" for v in (none.min(), none.max()))
    if count == 1:
        return [f"In the one scenario where a dose is a correct selection, it declares no MTD in {low} of trials."]
    span = low if low == high else f"{low} to {high}"
    text = f"In the {count} scenarios where a dose is a correct selection, it declares no MTD in {span} of trials"
    mostly = int((none > 0.5).sum())
    return [f"{text}; in {mostly} of the {count} it does so in more than half of the trials."]


def _uncapped(ds: xr.Dataset, d: int, doses: np.ndarray) -> list[str]:
    """Say what designs without an enrolment cap need for the same doses."""
    fewest = ds["fewest_patients"].to_numpy()
    sentences = []
    for other, name in enumerate(names(ds, "design")):
        able = [j for j in doses if np.isfinite(fewest[other, j])]
        if other != d and np.isnan(_cap(ds, other)) and able:
            needs = [f"{fewest[other, j]:.0f} patients to declare {_dose(ds, np.array([j]), 'and')}" for j in able]
            sentences.append(f"{name}, which has no enrolment cap, needs at least {listed(needs)}.")
    return sentences


def _same_cap(ds: xr.Dataset, d: int, doses: np.ndarray) -> list[str]:
    """Name the designs that can declare all these doses with the same cap."""
    fewest = ds["fewest_patients"].to_numpy()[:, doses]
    same = [o for o in range(len(fewest)) if _cap(ds, o) == _cap(ds, d) and np.isfinite(fewest[o]).all()]
    if not same:
        return []
    able = [names(ds, "design")[o] for o in same]
    shown = listed(able) if len(able) <= MOST_NAMED else f"{len(able)} other designs"
    return [f"With the same cap, {shown} can declare {'it' if len(doses) == 1 else 'them'}."]


def _at_planned_enrolment(ds: xr.Dataset) -> list[str]:
    """Compare the designs capped at the planned enrolment."""
    planned = int(ds.attrs.get("planned_enrolment", -1))
    capped = np.flatnonzero(ds["planned_maximum"].to_numpy() == planned) if planned > 0 else np.array([], int)
    if len(capped) < 2:
        return []
    mean, drawn = ds["correct_selection"].to_numpy().mean(axis=1), simulated(ds)
    order = sorted(capped, key=lambda d: (-round(float(mean[d]), 3), d))
    label = names(ds, "design")
    error = ds["correct_selection_mcse"].to_numpy().mean(axis=1)  # at most: of scenarios that share their patients
    each = [
        f"{label[d]} in {100 * mean[d]:.1f}%"
        + (f" (simulated, standard error {100 * error[d]:.1g})" if drawn[d] else "")
        for d in order
    ]
    shown = listed(each) if len(each) <= MOST_NAMED else f"between {each[0]} and {each[-1]}"
    count = ds.sizes["scenario"]
    over = f"Averaged over the {count} scenarios" if count > 1 else "In the one scenario"
    return [f"{over}, the designs capped at the {planned} patients planned select correctly: {shown} of trials."]
