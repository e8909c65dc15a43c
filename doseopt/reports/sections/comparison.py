"""A comparison as a document: what is compared, what it shows, under which truths, and how the designs did."""

from __future__ import annotations

import numpy as np
import xarray as xr

from doseopt.core.text import counted
from doseopt.display.labels import by_mtd, doses_in_words, made_by, names
from doseopt.display.panels import grouped
from doseopt.display.simulated import simulated
from doseopt.plots.drawings import drawings
from doseopt.reports.render.document import MARK, Block, Bullets, Document, Figure, Heading, Paragraph, Table
from doseopt.reports.sections.as_they_come import as_they_come
from doseopt.reports.sections.benchmark import benchmark
from doseopt.reports.sections.estimates import estimates
from doseopt.reports.sections.expanded import expanded
from doseopt.reports.sections.findings import findings
from doseopt.reports.sections.like_for_like import like_for_like
from doseopt.reports.sections.measures import BEST, LETTERS, measure_tables, monte_carlo, number, scaled
from doseopt.reports.sections.optimal_dose import optimal_dose, optimal_finding
from doseopt.reports.sections.overview import describe_engine, marked, overview
from doseopt.reports.sections.time import with_heading

OVERDOSE = "a dose above the highest correct one whose true DLT rate is above the target."
SIZES = {"states": "states", "paths": "outcome paths"}
"""Of the exact calculation: variable, heading."""
CAPTIONS = {
    "selection": (
        "Selection of each dose and of none, in each scenario.",
        "Stacked bars, a panel a scenario; the numbers stand in the table of selections.",
    ),
    "scenarios": (
        "The true DLT rate against the dose in each scenario; the correct selection is marked.",
        "Curves of the DLT rate against the dose; the rates stand in the table of scenarios.",
    ),
    "enrolment": (
        "Correct selection against the patients that a design may enrol.",
        "A point a design, a line where designs differ by their cap only; the numbers stand in the tables.",
    ),
    "heatmap": (
        "Correct and overdose selection of each design in each scenario, and the patients it treats below the MTD.",
        "Three tables of numbers with coloured cells: correct selection, overdose selection, patients below the MTD.",
    ),
    "benchmark": (
        "Correct selection of each design beside the complete-information benchmark.",
        "Points for each design in each scenario; the numbers stand in the tables of the benchmark.",
    ),
}
"""Of each figure: caption, and what it shows for those who cannot see it."""
NOISE = (
    "Numbers that are simulated, or averaged over calendars, have a Monte Carlo standard error, the largest of which "
    "is stated below each table: a difference of less than two or three of them does not say which design is better."
)


def comparison_document(ds: xr.Dataset) -> Document:
    """Return a comparison as a document.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    """
    figures = [Figure.of(draw, *CAPTIONS[name], name) for name, draw in drawings(ds).items() if name in CAPTIONS]
    found = optimal_finding(ds) + findings(ds)
    ds = marked(ds)
    blocks: list[Block] = [Heading("Findings"), Bullets(tuple(found))] if found else []
    blocks += [overview(ds), _designs(ds), *_rules(ds)]
    blocks += [scenario_table(ds), *optimal_dose(ds), *like_for_like(ds)]
    blocks += [Heading("How the designs did"), Paragraph(BEST)]
    blocks += [Paragraph(NOISE)] if simulated(ds).any() else []
    blocks += [
        *measure_tables(ds),
        *as_they_come(ds),
        *expanded(ds),
        *benchmark(ds),
        _selection(ds),
        *figures,
        *with_heading(ds),
        *estimates(ds),
    ]
    return Document(str(ds.attrs["title"]), _facts(ds), tuple(blocks))


def _facts(ds: xr.Dataset) -> dict[str, str]:
    """Say what is compared, and under which definitions."""
    attrs = ds.attrs
    planned = int(attrs.get("planned_enrolment", -1))
    return {
        "Registry": str(attrs.get("registry", "")),
        "Doses": doses_in_words(ds),
        "Target DLT rate": f"{float(attrs['target']):g}",
        "Definition": str(attrs["mtd_rule"]),
        "Optimal dose": str(attrs.get("obd_rule", "")),
        "Overdose": OVERDOSE,
        "Planned enrolment": f"{planned} patients" if planned > 0 else "",
        "In the DLT window": str(attrs.get("window_events", "")),
        "Clock": str(attrs.get("clock", "")),
        "Compared": f"{counted(ds.sizes['design'], 'design')} in {counted(ds.sizes['scenario'], 'scenario')}",
        "Engine": describe_engine(ds),
        "Not computed": str(attrs.get("not_computed", "")),
        "Made by": made_by(attrs),
    }


def _whole(n: float) -> str:
    return "-" if np.isnan(n) else f"{int(n):,}" if n < 10**9 else f"{n:.1e}"


def _designs(ds: xr.Dataset) -> Table:
    """List the designs: cap, what they can declare, and the size of the exact calculation."""
    drawn = simulated(ds)
    exact = not drawn.all() and "fewest_patients" in ds
    counts = {name: title for name, title in SIZES.items() if exact and name in ds}
    doses = names(ds, "dose") if exact else []
    cap = ds["planned_maximum"].to_numpy()
    rows = []
    for d, design in enumerate(names(ds, "design")):
        row = [design, "none" if np.isnan(cap[d]) else f"{cap[d]:.0f}"]
        if drawn[d]:
            row += ["-"] * (len(doses) + len(counts))
        elif exact:
            row += ["never" if np.isnan(n) else f"{n:.0f}" for n in ds["fewest_patients"].to_numpy()[d]]
            row += [_whole(ds[name].to_numpy()[d]) for name in counts]
        rows.append(tuple(row))
    what = "Designs: enrolment cap; the fewest patients with which each dose can be declared, whatever the truth"
    size = "; states and outcome paths counted" if counts else ""
    size += "; -: a simulation does not know" if exact and drawn.any() else ""
    title = f"{what}{size}" if exact else "Designs: enrolment cap"
    return Table(title, ("", "cap", *doses, *counts.values()), tuple(rows), labels=True)


