"""The files around the package: ``run.py`` finds a Python and knows when to set up again; the lock pins everything."""

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

import doseopt

type Steps = Callable[[int | None], list[str]]

ROOT = Path(__file__).resolve().parents[1]
SHIM = "echo 'pyenv: python3.14: command not found' >&2; exit 127"
OLD = "echo 3.11.2"
WITHOUT_VENV = """echo 3.13.5
printf 'Traceback (most recent call last):\\n  File "<string>", line 2\\nModuleNotFoundError: No ensurepip\\n' >&2
exit 1"""
GOOD = "echo 3.12.9; echo /base/python3.12"

pytestmark = pytest.mark.skipif(os.name == "nt", reason="the stand-ins for Python are shell scripts")


def executable(path: Path, script: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run", ROOT / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> ModuleType:
    """run.py as it is on a machine with a Python 3.11 and nothing else, in a folder of its own."""
    module = load()
    folder = tmp_path / "repository"
    folder.mkdir()
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder)
    monkeypatch.setattr(module, "ROOT", folder)
    monkeypatch.setattr(module, "VENV", folder / ".venv")
    monkeypatch.setattr(module, "BIN", folder / ".venv" / "bin")
    monkeypatch.setattr(module, "STAMP", folder / ".venv" / "set-up-complete")

    monkeypatch.setattr(sys, "executable", executable(tmp_path / "system" / "python3", OLD))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("PYENV_ROOT", raising=False)
    monkeypatch.delenv("DOSEOPT_PYTHON", raising=False)
    return module


