"""The application, and what its commands share."""

from __future__ import annotations

import gc
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import doseopt
from doseopt.core.beside import Beside
from doseopt.core.interrupt import interruptible
from doseopt.core.later import later

COMPLETE = "_DOSEOPT_COMPLETE"
"""The variable by which a shell asks what a line may go on with."""
UsageError: Any = typer.BadParameter.__bases__[0]
"""Of the command line's parser, which some versions of typer bring themselves and some import."""


@contextmanager
def _neutral_usage() -> Iterator[None]:
    """Make harmless what an error of usage repeats of the arguments."""
    from doseopt.core.text import neutral

    try:
        yield
    except UsageError as error:
        raise UsageError(neutral(error.format_message()), error.ctx) from None


class _Commands(TyperGroup):
    """The commands; their errors of usage control no terminal, and their help is shown as it is written."""

    def __init__(self, *args: Any, **options: Any) -> None:
        from rich.markup import escape

        super().__init__(*args, **options)
        texts: list[Any] = [each for command in self.commands.values() for each in (command, *command.params)]
        for text in texts:
            text.help = escape(text.help or "")

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Read the options before the command."""
        with interruptible(), _neutral_usage():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Read the command's options, and run it."""
        with interruptible(), _neutral_usage():
            return super().invoke(ctx)


app = typer.Typer(
    cls=_Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Exact operating characteristics of phase I dose-finding designs.",
)


def example(line: str) -> str:
    """Return what stands below the help of a command: a line that can be typed."""
    return f"Example: doseopt {line}"


def _version(wanted: bool) -> None:
    if wanted:
        print(f"doseopt {doseopt.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that belong to no command."""


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what a user can mend into a message on standard error and exit status 2."""
    from doseopt.cli.terminal import print_lines
    from doseopt.core.parameters import Faults
    from doseopt.engines.budget import TooManyStates

    for part in ("f2py", "ma", "polynomial", "random", "testing"):
        later(f"numpy.{part}")  # SciPy looks at all that NumPy has, and would load these: a tenth of a short command
    later("scipy.linalg", alone=True)  # of which its special functions ask for LAPACK alone
    made.clear()
    try:
        with _no_empty_folders():
            yield
    except (Faults, TooManyStates) as error:
        print_lines(f"doseopt: {error}", stderr=True)
        raise typer.Exit(2) from None
    except BrokenPipeError:
        # The reader of a pipe has seen enough; what is left in the buffer must not fail again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None
    except MemoryError:
        way = "fewer patients or doses, larger cohorts, fewer scenarios, or compare --simulate"
        print(f"doseopt: this machine's memory does not suffice: {way}", file=sys.stderr)
        raise typer.Exit(2) from None
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print_lines(f"doseopt: {place}{error.strerror or error}", stderr=True)
        raise typer.Exit(2) from None


made: list[Path] = []
"""Folders that this command made, outermost first."""


@contextmanager
def _no_empty_folders() -> Iterator[None]:
    """Leave no folder behind that a command made and wrote nothing into."""
    try:
        yield
    finally:
        for folder in reversed(made):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()


def make_folder(folder: Path) -> None:
    """Make the folder for the results, before the work begins."""
    from doseopt.core.files import sweep_unfinished
    from doseopt.core.parameters import Fault, Faults

    if folder.exists() and not folder.is_dir():
        raise Faults([Fault("", "wanted a folder for the results, got a file")], str(folder))
    made.extend(place for place in (*reversed(folder.parents), folder) if not place.exists())
    folder.mkdir(parents=True, exist_ok=True)
    sweep_unfinished(folder)


def main() -> None:
    """Run the command line; what the terminal cannot show becomes a question mark."""
    if COMPLETE in os.environ:
        from typer.completion import completion_init  # type: ignore[attr-defined]  # it imports it

        completion_init()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
    # the products are small: threads of the linear algebra would wait for each other, and take the processors from the
    # processes that work beside; whoever wants them says so
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    # a short process that draws figures spends a tenth of its time looking for garbage
    gc.set_threshold(200_000, 50, 50)
    # xarray imports Dask, if it is installed, to tell that no array is one of its: 0.3 s, and no command has any
    if "xarray" not in sys.modules:  # which would know that it is there
        sys.modules.setdefault("dask", None)  # type: ignore[arg-type]  # as importlib documents it: not to be found
        # with pandas half a second, of which short commands have no use; and Arrow, for tables that no command has
        later("xarray", without=["pyarrow"])
        later("asyncio")  # which xarray imports to load data while something else is done
    Beside.allow()
    # it takes a while to make commands of their functions: one that is asked for does not wait for the others
    named = {each.name or getattr(each.callback, "__name__", ""): each for each in app.registered_commands}
    app.registered_commands = [named[name] for name in sys.argv[1:2] if name in named] or app.registered_commands
    try:
        app()
    finally:
        gc.freeze()  # else what ends with the process is looked through for garbage: a fifth of a short command
