"""Designs that decide on pending patients beside the same ones that wait: from the recorded study of the pace."""

from __future__ import annotations

from typing import Any

from benchmarks.pace.run import ACCRUALS, gains_of, own_pace
from doseopt.clock.arrivals import MONTH
from paper.material import Material
from paper.store import ROOT, digest, read_json

RECORD = ROOT / "benchmarks" / "pace" / "results" / "pace.json"


def claims(material: Material) -> dict[str, Any]:
    """Return what is gained and lost by not waiting, by pace and law of the arrivals."""
    found = read_json(RECORD)
    rows = {kind: [_row(gain) for gain in gains_of(found["accrual"][kind])] for kind in ACCRUALS}
    own = {
        kind: {row["key"]: row for row in each if abs(row["pace"] - own_pace()) < 1e-9} for kind, each in rows.items()
    }
    paces = sorted({row["pace"] for row in rows["poisson"]})
    tite = [row for each in rows.values() for row in each if row["key"] != "six" and row["pace"] > own_pace()]
    exact = [row for row in found["accrual"]["fixed"] if row["engine"] != "simulated"]
    return {
        "rows": rows,
        "table": _table(rows, paces),
        "own": own,
        "pace": own_pace(),
        "paces": paces,
        "faster": {
            "least": min(row["months"] for row in tite),
            "most": max(row["months"] for row in tite),
            "share_most": max(row["share"] for row in tite),
            "loss": max(-row["correct"] for row in tite),
            "over": max(row["overdose"] for row in tite),
        },
        "exact": {"designs": len(exact), "of": len(found["accrual"]["fixed"])},
        "error": max(row["error"] for row in rows["poisson"]),
        "trials": found["trials"],
        "seed": found["seed"],
        "study": found["study"],
        "study_hash": found["study_hash"],
        "digest": digest(RECORD)[:16],
    }


def _row(gain: Any) -> dict[str, Any]:
    key = {"rolling six": "six"}.get(gain.design, "crm" if "CRM" in gain.design else "boin")
    return {
        "key": key,
        "name": gain.design,
        "waits_as": gain.waits_as,
        "pace": gain.pace,
        "months": gain.saved / MONTH,
        "of": gain.of / MONTH,
        "share": gain.saved / gain.of,
        "correct": gain.correct / 100,
        "overdose": gain.overdose / 100,
        "error": gain.error / 100,
        "pays": bool(gain.pays),
    }


def _table(rows: dict[str, list[dict[str, Any]]], paces: list[float]) -> list[dict[str, Any]]:
    """Return a row for each design and pace, both laws of the arrivals beside each other."""
    place = {kind: {(row["name"], row["pace"]): row for row in each} for kind, each in rows.items()}
    names = list(dict.fromkeys(row["name"] for row in rows["poisson"]))
    return [
        {"name": name, "pace": pace, **{kind: each[name, pace] for kind, each in place.items()}}
        for name in names
        for pace in paces
    ]
