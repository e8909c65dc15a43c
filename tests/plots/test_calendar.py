"""The calendar of a trial is drawn where its days are, for any number of doses and patients."""

import numpy as np
import pytest
import xarray as xr
from figure_checks import assert_legible, written
from plots.test_any_study import DOSES, UNEVEN

from doseopt.comparison.calendar import _dataset
from doseopt.engines.one_trial import Course
from doseopt.plots.calendar import calendar_figure


def courses(levels, patients, seed=1):
    """Two made-up trials of many patients, or of few."""
    rng, found = np.random.default_rng(seed), {}
    for k, name in enumerate(("A TITE-BOIN design with a rather long name, at most 60 patients", "BOIN")):
        came = np.cumsum(rng.exponential(0.3 + k, patients))
        dlt = rng.random(patients) < 0.3
        known = came + np.where(dlt, rng.random(patients), 1.0)
        away = np.sort(rng.uniform(0, came[-1], 5 * k)).tolist()
        closed = [(day, day + 1) for day in came[2::3].tolist()] * k
        dose = rng.integers(0, levels, patients).tolist()
        ends = {"selected": levels - 1 if k else -1, "stop": "max_patients", "end": float(known.max())}
        found[name] = Course(came.tolist(), known.tolist(), dose, dlt.tolist(), turned_away=away, closed=closed, **ends)
    values = UNEVEN if levels == len(UNEVEN) else [2.0**k for k in range(levels)]
    ds = _dataset(found, 28.0).assign_coords(dose=[f"{value:g}" for value in values])
    ds = ds.assign_coords(dose_value=("dose", np.array(values), {"units": "ng/kg/week"}))
    return ds.assign_attrs(window=28.0, unit="ng/kg/week", calendar_scenario="rising slowly", calendar_seed=seed)


@pytest.mark.parametrize("levels", DOSES)
@pytest.mark.parametrize("patients", [1, 6, 60])
def test_any_trial(levels, patients):
    assert_legible(calendar_figure(courses(levels, patients)))


def test_doses_without_values_and_long_labels():
    ds = (
        courses(4, 9)
        .drop_vars("dose_value")
        .assign_coords(dose=[f"dose level that has the number {k}" for k in "1234"])
    )
    assert_legible(calendar_figure(ds))


def test_marks_stand_at_their_days_on_a_common_axis():
    ds = courses(7, 12)
    figure = calendar_figure(ds)
    first, second = (ax for ax in figure.axes if ax.axison)
    assert first.get_xlim() == second.get_xlim()
    for k, ax in enumerate((first, second)):
        at: xr.Dataset = ds.isel(course=k)
        struck = at["calendar_dlt"].values > 0
        (dlts,) = (line for line in ax.lines if line.get_marker() == "v")
        np.testing.assert_allclose(dlts.get_xdata(), at["calendar_known"].values[struck])
        np.testing.assert_array_equal(dlts.get_ydata(), 1 + np.flatnonzero(struck))
        (away,) = (line for line in ax.lines if line.get_marker() == "x")
        np.testing.assert_allclose(away.get_xdata(), at["calendar_turned_away"].dropna("calendar_arrival"))
        assert at["calendar_end"].item() in {float(np.ravel(line.get_xdata())[0]) for line in ax.lines[-1:]}
        bars = [path.get_extents() for path in ax.collections[-1].get_paths()]
        np.testing.assert_allclose([bar.x0 for bar in bars], at["calendar_came"])
        np.testing.assert_allclose([bar.x1 for bar in bars], at["calendar_known"])
        labels = [text.get_text() for text in ax.texts]
        assert labels == [f"{UNEVEN[int(level) - 1]:g}" for level in at["calendar_level"].values]
    texts = [text for text, _ in written(figure)]
    assert any(text.startswith("BOIN: 12 patients, 5 turned away, declares 400, ") for text in texts)
    assert any("…" in text and ": 12 patients, 0 turned away, declares none, " in text for text in texts)
