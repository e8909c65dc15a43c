"""README and docs/findings.md tell the truth: the example runs, commands exist, every number is traced."""

import dataclasses
import json
import re
import shlex
import tomllib
from pathlib import Path

import pytest
import readme_blocks

import doseopt
from doseopt.attainable.optimal import SHARE
from doseopt.engines.budget import MAX_BYTES, MAX_STATES
from doseopt.models.prior_limits import LARGEST_SD, MOST_CORRELATED, SMALLEST_SD
from doseopt.reports.sections.limits import limit_findings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
FINDINGS = (ROOT / "docs/findings.md").read_text(encoding="utf-8")


def words(text: str) -> str:
    return " ".join(text.split())


def attained() -> list[str]:
    """What the README says of the attainable, computed for two designs."""
    study = doseopt.load_study()
    ten = {name: design for name, design in study.designs.items() if name in ("ATD+3+3 cap 10", "CRM 10")}
    return limit_findings(doseopt.limits_of(dataclasses.replace(study, designs=ten)).dataset)[:2]


def test_the_example_runs_and_has_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    said = capsys.readouterr().out
    printed = [float(line) for line in said.splitlines() if re.fullmatch(r"0\.\d+", line)]
    assert len(printed) == 2
    assert "CRM 25" in said
    assert all(0 < p < 1 for p in printed)
    verbs = {name for name, home in doseopt._HOME.items() if home.split(".")[0] == "reports"}
    assert {name for name in (*verbs, "load_study", "plot") if f"doseopt.{name}" not in example} == set()


@pytest.mark.parametrize("block", ["calibration", "benchmark", "times", "waiting"])
def test_tables_are_made_from_results_files(block: str) -> None:
    assert getattr(readme_blocks, block)() in FINDINGS


def test_it_is_read_in_minutes() -> None:
    assert len(README.splitlines()) <= 150
    assert README.count("![") == 1


def test_every_number_comes_from_a_result_or_is_a_name() -> None:
    text = words(README + FINDINGS)
    computed = [*readme_blocks.the_finding(), *attained()]
    made = [getattr(readme_blocks, block)() for block in ("calibration", "benchmark", "times", "waiting")]
    for part in map(words, [*computed, *made]):
        assert part in text
        text = text.replace(part, "")
    text = re.sub(r"```.*?```|`[^`]*`|\]\([^)]*\)", "", text)
    for name in (*NAMES, *stated()):
        assert re.search(name, text), f"no longer there: {name}"
        text = re.sub(name, "", text)
    assert re.findall(r".{0,30}\d+.{0,30}", text) == []


NAMES = (
    r"i?(ATD\+)?3\+3",
    r"mTPI-2",
    r"BOIN12",
    r"Apache-2\.0",
    r"ends with status 1",
    r"BOIN 2\.7\.2, dfcrm 0\.2-2\.1, escalation 0\.2\.3, bcrm 0\.5\.4, PhIdesign 0\.2\.0, Keyboard 0\.1\.3",
    r"precautionary 0\.2\.6-1",
    r"Lin & Shih \(2001\)",
    r"means over the 11 scenarios",
    r"\(NCT05727722\)",
    r"its target DLT rate of 0\.25 is ours",
)


def stated() -> list[str]:
    """Sentences whose number is a constant of the code, or follows from the protocol's definition."""
    python = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["requires-python"]
    records = json.loads((ROOT / "tests/slow/sbc_results.json").read_text(encoding="utf-8"))
    data_sets = {record["datasets"] for record in records["models"].values()}
    assert (python, len(data_sets), MAX_STATES, MAX_BYTES) == (">=3.12", 1, 20_000_000, 2_000_000_000)
    assert SHARE * MAX_BYTES == 1_250_000_000
    nodes = len((ROOT / "doseopt/verify/reference/viola_dtp_nodes.csv").read_text(encoding="utf-8").splitlines()) - 1
    return [
        rf"Python {python.removeprefix('>=')} or later",
        rf"calibration, {data_sets.pop()} data sets a model",
        # tests/cli/test_cli.py simulates it
        r"8 doses and 60 patients, say",
        rf"{MAX_STATES // 10**6} million states",
        rf"policies above {SHARE * MAX_BYTES / 1e9:g} GB",
        # the bounds that tests/models holds, and the domain of a prior
        r"within 1e-9 for every prior",
        rf"sds of {SMALLEST_SD:g} to {LARGEST_SD:g}, correlations to {MOST_CORRELATED:g}",
        r"probability at a quantile within 3e-7",
        rf"{nodes:,} nodes of the VIOLA",
    ]


def test_its_commands_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"^make (\w+)", README, re.MULTILINE)
    assert commands == ["compare", "test"]
    named = {*commands, *re.findall(r"`make ([\w-]+)`", README)}
    assert named >= {"benchmark", "paper", "paper-full"}
    assert all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in named)


def test_its_doseopt_commands_exist() -> None:
    from doseopt.cli import app

    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    named = set(re.findall(r"doseopt ([a-z]+)", "\n".join(re.findall(r"```sh\n(.*?)```", README, re.DOTALL))))
    assert named <= known
    assert known - named == set()


LINES = [
    line.partition(" #")[0].strip()
    for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL)
    for line in block.splitlines()
    if line.startswith("doseopt ")
]


@pytest.mark.parametrize("line", LINES)
def test_a_command_of_it_is_read_as_it_stands(line: str) -> None:
    from typer.main import get_command

    from doseopt.cli import app

    _, name, *words = shlex.split(re.split(r" >>? ", line)[0])
    get_command(app).commands[name].make_context(name, words)  # else it raises


@pytest.mark.slow
@pytest.mark.parametrize("line", [line for line in LINES if not line.startswith("doseopt app")])
def test_a_command_of_it_runs(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the study and the patients that it speaks of; in a folder that has none where it begins one."""
    from typer.testing import CliRunner

    from doseopt.cli import app

    monkeypatch.chdir(tmp_path)
    words = shlex.split(re.split(r" >>? ", line)[0])[1:]
    if words[0] not in ("new", "elicit"):
        for name in ("mine.toml", "study.toml"):
            doseopt.load_study().save(tmp_path / name)
    (tmp_path / "data.csv").write_text("patient,dose_level,treated,dlt\n1,1,2024-05-01,0\n2,2,2024-06-20,\n")
    done = CliRunner().invoke(app, words, input="")
    assert (done.exit_code, done.stderr if done.exit_code else "") == (0, "")


def test_what_it_says_of_options_holds() -> None:
    from typer.main import get_command

    from doseopt.cli import app

    commands = get_command(app).commands  # type: ignore[attr-defined]
    without = {name for name, each in commands.items() if "--json" not in {o for p in each.params for o in p.opts}}
    assert without == {"check", "new", "schema", "app", "completion"}
    assert all("Example: doseopt" in each.epilog for each in commands.values())
    assert "takes `--json` (not `check`," in words(README)


def test_the_files_it_names_exist() -> None:
    named = re.findall(r"`((?:doseopt|tests|paper|benchmarks)/[\w./-]+|\w+\.md)`|\]\(([\w./-]+)\)", README)
    paths = [a or b for a, b in named if not (a or b).startswith("paper/build/")]
    assert len(paths) >= 8
    assert [path for path in paths if not (ROOT / path).exists()] == []
