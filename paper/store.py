"""Results files: written whole, the same bytes for the same numbers, each saying what made it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

import doseopt
from doseopt.core.files import write_whole
from doseopt.study.study import Study

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT / "paper" / "results" / "recorded"
MANIFEST = RECORDED / "manifest.json"
DIGITS = 9
"""Significant digits kept: below them two machines may differ."""


class StaleRecord(Exception):
    """A recorded result that is not what the manifest names, or was made for another study."""


def plain(value: Any) -> Any:
    """Return a value as JSON holds it, floats rounded to `DIGITS`, nan and infinity as null."""
    if isinstance(value, Mapping):
        return {str(name): plain(v) for name, v in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(v) for v in value]
    value = value.item() if isinstance(value, np.generic) else value
    if isinstance(value, float):
        return float(f"{value:.{DIGITS}g}") if math.isfinite(value) else None
    return value


def write_json(path: Path, content: Mapping[str, Any]) -> Path:
    """Write a results file, whole or not at all."""
    text = json.dumps(plain(content), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_whole(path, lambda p: p.write_text(text, encoding="utf-8"))


def read_json(path: Path) -> Any:
    """Read a results file."""
    return json.loads(path.read_text(encoding="utf-8"))


def made_by(study: Study, seed: int | None = None) -> dict[str, Any]:
    """Return what every results file says of its origin."""
    made = {"version": doseopt.__version__, "study": study.name, "study_hash": study.hash}
    return made if seed is None else made | {"seed": seed}


def digest(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def write_manifest(files: list[Path]) -> Path:
    """Record the digest of every recorded file, by its path in the repository."""
    return write_json(MANIFEST, {path.relative_to(ROOT).as_posix(): digest(path) for path in sorted(files)})


def check_manifest() -> dict[str, str]:
    """Return path and digest of every recorded file, or say which differs.

    Raises
    ------
    StaleRecord
    """
    listed: dict[str, str] = read_json(MANIFEST)
    wrong = [name for name, value in listed.items() if not (ROOT / name).is_file() or digest(ROOT / name) != value]
    if wrong:
        raise StaleRecord(f"not as in {MANIFEST.name}: {', '.join(wrong)}; run `make paper-full`")
    return listed
