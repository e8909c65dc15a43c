"""The command that compares the designs of a study."""

from __future__ import annotations

import dataclasses
import functools
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from doseopt.cli.app import app, example, plain_errors
from doseopt.cli.options import BUDGET, Budget, DatasetJson, Folder, Html, StudyName, allowing, seed
from doseopt.core.interrupt import INTERRUPTED

if TYPE_CHECKING:
    import xarray as xr

    from doseopt.comparison.evaluate import Engine
    from doseopt.comparison.posteriors import Posteriors
    from doseopt.reports.render.document import Block, Document
    from doseopt.study.study import Study

TRIALS, MOST_TRIALS = 10_000, 1_000_000
"""Simulated trials a scenario: as usual, and at most."""
LONG = 5
"""Seconds of posteriors before what else is known is written."""


class _TrialsMayBeLeftOut(TyperCommand):
    """A command whose `--simulate` takes a number, or stands alone."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the usual number behind a `--simulate` that has none."""
        given = list(args)
        for k, word in enumerate(args):
            if word == "--simulate" and not (k + 1 < len(args) and args[k + 1].lstrip("+-").isdigit()):
                given[k] = f"--simulate={TRIALS}"
        return super().parse_args(ctx, given)


Settled = Annotated[
    bool, typer.Option("--settled", help="Stop a trial once every ending it can reach selects the same dose.")
]
Simulated = Annotated[
    int | None,
    typer.Option(
        metavar="[TRIALS]",
        min=1,
        max=MOST_TRIALS,
        help=f"Simulate every design, {TRIALS:,} trials a scenario unless a number is given. Left out: exact, and "
        "simulated are only the designs that are too large for it.",
    ),
]
Posterior = Annotated[
    bool | None,
    typer.Option(
        "--posterior/--no-posterior",
        help="Say what is known of the DLT rate at each dose after each design: on average, after typical endings, "
        "and at the dose declared. Computed by default if the study states a posterior; given, it is printed, too.",
        show_default=False,
    ),
]
Truths = Annotated[
    list[str] | None,
    typer.Option(
        help='True DLT rates in place of the scenarios, one a dose, as "0.05 0.1 0.25 0.45"; may be repeated.',
        show_default=False,
    ),
]
Full = Annotated[
    bool, typer.Option("--full", help="Print every table: scenarios, rules, each measure, the posteriors.")
]
Robust = Annotated[
    bool,
    typer.Option(
        "--robust",
        help="Say how wrong the study may be (false and late DLTs, doses that are off, deaths, drop-out) before the "
        "designs that its [amendment] proposes are no better than the registered one; without one, all others than the "
        "first.",
    ),
]


@app.command(cls=_TrialsMayBeLeftOut, epilog=example("compare mine.toml --full"))
def compare(
    study: StudyName = "renji-elo",
    out: Folder = None,
    settled: Settled = False,
    simulate: Simulated = None,
    seed: Annotated[int, seed("Seed of simulations.")] = 1,
    budget: Budget = BUDGET,
    posterior: Posterior = None,
    truth: Truths = None,
    full: Full = False,
    robust: Robust = False,
    html: Html = None,
    json: DatasetJson = False,
) -> None:
    """Compare the designs of a study on its scenarios: tables here, data and figures in a folder."""
    with plain_errors(), allowing(budget):
        from doseopt.cli.output import deliver, drawing, folder_for, show, write_figures
        from doseopt.display.simulated import without_errors
        from doseopt.reports.render.document import Document
        from doseopt.study.file import load_study

        engine = _engine(settled, simulate, seed)
        loaded = _under(load_study(study), truth or [])
        folder = folder_for(out, json, html)
        wanted = loaded.states_posterior if posterior is None else posterior
        compared, readings, posteriors = _compared(loaded, engine, wanted)
        loaded = loaded.only(compared["design"].to_numpy().tolist())
        whole = functools.cache(lambda: _document(compared))
        if not json:  # the answer before all else, which takes longer
            show(whole() if full else _screen(compared))
            sys.stdout.flush()
        dataset, turns, finished = compared, Document("", {}, ()), True
        if robust:
            dataset, turns, finished = _with_break_even(compared, loaded)
        if not json and robust:
            show(turns)
            sys.stdout.flush()
        further = shown = document = Document("", {}, ())
        data_alone = json and folder is None and html is None
        if not data_alone:
            document = _followed_by(turns.blocks, whole())
        read = functools.cache(lambda: dataset.assign(readings()))
        if posteriors is not None:
            result, all_done = _with_posteriors(read, posteriors, lambda: _write_data(without_errors(read()), folder))
            finished &= all_done
            if not data_alone:
                further, told = _of_posteriors(result)
                shown = further if full or posterior else told
        else:
            result = read()
        result, document = without_errors(result), drawing(_followed_by(further.blocks, document), folder, html)
        files = [*_write_data(result, folder), *([] if folder is None else write_figures(document, folder))]
        deliver(lambda: result, document, json=json, html=html, folder=folder, files=files, shown=shown)
        if not finished:
            raise typer.Exit(INTERRUPTED)


