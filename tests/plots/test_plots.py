"""The figures show the Dataset's numbers, with nothing clipped or written over, and are saved whole."""

import os
from itertools import combinations

import numpy as np
import pytest
import xarray as xr
from figure_checks import written
from matplotlib import rcParams
from matplotlib.collections import PolyCollection
from matplotlib.text import Text

from doseopt.cli.output import write_figures
from doseopt.comparison.compare import compare
from doseopt.display.panels import doses, panels
from doseopt.plots.drawings import (
    FIGURES,
    benchmark_figure,
    drawings,
    enrolment_figure,
    heatmap_figure,
    scenario_figure,
    selection_figure,
)
from doseopt.plots.placement import Label, beside, overlap, spread
from doseopt.reports.render import document
from doseopt.study.file import load_study


def random_comparison(designs, scenarios, levels, seed=1, long=False):
    """Make a comparison of any size from random numbers; doses without values, no enrolment curves."""
    rng = np.random.default_rng(seed)
    p = np.sort(rng.uniform(0, 0.8, (scenarios, levels)), axis=1)
    nearest = np.abs(p - 0.25).argmin(axis=1)
    acceptable = (np.arange(levels) == nearest[:, None]) & (p[:, :1] <= 0.35)
    mtd = np.where(acceptable.any(axis=1), nearest, -1)
    chosen = rng.dirichlet(np.full(levels + 1, 0.7), (designs, scenarios))
    correct = np.where(acceptable.any(axis=1), (chosen[..., 1:] * acceptable).sum(axis=2), chosen[..., 0])
    over = (chosen[..., 1:] * (np.arange(levels) > mtd[:, None])).sum(axis=2)
    size = rng.uniform(8, 40, (designs, 1)) + rng.normal(0, 0.5, (designs, scenarios))
    name = "A rather long name of a design with all of its parameters, variant" if long else "D"
    truth = "scenario with a very long name indeed, $x_1$ and number" if long else "S"
    both = ("design", "scenario")
    return xr.Dataset(
        {
            "selection": ((*both, "dose"), chosen[..., 1:]),
            "no_selection": (both, chosen[..., 0]),
            "correct_selection": (both, correct),
            "overdose_selection": (both, over),
            "patients_below_mtd": (both, np.where(mtd >= 0, size * rng.random((designs, scenarios)), np.nan)),
            "sample_size": (both, size),
            "benchmark_correct_selection": (
                both,
                np.where(acceptable.any(axis=1), rng.random((designs, scenarios)), np.nan),
            ),
            "planned_maximum": ("design", np.full(designs, np.nan)),
            "p_dlt": (("scenario", "dose"), p),
            "acceptable": (("scenario", "dose"), acceptable),
            "mtd": ("scenario", mtd),
        },
        {
            "design": [f"{name} {k}" for k in range(designs)],
            "scenario": [f"{truth} {k}" for k in range(scenarios)],
            "dose": [f"the dose level that has the number {k}" if long else str(k + 1) for k in range(levels)],
        },
        {"target": 0.25, "planned_enrolment": -1},
    )


@pytest.fixture(scope="module")
def bundled():
    return compare(load_study("renji-elo-first"))


CASES = {
    "bundled": None,
    "one": random_comparison(1, 1, 4),
    "large": random_comparison(20, 7, 6, long=True),
    "many scenarios": random_comparison(5, 200, 6),
    "one dose": random_comparison(3, 4, 1),
}


ALL = FIGURES | {"benchmark": benchmark_figure}


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("case", CASES)
def test_no_text_overlaps_or_is_cut_off(name, case, bundled):
    ds = bundled if CASES[case] is None else CASES[case]
    figure = ALL[name](ds)
    texts = written(figure)
    width, height = figure.get_size_inches() * figure.dpi
    assert len(texts) > 5
    assert [
        t for t, box in texts if box[0] < -0.5 or box[1] < -0.5 or box[2] > width + 0.5 or box[3] > height + 0.5
    ] == []
    smaller = [(t, (x0 + 0.5, y0 + 0.5, x1 - 0.5, y1 - 0.5)) for t, (x0, y0, x1, y1) in texts]
    assert [(a[0], b[0]) for a, b in combinations(smaller, 2) if overlap(a[1], b[1])] == []
    assert width / figure.dpi == pytest.approx(6.3)
    assert height / figure.dpi < 14
    assert min(t.get_fontsize() for t in figure.findobj(Text)) >= 6.5


