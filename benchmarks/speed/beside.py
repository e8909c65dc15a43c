"""Reach and speed of two trees in one run: `python benchmarks/speed/beside.py OTHER [--repeats N] [--job NAME ...]`.

Each job runs in a Python of its own, in this tree and in the other (a worktree of an earlier commit) by turns, so that
what else the machine does meets both. Printed are medians of processor seconds, after one run that fills the caches of
compiled code, and peaks of resident memory, imports included; commands are run once, from a cold start.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

if __name__ == "__main__":
    os.environ["OMP_NUM_THREADS"] = "1"  # before NumPy is loaded, which reads it once
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import argparse
import json
import statistics
from typing import Any

from benchmarks.speed.cases import GRAPHS
from benchmarks.speed.jobs import COMMANDS, cold
from benchmarks.speed.measure import ROOT, child

CODE = """
import gc, json, sys, time
from benchmarks.speed import cases
import doseopt
from doseopt.engines.graph import build_graph
try:
    from doseopt.core.compiled import loops
    loops()
except ImportError:
    pass
job, repeats = sys.argv[1], int(sys.argv[2])
def graph(kind, sizes):
    return build_graph(getattr(cases, kind)(**sizes)).counts()
def simulate(trials):
    doseopt.Simulate(trials)(cases.boin(), doseopt.make_scenarios([cases.TRUTH]))
    return {}
def measures():
    outcomes = doseopt.Exact()(cases.crm(), doseopt.make_scenarios(cases.thousand()))
    doseopt.operating_characteristics(doseopt.judged(outcomes, cases.MTD))
    return {}
def policy(name):
    cases.policy(name)
    return {}
seconds = []
for run in range(repeats + 1):
    if job != "measures()" or not run:
        cases.fresh()
    gc.collect()
    began = time.process_time()
    try:
        counts = eval(job)
    except Exception as error:
        if isinstance(error, TypeError):
            raise
        counts = {"refused": str(error).split(";")[0]}
    seconds.append(time.process_time() - began)
    if run and seconds[-1] > 5:
        break
print(json.dumps({"seconds": seconds[1:], "counts": counts}))
"""
JOBS = {
    **{name: f"graph({kind.__name__!r}, {sizes})" for name, (kind, sizes) in GRAPHS.items()},
    "measures of CRM 30 x 3 in 1,000 scenarios, its graph at hand": "measures()",
    "10,000 trials of BOIN 30 x 3": "simulate(10_000)",
    "200,000 trials of BOIN 30 x 3": "simulate(200_000)",
    "optimal policy, 30 single patients": "policy('4_doses_30_singles')",
}


def measured(tree: Path, name: str, repeats: int) -> dict[str, Any]:
    """Return seconds, counts and the peak of memory of one job in one tree."""
    if name in COMMANDS:
        ran = cold(name, tree)
        return {"seconds": [ran.processor], "counts": {}, "peak": ran.peak}
    ran = child(CODE, JOBS[name], str(repeats), tree=tree)
    return json.loads(ran.printed.splitlines()[-1]) | {"peak": ran.peak}


def told(found: dict[str, Any]) -> str:
    """Return a time and a peak in words."""
    refused = "refused after " if "refused" in found["counts"] else ""
    return f"{refused}{statistics.median(found['seconds']):.3g} s, {found['peak'] / 1e6:.0f} MB"


def main() -> None:
    """Read the command line, and print a row a job."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    parser.add_argument("--job", action="append", choices=[*JOBS, *COMMANDS])
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    print("| job | there | here | times | states |\n| --- | --- | --- | --- | --- |")
    for name in given.job or [*JOBS, *COMMANDS]:
        there, here = (measured(tree, name, given.repeats) for tree in (given.other, ROOT))
        times = statistics.median(there["seconds"]) / statistics.median(here["seconds"])
        same = there["counts"] == here["counts"] or "refused" in there["counts"]
        states = f"{here['counts']['states']:,}" if "states" in here["counts"] else ""
        cells = (name, told(there), told(here), f"{times:.1f}", states + ("" if same else " DIFFER"))
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
