"""The help of the command line: every word of it is shown."""

import re

import pytest
import typer
from typer.testing import CliRunner

from doseopt.cli import app

BRACKETED = {
    name: [param.help.replace("\\[", "[") for param in command.params if "[" in (param.help or "")]
    for name, command in typer.main.get_command(app).commands.items()
}


def words(text):
    """Return a text without breaks and the frame around it."""
    return re.sub(r"[\s│]", "", text)


@pytest.mark.parametrize("name", [name for name, texts in BRACKETED.items() if texts])
def test_brackets_are_no_markup(name):
    shown = words(CliRunner().invoke(app, [name, "--help"], env={"COLUMNS": "400"}).stdout)
    assert [text for text in BRACKETED[name] if words(text) not in shown] == []


def test_there_are_such():
    assert "Days of the DLT window, for a study without a [clock]." in BRACKETED["next"]
