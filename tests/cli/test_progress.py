"""Commands say what they wait for, from the beginning to the end."""

from contextlib import contextmanager

from cli.test_cli import SMALL, run


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
