"""Commands that have their files written beside: the same files, and what fails there is told here."""

import os
import sys

import pytest
import xarray as xr
from typer.testing import CliRunner

from doseopt.cli import app
from doseopt.cli import posterior as command
from doseopt.core.beside import Beside

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="a process is copied on Linux alone")


def posterior(folder, *options):
    return CliRunner().invoke(app, ["posterior", "renji-elo", "--outcomes", "1N 2NNT", "--out", str(folder), *options])


@pytest.mark.parametrize("options", [(), ("--check", "--models", "blrm,beta")])
def test_the_data_of_a_posterior(options, two, tmp_path, monkeypatch):
    beside = posterior(tmp_path / "beside", *options)
    monkeypatch.setattr(Beside, "processes", 1)
    alone = posterior(tmp_path / "alone", *options)
    assert beside.exit_code == alone.exit_code == 0
    assert beside.stdout.replace("beside", "alone") == alone.stdout
    each = [xr.open_datatree(tmp_path / name / "posterior.nc") for name in ("beside", "alone")]
    xr.testing.assert_identical(*each)
    for name in sorted(path.name for path in (tmp_path / "alone").iterdir()):
        if name != "posterior.nc":
            assert (tmp_path / "beside" / name).read_bytes() == (tmp_path / "alone" / name).read_bytes(), name


def test_rates_are_estimated_by_another_process(two, tmp_path, monkeypatch):
    found = command._found

    def noted(*args):
        (tmp_path / "who").write_text(str(os.getpid()))
        return found(*args)

    monkeypatch.setattr(command, "_found", noted)
    assert posterior(tmp_path / "out").exit_code == 0
    assert (tmp_path / "who").read_text() != str(os.getpid())


def test_what_fails_there_is_told(two, tmp_path, monkeypatch):
    def broken(*_):
        raise OSError(28, "No space left on device", "posterior.nc")

    monkeypatch.setattr(command, "_write_data", broken)
    found = posterior(tmp_path / "out")
    assert found.exit_code != 0
    assert "No space left on device" in found.stderr
