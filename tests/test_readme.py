"""The README tells the truth: its example runs, its findings are what the comparison finds, its commands exist."""

import dataclasses
import re
from pathlib import Path

import pytest

import doseopt
from doseopt.tables import findings
from doseopt.tables.limits import limit_findings

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def words(text: str) -> str:
    return " ".join(text.split())


def test_the_example_runs_and_prints_two_probabilities(capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(compile(example, "README.md", "exec"), {})
    printed = [float(line) for line in capsys.readouterr().out.split()]
    assert len(printed) == 2
    assert all(0 < p < 1 for p in printed)


def test_its_findings_are_those_of_the_bundled_comparison() -> None:
    found = findings(doseopt.compare(doseopt.load_study()))
    assert len(found) == 2
    for sentence in found:
        assert words(sentence) in words(README)


def test_what_it_says_of_the_attainable_is_what_is_computed() -> None:
    study = doseopt.load_study()
    ten = {name: design for name, design in study.designs.items() if name in ("ATD+3+3 cap 10", "CRM 10")}
    found = limit_findings(doseopt.limits_of(dataclasses.replace(study, designs=ten)).dataset)
    for sentence in found[:2]:
        assert words(sentence) in words(README)


def test_its_commands_are_targets_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    commands = re.findall(r"^make (\w+)", README, re.MULTILINE)
    assert commands == ["compare", "test"]
    assert all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in commands)


def test_the_files_it_names_exist() -> None:
    named = re.findall(r"`((?:doseopt|tests|paper)/[\w./-]+|\w+\.md)`|\]\(([\w./-]+)\)", README)
    paths = [a or b for a, b in named]
    assert len(paths) >= 5
    assert [path for path in paths if not (ROOT / path).exists()] == []
