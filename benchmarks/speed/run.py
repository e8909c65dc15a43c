"""Measure and record everything about speed: `python3 run.py python benchmarks/speed/run.py [--quick] [--out DIR]`.

Writes speed.json, peers.csv, peers.md, pending.md, accuracy.md and figures/ into DIR (else benchmarks/speed/results),
on one core within a quarter of an hour (Linux). What was measured before an interrupt stays in DIR/unfinished.json, and
the next run goes on there if the code is still the same. `--only PATTERN` (`--only "cold/*"`) measures some tasks anew
and keeps the other records of DIR. `--quick` takes seconds: one run of each, and only what is fast. `--markdown`
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
import hashlib
import json
from collections.abc import Callable
from fnmatch import fnmatch
from typing import Any

from benchmarks.speed import accuracy, figures, jobs, peers, pending, readme, scaling
from benchmarks.speed.measure import ROOT, Record, Task, machine
from doseopt.core.files import write_whole

TASKS = (*jobs.TASKS, *scaling.TASKS, *accuracy.TASKS, *peers.TASKS, *pending.TASKS)
RESULTS = Path(__file__).with_name("results")
REPEATS = 5


UNFINISHED = "unfinished.json"


def measure(folder: Path, quick: bool = False) -> dict[str, Any]:
    """Return all records, with the machine, and go on where a run of the same code was interrupted."""
    file, head = folder / UNFINISHED, {"machine": machine(), "quick": quick, "code": code()}
    before = _read(file) if file.exists() else {}
    kept = before["records"] if head.items() <= before.items() else []
    done = {record["name"] for record in kept}
    return _measured(file, head, kept, quick, lambda task: task.name not in done and not (quick and task.slow))


def measure_again(folder: Path, pattern: str) -> dict[str, Any]:
    """Return the records of a folder, those whose name fits a pattern measured anew."""
    file = folder / "speed.json"
    before = _read(file)
    if before["machine"] != machine():
        raise SystemExit(f"{file} is of another machine: {before['machine']}")
    head = {"machine": before["machine"], "quick": before["quick"]}
    return _measured(file, head, before["records"], before["quick"], lambda task: fnmatch(task.name, pattern))


def _measured(
    file: Path, head: dict[str, Any], kept: list[Record], quick: bool, wanted: Callable[[Task], bool]
) -> dict[str, Any]:
    """Measure what is wanted, and write the file after each task; other records are kept as they are."""
    file.parent.mkdir(parents=True, exist_ok=True)
    records, results = {record["name"]: record for record in kept}, head | {"records": kept}
    for task in filter(wanted, TASKS):
        print(task.name, file=sys.stderr, flush=True)
        day = datetime.date.today().isoformat()
        records[task.name] = {"name": task.name, "date": day} | task.measure(1 if quick else REPEATS)
        results = head | {"records": [records[task.name] for task in TASKS if task.name in records]}
        _save(results, file)
    return results


def _read(file: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    return found


def _save(results: dict[str, Any], file: Path) -> None:
    write_whole(file, lambda path: path.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8"))


def code() -> str:
    """Return a digest of the code that is measured and that measures."""
    files = sorted(path for part in ("doseopt", "benchmarks/speed") for path in (ROOT / part).rglob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


def write(results: dict[str, Any], folder: Path) -> None:
    """Write the results and what is made from them."""
    records = results["records"]
    rows = peers.rows({record["name"]: record for record in records})
    texts = {
        "peers.md": peers.markdown(rows, readme.on_machine(results)),
        "pending.md": pending.markdown({record["name"]: record for record in records}, readme.on_machine(results)),
        "accuracy.md": accuracy.markdown(records, readme.on_machine(results)),
    }
    for name, text in texts.items():
        write_whole(folder / name, lambda path, text=text: path.write_text(text, encoding="utf-8"))
    _save({key: results[key] for key in ("machine", "quick", "records")}, folder / "speed.json")
    (folder / UNFINISHED).unlink(missing_ok=True)
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
    parser.add_argument("--only", metavar="PATTERN")
    parser.add_argument("--markdown", action="store_true")
    given = parser.parse_args(arguments)
    if given.markdown:
        print(readme.block(_read(given.out / "speed.json")), end="")
    else:
        write(measure_again(given.out, given.only) if given.only else measure(given.out, given.quick), given.out)


if __name__ == "__main__":
    main()
