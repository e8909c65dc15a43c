"""A design examined, as text and as tables. Takes the Datasets of `conduct.examine`, and nothing else."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np
import xarray as xr
from rich.console import Console
from rich.text import Text

from doseopt.display.labels import names, shortened
from doseopt.reports.render.layout import grid, heading, page_width, paragraph

WIDTH = 100


def print_examination(hypothetical: xr.Dataset, irrational: xr.Dataset, console: Console) -> None:
    """Print an examination, 100 columns wide or as wide as a narrower terminal."""
    width = page_width(console)
    console.print(examination_text(hypothetical, irrational, width), soft_wrap=True)


def examination_text(hypothetical: xr.Dataset, irrational: xr.Dataset, width: int = WIDTH) -> Text:
    """Return an examination as text.

    Parameters
    ----------
    hypothetical, irrational : Dataset
        Of `conduct.examine`.
    width : int
        Columns that no line exceeds.
    """
    lines = [*_header(hypothetical, width), *_cases(hypothetical, width), *_irrational(irrational, hypothetical, width)]
    return Text("\n").join(lines)


def _header(ds: xr.Dataset, width: int) -> list[Text]:
    attrs = ds.attrs
    target, high = f"{100 * attrs['target']:g}%", f"{100 * attrs['interval_high']:g}%"
    rows = {
        "Design": attrs["design"],
        "Doses": ", ".join(f"{j} = {label}" for j, label in enumerate(names(ds, "dose"), 1)),
        "Target": f"{target}; overdose: a DLT rate above {high}",
        "Posterior": attrs["posterior_model"],
        "Made by": f"study {attrs['study']} (hash {attrs['study_hash']})",
    }
    lines = paragraph(str(attrs["title"]), width, style="bold")
    for name, text in rows.items():
        lines += paragraph(str(text), width, " " * 11, name.ljust(11))
    text = (
        "What the design does if 0, 1, 2, ... patients of the next cohort have a DLT, first when none had one before, "
        "then after one DLT. Rates in %: the posterior mean (90% interval) and the design's own estimate, at the dose "
        "just given and at the next one, and the probability that the rate at the next one is above the target and "
        "in overdose. Doses are levels from 1."
    )
    return [*lines, Text(""), *paragraph(text, width)]


def _percent(value: float) -> str:
    return "-" if np.isnan(value) else f"{100 * value:.0f}"


def _rate(ds: xr.Dataset, i: int, level: int) -> list[str]:
    mean, lower, upper, own = (float(ds[v].to_numpy()[i, level - 1]) for v in ("mean", "lower", "upper", "own"))
    return [f"{_percent(mean)} ({_percent(lower)}-{_percent(upper)})", _percent(own)]


def _next(ds: xr.Dataset, i: int) -> str:
    level, given, mtd = (int(ds[v].to_numpy()[i]) for v in ("level", "given", "mtd"))
    if not level:
        reason = str(ds["stop"].to_numpy()[i]).replace("_", " ")
        return f"stop, {reason}, {f'MTD {mtd}' if mtd else 'no MTD'}"
    way = "up" if level > given else "down" if level < given else "stay"
    return f"{way}: {int(ds['size'].to_numpy()[i])} at {level}"


def _cases(ds: xr.Dataset, width: int) -> list[Text]:
    """One table for the variants of each cohort."""
    target, high = f">{100 * ds.attrs['target']:g}", f">{100 * ds.attrs['interval_high']:g}"
    head = ["outcome", "what is next", "given", "own", "next", "own", target, high]
    lines: list[Text] = []
    so_far = ds["so_far"].to_numpy().tolist()
    for before, group in groupby(range(len(so_far)), so_far.__getitem__):
        body = []
        for i in group:
            given, level = int(ds["given"].to_numpy()[i]), int(ds["level"].to_numpy()[i])
            ahead = [""] * 4
            if level:
                chances = [_percent(float(ds[v].to_numpy()[i, level - 1])) for v in ("p_above_target", "p_over")]
                ahead = [*_rate(ds, i, level), *chances]
            body.append([str(ds["cohort"].to_numpy()[i]), _next(ds, i), *_rate(ds, i, given), *ahead])
        lines += [*heading(f"After {before}" if before else "First cohort", width)]
        lines += grid(head, body, left=2, gaps={2, 4, 6}, width=width)
    return lines


def _chance(value: float) -> str:
    return "0" if value == 0 else f"{100 * value:.2f}" if value >= 1e-4 else f"{100 * value:.0e}"


def _irrational(ds: xr.Dataset, asked: xr.Dataset, width: int) -> list[Text]:
    """How often each kind is found, and the likeliest example of those that are."""
    scenarios, one = names(ds, "scenario"), ds.sizes["scenario"] == 1
    body, examples = [], []
    for k, text in enumerate(names(ds, "text")):
        row = ds.isel(kind=k)
        chance = row["probability"].to_numpy()
        where = "" if one or not row["found"].item() else scenarios[int(chance.argmax())]
        body.append([text, f"{row['found'].item():,}", f"{row['steps'].item():,}", _chance(chance.max()), where])
        if row["found"].item():
            examples.append(_example(row, asked, one))
    spare = width - sum(max(len(r[c]) for r in body) + 2 for c in range(4)) - 12
    wheres = sorted({r[4] for r in body})
    short = dict(zip(wheres, shortened(wheres, max(spare, 12)), strict=True))
    truth = f"scenario {scenarios[0]}" if one else "the scenario where that is likeliest"
    title = f"Decisions that a reader would question, searched for in all {ds.attrs['states']:,} states that a trial"
    lines = heading(f"{title} can reach: steps that show it, of so many; % of trials with one, in {truth}", width)
    head = ["", "found", "of", "trials %", "" if one else "  scenario"]
    lines += grid(head, [[*r[:4], f"  {short[r[4]]}"] for r in body], width=width)
    lines += [Text(""), *paragraph(str(ds.attrs["note"]), width)]
    if not examples:
        return [*lines, Text(""), *paragraph("None is found.", width)]
    lines += heading("The likeliest course of a trial that ends in each", width)
    return lines + [line for text in examples for line in paragraph(text, width, "  ", "- ")]


def _example(row: xr.Dataset, asked: xr.Dataset, one: bool) -> str:
    level = row["level"].item()
    label = names(asked, "dose")[level - 1]
    verb = "declared" if str(row["kind"].item()).startswith("declares") else "given"
    where = "" if one else f" in scenario {row['example_scenario'].item()}"
    chance = _chance(row["example_probability"].item())
    dose = f"level {level}" + (f" ({label})" if label != str(level) else "")
    return f"{row['text'].item()}: {row['example'].item()}, then {dose} is {verb}; {chance}% of trials go so{where}"


def hypothetical_table(ds: xr.Dataset) -> Any:
    """Return the hypothetical courses as tidy data, a row a course and dose."""
    return ds.to_dataframe().reset_index()


def irrational_table(ds: xr.Dataset) -> Any:
    """Return the search as tidy data, a row a kind and scenario."""
    return ds.to_dataframe().reset_index()
