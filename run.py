#!/usr/bin/env python3
"""Run doseopt from its folder: `python3 run.py compare` and its other commands, `test`, `check`, `python`.

The first call finds a Python that fits and installs what requirements.lock pins into .venv, which takes a few
minutes; later calls start at once. Any Python from 3.8 on can start this file. DOSEOPT_PYTHON, when it is set, names
the only Python that is considered.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
STAMP = VENV / "set-up-complete"
MANAGED = (".pyenv/versions", ".asdf/installs/python", ".local/share/mise/installs/python", ".local/share/uv/python")
PROBE = """import sys; print("%d.%d.%d" % sys.version_info[:3])
if (3, 12) <= sys.version_info < (3, 15): import ensurepip, ssl, venv; print(sys._base_executable)"""
NOT_FOUND = """doseopt needs Python 3.12, 3.13 or 3.14 with its venv module, and found none. Looked at:
{}
Install one: with your system's packages (on Debian and Ubuntu python3-venv as well), `pyenv install 3.12` or
`uv python install 3.12`. If one is installed elsewhere, set the environment variable DOSEOPT_PYTHON to its path
(nothing else is looked at then)."""


class SetUpError(Exception):
    """What is missing, in words for the user."""


def candidates():
    """List the Pythons to try: this one, those on PATH, those that a version manager installed; newest first."""
    if os.environ.get("DOSEOPT_PYTHON"):
        return [os.environ["DOSEOPT_PYTHON"]]
    folders = os.environ.get("PATH", "").split(os.pathsep)
    found = [shutil.which("python3." + minor, path=folder) for minor in ("14", "13", "12") for folder in folders]
    pyenv = os.environ.get("PYENV_ROOT")
    for manager in ([Path(pyenv, "versions")] if pyenv else []) + [Path.home() / folder for folder in MANAGED]:
        versions = sorted(manager.glob("*"), key=lambda path: [int(n) for n in re.findall(r"\d+", path.name)])
        found += [shutil.which("python3", path=str(path / "bin")) for path in reversed(versions)]
    return [path for path in dict.fromkeys([sys.executable, *found]) if path]


def look(python):
    """Execute a candidate, as a version manager's stand-in may exist and fail: its version, program and fault."""
    try:
        ran = subprocess.run([python, "-E", "-c", PROBE], cwd=str(ROOT), capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        return "", "", str(error)
    version, _, program = ran.stdout.strip().partition("\n")
    said = ran.stderr.strip().splitlines() or [f"ended with status {ran.returncode}"]
    if ran.returncode:
        return version, "", said[-1 if said[0].startswith("Traceback") else 0]
    return version, program, "" if program else "is Python " + version


def find_python():
    """Return version and program of the first candidate that fits."""
    faults = []
    for python in candidates():
        version, program, fault = look(python)
        if program:
            return version, program
        faults.append(f"  {python}: {fault}")
    raise SetUpError(NOT_FOUND.format("\n".join(faults)))


def stamp(version):
    """Say what a set-up is made from: the Python, the folder and the pins."""
    pins = (ROOT / "requirements.lock").read_bytes()
    return version + " " + hashlib.sha256(os.fsencode(str(ROOT)) + b"\0" + pins).hexdigest()


def is_ready():
    """Tell whether .venv was finished, works and is up to date."""
    version, asked = look(str(BIN / "python"))[0], os.environ.get("DOSEOPT_PYTHON")
    if not STAMP.is_file() or (asked and look(asked)[0] != version):
        return False
    return STAMP.read_text() == stamp(version)


def set_up():
    """Make .venv anew. It is stamped at the very end, so one left half made is not taken for finished."""
    version, program = find_python()
    print(f"doseopt: setting up .venv with Python {version}; this takes a few minutes, once", flush=True)
    pip = [str(BIN / "python"), "-I", "-m", "pip", "-qq", "--disable-pip-version-check", "install", "--compile"]
    STAMP.unlink(missing_ok=True)
    for step in (
        [program, "-m", "venv", "--clear", str(VENV)],
        [*pip, "--require-hashes", "-r", "requirements.lock"],
        [*pip, "--no-deps", "--no-build-isolation", "-e", "."],
        [str(BIN / "python"), "-m", "compileall", "-q", "doseopt"],
    ):
        if subprocess.call(step, cwd=str(ROOT)):
            raise SetUpError("doseopt: the set-up failed, for the reason above, at\n  " + " ".join(step))
    STAMP.write_text(stamp(version))


def main(args):
    """Set up if need be, then hand over."""
    if not is_ready():
        set_up()
    python, command = str(BIN / "python"), args[0] if args else "--help"
    if command in ("test", "check"):
        os.chdir(str(ROOT))
    if command == "check":
        tools = (["ruff", "check"], ["ruff", "format", "--check"], ["mypy"])
        return max([subprocess.call([python, "-m", *tool]) for tool in tools])
    start = {"test": [python, "-m", "pytest"], "python": [python]}.get(command, [str(BIN / "doseopt"), command])
    if args == ["test"]:
        start += ["-n", "auto", "--dist", "worksteal"]  # the whole suite, on all cores
    return subprocess.call(start + args[1:]) if os.name == "nt" else os.execv(start[0], start + args[1:])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except SetUpError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
