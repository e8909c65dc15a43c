"""From nothing: a study file that asks or takes options, help with examples, completion by the shell."""

import os
import shlex
import subprocess
import sys

import pytest
from typer.main import get_command
from typer.testing import CliRunner

import doseopt
from doseopt.cli import app
from doseopt.study.starting import LIKE

COMMANDS = get_command(app).commands


def run(*args, **options):
    return CliRunner().invoke(app, list(args), **options)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_file_is_written_from_options_and_never_overwritten(folder):
    options = (
        "new",
        "mine.toml",
        "--like",
        "3+3",
        "--like",
        "boin",
        "--doses",
        "10,20",
        "--unit",
        "mg",
        "--cohort",
        "2",
    )
    assert run(*options).exit_code == 0
    text = (folder / "mine.toml").read_text(encoding="utf-8")
    study = doseopt.load_study("mine.toml")
    assert list(study.designs) == ["3+3", "BOIN 24"]
    again = run(*options)
    assert again.exit_code == 2
    assert "is there already" in again.stderr
    worse = run(*options, "--target", "25", "--cohort", "0")
    assert "is there already" in worse.stderr
    assert "--target: wanted" in worse.stderr
    assert "--cohort: wanted" in worse.stderr
    assert (folder / "mine.toml").read_text(encoding="utf-8") == text
    assert run("check", "mine.toml").exit_code == 0


def test_doses_with_decimal_commas_stand_between_semicolons(folder):
    assert run("new", "--like", "boin", "--doses", "1,5; 2,5;10").exit_code == 0
    assert doseopt.load_study("study.toml").doses.labels == ("1.5", "2.5", "10")


def test_it_asks_at_a_terminal_for_what_is_left_out(folder, monkeypatch):
    answers = "A trial of ours\n5, 10\nmg\n0.3\nboin, crm\n12\n\n"
    monkeypatch.setattr("doseopt.cli.new.is_asked", lambda: True)
    assert run("new", "--cohort", "2", input=answers).exit_code == 0
    study = doseopt.load_study("study.toml")
    assert (study.title, study.target, list(study.designs)) == ("A trial of ours", 0.3, ["BOIN 12", "CRM 12"])
    assert study.doses.labels == ("5", "10")


def test_it_asks_nothing_where_stdin_is_no_terminal(folder):
    done = run("new", input="")
    assert done.exit_code == 0
    assert "doseopt compare study.toml" in done.stdout
    assert list(doseopt.load_study("study.toml").designs) == ["BOIN 24"]


def test_a_fault_leaves_no_file(folder):
    assert run("new", "sub/mine.toml", "--like", "efftox").exit_code == 2
    assert run("new", "mine").exit_code == 2
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_has_an_example_that_its_options_take(name, folder):
    command = COMMANDS[name]
    before, _, line = command.epilog.partition("Example: doseopt ")
    words = shlex.split(line.partition(" >")[0])
    assert (before, words[0]) == ("", name)
    command.make_context(name, words[1:])  # else it raises
    assert line[:30] in " ".join(run(name, "--help").stdout.split())


def asked(line):
    """What a bash with the script is told when somebody presses Tab behind a line."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" ")), "_DOSEOPT_COMPLETE": "complete_bash"}
    command = [sys.executable, "-c", "import sys; sys.argv = ['doseopt']; from doseopt.cli import main; main()"]
    done = subprocess.run(command, env=os.environ | words, capture_output=True, text=True, check=False)
    return done.stdout.split()


def test_a_shell_completes_commands_options_kinds_and_studies():
    assert asked("doseopt ca") == ["calibrate", "calendar"]
    assert "--amended" in asked("doseopt amend --am")
    assert asked("doseopt new --like tite") == [kind for kind in LIKE if kind.startswith("tite")]
    assert asked("doseopt keys max_p") == ["max_patients"]
    assert asked("doseopt check lib") == ["library"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_script_asks_for_completions(shell):
    done = run("completion", shell)
    assert done.exit_code == 0
    assert f"_DOSEOPT_COMPLETE=complete_{shell}" in done.stdout
    if shell == "bash":
        assert subprocess.run(["bash", "-n"], input=done.stdout, text=True, check=False).returncode == 0


def test_an_unknown_shell_is_answered_with_the_nearest():
    done = run("completion", "fsh")
    assert done.exit_code == 2
    assert "did you mean 'fish'?" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('kind = "efftox"', "EffTox, which weighs efficacy, too"),
        ('kind = "po_crm"', "PO-CRM, which takes combinations of drugs"),
        ('kind = "boin"\npartial_orders = [[1, 2]]', "partial orders of toxicity"),
        ('kind = "boin"\ndrugs = ["A", "B"]', "combinations of drugs"),
        ('kind = "boin"\nefficacy = 0.3', "an efficacy endpoint"),
    ],
)
def test_check_says_what_is_not_supported(words, said, folder):
    (folder / "mine.toml").write_text(f'title = "x"\ntarget = 0.3\n[doses]\nlabels = ["1"]\n[designs.A]\n{words}\n')
    done = run("check", "mine.toml")
    assert done.exit_code == 2
    assert f"doseopt does not have {said}" in " ".join(done.stderr.split())
