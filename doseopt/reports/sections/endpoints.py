"""Endpoints of a record in figures and tables: survival beside random controls, liver function, improvement by dose."""

from __future__ import annotations

from functools import partial

import xarray as xr

from doseopt.conduct.survival import BEST, EVENT, PART, WORST, survival_curve
from doseopt.display.labels import names
from doseopt.display.numbers import NOTHING, bare, decimal, percent, points, with_interval
from doseopt.endpoints.historical import Historical
from doseopt.plots.improvement import improvement_figure
from doseopt.plots.liver import liver_figure
from doseopt.plots.survival_curve import survival_figure
from doseopt.records.liver import liver_courses
from doseopt.records.record import Record
from doseopt.reports.render.document import Block, Figure, Paragraph, Table

WAYS = {
    PART: "alive for the share of the days that they were followed",
    WORST: "dead",
    BEST: "alive",
    EVENT: "the same, a transplantation being a death",
}
"""How those count whose follow-up ends before the day."""
PARTLY = "To survive a share f of the days has the probability of survival to the power f, as under a constant hazard."


def survival_drawn(record: Record, controls: Historical | None) -> Block:
    """Show the survival curve."""
    shown = survival_curve(record, controls)
    alt = "Steps of survival from treatment on, with intervals; the numbers stand in the tables."
    caption = (
        f"Survival to day {shown.attrs['day']:g}{'' if controls is None else ', and that of historical controls'}."
    )
    return Figure.of(partial(survival_figure, shown), caption, alt, "survival")


def against_random_controls(ds: xr.Dataset | None) -> list[Block]:
    """Show survival beside controls whose rate is random, and what it owes to priors and weights; nothing of None."""
    if ds is None:
        return []
    day, level = f"{ds.attrs['day']:g}", f"{100 * ds.attrs['level']:.0f}%"
    rows = [_against(WAYS[str(way)], ds.sel(counted=way), ds) for way in ds["counted"].to_numpy()]
    if ds.attrs["method"] == "nuts":
        drawn = {name: ds.attrs[f"nuts_{name}"] for name in ("survival", "difference", "lower", "upper", "above")}
        counted = {name: ds[name][0].item() for name in ("yes", "no")}
        rows.insert(1, _against("the same by NUTS", xr.Dataset(drawn | counted), ds))
    head = ("followed for less", "alive", "dead", "survival", f"difference ({level})", "better")
    caption = (
        f"Survival to day {day} (posterior mean, %), its difference to the controls in percentage points, and the "
        "probability (%) that it is better, by how those count who were followed for less"
    )
    return [
        Paragraph(f"Survival of treated and controls, both random. {ds.attrs['prior']}"),
        Table(caption, head, tuple(rows), notes=(PARTLY, *_of_draws(ds, "the probability", "above"))),
        _other_priors(ds),
        _how_little(ds),
    ]


def _against(way: str, one: xr.Dataset, ds: xr.Dataset) -> tuple[str, ...]:
    """Return a row of the table."""
    value = {name: float(one[name]) for name in ("yes", "no", "survival", "difference", "lower", "upper", "above")}
    counts = decimal(value["yes"]), decimal(value["no"], 0)
    return way, *counts, bare(value["survival"]), _difference(value), bare(value["above"])


def _difference(value: dict[str, float]) -> str:
    """Return a difference with its interval, as "+8.6 (-20.3 to +30.6)"."""
    return f"{points(value['difference'])} ({points(value['lower'])} to {points(value['upper'])})"


def _of_draws(ds: xr.Dataset, what: str, name: str) -> tuple[str, ...]:
    """Say how well NUTS went, where it was asked for."""
    if ds.attrs["method"] != "nuts":
        return ()
    error = f"the Monte Carlo error of {what} is {100 * ds.attrs[f'nuts_{name}_mcse']:.1g} percentage points"
    return (f"NUTS ({ds.attrs['sampler']}, seed {ds.attrs['seed']}): {error}. {ds.attrs['diagnostics']}",)


def _other_priors(ds: xr.Dataset) -> Table:
    """Show the sensitivity to the prior of survival and the weight of the controls."""
    parts = ("difference", "lower", "upper", "above")
    rows = []
    for prior in ds["prior"].to_numpy():
        cells: list[str] = []
        for weight in ds["weight"].to_numpy():
            at = ds.sel(prior=prior, weight=weight)
            value = {name: float(at[f"sensitivity_{name}"]) for name in parts}
            cells += [bare(value["above"]), _difference(value)]
        rows.append((str(prior), *cells))
    weights = [f"weight {weight:g}" for weight in ds["weight"].to_numpy()]
    caption = (
        "Sensitivity to the prior of survival and to the weight of the controls: probability (%) that survival is "
        "better, and difference in percentage points. The sceptical prior has the mean of the controls and is worth 6 "
        "subjects; at weight 0 nothing is known of the controls"
    )
    head = ("prior", *(name for _ in weights for name in ("better", "difference")))
    return Table(caption, head, tuple(rows), groups=tuple((weight, 2) for weight in weights))


def _how_little(ds: xr.Dataset) -> Paragraph:
    """Say how little is known of the difference."""
    wide = 100 * float(ds["upper"][0] - ds["lower"][0])
    ways, priors = ds["above"].to_numpy(), ds["sensitivity_above"].to_numpy()
    ends = ""
    if len(ways) > 1:
        ends = f" from {percent(ways.min(), 0)} to {percent(ways.max(), 0)} with who counts as alive, and"
    return Paragraph(
        f"How little this says: the {100 * ds.attrs['level']:.0f}% interval of the difference spans {wide:.0f} "
        f"percentage points, and the probability that survival is better moves{ends} from "
        f"{percent(priors.min(), 0)} to {percent(priors.max(), 0)} with priors and weights."
    )


