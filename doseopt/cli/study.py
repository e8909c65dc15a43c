"""Commands on a whole study: compare, posterior, check."""

from __future__ import annotations

import sys
from json import dumps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from doseopt.cli.app import StudyName, app, make_folder, plain_errors, print_written

if TYPE_CHECKING:
    import xarray as xr
    from rich.progress import Progress

    from doseopt.comparison.evaluate import Engine
    from doseopt.conduct.posterior import Analysis
    from doseopt.study.study import Study

TRIALS, MOST_TRIALS = 10_000, 1_000_000
"""Simulated trials a scenario: as usual, and at most."""
INTERRUPTED = 130
"""Exit status."""


class _TrialsMayBeLeftOut(TyperCommand):
    """A command whose `--simulate` takes a number, or stands alone."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the usual number behind a `--simulate` that has none."""
        given = list(args)
        for k, word in enumerate(args):
            if word == "--simulate" and not (k + 1 < len(args) and args[k + 1].lstrip("+-").isdigit()):
                given[k] = f"--simulate={TRIALS}"
        return super().parse_args(ctx, given)


@app.command(cls=_TrialsMayBeLeftOut)
def compare(
    study: StudyName = "renji-elo",
    out: Annotated[Path | None, typer.Option(help="Folder for the results; 'results' if left out.")] = None,
    settled: Annotated[
        bool, typer.Option("--settled", help="Stop a trial once every ending it can reach selects the same dose.")
    ] = False,
    simulate: Annotated[
        int | None,
        typer.Option(
            metavar="[TRIALS]",
            min=1,
            max=MOST_TRIALS,
            help=f"Simulate every design, {TRIALS:,} trials a scenario unless a number is given. Left out: exact, and "
            "simulated are only the designs that are too large for it.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of simulations.", min=0)] = 1,
    posterior: Annotated[
        bool | None,
        typer.Option(
            "--posterior/--no-posterior",
            help="Say what is known of the DLT rates after each design; by default if the study states a posterior.",
            show_default=False,
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print the Dataset as one JSON object instead of tables.")
    ] = False,
) -> None:
    """Compare the designs of a study on its scenarios: tables here, data and figures in a folder."""
    with plain_errors():
        from doseopt.study.file import load_study

        engine = _engine(settled, simulate, seed)
        loaded = load_study(study)
        folder = out if out is not None or json else Path("results")
        if folder is not None:
            make_folder(folder)
        dataset = _compared(loaded, engine)
        written = [] if folder is None else _write(dataset, folder)
        if not json:
            from doseopt.cli.terminal import terminal
            from doseopt.reports.tables import print_comparison

            print_comparison(dataset, terminal())
            sys.stdout.flush()
        finished = True
        if loaded.states_posterior if posterior is None else posterior:
            known, finished = _with_posteriors(dataset, loaded, engine)
            written += [] if folder is None else _write_posteriors(known, folder)
            dataset = known
        _say(dataset, written, folder, json)
        if not finished:
            raise typer.Exit(INTERRUPTED)


def _say(dataset: xr.Dataset, written: list[Path], folder: Path | None, json: bool) -> None:
    """Print what has not been printed yet: the posteriors and the files, or everything as JSON."""
    if json:
        from doseopt.cli.output import as_json

        print(as_json(dataset))
        return
    from doseopt.cli.terminal import terminal
    from doseopt.reports.tables import print_estimates

    print_estimates(dataset, terminal())
    print_written(folder, written)


def _engine(settled: bool, simulate: int | None, seed: int) -> Engine:
    """Return what evaluates the designs."""
    from doseopt.core.parameters import Fault, Faults
    from doseopt.engines.exact import Exact
    from doseopt.engines.simulate import ExactWherePossible, Simulate

    if settled and simulate is not None:
        wanted = "wanted one of --settled and --simulate: a simulated trial does not see that its answer is settled"
        raise Faults([Fault("--settled", wanted)])
    if simulate is not None:
        return Simulate(simulate, seed)
    return Exact(settled=True) if settled else ExactWherePossible(simulate=Simulate(seed=seed))


def _bar(what: str) -> Progress:
    """Return a progress bar on standard error."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    from doseopt.cli.terminal import terminal

    columns = (
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}", markup=False),
    )
    return Progress(*columns, console=terminal(stderr=True), transient=True)


def _compared(study: Study, engine: Engine) -> xr.Dataset:
    """Run the comparison behind a progress bar."""
    from doseopt.comparison.compare import compare as run

    with _bar("comparing") as bar:
        task = bar.add_task("", total=len(study.designs) + 1)

        def step(name: str) -> None:
            bar.update(task, description=name, advance=0 if bar.tasks[0].description == "" else 1)

        return run(study, engine, progress=step, posteriors=False)


def _with_posteriors(dataset: xr.Dataset, study: Study, engine: Engine) -> tuple[xr.Dataset, bool]:
    """Add the posteriors behind a progress bar; when interrupted, those so far, and False."""
    from doseopt.comparison.compare import estimates_of, with_posteriors

    estimates, finished = None, False
    try:
        with _bar("posteriors") as bar:
            task = bar.add_task("tallies; an interrupt keeps those done", total=None)
            estimates = estimates_of(study, engine)
            bar.update(task, total=estimates.wanted)
            estimates.run(lambda done: bar.update(task, completed=done))
            finished = True
    except KeyboardInterrupt:
        done = "" if estimates is None else f" after {estimates.done:,} of {estimates.wanted:,} tallies"
        print(f"doseopt: posteriors interrupted{done}; what is done is kept", file=sys.stderr)
    return dataset if estimates is None else with_posteriors(dataset, study, engine, estimates), finished


def _write(dataset: xr.Dataset, folder: Path) -> list[Path]:
    """Write the Dataset, the tidy table and the figures."""
    from doseopt.plots import save_figures

    return [*_write_data(dataset, folder), *save_figures(dataset, folder)]


def _write_data(dataset: xr.Dataset, folder: Path) -> list[Path]:
    from doseopt.cli.output import write_csv, write_netcdf
    from doseopt.reports.tables import tidy

    return [
        write_netcdf(dataset, folder / "comparison.nc"),
        write_csv(tidy(dataset), folder / "comparison.csv"),
    ]


def _write_posteriors(dataset: xr.Dataset, folder: Path) -> list[Path]:
    """Write the data again, now with posteriors, and their figure; returns the files that are new."""
    from doseopt.plots import estimates_figure, save_figure

    if "posterior_mean" not in dataset:
        return []
    _write_data(dataset, folder)
    return save_figure(estimates_figure(dataset), folder, "estimates")


@app.command()
def posterior(
    study: StudyName = "renji-elo",
    outcomes: Annotated[str, typer.Option(help='Outcomes so far, e.g. "1N 2NNT".')] = "",
    data: Annotated[Path | None, typer.Option(help="A CSV file with one patient a row.")] = None,
    model: Annotated[str, typer.Option(help="blrm, empiric, logistic, bma or beta; the study's if left out.")] = "",
    method: Annotated[str, typer.Option(help="quadrature, or nuts: draws, which ArviZ reads.")] = "quadrature",
    seed: Annotated[int, typer.Option(help="Seed of NUTS.", min=0)] = 1,
    out: Annotated[Path | None, typer.Option(help="Folder for the results; 'results' if left out.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of tables.")] = False,
) -> None:
    """Estimate the DLT rate at each dose from the data so far; a worked example if none are given."""
    with plain_errors():
        from doseopt.conduct.posterior import analyse, as_object, check_choice
        from doseopt.records.data import data_from_csv, data_from_outcomes, example
        from doseopt.study.file import load_study

        check_choice(model, method, both=bool(outcomes) and data is not None)
        loaded = load_study(study)
        worked = "" if outcomes or data is not None else example(len(loaded.doses.labels))
        if data is not None:
            read = data_from_csv(data, loaded.doses)
        else:
            read = data_from_outcomes(outcomes or worked, loaded.doses)
        folder = out if out is not None or json else Path("results")
        if folder is not None:
            make_folder(folder)
        result = analyse(loaded, read, model or None, method, seed, progress=sys.stderr.isatty())
        written = [] if folder is None else _write_posterior(result, folder)
        if json:
            from doseopt.cli.output import plain

            print(dumps(plain(as_object(result.summary)), allow_nan=False))
            return
        from doseopt.cli.terminal import print_lines, terminal
        from doseopt.reports.tables import print_posterior

        if worked:
            print_lines(f'No data were given; this is a worked example, as if --outcomes "{worked}".\n')
        print_posterior(result.summary, terminal())
        print_written(folder, written)


def _write_posterior(result: Analysis, folder: Path) -> list[Path]:
    """Write the DataTree, the table and the figures."""
    import xarray

    from doseopt.cli.output import write_csv, write_netcdf
    from doseopt.plots.posterior import posterior_figures
    from doseopt.plots.save import save_figure

    whole = result.tree.copy() if result.tree is not None else xarray.DataTree()
    whole.attrs |= {name: result.summary.attrs[name] for name in ("format", "version", "study", "study_hash")}
    whole["summary"] = xarray.DataTree(result.summary)
    whole["density"] = xarray.DataTree(result.density)
    table = result.summary.drop_dims("prior_scale").to_dataframe()
    files = [
        write_netcdf(whole, folder / "posterior.nc"),
        write_csv(table, folder / "posterior.csv", index=True),
    ]
    for name, figure in posterior_figures(result.summary, result.density).items():
        files += save_figure(figure, folder, name)
    return files


@app.command()
def check(
    study: StudyName,
    stated: Annotated[
        str, typer.Option("--hash", help="Hash that a report or a result states: is it this study?")
    ] = "",
    upgrade: Annotated[
        bool, typer.Option("--upgrade", help="Print the study as this version spells it, without comments.")
    ] = False,
    out: Annotated[Path | None, typer.Option(help="With --upgrade: the file to write, policies beside it.")] = None,
) -> None:
    """Validate a study file: every fault at once, each with its place in the file."""
    with plain_errors():
        from doseopt.cli.terminal import print_lines
        from doseopt.core.parameters import Fault, Faults
        from doseopt.core.text import counted
        from doseopt.study.digest import hash_fault
        from doseopt.study.file import load_study

        if out is not None and not upgrade:
            raise Faults([Fault("--out", "wanted with --upgrade only")])
        loaded = load_study(study)
        if stated and (message := hash_fault(stated, loaded.hash)):
            raise Faults([Fault("--hash", message)], study)
        if upgrade:
            return _upgrade(loaded, out)
        truths = loaded.scenarios().sizes["scenario"] if loaded.scenario_specs else 0
        parts = [
            counted(len(loaded.designs), "design"),
            counted(truths, "scenario") if truths else "no scenarios",
            counted(len(loaded.doses.labels), "dose"),
            f"hash {loaded.hash}",
        ]
        print_lines(f"{study}: valid ({', '.join(parts)})")
        for fault in loaded.unweighed():
            print_lines(f"To compare the designs, {fault}")


def _upgrade(study: Study, out: Path | None) -> None:
    """Print the study as this version spells it, or write it."""
    if out is None:
        print(study.to_toml(), end="")
        return
    make_folder(out.parent)
    print_written(out.parent, study.save(out))
