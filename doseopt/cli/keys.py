"""The commands that name the keys of a study file: as a reference, and as a schema for editors."""

from __future__ import annotations

import typer

from doseopt.cli.app import app, example, plain_errors
from doseopt.cli.options import Html, Json, Table


@app.command(epilog=example("keys boin"))
def keys(
    kind: Table = "",
    html: Html = None,
    json: Json = False,
) -> None:
    """Name the keys of the tables of a study file: meaning, values, default, unit, example, source."""
    with plain_errors():
        from doseopt.cli.output import deliver, make_ready
        from doseopt.reports.sections.keys import as_object, keys_document
        from doseopt.study.keys import asked

        make_ready(html)
        tables = asked(kind)
        deliver(lambda: as_object(tables), keys_document(tables), json=json, html=html)


@app.command(epilog=example("schema > study.schema.json"))
def schema() -> None:
    """Print the JSON Schema of a study file, with which editors complete and check: > study.schema.json."""
    with plain_errors():
        import json

        from doseopt.study.schema import schema as study_schema

        typer.echo(json.dumps(study_schema(), indent=2, ensure_ascii=False))
