"""Files of the amendment report, with all that it rests on."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from functools import partial
from pathlib import Path
from shlex import quote

from doseopt.amendment.dossier import Dossier
from doseopt.core.beside import begun
from doseopt.core.files import unfinished_prefix
from doseopt.core.parameters import Fault, Faults
from doseopt.records.adam import table_files
from doseopt.reports.render.document import Document, Figure
from doseopt.reports.render.docx import write_docx
from doseopt.reports.render.html import write_html
from doseopt.reports.render.pdf import write_pdf
from doseopt.tabular.netcdf import write_netcdf


def command_again(
    given: Mapping[str, str | None], identifiers: bool, about: Mapping[str, str | None], amended: Iterable[str]
) -> str:
    """Return the command that makes the same report from the files beside it.

    Parameters
    ----------
    given, about : mapping of str to str or None
        Options on the patients, and on the designs; those without a text are left out.
    identifiers : bool
        Whether patients are shown by their names in the file.
    amended : iterable of str
        Names of the proposed designs.
    """
    before, after = ([f"{name} {quote(value)}" for name, value in each.items() if value] for each in (given, about))
    shown = ["--identifiers"] if identifiers else []
    named = [f"--amended {quote(name)}" for name in amended]
    return " ".join(["doseopt amend study.toml", *before, *shown, *after, *named])


def patient_files(data: Path, folder: Path | None) -> dict[str, Path]:
    """Return the files with the patients, by the names under which they lie beside the report."""
    if not data.is_dir():
        return {"data.csv": data}
    copies = {f"data/{file.name}": file for file in table_files(data)}
    there = [] if folder is None else [f"data/{file.name}" for file in table_files(folder / "data")]
    if other := [name for name in there if name not in copies]:
        raise Faults([Fault("--out", f"wanted a folder without tables of other data, got {', '.join(other)} in it")])
    return copies


def digest_of(copies: Mapping[str, Path]) -> str:
    """Return names and SHA-256 of files."""
    sums = {name: hashlib.sha256(file.read_bytes()).hexdigest() for name, file in copies.items()}
    return "; ".join(f"{name}, SHA-256 {digest}" for name, digest in sums.items())


def write_amendment(dossier: Dossier, document: Document, folder: Path, copies: Mapping[str, Path]) -> list[Path]:
    """Write the three renderings, the data behind them, the study and the patients: all of them or none.

    Parameters
    ----------
    dossier : Dossier
    document : Document
        Of `amendment_report`.
    folder : Path
        That is there.
    copies : mapping of str to Path
        Files with the patients, by the names that they get.
    """
    with tempfile.TemporaryDirectory(dir=folder, prefix=unfinished_prefix()) as name:
        unfinished = Path(name)
        docx, pdf = unfinished / "amendment.docx", unfinished / "amendment.pdf"
        for block in document.blocks:
            if isinstance(block, Figure):
                block.drawn()  # all, before a copy of this process asks for them
        wait = begun(partial(write_docx, document, docx))  # what typst holds goes with the copy, one after the other
        write_html(document, unfinished / "amendment.html")  # for which figures are drawn again, for a phone
        write_netcdf(dossier.amendment, unfinished / "amendment.nc")
        wait()
        begun(partial(write_pdf, document, pdf))()
        dossier.study.save(unfinished / "study.toml")
        for name, file in copies.items():
            (unfinished / name).parent.mkdir(exist_ok=True)
            shutil.copyfile(file, unfinished / name)
        places = {
            file: folder / file.relative_to(unfinished) for file in sorted(unfinished.rglob("*")) if file.is_file()
        }
        for place in places.values():
            place.parent.mkdir(exist_ok=True)
        return [file.replace(place) for file, place in places.items()]