def liver_in_time(record: Record) -> list[Block]:
    """Show the scores in time, and of how many subjects they are; nothing without a score at a visit with a day."""
    ds = liver_courses(record)
    if not ds["measured"].to_numpy().any():
        return []
    rows = []
    for v, visit in enumerate(ds["visit"].to_numpy().tolist()):
        cells = []
        for s in range(ds.sizes["score"]):
            at = {name: ds[name].to_numpy()[s, v] for name in ("measured", "changed", "change", "least", "most")}
            spread = f"{_signed(at['change'])} ({_signed(at['least'])} to {_signed(at['most'])})"
            cells += [str(at["measured"]), spread if at["changed"] and visit > 0 else NOTHING]
        rows.append((f"{visit:g}", str(ds["reached"].to_numpy()[v]), str(ds["gone"].to_numpy()[v]), *cells))
    scores = names(ds, "score")
    caption = (
        "Scores by day of the visit: subjects with each, and median change (least to most) from the last up to day 0; "
        "first how many are alive without a transplantation, and how many died or were transplanted by then"
    )
    head = ("day", "alive", "gone", *(name for score in scores for name in (score, "change")))
    note = "Deaths and transplantations do not come at random: a median over those who are left flatters."
    alt = "A line of scores for each subject, a panel for each score and dose; the numbers stand in the tables."
    caption_below = "Liver function by visit, a line for each subject."
    return [
        Figure.of(partial(liver_figure, ds), caption_below, alt, "liver"),
        Table(caption, head, tuple(rows), notes=(note,)),
    ]


def _signed(change: float) -> str:
    return f"{change:+g}" if change else "0"


def improvement_averaged(ds: xr.Dataset | None) -> list[Block]:
    """Show improvement by dose, averaged over rates that rise and a flat one; nothing of None."""
    if ds is None:
        return []
    level = f"{100 * ds.attrs['level']:.0f}%"
    others = [k for k, flat in enumerate(ds["flat"].to_numpy()) if flat != ds.attrs["flat"]]
    kinds = {"": "rate", "nuts_": "by NUTS"} if ds.attrs["method"] == "nuts" else {"": "rate"}
    rows, controls = [], "above_controls" in ds
    for j, label in enumerate(names(ds, "dose")):
        tried = f"{ds['improved'][j].item()} of {ds['assessed'][j].item()}" if ds["assessed"][j] else NOTHING
        parts = ((f"{kind}mean", f"{kind}lower", f"{kind}upper") for kind in kinds)
        rates = [with_interval(*(float(ds[name][j]) for name in each)) for each in parts]
        above = [bare(float(ds["above_controls"][j]))] if controls else []
        rows.append((label, tried, *rates, *(bare(float(ds["sensitivity_mean"][k, j])) for k in others), *above))
    heads = [f"flat {100 * flat:.0f}%" for flat in ds["flat"].to_numpy()[others]]
    caption = (
        f"Clinical improvement at visit {ds.attrs['visit']}: subjects improved of those assessed, and the rate (%) "
        f"with its {level} interval, averaged over both models; then its mean under other prior weights of the flat one"
    )
    head = ("dose", "improved", *kinds.values(), *heads, *["> controls"] * controls)
    alt = "A row for each dose with two intervals; the numbers stand in the table and beside the rows."
    return [
        Figure.of(partial(improvement_figure, ds), "Clinical improvement by dose.", alt, "improvement"),
        Paragraph(str(ds.attrs["prior"])),
        Table(caption, head, tuple(rows), notes=_of_draws(ds, "the probability that it rises", "rising"), labels=True),
        *([_above(ds)] if controls else []),
        *([_rises(ds, others)] if len(rows) > 1 else []),
    ]


def _above(ds: xr.Dataset) -> Paragraph:
    """Say how probably improvement is more frequent than among historical controls."""
    return Paragraph(
        f"Historical controls: {ds.attrs['controls']}. That the rate is above theirs, both being random, has "
        f"the probability {percent(ds.attrs['above_controls_all'])} for all doses together; last column, each dose "
        "alone under a uniform prior, which is the prior probability where nobody was assessed."
    )


def _rises(ds: xr.Dataset, others: list[int]) -> Paragraph:
    """Say how probable it is that improvement rises with the dose, and how little that is."""
    flat, rising = ds["flat"].to_numpy(), ds["rising"].to_numpy()
    prior, after = 1 - ds.attrs["flat"], ds.attrs["rising"]
    cases = " and ".join(f"from {percent(1 - flat[k], 0)} to {percent(rising[k], 0)}" for k in others)
    widest = float((ds["upper"] - ds["lower"]).max())
    drawn = f" ({percent(ds.attrs['nuts_rising'])} by NUTS)" if ds.attrs["method"] == "nuts" else ""
    return Paragraph(
        f"How little this says: the data take the probability that improvement rises with the dose from "
        f"{percent(prior, 0)} to {percent(after)}{drawn}; with other prior weights {cases}. The widest interval of a "
        f"dose spans {100 * widest:.0f} percentage points; where nobody was assessed, the rate is that of the models "
        "alone."
    )
