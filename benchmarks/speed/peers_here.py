"""Time the peers that this machine has beside the same jobs here: `make bench-peers`, ARGS="--share 0.1" for a tenth.

Installs and builds nothing, and writes no file: what R packages are installed is run, the others are named, and without
R the recorded table, results/peers.md, stands. The table goes to the output.
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
import shutil
import subprocess

from benchmarks.speed import peers
from benchmarks.speed.measure import machine
from benchmarks.speed.run import REPEATS

SCRIPT = Path(__file__).with_name("peers.R")
RECORDED = "the recorded table, benchmarks/speed/results/peers.md, stands"


def measured(share: float) -> list[dict[str, str]]:
    """Return rows as those of peers.csv of what is installed; none, with a word on why, where nothing is."""
    found = shutil.which("Rscript")
    if found is None:
        print(f"R is not at hand (no Rscript on the PATH): {RECORDED}")
        return []
    run = subprocess.run([found, str(SCRIPT), str(share)], stdout=subprocess.PIPE, text=True, check=True)
    if rows := list(csv.DictReader(run.stdout.splitlines())):
        return rows
    print(f"R has none of the packages: {RECORDED}")
    return []


def main(arguments: list[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--share", type=float, default=1.0, help="of the trials that peers.csv took (default: all)")
    if theirs := measured(parser.parse_args(arguments).share):
        jobs = {f"peers/{peers.job(row)}" for row in theirs}
        ours = {task.name: task.measure(REPEATS) for task in peers.TASKS if task.name in jobs}
        on = ", ".join(str(value) for value in machine().values())
        print(peers.markdown(peers.rows(ours, theirs), on, "The peers' were measured once, in the same run."))


if __name__ == "__main__":
    main()
