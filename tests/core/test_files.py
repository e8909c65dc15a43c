"""Files are written whole or not at all; what a killed run leaves goes at the next; a fault of the disk is one line."""

import concurrent.futures
import errno
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time

import numpy as np
import pytest
import xarray as xr
from cli.test_cli import run

from doseopt.core.files import sweep_unfinished, unfinished_prefix, write_whole
from doseopt.study.file import load_study
from doseopt.tabular.netcdf import write_netcdf

KILLED = textwrap.dedent("""
    import sys, time
    from pathlib import Path
    from doseopt.core.files import unfinished_prefix, write_whole

    def write(path):
        path.write_text("half")
        (path.parent / f"{unfinished_prefix()}folder").mkdir()
        print("begun", flush=True)
        time.sleep(60)

    write_whole(Path(sys.argv[1]) / "result.csv", write)
""")


def begin(folder):
    process = subprocess.Popen([sys.executable, "-c", KILLED, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.mark.skipif(os.name != "posix", reason="elsewhere only what is a day old is swept")
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_what_a_killed_process_leaves_is_swept_and_nothing_of_one_that_runs(how, tmp_path):
    killed, running = begin(tmp_path), None
    try:
        killed.send_signal(how)
        killed.communicate()
        assert len(list(tmp_path.glob(".unfinished-*"))) == 2
        running = begin(tmp_path)
        (tmp_path / ".unfinished-notes").write_text("somebody's own")
        (tmp_path / "result.csv").write_text("whole")
        sweep_unfinished(tmp_path)
        assert len(list(tmp_path.glob(f".unfinished-*-{running.pid}-*"))) == 2
        assert len(list(tmp_path.iterdir())) == 4
    finally:
        if running is not None:
            running.kill()
            running.communicate()
    sweep_unfinished(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {".unfinished-notes", "result.csv"}


def test_what_is_a_day_old_is_left_over_whoever_made_it(tmp_path):
    made = [tmp_path / name for name in (".unfinished-00000000-1-old.nc", ".unfinished-00000000-1-new.nc")]
    for path in made:
        path.write_text("")
    os.utime(made[0], (time.time() - 90_000,) * 2)
    (tmp_path / f".unfinished-{unfinished_prefix().split('-')[1]}-{10**30}-x").write_text("")
    sweep_unfinished(tmp_path)
    assert list(tmp_path.iterdir()) == [made[1]]


@pytest.mark.parametrize("command", [["compare"], ["limits"], ["posterior", "--outcomes", "1N"]])
def test_every_command_sweeps_its_folder(command, study, tmp_path):
    process = begin(tmp_path)
    process.kill()
    process.communicate()
    result = run(command[0], study, *command[1:], "--out", tmp_path)
    assert result.exit_code == 0, result.output
    assert list(tmp_path.glob(".unfinished-*")) == []


@pytest.fixture
def study(tmp_path_factory):
    path = tmp_path_factory.mktemp("study") / "small.toml"
    path.write_text("""
title = "small"
target = 0.25
doses = { labels = ["1", "2"] }
[scenarios]
a = [0.1, 0.25]
[designs."3+3"]
kind = "three_plus_three"
modifiers = [{ kind = "max_patients", n = 6 }]
""")
    return path


FULL, READ_ONLY = (OSError(code, os.strerror(code)) for code in (errno.ENOSPC, errno.EROFS))


@pytest.mark.parametrize("error", [FULL, READ_ONLY])
@pytest.mark.parametrize("command", ["compare", "limits"])
def test_a_fault_of_the_disk_is_one_line_and_status_2(command, error, study, tmp_path, monkeypatch):
    def refuse(*_, **__):
        raise error

    monkeypatch.setattr(xr.Dataset, "dump_to_store", refuse)
    result = run(command, study, "--out", tmp_path)
    assert result.exit_code == 2
    assert result.stderr.strip().splitlines()[-1].endswith(f".nc: {error.strerror}")
    assert "Traceback" not in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("full", [True, False])
def test_the_library_for_netcdf_says_nothing_of_a_full_disk_but_we_do(full, tmp_path, monkeypatch):
    def fail(self, path, **_):
        raise RuntimeError("NetCDF: HDF error")

    def write(self, content):
        if full:
            raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(xr.Dataset, "dump_to_store", fail)
    monkeypatch.setattr("pathlib.Path.write_bytes", write)
    with pytest.raises(OSError, match="No space left" if full else "HDF error") as caught:
        write_netcdf(xr.Dataset({"x": ("i", np.zeros(3))}), tmp_path / "x.nc")
    assert caught.value.filename == str(tmp_path / "x.nc")
    assert list(tmp_path.iterdir()) == []


def test_a_dataset_and_a_tree_are_written_whole(tmp_path):
    ds = xr.Dataset({"x": ("i", np.arange(3.0))})
    write_netcdf(ds, tmp_path / "a.nc")
    write_netcdf(xr.DataTree.from_dict({"part": ds}), tmp_path / "b.nc")
    assert xr.open_dataset(tmp_path / "a.nc").identical(ds)
    assert xr.open_datatree(tmp_path / "b.nc")["part"].to_dataset().identical(ds)


def test_an_error_names_the_file_that_was_wanted(tmp_path):
    with pytest.raises(FileNotFoundError) as caught:
        write_whole(tmp_path / "none" / "x.csv", lambda path: path.write_text(""))
    assert caught.value.filename == str(tmp_path / "none" / "x.csv")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_pipe_is_given_the_bytes_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_bytes)
        assert write_whole(pipe, lambda path: path.write_bytes(b"all")) == pipe
        assert read.result(timeout=60) == b"all"
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_link_is_followed(tmp_path):
    (tmp_path / "there").mkdir()
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "there" / "file")
    for text in ("first", "second"):
        write_whole(link, lambda path, text=text: path.write_text(text))
        assert link.is_symlink()
        assert (tmp_path / "there" / "file").read_text() == text
    assert [path.name for path in (tmp_path / "there").iterdir()] == ["file"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names here")
def test_a_study_is_written_to_a_pipe_too(tmp_path):
    study, pipe = load_study("renji-elo-first"), tmp_path / "pipe.toml"
    os.mkfifo(pipe)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        read = pool.submit(pipe.read_text, encoding="utf-8")
        assert study.save(pipe) == [pipe]
        assert read.result(timeout=60) == study.to_toml()
    assert stat.S_ISFIFO(pipe.stat().st_mode)
