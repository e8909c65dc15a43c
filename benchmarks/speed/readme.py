"""The times of docs/findings.md, made from the recorded results."""

from __future__ import annotations

import datetime
from textwrap import TextWrapper
from typing import Any

wrap = TextWrapper(120, break_on_hyphens=False, break_long_words=False).wrap

type Records = dict[str, dict[str, Any]]

ROWS = (
    ("graph of a CRM, 4 doses, 30 patients in threes: {states:,} states", ("graph/crm",)),
    ("graph of BOIN in single patients, 4 doses, 30 patients: {states:,} states", ("graph/boin_singles",)),
    ("graph of a BLRM, 4 doses, 30 patients in threes: {states:,} states", ("graph/blrm",)),
    ("the probability of every ending of that CRM in 1,000 scenarios, its graph at hand", ("sweep/endings",)),
    ("all {measures} measures of that CRM in 1,000 scenarios, its graph at hand", ("sweep/measures",)),
    ("a posterior at 4 doses (mean, sd, 90% interval, two probabilities), empiric model", ("posterior/empiric",)),
    ("the same, logistic; two-parameter logistic", ("posterior/logistic", "posterior/two_parameter")),
    ("a simulated trial: 3+3; BOIN; CRM; BLRM", tuple(f"simulate/{d}/fresh" for d in ("3+3", "boin", "crm", "blrm"))),
    ("the whole default comparison with its posteriors", ("compare/default",)),
    ("the comparison of all {design} designs of `library`", ("compare/library",)),
    (
        "the optimal policy, 4 doses, 400 scenarios: 30 patients in threes, {tallies} million tallies",
        ("policy/4_doses_30_in_threes",),
    ),
    ("the same, 25 single patients, {tallies} million tallies", ("policy/4_doses_25_singles",)),
    ("the same, 30 single patients, {tallies} million tallies", ("policy/4_doses_30_singles",)),
    (
        "the same, 5 doses: 30 in threes; 20 single patients",
        ("policy/5_doses_30_in_threes", "policy/5_doses_20_singles"),
    ),
    (
        "the same, 6 doses: 30 in threes; 15 single patients",
        ("policy/6_doses_30_in_threes", "policy/6_doses_15_singles"),
    ),
    ("calibration, a candidate: a CRM, 4 doses, 24 patients in threes, over 200 scenarios", ("calibrate/crm",)),
    ("an amendment after 4 patients: registered against amended", ("amend",)),
    ("`doseopt compare` from a cold start: imports, tables, data, figures", ("cold/compare",)),
    ("`doseopt posterior` from a cold start, by quadrature", ("cold/posterior",)),
)


def duration(seconds: float) -> str:
    """Write a time in its own unit, to two or three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size * 0.9995 or unit == "us":
            value = seconds / size
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    raise AssertionError


def megabytes(record: dict[str, Any]) -> str:
    """Write a peak of memory."""
    return f"{record['median'] / 1e6:.0f} MB"


def on_machine(results: dict[str, Any]) -> str:
    """Name the machine and the day."""
    machine, day = results["machine"], datetime.date.fromisoformat(results["date"])
    python, numpy = machine["python"].rsplit(".", 1)[0], machine["numpy"]
    return (
        f"one core of {machine['cores']} ({machine['processor']}, Python {python}, NumPy {numpy}), "
        f"{day.day} {day:%B %Y}"
    )


def block(results: dict[str, Any]) -> str:
    """Return the table and what surrounds it, to be pasted into docs/findings.md."""
    records: Records = {record["name"]: record for record in results["records"]}
    repeats = min(record["repeats"] for record in records.values())
    lines = [
        *wrap(
            f"Medians of at least {repeats} runs on {on_machine(results)}; nothing cached unless said so. "
            "`python3 run.py python benchmarks/speed/run.py` measures them again."
        ),
        "",
        "| what | median |",
        "| --- | --- |",
    ]
    for text, names in ROWS:
        first, times = records[names[0]], "; ".join(duration(records[name]["median"]) for name in names)
        counts = first.get("counts", {})
        millions = f"{counts.get('tallies', 0) / 1e6:.1f}"
        text = text.format(**counts | {"tallies": millions})
        lines.append(f"| {text} | {times} |")
    names = ("imports", "compare_default", "graph_boin_singles", "policy_25_singles")
    imports, comparison, graph, policy = (megabytes(records[f"memory/{name}"]) for name in names)
    lines += [
        "",
        *wrap(
            f"Peak memory, {imports} of it imports: {comparison} for the default comparison, {graph} for that "
            f"graph of BOIN in single patients, {policy} for the optimal policy of 25 single patients."
        ),
    ]
    return "\n".join(lines) + "\n"
