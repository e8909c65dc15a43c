"""Sweeps: the same bytes on every executor, nothing lost when interrupted, nothing trusted that is damaged."""

import dataclasses
import logging
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from threading import Event

import numpy as np
import pytest
import sweep_cells

from doseopt.core.parameters import Faults
from doseopt.engines.budget import MAX_BYTES, within
from doseopt.study.file import parse_study
from doseopt.study.sweep import Cell, SweepFailed, as_finished, processes, seed_of, sweep

STUDY = """
title = "two designs"
target = 0.25
doses = { labels = ["1", "2", "3"] }
[scenarios]
s = [0.1, 0.25, 0.4]
t = [0.02, 0.08, 0.2]
[designs."3+3"]
kind = "three_plus_three"
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 9 }]
"""


@pytest.fixture(scope="module")
def study():
    return parse_study(STUDY)


@pytest.fixture(scope="module")
def cells(study):
    return [
        Cell(f"{design}, {draws} draws", sweep_cells.measured, study, {"design": design, "draws": draws})
        for design in study.designs
        for draws in (3, 5, 8)
    ]


@pytest.fixture(scope="module")
def serial(cells, tmp_path_factory):
    folder = tmp_path_factory.mktemp("serial")
    return sweep(cells, folder), kept(folder)


def kept(folder):
    """The files of a folder with their contents."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def with_function(cells, function):
    """The same cells, as their keys see it, that call another function."""
    function.__module__, function.__qualname__ = sweep_cells.measured.__module__, sweep_cells.measured.__qualname__
    return [dataclasses.replace(cell, function=function) for cell in cells]


def counted_sweep(cells, folder):
    """The parameters of the cells that a sweep computes, and what it returns."""
    calls = []

    def counted(study, **parameters):
        calls.append(parameters)
        return sweep_cells.measured(study, **parameters)

    found = sweep(with_function(cells, counted), folder)
    return calls, found


def assert_same(found, wanted):
    assert list(found) == list(wanted)
    for name, result in wanted.items():
        assert list(found[name]) == list(result)
        for key, value in result.items():
            assert found[name][key].dtype == value.dtype
            np.testing.assert_array_equal(found[name][key], value)


def test_a_cell_is_what_its_function_says(cells, serial):
    found, files = serial
    assert list(found) == [cell.name for cell in cells]
    assert sorted(files) == sorted(f"{cell.key}.cell" for cell in cells)
    for cell in cells:
        for name, value in sweep_cells.measured(cell.study, **cell.parameters).items():
            np.testing.assert_array_equal(found[cell.name][name], value)


def test_linear_algebra_runs_in_one_thread(study, tmp_path):
    """Products of matrices differ in their last bits by the number of threads: 123 x 777 by 777 x 13, say."""
    used = sweep([Cell("threads", sweep_cells.threads, study)], tmp_path)["threads"]["threads"]
    assert used.size
    assert (used == 1).all()


def test_a_worker_is_allowed_the_memory_that_is_allowed_here(study, tmp_path):
    cell = Cell("told", sweep_cells.allowed_bytes, study)
    with processes(1) as executor:
        for number, pool in enumerate((None, executor)):
            with within(1_000_000 + number):
                assert sweep([cell], tmp_path, pool)["told"]["allowed"] == 1_000_000 + number
        assert sweep([cell], tmp_path, executor)["told"]["allowed"] == MAX_BYTES


def test_local_processes_give_the_same_bytes(cells, serial, tmp_path):
    with processes(2) as executor:
        found = sweep(cells[::-1], tmp_path, executor)
    assert_same({cell.name: found[cell.name] for cell in cells}, serial[0])
    assert kept(tmp_path) == serial[1]


@pytest.mark.filterwarnings("ignore:Creating scratch directories is taking a surprisingly long time:UserWarning")
def test_a_dask_cluster_gives_the_same_bytes(cells, serial, tmp_path):
    """A real scheduler and two worker processes, on this machine only."""
    from dask import config
    from distributed import Client, LocalCluster

    quiet = {"silence_logs": logging.ERROR, "dashboard_address": None, "host": "127.0.0.1"}
    with (
        config.set({"temporary-directory": str(tmp_path / "dask")}),
        LocalCluster(n_workers=2, threads_per_worker=1, processes=True, **quiet) as cluster,
        Client(cluster) as client,
    ):
        found = sweep(cells, tmp_path / "cells", client.get_executor())
        with within(123_456):
            told = sweep([Cell("told", sweep_cells.allowed_bytes, cells[0].study)], tmp_path, client.get_executor())
        assert told["told"]["allowed"] == 123_456
        with pytest.raises(SweepFailed, match="odd: ArithmeticError: 3 is odd"):
            sweep([Cell("odd", sweep_cells.even_only, cells[0].study, {"number": 3})], tmp_path, client.get_executor())
    assert_same(found, serial[0])
    assert kept(tmp_path / "cells") == serial[1]


@pytest.mark.parametrize("finished", [0, 1, 4])
def test_an_interrupted_sweep_goes_on_where_it_stopped(cells, serial, tmp_path, finished):
    calls = []

    def interrupted(study, **parameters):
        if len(calls) == finished:
            raise KeyboardInterrupt
        calls.append(parameters)
        return sweep_cells.measured(study, **parameters)

    with pytest.raises(KeyboardInterrupt):
        sweep(with_function(cells, interrupted), tmp_path)
    assert kept(tmp_path).keys() == {f"{cell.key}.cell" for cell in cells[:finished]}

    calls, found = counted_sweep(cells, tmp_path)
    assert calls == [cell.parameters for cell in cells[finished:]]
    assert_same(found, serial[0])
    assert kept(tmp_path) == serial[1]


def test_a_failing_cell_names_itself_and_loses_nothing(study, tmp_path):
    cells = [Cell(f"number {k}", sweep_cells.even_only, study, {"number": k}) for k in range(5)]
    for executor in (nullcontext(), ThreadPoolExecutor(2)):
        with executor as pool, pytest.raises(SweepFailed) as caught:
            sweep(cells, tmp_path, pool)
        assert caught.value.failures.keys() == {"number 1", "number 3"}
        assert f"2 of 5 cells failed; what was finished is kept in {tmp_path}" in str(caught.value)
        assert "  number 3: ArithmeticError: 3 is odd" in str(caught.value)
        assert "in even_only" in str(caught.value)  # the traceback
        assert len(kept(tmp_path)) == 3


def test_a_worker_that_is_killed_loses_only_its_cell(study, tmp_path):
    first, killer = (Cell(name, sweep_cells.killed, study, {"by": by}) for name, by in (("a", 0), ("b", 9)))
    with processes(1) as executor, pytest.raises(SweepFailed, match="b: BrokenProcessPool"):
        sweep([first, killer], tmp_path, executor)
    assert kept(tmp_path).keys() == {f"{first.key}.cell"}


WAITING = """
import os, time
from doseopt.study.sweep import processes
if __name__ == "__main__":
    with processes(1) as executor:
        print(executor.submit(os.getpid).result(), flush=True)
        executor.submit(time.sleep, 60).result()
