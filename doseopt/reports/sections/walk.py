"""One simulated trial in words, as a document. Takes the object of `conduct.walk`, and nothing else."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from doseopt.core.outcome_space import TOXICITY
from doseopt.core.text import counted
from doseopt.display.labels import made_by, reason_words
from doseopt.reports.render.document import Bullets, Document, Heading, Item, Paragraph


def walk_document(trial: Mapping[str, Any]) -> Document:
    """Return the trial as a document."""
    labels = trial["doses"]
    rates = ", ".join(f"{100 * p:.3g}% at {label}" for p, label in zip(trial["p_dlt"], labels, strict=True))
    items, patients, dlts = _in_time(trial) if "arrivals" in trial else _by_cohort(trial)
    blocks = (
        Paragraph(f"True DLT rates, which the design does not know: {rates}."),
        Heading("Arrival by arrival" if "arrivals" in trial else "Cohort by cohort"),
        Bullets(tuple(items), numbered=True),
        Heading("The end"),
        Paragraph(f"Patients: {patients}; with a DLT: {dlts}. {_declared(trial)}"),
        Paragraph(f"Made by {made_by(trial)}."),
    )
    return Document(f"One trial of {trial['design']} under {trial['scenario']!r}, seed {trial['seed']}", {}, blocks)


def _by_cohort(trial: Mapping[str, Any]) -> tuple[list[Item], int, int]:
    """Tell the cohorts, and count patients and DLTs."""
    items = []
    before: list[int] = []
    for one in trial["steps"]:
        items.append(_step(one, trial, before))
        before = one["inadmissible"]
    patients = sum(one["size"] for one in trial["steps"])
    return items, patients, sum(TOXICITY.counts(one["letters"])[0] for one in trial["steps"])


def _in_time(trial: Mapping[str, Any]) -> tuple[list[Item], int, int]:
    """Tell the arrivals, with what was known and who was pending at each, and count patients and DLTs."""
    labels, patients, last, items = trial["doses"], trial["patients"], 0.0, []
    for one in trial["arrivals"]:
        day = one["day"]
        news = _news(patients, last, day)
        details = [f"Before, on day {known:.0f}: {what}." for known, what in news]
        seen = [f"{y} of {n} at {label}" for label, n, y in zip(labels, one["n"], one["y"], strict=True) if n]
        details += [f"DLTs among those whose outcome is known: {', '.join(seen)}."] if seen else []
        waiting = [f"{labels[p['level'] - 1]} for {p['days']:.0f} days" for p in one["pending"]]
        details += [f"Pending: {', '.join(waiting)} of {trial['window']:g}."] if waiting else []
        done = "turned away" if one["level"] is None else f"given {labels[one['level'] - 1]}"
        done = f"the trial stops: {reason_words(one['stop'])}" if one["stop"] else f"a patient comes and is {done}"
        items.append(Item(f"Day {day:.0f}: {done}.", tuple(details)))
        last = day
    known = max((p["known"] for p in patients), default=0.0)
    details = [f"On day {when:.0f}: {what}." for when, what in _news(patients, last, math.inf)]
    items.append(Item(f"Day {known:.0f}: the outcomes of all patients are known.", tuple(details)))
    return items, len(patients), sum(p["dlt"] for p in patients)


def _news(patients: Sequence[Mapping[str, Any]], since: float, until: float) -> list[tuple[float, str]]:
    """Return the days, after one and up to another, on which something came to be known of patients, and what."""
    told = {
        "dlt": "a DLT of patient {}",
        "lost": "patient {} left the window, and counts no more",
        "moderate": "patient {} is followed up, with a moderate toxicity",
    }
    return [
        (p["known"], text.format(k))
        for k, p in enumerate(patients, 1)
        for what, text in told.items()
        if p.get(what) and since < p["known"] <= until
    ]


def _step(one: Mapping[str, Any], trial: Mapping[str, Any], before: list[int]) -> Item:
    """Tell one cohort, what it excludes, and what is done next."""
    labels = trial["doses"]
    new = [labels[level - 1] for level in one["inadmissible"] if level not in before]
    again = [labels[level - 1] for level in before if level not in one["inadmissible"]]
    known = [f"{labels[j]} {100 * p:.0f}%" for j, p in enumerate(one["estimated"]) if p is not None]
    details = [f"Excluded: {', '.join(new)} ({trial['exclusion']})."] if new else []
    details += [f"Admissible again: {', '.join(again)}."] if again else []
    details += [f"The design's own estimate of the DLT rate: {', '.join(known)}."] if known else []
    return Item(_told(one, labels), (*details, _then(one, labels)))


def _told(one: Mapping[str, Any], labels: list[str]) -> str:
    letters = one["letters"]
    dlts, moderate, worked = TOXICITY.counts(letters)[0], letters.count("M"), sum(map(letters.count, "EB"))
    seen = "no DLT" if dlts == 0 else counted(dlts, "DLT")
    also = f", {counted(moderate, 'moderate toxicity')}" if moderate else f", {worked} with efficacy" if worked else ""
    cohort = f"{counted(one['size'], 'patient')} at {labels[one['level'] - 1]}: {seen}{also}"
    return f"{cohort}. DLTs there so far: {one['y']} of {one['n']}."


def _then(one: Mapping[str, Any], labels: list[str]) -> str:
    if one["next_level"] is None:
        return f"The trial stops: {reason_words(one['then'])}."
    where = {"up": "Up to", "stay": "Stay at", "down": "Down to"}[one["then"]]
    return f"{where} {labels[one['next_level'] - 1]}, {counted(one['next_size'], 'patient')}."


def _declared(trial: Mapping[str, Any]) -> str:
    labels = trial["doses"]
    declared = "No MTD is declared" if trial["mtd"] is None else f"The MTD declared is {labels[trial['mtd'] - 1]}"
    verdict = "correct" if trial["correct"] else "not correct"
    if trial["true_mtd"] is None:
        return f"{declared}, which is {verdict}: no dose is right, so only declaring none is correct."
    return f"{declared}, which is {verdict}: the true MTD is {labels[trial['true_mtd'] - 1]}."
