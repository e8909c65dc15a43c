"""The pace from which not waiting for pending patients pays: the study `renji-elo-pace`, recorded with its errors.

`python3 run.py python benchmarks/pace/run.py` runs it again and writes results/pace.json and the tables of README.md:
Poisson arrivals as the study states them, simulated for designs that do not wait, and arrivals at equal gaps, exact.
"""

from __future__ import annotations

import argparse
import datetime
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import doseopt
from benchmarks.speed.measure import machine
from benchmarks.speed.readme import on_machine, wrap
from doseopt.clock.arrivals import MONTH
from doseopt.core.files import write_whole
from doseopt.reports.sections.not_waiting import RULE, Gain, gains, months, share, signed, told

STUDY = "renji-elo-pace"
FOLDER = Path(__file__).parent
RESULTS, PAGE = FOLDER / "results" / "pace.json", FOLDER / "README.md"
MARK = "<!-- what follows is made by run.py from results/pace.json -->"
TRIALS, SEED = 20_000, 1
LATE = 0.9
"""Quantile of the duration that is told."""
ACCRUALS = {
    "poisson": "Patients at random (Poisson), as the study states",
    "fixed": "Patients at equal gaps",
}


def study_with(kind: str) -> Any:
    """Return the study with another law of the arrivals, its paces as they are."""
    study = doseopt.load_study(STUDY)
    return replace(study, clock=replace(study.clock, accrual=replace(study.clock.accrual, kind=kind)))


def compared(kind: str, trials: int, progress: Any = lambda _: None) -> xr.Dataset:
    """Return the comparison under a law of the arrivals; exact where that is possible."""
    engine = doseopt.ExactWherePossible(simulate=doseopt.Simulate(trials, SEED))
    return doseopt.compare(study_with(kind), engine, progress, posteriors=False)


def rows_of(ds: xr.Dataset) -> list[dict[str, Any]]:
    """Return means over the scenarios, a row a pace and design: probabilities, and days."""
    mean = ds.mean("scenario", skipna=False)
    each = {(gain.pace, gain.design): gain for gain in gains(ds)}
    rows = []
    for pace in ds["pace"].to_numpy().tolist():
        for name in map(str, ds["design"].to_numpy()):
            at = mean.sel(pace=pace, design=name)
            row = {"pace": pace, "design": name, "engine": str(ds["engine"].sel(design=name).item())}
            for which in ("correct", "overdose"):
                row[which] = float(at[f"{which}_selection_at_pace"])
                error = at.get(f"{which}_selection_at_pace_mcse", 0.0)  # there is none where all is exact
                row[f"{which}_error_at_most"] = float(error)
            late = float(at["duration_quantile_at_pace"].sel(time_quantile=LATE))
            row |= {"duration": float(at["duration_at_pace"]), "duration_late": None if np.isnan(late) else late}
            if gain := each.get((pace, name)):
                row |= {"waits_as": gain.waits_as, "saved": gain.saved, "of": gain.of}
                row |= {"correct_gain": gain.correct, "overdose_gain": gain.overdose, "gain_error": gain.error}
            rows.append(row)
    return rows


def run(trials: int = TRIALS) -> dict[str, Any]:
    """Return everything that is recorded."""
    study, found = doseopt.load_study(STUDY), {}
    for kind in ACCRUALS:
        ds = compared(kind, trials, lambda name, kind=kind: print(f"{kind}: {name}", file=sys.stderr, flush=True))
        found[kind] = rows_of(ds)
    return {
        "machine": machine(),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "version": doseopt.__version__,
        "study": study.name,
        "study_hash": study.hash,
        "trials": trials,
        "seed": SEED,
        "accrual": found,
    }


def gains_of(rows: list[dict[str, Any]]) -> list[Gain]:
    """Return what is recorded of not waiting."""
    names = ("design", "waits_as", "pace", "saved", "of")
    return [
        Gain(*(row[name] for name in names), row["correct_gain"], row["overdose_gain"], row["gain_error"])
        for row in rows
        if "waits_as" in row
    ]


def own_pace() -> float:
    """Return the registered pace, in patients a month."""
    return float(doseopt.load_study(STUDY).clock.accrual.per_month)


