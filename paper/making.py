"""Compute, draw, set: the steps of a build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from doseopt.core.files import write_whole
from doseopt.study.file import load_study
from paper import drawing, store
from paper.claims import CLAIMS, benchmark, checks, published, tuning, waiting
from paper.material import Material, reduced

PAPER = store.ROOT / "paper"
STUDY = "renji-elo"
"""The bundled study that the paper is about."""
PAGES = {"main.typ": "main.pdf", "supplement.typ": "supplement.pdf"}
SOURCES = (*PAGES, "layout.typ", "values.typ", "tables.typ", "references.bib", "sections")
RECORDS = [tuning.RECORD, checks.SBC, benchmark.RANKING, benchmark.SUMMARY, published.SCENARIOS, waiting.RECORD]
"""Results that a build reads and does not recompute, unless it is a full one."""


def build(out: Path, is_reduced: bool = False, full: bool = False) -> Path:
    """Compute, draw and set; return the PDF."""
    study = load_study(STUDY)
    material = Material(reduced(study) if is_reduced else study, is_reduced)
    if full:
        record(material)
    if not is_reduced:
        store.check_manifest()
    results = compute(material)
    for name, content in results.items():
        store.write_json(out / "results" / f"{name}.json", content)
    said("figures")
    drawing.save(drawing.figures(material, results), out / "figures")
    said("pages")
    return write_pdf(out)


def record(material: Material) -> None:
    """Recompute what takes long, and note the digests."""
    said("calibrations")
    tuning.record(material)
    said("simulation-based calibration, about a quarter of an hour")
    subprocess.run([sys.executable, checks.SBC.with_name("test_sbc.py")], check=True, cwd=store.ROOT, env=_path())
    said("the statistical benchmark")
    subprocess.run([sys.executable, benchmark.FOLDER.parent / "run.py"], check=True, cwd=store.ROOT)
    store.write_manifest(RECORDS)


def _path() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": f"{store.ROOT}{os.pathsep}{store.ROOT / 'tests'}"}


def compute(material: Material) -> dict[str, Any]:
    """Return every results file's content, with what made it."""
    made = store.made_by(material.study)
    results: dict[str, Any] = {"about": made | {"reduced": material.is_reduced}}
    for name, claims in CLAIMS.items():
        said(name)
        results[name] = store.plain({"made_by": made, **claims(material)})
    return results


def write_pdf(out: Path) -> Path:
    """Set manuscript and supplement from the results and figures of a folder, whole or not at all; return the first."""
    import typst

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for source in SOURCES:
            copy = shutil.copytree if (PAPER / source).is_dir() else shutil.copy
            copy(PAPER / source, folder / source)
        for part in ("results", "figures"):
            shutil.copytree(out / part, folder / part)
        made = {name: typst.compile(folder / page, root=folder) for page, name in PAGES.items()}
    (out / "build").mkdir(exist_ok=True)
    written = [write_whole(out / "build" / name, partial(Path.write_bytes, data=data)) for name, data in made.items()]
    return written[0]


_began = time.perf_counter()


def said(step: str) -> None:
    """Say on standard error what is being done, and since when."""
    print(f"{time.perf_counter() - _began:6.0f} s  {step}", file=sys.stderr, flush=True)
