"""The parts of the README that hold numbers, made from results files and from what is computed."""

import csv
import json
from pathlib import Path
from textwrap import TextWrapper

import doseopt
from benchmarks.speed import readme as speed
from doseopt.reports.sections.findings import findings

ROOT = Path(__file__).parents[1]
wrap = TextWrapper(120, break_on_hyphens=False, break_long_words=False).wrap


def read(path):
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def the_finding():
    """The findings of the bundled comparison, a paragraph each."""
    return ["\n".join(wrap(text)) for text in findings(doseopt.compare(doseopt.load_study()))]


def calibration():
    """What tuning gains, from the recorded calibrations."""
    record = read("paper/results/recorded/calibrations.json")
    counts = [len(design["scores"]) for design in record["designs"].values()]
    lines = [
        *wrap(
            f"What tuning gains ({min(counts)} to {max(counts)} exact candidates each; correct selection in percent, "
            f"averaged over the belief, then over {record['held_out']}; shares of the gap to the attainable):"
        ),
        "",
        "| design | as it is | calibrated | gap closed | held out: as it is | calibrated | gap closed |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for design in record["designs"].values():
        cells = [design["name"]]
        for over in ("belief", "held out"):
            before, after = (design["compared"][over][k]["correct_selection"] for k in ("default", "calibrated"))
            closed = (after - before) / (design["attainable"][over] - before)
            cells += [f"{100 * before:.1f}", f"{100 * after:.1f}", f"{100 * closed:.0f}%"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


SIZES = ("10", "13", "25")
SHOWN = ("CRM calibrated", "CRM", "BOIN", "BLRM", "ATD+3+3", "3+3 six", "Bayes-optimal", "complete information")


def benchmark():
    """Mean correct selection over the random families, from the statistical benchmark."""
    with (ROOT / "benchmarks/statistical/results/summary.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if float(row["target"]) == 0.25]
    mean = {(r["family"], r["enrolment"], r["design"]): f"{100 * float(r['correct_selection']):.1f}" for r in rows}
    families = ("paoletti", "clertant")
    counts = {row["scenarios"] for row in rows if row["family"] == "paoletti" and row["design"] == "CRM"}
    (count,) = counts
    lines = [
        *wrap(
            f"Mean correct selection (%) at a target of 0.25, over {int(count):,} random scenarios of each of two "
            f"published generators, with at most {', '.join(SIZES[:-1])} and {SIZES[-1]} patients:"
        ),
        "",
        "| design | " + " | ".join(f"{family}, {n}" for family in families for n in SIZES) + " |",
        "| --- |" + " --- |" * (len(families) * len(SIZES)),
    ]
    for name in SHOWN:
        reference = "*" if name in ("Bayes-optimal", "complete information") else ""
        cells = [mean[family, n, name] for family in families for n in SIZES]
        lines.append(f"| {reference}{name}{reference} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def times():
    """The section on speed."""
    return speed.block(read("benchmarks/speed/results/speed.json")).strip()
