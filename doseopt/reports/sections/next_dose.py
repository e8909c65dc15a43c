"""What each design does now, as a document. Takes the object of `conduct.next_dose`, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from doseopt.conduct.groupings import NO_COHORTS
from doseopt.core.text import counted
from doseopt.display.labels import listed, made_by, reason_words
from doseopt.reports.render.document import Block, Bullets, Caution, Document, Heading, Item, Paragraph, Table


def next_document(answer: Mapping[str, Any]) -> Document:
    """Return the answer as a document."""
    target, level = 100 * answer["target"], 100 * answer["level"]
    labels = [dose["label"] for dose in answer["doses"]]
    counting = [name for name, one in answer["designs"].items() if one["on_pending"]]
    counting += ["the study's model (in part)"] if answer["counted_in_part"] else []
    blocks = [
        *(Caution(warning) for warning in str(answer["warnings"]).splitlines()),
        *not_counted(str(answer["follow_up"]), str(answer["left_out"]), str(answer["cutoff"]), counting),
        *_grouping(answer),
        Heading("What each design does now"),
        Bullets(tuple(_item(name, one, answer) for name, one in answer["designs"].items())),
        *_ask_again(answer),
        Heading("What is known of each dose"),
        Paragraph(f"Posterior of the study's model: {answer['prior']}."),
        Table(
            "Posterior DLT rates (%)",
            ("dose", "n", "DLT", "mean", f"{level:.0f}% interval", f"Pr(>{target:.3g}%)"),
            tuple(_known(dose) for dose in answer["doses"]),
        ),
        Table(
            "DLT rates as each design estimates them by itself (%)",
            ("", *labels),
            tuple((name, *_estimates(one)) for name, one in answer["designs"].items()),
            labels=True,
        ),
        Paragraph(f"Made by {made_by(answer)}."),
    ]
    return Document(str(answer["title"]), {}, tuple(blocks))


def not_counted(pending: str, left_out: str, cutoff: str = "", counting: Sequence[str] = ()) -> list[Block]:
    """Name the cut-off of the data, the patients who are pending, and the designs counting them, or left out."""
    who = f"counted by {listed(counting)} only" if counting else "not counted"
    said = {"Cut-off": cutoff, f"Pending, {who}": pending, "Left out": left_out}
    return [Caution(f"{what}: {names}") for what, names in said.items() if names]


def _ask_again(answer: Mapping[str, Any]) -> list[Block]:
    """Say when a pending patient who is waited for completes the DLT window."""
    again = answer["ask_again"]
    if again is None or all(one["action"] != "wait" for one in answer["designs"].values()):
        return []
    when = f"in {counted(again['days'], 'day')}{', on ' * bool(again['on'])}{again['on'] or ''}"
    many = "complete" if len(again["patients"]) > 1 else "completes"
    who = f"{', '.join(again['patients'])} {many} the DLT window"
    return [Paragraph(f"Ask again {when}: {who} then. A DLT before that is known at once.")]


def _grouping(answer: Mapping[str, Any]) -> list[Block]:
    """Say how patients were grouped into cohorts, where the data do not, and which answers depend on it."""
    grouping = answer["grouping"]
    if not grouping["ambiguous"]:
        return []
    blocks: list[Block] = [Caution(f"{NO_COHORTS}.")]
    same: dict[str, list[str]] = {}
    for name, found in grouping["depends"].items():
        ways = "; ".join(f"{one['cohorts']}: {decision_words(one, answer)}" for one in found["ways"])
        when = f" if the pending patients have {found['if']}" if found["if"] else ""
        same.setdefault(f"depends on how patients were grouped{when}: {ways}", []).append(name)
    blocks += [Caution(f"The answer of {', '.join(names)} {text}.") for text, names in same.items()]
    if grouping["unchecked"]:
        names = ", ".join(grouping["unchecked"])
        blocks.append(Caution(f"Whether the answer of {names} depends on it was not checked: too many ways."))
    return blocks


def _item(name: str, one: Mapping[str, Any], answer: Mapping[str, Any]) -> Item:
    """Say what a design does, after each outcome of pending patients, and what it departs from."""
    details = [f"if {', '.join(outcomes)}: {said}" for said, outcomes in _by_decision(one, answer).items()]
    details += [f"titration: {one['titration']}"] if one["titration"] else []
    details += [f"departure: {departure}; answered from the tallies" for departure in one["departures"]]
    if one["inadmissible"]:
        out = ", ".join(d["label"] for d in one["inadmissible"])
        details.append(f"inadmissible: {out} - {one['inadmissible'][0]['why']}")
    return Item(f"{name}: {decision_words(one, answer)}", tuple(details))


def _by_decision(one: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the outcomes of pending patients by what is then done."""
    found: dict[str, list[str]] = {}
    for outcome, then in one["if"].items():
        found.setdefault(decision_words(then, answer), []).append(outcome)
    return found


def decision_words(one: Mapping[str, Any], answer: Mapping[str, Any]) -> str:
    """Say what a design does: an answer of `next_dose`, or a part of one that waits."""
    if one["action"] == "wait":
        many = f"wait for {counted(one['pending'], 'patient')}"
        if one["level"] is not None:
            return f"{many}: nobody is enrolled; decide again when the next patient comes"
        return many if one["if"] else f"{many}; their outcomes are too many to tell apart"
    if one["unfinished"]:
        treated, wanted = one["unfinished"]["treated"], one["unfinished"]["of"]
        where = f"at {one['dose']} (level {one['level']})"
        return f"{one['size']} more {where} first: the cohort has {treated} of {wanted} patients"
    if one["stop"] is None:
        many = f"{one['fewest']} to " if "fewest" in one else ""
        return f"{many}{counted(one['size'], 'patient')} at {one['dose']} (level {one['level']})"
    stop = f"stop ({reason_words(one['stop'])})"
    if "awaits" in one:
        return f"{stop}; no MTD before the follow-up of {counted(one['awaits'], 'pending patient')}"
    if one["mtd"] is None:
        return f"{stop}; no MTD"
    return f"{stop}; MTD {answer['doses'][one['mtd'] - 1]['label']} (level {one['mtd']})"


def _known(dose: Mapping[str, Any]) -> tuple[str, ...]:
    mean, low, high, above = (f"{100 * dose[name]:.1f}" for name in ("mean", "lower", "upper", "p_above_target"))
    return dose["label"], str(dose["n"]), str(dose["y"]), mean, f"{low} to {high}", above


def _estimates(one: Mapping[str, Any]) -> list[str]:
    return ["-" if rate is None else f"{100 * rate:.1f}" for rate in one["estimated"]]
