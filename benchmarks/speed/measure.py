"""How a time, a peak of memory and the machine are measured."""

from __future__ import annotations

import gc
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.speed.cases import fresh
from doseopt.core.compiled import loops

ROOT = Path(__file__).resolve().parents[2]
PEAK = "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)"
"""Peak resident memory of this program alone, in KiB (Linux); `ru_maxrss` counts the one that started it, too."""
GLANCE = 0.1
"""Seconds between two looks at the memory of all processes."""
HEAVY = 5.0
"""Seconds above which one run is enough, so that all of it is measured within a quarter of an hour."""
TABLE = re.compile(r"-{20,}\s*")
"""The rule below the head of a table on the screen."""

type Record = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One record of the results.

    Parameters
    ----------
    name : str
    measure : callable
        Given the number of repeats, returns the record.
    slow : bool
        Left out by ``--quick``.
    """

    name: str
    measure: Callable[[int], Record]
    slow: bool = False


def summary(values: Sequence[float], unit: str) -> Record:
    """Return median, smallest, largest and how many, to four digits."""
    median, low, high = (float(f"{x:.4g}") for x in (statistics.median(values), min(values), max(values)))
    return {"unit": unit, "median": median, "min": low, "max": high, "repeats": len(values)}


def enough(seconds: Sequence[float], repeats: int) -> bool:
    """Tell whether a job was run often enough, after these times."""
    return len(seconds) >= repeats or (len(seconds) > 0 and seconds[0] > HEAVY)


def timed(
    call: Callable[[], Any], repeats: int, before: Callable[[], object] = fresh, per: int = 1
) -> tuple[Record, Any]:
    """Return seconds (wall; the median of the processor's too) of a call divided by `per`, and what it returned.

    The compiled loops are at hand: loading them is part of a command's time, which is measured apart.
    """
    loops()
    wall, processor, result = [], [], None
    while not enough([each * per for each in wall], repeats):
        result = None
        before()
        gc.collect()
        began, spent = time.perf_counter(), time.process_time()
        result = call()
        processor.append((time.process_time() - spent) / per)
        wall.append((time.perf_counter() - began) / per)
    return summary(wall, "s") | {"processor_median": summary(processor, "s")["median"]}, result


class Ran(NamedTuple):
    """What a Python of its own took and said.

    Seconds from its start to its end, of processors too, until the first table was on the screen if there was one; the
    peak of resident memory in bytes; and that of all its processes together, if it was watched.
    """

    seconds: float
    processor: float
    first_table: float | None
    peak: int
    printed: str
    together: int = 0


def child(code: str, *arguments: str, tree: Path = ROOT, watch: bool = False) -> Ran:
    """Run code in a Python of its own, with the package of a tree; `watch` it for the memory of all its processes."""
    program = f"import atexit, sys\natexit.register(lambda: {PEAK})\n{code}"
    call = [sys.executable, "-u", "-c", program, *arguments]
    began, spent = time.perf_counter(), _of_children()
    with (
        tempfile.TemporaryFile("w+", encoding="utf-8") as said,
        subprocess.Popen(call, cwd=tree, stdout=subprocess.PIPE, stderr=said, text=True, encoding="utf-8") as ran,
        _watched(ran.pid, watch) as peaks,
    ):
        assert ran.stdout is not None
        lines = [(time.perf_counter() - began, line) for line in ran.stdout]
        ran.wait()
        seconds, processor = time.perf_counter() - began, _of_children() - spent
        said.seek(0)
        errors = said.read()
    if ran.returncode:
        raise subprocess.CalledProcessError(ran.returncode, call, stderr=errors)
    table = next((at for at, line in lines if TABLE.fullmatch(line)), None)
    return Ran(
        seconds, processor, table, 1024 * int(errors.split()[-1]), "".join(line for _, line in lines), max(peaks)
    )


def _family(pid: int) -> Iterator[int]:
    """Yield a process and all that it began, and those began (Linux)."""
    yield pid
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        for other in thread.read_text().split():
            yield from _family(int(other))


def together(pid: int) -> int:
    """Return the memory of a process and all that it began, in bytes: what several share is counted once."""
    total = 0
    try:
        for each in _family(pid):
            total += int(Path(f"/proc/{each}/smaps_rollup").read_text().split("\nPss:")[1].split()[0])
    except (OSError, IndexError):  # one has just ended
        pass
    return 1024 * total


@contextmanager
def _watched(pid: int, watch: bool) -> Iterator[list[int]]:
    """Watch a process; the list holds the memory of all its processes at each look, and 0."""
    found, ended = [0], threading.Event()

    def look() -> None:
        while not ended.wait(GLANCE):
            found.append(together(pid))

    watcher = threading.Thread(target=look, daemon=True)
    if watch:
        watcher.start()
    try:
        yield found
    finally:
        ended.set()


def _of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def apart(function: Callable[..., Record], *arguments: Any) -> Record:
    """Call a function of a module in a Python of its own: the record it returns, with the peak of resident memory."""
    code = (
        f"import json\nfrom {function.__module__} import {function.__name__} as measured\n"
        "print(json.dumps(measured(*json.loads(sys.argv[1]))))"
    )
    ran = child(code, json.dumps(arguments))
    record: Record = json.loads(ran.printed)
    return record | {"peak_bytes": ran.peak}


def command(*arguments: str, tree: Path = ROOT, watch: bool = False) -> Ran:
    """Run `doseopt` as a process of its own, see `child`; trees of any age have it there."""
    return child("from doseopt.cli import main\nmain()", *arguments, tree=tree, watch=watch)


def machine() -> dict[str, Any]:
    """Return what the times depend on."""
    import numpy
    import scipy

    model = platform.processor()
    if Path("/proc/cpuinfo").exists():
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "system": platform.system(),
        "python": platform.python_version(),
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
    }
