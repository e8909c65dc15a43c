"""Measure and record everything about speed: `python3 run.py python benchmarks/speed/run.py [--quick] [--out DIR]`.

Writes speed.json, peers.csv, peers.md, pending.md, accuracy.md and figures/ into DIR (else benchmarks/speed/results),
on one core in a few minutes (Linux). `--quick` takes seconds: one run of each, and only what is fast. `--markdown`
measures nothing: it prints the times of docs/findings.md from DIR/speed.json.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy is loaded, which reads it once
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import argparse
import csv
import datetime
import json
from typing import Any

from benchmarks.speed import accuracy, figures, jobs, memory, peers, pending, readme, scaling
from benchmarks.speed.measure import machine
from doseopt.core.files import write_whole

TASKS = (*jobs.TASKS, *scaling.TASKS, *memory.TASKS, *accuracy.TASKS, *peers.TASKS, *pending.TASKS)
RESULTS = Path(__file__).with_name("results")
REPEATS = 5


def measure(quick: bool) -> dict[str, Any]:
    """Return all records, with the machine and the day."""
    records = []
    for task in TASKS:
        if not (quick and task.slow):
            print(task.name, file=sys.stderr, flush=True)
            records.append({"name": task.name} | task.measure(1 if quick else REPEATS))
    return {"machine": machine(), "date": datetime.date.today().isoformat(), "quick": quick, "records": records}


def write(results: dict[str, Any], folder: Path) -> None:
    """Write the results and what is made from them."""
    folder.mkdir(parents=True, exist_ok=True)
    records = results["records"]
    rows = peers.rows({record["name"]: record for record in records})
    texts = {
        "speed.json": json.dumps(results, indent=1) + "\n",
        "peers.md": peers.markdown(rows, readme.on_machine(results)),
        "pending.md": pending.markdown({record["name"]: record for record in records}, readme.on_machine(results)),
        "accuracy.md": accuracy.markdown(records, readme.on_machine(results)),
    }
    for name, text in texts.items():
        write_whole(folder / name, lambda path, text=text: path.write_text(text, encoding="utf-8"))
    write_whole(folder / "peers.csv", lambda path: _table(rows, path))
    figures.save_all(records, folder / "figures")


def _table(rows: list[dict[str, str]], path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, peers.COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="DIR")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args(arguments)
    if given.markdown:
        print(readme.block(json.loads((given.out / "speed.json").read_text(encoding="utf-8"))), end="")
    else:
        write(measure(given.quick), given.out)


if __name__ == "__main__":
    main()
