"""Commands that write the amendment report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, example, plain_errors
from doseopt.cli.options import Cohorts, Cutoff, DataFile, Folder, Html, Json, StudyName, WindowDays, check_one_source

if TYPE_CHECKING:
    from doseopt.core.design import Design
    from doseopt.records.record import Record
    from doseopt.records.trial import Trial
    from doseopt.study.amendment import Proposal
    from doseopt.study.study import Study

SEED = 1
"""Of the search for the parameters of other rules."""


@app.command(epilog=example('amend --outcomes "1N 2NNT" --amended "CRM 25"'))
def amend(
    study: StudyName = "renji-elo",
    outcomes: Cohorts = "",
    data: DataFile = None,
    cutoff: Cutoff = None,
    window: WindowDays = None,
    registered: Annotated[str, typer.Option(help="The registered design; the study's if left out.")] = "",
    amended: Annotated[
        list[str] | None, typer.Option(help="A proposed design; may be repeated; the study's if left out.")
    ] = None,
    smallest: Annotated[
        bool, typer.Option("--smallest", help="Search for the smallest change that reaches what is wanted instead.")
    ] = False,
    calibrate: Annotated[
        int, typer.Option(help="With --smallest: tune every other rule first, by about so many candidates each.", min=0)
    ] = 0,
    identifiers: Annotated[
        bool, typer.Option("--identifiers", help="Show patients by their names in the file, not by number.")
    ] = False,
    out: Folder = None,
    html: Html = None,
    json: Json = False,
) -> None:
    """Report a change of design, registered against amended, from the data so far: HTML, DOCX and PDF."""
    with plain_errors():
        from doseopt.amendment.criteria import criteria_faults
        from doseopt.amendment.dossier import proposed
        from doseopt.conduct.in_hand import is_record, read_trial, record_so_far
        from doseopt.records.template import bundled
        from doseopt.reports.files import command_again
        from doseopt.study.file import load_study

        check_one_source(outcomes, data)
        _check_candidates(calibrate, smallest)
        _check_identifiers(identifiers, data)
        loaded = load_study(study, judge=criteria_faults)
        proposal = proposed(loaded, registered, amended or ())
        trial = read_trial(loaded, outcomes, data, cutoff, window, identifiers)
        folder = None if data is None or not is_record(data) else bundled(data)
        record = None if folder is None else record_so_far(loaded, folder, cutoff, window)
        if smallest:
            return _smallest(loaded, trial, proposal, calibrate, out, html, json)
        copied = None if data is None else "data.csv" if folder is None else "data"
        days = None if window is None else f"{window:g}"
        given = {"--outcomes": outcomes, "--data": copied, "--cutoff": cutoff, "--window": days}
        command = command_again(given, identifiers, {"--registered": registered}, amended or ())
        _report(loaded, trial, proposal, command, out, html, json, folder or data, record)


def _check_candidates(calibrate: int, smallest: bool) -> None:
    """Refuse candidates of a calibration that is not asked for, and too few."""
    from doseopt.calibration.search import FEWEST
    from doseopt.core.parameters import Fault, Faults

    if calibrate and not smallest:
        raise Faults([Fault("--calibrate", "wanted with --smallest only")])
    if 0 < calibrate < FEWEST:
        raise Faults([Fault("--calibrate", f"wanted 0 or at least {FEWEST}, got {calibrate}")])


def _check_identifiers(identifiers: bool, data: Path | None) -> None:
    """Refuse to show names where there are none, or another command lists them."""
    from doseopt.conduct.in_hand import is_record
    from doseopt.core.parameters import Fault, Faults

    if identifiers and (data is None or is_record(data)):
        wanted = "wanted with a table of patients, --data FILE; of a record, `doseopt record --identifiers` lists them"
        raise Faults([Fault("--identifiers", wanted)])


def _smallest(
    study: Study, trial: Trial, proposal: Proposal, candidates: int, out: Path | None, html: Path | None, json: bool
) -> None:
    """Search, and print the frontier of change against gain."""
    from dataclasses import replace

    from doseopt.amendment.ladder import search
    from doseopt.cli.output import deliver, folder_for, write_figures
    from doseopt.cli.terminal import spinner
    from doseopt.reports.sections.smallest import smallest_document
    from doseopt.tabular.netcdf import write_netcdf

    folder = folder_for(out, json, html)
    tuned = _tuned(study, proposal, candidates) if candidates else {}
    with spinner("the smallest amendment") as say:
        found = search(study, trial, proposal.registered, progress=say, further=tuned)
    if tuned:
        found = found.assign_attrs(candidates=candidates, seed=SEED)
    document = smallest_document(found, proposal.wanted)
    files = []
    if folder is not None:
        files = [write_netcdf(found, folder / "smallest.nc"), *write_figures(document, folder)]
        if tuned:
            files += replace(study, designs={**study.designs, **tuned}).save(folder / "calibrated.toml")
    deliver(lambda: found, document, json=json, html=html, folder=folder, files=files)


def _tuned(study: Study, proposal: Proposal, candidates: int) -> dict[str, Design]:
    """Calibrate every rule but the registered one, at as many patients, within the bounds of the study's criteria."""
    from dataclasses import replace

    from doseopt.amendment.criteria import limits_of
    from doseopt.amendment.library import rules_to_tune
    from doseopt.calibration import Objective
    from doseopt.cli.calibrate import calibrations

    rules = rules_to_tune(study, proposal.registered)
    aim = Objective(limits=limits_of(proposal.criteria))
    found = calibrations(replace(study, designs=rules), list(rules), (), aim, candidates, SEED)
    return {f"{name} calibrated": each.design for name, each in found.items() if each.design is not None}


