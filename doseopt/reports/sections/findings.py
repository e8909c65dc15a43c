"""What a comparison shows, in plain sentences computed from its Dataset."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.text import counted
from doseopt.display.labels import dose_labels, listed, names
from doseopt.display.simulated import error_of, evaluated, simulated
from doseopt.reports.sections.not_waiting import not_waiting

MOST_NAMED = 4
BELOW = "patients_below_mtd"
PRICE = ("overdose_selection", "sample_size", "total_dlts", BELOW, "patients_above_mtd")


def findings(ds: xr.Dataset) -> list[str]:
    """Return the findings that must not be overlooked.

    Which designs end without an MTD though no patient had a toxicity; which cannot declare some dose, how often these
    declare none, and what it would take; which decide alike; which is ahead where, and at what price; how those do that
    keep to the planned enrolment; how much of the lead over the registered design is a naming rule; by which
    definitions another design is ahead; and what designs gain that do not wait for pending patients.

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
    found = in_vain(ds)
    if "fewest_patients" in ds:
        planned = ds["planned"].to_numpy() if "planned" in ds.coords else True
        barred = np.isnan(ds["fewest_patients"].to_numpy()) & planned & ~simulated(ds)[:, None]
        found += [_barred(ds, d, np.flatnonzero(row)) for d, row in enumerate(barred) if row.any()]
    naming = _naming(ds)  # where the lead at the same cap is taken apart
    ahead = naming or _at_planned_enrolment(ds)
    return found + _alike(ds) + _ahead(ds) + ahead + _definitions(ds) + not_waiting(ds)


def in_vain(ds: xr.Dataset) -> list[str]:
    """Say after which trials without toxicity a design cannot declare a dose any more.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    """
    if "in_vain" not in ds.coords:
        return []
    each = zip(names(ds, "design"), map(str, ds["in_vain"].to_numpy()), strict=True)
    return [
        f"After {trial} - {counted(sum(c.isalpha() for c in trial), 'patient')}, no DLT - {name} is certain to end "
        "without an MTD."
        for name, trial in each
        if trial
    ]


def _alike(ds: xr.Dataset) -> list[str]:
    """Name the designs that give the same cohorts and declare the same dose, whatever the patients show."""
    if "decides_as" not in ds.coords:
        return []
    groups: dict[str, list[str]] = {}
    for name, first in zip(names(ds, "design"), ds["decides_as"].to_numpy().tolist(), strict=True):
        groups.setdefault(str(first), []).append(name)
    first, *further = [listed(group) for group in groups.values() if len(group) > 1] or [""]
    if not first:
        return []
    also = f", as do {', and '.join(further)}" if further else ""
    return [f"{first} decide alike{also}: the same cohorts and the same declared dose after every outcome."]


def _ahead(ds: xr.Dataset) -> list[str]:
    """Say which design selects correctly most often, where it is ahead, and at what price."""
    label, count = names(ds, "design"), ds.sizes["scenario"]
    shown = np.round(100 * ds["correct_selection"].transpose("design", "scenario").to_numpy(), 1)
    mean = np.round(100 * ds["correct_selection"].transpose("design", "scenario").to_numpy().mean(axis=1), 1)
    if len(label) < 2 or np.ptp(mean) == 0:
        return []
    best = int(mean.argmax())
    same = [name for name, value in zip(label, mean, strict=True) if value == mean[best]]
    where = (shown == shown.max(axis=0)).sum(axis=1)
    others = [f"{label[d]} in {where[d]}" for d in range(len(label)) if d != best and where[d]]
    of_best = ds.isel(design=best)
    price = {name: float(of_best[name].mean("scenario", skipna=name == BELOW)) for name in PRICE if name in ds}
    error = 100 * float(
        error_of(ds, "correct_selection").to_numpy().mean(axis=1)[best]
    )  # at most, as patients are shared
    verb = "select" if len(same) > 1 else "selects"
    verb += " the MTD" if "obd" in ds else ""
    text = f"{listed(same)} {verb} correctly most often, in {mean[best]:.1f}% of trials"
    text += f" ({evaluated(ds)[best]}, standard error {error:.1g})" if error > 0 else ""
    text += f", averaged over the {count} scenarios" if count > 1 else ", in the one scenario"
    if count > 1 and len(same) == 1:
        most = others if len(others) <= MOST_NAMED else [*others[: MOST_NAMED - 1], "others elsewhere"]
        text += f"; it is ahead or level in {where[best]}" + (f" ({', '.join(most)})" if most else "")
    whose = "Its price" if len(same) == 1 else f"The price of {same[0]}"
    cost = f"{100 * price['overdose_selection']:.1f}% overdose, {price['sample_size']:.1f} patients"
    below = f"{price[BELOW]:.1f} below and " if price.get(BELOW, np.nan) >= 0 else ""
    toxic = f"{price['total_dlts']:.1f} with a DLT, {below}{price['patients_above_mtd']:.1f} above the MTD"
    return [f"{text}. {whose}: {cost}, {toxic}{_days(ds, best)}."]


