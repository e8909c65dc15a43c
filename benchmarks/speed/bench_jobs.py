"""The jobs of the recorded results under pytest-benchmark; `make bench` runs it."""

from typing import Any

import pytest

from benchmarks.speed.jobs import COMMANDS, JOBS, Job, cold


@pytest.mark.parametrize("job", JOBS, ids=lambda job: job.name)
def test_job(benchmark: Any, job: Job) -> None:
    """Each in seconds a call, whatever the recorded figure is divided by."""
    benchmark.pedantic(job.call, setup=job.prepared(), rounds=5)


@pytest.mark.parametrize("name", COMMANDS)
def test_cold_start(benchmark: Any, name: str) -> None:
    """A command as a process: imports, tables, data and figures."""
    benchmark.pedantic(cold, (name,), rounds=1 if name in ("report", "limits") else 5)
