"""Files of a report: what one process renders another does not."""

import os
import sys
import time
from types import SimpleNamespace

import pytest

from doseopt.reports import files
from doseopt.reports.render.document import Document


@pytest.mark.skipif(sys.platform != "linux", reason="a process is copied on Linux alone")
def test_one_process_renders_beside_another(two, tmp_path, monkeypatch):
    def write(seconds):
        return lambda _, path: time.sleep(seconds) or path.write_text(str(os.getpid())) or path

    for name, seconds in {"write_html": 0, "write_docx": 1, "write_pdf": 0, "write_netcdf": 0}.items():
        monkeypatch.setattr(files, name, write(seconds))
    study = SimpleNamespace(save=lambda path: path.write_text(""))
    dossier = SimpleNamespace(amendment=None, study=study)
    found = files.write_amendment(dossier, Document("", {}, ()), tmp_path, {})
    assert [path.name.removeprefix("amendment.") for path in found] == ["docx", "html", "nc", "pdf", "study.toml"]
    docx, html, data, pdf = (path.read_text() for path in found[:-1])
    assert docx != html == data == pdf == str(os.getpid())
