"""Files of a report: what one process renders another does not."""

import os
import sys
import time
from types import SimpleNamespace

import pytest

from doseopt.reports import files
from doseopt.reports.render.document import Document


@pytest.mark.skipif(sys.platform != "linux", reason="a process is copied on Linux alone")
def test_the_data_are_written_while_another_process_renders(two, tmp_path, monkeypatch):
    def write(_, path):
        path.write_text(str(os.getpid()))

    def write_docx(_, path):
        data, until = path.with_suffix(".nc"), time.monotonic() + 20
        while not data.exists() and time.monotonic() < until:
            time.sleep(0.01)
        path.write_text(f"{os.getpid()} {data.exists()}")

    for name in ("write_html", "write_pdf", "write_netcdf"):
        monkeypatch.setattr(files, name, write)
    monkeypatch.setattr(files, "write_docx", write_docx)
    study = SimpleNamespace(save=lambda path: path.write_text(""))
    dossier = SimpleNamespace(amendment=None, study=study)
    found = files.write_amendment(dossier, Document("", {}, ()), tmp_path, {})
    assert [path.name.removeprefix("amendment.") for path in found] == ["docx", "html", "nc", "pdf", "study.toml"]
    docx, html, data, pdf = (path.read_text() for path in found[:-1])
    assert docx.endswith("True")
    assert docx.split()[0] != html == data == str(os.getpid()) != pdf