def bars(ax):
    """Return left end, width and colour of each box that is drawn, in order."""
    found = []
    for drawn in (artist for artist in ax.collections if isinstance(artist, PolyCollection)):
        corners = [path.vertices[:4, 0] for path in drawn.get_paths()]
        colours = drawn.get_facecolor()
        colours = np.zeros((1, 4)) if not len(colours) else colours
        found += [(x.min(), np.ptp(x), colours[k % len(colours)]) for k, x in enumerate(corners)]
    return found


def test_selection_bars_are_the_probabilities(bundled):
    figure = selection_figure(bundled)
    shown = [ax for ax in figure.axes if ax.axison]
    assert [ax.get_title(loc="left") for ax in shown] == list(bundled["scenario"].to_numpy())
    assert figure.get_supxlabel() == "selected in % of trials"
    for s, ax in enumerate(shown):
        filled = [bar for bar in bars(ax) if bar[2][3] == 1]
        framed = [bar for bar in bars(ax) if bar[2][3] == 0]
        widths = np.array([wide for _, wide, _ in filled]).reshape(5, 8).T
        each = np.column_stack([bundled["no_selection"][:, s], bundled["selection"][:, s]])
        np.testing.assert_allclose(widths, 100 * each)
        np.testing.assert_allclose(widths.sum(axis=1), 100)
        lefts = np.array([left for left, _, _ in filled]).reshape(5, 8).T
        np.testing.assert_allclose(lefts[:, 1:], widths.cumsum(axis=1)[:, :-1])
        start = int(bundled["mtd"][s]) + 1
        np.testing.assert_allclose([left for left, _, _ in framed], lefts[:, start])
        np.testing.assert_allclose([wide for _, wide, _ in framed], 100 * bundled["correct_selection"][:, s])
        below = bundled["patients_below_mtd"][:, s].to_numpy()
        beside = [text.get_text() for text in ax.texts if text.get_position()[0] > 100]
        assert beside == ([] if np.isnan(below).any() else [f"{value:.1f}" for value in below])
        numbers = [float(text.get_text()) for text in ax.texts if text.get_position()[0] <= 100]
        correct = 100 * bundled["correct_selection"][:, s].to_numpy()
        assert set(numbers) <= set(np.round(correct))
        assert len(numbers) >= (correct > 20).sum()


def test_scenario_curves_are_the_dlt_rates(bundled):
    figure = scenario_figure(bundled)
    assert figure.get_supxlabel() == "dose (×10⁹ cells, log scale)"
    assert figure.get_supylabel() == "true DLT rate (%)"
    assert len(figure.axes) == 11
    for s, ax in enumerate(figure.axes):
        curve = next(line for line in ax.lines if line.get_linewidth() == 1.4)
        np.testing.assert_allclose(curve.get_ydata(), 100 * bundled["p_dlt"][s])
        np.testing.assert_allclose(10 ** curve.get_xdata(), bundled["dose_value"])
        rings = [line.get_xdata()[0] for line in ax.lines if line.get_markersize() == 8]
        mtd = int(bundled["mtd"][s])
        assert rings == ([] if mtd < 0 else [curve.get_xdata()[mtd]])
        assert any(text.get_text() == "none is correct" for text in ax.texts) == (mtd < 0)
    assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == ["0.15", "0.5", "1.5", "4.5"]


