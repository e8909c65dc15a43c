"""The figures of a comparison as wide as a phone: nothing runs off, is cut or written over, for any study."""

import numpy as np
import pytest
from figure_checks import assert_legible, written
from plots.test_any_study import DESIGNS, DOSES, with_values
from plots.test_plots import ALL, random_comparison
from plots.test_posterior import expected
from plots.test_time_frontier import timed

from doseopt.comparison.compare import compare
from doseopt.plots.drawings import estimates_figure, reliability_figure
from doseopt.plots.duration import duration_figure
from doseopt.plots.style import NARROW, narrow
from doseopt.plots.time_frontier import time_frontier_figure
from doseopt.study.file import load_study


@pytest.fixture(autouse=True)
def phone():
    with narrow():
        yield


@pytest.fixture(scope="module")
def bundled():
    return compare(load_study("renji-elo"))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("levels", DOSES)
@pytest.mark.parametrize("designs", DESIGNS)
@pytest.mark.parametrize("scenarios", [1, 11])
def test_figures_of_any_study(name, levels, designs, scenarios):
    if name == "selection" and levels == 12:
        pytest.skip("the key has no room for the names of so many doses")
    ds = with_values(random_comparison(designs, scenarios, levels), levels)
    if name == "benchmark" and not bool(ds["acceptable"].any()):
        pytest.skip("not drawn where no dose is right")
    assert_legible(ALL[name](ds))


@pytest.mark.parametrize("levels", DOSES)
@pytest.mark.parametrize("designs", DESIGNS)
def test_figures_of_posteriors_and_of_days(designs, levels):
    assert_legible(estimates_figure(with_values(expected(designs, 5, levels), levels)))
    assert_legible(time_frontier_figure(with_values(timed(designs, 5, levels), levels)))


@pytest.mark.parametrize("name", [*ALL, "duration", "reliability"])
def test_the_bundled_study(name, bundled):
    """Titles and the names of its designs are longer than those above."""
    draw = ALL | {"duration": duration_figure, "reliability": reliability_figure}
    figure = draw[name](bundled)
    assert figure.get_figwidth() == NARROW
    assert_legible(figure)


@pytest.mark.parametrize("name", ["selection", "benchmark"])
def test_numbers_beside_the_bars_stand_clear_of_them_and_titles_are_whole(name, bundled):
    figure = ALL[name](bundled)
    written(figure)
    panels = [ax for ax in figure.axes if ax.axison]
    titles = [ax.get_title(loc="left") for ax in panels]
    assert titles == [name for name in bundled["scenario"].to_numpy() if name in titles]
    assert len(titles) >= 10
    for ax in panels:
        beside = [text for text in ax.texts if text.get_position()[0] > 100]
        starts = [text.get_window_extent().x0 for text in beside]
        assert np.all(np.array(starts) > ax.transData.transform((100, 0))[0])
    assert any(len(text.get_text()) == 4 for ax in panels for text in ax.texts)
