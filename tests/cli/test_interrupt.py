"""An interrupt ends a command with one line, wherever it comes: while the command line is loaded, or later."""

import subprocess
import sys
import tomllib
from importlib import import_module
from pathlib import Path

import pytest

RUN = """
import importlib.abc, os, signal, sys
from doseopt.__main__ import main

class Interrupting(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == INTERRUPTED:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupting())
main()
"""


@pytest.mark.parametrize("loaded", ["typer", "doseopt.cli.compare", "pydantic", "doseopt.study.file", "xarray"])
def test_an_interrupt_while_modules_are_loaded_is_one_line(loaded, tmp_path):
    run = [sys.executable, "-c", f"INTERRUPTED = {loaded!r}\n{RUN}", "compare", "renji-elo", "--json"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "doseopt: interrupted\n")


def test_the_program_that_is_installed_is_the_one_that_may_be_interrupted():
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text(encoding="utf-8"))
    module, name = project["project"]["scripts"]["doseopt"].split(":")
    assert getattr(import_module(module), name) is import_module("doseopt.__main__").main


def test_nothing_heavy_is_loaded_before_an_interrupt_is_awaited():
    heavy = ("typer", "rich", "numpy", "doseopt.cli")
    shown = f"import sys, doseopt.__main__; print(*[name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    assert done.stdout == "\n"