def test_enrolment_lines_and_points(bundled):
    figure = enrolment_figure(bundled)
    large = figure.axes[0]
    assert large.get_xlabel() == "enrolment cap (patients)"
    assert large.get_ylabel() == "correct selection (% of trials)"
    mean = 100 * bundled["correct_selection_by_enrolment"].mean("scenario")
    crm = next(line for line in large.lines if line.get_linestyle() == "-" and len(line.get_xdata()) > 3)
    np.testing.assert_allclose(crm.get_ydata(), mean.sel(family="CRM").dropna("enrolment"))
    points = {float(line.get_xdata()[0]): float(line.get_ydata()[0]) for line in large.lines if line.get_zorder() == 5}
    outside = bundled.sel(design=["ATD+3+3 cap 10", "ATD+3+3 uncapped"]).mean("scenario")
    assert points == pytest.approx(
        dict(zip(outside["sample_size"].values, 100 * outside["correct_selection"].values, strict=True))
    )
    texts = [text.get_text() for text in large.texts]
    assert {"CRM", "BOIN", "10 patients planned"} < set(texts)
    assert f"ATD+3+3 cap 10\nexpected {outside['sample_size'].values[0]:.1f} patients" in texts
    assert len(figure.axes) == 1 + 2 + 11
    for ax, name, factor in zip(figure.axes[1:], ("overdose_selection", "patients_below_mtd"), (100, 1), strict=False):
        crm = next(line for line in ax.lines if line.get_linestyle() == "-" and len(line.get_xdata()) > 3)
        curve = factor * bundled[f"{name}_by_enrolment"].mean("scenario").sel(family="CRM").dropna("enrolment")
        np.testing.assert_allclose(crm.get_ydata(), curve)
        points = [float(line.get_ydata()[0]) for line in ax.lines if line.get_zorder() == 5]
        np.testing.assert_allclose(points, factor * outside[name])


def test_without_families_every_design_is_a_point():
    figure = enrolment_figure(CASES["large"])
    large = figure.axes[0]
    assert large.get_xlabel() == "expected sample size (patients)"
    assert len([line for line in large.lines if line.get_zorder() == 5]) == 20
    assert {str(k) for k in range(1, 21)} < {text.get_text() for text in large.texts}


def test_heat_map_cells_are_the_percentages(bundled):
    correct, over, below = heatmap_figure(bundled).axes
    for ax, name in ((correct, "correct_selection"), (over, "overdose_selection")):
        values = 100 * np.column_stack([bundled[name], bundled[name].mean("scenario")])
        assert [text.get_text() for text in ax.texts] == [f"{value:.0f}" for value in values.T.ravel()]
        grey = np.array([np.dot(colour[:3], (0.299, 0.587, 0.114)) for _, _, colour in bars(ax)])
        assert (np.diff(grey[np.argsort(values.T.ravel(), kind="stable")]) <= 1e-3).all()  # darker as the value rises
    assert [t.get_text() for t in below.get_xticklabels()] == [*bundled["scenario"].to_numpy(), "mean"]
    assert below.get_xlabel() == "scenario"


def test_heat_map_shows_patients_below_the_mtd_where_a_dose_is_right(bundled):
    below = heatmap_figure(bundled).axes[2]
    patients = bundled["patients_below_mtd"].to_numpy()
    unknown = np.isnan(patients).all(axis=0)
    assert unknown.tolist() == (bundled["mtd"] < 0).to_numpy().tolist()
    assert unknown.any()
    shown = np.array([text.get_text() for text in below.texts]).reshape(-1, bundled.sizes["design"])
    assert (shown[:-1][unknown] == "–").all()
    np.testing.assert_allclose(shown[:-1][~unknown].astype(float), patients.T[~unknown], rtol=0, atol=0.05 + 1e-9)
    np.testing.assert_allclose(shown[-1].astype(float), patients[:, ~unknown].mean(axis=1), rtol=0, atol=0.05 + 1e-9)


def test_benchmark_dots_and_bars_are_the_probabilities(bundled):
    known = [s for s in bundled["scenario"].to_numpy() if bundled["acceptable"].sel(scenario=s).any()]
    axes = benchmark_figure(bundled).axes
    assert [ax.get_title(loc="left") or ax.get_title() for ax in axes] == known
    for ax, name in zip(axes, known, strict=True):
        at = bundled.sel(scenario=name)
        shown = {line.get_marker(): line.get_xdata() for line in ax.lines if line.get_marker() in ("o", "|", "x")}
        np.testing.assert_allclose(shown["x"], 100 * at["overdose_selection"])
        assert [text.get_text() for text in ax.texts] == [f"{value:.1f}" for value in at["patients_below_mtd"].values]
        np.testing.assert_allclose(shown["o"], 100 * at["correct_selection"])
        np.testing.assert_allclose(shown["|"], 100 * at["benchmark_correct_selection"])


