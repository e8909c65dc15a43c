"""Speed of two trees in one run: `python benchmarks/speed/beside.py OTHER [--repeats N] [--job NAME ...]`.

OTHER is a worktree of an earlier commit, the first edition's or a later one. Each job runs in a Python of its own, in
both trees by turns, so that what else the machine does meets both; what takes above five seconds runs once. Printed are
medians of seconds, by the clock and of processors, how many times faster this tree is, and peaks of resident memory,
imports included; of a command also that of all its processes together (proportional set sizes; Linux).
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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.speed.cases import GRAPHS
from benchmarks.speed.jobs import COMMANDS, cold
from benchmarks.speed.measure import ROOT, child, enough

LOOPS = """
try:
    from doseopt.core.compiled import loops
    loops()
except ImportError:
    pass
"""
WARM = f"import compileall\ncompileall.compile_dir('doseopt', quiet=2)\n{LOOPS}"
"""Fills the caches of compiled code, which is no part of what is measured."""
CODE = f"""
import gc, json, sys, time
sys.path.append(sys.argv[3])  # the cases of this tree, for the package of either
import cases
import doseopt
{LOOPS}
job, repeats = sys.argv[1], int(sys.argv[2])
def graph(kind, sizes):
    return doseopt.build_graph(getattr(cases, kind)(**sizes)).counts()
def simulate(trials):
    doseopt.Simulate(trials)(cases.boin(), doseopt.make_scenarios([cases.TRUTH]))
    return {{}}
def measures():
    outcomes = doseopt.Exact()(cases.crm(), doseopt.make_scenarios(cases.thousand()))
    doseopt.operating_characteristics(doseopt.judged(outcomes, cases.MTD))
    return {{}}
def policy(name):
    cases.policy(name)
    return {{}}
wall, processor = [], []
for run in range(repeats + 1):
    if job != "measures()" or not run:
        cases.fresh()
    gc.collect()
    began, spent = time.perf_counter(), time.process_time()
    try:
        counts = eval(job)
    except Exception as error:
        if type(error).__name__ != "TooManyStates":
            raise
        counts = {{"refused": str(error).split(";")[0]}}
    processor.append(time.process_time() - spent)
    wall.append(time.perf_counter() - began)
    if run and wall[-1] > 5:
        break
print(json.dumps({{"wall": wall[1:], "processor": processor[1:], "counts": counts}}))
"""
JOBS = {
    **{name: f"graph({kind.__name__!r}, {sizes})" for name, (kind, sizes) in GRAPHS.items()},
    "measures of CRM 30 x 3 in 1,000 scenarios, its graph at hand": "measures()",
    "10,000 trials of BOIN 30 x 3": "simulate(10_000)",
    "200,000 trials of BOIN 30 x 3": "simulate(200_000)",
    "optimal policy, 30 single patients": "policy('4_doses_30_singles')",
}
HEAD = (
    "| job | wall, there | here | times | processor, there | here | times | memory, there | here | states |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


@dataclass(frozen=True)
class Cost:
    """What a job takes in one tree: seconds a run, peaks of memory in bytes (of all processes: of a command only)."""

    wall: Sequence[float]
    processor: Sequence[float]
    peak: int
    together: int
    counts: dict[str, Any]

    def memory(self) -> str:
        """Return the peaks in words."""
        return f"{self.peak / 1e6:.0f} MB" + (f", {self.together / 1e6:.0f} in all" if self.together else "")


def measured(name: str, trees: Sequence[Path], repeats: int) -> list[Cost]:
    """Return what a job takes in each tree."""
    return (_command if name in COMMANDS else _job)(name, trees, repeats)


def _job(name: str, trees: Sequence[Path], repeats: int) -> list[Cost]:
    ran = [child(CODE, JOBS[name], str(repeats), str(Path(__file__).parent), tree=tree) for tree in trees]
    return [Cost(**json.loads(each.printed.splitlines()[-1]), peak=each.peak, together=0) for each in ran]


def _command(name: str, trees: Sequence[Path], repeats: int) -> list[Cost]:
    found: dict[Path, list[Any]] = {tree: [] for tree in trees}
    for _ in range(repeats):
        for tree, runs in found.items():
            if not enough([run.seconds for run in runs], repeats):
                runs.append(cold(name, tree, watch=True))
    return [
        Cost(
            [run.seconds for run in runs],
            [run.processor for run in runs],
            max(run.peak for run in runs),
            max(run.together for run in runs),
            {},
        )
        for runs in found.values()
    ]


def row(name: str, there: Cost, here: Cost) -> str:
    """Return the row of a job."""
    refused = "refused after " if "refused" in there.counts else ""
    cells = [name]
    for before, now in ((there.wall, here.wall), (there.processor, here.processor)):
        old, new = statistics.median(before), statistics.median(now)
        cells += [f"{refused}{old:.3g} s", f"{new:.3g} s", f"{old / new:.1f}"]
    same = refused or there.counts == here.counts
    states = f"{here.counts['states']:,}" if "states" in here.counts else ""
    return f"| {' | '.join([*cells, there.memory(), here.memory(), states + ('' if same else ' DIFFER')])} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, and print a row a job."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("other", type=Path)
    parser.add_argument("--job", action="append", choices=[*JOBS, *COMMANDS])
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(arguments)
    trees = given.other, ROOT
    for tree in trees:
        child(WARM, tree=tree)
    print(HEAD)
    for name in given.job or [*JOBS, *COMMANDS]:
        print(row(name, *measured(name, trees, given.repeats)), flush=True)


if __name__ == "__main__":
    main()
