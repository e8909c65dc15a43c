"""The command of the app, where its extra is missing."""

import importlib.util

import pytest
from typer.testing import CliRunner

from doseopt.cli import app


@pytest.fixture
def without_the_extra(monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == "shiny" else find(name, *rest))


def test_it_is_listed_and_its_help_answers_without_the_extra(without_the_extra):
    assert " app " in CliRunner().invoke(app, ["--help"]).stdout
    found = CliRunner().invoke(app, ["app", "--help"])
    assert (found.exit_code, "--allow" in found.stdout) == (0, True)


def test_without_the_extra_it_says_how_to_get_it(without_the_extra):
    found = CliRunner().invoke(app, ["app"])
    assert (found.exit_code, "pip install doseopt[app]" in found.stderr) == (2, True)
