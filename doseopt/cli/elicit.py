"""The command that turns what clinicians state into a prior."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from doseopt.cli.app import app, example, make_folder, plain_errors
from doseopt.cli.options import Html, StudyName, as_json

if TYPE_CHECKING:
    from doseopt.study.statements import Statements
    from doseopt.study.study import Study


@app.command(epilog=example('elicit --quantiles "0.15: 0.002 0.02 0.12" --quantiles "1.5: 0.05 0.20 0.50"'))
def elicit(
    study: StudyName = "renji-elo",
    quantiles: Annotated[
        list[str] | None,
        typer.Option(help='Of the DLT rate at one dose: "DOSE: 5% MEDIAN 95%", as "0.5: 0.02 0.08 0.25"; repeat it.'),
    ] = None,
    quantiles_file: Annotated[
        Path | None, typer.Option(help="A TOML file with [[quantiles]]: dose, lower, median, upper.")
    ] = None,
    model: Annotated[str, typer.Option(help="blrm, empiric or logistic.")] = "blrm",
    reference_dose: Annotated[
        float | None, typer.Option(help="d* of the blrm, in the doses' unit; the study's if left out.")
    ] = None,
    write: Annotated[
        Path | None, typer.Option(help="The study file to write, with this prior as its [posterior].")
    ] = None,
    html: Html = None,
    json: Annotated[bool, as_json("tables", "the Dataset as ")] = False,
) -> None:
    """Turn quantiles of the DLT rate that clinicians state into a prior; show what it believes, and if it is wrong."""
    with plain_errors():
        import dataclasses

        from doseopt.cli.output import deliver, make_ready
        from doseopt.conduct.elicited import check_model_name
        from doseopt.conduct.elicited import elicit as fit
        from doseopt.plots.posterior import first_cohort_figure
        from doseopt.reports.sections.elicited import elicited_document
        from doseopt.study.file import load_study

        check_model_name(model)
        loaded = load_study(study)
        stated = _stated(loaded, quantiles or [], quantiles_file, model)
        make_ready(html)
        if write is not None:
            make_folder(write.parent)
        result = fit(loaded, stated, model, reference_dose)
        document = elicited_document(result.found, result.line, lambda: first_cohort_figure(result.found))
        files = [] if write is None else dataclasses.replace(loaded, posterior=result.model).save(write)
        folder = None if write is None else write.parent
        deliver(lambda: result.found, document, json=json, html=html, folder=folder, files=files)


def _stated(study: Study, texts: list[str], file: Path | None, model: str) -> Statements:
    """Read what is stated, from options or a file."""
    from doseopt.core.parameters import Fault, Faults
    from doseopt.study.statements import FORM, from_file, from_options, statements

    if texts and file is not None:
        raise Faults([Fault("--quantiles", "wanted options or a file, got both")])
    if not texts and file is None:
        raise Faults([Fault("--quantiles", f"missing; wanted {FORM}, for two doses or more, or --quantiles-file")])
    given = from_options(texts) if file is None else from_file(_text(file), str(file))
    fewest = 2 if model == "blrm" else min(2, len(study.doses.labels))
    return statements(given, study.doses, fewest, between=model == "blrm")


def _text(path: Path) -> str:
    """Return the text of a file."""
    from doseopt.core.parameters import Fault, Faults

    if not path.is_file():
        raise Faults([Fault("--quantiles-file", f"wanted a file, got {str(path)!r}, which is none")])
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise Faults([Fault("", f"wanted a TOML file in UTF-8: {error.reason}")], str(path)) from error
