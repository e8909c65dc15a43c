"""A machine whose memory does not suffice is a fault of one line, with the way out."""

import pytest
import typer

from doseopt.cli.app import plain_errors


def test_too_little_memory_is_one_line_and_status_two(capsys):
    with pytest.raises(typer.Exit) as ended, plain_errors():
        raise MemoryError("Unable to allocate 10. GiB for an array with shape (1000, 1000)")
    assert ended.value.exit_code == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "memory" in told
    assert "--simulate" in told