def _days(ds: xr.Dataset, design: int) -> str:
    """Say how long trials of a design take, from the start to the end of the last follow-up, if it is known."""
    days = float(ds["completion"].isel(design=design).mean("scenario", skipna=False)) if "completion" in ds else np.nan
    return "" if np.isnan(days) else f", {days:.0f} days"


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
    if high == "0.0%":
        return []
    if count == 1:
        return [f"In the one scenario with a right dose it declares none in {low} of trials."]
    span = low if low == high else f"{low} to {high}"
    text = f"In the {count} scenarios with a right dose it declares none in {span} of trials"
    mostly = int((none > 0.5).sum())
    return [f"{text}, in {mostly} of the {count} in more than half." if mostly else f"{text}."]


def _uncapped(ds: xr.Dataset, d: int, doses: np.ndarray) -> list[str]:
    """Say what designs without an enrolment cap need for the same doses."""
    fewest = ds["fewest_patients"].to_numpy()
    sentences = []
    for other, name in enumerate(names(ds, "design")):
        able = [j for j in doses if np.isfinite(fewest[other, j])]
        if other != d and np.isnan(_cap(ds, other)) and able:
            needs = [f"{fewest[other, j]:.0f} patients to declare {_dose(ds, np.array([j]), 'and')}" for j in able]
            sentences.append(f"{name}, without a cap, needs at least {listed(needs)}.")
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
    mean, how = ds["correct_selection"].to_numpy().mean(axis=1), evaluated(ds)
    order = sorted(capped, key=lambda d: (-round(float(mean[d]), 3), d))
    label = names(ds, "design")
    error = error_of(ds, "correct_selection").to_numpy().mean(axis=1)  # at most: of scenarios that share their patients
    over = ds["overdose_selection"].to_numpy().mean(axis=1)
    each = [
        f"{label[d]} in {100 * mean[d]:.1f}% (overdose {100 * over[d]:.1f}%)"
        + (f" ({how[d]}, standard error {100 * error[d]:.1g})" if how[d] != "exact" else "")
        for d in order
    ]
    shown = listed(each) if len(each) <= MOST_NAMED else f"between {each[0]} and {each[-1]}"
    count = ds.sizes["scenario"]
    averaged = f"Averaged over the {count} scenarios" if count > 1 else "In the one scenario"
    return [f"{averaged}, the designs capped at the {planned} patients planned select correctly: {shown} of trials."]


def _naming(ds: xr.Dataset) -> list[str]:
    """Split the lead over the registered design into naming rule and design, at the same cap if others have it."""
    label, registered = names(ds, "design"), str(ds.attrs.get("registered", ""))
    if "naming" not in ds.coords or registered not in label:
        return []
    own, cap = label.index(registered), ds["planned_maximum"].to_numpy()
    means = 100 * ds["correct_by_naming"].mean("scenario").transpose("naming", "design").to_numpy()
    same = np.flatnonzero(cap == cap[own])
    rivals = same if len(same) > 1 else np.arange(len(label))
    best = int(rivals[means[0, rivals].argmax()])
    lead, named = round(means[0, best] - means[0, own], 1), round(means[1, own] - means[0, own], 1)
    if best == own or named < 1:
        return []
    bold = round(means[1, best] - means[0, best], 1)  # what the other one withholds
    text = f"{label[best]} selects correctly {lead:.1f} points more often than {registered}"
    text += " at the same cap" if len(same) > 1 else ""
    text += f": {named:.1f} are due to when {registered} may name a dose, {lead - named + bold:.1f} to the design"
    text += f", less {bold:.1f} for when {label[best]} may" if bold else ""
    if ds.sizes["naming"] > 2:
        text += f". If both must meet the protocol's definition, {means[-1, best]:.1f}% against {means[-1, own]:.1f}%"
    return [f"{text}."]


def _definitions(ds: xr.Dataset) -> list[str]:
    """Name the designs that are ahead by each definition of right, if not the same by all."""
    if "definition" not in ds.coords:
        return []
    correct, over = (
        np.round(100 * ds[f"{name}_by_definition"].mean("scenario").transpose("definition", "design").to_numpy(), 1)
        for name in ("correct", "overdose")
    )
    label, each = names(ds, "design"), []
    ahead = [np.flatnonzero(row == row.max()) for row in correct]
    if len({tuple(who) for who in ahead}) == 1:
        return []
    for k, (name, who) in enumerate(zip(["the study's own", *names(ds, "definition")[1:]], ahead, strict=True)):
        price = listed([f"{over[k, d]:.1f}%" for d in who])
        each.append(f"{name}, {listed([label[d] for d in who])} ({correct[k].max():.1f}%, overdose {price})")
    return [f"Who is ahead depends on what is right: by {'; '.join(each)}."]
