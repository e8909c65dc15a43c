"""`--html FILE` of every command: one page with what the terminal says."""

import html
import re

import pytest
import typer
from cli.test_cli import refused, run

from doseopt.cli import app
from doseopt.display.numbers import typeset


def test_every_command_takes_a_page():
    commands = typer.main.get_command(app).commands
    assert len(commands) >= 13
    without = [name for name, one in commands.items() if "--html" not in {o for p in one.params for o in p.opts}]
    # `keys --html` is the page of what editors read; of the others a file, a script and an app are the results
    assert set(without) <= {"schema", "new", "completion", "app"}


@pytest.mark.parametrize(
    "args",
    [
        ["check", "renji-elo"],
        ["next", "renji-elo"],
        ["walk", "renji-elo", "--design", "BOIN 10", "--scenario", "mild"],
        ["paths", "renji-elo", "--design", "BOIN 10", "--cohorts", "1"],
        ["posterior", "renji-elo"],
    ],
    ids=lambda args: args[0],
)
def test_a_page_says_what_the_terminal_says(args, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run(*args, "--html", "pages/page.html")
    assert result.exit_code == 0, result.output
    assert [path.name for path in tmp_path.iterdir()] == ["pages"]
    page = set(html.unescape(re.sub(r"<[^>]*>", " ", (tmp_path / "pages/page.html").read_text())).split())
    said = typeset(result.stdout.split("Written to")[0])
    assert len(said.split()) > 5
    drawn = re.compile(r"-+|!|├──|└──|│|\d\.")  # rules, marks of items and branches
    assert {word for word in said.split() if not drawn.fullmatch(word)} <= page
    assert "pages" in result.stdout.split("Written to")[1]


def test_a_study_that_is_printed_has_no_page():
    refused(run("check", "renji-elo", "--upgrade", "--html", "page.html"), "--html: wanted without --upgrade")


@pytest.mark.parametrize("command", ["check", "next", "walk", "paths", "posterior", "compare", "report"])
def test_a_page_with_no_place_is_refused_before_the_work(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    refused(run(command, "renji-elo", "--html", "taken"), "--html: wanted a file, got the folder taken")
