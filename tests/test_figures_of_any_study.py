"""Every figure for any study: 1 to 12 doses, unevenly spaced ones too, 1 or 14 designs, 6 or 60 patients."""

import numpy as np
import pytest
from figure_checks import assert_legible
from test_plots import ALL, random_comparison
from test_plots_amendment import FIGURES as OF_AMENDMENTS
from test_plots_amendment import random_tree
from test_plots_posterior import NAMES, beta_posterior, expected

from doseopt.plots.estimates import estimates_figure
from doseopt.plots.posterior import posterior_figures

UNEVEN = [0.3, 1.0, 1.5, 10.0, 11.0, 40.0, 400.0]
DOSES, DESIGNS = (1, 4, 7, 12), (1, 14)


def with_values(ds, levels):
    """Give doses values in a unit: the uneven ones, or each twice the one before."""
    values = UNEVEN if levels == len(UNEVEN) else [2.0**k for k in range(levels)]
    labels = [f"{value:g}" for value in values]
    return ds.assign_coords(dose=labels, dose_value=("dose", np.array(values), {"units": "ng/kg/week"}))


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("levels", DOSES)
@pytest.mark.parametrize("designs", DESIGNS)
@pytest.mark.parametrize(("patients", "scenarios"), [(6, 1), (60, 11)])
def test_figures_of_a_comparison(name, levels, designs, patients, scenarios):
    ds = random_comparison(designs, scenarios, levels)
    size = np.random.default_rng(3).uniform(patients / 3, patients, (designs, scenarios))
    ds = with_values(ds.assign(sample_size=(("design", "scenario"), size)), levels)
    if name == "benchmark" and not bool(ds["acceptable"].any()):
        pytest.skip("not drawn where no dose is right")
    assert_legible(ALL[name](ds.assign_attrs(planned_enrolment=patients)))


@pytest.mark.parametrize("levels", DOSES)
@pytest.mark.parametrize("designs", DESIGNS)
def test_figures_of_estimates(levels, designs):
    assert_legible(estimates_figure(with_values(expected(designs, 5, levels), levels)))


@pytest.mark.parametrize("levels", DOSES)
@pytest.mark.parametrize("patients", [6, 60])
def test_figures_of_a_posterior(levels, patients):
    n = np.full(levels, -(-patients // levels))
    ds, density = beta_posterior(n, n // 3, [str(k) for k in range(levels)])
    ds, density = with_values(ds, levels), density.assign_coords(dose=with_values(ds, levels)["dose"])
    for name in NAMES:
        assert_legible(posterior_figures(ds, density)[name])


@pytest.mark.parametrize("name", OF_AMENDMENTS)
@pytest.mark.parametrize("levels", DOSES)
@pytest.mark.parametrize("designs", [2, 14])
def test_figures_of_an_amendment(name, levels, designs):
    assert_legible(OF_AMENDMENTS[name](random_tree(designs, 5, levels)))
