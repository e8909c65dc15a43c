"""Analysis of the data of a trial, as a document: the posterior DLT rates, and what they owe to the prior."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from doseopt.display.labels import accuracy_words, doses_in_words, listed, made_by, names
from doseopt.display.numbers import bare, decimal, percent, points, with_interval
from doseopt.reports.render.document import Block, Caution, Document, Figure, Heading, Paragraph, Table

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

CONFLICT = 0.05
"""Prior-predictive tail probabilities below this are called a conflict."""
FEW = 3
"""Designs that are named where more do the same."""
CAPTIONS = {
    "posterior": (
        "Prior and posterior density of the DLT rate at each dose.",
        "Densities of the DLT rate, a row a dose; means and intervals stand in the table.",
    ),
    "curve": (
        "Posterior mean and interval of the DLT rate against the dose, with what was observed.",
        "Points with intervals at each dose; the numbers stand in the table.",
    ),
    "predictive": (
        "Predictive distribution of the number of DLTs in the next cohort at each dose.",
        "Bars of the probabilities of no, one, two DLTs and so on, for each dose.",
    ),
}
"""Of each figure: caption, and what it shows for those who cannot see it."""


def posterior_document(
    ds: xr.Dataset,
    drawings: Mapping[str, Callable[[], Drawing]],
    worked: str = "",
    decided: xr.Dataset | None = None,
    further: xr.Dataset | None = None,
) -> Document:
    """Return the analysis of data in hand as a document.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.conduct.posterior.analyse`.
    drawings : mapping of str to callable
        Of `doseopt.plots.posterior`.
    worked : str
        The outcomes, if they are a worked example.
    decided : Dataset, optional
        Of `doseopt.conduct.decided_on`, along `model`.
    further : Dataset, optional
        Of `doseopt.amendment.ahead.prospects`.
    """
    attrs = ds.attrs
    sampled = f"NUTS ({attrs.get('sampler', '')}, seed {attrs.get('seed', '')})"
    facts = {
        "Doses": doses_in_words(ds),
        "Model": attrs["prior"],
        "Population": str(attrs.get("population", "")),
        "Method": "quadrature, deterministic" if attrs["method"] == "quadrature" else sampled,
        "Sampling": attrs.get("diagnostics", ""),
        "Target interval": f"{100 * attrs['interval_low']:g}% to {100 * attrs['interval_high']:g}%; over: above it",
        "Actual doses": "used as given" if attrs["actual_doses"] else "",
        "Cut-off": attrs["cutoff"],
        "Left out": attrs["left_out"],
        "Pending": f"{attrs['pending']}: not counted" if attrs["pending"] and not attrs.get("in_part", "") else "",
        "Counted in part": f"{attrs['in_part']} (share w of the window; likelihood {attrs['in_part_likelihood']})"
        if attrs.get("in_part", "")
        else "",
        "External data": _believed(attrs),
        "Made by": made_by(attrs),
    }
    said = [f'No data were given; this is a worked example, as if --outcomes "{worked}".'] if worked else []
    said += [f"Warning: {warning}." for warning in attrs["warnings"].split("\n") if warning]
    figures = (Figure.of(draw, *CAPTIONS[name], name) for name, draw in drawings.items())
    agreement = conflict(ds)
    titled = [Heading("Prior and data"), *agreement] if agreement else []
    rest = [] if decided is None else decision_tables(decided, ds.attrs["target"])
    rest += [] if further is None else prospect_tables(further)
    blocks = (*map(Caution, said), *posterior_tables(ds), *rest, *titled, *figures)
    return Document(str(attrs["title"]), facts, blocks)


def _believed(attrs: Mapping[str, Any]) -> str:
    """Say how far external data are believed after those of the trial."""
    if "external_weight" not in attrs:
        return ""
    return f"like the trial's with posterior probability {attrs['external_weight']:.3f}"


def posterior_tables(ds: xr.Dataset, when: str = "") -> list[Block]:
    """Show the DLT rate at each dose, and what it owes to the prior.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.conduct.posterior.analyse`.
    when : str
        After which patients.
    """
    return [_posterior(ds, when), _sensitivity(ds)]


def decision_tables(ds: xr.Dataset, target: float, level: int = 1) -> list[Block]:
    """Show what is decided on: which dose is right, which rates are too high, and what the next cohort will show.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.conduct.decided_on`, with `p_above_target`, along `model`.
    target : float
    level : int
        Of the heading.
    """
    tables = [_right(ds, target), *_next_cohort(ds)]
    return [Heading("What is decided on", level), Paragraph(most_probable(ds), strong=True), *tables]


def most_probable(ds: xr.Dataset) -> str:
    """Say which dose is most probably right by the main definition, under each model."""
    said = []
    for model in names(ds, "model"):
        at = ds.sel(model=model)
        chance = np.append(at["p_right"].isel(definition=0).to_numpy(), at["p_none_right"].isel(definition=0))
        best, labels = int(chance.argmax()), names(ds, "dose")
        over = f"; Pr(rate > 1/3) there {percent(float(at['p_over_third'][best]))}" if best < len(labels) else ""
        which = [*labels, "no dose"][best]
        said.append(f"{f'{model}: ' * (ds.sizes['model'] > 1)}{which} ({percent(float(chance[best]))}{over})")
    return f"Most probably right to name as the MTD, by the main definition: {', '.join(said)}."


def _right(ds: xr.Dataset, target: float) -> Table:
    """Show the probabilities of each dose, of each model beneath each other."""
    several, rows = ds.sizes["model"] > 1, []
    quantities: list[tuple[str, xr.DataArray, xr.DataArray | None]] = [
        (f"right: {name}", ds["p_right"].isel(definition=m), ds["p_none_right"].isel(definition=m))
        for m, name in enumerate(names(ds, "definition"))
    ]
    quantities += [(f"rate > {100 * target:g}%", ds["p_above_target"], None), ("rate > 1/3", ds["p_over_third"], None)]
    for text, each, none in quantities:
        for k, model in enumerate(names(ds, "model")):
            first = "" if none is None else bare(float(none[k]))
            label = f"{text}, {model}" if several else text
            rows.append((label, first, *(bare(float(p)) for p in each.isel(model=k).to_numpy())))
    rules = zip(names(ds, "definition"), names(ds, "definition_rule"), strict=True)
    notes = [f"{name}: {rule.removeprefix('Correct selection: ')}" for name, rule in rules]
    if any("any dose" in note for note in notes):
        notes.append("Where any dose of an interval is right, several may be: the row may sum to more than 100.")
    errors = [float(ds[name].max()) for name in ds.data_vars if str(name).endswith("_mcse")]
    notes += [f"Of draws: Monte Carlo standard errors up to {bare(max(errors), 2)} points."] if errors else []
    caption = (
        "Probability (%) that the dose is right to name as the MTD, by each definition, and that its rate is too high"
    )
    return Table(caption, ("", "none", *names(ds, "dose")), tuple(rows), labels=True, notes=tuple(notes))


def _next_cohort(ds: xr.Dataset) -> list[Block]:
    """Show the outcomes of the next cohort where each design would treat it; nothing if none treats one."""
    given: dict[tuple[int, int], list[str]] = {}
    rows = zip(names(ds, "design"), ds["next_level"].to_numpy(), ds["next_size"].to_numpy(), strict=True)
    for name, level, size in rows:
        given.setdefault((int(level), int(size)), []).append(name)
    if not given:
        return []
    doses, several, shown = names(ds, "dose"), ds.sizes["model"] > 1, []
    most = max(size for _, size in given)
    for level, size in sorted(given):
        for model in names(ds, "model"):
            chance = ds["outcome"].sel(model=model, size=size).isel(dose=level - 1).to_numpy()[: most + 1]
            cells = ("" if np.isnan(p) else bare(float(p)) for p in chance)
            shown.append((f"{size} at {doses[level - 1]}", *([model] if several else []), *cells))
    head = ("", *(["model"] if several else []), *map(str, range(most + 1)))
    caption = "The next cohort where each design treats it: predictive probability (%) of so many DLTs"
    notes = tuple(
        f"{size} at {doses[level - 1]}: given by {_few(designs)}." for (level, size), designs in sorted(given.items())
    )
    return [Table(caption, head, tuple(shown), labels=True, notes=notes)]


def _few(designs: list[str]) -> str:
    """Name some designs and count the others."""
    more = len(designs) - FEW
    return listed(designs) if more < 2 else f"{', '.join(designs[:FEW])} and {more} others"


def prospect_tables(ds: xr.Dataset) -> list[Block]:
    """Show how the trial will end under each design and model, and what one more cohort is worth.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.amendment.ahead.prospects`.
    """
    several, rows = ds.sizes["model"] > 1, []
    for name in names(ds, "design"):
        for model in names(ds, "model"):
            at = ds.sel(design=name, model=model)
            cells = (at["ends_with_none"].item(), *at["ends"].to_numpy().tolist())
            rows.append((f"{name}, {model}" if several else name, *map(bare, cells)))
    caption = "How the trial will end from here: probability (%) of each dose, averaged over what is believed"
    note = accuracy_words(float(ds["error"].max())).capitalize()
    head = ("", "none", *names(ds, "dose"))
    ends = Table(caption, head, tuple(rows), labels=True, notes=(note,) if note else ())
    most, worth = ds["further"].to_numpy().tolist(), []
    for model in names(ds, "model"):
        values = ds["worth"].sel(model=model).to_numpy()
        worth.append((model, *(bare(float(v)) for v in values), points(float(values[-1] - values[0]))))
    caption = f"What one more cohort is worth: expected {ds.attrs['utility']} (x 100) of the best policy from here"
    head = ("", "stop now", f"up to {most[-1]} more", "gain")
    return [Heading("What lies ahead"), ends, Table(caption, head, tuple(worth), labels=True)]


def _posterior(ds: xr.Dataset, when: str) -> Table:
    low, high, target = (100 * ds.attrs[name] for name in ("interval_low", "interval_high", "target"))
    chances = ("under", "target", "over", f"> {target:g}%")
    head = ("dose", "DLT/n", "mean", "sd", f"{100 * ds.attrs['level']:.0f}% interval", *chances)
    rows = []
    for j, label in enumerate(names(ds, "dose")):
        v = {str(name): float(ds[name][j]) for name in ds.data_vars if ds[name].dims == ("dose",)}
        numbers = [bare(v[name]) for name in ("mean", "sd")]
        interval = f"{bare(v['lower'])} to {bare(v['upper'])}"
        probabilities = [bare(v[name]) for name in ("p_under", "p_target", "p_over", "p_above_target")]
        rows.append((label, f"{v['y']:.0f}/{v['n']:.0f}", *numbers, interval, *probabilities))
    where = f"DLT rate (%) at each dose{f', {when}' if when else ''}"
    chance = f"under, in or over the target interval, {low:g}% to {high:g}%, and above the target"
    return Table(f"{where}: posterior, and probability (%) that it is {chance}", head, tuple(rows), labels=True)


def _sensitivity(ds: xr.Dataset) -> Table:
    scales = ds["prior_scale"].to_numpy()
    head = ("dose", *(f"prior sd x {scale:g}" for scale in scales), "prior alone", "prior ESS")
    parts = ("mean", "lower", "upper")
    rows = []
    for j, label in enumerate(names(ds, "dose")):
        each = [*zip(*(ds[f"sensitivity_{v}"].to_numpy()[:, j] for v in parts), strict=True)]
        each.append(tuple(float(ds[f"prior_{v}"][j]) for v in parts))
        rows.append((label, *(with_interval(*values) for values in each), decimal(float(ds["prior_ess"][j]))))
    text = (
        "Sensitivity to the prior: mean DLT rate and interval (%), with the prior standard deviations halved and "
        "doubled; the prior alone, and its effective sample size: the patients that it is worth"
    )
    return Table(text, head, tuple(rows), labels=True)


def conflict(ds: xr.Dataset) -> list[Block]:
    """Say whether prior and data agree; nothing without data."""
    total, each = float(ds.attrs["prior_tail_total"]), ds["prior_tail"].to_numpy()
    if np.isnan(total):
        return []
    tails = [(float(p), label) for p, label in zip(each, names(ds, "dose"), strict=True) if not np.isnan(p)]
    low = min([total, *(p for p, _ in tails)]) < CONFLICT
    listing = ", ".join(f"{percent(p)} at {label}" for p, label in tails)
    text = (
        f"{'Prior and data disagree' if low else 'Prior and data do not disagree'}: before the trial the model gave as "
        "many DLTs or a number further out a two-sided probability of "
        f"{percent(total)} in total, and of {listing}. Below {percent(CONFLICT, 0)} would be called a conflict."
    )
    return [Paragraph(text, strong=low)]
