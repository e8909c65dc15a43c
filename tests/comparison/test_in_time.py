"""Readings of what happens in the DLT window, and how long trials take, in a comparison."""

from datetime import date, timedelta

import numpy as np
import pytest

from doseopt import build_graph
from doseopt.comparison.compare import compare
from doseopt.core.parameters import Faults
from doseopt.engines.cohorts import cohorts_of
from doseopt.reports.frames import tidy
from doseopt.study.file import parse_study

REGISTERED = """
title = "registered protocol"
target = 0.25
planned_enrolment = 10
[doses]
labels = ["0.15", "0.5", "1.5", "4.5"]
values = [0.15, 0.5, 1.5, 4.5]
unit = "10^9 cells"
[scenarios]
"A" = [0.05, 0.10, 0.20, 0.30]
"D" = [0.25, 0.35, 0.50, 0.60]
[designs.uncapped]
kind = "accelerated_titration"
titrate = 1
on_descent = "three_then_six"
confirm_top = true
[designs."cap 10"]
kind = "accelerated_titration"
titrate = 1
on_descent = "three_then_six"
confirm_top = true
modifiers = [{ kind = "max_patients", n = 10 }]
"""
READINGS = {
    "": ((0.0135, 0.0971, 0.2822, 0.3404, 0.2667), 14.01),
    'reading = "dlt"': ((0.4297, 0.2746, 0.2129, 0.0686, 0.0142), 10.08),
    'attributed = 0.5, reading = "replace"': ((0.2005, 0.2757, 0.3084, 0.1622, 0.0532), 11.83),
    'reading = "replace"': ((0.0183, 0.1226, 0.3258, 0.3345, 0.1988), 13.83),
    'reading = "complete"': ((0.0100, 0.0758, 0.2344, 0.3270, 0.3527), 14.14),
}
"""Selection of none and of each dose and E[N], m = 0.25 but for the first: a recursion apart from the package."""
CLOCK = """
[clock]
window = 28
follow_up = 60
start = "2024-03-01"
registered_completion = "2025-12-31"
accrual = { kind = "poisson", per_month = 2 }
"""


def study(*tables):
    return parse_study("\n".join([REGISTERED, *tables]))


def death(keys):
    return f"[window_events]\ndeath = {{ probability = 0.25, {keys} }}"


@pytest.mark.parametrize("reading", READINGS)
def test_what_death_in_the_window_does_to_the_registered_protocol(reading):
    selection, patients = READINGS[reading]
    ds = compare(study(*([death(reading)] if reading else []))).sel(design="uncapped", scenario="A")
    found = [ds["no_selection"].item(), *ds["selection"].to_numpy()]
    assert np.round(found, 4).tolist() == pytest.approx(selection, abs=1e-9)
    assert round(ds["sample_size"].item(), 2) == patients
    assert ds["p_dlt"].to_numpy().tolist() == [0.05, 0.10, 0.20, 0.30]
    assert ds["mtd"].item() == 2  # 0.20 and 0.30 are as close; by the drug-caused rates


def test_readings_stand_beside_each_other():
    """One comparison of the stated reading holds the numbers of the others."""
    ds = compare(study(death('attributed = 0.5, reading = "replace"'))).sel(scenario="A", design="uncapped")
    labels = ["no: event", "death: dlt", "death: replace (stated)", "death: complete", "death: exclude"]
    assert ds["window_reading"].to_numpy().tolist() == labels
    none = ds["no_selection_by_reading"].to_numpy()
    assert none[:3].round(4).tolist() == pytest.approx([0.0135, 0.4297, 0.2005], abs=1e-9)
    assert ds["sample_size_by_reading"].to_numpy()[:3].round(2).tolist() == [14.01, 10.08, 11.83]
    assert none[2] == ds["no_selection"].item()


def test_the_table_of_all_numbers_has_the_days():
    frame = tidy(compare(study(CLOCK)))
    rows = frame[(frame["measure"] == "done_by[670]") & (frame["design"] == "uncapped") & (frame["scenario"] == "A")]
    assert rows["value"].tolist() == pytest.approx([0.9979561276], abs=1e-9)


