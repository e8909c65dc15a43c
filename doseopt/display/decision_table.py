"""Captions of a decision table, in print as on the screen."""

from __future__ import annotations

import xarray as xr

LETTERS = {"E": "escalate", "S": "stay", "D": "de-escalate", "DU": "de-escalate and eliminate the dose"}
"""The decisions, as the papers abbreviate them."""

DESIGN = "The design: its other rules hold beside the table"
LEGEND = {
    "E": "escalate",
    "S": "stay",
    "D": "de-escalate",
    "DU": "de-escalate, and never give this dose or a higher one again; at the lowest dose stop the trial",
}
ENDS = "There is no higher dose than the highest to escalate to, nor one below the lowest: the trial stays there."
LIMITS = {
    "escalate": "escalate, y <=",
    "deescalate": "de-escalate, y >=",
    "eliminate": "eliminate, y >=",
    "stop_at_lowest": "stop at 1st, y >=",
}
"""The boundaries, and how they are written."""


def whole_cohorts(ds: xr.Dataset) -> str:
    """Say which columns are emphasised; empty if none are."""
    return f"whole cohorts of {ds.attrs['cohort']}" if ds["whole_cohorts"].any() else ""


def rules(ds: xr.Dataset) -> list[str]:
    """Return the rules of the design, a sentence each."""
    rows = zip(*(ds[name].to_numpy().tolist() for name in ("rule", "reading", "source")), strict=True)
    return [f"{rule}: {reading}" + (f" ({source})" if source else "") for rule, reading, source in rows]


def notes(ds: xr.Dataset) -> list[str]:
    """Return what a reader of the table must know beside the letters."""
    found = [ENDS]
    if "stop_at_lowest" in limits_shown(ds):
        found.append("At the lowest dose the trial stops already from the y in the last row on.")
    if not ds["in_order"].all():
        astray = ", ".join(str(n) for n in ds["n"].to_numpy()[~ds["in_order"].to_numpy()])
        found.append(f"At n = {astray} the decisions are not in the order of y; boundaries cannot say them.")
    return found


def limits_shown(ds: xr.Dataset) -> list[str]:
    """Return the boundaries that say something: the lowest dose's own only where it differs."""
    same = (ds["stop_at_lowest"] == ds["eliminate"]).all()
    return [name for name in LIMITS if name != "stop_at_lowest" or not same]


def last_row(ds: xr.Dataset) -> int:
    """Return the y from which on the decision is the same for every n that allows so many DLTs."""
    decision = ds["decision"].to_numpy()
    for y in range(decision.shape[1] - 1, 0, -1):
        both = (decision[:, y] != "") & (decision[:, y] != decision[:, y - 1])
        if both.any():
            return y
    return 0


def row_name(ds: xr.Dataset, y: int) -> str:
    """Return what a row is called; the last one may stand for several y."""
    return f"y = {y}" + (" or more" if y == last_row(ds) and y < ds["n"].max() else "")


def limit_text(ds: xr.Dataset, name: str, i: int) -> str:
    """Return a boundary as it is written: "-" for none, "?" where boundaries cannot say the decisions."""
    value = int(ds[name].to_numpy()[i])
    return "?" if not ds["in_order"].to_numpy()[i] else "-" if value < 0 else str(value)
