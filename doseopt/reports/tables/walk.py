"""One simulated trial in words. Takes the object of `conduct.walk`, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from doseopt.reports.render.layout import heading, paragraph

WIDTH = 100


def walk_text(trial: Mapping[str, Any], width: int = WIDTH) -> Text:
    """Return the trial as text, no line longer than `width`."""
    labels = trial["doses"]
    rates = ", ".join(f"{100 * p:.3g}% at {label}" for p, label in zip(trial["p_dlt"], labels, strict=True))
    lines = paragraph(f"One trial of {trial['design']} under {trial['scenario']!r}, seed {trial['seed']}", width)
    lines += paragraph(f"True DLT rates, which the design does not know: {rates}.", width)
    lines.append(Text(""))
    before: list[int] = []
    for number, one in enumerate(trial["steps"], 1):
        lines += paragraph(_told(one, labels), width, "   ", f"{number}. ")
        new = [labels[level - 1] for level in one["inadmissible"] if level not in before]
        again = [labels[level - 1] for level in before if level not in one["inadmissible"]]
        if new:
            lines += paragraph(f"Excluded: {', '.join(new)} ({trial['exclusion']}).", width, "   ", "   ")
        if again:
            lines += paragraph(f"Admissible again: {', '.join(again)}.", width, "   ", "   ")
        before = one["inadmissible"]
        known = [f"{labels[j]} {100 * p:.0f}%" for j, p in enumerate(one["estimated"]) if p is not None]
        if known:
            lines += paragraph(f"The design's own estimate of the DLT rate: {', '.join(known)}.", width, "   ", "   ")
        lines += paragraph(_then(one, labels), width, "   ", "   ")
    lines += heading("The end", width)
    patients = sum(one["size"] for one in trial["steps"])
    dlts = sum(one["letters"].count("T") for one in trial["steps"])
    lines += paragraph(f"Patients: {patients}; with a DLT: {dlts}. {_declared(trial)}", width)
    made = f"Made by doseopt {trial['version']}, study {trial['study']} (hash {trial['study_hash']})."
    return Text("\n").join([*lines, *paragraph(made, width)])


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _told(one: Mapping[str, Any], labels: list[str]) -> str:
    dlts, moderate = one["letters"].count("T"), one["letters"].count("M")
    seen = "no DLT" if dlts == 0 else _many(dlts, "DLT")
    also = f", {_many(moderate, 'moderate toxicity')}" if moderate else ""
    cohort = f"{_many(one['size'], 'patient')} at {labels[one['level'] - 1]}: {seen}{also}"
    return f"{cohort}. DLTs there so far: {one['y']} of {one['n']}."


def _then(one: Mapping[str, Any], labels: list[str]) -> str:
    if one["next_level"] is None:
        return f"The trial stops: {one['then'].replace('_', ' ')}."
    where = {"up": "Up to", "stay": "Stay at", "down": "Down to"}[one["then"]]
    return f"{where} {labels[one['next_level'] - 1]}, {_many(one['next_size'], 'patient')}."


def _declared(trial: Mapping[str, Any]) -> str:
    labels = trial["doses"]
    declared = "No MTD is declared" if trial["mtd"] is None else f"The MTD declared is {labels[trial['mtd'] - 1]}"
    verdict = "correct" if trial["correct"] else "not correct"
    if trial["true_mtd"] is None:
        return f"{declared}, which is {verdict}: no dose is right, so only declaring none is correct."
    return f"{declared}, which is {verdict}: the true MTD is {labels[trial['true_mtd'] - 1]}."
