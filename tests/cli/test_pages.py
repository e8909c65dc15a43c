"""Where a command may not put its page, it says so before it computes anything."""

import pytest
from cli.test_cli import SMALL, run

WORK = {
    "limits": ([], "doseopt.attainable.attained.limits_of"),
    "calibrate": (["--design", "BOIN 6"], "doseopt.calibration.calibrate"),
    "examine": (["--design", "BOIN 6"], "doseopt.conduct.examine.examine"),
    "table": (["--design", "BOIN 6"], "doseopt.conduct.decision_table.decision_table"),
    "verify": (["--only", "mtd"], "doseopt.verify.verify"),
}
"""Options of each command, and the function that works."""


@pytest.mark.parametrize(
    ("place", "told"), [("", "--html: wanted a file, got the folder"), ("small.toml/page.html", "small.toml is a file")]
)
@pytest.mark.parametrize("command", WORK)
def test_a_wrong_place_of_the_page_is_one_line_before_the_work_begins(command, place, told, tmp_path, monkeypatch):
    (tmp_path / "small.toml").write_text(SMALL)
    monkeypatch.chdir(tmp_path)
    begun = []
    options, work = WORK[command]
    monkeypatch.setattr(work, lambda *_: begun.append(command))
    study = [] if command == "verify" else [tmp_path / "small.toml"]
    result = run(command, *study, *options, "--html", tmp_path / place)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert told in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert begun == []
    assert [path.name for path in tmp_path.iterdir()] == ["small.toml"]