def test_colours_of_doses_differ_in_grey():
    from doseopt.plots.selection import colours

    for count in range(2, 7):
        grey = np.array([np.dot(colour[:3], (0.299, 0.587, 0.114)) for colour in colours(count)])
        assert (np.diff(grey) < -0.04).all()


def test_many_scenarios_are_shown_by_their_mtd():
    ds = CASES["many scenarios"]
    shown = panels(ds)
    assert sum(len(panel.rows) for panel in shown) == 200
    assert shown[-1].title == f"MTD none ({int((ds['mtd'] == -1).sum())})"
    figure = selection_figure(ds)
    ax = next(ax for ax in figure.axes if ax.axison)
    widths = [wide for _, wide, colour in bars(ax) if colour[3] == 1]
    of_first = 100 * ds["selection"][:, ds["mtd"].to_numpy() == 0].mean("scenario")
    np.testing.assert_allclose(np.reshape(widths, (7, 5))[1:], of_first.T)


def test_dose_names(bundled):
    assert doses(bundled) == (["0.15", "0.5", "1.5", "4.5"], "×10⁹ cells")
    milligrams = bundled.assign_coords(dose_value=("dose", [10.0, 30.0, 90.0, 250.0], {"units": "mg"}))
    assert doses(milligrams) == (["0.15", "0.5", "1.5", "4.5"], "dose level")
    named = milligrams.assign_coords(dose=["10", "30", "90", "250"])
    assert doses(named) == (["10", "30", "90", "250"], "mg")
    assert doses(bundled.drop_vars("dose_value"))[1] == "dose level"


def test_labels_give_way():
    taken = [(0.0, 0.0, 10.0, 10.0)]
    label = Label("x", 8, 8, 12, 5)
    box = beside(label, taken, (0, 0, 100, 100))
    assert box is not None
    assert not overlap(box, taken[0])
    assert beside(label, taken, (0, 0, 12, 12)) is None
    centres = spread([50, 51, 52, 99], [10, 10, 10, 10], 0, 100)
    assert (np.diff(centres) >= 10).all()
    assert max(centres) <= 95


def drawn(ds, folder):
    """Write the figures of a comparison."""
    folder.mkdir(exist_ok=True)
    blocks = (document.Figure.of(draw, "", "", name) for name, draw in drawings(ds).items())
    return write_figures(document.Document("", {}, tuple(blocks)), folder)


def test_files_are_whole_and_the_same_twice(tmp_path):
    ds = random_comparison(2, 2, 3)
    settings = dict(rcParams)
    first, second = (drawn(ds, tmp_path / name) for name in "ab")
    assert [path.name for path in first] == [f"{name}.{kind}" for name in ALL for kind in ("svg", "png")]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    assert sorted(os.listdir(tmp_path / "a")) == sorted(path.name for path in first)
    assert b">S 0<" in first[0].read_bytes()  # text stays text
    assert dict(rcParams) == settings


@pytest.mark.parametrize("fault", ["write", "replace", "draw"])
def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, fault):
    ds = random_comparison(2, 2, 3)
    (tmp_path / "selection.svg").write_text("old")

    def fail(*_args, **_kwargs):
        raise OSError("disk full")

    target = {
        "write": "pathlib.Path.write_bytes",
        "replace": "os.replace",
        "draw": "doseopt.plots.pen.Pen.draw_path",
    }[fault]
    with monkeypatch.context() as patch:
        patch.setattr(target, fail)
        with pytest.raises(OSError, match="disk full"):
            drawn(ds, tmp_path)
    assert os.listdir(tmp_path) == ["selection.svg"]
    assert (tmp_path / "selection.svg").read_text() == "old"
