"""The designs of the statistical benchmark over random families of scenarios: from its recorded ranking."""

from __future__ import annotations

from typing import Any

import pandas as pd

from benchmarks.statistical.run import DRAWS
from doseopt.scenarios import GENERATORS
from paper.material import Material
from paper.store import ROOT, digest

FOLDER = ROOT / "benchmarks" / "statistical" / "results"
RANKING, SUMMARY = FOLDER / "ranking.csv", FOLDER / "summary.csv"
OPTIMAL = "Bayes-optimal"
KEYS = {
    "registered": "ATD+3+3",
    "crm": "CRM",
    "calibrated": "CRM calibrated",
    "boin": "BOIN",
    "blrm": "BLRM",
    "optimal": OPTIMAL,
}
"""Designs that the text quotes."""


def claims(material: Material) -> dict[str, Any]:
    """Return mean correct selection at the study's target, and ranks over all targets."""
    ranking = pd.read_csv(RANKING)
    random = ranking[ranking["family"].isin(list(GENERATORS))]
    proposals = random[random["rank"].notna()]
    at = random[abs(random["target"] - material.study.target) < 1e-9]
    rows = _rows(at)
    return {
        "enrolments": sorted(at["enrolment"].unique().tolist()),
        "scenarios": DRAWS,
        "groups": len(proposals.groupby(["family", "target", "enrolment"])),
        "rows": rows,
        "by": {key: next(row for row in rows if row["name"] == name) for key, name in KEYS.items()},
        "calibrated_first": int(((proposals["design"] == KEYS["calibrated"]) & (proposals["rank"] == 1)).sum()),
        "crm_over_boin": _ahead(proposals, "CRM", "BOIN"),
        "error": float(proposals["standard_error"].max()),
        "digest": digest(RANKING)[:16],
    }


def _rows(at: pd.DataFrame) -> list[dict[str, Any]]:
    """Return means over both families by enrolment, and the range of ranks, best first at the middle enrolment."""
    means = at.pivot_table("correct_selection", "design", "enrolment", aggfunc="mean")
    ranks = at.groupby("design")["rank"].agg(["min", "max"])
    order = means.sort_values(means.columns[len(means.columns) // 2], ascending=False).index
    return [
        {"name": str(name), "correct": means.loc[name].to_numpy(), "ranks": _ends(ranks.loc[name])} for name in order
    ]


def _ends(ranks: pd.Series) -> list[int] | None:
    return None if ranks.isna().any() else [int(ranks["min"]), int(ranks["max"])]


def _ahead(proposals: pd.DataFrame, one: str, other: str) -> dict[str, Any]:
    """Return in how many groups one design is ahead of another, and by how much."""
    means = proposals.pivot_table("correct_selection", ["family", "target", "enrolment"], "design")
    gap = means[one] - means[other]
    return {"groups": int((gap > 0).sum()), "least": float(gap.min()), "most": float(gap.max())}