def _document(dataset: xr.Dataset) -> Document:
    """Return a comparison as a document."""
    from doseopt.reports.sections.comparison import comparison_document

    return comparison_document(dataset)


def _screen(dataset: xr.Dataset) -> Document:
    """Return what of a comparison is shown on a screen."""
    from doseopt.reports.sections.overview import overview_document

    return overview_document(dataset)


def _of_posteriors(dataset: xr.Dataset) -> tuple[Document, Document]:
    """Return what is known of the DLT rates after each design as a document, and what says that it was computed."""
    from doseopt.reports.render.document import Document
    from doseopt.reports.sections.estimates import announced, estimates
    from doseopt.reports.sections.overview import marked

    return Document("", {}, tuple(estimates(marked(dataset)))), Document("", {}, tuple(announced(dataset)))


def _followed_by(blocks: Iterable[Block], document: Document) -> Document:
    return dataclasses.replace(document, blocks=(*document.blocks, *blocks))


def _under(study: Study, truths: list[str]) -> Study:
    """Return the study under other truths, if some are given."""
    if not truths:
        return study
    from doseopt.core.parameters import Fault, Faults
    from doseopt.reports.given import study_of

    planned, rows = len(study.doses.as_planned.labels), []
    for text in truths:
        try:
            rows.append([float(rate) for rate in text.replace(",", " ").split()])
        except ValueError:
            rows.append([])
    if any(len(row) != planned or not all(0 <= p <= 1 for p in row) for row in rows):
        given = ", ".join(map(repr, truths))
        wanted = f'wanted {planned} rates in [0, 1], one a planned dose, as "0.05 0.25", got {given}'
        raise Faults([Fault("--truth", wanted)])
    return study_of(study, {f"S{k}": row for k, row in enumerate(rows, 1)})


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
    exact = Exact(settled=settled)
    return exact if settled else ExactWherePossible(exact, Simulate(seed=seed))


def _compared(
    study: Study, engine: Engine, posteriors: bool
) -> tuple[xr.Dataset, Callable[[], xr.Dataset], Posteriors | None]:
    """Run the comparison behind a progress bar; readings of the DLT window and posteriors are begun beside."""
    from doseopt.cli.terminal import steps
    from doseopt.comparison.compare import before_readings

    with steps("comparing", len(study.designs) + 2) as step:
        return before_readings(study, engine, step, posteriors)


def _with_break_even(dataset: xr.Dataset, study: Study) -> tuple[xr.Dataset, Document, bool]:
    """Add break-even points to a comparison; return what there is to show of them, too; False when interrupted."""
    from doseopt.amendment.dossier import proposed
    from doseopt.cli.terminal import spinner
    from doseopt.comparison.break_even import break_even
    from doseopt.reports.render.document import Document, Heading
    from doseopt.reports.sections.break_even import TITLE, break_even_blocks

    proposal = proposed(study)
    try:
        with spinner("break-even points; an interrupt leaves them out") as say:
            found = break_even(study, proposal.registered, proposal.amended, say)
    except KeyboardInterrupt:
        print("doseopt: break-even points interrupted; they are left out", file=sys.stderr)
        return dataset, Document("", {}, ()), False
    joined = dataset.merge(found.reindex(design=dataset["design"].to_numpy()), combine_attrs="override")
    about = {name: found.attrs[name] for name in ("registered", "left_out")}
    return joined.assign_attrs(about), Document("", {}, (Heading(TITLE), *break_even_blocks(found))), True


def _with_posteriors(
    read: Callable[[], xr.Dataset], found: Posteriors, keep: Callable[[], object]
) -> tuple[xr.Dataset, bool]:
    """Add posteriors behind a progress bar to a comparison once it is read; when interrupted those so far, and False.

    They may be interrupted, and worse: the rest is kept where they fail, and once they take long.
    """
    from doseopt.cli.terminal import progress_bar

    estimates, finished, once, begun = None, False, functools.cache(keep), time.monotonic()
    try:
        with progress_bar("posteriors") as bar:
            task = bar.add_task("tallies; an interrupt keeps those done", total=None)
            estimates = found.estimates
            wanted = estimates.wanted
            bar.update(task, total=wanted, refresh=True)

            def tell(done: int) -> None:
                bar.update(task, completed=done, refresh=True)
                if done < wanted and time.monotonic() - begun > LONG:
                    once()

            if estimates.done:
                tell(estimates.done)
            estimates.run(tell)
            finished = True
        return found.added_to(read()), finished
    except KeyboardInterrupt:
        done = "" if estimates is None else f" after {estimates.done:,} of {estimates.wanted:,} tallies"
        print(f"doseopt: posteriors interrupted{done}; what is done is kept", file=sys.stderr)
        return read() if estimates is None else found.added_to(read()), finished
    except BaseException:
        once()
        raise


def _write_data(dataset: xr.Dataset, folder: Path | None) -> list[Path]:
    """Write the data, if there is a folder for them."""
    from doseopt.cli.output import write_csv
    from doseopt.reports.frames import tidy
    from doseopt.tabular.netcdf import write_netcdf

    if folder is None:
        return []
    return [
        write_netcdf(dataset, folder / "comparison.nc"),
        write_csv(tidy(dataset), folder / "comparison.csv"),
    ]
