"""Attainment as a document. Takes the Dataset of `doseopt.limits_of`, and nothing else."""

from __future__ import annotations

from functools import partial

import numpy as np
import xarray as xr

from doseopt.display.attained import ATTAINABLE, is_correct_selection, is_policy, of_study, priced, same_cap, winners
from doseopt.display.labels import accuracy_words, listed, made_by, names
from doseopt.plots.drawings import limit_drawings
from doseopt.reports.render.document import Block, Bullets, Document, Figure, Heading, Paragraph, Table

WHAT = (
    "Attainable: the best of all designs that see the tally, treat one patient after the other from the same first "
    "dose, never go more than one level above the highest dose tried, have the same most patients and may stop at any "
    "time. It bounds every such design, whatever its cohorts, under this belief and utility and no other: it knows the "
    "belief, and where a single truth is given a design may exceed it. The last two bounds hold for designs that treat "
    "no more patients, or no more patients above the MTD, on average than the design in the row. An optimal policy is "
    "a bound and no proposal: it escalates after a DLT wherever that pays, unless the utility puts a price on it."
)
BOUNDS = {"attainable", "regret", "efficiency", "attainable_same_size", "attainable_same_exposure"}


def _percent(value: float) -> str:
    return "-" if np.isnan(value) else f"{round(100 * value, 1) + 0.0:.1f}"


COLUMNS = (
    ("most", "most_patients", "{:.0f}".format),
    ("E[N]", "sample_size", "{:.1f}".format),
    ("correct", "correct_selection", _percent),
    ("utility", "utility", _percent),
    ("attainable", "attainable", _percent),
    ("regret", "regret", _percent),
    ("ratio", "efficiency", _percent),
    ("same N", "attainable_same_size", _percent),
    ("same >MTD", "attainable_same_exposure", _percent),
    ("overdose", "overdose_selection", _percent),
    ("<MTD", "patients_below_mtd", "{:.2f}".format),
    (">MTD", "patients_above_mtd", "{:.2f}".format),
    ("DLTs", "total_dlts", "{:.2f}".format),
)
"""Of the table of designs: head, variable, and how its value is written."""
DRAWN = {
    "attained": (
        "What each design attains, beside what is attainable with as many patients",
        "A bar for each design, and where anything attainable was computed a diamond at the bound on it; the numbers "
        "stand in the table of designs.",
    ),
    "frontier": (
        "What is attained against patients above the MTD: no design is above the line of its most patients",
        "A line for each number of patients: the most that is attained, against the patients above the MTD that it "
        "takes on average; and a point for each design.",
    ),
    "price": (
        "What each rule costs the best design, by most patients",
        "For each rule and each number of patients a point as far from nought as the best design loses or gains by "
        "the rule; the numbers stand in the table of prices.",
    ),
    "maps": (
        "Which design is best under which truth, of those with as many patients",
        "Maps of truths, location across and steepness up: where each design is best, and where the optimal policy "
        "was found how far each design is from it.",
    ),
}
"""Caption of each figure, and what it shows in words."""


def limits_document(ds: xr.Dataset) -> Document:
    """Return what is attained and attainable as a document.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.limits_of`.
    """
    attrs = ds.attrs
    facts = {
        "Target DLT rate": f"{float(attrs['target']):g}",
        "Definition": attrs["mtd_rule"],
        "Utility": attrs["utility"],
        "Belief": attrs["belief"],
        "Averages": accuracy_words(attrs["error"]) or f"sums over {attrs['scenarios']} scenarios",
        "Engine": "exact, for designs and for the best of all: no Monte Carlo error",
        "Made by": made_by(attrs),
    }
    if attrs["left_out"]:
        looks = "looks at moderate toxicity or decides while patients are pending, which the bounds do not"
        facts["Left out"] = f"{attrs['left_out']}: {looks}"
    lists = {"Findings": limit_findings(ds), "Not computed, because too large": attrs["not_computed"].splitlines()}
    blocks: list[Block] = []
    for title, texts in lists.items():
        blocks += [Heading(title), Bullets(tuple(texts))] if texts else []
    blocks += [*_designs(ds), *_prices(ds), *_map(ds), *_figures(ds)]
    return Document(f"What is attainable: {attrs['title']}", facts, tuple(blocks))


