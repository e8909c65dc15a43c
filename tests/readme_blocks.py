"""The parts of README and docs/findings.md that hold numbers, made from results files and from what is computed."""

import csv
import json
from pathlib import Path
from textwrap import TextWrapper

import doseopt
from benchmarks.pace import run as pace
from benchmarks.speed import readme as speed
from doseopt.comparison.break_even import break_even
from doseopt.display.break_even import where_ahead
from doseopt.reports.sections.findings import findings

ROOT = Path(__file__).parents[1]
wrap = TextWrapper(120, break_on_hyphens=False, break_long_words=False).wrap


def read(path):
    return json.loads((ROOT / path).read_text(encoding="utf-8"))


def the_finding():
    """The finding of the bundled comparison: five sentences and a table."""
    study = doseopt.load_study()
    ds = doseopt.compare(study, posteriors=False)
    mean, registered = ds.mean("scenario"), study.proposal.registered
    free = mean.sel(design="ATD+3+3 uncapped")
    trial = str(ds["in_vain"].sel(design=registered).item())
    needed = float(ds["fewest_patients"].sel(design="ATD+3+3 uncapped")[-1])
    right, over = (f"{100 * float(free[name]):.1f}%" for name in ("correct_selection", "overdose_selection"))
    said = findings(ds)
    sentences = [
        f"After {trial} - {sum(c.isalpha() for c in trial)} patients, no DLT - the registered rules, read with a cap "
        f"at the {study.planned_enrolment} patients planned ({registered}), are certain to end without an MTD: that "
        "nobody can dispute.",
        next(text for text in said if " points more often than " in text),
        f"Without the cap the same rules select correctly in {right} of trials (overdose {over}), with "
        f"{float(free['sample_size']):.1f} patients expected: by the protocol's own definition, at most 1 DLT in at "
        f"least 6 patients, a trial without any DLT needs 1 + 3 + 3 + 6 = {needed:.0f} patients for the fourth dose.",
        next(text for text in said if text.startswith("Who is ahead")),
        _false_dlts(study),
    ]
    return ["\n".join(wrap(text)) for text in sentences] + [_by_definition(ds, mean)]


def _false_dlts(study):
    """Up to which share of false DLTs 25 patients buy something."""
    each = []
    for other in ("CRM 13", "ATD+3+3 uncapped"):
        found = break_even(study, other, ["CRM 25"]).sel(perturbation="false_dlts", criterion="mean", design="CRM 25")
        each.append(f"{other}: {where_ahead(found)}")
    return (
        "The 25 patients of CRM 25 buy correct selection only while few patients have an event that is called a DLT "
        f"and is none, by the share of patients who do: against {'; against '.join(each)}."
    )


def _by_definition(ds, mean):
    """Correct and overdose selection by definition, and what a trial takes."""
    pair = [ds[f"{name}_by_definition"].mean("scenario") for name in ("correct", "overdose")]
    others = [str(name) for name in ds["definition"].to_numpy()]
    head = [
        "design",
        f"closest to {ds.attrs['target']:g}",
        *others[1:],
        "no MTD",
        "meets the registered definition",
        "patients",
        "below the MTD",
        "above it",
    ]
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    for name in map(str, ds["design"].to_numpy()):
        at = mean.sel(design=name)
        cells = [name]
        for definition in others:
            one = [100 * float(value.sel(design=name, definition=definition)) for value in pair]
            cells.append(f"{one[0]:.1f} / {one[1]:.1f}")
        cells += [f"{100 * float(at[m]):.1f}" for m in ("no_selection", "meets_definition")]
        cells += [f"{float(at[m]):.1f}" for m in ("sample_size", "patients_below_mtd", "patients_above_mtd")]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


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


def waiting():
    """When it pays not to wait for pending patients, from the recorded answer."""
    answer = pace.answer(json.loads(pace.RESULTS.read_text(encoding="utf-8")))
    text = "When does it pay not to wait for pending patients?"
    return "\n".join(wrap(f"{text} {answer} The tables, the rule and the errors: `benchmarks/pace`."))
