"""The figures of a posterior, and of what designs would leave known, show their numbers, with nothing written over."""

from itertools import combinations

import numpy as np
import pytest
import xarray as xr
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from plots.test_plots import random_comparison, written
from scipy.stats import beta, betabinom

from doseopt.display.panels import in_print
from doseopt.plots.estimates import estimates_figure
from doseopt.plots.placement import overlap
from doseopt.plots.posterior import posterior_drawings
from doseopt.plots.reliability import reliability_figure

NAMES = ("posterior", "curve", "predictive")


def beta_posterior(n, y, labels, values=None):
    """Make the Datasets of independent Beta(0.6, 1.4) priors, by closed forms; some priors are infinite at 0."""
    n, y = np.array(n), np.array(y)
    rate = np.linspace(0, 1, 101)
    laws = {"prior_": (beta(0.6 + 0 * n, 1.4), 0 * n, 0 * n), "": (beta(0.6 + y, 1.4 + n - y), n, y)}
    variables = {"n": ("dose", n), "y": ("dose", y)}
    density = {}
    for name, (law, patients, seen) in laws.items():
        variables[f"{name}mean"] = ("dose", law.mean())
        variables[f"{name}lower"] = ("dose", law.ppf(0.05))
        variables[f"{name}upper"] = ("dose", law.ppf(0.95))
        each = np.stack([beta(0.6 + s, 1.4 + k - s).pdf(rate) for k, s in zip(patients, seen, strict=True)])
        density[f"{name or 'posterior_'}density"] = (("dose", "rate"), each)
    each = [betabinom(3, 0.6 + s, 1.4 + k - s).pmf(range(4)) for k, s in zip(n, y, strict=True)]
    density["predictive"] = (("dose", "dlts"), np.stack(each))
    coords = {"dose": labels}
    if values is not None:
        coords["dose_value"] = ("dose", values, {"units": "mg"})
    attrs = {"model": "beta", "target": 0.25, "interval_low": 0.16, "interval_high": 0.33, "level": 0.9}
    return xr.Dataset(variables, coords, attrs), xr.Dataset(density, {"dose": labels, "rate": rate, "dlts": range(4)})


POSTERIORS = {
    "four doses": beta_posterior([1, 3, 6, 0], [0, 1, 1, 0], ["10", "30", "100", "300"], [10.0, 30.0, 100.0, 300.0]),
    "no values": beta_posterior([3, 3, 1], [0, 2, 1], ["low", "middle", "high"]),
    "six doses": beta_posterior(
        [1, 3, 12, 30, 3, 3], [0, 0, 2, 10, 3, 0], ["1", "2", "3.3", "5", "7", "9"], [1, 2, 3.3, 5, 7, 9.0]
    ),
    "no patients": beta_posterior([0, 0], [0, 0], ["a dose level with quite a long name indeed", "2"]),
    "one dose": beta_posterior([3], [1], ["5"], [5.0]),
    "many patients": beta_posterior([90, 60], [0, 60], ["5", "10"], [5.0, 10.0]),
}


def expected(designs, scenarios, levels, long=False):
    """Make a comparison with posteriors, from random numbers."""
    ds = random_comparison(designs, scenarios, levels, long=long)
    rng = np.random.default_rng(2)
    dims = ("design", "scenario", "dose")
    mean = np.clip(ds["p_dlt"].to_numpy() + rng.normal(0, 0.05, (designs, scenarios, levels)), 0.02, 0.98)
    below, above = rng.uniform(0.3, 0.9, (2, designs, scenarios, levels))
    return ds.assign(
        posterior_mean=(dims, mean),
        posterior_lower=(dims, mean * (1 - below)),
        posterior_upper=(dims, mean + (1 - mean) * above),
    )


COMPARISONS = {
    "default": expected(8, 11, 4),
    "one": expected(1, 1, 4),
    "large": expected(20, 7, 6, long=True),
    "many scenarios": expected(5, 200, 6),
    "one dose": expected(3, 4, 1),
}


def check_texts(figure):
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


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("case", POSTERIORS)
def test_no_text_overlaps_or_is_cut_off(name, case):
    figures = {
        name: draw() for name, draw in posterior_drawings(POSTERIORS[case][0], lambda: POSTERIORS[case][1]).items()
    }
    assert tuple(figures) == NAMES
    check_texts(figures[name])


