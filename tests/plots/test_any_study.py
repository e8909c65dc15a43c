"""Every figure for any study: 1 to 12 doses, unevenly spaced ones too, 1 or 14 designs, 6 or 60 patients."""

import io

import numpy as np
import pytest
from figure_checks import assert_legible
from plots.test_amendment import FIGURES as OF_AMENDMENTS
from plots.test_amendment import random_tree
from plots.test_plots import ALL, random_comparison
from plots.test_posterior import NAMES, beta_posterior, expected

from doseopt.attainable.attained import limits_of
from doseopt.calibration import calibrate
from doseopt.conduct.decision_table import decision_table
from doseopt.conduct.pathways import paths
from doseopt.display.attained import same_cap
from doseopt.plots.calibration import calibration_figure
from doseopt.plots.decision_page import decision_pages
from doseopt.plots.decision_table import decision_table_figure
from doseopt.plots.drawings import attained_figure, frontier_figure, maps_figure, price_figure
from doseopt.plots.estimates import estimates_figure
from doseopt.plots.pathways import paths_figure
from doseopt.plots.posterior import posterior_drawings
from doseopt.records.trial import Trial
from doseopt.study.file import parse_study

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
        assert_legible(posterior_drawings(ds, lambda: density)[name]())


@pytest.mark.parametrize("name", OF_AMENDMENTS)
@pytest.mark.parametrize("levels", DOSES)
@pytest.mark.parametrize("designs", [2, 14])
def test_figures_of_an_amendment(name, levels, designs):
    assert_legible(OF_AMENDMENTS[name](random_tree(designs, 5, levels)))


def study_of(levels, patients):
    """A study of uneven doses with two designs, small enough for everything that is attainable."""
    values = UNEVEN[:levels] if levels <= len(UNEVEN) else [2.0**k for k in range(levels)]
    rates = np.linspace(0.05, 0.6, levels).round(3).tolist()
    cap = f'{{ kind = "max_patients", n = {patients} }}'
    return parse_study(
        f"""
title = "Uneven doses"
target = 0.25
planned_enrolment = {patients}
[doses]
labels = {[f"{value:g}" for value in values]}
values = {values}
unit = "ng/kg"
[belief]
kind = "logistic"
location = {levels / 2}
location_sd = {levels / 4}
[scenarios]
"rising" = {rates}
"steep" = {[min(1.0, 2 * rate) for rate in rates]}
[designs."BOIN"]
kind = "boin"
modifiers = [{cap}]
[designs."3+3"]
kind = "three_plus_three"
modifiers = [{cap}]
"""
    )


@pytest.mark.parametrize(("levels", "patients"), [(1, 6), (4, 6), (7, 6), (4, 12)])
def test_figures_of_limits(levels, patients):
    ds = limits_of(study_of(levels, patients)).dataset
    for draw in (attained_figure, frontier_figure, price_figure):
        assert_legible(draw(ds))
    if same_cap(ds):
        assert_legible(maps_figure(ds))


@pytest.mark.parametrize("more", [" a long name" * 15, "x" * 190, " δοκιμή ασφάλειας" * 8])
@pytest.mark.filterwarnings("error")
def test_figures_of_limits_with_long_names(more):
    ds = limits_of(study_of(3, 6)).dataset
    studied = set(ds["design"].to_numpy().tolist()) - set(ds["policy"].to_numpy().tolist())
    named = ds.assign_coords(design=[f"{name}{more}" if name in studied else name for name in ds["design"].to_numpy()])
    for draw in (attained_figure, frontier_figure, maps_figure):
        draw(named).savefig(io.BytesIO())


@pytest.mark.parametrize(("levels", "patients"), [(1, 6), (4, 60), (7, 6), (12, 6)])
def test_figures_of_conduct(levels, patients):
    study = study_of(levels, patients)
    assert_legible(paths_figure(paths(study, Trial(study.doses), "BOIN", 2)))
    ds = decision_table(study, "BOIN")
    assert_legible(decision_table_figure(ds))
    for page in decision_pages(ds):
        assert_legible(page)


@pytest.mark.parametrize("levels", [1, 4, 7])
def test_figures_of_calibrations(levels):
    found = calibrate(study_of(levels, 6), "BOIN", candidates=8).dataset
    assert_legible(calibration_figure([found]), zoomed=True)
