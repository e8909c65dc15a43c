"""The comparison as text: what is compared, what it shows, under which truths, and how the designs did."""

from __future__ import annotations

import numpy as np
import xarray as xr
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from doseopt.display.labels import by_mtd, dose_labels, names, shortened
from doseopt.display.simulated import simulated
from doseopt.reports.render.layout import MARK, chunks, grid, heading, page_width, paragraph
from doseopt.reports.tables.benchmark import benchmark_lines
from doseopt.reports.tables.estimates import SIMULATED, estimate_lines, marked
from doseopt.reports.tables.findings import findings
from doseopt.reports.tables.measures import BEST, LETTERS, MOST_SCENARIOS, measure_tables, monte_carlo, number, scaled

WIDTH = 100
OVERDOSE = "a dose above the highest correct one whose true DLT rate is above the target."
NOISE = (
    "Simulated numbers have a Monte Carlo standard error, the largest of which is stated below each table: a "
    "difference of less than two or three of them does not say which design is better."
)

type Group = tuple[str, np.ndarray, np.ndarray]
"""Title, selection (design, none and doses), and which of them are correct."""


def print_comparison(ds: xr.Dataset, console: Console) -> None:
    """Print a comparison, 100 columns wide or as wide as a narrower terminal.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    console : rich.console.Console
    """
    width = page_width(console)
    console.print(comparison_text(ds, width), soft_wrap=True)


def comparison_text(ds: xr.Dataset, width: int = WIDTH) -> Text:
    """Return a comparison as text.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    width : int
        Columns that no line exceeds.

    Returns
    -------
    rich.text.Text
        Styled with bold only; `.plain` is the text itself, and says no less.
    """
    found = findings(ds)
    ds = marked(ds)
    lines = [*_header(ds, width), *_designs(ds, width), *_rules(ds, width)]
    if found:
        lines += heading("Findings", width)
        lines += [line for text in found for line in paragraph(text, width, "  ", "- ")]
    lines += _scenarios(ds, width) if ds.sizes["scenario"] <= MOST_SCENARIOS else _scenario_groups(ds, width)
    lines += [*heading("How the designs did", width), *paragraph(BEST, width)]
    lines += paragraph(NOISE, width) if simulated(ds).any() else []
    lines += [
        *measure_tables(ds, width),
        *benchmark_lines(ds, width),
        *_selection(ds, width),
        *estimate_lines(ds, width),
    ]
    return Text("\n").join(lines)


def _header(ds: xr.Dataset, width: int) -> list[Text]:
    """Say what is compared, and under which definitions."""
    attrs = ds.attrs
    labels, unit = dose_labels(ds)
    planned = int(attrs.get("planned_enrolment", -1))
    dropout = float(attrs.get("dropout", 0))
    hash_ = f"study {attrs.get('study', '')} (hash {attrs.get('study_hash', '')})"
    rows = {
        "Registry": attrs.get("registry", ""),
        "Doses": f"{', '.join(labels)} {unit}".strip(),
        "Target DLT rate": f"{float(attrs['target']):g}",
        "Definition": attrs["mtd_rule"],
        "Overdose": OVERDOSE,
        "Planned enrolment": f"{planned} patients" if planned > 0 else "",
        "Drop-out": f"{100 * dropout:g}% of patients, replaced" if dropout else "",
        "Compared": f"{_count(ds.sizes['design'], 'design')} in {_count(ds.sizes['scenario'], 'scenario')}",
        "Engine": _engine(ds),
        "Made by": f"doseopt {attrs.get('version', '')}, {hash_}",
    }
    margin = max(map(len, rows)) + 2
    lines = paragraph(str(attrs["title"]), width, style="bold")
    for name, text in rows.items():
        lines += paragraph(str(text), width, " " * margin, name.ljust(margin)) if str(text) else []
    return lines


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'s' * (n != 1)}"


