"""What each design does now, as text. Takes the object of `conduct.next_dose`, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from doseopt.tables.layout import grid, heading, page_width, paragraph

WIDTH = 100


def print_next(answer: Mapping[str, Any], console: Console) -> None:
    """Print the answer, 100 columns wide or as wide as a narrower terminal."""
    width = page_width(console)
    console.print(next_text(answer, width), soft_wrap=True)


def next_text(answer: Mapping[str, Any], width: int = WIDTH) -> Text:
    """Return the answer as text, no line longer than `width`."""
    lines = paragraph(str(answer["title"]), width, style="bold")
    for warning in str(answer["warnings"]).splitlines():
        lines += paragraph(warning, width, "  ", "! ")
    lines += heading("What each design does now", width)
    for name, one in answer["designs"].items():
        lines += paragraph(_said(one, answer), width, "  ", f"{name}: ")
        for departure in one["departures"]:
            lines += paragraph(f"departure: {departure}; answered from the tallies", width, "    ", "  ! ")
        if one["inadmissible"]:
            out = ", ".join(d["label"] for d in one["inadmissible"])
            lines += paragraph(f"inadmissible: {out} - {one['inadmissible'][0]['why']}", width, "    ", "  ")
    target, level = 100 * answer["target"], 100 * answer["level"]
    lines += heading("What is known of each dose", width)
    lines += paragraph(f"Posterior of the study's model, rates in %: {answer['prior']}.", width)
    head = ["dose", "n", "DLT", "mean", f"{level:.0f}% interval", f"Pr(>{target:.3g}%)"]
    lines += grid(head, [_known(dose) for dose in answer["doses"]], width=width)
    lines += heading("DLT rates as each design estimates them by itself (%)", width)
    labels = [dose["label"] for dose in answer["doses"]]
    lines += grid(["", *labels], [[name, *_estimates(one)] for name, one in answer["designs"].items()], width=width)
    made = f"Made by doseopt {answer['version']}, study {answer['study']} (hash {answer['study_hash']})."
    return Text("\n").join([*lines, Text(""), *paragraph(made, width)])


def _said(one: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    if one["stop"] is None:
        many = "1 patient" if one["size"] == 1 else f"{one['size']} patients"
        return f"{many} at {one['dose']} (level {one['level']})"
    if one["mtd"] is None:
        return f"stop ({one['stop'].replace('_', ' ')}); no MTD"
    return (
        f"stop ({one['stop'].replace('_', ' ')}); MTD {answer['doses'][one['mtd'] - 1]['label']} (level {one['mtd']})"
    )


def _known(dose: Mapping[str, Any]) -> list[str]:
    mean, low, high, above = (f"{100 * dose[name]:.1f}" for name in ("mean", "lower", "upper", "p_above_target"))
    return [dose["label"], str(dose["n"]), str(dose["y"]), mean, f"{low} to {high}", above]


def _estimates(one: Mapping[str, Any]) -> list[str]:
    return ["-" if rate is None else f"{100 * rate:.1f}" for rate in one["estimated"]]
