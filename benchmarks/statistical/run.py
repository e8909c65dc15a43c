"""The statistical benchmark: designs beside each other and beside what is attainable, over shared scenarios.

Exact throughout: `python3 run.py python benchmarks/statistical/run.py`, or `make benchmark`. An interrupted run goes on
where it stopped.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import nullcontext
from functools import partial
from pathlib import Path

import xarray as xr

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from benchmarks.statistical.cells import calibrated_from, calibrations_of, parts_of
from benchmarks.statistical.designs import CANDIDATES, ENROLMENTS, TARGETS, calibrated_file
from benchmarks.statistical.figures import FIGURES
from benchmarks.statistical.tables import TABLES, Group, compact, dataset_of, groups_of
from doseopt.core.files import write_whole
from doseopt.core.parameters import Faults
from doseopt.plots.save import save_figure
from doseopt.study.sweep import SweepFailed, processes, sweep

DRAWS = 2000
"""Scenarios of each random family."""
RESULTS = Path(__file__).parent / "results"
UNFINISHED = "unfinished"
"""Folder of the cells of a run that is not finished."""
HEADER = f"""# Written by run.py --calibrate: of about {CANDIDATES} CRMs the one that selects correctly most often
# under the belief below with at most so many patients. Tuned are prior MTD, half-width and prior sd; the rest is as in
# designs.toml.
"""


def benchmark(
    out: Path,
    executor: Executor | None = None,
    targets: Sequence[float] = TARGETS,
    enrolments: Sequence[int] = ENROLMENTS,
    draws: int = DRAWS,
    progress: bool = False,
) -> list[Path]:
    """Run everything, and write the Dataset, the tables and the figures to a folder."""
    ds = computed(out, executor, targets, enrolments, draws, progress)
    groups = groups_of(ds)
    written = written_data(ds, groups, out)
    for name, figure in FIGURES.items():
        written += save_figure(figure(groups), out, name)
    shutil.rmtree(out / UNFINISHED)
    return written


def computed(
    out: Path,
    executor: Executor | None,
    targets: Sequence[float],
    enrolments: Sequence[int],
    draws: int,
    progress: bool = False,
) -> xr.Dataset:
    """Return all measures by scenario."""
    parts = parts_of(targets, draws)
    cells = [part.cell(design, n) for part in parts for n in enrolments for design in part.designs]
    return dataset_of(sweep(cells, out / UNFINISHED, executor, progress), parts, enrolments)


def written_data(ds: xr.Dataset, groups: Sequence[Group], out: Path) -> list[Path]:
    """Write the Dataset and the tables."""
    small, encoding = compact(ds, groups)
    written = [write_whole(out / "benchmark.nc", lambda p: small.to_netcdf(p, engine="netcdf4", encoding=encoding))]
    for name, table in TABLES.items():
        put = partial(table(groups).to_csv, index=False, float_format="%.6f")
        written.append(write_whole(out / f"{name}.csv", put))
    return written


def calibrate(out: Path, executor: Executor | None = None, progress: bool = False) -> list[Path]:
    """Calibrate the CRM at every target and cap, and write the study files of the calibrated designs."""
    cells = {target: calibrations_of(target, ENROLMENTS) for target in TARGETS}
    found = sweep([cell for row in cells.values() for cell in row], out / UNFINISHED, executor, progress)
    written = []
    for target in TARGETS:
        text = HEADER + calibrated_from(target, ENROLMENTS, found).to_toml()
        written.append(write_whole(calibrated_file(target), partial(Path.write_bytes, data=text.encode())))
    shutil.rmtree(out / UNFINISHED)
    return written


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="folder for the results; results/ beside this file if left out")
    parser.add_argument("--workers", type=int, default=1, help="processes; 1 if left out")
    parser.add_argument("--reduced", action="store_true", help="few scenarios, 10 and 13 patients, target 0.25")
    parser.add_argument("--calibrate", action="store_true", help="calibrate anew first, and write studies/")
    options = parser.parse_args(given)
    if options.workers < 1:
        parser.error(f"--workers: wanted at least 1, got {options.workers}")
    if options.reduced and options.out is None:
        parser.error("--out: wanted a folder with --reduced, so that the full results stay, got none")
    if options.reduced and options.calibrate:
        parser.error("--calibrate: wanted without --reduced, as all designs are calibrated")
    options.out = options.out or RESULTS
    if options.out.exists() and not options.out.is_dir():
        parser.error(f"--out: wanted a folder, got the file {options.out}")
    return options


def main(given: Sequence[str] | None = None) -> int:
    """Run what was asked for; 2 for what the user can mend."""
    began, options = time.perf_counter(), arguments(given)
    size = {"targets": (0.25,), "enrolments": (10, 13), "draws": 50} if options.reduced else {}
    try:
        options.out.mkdir(parents=True, exist_ok=True)
        with processes(options.workers) if options.workers > 1 else nullcontext() as executor:
            written = calibrate(options.out, executor, True) if options.calibrate else []
            written += benchmark(options.out, executor, progress=True, **size)
    except (Faults, SweepFailed, OSError) as error:
        print(f"benchmark: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"benchmark: interrupted; the same command goes on from {options.out / UNFINISHED}", file=sys.stderr)
        return 130
    print(f"Written in {time.perf_counter() - began:.0f} s:", *written, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
