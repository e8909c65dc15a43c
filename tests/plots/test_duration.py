"""The figure of the duration shows the quantiles of the comparison and the registered completion."""

import numpy as np

from doseopt import compare
from doseopt.plots.duration import duration_figure
from doseopt.study.file import parse_study

STUDY = """
title = "seven doses"
target = 0.25
[doses]
labels = ["1", "2.5", "3", "7", "10", "40", "100"]
values = [1, 2.5, 3, 7, 10, 40, 100]
unit = "mg"
[scenarios]
a = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5]
b = [0.1, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6]
[designs."3+3"]
kind = "three_plus_three"
[designs."A BOIN design with a long name, at most 12 patients"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 12 }]
[clock]
window = 28
start = "2024-03-01"
registered_completion = "2025-12-31"
accrual = { kind = "poisson", per_month = 2 }
"""


def test_medians_and_the_registered_day_are_drawn():
    ds = compare(parse_study(STUDY))
    figure = duration_figure(ds)
    assert len(figure.axes) == 2
    for s, ax in enumerate(figure.axes):
        medians = [line for line in ax.lines if line.get_marker() == "o"]
        wanted = ds["completion_quantile"].sel(time_quantile=0.5).isel(scenario=s)
        np.testing.assert_allclose(medians[0].get_xdata(), wanted)
        assert 670 in {float(line.get_xdata()[0]) for line in ax.lines if line.get_linestyle() == "--"}
        assert ax.get_xlim()[1] > ds["completion_quantile"].sel(time_quantile=0.95).max()


def test_many_scenarios_are_shown_by_their_mtd():
    more = "\n".join(f'"s{k}" = [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, {0.5 + k / 100}]' for k in range(13))
    ds = compare(parse_study(STUDY.replace("a = [", f"{more}\na = [")))
    assert {ax.get_title("left") for ax in duration_figure(ds).axes} >= {"MTD 3 (1)"}