def maps_document(ds: xr.Dataset) -> Document:
    """Return where which design is best as a document.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.attainable.maps.truth_map`, with `utility` and `most_patients` (design), and attributes as
        `doseopt.limits_of` has them.
    """
    from doseopt.plots.limit_maps import maps_figure

    alike = same_cap(ds)
    none = "No two designs of this study have as many patients at the most: maps would compare their sizes."
    drawn: list[Block] = [Figure.of(partial(maps_figure, ds), *DRAWN["maps"], "maps")] if alike else [Paragraph(none)]
    facts = {"Definition": ds.attrs["mtd_rule"], "Made by": made_by(ds.attrs)}
    return Document(f"Where which design is best: {ds.attrs['title']}", facts, (*_map(ds), *drawn))


def limit_findings(ds: xr.Dataset) -> list[str]:
    """Return what the numbers say, in sentences: each design of the study beside what is attainable for it."""
    what = "selects correctly in" if is_correct_selection(ds) else "has an expected utility of"
    sign = "%" if is_correct_selection(ds) else " (x 100)"
    texts = []
    for k in np.flatnonzero(of_study(ds)).tolist():
        row = ds.isel(design=k)
        if np.isnan(row["attainable"].item()):
            continue
        name, most = str(row["design"].item()), row["most_patients"].item()
        size = f"{most:.0f} patients" if row["sample_size"] > most - 0.5 else f"at most {most:.0f} patients"
        text = (
            f"{name} {what} {_percent(row['utility'].item())}{sign}; with {size} {_percent(row['attainable'].item())}"
        )
        bounds = []
        if row["attainable_same_size"] < row["attainable"] - 5e-4:
            bounds.append(f"{_percent(row['attainable_same_size'].item())}{sign} with no more patients on average")
        if row["attainable_same_exposure"] < row["attainable"] - 5e-4:
            bounds.append(f"{_percent(row['attainable_same_exposure'].item())}{sign} with no more above the MTD")
        limits = f", at most {listed(bounds)}" if bounds else ""
        texts.append(f"{text}{sign} is attainable{limits}.")
    return [*texts, *_price_finding(ds), *_exposure_finding(ds)]


def _price_finding(ds: xr.Dataset) -> list[str]:
    """Say what the dearest rule and the fewest patients cost."""
    if "price" not in ds:
        return []
    best = ds["optimum"].sel(rule=ATTAINABLE).dropna("enrolment")
    caps = sorted(best["enrolment"].to_numpy().tolist())
    if not caps:
        return []
    few, many = caps[0], caps[-1]
    dear = ds["price"].sel(enrolment=few).drop_sel(rule=ATTAINABLE).dropna("rule")
    if not dear.sizes["rule"]:
        return []
    rule = str(dear["rule"].to_numpy()[int(dear.to_numpy().argmax())])
    text = (
        f'With {few} patients the dearest of the rules below is "{rule}": it costs {100 * dear.max().item():.1f} points'
    )
    if many > few:
        lost = 100 * (best.sel(enrolment=many) - best.sel(enrolment=few)).item()
        text += f"; {few} instead of {many} patients cost {lost:.1f} points"
    return [f"{text}."]


def _exposure_finding(ds: xr.Dataset) -> list[str]:
    """Say how many patients above the MTD the optimal policies take."""
    rows = ds.isel(design=np.flatnonzero(is_policy(ds)))
    if not rows.sizes["design"]:
        return []
    each = [
        f"{v:.1f} ({name})" for name, v in zip(names(rows, "design"), rows["patients_above_mtd"].values, strict=True)
    ]
    free = "" if "above the MTD" in ds.attrs["utility"] else ", where that has no price"
    return [f"The optimal policies treat {listed(each)} patients above the MTD on average{free}."]