def _engine(ds: xr.Dataset) -> str:
    """Say how the designs were evaluated."""
    drawn = simulated(ds)
    if not drawn.any():
        exact = "exact: every way a trial can go is counted, so there is no Monte Carlo error"
        return exact if ds.attrs.get("engine") == "exact" else str(ds.attrs.get("engine"))
    trials, seed = int(ds.attrs["trials"]), ds.attrs["seed"]
    how = f"{trials:,} trials a scenario, seed {seed}, the same patients under each design"
    why = "the exact calculation would be too large" if "too_large" in ds.attrs else ""
    if drawn.all():
        return f"simulated, as {why}: {how}" if why else f"simulated: {how}"
    marks = _count(int(drawn.sum()), "design")
    return f"exact, without Monte Carlo error; {marks} marked {SIMULATED} simulated, as {why}: {how}"


def _whole(n: float) -> str:
    return f"{int(n):,}" if n < 10**9 else f"{n:.1e}"


def _designs(ds: xr.Dataset, width: int) -> list[Text]:
    """List the designs: cap, what they can declare, and the size of the exact calculation."""
    drawn = simulated(ds)
    exact = not drawn.all() and "fewest_patients" in ds
    counts = [name for name in ("states", "paths") if exact and name in ds]
    doses = shortened(names(ds, "dose"), 5)
    cap = ds["planned_maximum"].to_numpy()
    head = ["", "cap", *(doses if exact else []), *(("states", "outcome paths")[: len(counts)])]
    body = []
    for d in range(ds.sizes["design"]):
        row = ["none" if np.isnan(cap[d]) else f"{cap[d]:.0f}"]
        if drawn[d]:
            row += ["-"] * (len(head) - 2)
        elif exact:
            row += ["never" if np.isnan(n) else f"{n:.0f}" for n in ds["fewest_patients"].to_numpy()[d]]
            row += [_whole(ds[name].to_numpy()[d]) for name in counts]
        body.append(row)
    spare = width - sum(max(len(row[c]) for row in [head[1:], *body]) + 1 for c in range(len(head) - 1)) - 2
    labels = shortened(names(ds, "design"), max(spare, 16))
    what = "Designs: enrolment cap; the fewest patients with which each dose can be declared, whatever the truth"
    size = "; states and outcome paths counted" if counts else ""
    size += "; -: a simulation does not know" if exact and drawn.any() else ""
    title = f"{what}{size}" if exact else "Designs: enrolment cap"
    rows = [[label, *row] for label, row in zip(labels, body, strict=True)]
    return [*heading(title, width), *grid(head, rows, gaps={2, 2 + len(doses)} if exact else (), width=width)]


def _rules(ds: xr.Dataset, width: int) -> list[Text]:
    """State the rules of the designs, those with the same rules together."""
    if "rules" not in ds.coords:
        return []
    alike: dict[str, list[str]] = {}
    for name, rules in zip(names(ds, "design"), ds["rules"].to_numpy().tolist(), strict=True):
        alike.setdefault(str(rules), []).append(name)
    lines = heading("Rules, enrolment caps apart", width)
    for rules, designs in alike.items():
        lines += paragraph(", ".join(designs), width, style="bold")
        for rule in rules.splitlines():
            lines += paragraph(rule, width, "    ", "  - ")
    return lines


def _scenarios(ds: xr.Dataset, width: int) -> list[Text]:
    """List the scenarios under the letters that stand for them."""
    p = scaled(ds["p_dlt"].to_numpy(), "1")
    right = ds["acceptable"].to_numpy()
    doses = [f"{label} " for label in shortened(names(ds, "dose"), 7)]
    head = ["", "", "none ", *doses]
    spare = width - 2 - 6 - sum(max(len(label), 6) + 1 for label in doses)
    body, marked = [], set()
    for s, name in enumerate(shortened(names(ds, "scenario"), max(spare, 16))):
        none = not right[s].any()
        cells = [number(v) + (MARK if ok else " ") for v, ok in zip(p[s], right[s], strict=True)]
        body.append([LETTERS[s], name, f"right{MARK}" if none else "", *cells])
        marked |= {(s, c) for c, ok in enumerate([none, *right[s]], 2) if ok}
    title = f"Scenarios: true DLT rate (%) at each dose; {MARK} correct selection"
    return [*heading(title, width), *grid(head, body, marked, left=2, width=width), *_observed(ds, width)]


