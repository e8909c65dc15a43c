"""Commands in this process, which starts once for all of them."""

import contextlib
import functools
import io
import os
from unittest import mock

import typer.main

from doseopt.cli import app


@functools.cache
def group():
    """What reads the words; it is made once, which takes longer than most commands."""
    return typer.main.get_command(app)


@functools.cache
def commands():
    """The commands, each with its parameters: name, the words that set it, whether it is a flag."""
    return {
        name: [(p.name, p.opts, p.secondary_opts, getattr(p, "is_flag", False)) for p in command.params]
        for name, command in group().commands.items()
    }


def answer(words, columns="80"):
    """Run a command: its exit status, what it printed, and what it said on standard error."""
    out, err = io.StringIO(), io.StringIO()
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        mock.patch.dict(os.environ, {"COLUMNS": columns}),
    ):
        try:
            status = group().main(words, prog_name="doseopt", standalone_mode=True)
        except SystemExit as ended:
            status = ended.code
    return status or 0, out.getvalue(), err.getvalue()