def test_the_number_enrolled():
    """Closed forms for constant hazards: at p = .05, m = .25 1 / (P_D + P_0), and so on; each dose its own."""
    ds = compare(study(death('reading = "replace"')))
    p = np.array([[0.05, 0.10, 0.20, 0.30], [0.25, 0.35, 0.50, 0.60]])
    mu, k = -np.log(1 - p), -np.log(0.75)
    stays = mu / (mu + k) * (1 - (1 - p) * 0.75) + (1 - p) * 0.75
    wanted = (ds["patients"].transpose("design", "scenario", "dose").to_numpy() / stays).sum(axis=2)
    np.testing.assert_allclose(ds["enrolled"], wanted, rtol=1e-12)
    assert (ds["enrolled_sd"] > 0).all()
    assert (ds["enrolled_quantile"].diff("time_quantile") >= 0).all()
    capped = ds["more_than_planned"].sel(design="cap 10", scenario="A")
    assert 0.8 < capped.item() < 1  # ten evaluable patients of more than ten


def test_duration_and_completion():
    ds = compare(study(CLOCK)).sel(design="uncapped", scenario="A")
    assert ds["duration"].item() == pytest.approx(364.0152487, abs=1e-7)
    assert ds["duration_sd"].item() == pytest.approx(89.24006416, abs=1e-7)
    found = ds["duration_quantile"].sel(time_quantile=[0.1, 0.5, 0.9]).to_numpy()
    assert found == pytest.approx([258.4505914, 357.1588981, 480.7814691], abs=1e-6)
    assert ds["done_by"].sel(day=[365, 670]).to_numpy() == pytest.approx([0.5359574536, 0.9979561276], abs=1e-9)
    assert ds["completion"].item() == pytest.approx(364.0152487 + 32, abs=1e-7)
    assert ds["completed_by"].sel(day=670).item() < ds["done_by"].sel(day=670).item()
    assert ds["day"].to_numpy().tolist() == [183, 365, 548, 670, 730]


def test_other_paces_stand_beside_the_one_stated():
    """Each is what a study at that pace finds; at half the pace the same patients take twice as long to come."""
    text = CLOCK.replace("per_month = 2 }", "per_month = 2 }\nalso_per_month = [1, 3.5]")
    ds, slow = compare(study(text)), compare(study(CLOCK.replace("per_month = 2", "per_month = 1")))
    assert ds["pace"].to_numpy().tolist() == [1, 2, 3.5]
    for name in ("duration", "completion", "completed_by"):
        np.testing.assert_allclose(ds[f"{name}_at_pace"].sel(pace=1), slow[name], rtol=1e-13)
        np.testing.assert_array_equal(ds[f"{name}_at_pace"].sel(pace=2), ds[name])
    waited = ds["duration_at_pace"].sel(pace=[1, 2]) - ds["closed_days"] - 28
    np.testing.assert_allclose(waited.sel(pace=1), 2 * waited.sel(pace=2), rtol=1e-12)


def test_who_is_turned_away_comes_while_enrolment_is_closed():
    ds = compare(study(CLOCK))
    np.testing.assert_allclose(ds["turned_away"], ds["closed_days"] * 2 / 30.4375, rtol=1e-10)
    waited = ds["sample_size"] * 30.4375 / 2
    np.testing.assert_allclose(ds["duration"], waited + ds["closed_days"] + 28, rtol=1e-12)


