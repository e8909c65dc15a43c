"""A design examined, as a document. Takes the Datasets of `conduct.examine`, and nothing else."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import xarray as xr

from doseopt.display.labels import made_by, names, reason_words
from doseopt.reports.render.document import Block, Bullets, Document, Heading, Paragraph, Table

WHAT = (
    "What the design does if 0, 1, 2, ... patients of the next cohort have a DLT, first when none had one before, "
    "then after one DLT. Rates in %: the posterior mean (90% interval) and the design's own estimate, at the dose "
    "just given and at the next one, and the probability that the rate at the next one is above the target and "
    "in overdose. Doses are levels from 1."
)


def examination_document(hypothetical: xr.Dataset, irrational: xr.Dataset) -> Document:
    """Return an examination as a document.

    Parameters
    ----------
    hypothetical, irrational : Dataset
        Of `conduct.examine`.
    """
    attrs = hypothetical.attrs
    facts = {
        "Design": str(attrs["design"]),
        "Doses": ", ".join(f"{j} = {label}" for j, label in enumerate(names(hypothetical, "dose"), 1)),
        "Target": f"{100 * attrs['target']:g}%; overdose: a DLT rate above {100 * attrs['interval_high']:g}%",
        "Posterior": str(attrs["posterior_model"]),
        "Made by": made_by(attrs),
    }
    noted = [Paragraph(str(attrs["followed_up"]))] if "followed_up" in attrs else []
    blocks = [Paragraph(WHAT), *noted, *_cases(hypothetical), *_irrational(irrational, names(hypothetical, "dose"))]
    return Document(str(attrs["title"]), facts, tuple(blocks))


def _percent(value: float) -> str:
    return "-" if np.isnan(value) else f"{100 * value:.0f}"


def _rate(ds: xr.Dataset, i: int, level: int) -> list[str]:
    mean, lower, upper, own = (float(ds[v].to_numpy()[i, level - 1]) for v in ("mean", "lower", "upper", "own"))
    return [f"{_percent(mean)} ({_percent(lower)}-{_percent(upper)})", _percent(own)]


def _next(ds: xr.Dataset, i: int) -> str:
    level, given, mtd = (int(ds[v].to_numpy()[i]) for v in ("level", "given", "mtd"))
    if not level:
        reason = reason_words(str(ds["stop"].to_numpy()[i]))
        return f"stop, {reason}, {f'MTD {mtd}' if mtd else 'no MTD'}"
    way = "up" if level > given else "down" if level < given else "stay"
    return f"{way}: {int(ds['size'].to_numpy()[i])} at {level}"


def _cases(ds: xr.Dataset) -> list[Block]:
    """One table for the variants of each cohort."""
    target, high = f">{100 * ds.attrs['target']:g}", f">{100 * ds.attrs['interval_high']:g}"
    head = ("outcome", "what is next", "mean", "own", "mean", "own", target, high)
    groups = (("given", 2), ("next", 2), ("chance", 2))
    so_far, cohort = (ds[name].to_numpy().tolist() for name in ("so_far", "cohort"))
    blocks: list[Block] = []
    for before, group in groupby(range(len(so_far)), so_far.__getitem__):
        rows = []
        for i in group:
            given, level = int(ds["given"].to_numpy()[i]), int(ds["level"].to_numpy()[i])
            ahead = [""] * 4
            if level:
                chances = [_percent(float(ds[v].to_numpy()[i, level - 1])) for v in ("p_above_target", "p_over")]
                ahead = [*_rate(ds, i, level), *chances]
            rows.append((cohort[i], _next(ds, i), *_rate(ds, i, given), *ahead))
        caption = f"After {before}" if before else "First cohort"
        blocks.append(Table(caption, head, tuple(rows), texts=(0, 1), groups=groups))
    return blocks


def _chance(value: float) -> str:
    return "0" if value == 0 else f"{100 * value:.2f}" if value >= 1e-4 else f"{100 * value:.0e}"


def _irrational(ds: xr.Dataset, labels: list[str]) -> list[Block]:
    """How often each kind is found, and the likeliest example of those that are."""
    scenarios, one = names(ds, "scenario"), ds.sizes["scenario"] == 1
    rows, examples = [], []
    for k, text in enumerate(names(ds, "text")):
        row = ds.isel(kind=k)
        chance, found = row["probability"].to_numpy(), row["found"].item()
        where = scenarios[int(chance.argmax())] if found else ""
        rows.append((text, f"{found:,}", f"{row['steps'].item():,}", _chance(chance.max()), *([] if one else [where])))
        if found:
            examples.append(_example(row, labels, one))
    truth = f"scenario {scenarios[0]}" if one else "the scenario where that is likeliest"
    caption = (
        f"Decisions that a reader would question, searched for in all {ds.attrs['states']:,} states that a trial "
        f"can reach: steps that show it, of so many; % of trials with one, in {truth}"
    )
    head = ("", "found", "of", "trials %", *([] if one else ["scenario"]))
    table = Table(caption, head, tuple(rows), texts=(0,) if one else (0, -1), notes=(str(ds.attrs["note"]),))
    if not examples:
        return [table, Paragraph("None is found.")]
    return [table, Heading("The likeliest course of a trial that ends in each"), Bullets(tuple(examples))]


def _example(row: xr.Dataset, labels: list[str], one: bool) -> str:
    level = row["level"].item()
    label = labels[level - 1]
    verb = "declared" if str(row["kind"].item()).startswith("declares") else "given"
    where = "" if one else f" in scenario {row['example_scenario'].item()}"
    chance = _chance(row["example_probability"].item())
    dose = f"level {level}" + (f" ({label})" if label != str(level) else "")
    return f"{row['text'].item()}: {row['example'].item()}, then {dose} is {verb}; {chance}% of trials go so{where}"
