"""`doseopt verify --against`: a table that agrees, one that differs, and all faults of one that cannot be read."""

import csv
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from doseopt.cli import app
from doseopt.verify import standard
from doseopt.verify.against import NAMES

TABLE = Path(__file__).parents[2] / "benchmarks" / "exact-oc.csv"
with TABLE.open(encoding="utf-8", newline="") as opened:
    ROWS = [row for row in csv.DictReader(opened) if row["design"] in ("3+3 six", "BOIN 0.25 N12", "rolling six k2")]


def run(path, *more):
    return CliRunner().invoke(app, ["verify", "--against", str(path), *more])


def written(path, rows, columns=None):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns or list(rows[0]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_standard_agrees_with_itself(tmp_path):
    result = run(written(tmp_path / "mine.csv", ROWS), "--json")
    told = json.loads(result.stdout)
    assert (result.exit_code, told["differing"]) == (0, 0)
    assert told["numbers"] == sum(bool(row[name]) for row in ROWS for name in standard.ANSWERS)
    assert max(row["granted"] for row in told["rows"]) == 1e-12


def test_a_number_that_differs_is_said_beside_ours(tmp_path):
    row = next(r for r in ROWS if (r["design"], r["scenario"]) == ("3+3 six", "A"))
    wrong = row | {"select_3": "0.3123", "package": "other", "version": "1.0"}
    path = written(tmp_path / "mine.csv", [wrong], [*standard.KEY, "format", "select_2", "select_3", *NAMES])
    result = run(path)
    assert result.exit_code == 1
    said = " ".join(result.stdout.split())
    ours, off = row["select_3"], abs(float(row["select_3"]) - 0.3123)
    place = "1 number differs - exact-oc, other 1.0: 3+3 six, A: select_3:"
    assert said.startswith(f"{place} theirs 0.3123, ours {ours[:10]}")
    assert f"difference {off:.1e}, granted 5.0e-05" in said
    assert run(path, "--within", "0.5").exit_code == 0


def test_digits_are_those_of_a_column(tmp_path):
    """A file that drops zeros at the end prints 0.5 where it means 0.500000; it is not granted 0.05 for that."""
    one, other = (dict(row) for row in ROWS[:2])
    one["select_4"], other["select_4"] = f"{float(one['select_4']):.6f}", "0.7"
    result = run(written(tmp_path / "mine.csv", [one, other], [*standard.KEY, "format", "select_4"]), "--json")
    assert [row["granted"] for row in json.loads(result.stdout)["rows"]] == pytest.approx([5e-7, 5e-7])
    assert result.exit_code == 1


def test_all_faults_at_once(tmp_path):
    bad = [
        ROWS[0] | {"design": "3+3 sixx", "select_1": "half"},
        ROWS[1] | {"scenario": "nowhere", "format": "exact-oc/0"},
        ROWS[2] | {"p_1": "0.5", "select_2": "1.2"},
        ROWS[3],
        ROWS[3] | {"patients_1": "-1"},
    ]
    result = run(written(tmp_path / "mine.csv", bad))
    assert (result.exit_code, result.stdout) == (2, "")
    said = " ".join(result.stderr.split())
    for text in (
        "line 2: design: none is called '3+3 sixx'; did you mean '3+3 six'?",
        "line 2: select_1: wanted a probability, got 'half'",
        "line 3: format: wanted exact-oc/1, got 'exact-oc/0'",
        "line 3: scenario: none is called 'nowhere'",
        "line 4: p_1: wanted",
        "line 4: select_2: wanted a probability, got '1.2'",
        "line 6: patients_1: wanted a number, not negative, got '-1'",
        "line 6: the same design and scenario as in line 5",
    ):
        assert text in said, text


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "wanted a column 'format', got none"),
        (b"format,design,scenario\n", "wanted at least one number, got none"),
        (b"format,design,scenario,selct_1\n", "no column is called 'selct_1'; did you mean 'select_1'?"),
        (b"format,design,scenario,design\n", "two columns are called 'design'"),
        (b'format,design,scenario\n"a\n', "cannot be read"),
        (b"\xff\xfe", "cannot be read"),
        (b"format,design,scenario,select_1\nexact-oc/1,3+3 six,A,0.1,7\n", "as many cells as columns"),
    ],
)
def test_what_is_no_table(tmp_path, content, said):
    (tmp_path / "mine.csv").write_bytes(content)
    result = run(tmp_path / "mine.csv")
    assert result.exit_code == 2
    assert said in " ".join(result.stderr.split())


def test_options_that_do_not_go_together(tmp_path):
    path = written(tmp_path / "mine.csv", ROWS[:1])
    assert "--only: wanted without --against" in run(path, "--only", "mtd").stderr
    assert "--within: wanted with --against" in CliRunner().invoke(app, ["verify", "--within", "0.1"]).stderr
    assert run(tmp_path / "nowhere.csv").exit_code == 2


def test_faults_begin_with_the_file_that_has_them(tmp_path):
    path = tmp_path / "theirs.csv"
    path.write_text("a\n1\n", encoding="utf-8")
    said = run(path)
    assert said.exit_code == 2
    first, second, *_ = said.stderr.splitlines()
    assert first.endswith("theirs.csv: 4 faults")
    assert second == "  line 1: wanted a column 'format', got none"
