"""What each design does now, as text. Takes the object of `conduct.next_dose`, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from doseopt.conduct.groupings import NO_COHORTS
from doseopt.reports.render.layout import grid, heading, page_width, paragraph

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
    lines += not_counted(", ".join(answer["pending"]), str(answer["left_out"]), width)
    lines += _grouping(answer, width)
    lines += heading("What each design does now", width)
    for name, one in answer["designs"].items():
        lines += paragraph(_said(one, answer), width, "  ", f"{name}: ")
        for said, outcomes in _by_decision(one, answer).items():
            lines += paragraph(f"if {', '.join(outcomes)}: {said}", width, "    ", "  ")
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


def counted(patients: int) -> str:
    """Return a number of patients in words."""
    return "1 patient" if patients == 1 else f"{patients} patients"


def not_counted(pending: str, left_out: str, width: int) -> list[Text]:
    """Name the patients who are pending or left out."""
    lines = paragraph(f"Pending, not counted: {pending}", width, "  ", "! ") if pending else []
    return lines + (paragraph(f"Left out: {left_out}", width, "  ", "! ") if left_out else [])


def _grouping(answer: Mapping[str, Any], width: int) -> list[Text]:
    """Say how patients were grouped into cohorts, where the data do not, and which answers depend on it."""
    grouping = answer["grouping"]
    if not grouping["ambiguous"]:
        return []
    lines = paragraph(f"{NO_COHORTS}.", width, "  ", "! ")
    same: dict[str, list[str]] = {}
    for name, found in grouping["depends"].items():
        ways = "; ".join(f"{one['cohorts']}: {_said(one, answer)}" for one in found["ways"])
        when = f" if the pending patients have {found['if']}" if found["if"] else ""
        same.setdefault(f"depends on how patients were grouped{when}: {ways}", []).append(name)
    for text, names in same.items():
        lines += paragraph(f"The answer of {', '.join(names)} {text}.", width, "  ", "! ")
    if grouping["unchecked"]:
        text = f"Whether the answer of {', '.join(grouping['unchecked'])} depends on it was not checked: too many ways."
        lines += paragraph(text, width, "  ", "! ")
    return lines


def _by_decision(one: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the outcomes of pending patients by what is then done."""
    found: dict[str, list[str]] = {}
    for outcome, then in one["if"].items():
        found.setdefault(_said(then, answer), []).append(outcome)
    return found


def _said(one: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    if one["action"] == "wait":
        many = f"wait for {counted(one['pending'])}"
        return many if one["if"] else f"{many}; their outcomes are too many to tell apart"
    if one["unfinished"]:
        treated, wanted = one["unfinished"]["treated"], one["unfinished"]["of"]
        where = f"at {one['dose']} (level {one['level']})"
        return f"{one['size']} more {where} first: the cohort has {treated} of {wanted} patients"
    if one["stop"] is None:
        return f"{counted(one['size'])} at {one['dose']} (level {one['level']})"
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