@pytest.mark.parametrize("case", COMPARISONS)
def test_no_text_of_the_estimates_overlaps_or_is_cut_off(case):
    check_texts(estimates_figure(COMPARISONS[case]))


@pytest.mark.parametrize("case", ["one", "large"])
def test_no_text_of_the_reliability_overlaps_or_is_cut_off(case):
    ds, rng = COMPARISONS[case], np.random.default_rng(5)
    shape = (ds.sizes["design"], ds.sizes["scenario"], 2, 10)
    share = rng.dirichlet(np.ones(10), shape[:3])
    said = np.broadcast_to((np.arange(10) + 0.5) / 10, shape)
    dims = ("design", "scenario", "event", "bin")
    each = {"share": share, "said": said, "true": rng.uniform(0, 1, shape)}
    check_texts(reliability_figure(ds.assign({f"reliability_{name}": (dims, value) for name, value in each.items()})))


@pytest.mark.parametrize(("case", "unit", "scale"), [("four doses", "dose (mg", ", log scale"), ("no values", "", "")])
def test_axes_have_names_and_units(case, unit, scale):
    figures = {
        name: draw() for name, draw in posterior_drawings(POSTERIORS[case][0], lambda: POSTERIORS[case][1]).items()
    }
    axes = {name: figure.axes[1] for name, figure in figures.items()}
    dose = f"{unit})" if unit else "dose level"
    assert (axes["posterior"].get_xlabel(), axes["posterior"].get_ylabel()) == ("DLT rate (%)", dose)
    assert axes["curve"].get_xlabel() == (f"{unit}{scale})" if unit else "dose level")
    assert axes["curve"].get_ylabel() == "DLT rate (%)"
    assert axes["predictive"].get_xlabel() == "posterior predictive probability (%)"
    assert axes["predictive"].get_ylabel() == dose


@pytest.mark.parametrize("case", POSTERIORS)
def test_densities_are_those_given(case):
    ds, density = POSTERIORS[case]
    ax = posterior_drawings(ds, lambda: density)["posterior"]().axes[1]
    count = ds.sizes["dose"]
    # one line for all doses, with a gap after each
    after_x, after_y, before_x, before_y = (
        part.reshape(count, 102)[:, :101]
        for line in ax.lines
        if len(line.get_xdata()) == 102 * count
        for part in (line.get_xdata(), line.get_ydata())
    )
    for j in range(count):
        after, before = after_y[j], before_y[j]
        np.testing.assert_allclose([after_x[j], before_x[j]], [100 * density["rate"]] * 2)
        wanted = {name: density[f"{name}_density"][j].to_numpy() for name in ("prior", "posterior")}
        finite = np.where(np.isfinite(wanted["posterior"]), wanted["posterior"], 0)
        inside = finite > 0.01 * finite.max()
        scale = (j - after)[inside] / wanted["posterior"][inside]
        np.testing.assert_allclose(scale, scale[0])
        drawn = j - before
        shown = np.isfinite(drawn)
        np.testing.assert_allclose(drawn[shown], scale[0] * wanted["prior"][shown], atol=1e-12)
        assert (wanted["prior"][~shown] > 1.5 * wanted["posterior"][inside].max()).all()
        assert np.nanmax([drawn, j - after]) < 0.7  # below the intervals of the dose above


@pytest.mark.parametrize("case", ["four doses", "six doses"])
def test_means_intervals_and_data_are_marked(case):
    ds, density = POSTERIORS[case]
    ax = posterior_drawings(ds, lambda: density)["posterior"]().axes[1]
    _, *segments = [
        line.get_segments() for line in ax.collections if isinstance(line, LineCollection)
    ]  # first the feet
    markers = [line.get_xdata() for line in ax.lines if line.get_marker() in ("o", "d")]
    for prefix, drawn, mean in zip(("", "prior_"), segments, markers, strict=True):
        np.testing.assert_allclose(mean, 100 * ds[f"{prefix}mean"])
        np.testing.assert_allclose([s[0][0] for s in drawn], 100 * ds[f"{prefix}lower"])
        np.testing.assert_allclose([s[1][0] for s in drawn], 100 * ds[f"{prefix}upper"])
    texts = [text.get_text() for text in ax.texts]
    assert texts[::2] == [f"n = {n}, y = {y}" for n, y in zip(ds["n"].values, ds["y"].values, strict=True)]
    band = next(patch for patch in ax.patches if isinstance(patch, Rectangle))
    assert (band.get_x(), band.get_width()) == pytest.approx((16, 17))
    assert any(list(line.get_xdata()) == [25, 25] for line in ax.lines)


