"""The figures of the recorded results: how cost grows, and what simulation costs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed.measure import Record
from benchmarks.speed.scaling import AXES, FAMILIES
from doseopt.plots.placement import spread
from doseopt.plots.save import save_figure
from doseopt.plots.scaffold import new_figure
from doseopt.plots.style import FAINT, LINES, SMALL, WIDTH, styled

NAMES = {
    "patients": ("patients", "4 doses, cohorts of 3, one scenario"),
    "singles": ("single patients", "4 doses, one scenario"),
    "doses": ("doses", "45 patients in cohorts of 3, one scenario"),
    "scenarios": ("scenarios", "4 doses, 30 patients in cohorts of 3"),
    "cohort": ("patients in a cohort", "4 doses, 30 patients, one scenario; the 3+3 has cohorts of its own"),
}
MEASURED: dict[str, Callable[[Record], float]] = {
    "seconds": lambda record: record["median"],
    "states": lambda record: record["counts"]["states"],
    "memory, MB": lambda record: record["peak_bytes"] / 1e6,
}
HEIGHT, LEFT, LABEL = 1.75, 0.42, 0.38
LOOKS = dict(zip(FAMILIES, LINES, strict=False))


def plain(value: float, _: object = None) -> str:
    """Write a number of an axis: 0.01, 100, 1e6."""
    return f"{value:,.10g}" if 1e-3 <= value < 1e6 else f"{value:.0e}".replace("e-0", "e-").replace("e+0", "e")


def _log(axis: Any) -> None:
    """Mark decades, and 2 and 5 within them where there is but one."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

    low, high = np.log10(axis.get_view_interval())
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high - low < 1.5 else (1,), numticks=8))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(plain))


def _named(ax: Any, ends: Sequence[tuple[str, float, float]]) -> None:
    """Write each line's name at its right end, none over another."""
    places = [ax.transData.transform((x, y))[1] * 72 / ax.figure.dpi for _, x, y in ends]
    low, high = (ax.transAxes.transform((0, f))[1] * 72 / ax.figure.dpi for f in (0, 1))
    right = ax.transAxes.transform((1, 0))[0]
    for (name, x, y), place in zip(ends, spread(places, [SMALL + 1.5] * len(ends), low, high), strict=True):
        offset = ((right - ax.transData.transform((x, y))[0]) * 72 / ax.figure.dpi + 3, place - _points(ax, y))
        look = {"color": LOOKS[name][0], "size": SMALL, "weight": "bold"}
        ax.annotate(name, (x, y), offset, textcoords="offset points", va="center", **look)


def _points(ax: Any, y: float) -> float:
    return float(ax.transData.transform((ax.get_xlim()[1], y))[1] * 72 / ax.figure.dpi)


@styled
def scaling_figure(records: Iterable[Record], axis: str) -> Any:
    """Draw time, states and memory of the exact engine along one axis, a panel each, both scales logarithmic."""
    mine = [record for record in records if record.get("axis") == axis]
    label, rest = NAMES[axis]
    subtitle = (
        f"{rest}. Exact operating characteristics, nothing cached; medians, bars from the fastest to the slowest run; "
        "memory of the whole program."
    )
    figure = new_figure(HEIGHT, f"What the exact engine needs, by {label}", subtitle)
    figure.set_layout_engine("none")
    height = figure.get_figheight()
    wide = (WIDTH - 0.1) / 3
    for k, (what, value) in enumerate(MEASURED.items()):
        place = ((k * wide + LEFT) / WIDTH, 0.38 / height, (wide - LEFT - LABEL) / WIDTH, (HEIGHT - 0.62) / height)
        ax = figure.add_axes(place)
        ends = [_line(ax, [r for r in mine if r["design"] == family], value, family) for family in FAMILIES]
        ax.set(xscale="log", yscale="log", xlabel=label)
        ax.set_title(what, weight="bold")
        _log(ax.yaxis)
        ax.grid(axis="y", color=FAINT, linewidth=0.4)
        ax.minorticks_off()
        ax.set_xticks(_ticks(axis), [plain(x) for x in _ticks(axis)])
        _named(ax, [end for end in ends if end])
    return figure


