"""Commands say what they wait for, from the beginning to the end."""

import io
from contextlib import contextmanager

from cli.test_cli import SMALL, run
from rich.console import Console

from doseopt.cli.terminal import spinner, steps
from doseopt.core import progress


def test_the_limits_are_written_while_it_is_said(tmp_path, monkeypatch):
    told = []

    @contextmanager
    def spinner(what):
        told.append(what)
        yield told.append
        told.append("end")

    monkeypatch.setattr("doseopt.cli.terminal.spinner", spinner)
    monkeypatch.setattr("doseopt.cli.limits._write", lambda *_: told.append("written") or [])
    (tmp_path / "small.toml").write_text(SMALL)
    assert run("limits", tmp_path / "small.toml", "--out", tmp_path / "o").exit_code == 0
    assert told[0] == "what is attainable"
    assert told[-3:] == ["tables and figures", "written", "end"]


def test_a_long_step_shows_how_far_it_is(monkeypatch):
    monkeypatch.setattr(progress, "PAUSE", -1.0)
    for waiting, total in ((steps, [1]), (spinner, [])):
        with Console(force_terminal=True, width=60, file=io.StringIO()) as shown:
            monkeypatch.setattr("doseopt.cli.terminal.terminal", lambda shown=shown, **_: shown)
            with waiting("work", *total) as say:
                say("a graph")
                progress.tell("trials of 12 patients")
        text = shown.file.getvalue()
        assert text.index("a graph") < text.index("a graph; trials of 12 patients")