def _scenario_groups(ds: xr.Dataset, width: int) -> list[Text]:
    """Summarise many scenarios by their true MTD."""
    p = 100 * ds["p_dlt"].to_numpy()
    labels = shortened(names(ds, "dose"), 7)
    body = [
        ["none" if j < 0 else labels[j], str(len(rows)), *(number(v) for v in p[rows].mean(axis=0))]
        for j, rows in by_mtd(ds)
    ]
    title = f"The {ds.sizes['scenario']} scenarios by their true MTD: mean true DLT rate (%) at each dose"
    table = grid(["MTD", "scenarios", *labels], body, gaps={2}, width=width)
    return [*heading(title, width), *table, *_observed(ds, width)]


def _observed(ds: xr.Dataset, width: int) -> list[Text]:
    """Say where patients have other DLT rates than those that selections are judged by."""
    if "p_observed" not in ds or np.allclose(ds["p_observed"], ds["p_dlt"], rtol=0, atol=1e-12):
        return []
    differ = ~np.isclose(ds["p_observed"], ds["p_dlt"], rtol=0, atol=1e-12).all(axis=1)
    note = (
        f"In {_count(int(differ.sum()), 'scenario')} DLTs are recorded at other rates than the true ones (p_observed)."
    )
    return paragraph(note, width)


def _selection(ds: xr.Dataset, width: int) -> list[Text]:
    """Show the selection probability of none and of each dose, scenarios side by side as far as they fit."""
    none, each = ds["no_selection"].to_numpy(), ds["selection"].to_numpy()
    table = np.concatenate([none[:, :, None], each], axis=2)  # [design, scenario, none and doses]
    right = ds["acceptable"].to_numpy()
    right = np.column_stack([~right.any(axis=1), right])
    if ds.sizes["scenario"] <= MOST_SCENARIOS:
        title = f"Selection of no dose and of each dose (% of trials); {MARK} correct selection"
        groups = [(f"{LETTERS[s]} {name}", table[:, s], right[s]) for s, name in enumerate(names(ds, "scenario"))]
    else:
        title = f"Selection of no dose and of each dose (% of trials), mean by true MTD (scenarios); {MARK} true MTD"
        labels = [*names(ds, "dose"), "none"]
        groups = [
            (f"MTD {labels[j]} ({len(rows)})", table[:, rows].mean(axis=1), np.arange(table.shape[2]) == j + 1)
            for j, rows in by_mtd(ds)
        ]
    lines = [*heading(title, width), *_selection_blocks(ds, groups, width)]
    return [*lines, *monte_carlo(ds, "selection")]


def _selection_blocks(ds: xr.Dataset, groups: list[Group], width: int) -> list[Text]:
    """Lay the groups of columns out, as many side by side as fit, each under its title."""
    heads = ["none", *shortened(names(ds, "dose"), 5)]
    cell = max(6, *(cell_len(head) + 1 for head in heads))
    one = (cell + 1) * len(heads) + 1
    spare = min(max(cell_len(name) for name in names(ds, "design")), max(width - 2 * one, width // 5, 12))
    designs = shortened(names(ds, "design"), spare)
    lines: list[Text] = []
    for run in chunks([one] * len(groups), width - spare):
        titles = shortened([groups[g][0] for g in run], one - 3)
        above = " " * (max(map(cell_len, designs)) + 2) + "".join(set_cell_size(t, one) for t in titles).rstrip()
        if cell_len(above) > width:
            above = " ".join(titles)
        head, gaps, marked = [""], set(), set()
        body = [[name] for name in designs]
        for _, values, right in (groups[g] for g in run):
            gaps.add(len(head))
            marked |= {(d, len(head) + int(c)) for c in np.flatnonzero(right) for d in range(len(body))}
            head += [f"{label}{MARK if ok else ' '}".rjust(cell) for label, ok in zip(heads, right, strict=True)]
            for d, row in enumerate(body):
                row += [f"{number(v)} " for v in scaled(values[d], "1")]
        lines += [*([Text("")] if lines else []), Text(above, "bold")]
        lines += grid(head, body, marked, gaps=gaps, width=width)
    return lines
