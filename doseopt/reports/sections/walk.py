"""One simulated trial in words, as a document. Takes the object of `conduct.walk`, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from doseopt.core.text import counted
from doseopt.display.labels import made_by, reason_words
from doseopt.reports.render.document import Bullets, Document, Heading, Item, Paragraph


def walk_document(trial: Mapping[str, Any]) -> Document:
    """Return the trial as a document."""
    labels = trial["doses"]
    rates = ", ".join(f"{100 * p:.3g}% at {label}" for p, label in zip(trial["p_dlt"], labels, strict=True))
    items = []
    before: list[int] = []
    for one in trial["steps"]:
        items.append(_step(one, trial, before))
        before = one["inadmissible"]
    patients = sum(one["size"] for one in trial["steps"])
    dlts = sum(one["letters"].count("T") for one in trial["steps"])
    blocks = (
        Paragraph(f"True DLT rates, which the design does not know: {rates}."),
        Heading("Cohort by cohort"),
        Bullets(tuple(items), numbered=True),
        Heading("The end"),
        Paragraph(f"Patients: {patients}; with a DLT: {dlts}. {_declared(trial)}"),
        Paragraph(f"Made by {made_by(trial)}."),
    )
    return Document(f"One trial of {trial['design']} under {trial['scenario']!r}, seed {trial['seed']}", {}, blocks)


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
    dlts, moderate = one["letters"].count("T"), one["letters"].count("M")
    seen = "no DLT" if dlts == 0 else counted(dlts, "DLT")
    also = f", {counted(moderate, 'moderate toxicity')}" if moderate else ""
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
