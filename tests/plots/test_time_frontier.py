"""Selection against duration: every design a point where its numbers are, those not dominated joined, all legible."""

import numpy as np
import pytest
from figure_checks import assert_legible, written
from plots.test_any_study import DESIGNS, DOSES, with_values
from plots.test_plots import random_comparison

from doseopt.plots.time_frontier import not_dominated, time_frontier_figure


def timed(designs, scenarios=5, levels=4, seed=2, long=False):
    """A made-up comparison with durations; every third design decides on pending patients, the second is registered."""
    ds, both = random_comparison(designs, scenarios, levels, seed, long), ("design", "scenario")
    rng = np.random.default_rng(seed)
    pending = np.where(np.arange(designs)[:, None] % 3 == 2, rng.uniform(0, 3, (designs, scenarios)), np.nan)
    ds = ds.assign(duration=(both, rng.uniform(100, 900, (designs, 1)) + rng.uniform(0, 50, (designs, scenarios))))
    ds = ds.assign(pending_at_decision=(both, pending))
    return ds.assign_attrs(registered=str(ds["design"].values[min(1, designs - 1)]))


@pytest.mark.parametrize("better", [1, -1])
def test_nobody_is_shorter_and_better_than_those_joined(better):
    rng = np.random.default_rng(4)
    for _ in range(50):
        days, value = rng.integers(1, 6, (2, 7)).astype(float)
        found = not_dominated(days, value, better)
        for k in range(7):
            beaten = [
                days[o] <= days[k]
                and better * value[o] >= better * value[k]
                and (days[o], value[o]) != (days[k], value[k])
                for o in range(7)
            ]
            twins = [o for o in range(7) if (days[o], value[o]) == (days[k], value[k])]
            assert any(o in found for o in twins) == (not any(beaten))
        assert (np.diff(days[found]) > 0).all()
        assert (better * np.diff(value[found]) > 0).all()


def test_points_are_the_means_and_shapes_say_who_waits():
    ds = timed(6)
    figure = time_frontier_figure(ds)
    assert len(figure.axes) == 3
    days = ds["duration"].mean("scenario").values
    shown = (("correct_selection", 100, 1), ("overdose_selection", 100, -1), ("patients_below_mtd", 1, -1))
    for ax, (name, factor, better) in zip(figure.axes, shown, strict=True):
        value = factor * ds[name].mean("scenario").values
        (line,) = (each for each in ax.lines if each.get_marker() == "None")
        joined = not_dominated(days, value, better)
        np.testing.assert_allclose(np.transpose(line.get_data()), np.column_stack([days, value])[joined])
        points = [each for each in ax.lines if each.get_marker() != "None"]
        np.testing.assert_allclose([np.ravel(each.get_data()) for each in points], np.column_stack([days, value]))
        assert [each.get_marker() for each in points] == ["o", "s", "^", "o", "o", "^"]
    assert figure.axes[0].get_xlim() == figure.axes[1].get_xlim()


def test_each_design_is_named_beside_its_mark_where_there_is_room():
    ds = timed(6)
    texts = [text for text, _ in written(time_frontier_figure(ds))]
    assert {name: texts.count(name) for name in ds["design"].values} == dict.fromkeys(ds["design"].values.tolist(), 3)


@pytest.mark.parametrize("levels", DOSES)
@pytest.mark.parametrize("designs", DESIGNS)
@pytest.mark.parametrize("scenarios", [1, 11])
def test_any_study(levels, designs, scenarios):
    assert_legible(time_frontier_figure(with_values(timed(designs, scenarios, levels, levels), levels)))


def test_designs_that_are_alike_and_long_names():
    ds = timed(14, long=True)
    for name in ("duration", "correct_selection", "overdose_selection"):
        ds[name][:] = ds[name][0].values
    assert_legible(time_frontier_figure(ds))
    certain = ds.assign(correct_selection=ds["correct_selection"] * 0 + 1, overdose_selection=ds["duration"] * 0)
    assert_legible(time_frontier_figure(certain))
    assert_legible(time_frontier_figure(timed(20, long=True)))


def test_no_percentage_is_named_that_there_is_not():
    ds = timed(3)
    ds = ds.assign(correct_selection=ds["correct_selection"] * 0 + 1, overdose_selection=ds["overdose_selection"] * 0)
    named = [{round(float(tick)) for tick in ax.get_yticks()} for ax in time_frontier_figure(ds).axes]
    assert max(named[0]) == 100
    assert min(named[1]) == 0