"""


def test_workers_end_with_the_process_that_started_them(tmp_path):
    """Both hold the pipe that is read here, which ends when both have; the worker alone would wait a minute."""
    (tmp_path / "waiting.py").write_text(WAITING)
    with subprocess.Popen([sys.executable, tmp_path / "waiting.py"], stdout=subprocess.PIPE) as started:
        assert int(started.stdout.readline()) != started.pid
        started.kill()
        assert started.communicate(timeout=30)[0] == b""


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[:-1], lambda b: b[:10], lambda b: b"", lambda b: b[:60] + bytes([b[60] ^ 1]) + b[61:]],
    ids=["one byte less", "nearly empty", "empty", "one bit"],
)
def test_a_damaged_file_is_computed_again(cells, serial, tmp_path, damage):
    sweep(cells, tmp_path)
    path = tmp_path / f"{cells[2].key}.cell"
    path.write_bytes(damage(path.read_bytes()))
    calls, found = counted_sweep(cells, tmp_path)
    assert calls == [cells[2].parameters]
    assert_same(found, serial[0])
    assert kept(tmp_path) == serial[1]


def test_the_file_of_another_cell_is_not_taken(cells, serial, tmp_path):
    sweep(cells[:1], tmp_path)
    (tmp_path / f"{cells[0].key}.cell").rename(tmp_path / f"{cells[1].key}.cell")
    assert_same(sweep(cells, tmp_path), serial[0])


def test_what_a_cell_is(study, cells, monkeypatch):
    cell = cells[0]
    assert dataclasses.replace(cell, name="other").key == cell.key
    assert dataclasses.replace(cell, function=sweep_cells.even_only).key != cell.key
    assert dataclasses.replace(cell, parameters={**cell.parameters, "draws": 4}).key != cell.key
    assert dataclasses.replace(cell, study=dataclasses.replace(study, target=0.3)).key != cell.key
    key = cell.key
    monkeypatch.setattr("doseopt.__version__", "9.9")
    assert cell.key != key


def test_cells_that_cannot_be_told_apart(cells, tmp_path):
    twin, namesake = (dataclasses.replace(cells[k], name=name) for k, name in ((0, "twin"), (1, cells[0].name)))
    with pytest.raises(Faults) as caught:
        sweep([cells[0], twin, namesake], tmp_path)
    assert f"twin: wanted cells that differ, got the same key {cells[0].key} as {cells[0].name}" in str(caught.value)
    assert f"the same name {cells[0].name}" in str(caught.value)


def test_seeds_depend_on_what_they_are_for_only():
    seeds = [seed_of(1, "bootstrap", n, target) for n in range(50) for target in (0.2, 0.25)]
    assert len(set(seeds)) == 100
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert seed_of(1, "bootstrap", 7, 0.25) == seeds[15]


def test_an_iteration_that_ends_early_cancels_what_has_not_begun():
    release, begun = Event(), []

    def wait(k):
        begun.append(k)
        if k:
            release.wait()
        return k

    with ThreadPoolExecutor(1) as executor:
        for _k, future in as_finished(wait, range(5), executor):
            assert future.result() == 0
            break
        release.set()
    assert begun in ([0], [0, 1])


def test_progress_shows_what_is_left(study, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("TTY_COMPATIBLE", "1")
    cells = [Cell(f"number {k}", sweep_cells.even_only, study, {"number": k}) for k in (0, 2, 4)]
    sweep(cells[:1], tmp_path)
    sweep(cells, tmp_path, progress=True)
    out, err = capsys.readouterr()
    assert out == ""
    assert "3/3" in err
    assert "number 4" in err