def _designs(ds: xr.Dataset) -> list[Block]:
    """Show every design beside its bounds, the optimal policies apart."""
    plain, bounded = is_correct_selection(ds), bool(ds["attainable"].notnull().any())
    left_out = {"utility"} if plain else {"efficiency"}
    left_out |= set() if bounded else BOUNDS
    columns = [column for column in COLUMNS if column[1] not in left_out]
    order = [*np.flatnonzero(of_study(ds)).tolist(), *np.flatnonzero(~of_study(ds)).tolist()]
    labels = names(ds, "design")
    rows = ((labels[k], *(show(float(ds[variable][k])) for _, variable, show in columns)) for k in order)
    what = "correct selection" if plain else "correct selection and utility"
    which, bounds = ("Designs, then optimal policies", " and bounds") if bounded else ("Designs", "")
    patients = "<MTD, >MTD: patients below the MTD, where there is one, and above it"
    caption = f"{which}: {what}{bounds} (%, averages over the belief); {patients}"
    head = ("", *(title for title, _, _ in columns))
    return [Table(caption, head, tuple(rows), labels=True, short_heads=False, notes=(WHAT,) * bounded)]


def _prices(ds: xr.Dataset) -> list[Block]:
    """Show the best design under each rule, and what the rule costs."""
    shown = priced(ds)
    if shown is None:
        return []
    caps = tuple(str(n) for n in shown["enrolment"].to_numpy().tolist())
    values = np.concatenate([shown["optimum"].to_numpy(), shown["price"].to_numpy()], axis=1)
    rows = tuple((rule, *map(_percent, row)) for rule, row in zip(names(shown, "rule"), values, strict=True))
    caption = "Price of a rule: the best design that keeps it (%), and what that costs (points), by most patients"
    groups = (("best", len(caps)), ("cost", len(caps)))
    return [Table(caption, ("", *caps, *caps), rows, groups=groups)]


def _map(ds: xr.Dataset) -> list[Block]:
    """Summarise the maps: how often each design is best among those with as many patients, by true MTD."""
    if "map_correct_selection" not in ds:
        return []
    correct, mtd = ds["map_correct_selection"].to_numpy(), ds["map_mtd"].to_numpy()
    found = [int(j) for j in np.unique(mtd)]
    head = ("", *("none" if j < 0 else f"dose {j + 1}" for j in found), "all", "furthest below")
    rows = []
    for most, which in same_cap(ds).items():
        share = winners(correct[which])
        policy = np.flatnonzero(~of_study(ds) & (ds["most_patients"].to_numpy() == most))
        for k, name in enumerate(names(ds.isel(design=which), "design")):
            gap = (correct[policy[0]] - correct[which[k]]).max() if policy.size else np.nan
            cells = [_percent(share[k][mtd == j].mean()) for j in found]
            rows.append((f"{most}: {name}", *cells, _percent(share[k].mean()), _percent(float(gap))))
    if not rows:
        return []
    caption = (
        f"Over {mtd.size} logistic truths (location and steepness on a grid): share (%) in which the design is best of "
        "those with as many patients, by true MTD"
    )
    if all(row[-1] == "-" for row in rows):
        head, rows = head[:-1], [row[:-1] for row in rows]
    else:
        caption += "; and how far below the optimal policy it falls at most (points)"
    return [Table(caption, head, tuple(rows), labels=True, short_heads=False)]


def _figures(ds: xr.Dataset) -> list[Block]:
    """Return the figures that the Dataset has data for."""
    return [Figure.of(draw, *DRAWN[name], name) for name, draw in limit_drawings(ds).items()]
