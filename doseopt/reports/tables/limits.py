"""What is attained and attainable, as text."""

from __future__ import annotations

import numpy as np
import pandas as pd  # type: ignore[import-untyped]  # ships no types
import xarray as xr
from rich.console import Console
from rich.text import Text

from doseopt.display.attained import ATTAINABLE, is_correct_selection, is_policy, of_study, priced, same_cap, winners
from doseopt.display.labels import accuracy_words, listed, names, shortened
from doseopt.reports.render.layout import grid, heading, page_width, paragraph

WIDTH = 100
WHAT = (
    "Attainable: the best of all designs that see the tally, treat one patient after the other from the same first "
    "dose, never go more than one level above the highest dose tried, have the same most patients and may stop at any "
    "time. It bounds every such design, whatever its cohorts, under this belief and utility and no other: it knows the "
    "belief, and where a single truth is given a design may exceed it. The last two bounds hold for designs that treat "
    "no more patients, or no more patients above the MTD, on average than the design in the row. An optimal policy is "
    "a bound and no proposal: it escalates after a DLT wherever that pays, unless the utility puts a price on it."
)


def print_limits(ds: xr.Dataset, console: Console) -> None:
    """Print what is attained and attainable, 100 columns wide or as wide as a narrower terminal."""
    width = page_width(console)
    console.print(limits_text(ds, width), soft_wrap=True)


def limits_text(ds: xr.Dataset, width: int = WIDTH) -> Text:
    """Return what is attained and attainable as text.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.limits_of`.
    width : int
        Columns that no line exceeds.
    """
    attrs = ds.attrs
    lines = paragraph(f"What is attainable: {attrs['title']}", width, style="bold")
    rows = {
        "Target DLT rate": f"{float(attrs['target']):g}",
        "Definition": attrs["mtd_rule"],
        "Utility": attrs["utility"],
        "Belief": attrs["belief"],
        "Averages": accuracy_words(attrs["error"]) or f"sums over {attrs['scenarios']} scenarios",
        "Engine": "exact, for designs and for the best of all: no Monte Carlo error",
        "Made by": f"doseopt {attrs['version']}, study {attrs['study']} (hash {attrs['study_hash']})",
    }
    if attrs["left_out"]:
        rows["Left out"] = f"{attrs['left_out']}: looks at moderate toxicity, which the bounds do not"
    margin = max(map(len, rows)) + 2
    for name, text in rows.items():
        lines += paragraph(str(text), width, " " * margin, name.ljust(margin))
    parts = {"Findings": limit_findings(ds), "Not computed, because too large": attrs["not_computed"].splitlines()}
    for title, texts in parts.items():
        if texts:
            lines += heading(title, width)
            lines += [line for text in texts for line in paragraph(text, width, "  ", "- ")]
    return Text("\n").join([*lines, *_designs(ds, width), *_prices(ds, width), *_map(ds, width)])


def _percent(value: float) -> str:
    return "-" if np.isnan(value) else f"{round(100 * value, 1) + 0.0:.1f}"


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