def answer(results: dict[str, Any]) -> str:
    """Return the answer in a few sentences."""
    random, even = (gains_of(results["accrual"][kind]) for kind in ACCRUALS)
    own, capped = own_pace(), [gain.design for gain in random if gain.design.startswith("TITE")]
    at = {(kind, g.design): g for kind, found in (("r", random), ("e", even)) for g in found if g.pace == own}
    each = [
        f"{name} saves {months(at['r', name])} of {at['r', name].of / MONTH:.1f} months if patients come at random "
        f"({months(at['e', name])} if at equal gaps)"
        for name in dict.fromkeys(capped)
    ]
    faster = [gain for gain in (*random, *even) if gain.pace > own and gain.design in capped]
    rest = [gain for gain in (*random, *even) if gain.design not in capped]
    low, high = (pick(faster, key=lambda g: g.saved) for pick in (min, max))
    least, most = (pick(faster, key=lambda g: g.saved / g.of) for pick in (min, max))
    lost, over = max(-gain.correct for gain in faster), max(gain.overdose for gain in faster)
    paces = sorted({gain.pace for gain in faster})
    other, best = rest[0].design, max(rest, key=lambda g: g.saved)
    span = f"{months(low)} to {months(high)} months under either, {share(least)} to {share(most)}% of the trial"
    return (
        f"At the registered pace of {own:g} patients a month {' and '.join(each)}; at {paces[0]:g} to {paces[-1]:g} "
        f"they save {span}, for at most {lost:.1f} points of correct and {over:.1f} of overdose selection. "
        f"{other.capitalize()} saves at most {months(best)} months."
    )


def block(results: dict[str, Any]) -> str:
    """Return the tables and findings of the page."""
    errors = [gain.error for gain in gains_of(results["accrual"]["poisson"])]
    lines = [
        *wrap(f"**{answer(results)}**"),
        "",
        *wrap(
            f"{results['trials']:,} simulated trials a scenario, seed {results['seed']}, doseopt {results['version']}, "
            f"study `{results['study']}` ({results['study_hash']}); {on_machine(results)}. Standard errors of what is "
            f"gained and lost by not waiting: at most {max(errors):.2f} percentage points, as both designs of a pair "
            f"treat the same patients. Not waiting pays (*) where it {RULE}."
        ),
    ]
    for kind, title in ACCRUALS.items():
        rows = results["accrual"][kind]
        lines += ["", f"## {title}", "", *_table(rows), ""]
        lines += [line for text in told(gains_of(rows), own_pace()) for line in wrap(f"- {text}")]
    return "\n".join(lines) + "\n"


def _table(rows: list[dict[str, Any]]) -> list[str]:
    """Return one table: a row a pace and design."""
    head = ["a month", "design", "correct", "overdose", "months", "9 in 10 by"]
    head += ["waits", "months saved", "correct", "overdose"]
    lines = [f"| {' | '.join(head)} |", f"| --- | --- |{' ---: |' * 4} --- |{' ---: |' * 3}"]
    for row in rows:
        late, drawn = row["duration_late"], "~" if row["engine"] == "simulated" else ""
        cells = [f"{row['pace']:g}", row["design"], *(f"{drawn}{100 * row[w]:.1f}" for w in ("correct", "overdose"))]
        cells += [f"{row['duration'] / MONTH:.1f}", "-" if late is None else f"{late / MONTH:.1f}"]
        for gain in gains_of([row]):
            saved = f"{months(gain)} ({share(gain)}%){'*' if gain.pays else ''}"
            cells += [gain.waits_as, saved, signed(gain.correct), signed(gain.overdose)]
        lines.append(f"| {' | '.join([*cells, *[''] * (len(head) - len(cells))])} |")
    return lines


def page(results: dict[str, Any]) -> str:
    """Return the page with what is made from the results below its mark."""
    above = PAGE.read_text(encoding="utf-8").partition(MARK)[0]
    return f"{above}{MARK}\n\n{block(results)}"


def main(given: Sequence[str] | None = None) -> int:
    """Run the study and record it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--page", action="store_true", help="write the page again from the recorded results only")
    if not parser.parse_args(given).page:
        text = json.dumps(run(), indent=1) + "\n"
        write_whole(RESULTS, lambda path: path.write_text(text, encoding="utf-8"))
    made = page(json.loads(RESULTS.read_text(encoding="utf-8")))
    write_whole(PAGE, lambda path: path.write_text(made, encoding="utf-8"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