class TestFindPython:
    def test_this_python_fits(self) -> None:
        version, program, fault = load().look(sys.executable)
        assert version == ".".join(map(str, sys.version_info[:3]))
        assert Path(program).is_file()
        assert not fault

    def test_the_running_python_comes_first(
        self, run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(sys, "executable", executable(tmp_path / "running", "echo 3.14.0; echo /base/python3.14"))
        executable(tmp_path / "path" / "python3.12", GOOD)
        assert run.find_python() == ("3.14.0", "/base/python3.14")

    def test_a_shim_that_fails_is_passed_over(self, run: ModuleType, tmp_path: Path) -> None:
        executable(tmp_path / "path" / "python3.14", SHIM)
        executable(tmp_path / "path" / "python3.13", WITHOUT_VENV)
        executable(tmp_path / "path" / "python3.12", GOOD)
        assert run.find_python() == ("3.12.9", "/base/python3.12")

    def test_a_shim_does_not_hide_the_same_name_later_on_path(
        self, run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        executable(tmp_path / "shims" / "python3.12", SHIM)
        executable(tmp_path / "real" / "python3.12", GOOD)
        monkeypatch.setenv("PATH", f"{tmp_path / 'shims'}{os.pathsep}{tmp_path / 'real'}")
        assert run.find_python() == ("3.12.9", "/base/python3.12")

    @pytest.mark.parametrize(
        "folder",
        [
            ".pyenv/versions/3.12.9",
            ".asdf/installs/python/3.12.9",
            ".local/share/mise/installs/python/3.12.9",
            ".local/share/uv/python/cpython-3.12.9-linux-x86_64-gnu",
        ],
    )
    def test_what_version_managers_installed_is_found(self, run: ModuleType, tmp_path: Path, folder: str) -> None:
        executable(tmp_path / "path" / "python3.12", SHIM)
        executable(tmp_path / "home" / folder / "bin" / "python3", GOOD)
        assert run.find_python() == ("3.12.9", "/base/python3.12")

    def test_installed_versions_are_tried_newest_first(
        self, run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "elsewhere"))
        for version in ("3.9.18", "3.12.1", "3.13.0", "3.12.10"):
            executable(tmp_path / "elsewhere" / "versions" / version / "bin" / "python3", OLD)
        assert [Path(path).parts[-3] for path in run.candidates()[1:]] == ["3.13.0", "3.12.10", "3.12.1", "3.9.18"]

    def test_the_environment_variable_excludes_all_others(
        self, run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        executable(tmp_path / "path" / "python3.12", GOOD)
        monkeypatch.setenv("DOSEOPT_PYTHON", "/chosen/python")
        assert run.candidates() == ["/chosen/python"]

    def test_when_nothing_fits_the_message_says_why_and_what_to_do(self, run: ModuleType, tmp_path: Path) -> None:
        shim = executable(tmp_path / "path" / "python3.14", SHIM)
        bare = executable(tmp_path / "path" / "python3.13", WITHOUT_VENV)
        with pytest.raises(run.SetUpError) as caught:
            run.find_python()
        message = str(caught.value)
        assert f"{sys.executable}: is Python 3.11.2\n" in message
        assert f"{shim}: pyenv: python3.14: command not found\n" in message
        assert f"{bare}: ModuleNotFoundError: No ensurepip\n" in message
        for advice in ("Python 3.12, 3.13 or 3.14", "pyenv install 3.12", "uv python install 3.12", "DOSEOPT_PYTHON"):
            assert advice in message

    @pytest.mark.parametrize("python", [SHIM, OLD, None])
    def test_when_nothing_fits_the_exit_status_is_2(self, tmp_path: Path, python: str | None) -> None:
        shutil.copy(ROOT / "run.py", tmp_path)
        only = executable(tmp_path / "python", python) if python else str(tmp_path / "missing")
        ended = subprocess.run(
            [sys.executable, tmp_path / "run.py", "compare"],
            env={**os.environ, "DOSEOPT_PYTHON": only},
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 2
        assert only in ended.stderr
        assert "Traceback" not in ended.stderr
        assert not (tmp_path / ".venv").exists()

    def test_it_asks_for_the_same_python_as_the_project(self) -> None:
        asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["requires-python"]
        assert asked == ">=3.12"
        assert "(3, 12) <= sys.version_info" in load().PROBE
        assert (ROOT / ".python-version").read_text() == "3.12\n"


class TestStamp:
    """When .venv is made, and when it is left alone."""

    @pytest.fixture
    def finished(self, run: ModuleType) -> ModuleType:
        executable(run.BIN / "python", GOOD)
        run.STAMP.write_text(run.stamp("3.12.9"))
        assert run.is_ready()
        return run

    def test_no_venv(self, run: ModuleType) -> None:
        assert not run.is_ready()

    def test_half_made(self, finished: ModuleType) -> None:
        finished.STAMP.unlink()
        assert not finished.is_ready()

    def test_the_lock_changed(self, finished: ModuleType) -> None:
        with (finished.ROOT / "requirements.lock").open("a") as file:
            file.write("\n")
        assert not finished.is_ready()

    def test_only_the_lock_counts(self, finished: ModuleType) -> None:
        with (finished.ROOT / "pyproject.toml").open("a") as file:
            file.write("\n")
        assert finished.is_ready()

    def test_another_python(self, finished: ModuleType) -> None:
        executable(finished.BIN / "python", "echo 3.12.10; echo /base/python3.12")
        assert not finished.is_ready()

    def test_its_python_is_gone(self, finished: ModuleType) -> None:
        (finished.BIN / "python").unlink()
        (finished.BIN / "python").symlink_to("/gone/python3.12")
        assert not finished.is_ready()

    def test_the_folder_was_copied(self, finished: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        # The programs in .venv/bin and the editable install hold the path of the folder they were made in.
        shutil.copytree(finished.ROOT, tmp_path / "copy")
        monkeypatch.setattr(finished, "ROOT", tmp_path / "copy")
        assert not finished.is_ready()

    @pytest.mark.parametrize(("version", "ready"), [("3.12.9", True), ("3.13.0", False)])
    def test_a_python_was_chosen(
        self, finished: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, version: str, ready: bool
    ) -> None:
        chosen = executable(tmp_path / "chosen", f"echo {version}; echo /base/python")
        monkeypatch.setenv("DOSEOPT_PYTHON", chosen)
        assert finished.is_ready() is ready


class TestSetUp:
    """The order of the steps, with a recorder in place of the programs."""

    @pytest.fixture
    def steps(self, run: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Steps:
        executable(tmp_path / "path" / "python3.12", GOOD)
        executable(run.BIN / "python", GOOD)
        run.STAMP.write_text("left by an earlier set-up")

        def record(fails_at: int | None) -> list[str]:
            called: list[str] = []

            def call(line: list[str], cwd: str) -> int:
                assert cwd == str(run.ROOT)
                assert not run.STAMP.exists()
                called.append(" ".join(line))
                return int(len(called) == fails_at)

            monkeypatch.setattr(subprocess, "call", call)
            run.set_up()
            return called

        return record

    def test_everything_installed_is_pinned_by_hash(self, run: ModuleType, steps: Steps) -> None:
        called = steps(None)
        assert called[0] == f"/base/python3.12 -m venv --clear {run.VENV}"
        installs = [line for line in called if " install " in line]
        assert len(installs) == 2
        assert installs[0].endswith("--require-hashes -r requirements.lock")
        assert installs[1].endswith("--no-deps --no-build-isolation -e .")
        assert run.is_ready()

    @pytest.mark.parametrize("fails_at", [1, 2, 3, 4])
    def test_a_failed_step_leaves_no_stamp(self, run: ModuleType, steps: Steps, fails_at: int) -> None:
        with pytest.raises(run.SetUpError, match="set-up failed"):
            steps(fails_at)
        assert not run.STAMP.exists()
        assert not run.is_ready()


class TestLock:
    LOCK = (ROOT / "requirements.lock").read_text().replace("\\\n", " ").splitlines()

    def test_every_requirement_is_pinned_with_a_hash(self) -> None:
        pinned = re.compile(r"[a-z0-9][a-z0-9-]*==[\w.]+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+ *")
        assert len(self.LOCK) > 50
        assert [line for line in self.LOCK if not pinned.fullmatch(line)] == []

    def test_it_holds_all_that_the_project_asks_for(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text())
        asked = project["project"]["dependencies"] + project["build-system"]["requires"]
        asked += [line for extra in project["project"]["optional-dependencies"].values() for line in extra]
        names = {re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", line)[0]).lower() for line in asked}
        assert names <= {line.split("==")[0] for line in self.LOCK}


def test_the_version_is_stated_once_and_repeated_rightly() -> None:
    assert "version" in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dynamic"]
    stated = doseopt.__version__
    assert f"\nversion: {stated}\n" in (ROOT / "CITATION.cff").read_text()
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert headings[0] == stated


def test_every_package_that_is_imported_is_asked_for_and_noticed() -> None:
    called = {"docx": "python-docx", "tomli_w": "tomli-w"}
    imported = set()
    for file in (ROOT / "doseopt").rglob("*.py"):
        if file.parent.name == "app":  # which an extra brings, and `doseopt app` asks for
            continue
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                imported |= {each.name.partition(".")[0] for each in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                imported.add(node.module.partition(".")[0])
    needed = {called.get(name, name) for name in imported - set(sys.stdlib_module_names) - {"doseopt"}}
    asked = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    assert needed - {re.split(r"[^\w.-]", line)[0] for line in asked} == set()
    notices = (ROOT / "THIRD-PARTY.md").read_text(encoding="utf-8").lower()
    assert [name for name in needed if f"| {name}" not in notices] == []


def test_no_file_names_a_package_host_or_a_path_of_one_machine() -> None:
    host = re.compile(r"\b(?:pypi|pythonhosted|npmjs|debian|r-project)\.(?:org|net|com)\b")
    path = re.compile(r"(?<![\w.])/(?:work|root|farm|home|Users|opt|tmp/bash_\w+)/")
    git = shutil.which("git")
    if not git or not (ROOT / ".git").exists():
        pytest.skip("needs git to tell the project's files from others")
    listing = [git, "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, capture_output=True, text=True, check=True).stdout.split("\0")
    found = []
    for name in filter(lambda name: name and (ROOT / name).is_file(), names):
        text = (ROOT / name).read_bytes().decode("utf-8", errors="replace")
        found += [
            f"{name}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), 1)
            if host.search(line) or path.search(line)
        ]
    assert found == []
