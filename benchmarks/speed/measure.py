"""How a time, a peak of memory and the machine are measured."""

from __future__ import annotations

import gc
import os
import platform
import statistics
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.speed.cases import fresh

ROOT = Path(__file__).resolve().parents[2]
PEAK = "print(open('/proc/self/status').read().split('VmHWM:')[1].split()[0], file=sys.stderr)"
"""Peak resident memory of this program alone, in KiB (Linux); `ru_maxrss` counts the one that started it, too."""

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


def timed(
    call: Callable[[], Any], repeats: int, before: Callable[[], object] = fresh, per: int = 1
) -> tuple[Record, Any]:
    """Return seconds (wall; the median of the processor's too) of a call divided by `per`, and what it returned."""
    wall, processor, result = [], [], None
    for _ in range(repeats):
        result = None
        before()
        gc.collect()
        began, spent = time.perf_counter(), time.process_time()
        result = call()
        processor.append((time.process_time() - spent) / per)
        wall.append((time.perf_counter() - began) / per)
    return summary(wall, "s") | {"processor_median": summary(processor, "s")["median"]}, result


def traced_peak(call: Callable[[], Any]) -> int:
    """Return the most bytes that Python and NumPy held at once for a call, beyond what they held before."""
    fresh()
    gc.collect()
    tracemalloc.start()
    try:
        call()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def child(code: str, *arguments: str) -> tuple[float, int]:
    """Run code in a Python of its own: seconds from its start to its end, and its peak resident memory in bytes."""
    program = f"import atexit, sys\natexit.register(lambda: {PEAK})\n{code}"
    began = time.perf_counter()
    ran = subprocess.run(
        [sys.executable, "-c", program, *arguments], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return time.perf_counter() - began, 1024 * int(ran.stderr.split()[-1])


def command(*arguments: str) -> tuple[float, int]:
    """Run `doseopt` as a process of its own, see `child`."""
    return child("import runpy\nrunpy.run_module('doseopt', run_name='__main__')", *arguments)


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