@app.command(epilog=example("report mine.toml --out report"))
def report(study: StudyName = "renji-elo", out: Folder = None, html: Html = None, json: Json = False) -> None:
    """Report the amendment that a study proposes, before the first patient: HTML, DOCX and PDF."""
    with plain_errors():
        from doseopt.amendment.criteria import criteria_faults
        from doseopt.amendment.dossier import proposed
        from doseopt.records.trial import Trial
        from doseopt.study.file import load_study

        loaded = load_study(study, judge=criteria_faults)
        _report(loaded, Trial(loaded.doses), proposed(loaded), "doseopt report study.toml", out, html, json)


def _report(
    study: Study,
    trial: Trial,
    proposal: Proposal,
    command: str,
    out: Path | None,
    html: Path | None,
    json: bool,
    data: Path | None = None,
    record: Record | None = None,
) -> None:
    """Compute, write the files, and print the numbers that matter."""
    import dataclasses

    from doseopt.amendment.amend import amend
    from doseopt.amendment.dossier import gather
    from doseopt.cli.output import as_json, deliver, folder_for
    from doseopt.cli.terminal import spinner
    from doseopt.core.remembered import forget
    from doseopt.reports.amendment import amendment_report
    from doseopt.reports.files import digest_of, patient_files, write_amendment
    from doseopt.reports.render.ahead import ahead
    from doseopt.reports.sections.amendment import amendment_document, as_object

    folder = folder_for(out, json, html)
    copies = {} if data is None else patient_files(data, folder)
    if folder is None and html is None:  # of all that a report says the amendment alone is printed
        with spinner("amendment") as say:
            tree = amend(study, trial, proposal.registered, proposal.amended, say)
        return print(as_json(as_object(tree)))
    with spinner("amendment") as say:
        dossier = gather(study, trial, proposal, say)
        dossier = dataclasses.replace(dossier, digest=digest_of(copies), record=record)
        say("writing the report")
        whole = amendment_report(dossier, command)
    forget()
    whole = ahead(whole, page=folder is None)  # else a phone's figures are drawn beside other files
    with spinner("drawing the report"):
        written = [] if folder is None else write_amendment(dossier, whole, folder, copies)
    amendment = dossier.amendment
    shown = amendment_document(amendment)
    deliver(lambda: as_object(amendment), whole, json=json, html=html, folder=folder, files=written, shown=shown)
