"""Reach and speed of two trees in one run: `python benchmarks/speed/beside.py OTHER [--repeats N] [--job NAME ...]`.

Each job runs in a Python of its own, in this tree and in the other (a worktree of an earlier commit) by turns, so that
what else the machine does meets both. Printed are medians of processor seconds, after one run that fills the caches of
compiled code, and peaks of resident memory, imports included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parents[2]
GRAPHS = {
    "BOIN 30 x 3": "boin()",
    "BOIN 30 x 1": "boin(cohort=1)",
    "BOIN 60 x 3": "boin(patients=60)",
    "BOIN 40 x 1": "boin(patients=40, cohort=1)",
    "BOIN 6 doses 60 x 3": "boin(6, 60)",
    "CRM 30 x 3": "crm()",
    "CRM 30 x 1": "crm(cohort=1)",
    "CRM 45 x 3": "crm(patients=45)",
    "CRM 6 doses 60 x 3": "crm(6, 60)",
    "BLRM 30 x 3": "blrm()",
}
"""4 doses unless said; of `benchmarks.speed.cases`."""
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
def graph(design):
    return build_graph(design).counts()
def simulate(design, trials):
    doseopt.Simulate(trials)(design, doseopt.make_scenarios([cases.TRUTH]))
    return {}
call, seconds = eval(job), []
for run in range(repeats + 1):
    cases.fresh(); gc.collect()
    began = time.process_time()
    try:
        counts = call()
    except Exception as error:
        counts = {"refused": str(error).split(";")[0]}
    seconds.append(time.process_time() - began)
peak = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
print(json.dumps({"seconds": seconds[1:], "counts": counts, "peak": 1024 * peak}))
"""
JOBS = {name: f"lambda: graph(cases.{design})" for name, design in GRAPHS.items()} | {
    "100,000 trials of BOIN 30 x 3": "lambda: simulate(cases.boin(), 100_000)"
}


def measured(tree: Path, job: str, repeats: int) -> dict[str, Any]:
    """Return seconds, counts and the peak of memory of one job in one tree."""
    ran = subprocess.run(
        [sys.executable, "-c", CODE, job, str(repeats)],
        cwd=tree,
        env={"PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1", "HOME": str(Path.home()), "MPLBACKEND": "agg"},
        capture_output=True,
        text=True,
        check=True,
    )
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def told(found: dict[str, Any]) -> str:
    """Return a time and a peak in words."""
    refused = "refused after " if "refused" in found["counts"] else ""
    return f"{refused}{statistics.median(found['seconds']):.3g} s, {found['peak'] / 1e6:.0f} MB"


def main() -> None:
    """Read the command line, and print a row a job."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    parser.add_argument("--job", action="append", choices=JOBS)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    print("| job | there | here | times | states |\n| --- | --- | --- | --- | --- |")
    for name in given.job or JOBS:
        there, here = (measured(tree, JOBS[name], given.repeats) for tree in (given.other, HERE))
        times = statistics.median(there["seconds"]) / statistics.median(here["seconds"])
        same = there["counts"] == here["counts"] or "refused" in there["counts"]
        states = here["counts"].get("states", 0)
        print(
            f"| {name} | {told(there)} | {told(here)} | {times:.1f} | {states:,}{'' if same else ' DIFFER'} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