@pytest.mark.parametrize("case", ["four doses", "no values", "six doses"])
def test_curve_is_the_posterior_with_the_data(case):
    ds, density = POSTERIORS[case]
    ax = posterior_drawings(ds, lambda: density)["curve"]().axes[1]
    curve = next(line for line in ax.lines if line.get_marker() == "s")
    np.testing.assert_allclose(curve.get_ydata(), 100 * ds["mean"])
    if "dose_value" in ds.coords:
        np.testing.assert_allclose(10 ** curve.get_xdata(), ds["dose_value"])
    (intervals,) = [part for part in ax.collections if isinstance(part, LineCollection)]
    np.testing.assert_allclose([s[:, 1] for s in intervals.get_segments()], 100 * ds[["lower", "upper"]].to_array().T)
    seen = ds["n"].to_numpy() > 0
    (points,) = [part for part in ax.collections if isinstance(part, PathCollection)]
    np.testing.assert_allclose(points.get_offsets()[:, 1], 100 * (ds["y"] / ds["n"])[seen])
    np.testing.assert_allclose(points.get_sizes() / points.get_sizes()[0], ds["n"][seen] / ds["n"][seen][0])
    tallies = [f"{y}/{n}" for y, n in zip(ds["y"].values, ds["n"].values, strict=True) if n]
    assert [text.get_text() for text in ax.texts] == tallies


@pytest.mark.parametrize("case", POSTERIORS)
def test_bars_are_the_predictive_probabilities(case):
    ds, density = POSTERIORS[case]
    figure = posterior_drawings(ds, lambda: density)["predictive"]()
    widths = np.reshape([bar.get_width() for bar in figure.axes[1].patches], (4, ds.sizes["dose"])).T
    np.testing.assert_allclose(widths, 100 * density["predictive"])
    names = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert names == ["0 DLTs", "1 DLT", "2 DLTs", "3 DLTs"]
    grey = [np.dot(bar.get_facecolor()[:3], (0.299, 0.587, 0.114)) for bar in figure.axes[1].patches]
    assert (np.diff(grey[:: ds.sizes["dose"]]) < -0.1).all()


def estimate_panels(figure):
    return [ax for ax in figure.axes if ax.axison]


def test_estimates_are_those_expected():
    ds = COMPARISONS["one"]
    figure = estimates_figure(ds)
    assert figure.get_supxlabel() == "DLT rate (%)"
    for j, ax in enumerate(estimate_panels(figure)):
        part = 100 * ds.isel(scenario=0, dose=j)
        assert ax.get_title(loc="left") == f"{ds['dose'].to_numpy()[j]}\ntrue {part['p_dlt'].item():.0f}%"
        truth, mean = ax.lines
        np.testing.assert_allclose(truth.get_xdata(), 2 * [part["p_dlt"].item()])
        np.testing.assert_allclose(mean.get_xdata(), part["posterior_mean"])
        ends = np.array(ax.collections[-1].get_segments())[..., 0]
        np.testing.assert_allclose(ends[:, 0], part["posterior_lower"])
        np.testing.assert_allclose(ends[:, 1], part["posterior_upper"])


def test_a_row_is_a_design_and_a_line_of_panels_a_scenario():
    ds = COMPARISONS["default"]
    shown = in_print(ds)
    panels = estimate_panels(estimates_figure(ds))
    assert len(panels) == len(shown) * ds.sizes["dose"] == 12
    assert [label.get_text() for label in panels[0].get_yticklabels()] == ds["design"].to_numpy().tolist()
    for ax, (s, j) in zip(panels, [(s, j) for s in shown for j in range(4)], strict=True):
        np.testing.assert_allclose(ax.lines[1].get_xdata(), 100 * ds["posterior_mean"].to_numpy()[:, s, j])
        assert ax.lines[1].get_ydata().tolist() == list(range(8))
    names = [text.get_text() for ax in estimates_figure(ds).axes if not ax.axison for text in ax.texts]
    assert names == ds["scenario"].to_numpy()[shown].tolist()


def test_many_doses_stand_in_two_lines():
    panels = estimate_panels(estimates_figure(expected(2, 1, 12)))
    tops = {round(ax.get_position().y0, 3) for ax in panels}
    assert (len(panels), len(tops)) == (12, 2)