def _ticks(axis: str) -> tuple[int, ...]:
    """Return the marks that have room."""
    return {"patients": (6, 12, 30, 60), "singles": (10, 20, 40), "scenarios": (1, 100, 10_000)}.get(axis, AXES[axis])


def _line(ax: Any, mine: Sequence[Record], value: Callable[[Record], float], family: str) -> Any:
    """Draw one design; return its name and last point."""
    if not mine:
        return None
    colour, dashes, marker = LOOKS[family]
    x, y = np.array([r["x"] for r in mine]), np.array([value(r) for r in mine])
    ax.plot(x, y, color=colour, linestyle=dashes, marker=marker, markersize=3, linewidth=1)
    if value is MEASURED["seconds"]:
        ax.vlines(x, [r["min"] for r in mine], [r["max"] for r in mine], color=colour, linewidth=0.6)
    return family, x[-1], y[-1]


@styled
def accuracy_figure(records: Iterable[Record]) -> Any:
    """Draw the Monte Carlo error against processor time; the exact engine's time is a vertical line."""
    subtitle = (
        "Probability of selecting the MTD, 4 doses, 30 patients. Sloping: simulation, filled where measured, hollow "
        "where extrapolated from trials a second. Vertical: the exact engine, whose error is that of rounding."
    )
    figure = new_figure(2.6, "What a Monte Carlo error costs", subtitle)
    figure.set_layout_engine("none")
    height = figure.get_figheight()
    ax = figure.add_axes((0.72 / WIDTH, 0.42 / height, (WIDTH - 1.3) / WIDTH, 2.1 / height))
    ax.set(xscale="log", yscale="log", xlabel="processor time, seconds", ylabel="Monte Carlo standard error")
    shown = [record for record in records if "simulated" in record]
    for record in shown:
        _costs(ax, record)
    ax.set_ylim(3e-5, 2e-2)
    ax.set_yticks([1e-2, 1e-3, 1e-4, 5e-5], ["0.01", "0.001", "0.0001", "0.00005"])
    _log(ax.xaxis)
    ax.yaxis.minorticks_off()
    ax.grid(axis="y", color=FAINT, linewidth=0.4)
    for record in shown:
        text = f"{record['design']} exact, error {record['rounding_error']:.0e}"
        at, look = (record["processor_median"], 3.4e-5), {"color": LOOKS[record["design"]][0], "weight": "bold"}
        ax.annotate(text, at, (2, 0), textcoords="offset points", rotation=90, size=SMALL, va="bottom", **look)
    _named(ax, [(r["design"], r["simulated"][-1]["seconds"], r["simulated"][-1]["standard_error"]) for r in shown])
    return figure


def _costs(ax: Any, record: Record) -> None:
    """Draw one design's line of simulations and its exact time."""
    colour, dashes, marker = LOOKS[record["design"]]
    x = [row["seconds"] for row in record["simulated"]]
    y = [row["standard_error"] for row in record["simulated"]]
    ax.plot(x, y, color=colour, linestyle=dashes, linewidth=1)
    for row in record["simulated"]:
        face = colour if row["measured"] else "white"
        ax.plot(row["seconds"], row["standard_error"], marker, color=colour, markerfacecolor=face, markersize=4)
    ax.axvline(record["processor_median"], color=colour, linestyle=dashes, linewidth=1)


FIGURES: dict[str, Callable[[Sequence[Record]], Any]] = {
    **{f"scaling-{axis}": partial(scaling_figure, axis=axis) for axis in AXES},
    "accuracy": accuracy_figure,
}


def save_all(records: Sequence[Record], folder: Path) -> None:
    """Write every figure as SVG and PNG."""
    for name, draw in FIGURES.items():
        save_figure(draw(records), folder, name)
