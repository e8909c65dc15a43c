"""Files of a report: what one process renders another does not."""

import os
import sys
import time
from types import SimpleNamespace

import pytest

from doseopt.reports import files
from doseopt.reports.render.document import Document, Figure


@pytest.mark.skipif(sys.platform != "linux", reason="a process is copied on Linux alone")
def test_the_page_and_the_data_are_written_while_another_process_renders(two, tmp_path, monkeypatch):
    drawn = []
    picture = Figure(lambda: drawn.append("wide"), "", "", narrow=lambda: b"")

    def write(_, path):
        path.write_text(str(os.getpid()))

    def comes(path):
        until = time.monotonic() + 20
        while not path.exists() and time.monotonic() < until:
            time.sleep(0.01)
        return path.exists()

    def write_html(_, path):
        path.write_text(f"{os.getpid()} {comes(tmp_path / 'begun')}")

    def write_docx(_, path):
        (tmp_path / "begun").write_text("")
        path.write_text(f"{os.getpid()} {comes(path.with_suffix('.nc'))} {drawn}")

    for name, instead in (("html", write_html), ("docx", write_docx), ("pdf", write), ("netcdf", write)):
        monkeypatch.setattr(files, f"write_{name}", instead)
    study = SimpleNamespace(save=lambda path: path.write_text(""))
    dossier = SimpleNamespace(amendment=None, study=study)
    found = files.write_amendment(dossier, Document("", {}, (picture,)), tmp_path, {})
    assert [path.name.removeprefix("amendment.") for path in found] == ["docx", "html", "nc", "pdf", "study.toml"]
    docx, html, data, pdf = (path.read_text() for path in found[:-1])
    assert docx.endswith("True ['wide']")
    assert html == f"{os.getpid()} True"
    assert docx.split()[0] != data == str(os.getpid()) != pdf
