"""Commands start with what they need: other commands are not built, and what others compute with is not loaded."""

import subprocess
import sys

import pytest

STUDY = (
    'title = "s"\ntarget = 0.25\ndoses = { labels = ["1", "2", "3"] }\nscenarios = { a = [0.1, 0.2, 0.3] }\n'
    '[designs.CRM]\nkind = "crm"\nskeleton = [0.1, 0.25, 0.4]\nmodifiers = [{ kind = "max_patients", n = 12 }]\n'
)
RUN = """
import sys
from doseopt.cli import main
try:
    main()
except SystemExit as end:
    code = end.code
"""
HEAVY = ("matplotlib", "pandas", "unittest", "scipy.linalg", "scipy.stats", "numpy.random.mtrand")
ROOMS = (
    "amendment.recommend",
    "conduct",
    "designs.blrm",
    "designs.boin",
    "engines.graph",
    "plots",
    "records",
    "reports.render.document",
    "tabular",
)
ENGINES = ("average", "hazard", "mixed", "nested", "ordered", "two_parameter")


def after(command, show, folder):
    """What a fresh interpreter prints last after a command."""
    (folder / "small.toml").write_text(STUDY, encoding="utf-8")
    run = [sys.executable, "-c", f"{RUN}\nprint({show})", *command.split()]
    done = subprocess.run(run, cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1], done.stderr


def test_a_study_is_checked_with_what_its_own_designs_need(tmp_path):
    names = [*HEAVY, *(f"doseopt.{room}" for room in ROOMS)]
    names += [f"doseopt.models.quadrature.{engine}" for engine in ENGINES]
    show = f"'LOADED', *[name for name in {names} if type(sys.modules.get(name)).__name__ == 'module'], code"
    assert after("check small.toml", show, tmp_path)[0] == "LOADED 0"


@pytest.mark.parametrize(("command", "built"), [("check small.toml", "1"), ("--version", "22")])
def test_only_the_command_that_is_asked_for_is_built(command, built, tmp_path):
    from doseopt.cli import app

    assert len(app.registered_commands) == 22
    show = "len(sys.modules['doseopt.cli.app'].app.registered_commands)"
    assert after(command, show, tmp_path)[0] == built


def test_a_misspelt_command_is_told_the_nearest_of_all(tmp_path):
    last, told = after("compar small.toml", "code", tmp_path)
    assert last == "2"
    assert "'compare'" in told


def test_what_ends_with_the_process_is_not_looked_through_for_garbage(tmp_path):
    assert after("check small.toml", "__import__('gc').get_freeze_count() > 10_000", tmp_path)[0] == "True"