def _rules(ds: xr.Dataset) -> list[Block]:
    """State the rules of the designs, those with the same rules together."""
    if "rules" not in ds.coords:
        return []
    alike: dict[tuple[str, ...], list[str]] = {}
    told = (ds[name].to_numpy().tolist() for name in ("rules", "cap_rule"))
    for name, rules, cap in zip(names(ds, "design"), *told, strict=True):
        apart = tuple(line for line in str(rules).splitlines() if line not in str(cap).splitlines())
        alike.setdefault(apart, []).append(name)
    blocks: list[Block] = [Heading("Rules, enrolment caps apart")]
    for apart, designs in alike.items():
        blocks += [Paragraph(", ".join(designs), strong=True), Bullets(apart)]
    return blocks


def scenario_table(ds: xr.Dataset, why: bool = False) -> Table:
    """List the scenarios under the letters that stand for them; many are summarised by their true MTD.

    Parameters
    ----------
    ds : Dataset
        Of `doseopt.compare`.
    why : bool
        Whether to give the reason of each scenario, or its source.
    """
    if grouped(ds):
        return _scenario_groups(ds)
    p = scaled(ds["p_dlt"].to_numpy(), "1")
    right = ds["acceptable"].to_numpy()
    rows, right_cells = [], set()
    for s, name in enumerate(names(ds, "scenario")):
        none = not right[s].any()
        reason = (str(ds["reason"].to_numpy()[s]) or str(ds["source"].to_numpy()[s]),) if why else ()
        rows.append((LETTERS[s], name, "right" if none else "", *(number(v) for v in p[s]), *reason))
        right_cells |= {(s, c) for c, ok in enumerate([none, *right[s]], 2) if ok}
    return Table(
        f"Scenarios: true DLT rate (%) at each dose; {MARK} correct selection",
        ("", "", "none", *names(ds, "dose"), *(("why",) if why else ())),
        tuple(rows),
        texts=(0, 1, -1) if why else (0, 1),
        labels=not why,
        marked=frozenset(right_cells),
        notes=_observed(ds),
    )


def _scenario_groups(ds: xr.Dataset) -> Table:
    """Summarise many scenarios by their true MTD."""
    p = 100 * ds["p_dlt"].to_numpy()
    labels = names(ds, "dose")
    rows = [
        ("none" if j < 0 else labels[j], str(len(which)), *(number(v) for v in p[which].mean(axis=0)))
        for j, which in by_mtd(ds)
    ]
    title = f"The {ds.sizes['scenario']} scenarios by their true MTD: mean true DLT rate (%) at each dose"
    return Table(title, ("MTD", "scenarios", *labels), tuple(rows), labels=True, notes=_observed(ds))


def _observed(ds: xr.Dataset) -> tuple[str, ...]:
    """Say where patients have other DLT rates than those that selections are judged by."""
    if "p_observed" not in ds or np.allclose(ds["p_observed"], ds["p_dlt"], rtol=0, atol=1e-12):
        return ()
    differ = int((~np.isclose(ds["p_observed"], ds["p_dlt"], rtol=0, atol=1e-12).all(axis=1)).sum())
    return (f"In {counted(differ, 'scenario')} DLTs are recorded at other rates than the true ones (p_observed).",)


def _selection(ds: xr.Dataset) -> Table:
    """Show the selection probability of none and of each dose, scenarios side by side."""
    none, each = ds["no_selection"].to_numpy(), ds["selection"].to_numpy()
    table = np.concatenate([none[:, :, None], each], axis=2)  # [design, scenario, none and doses]
    right = ds["acceptable"].to_numpy()
    right = np.column_stack([~right.any(axis=1), right])
    if not grouped(ds):
        title = f"Selection of no dose and of each dose (% of trials); {MARK} correct selection"
        groups = [(f"{LETTERS[s]} {name}", table[:, s], right[s]) for s, name in enumerate(names(ds, "scenario"))]
    else:
        title = f"Selection of no dose and of each dose (% of trials), mean by true MTD (scenarios); {MARK} true MTD"
        labels = [*names(ds, "dose"), "none"]
        groups = [
            (f"MTD {labels[j]} ({len(rows)})", table[:, rows].mean(axis=1), np.arange(table.shape[2]) == j + 1)
            for j, rows in by_mtd(ds)
        ]
    heads = ["none", *names(ds, "dose")]
    designs = names(ds, "design")
    cells = [
        (name, *(number(v) for _, values, _ in groups for v in scaled(values[d], "1")))
        for d, name in enumerate(designs)
    ]
    correct = np.flatnonzero(np.concatenate([ok for _, _, ok in groups]))
    return Table(
        title,
        ("", *(head for _ in groups for head in heads)),
        tuple(cells),
        labels=True,
        marked=frozenset((d, int(c) + 1) for d in range(len(designs)) for c in correct),
        groups=tuple((title, len(heads)) for title, _, _ in groups),
        notes=monte_carlo(ds, "selection"),
    )
