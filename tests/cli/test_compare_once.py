"""What `compare` does once, and what it does without."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import xarray as xr
from typer.testing import CliRunner

import doseopt
from doseopt import Exact, compare, load_study
from doseopt.cli import app, output
from doseopt.cli import compare as command
from doseopt.comparison import by_reading, in_time
from doseopt.measures import estimates
from doseopt.reports.render import document
from doseopt.scenarios import specs
from doseopt.tabular import netcdf

ROOT = Path(doseopt.__file__).parents[1]
STUDY = """
title = "small"
target = 0.25
posterior = { model = "beta" }
[doses]
labels = ["low", "high"]
[scenarios]
"low" = [0.25, 0.50]
"high" = [0.10, 0.25]
[designs."BOIN 6"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 6 }]
"""


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(STUDY)
    return path


def counted(monkeypatch, where, name):
    """Count the calls of a function."""
    calls, real = [], getattr(where, name)
    monkeypatch.setattr(where, name, lambda *args, **kwargs: calls.append(args) or real(*args, **kwargs))
    return calls


def test_it_loads_nothing_that_it_does_not_need(path, tmp_path):
    """Half a second each, wherever they are installed; what a report needs as well is slow by its number of files."""
    heavy = ["scipy.stats", "scipy.optimize", "doseopt.amendment.dossier", "pymc", "arviz"]
    show = f"print('LOADED', *[name for name in {heavy!r} if name in sys.modules])"
    run = "import sys; from doseopt.cli import app; app(sys.argv[1:], standalone_mode=False); "
    command = [sys.executable, "-c", run + show, "compare", str(path), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "comparison.nc").exists()
    assert done.stdout.splitlines()[-1] == "LOADED"


def test_data_are_written_once_and_each_figure_is_laid_out_once(path, tmp_path, monkeypatch):
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    tables = [counted(monkeypatch, netcdf, "write_netcdf"), counted(monkeypatch, output, "write_csv")]
    layouts, figures = counted(monkeypatch, ConstrainedLayoutEngine, "execute"), counted(monkeypatch, document, "drawn")
    result = CliRunner().invoke(app, ["compare", str(path), "--out", str(tmp_path / "out")])
    assert result.exit_code == 0, result.stderr
    assert [len(calls) for calls in tables] == [1, 1]
    assert len(figures) == len(list((tmp_path / "out").glob("*.png"))) > 2
    assert 2 < len(layouts) == len({id(figure) for _, figure in layouts}) <= len(figures)  # some need none


@pytest.mark.parametrize(("piece", "written"), [(5, [False, True]), (10**6, [True])])
def test_what_is_known_before_posteriors_that_take_long_is_written_before_the_last(
    path, tmp_path, monkeypatch, piece, written
):
    monkeypatch.setattr(command, "LONG", -1)
    monkeypatch.setattr(estimates, "PIECE", piece)
    tables = counted(monkeypatch, netcdf, "write_netcdf")
    assert CliRunner().invoke(app, ["compare", str(path), "--out", str(tmp_path / "out")]).exit_code == 0
    assert ["posterior_mean" in dataset for dataset, _ in tables] == written


def test_scenarios_are_stated_once_whatever_is_read_into_the_window(monkeypatch):
    study = load_study("renji-elo")
    specs._all_rows.cache_clear()
    made, joined = counted(monkeypatch, specs, "checked_rates"), counted(monkeypatch, specs, "concat_scenarios")
    reading = by_reading.WindowReadings(study, Exact())
    found = reading.joined([reading.of(name) for name in study.designs])
    assert found.sizes["window_reading"] > 10
    assert (len(made), len(joined)) == (len(study.scenario_specs), 1)


def test_times_at_the_pace_of_the_study_are_computed_once(monkeypatch):
    study = load_study("renji-elo")
    asked = counted(monkeypatch, in_time, "_of_design")
    found = compare(study, posteriors=False)
    assert found.sizes["pace"] == 3
    assert len(asked) == 3 * len(study.designs)
    own = found.sel(pace=round(study.clock.arrivals.rate * 30.4375, 9))
    for name in ("duration", "completion", "completed_by"):
        xr.testing.assert_equal(own[f"{name}_at_pace"].drop_vars("pace"), found[name])


@pytest.mark.parametrize("before", ["", "import xarray; "])
def test_dask_is_not_loaded_and_not_missed(before):
    """The command line runs in a process that has not loaded xarray, and in one that has and knows Dask."""
    run = f"{before}import sys; from doseopt.cli import main; sys.argv = ['doseopt', 'check', 'renji-elo']; main()"
    done = subprocess.run(
        [sys.executable, "-c", run], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
