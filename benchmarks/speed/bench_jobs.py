"""The jobs of the recorded results under pytest-benchmark; `make bench` runs it."""

from typing import Any

import pytest

from benchmarks.speed.jobs import JOBS, Job
from benchmarks.speed.measure import command


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_job(benchmark: Any, job: Job) -> None:
    """Each in seconds a call, whatever the recorded figure is divided by."""
    benchmark.pedantic(job.call, setup=job.prepared(), rounds=5)


@pytest.mark.parametrize("arguments", [("compare",), ("posterior", "--outcomes", "1N 2NNT 2NNN 3NNN")], ids=" ".join)
def test_cold_start(benchmark: Any, arguments: tuple[str, ...], tmp_path: Any) -> None:
    """A command as a process: imports, tables, data and figures."""
    benchmark.pedantic(command, (*arguments, "--out", str(tmp_path)), rounds=5)