def test_who_is_replaced_takes_time():
    """A wait for everybody enrolled and a window a cohort at the least; without deaths what the exact law says."""
    exact = compare(study(CLOCK))
    none = compare(study(CLOCK, death('reading = "replace"').replace("0.25", "1e-12")))
    assert (np.abs(none["duration"] - exact["duration"]) < 4 * none["duration_mcse"]).all()
    assert (exact["duration_mcse"] == 0).all()
    replaced = study(CLOCK, death('reading = "replace"'))
    some = compare(replaced)
    for name, design in replaced.designs.items():
        c = cohorts_of(build_graph(design, edges=True), replaced.scenarios["p_observed"].to_numpy())
        least = some["enrolled"].sel(design=name) * 30.4375 / 2 + 28 * (c.weight @ c.cohorts)
        assert (some["duration"].sel(design=name) > least).all()
        more = (some["enrolled"] - some["sample_size"]).sel(design=name)  # each stays less than a window before leaving
        assert (some["duration"].sel(design=name) < least + 28 * more).all()


def test_equal_gaps_make_a_duration_of_whole_gaps():
    """One patient a window, no events: each cohort of k takes k gaps, the next arrival opens the next cohort."""
    table = CLOCK.replace('kind = "poisson", per_month = 2', 'kind = "fixed", per_window = 1').replace(
        "follow_up = 60", ""
    )
    ds = compare(study(table))
    np.testing.assert_allclose(ds["duration"], 28 * ds["sample_size"] + 28, rtol=1e-12)
    np.testing.assert_allclose(ds["turned_away"], 0, atol=1e-9)


def test_other_paces_of_patients_in_slots():
    """Of four slots a window, one patient a month is one in a slot with probability 7 / 30.4375."""
    text = CLOCK.replace('kind = "poisson", per_month = 2 }', 'kind = "bernoulli", per_slot = 0.5 }')
    ds = compare(study(text + "also_per_month = [1]"))
    own = 0.5 / 7 * 30.4375
    np.testing.assert_allclose(ds["pace"], [1, own])
    slow = compare(study(text.replace("0.5", f"{7 / 30.4375}")))
    np.testing.assert_allclose(ds["duration_at_pace"].sel(pace=1), slow["duration"], rtol=1e-12)
    np.testing.assert_array_equal(ds["duration_at_pace"].isel(pace=1), ds["duration"])


def test_dates_of_a_calendar_count_from_the_start():
    days = ", ".join(str(3 + 20 * k) for k in range(90))
    listed = CLOCK.replace('{ kind = "poisson", per_month = 2 }', f'{{ kind = "dates", dates = [{days}] }}')
    first = date(2024, 3, 4)
    calendar = ", ".join(str(first + timedelta(20 * k)) for k in range(90))
    one, two = compare(study(listed)), compare(study(listed.replace(days, calendar)))
    for name in ("duration", "completed_by", "turned_away", "delay"):
        np.testing.assert_array_equal(one[name], two[name])
    assert (one["duration_mcse"] == 0).all()


def test_nothing_moves_without_the_tables():
    """And with a clock alone nothing but what it adds."""
    plain, timed = compare(study()), compare(study(CLOCK))
    assert not {"duration", "enrolled_sd", "day"} & {*plain.variables}
    for name in plain.data_vars:
        np.testing.assert_array_equal(plain[name], timed[name], err_msg=name)


def test_old_drop_out_is_one_that_is_replaced():
    old = study("[dropout]\nrate = 0.1")
    new = study('[window_events]\ndropout = { probability = 0.1, reading = "replace" }')
    assert old == new
    assert old.hash == new.hash != study().hash


def test_probabilities_by_dose_and_by_scenario():
    keys = "reading = 'complete'"
    one = study(f"[window_events]\ndeath = {{ probability = [0.1, 0.1, 0.2, 0.3], {keys} }}").scenarios["p_observed"]
    two = study(
        f"[window_events]\ndeath = {{ probability = {{ scenario = {{ A = 0.1, D = [0.1, 0.1, 0.2, 0.3] }} }}, {keys} }}"
    ).scenarios["p_observed"]
    np.testing.assert_array_equal(one.sel(scenario="D"), two.sel(scenario="D"))
    np.testing.assert_array_equal(one.sel(scenario="A")[:2], two.sel(scenario="A")[:2])
    assert (one.sel(scenario="A")[2:] < two.sel(scenario="A")[2:]).all()


