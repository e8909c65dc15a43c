"""The pages: every block is run when they are built, or has a test; every command has a page."""

import re
import tomllib
from pathlib import Path

import pytest

from doseopt.cli import app
from doseopt.study.absent import ABSENT

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {str(path.relative_to(DOCS)): path.read_text(encoding="utf-8") for path in sorted(DOCS.rglob("*.md"))}
PAGES = {name: text for name, text in PAGES.items() if not name.startswith("generated/")}
FENCES = {
    name: re.findall(r"^```(\S+).*?$\n(.*?)^```$", text, re.MULTILINE | re.DOTALL) for name, text in PAGES.items()
}
DONE = {"{run}", "{code-cell}", "{file}"}
"""Done when the pages are built; what fails there fails the build."""
SHOWN = {"{built}", "{options}", "{toctree}", "{include}"}
UNRUN = {"install.md": ("sh",), "interim.md": ("csv", "toml"), "grammar.md": ("toml",)}
"""An installation, and pages whose blocks tests of their own read."""


@pytest.mark.parametrize("page", PAGES)
def test_each_block_is_done_when_the_page_is_built_or_has_a_test(page):
    kinds = {kind for kind, _ in FENCES[page]}
    assert kinds <= DONE | SHOWN | {*UNRUN.get(page, ())}


@pytest.mark.parametrize(
    "page", [name for name, blocks in FENCES.items() if any(kind == "{run}" for kind, _ in blocks)]
)
def test_what_it_runs_are_commands_that_there_are(page):
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    for kind, block in FENCES[page]:
        if kind == "{run}":
            lines = [line for line in block.splitlines() if line and not line.startswith(":")]
            assert {line.split()[1] for line in lines if not line.startswith("cat ")} <= known


@pytest.mark.parametrize("page", [name for name, text in PAGES.items() if "{file}" in text])
def test_its_files_are_files(page):
    files = re.findall(r"^```\{file\} (\S+)\n(.*?)^```$", PAGES[page], re.MULTILINE | re.DOTALL)
    for name, text in files:
        if name.endswith(".toml"):
            assert tomllib.loads(text)["designs"]


def test_each_command_has_a_page_in_how_to():
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    assert {Path(name).stem for name in PAGES if name.startswith("how-to/")} - {"index"} == known
    for name in known:
        assert f"```{{options}} {name}\n" in PAGES[f"how-to/{name}.md"]


def test_each_page_stands_in_a_table_of_contents():
    listed = set()
    for name, blocks in FENCES.items():
        for kind, block in blocks:
            entries = (
                [line for line in block.splitlines() if line and not line.startswith(":")]
                if kind == "{toctree}"
                else []
            )
            listed |= {str((DOCS / name).parent.joinpath(entry).resolve().relative_to(DOCS)) for entry in entries}
    assert {name.removesuffix(".md") for name in PAGES} - listed == {"index"}


def test_what_there_is_not_is_said_by_name():
    page = PAGES["unsupported.md"]
    for word in ("efftox", "uboin", "pocrm", "pipe", "combination", "schedules", "backfill"):
        assert word in ABSENT
    for word in ("EffTox", "U-BOIN", "PO-CRM", "PIPE", "ombinations", "chedules", "ackfilling"):
        assert word in page