def _designs(ds: xr.Dataset, width: int) -> list[Text]:
    """Show every design beside its bounds, the optimal policies apart."""
    plain = is_correct_selection(ds)
    exact = ["correct"] if plain else ["correct", "utility"]
    head = ["", "most", "E[N]", *exact, "attainable", "regret", *(["ratio"] if plain else [])]
    head += ["same N", "same >MTD", "overdose", ">MTD", "DLTs"]
    body = []
    order = [*np.flatnonzero(of_study(ds)).tolist(), *np.flatnonzero(~of_study(ds)).tolist()]
    spare = max(width - sum(max(len(h), 5) + 1 for h in head[1:]), 16)
    labels = shortened([names(ds, "design")[k] for k in order], spare)
    for label, k in zip(labels, order, strict=True):
        row = {str(name): float(ds[name][k]) for name in ds.data_vars if ds[name].dims == ("design",)}
        cells = [f"{row['most_patients']:.0f}", f"{row['sample_size']:.1f}", _percent(row["correct_selection"])]
        cells += [] if plain else [_percent(row["utility"])]
        cells += [_percent(row["attainable"]), _percent(row["regret"])]
        cells += [_percent(row["efficiency"])] if plain else []
        cells += [_percent(row[f"attainable_same_{name}"]) for name in ("size", "exposure")]
        cells += [_percent(row["overdose_selection"]), f"{row['patients_above_mtd']:.2f}", f"{row['total_dlts']:.2f}"]
        body.append([label, *cells])
    left_out: tuple[str, ...] = ("overdose", "DLTs") if width < WIDTH else ()
    bounded = bool(ds["attainable"].notnull().any())
    if not bounded:
        left_out = ("attainable", "regret", "ratio", "same N", "same >MTD")
    kept = [c for c, name in enumerate(head) if name not in left_out]
    head, *body = ([line[c] for c in kept] for line in [head, *body])
    what = "correct selection" if plain else "correct selection and utility"
    which, bounds = ("Designs, then optimal policies", " and bounds") if bounded else ("Designs", "")
    title = f"{which}: {what}{bounds} (%, averages over the belief); >MTD: patients above the MTD"
    return [*heading(title, width), *grid(head, body, width=width), *(paragraph(WHAT, width) if bounded else [])]


def _prices(ds: xr.Dataset, width: int) -> list[Text]:
    """Show the best design under each rule, and what the rule costs."""
    shown = priced(ds)
    if shown is None:
        return []
    caps = [str(n) for n in shown["enrolment"].to_numpy().tolist()]
    best, price = shown["optimum"].to_numpy(), shown["price"].to_numpy()
    body = [
        [rule, *map(_percent, best[r]), *map(_percent, price[r])]
        for r, rule in enumerate(shown["rule"].to_numpy().tolist())
    ]
    title = "Price of a rule: best design that keeps it (%), then what it costs (percentage points), by most patients"
    return [*heading(title, width), *grid(["", *caps, *caps], body, gaps={1, 1 + len(caps)}, width=width)]


def _map(ds: xr.Dataset, width: int) -> list[Text]:
    """Summarise the maps: how often each design is best among those with as many patients, by true MTD."""
    if "map_correct_selection" not in ds:
        return []
    correct, mtd = ds["map_correct_selection"].to_numpy(), ds["map_mtd"].to_numpy()
    found = [int(j) for j in np.unique(mtd)]
    head = ["", *("none" if j < 0 else f"dose {j + 1}" for j in found), "all", "furthest below"]
    body = []
    for most, rows in same_cap(ds).items():
        share = winners(correct[rows])
        policy = np.flatnonzero(~of_study(ds) & (ds["most_patients"].to_numpy() == most))
        for k, name in enumerate(names(ds.isel(design=rows), "design")):
            gap = (correct[policy[0]] - correct[rows[k]]).max() if policy.size else np.nan
            cells = [_percent(share[k][mtd == j].mean()) for j in found]
            body.append([f"{most}: {name}", *cells, _percent(share[k].mean()), _percent(float(gap))])
    if not body:
        return []
    title = (
        f"Over {mtd.size} logistic truths (location and steepness on a grid): share (%) in which the design is best of "
        "those with as many patients, by true MTD"
    )
    if all(line[-1] == "-" for line in body):
        head, *body = (line[:-1] for line in [head, *body])
    else:
        title += "; and how far below the optimal policy it falls at most (points)"
    return [*heading(title, width), *grid(head, body, width=width)]


def limits_frame(ds: xr.Dataset) -> pd.DataFrame:
    """Return each design's numbers and each rule's price as tidy data: name, enrolment, measure, value."""
    rows = []
    for name in ds.data_vars:
        if ds[name].dims == ("design",):
            rows += [
                (str(d), "", str(name), float(v)) for d, v in zip(ds["design"].values, ds[name].values, strict=True)
            ]
        elif ds[name].dims == ("rule", "enrolment"):
            for r, rule in enumerate(ds["rule"].to_numpy().tolist()):
                for k, n in enumerate(ds["enrolment"].to_numpy().tolist()):
                    rows.append((str(rule), str(n), str(name), float(ds[name][r, k])))
    return pd.DataFrame(rows, columns=["name", "enrolment", "measure", "value"])
