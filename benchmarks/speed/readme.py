"""The times of docs/findings.md, made from the recorded results."""

from __future__ import annotations

import datetime
from textwrap import TextWrapper
from typing import Any

from benchmarks.speed.cases import GRAPHS
from benchmarks.speed.jobs import COMMANDS
from benchmarks.speed.measure import HEAVY

wrap = TextWrapper(120, break_on_hyphens=False, break_long_words=False).wrap

type Records = dict[str, dict[str, Any]]

ROWS = (
    ("the probability of every ending of the CRM 30 x 3 in 1,000 scenarios, its graph at hand", ("sweep/endings",)),
    ("all {measures} measures of that CRM in 1,000 scenarios, its graph at hand", ("sweep/measures",)),
    ("a posterior at 4 doses (mean, sd, 90% interval, two probabilities), empiric model", ("posterior/empiric",)),
    ("the same, logistic; two-parameter logistic", ("posterior/logistic", "posterior/two_parameter")),
    ("a simulated trial: 3+3; BOIN; CRM; BLRM", tuple(f"simulate/{d}/fresh" for d in ("3+3", "boin", "crm", "blrm"))),
    ("a simulated trial of BOIN, 200,000 at once: {rate} million a second", ("simulate/boin/many",)),
    ("the whole default comparison with its posteriors", ("compare/default",)),
    ("the comparison of all {design} designs of `library`", ("compare/library",)),
    (
        "the optimal policy, 4 doses, 400 scenarios: 30 patients in threes, {tallies} million tallies",
        ("policy/4_doses_30_in_threes",),
    ),
    ("the same, 25 single patients, {tallies} million tallies", ("policy/4_doses_25_singles",)),
    ("the same, 30 single patients, {tallies} million tallies, {peak}", ("policy/4_doses_30_singles",)),
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
)


def duration(seconds: float) -> str:
    """Write a time in its own unit, to two or three digits."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if seconds >= size * 0.9995 or unit == "us":
            value = seconds / size
            return f"{value:.1f} {unit}" if value < 9.95 else f"{value:.0f} {unit}"
    raise AssertionError


def megabytes(size: float) -> str:
    """Write a peak of memory."""
    return f"{size / 1e6:,.0f} MB"


def on_machine(results: dict[str, Any]) -> str:
    """Name the machine and the days, of the records where each has its own."""
    machine, days = results["machine"], sorted({record["date"] for record in results.get("records", [results])})
    python, numpy = machine["python"].rsplit(".", 1)[0], machine["numpy"]
    said = " to ".join(dict.fromkeys(map(_day, (days[0], days[-1]))))
    return f"one core of {machine['cores']} ({machine['processor']}, Python {python}, NumPy {numpy}), {said}"


def _day(iso: str) -> str:
    day = datetime.date.fromisoformat(iso)
    return f"{day.day} {day:%B %Y}"


def block(results: dict[str, Any]) -> str:
    """Return the tables and what surrounds them, to be pasted into docs/findings.md."""
    records: Records = {record["name"]: record for record in results["records"]}
    repeats = max(record["repeats"] for record in records.values())
    imports = megabytes(records["memory/imports"]["median"])
    lines = [
        *wrap(
            f"Medians of {repeats} runs, of one where that takes more than {HEAVY:g} s, on {on_machine(results)}; "
            f"nothing cached unless said so. Memory is the peak of the whole program, {imports} of it imports. "
            "`python3 run.py python benchmarks/speed/run.py` measures all of it again."
        ),
        "",
        "| graph of all states of a design, 4 doses unless said | states | median | memory |",
        "| --- | --- | --- | --- |",
    ]
    for name in GRAPHS:
        record = records[f"graph/{name}"]
        cells = (name, f"{record['counts']['states']:,}", duration(record["median"]), megabytes(record["peak_bytes"]))
        lines.append(f"| {' | '.join(cells)} |")
    lines += ["", "| what | median |", "| --- | --- |"]
    for text, names in ROWS:
        first, times = records[names[0]], "; ".join(duration(records[name]["median"]) for name in names)
        counts = first.get("counts", {})
        words = {
            "tallies": f"{counts.get('tallies', 0) / 1e6:.1f}",
            "rate": f"{1e-6 / first['median']:.1f}",
            "peak": megabytes(first.get("peak_bytes", 0)),
        }
        lines.append(f"| {text.format(**counts | words)} | {times} |")
    lines += [
        "",
        "| command on the bundled study, from a cold start | first table | end | memory |",
        "| --- | --- | --- | --- |",
    ]
    for name in COMMANDS:
        record = records[f"cold/{name}"]
        table = duration(record["first_table"]) if "first_table" in record else "-"
        cells = (f"`doseopt {name}`", table, duration(record["median"]), megabytes(record["peak_bytes"]))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