def test_the_onset_serves_the_rates_met():
    """Under `uniform` P_D = p m / -ln(1 - m), as the study's clock says."""
    table = CLOCK + 'onset = { kind = "uniform" }\n' + death('reading = "complete"')
    found = study(table).scenarios["p_observed"].sel(scenario="D")[0].item()
    assert found == pytest.approx(0.25 * 0.25 / -np.log(0.75), rel=1e-14)


BAD = {
    "death = { reading = 'replace' }": "window_events.death.probability: missing",
    "death = { probability = 0.1 }": "window_events.death.reading: missing",
    "death = { probability = 1.0, reading = 'replace' }": "window_events.death.probability: wanted a number in [0, 1)",
    "death = { probability = 0.1, reading = 'replaced' }": "did you mean 'replace'?",
    "death = { probability = 0.1, attributed = 0.5, reading = 'dlt' }": "window_events.death.attributed: wanted none",
    "dropout = { probability = 0.1, attributed = 0.5, reading = 'replace' }": "dropout.attributed: unknown key",
    "deaths = { probability = 0.1, reading = 'dlt' }": "window_events.deaths: unknown key; did you mean 'death'?",
    "death = { probability = [0.1, 0.2], reading = 'dlt' }": "window_events.death.probability: wanted 4 probabilities",
    "death = { probability = { scenario = { A = 0.1, B = 0.2 } }, reading = 'dlt' }": "scenario.B: no such scenario",
}
CLOCKS = {
    "window = 28": "clock.accrual: missing",
    "window = 60\nfollow_up = 28\naccrual = { per_month = 1 }": "clock.window: wanted at most the follow-up of 28 days",
    "window = 28\naccrual = { per_month = 0 }": "clock.accrual.per_month: wanted a number above 0, got 0",
    "window = 28\naccrual = { kind = 'poison', per_month = 1 }": "did you mean 'poisson'?",
    "window = 28\naccrual = { kind = 'poisson' }": "clock.accrual: wanted one of per_month and per_window, got none",
    "window = 28\naccrual = { per_month = 1 }\nstart = '2025-12-31'\nregistered_completion = '2024-03-01'": (
        "clock.start: wanted a date before the registered completion"
    ),
    "window = 28\naccrual = { per_month = 1 }\nregistered_completion = '2024-03-01'": "clock.start: missing",
    "window = 28\naccrual = { per_month = 1 }\nstart = 'March'": "clock.start: wanted a date such as '2024-03-01'",
    "window = 28\naccrual = { per_month = 1 }\nstart = ''\nregistered_completion = '2024-03-01'": "clock.start: wanted",
    "window = 28\naccrual = { per_month = 1 }\nstart = 2024-03-01\nvisits = [7, 3]": "study: 1 fault",
    "window = 28\naccrual = { per_month = 1 }\nalso_per_month = [0, 2]": "also_per_month: wanted different numbers",
    "window = 28\naccrual = { per_month = 1 }\nalso_per_month = [1.0, 2]": "clock.also_per_month: wanted other paces",
    "window = 28\naccrual = { per_month = 1 }\nevaluate = 'resolve'": "did you mean 'resolved'?",
    "window = 28\naccrual = { per_month = 1 }\nclosed = { queue = -1 }": "clock.closed: wanted 'lost' or { queue = k }",
    "window = 28\naccrual = { per_month = 1 }\nclosed = { queue = 1.5 }": "k a whole number in [0, 1,000]",
    "window = 28\naccrual = { per_month = 1 }\nclosed = { line = 2 }": "clock.closed: wanted 'lost' or { queue = k }",
    "window = 28\naccrual = { per_month = 1 }\nclosed = 'waits'": "clock.closed: wanted 'lost' or { queue = k }",
    "window = 28\naccrual = { kind = 'bernoulli', per_slot = 0 }": "clock.accrual.per_slot: wanted a number in (0, 1]",
    "window = 28\naccrual = { kind = 'bernoulli', per_slot = 1.5 }": "clock.accrual.per_slot: wanted a number in (0, 1",
    "window = 28\naccrual = { kind = 'bernoulli' }": "clock.accrual.per_slot: missing; wanted with kind = 'bernoulli'",
    "window = 28\naccrual = { kind = 'bernoulli', per_month = 1 }": "unused with kind = 'bernoulli'; wanted per_slot",
    "window = 28\naccrual = { kind = 'uniform', per_slot = 0.5 }": "clock.accrual: wanted one of per_month and per_wi",
    "window = 28\naccrual = { kind = 'fixed', per_window = 0 }": "clock.accrual.per_window: wanted a number above 0",
    "window = 28\naccrual = { kind = 'dates' }": "clock.accrual.dates: missing; wanted with kind = 'dates'",
    "window = 28\naccrual = { kind = 'dates', dates = 5 }": "clock.accrual.dates: wanted a list of days",
    "window = 28\naccrual = { kind = 'dates', dates = [3, 3] }": "wanted each later than the one before, got 3 after 3",
    "window = 28\naccrual = { kind = 'dates', dates = [-1, 3] }": "clock.accrual.dates: wanted days from the start, of",
    "window = 28\naccrual = { kind = 'dates', dates = [1, '2024-03-01'] }": "wanted dates such as '2024-03-01', all of",
    "window = 28\naccrual = { kind = 'dates', dates = [2024-05-01, 2024-04-01] }": "got '2024-04-01' after '2024-05",
    "window = 28\naccrual = { kind = 'dates', dates = [2024-05-01] }": "clock.start: missing; wanted the date from",
    "window = 28\nstart = 2024-06-01\naccrual = { kind = 'dates', dates = [2024-05-01] }": (
        "clock.accrual.dates: wanted dates from the start on, 2024-06-01, got '2024-05-01'"
    ),
    "window = 28\nalso_per_month = [2]\naccrual = { kind = 'dates', dates = [1, 2] }": (
        "clock.also_per_month: wanted none beside arrivals on listed dates"
    ),
    "window = 28\nalso_per_month = [5]\naccrual = { kind = 'bernoulli', per_slot = 0.1 }": (
        "clock.also_per_month: wanted at most 4.34821 patients a month, one in every slot"
    ),
    "window = 28\naccrual = { per_month = 1 }\nevaluate = 'resolved'\nknown = 'at_visit'": "visits: missing; wanted",
    "window = 28\naccrual = { per_month = 1e-9 }": "clock.accrual: wanted at least a patient in 1,000,000 windows, got",
    "window = 28\naccrual = { per_month = 1 }\nclosed = { queue = 1001 }": "k a whole number in [0, 1,000]",
    "window = 28\naccrual = { per_month = 5000 }": "clock.accrual: wanted at most 1,000 patients while a cohort is",
    "window = 28\naccrual = { per_month = 1 }\nonset = { kind = 'visits' }": "clock.onset.shares: missing",
    "window = 28\naccrual = { per_month = 1 }\nvisits = [7, 3]": "clock.visits: wanted days above 0 in rising order",
    "window = 28\naccrual = { per_month = 1 }\nstagger = { sentinel_days = -1 }": "clock.stagger.sentinel_days: wanted",
}


@pytest.mark.parametrize("line", BAD)
def test_a_fault_of_window_events_has_its_place(line):
    with pytest.raises(Faults) as caught:
        study(f"[window_events]\n{line}")
    assert BAD[line] in str(caught.value)


@pytest.mark.parametrize("line", CLOCKS)
def test_a_fault_of_the_clock_has_its_place(line):
    with pytest.raises(Faults) as caught:
        study(f"[clock]\n{line}")
    assert CLOCKS[line] in str(caught.value)


def test_all_faults_at_once():
    with pytest.raises(Faults) as caught:
        study("[clock]\nwindow = 0\n", "[window_events]\ndeath = { reading = 'dlt' }\ndropout = { probability = 2 }")
    places = {fault.where for fault in caught.value.faults}
    assert places >= {
        "clock.window",
        "clock.accrual",
        "window_events.death.probability",
        "window_events.dropout.reading",
    }
