"""Silences on the DLT window: what is elicited is read in every way beside the main analysis, which stays."""

import dataclasses

import numpy as np
import pytest
import tomli_w
from comparison.test_in_time import CLOCK, READINGS, death, study
from oracle import AcceleratedTitration, Trials
from oracle_lost import Chances, lost

from doseopt import compare
from doseopt.comparison.silences import silences
from doseopt.core.parameters import Faults
from doseopt.reports.sections.window import window_blocks, window_ranges, window_sentences
from doseopt.study.file import parse_study

SILENT = "[silences]\ndeath_in_window = { probability = 0.25, attributed = 0.5 }"
LONGER = "longer = 0.35, probability = 0.25"
VALUES = {
    "no such event": "",
    "death 25%, counted as a DLT": 'reading = "dlt"',
    "death 25%, 50% called a DLT, rest replaced": 'attributed = 0.5, reading = "replace"',
    "death 25%, replaced": 'reading = "replace"',
    "death 25%, counted as completed without DLT": 'reading = "complete"',
}
"""Words of a reading -> the same in `test_in_time`, whose table is a recursion apart from the package."""


def at(ds, factor, value):
    (row,) = np.flatnonzero((ds["factor_of"] == factor).to_numpy() & (ds["value"] == value).to_numpy())
    return ds.isel(reading=int(row)).sel(scenario="A")


@pytest.mark.parametrize("words", VALUES)
def test_five_readings_of_a_death_in_the_window(words):
    (none, *_, third, _), patients = READINGS[VALUES[words]]
    found = at(silences(study(SILENT), "uncapped"), "death_in_window", words)
    assert round(found["no_selection"].item(), 4) == none
    assert round(found["correct_selection"].item(), 4) == third  # 0.20, by the drug-caused rates
    assert round(found["sample_size"].item(), 2) == patients
    assert found["in_use"].item() == (words == "no such event")


def test_they_stand_beside_the_comparison_and_do_not_move_it():
    silent, plain = compare(study(SILENT)), compare(study())
    for name in plain.data_vars:
        np.testing.assert_array_equal(plain[name], silent[name], err_msg=name)
    found = silent["no_selection_by_reading"].sel(scenario="A", design="uncapped")
    assert silent["window_reading_words"].to_numpy().tolist() == [
        *list(VALUES)[:2],
        "death 25%, replaced",
        "death 25%, counted as completed without DLT",
        "death 25%, left out and not replaced",
        "death 25%, 50% called a DLT, rest replaced",
    ]
    left_out = found.to_numpy()[4]
    assert found.to_numpy().round(4).tolist() == [0.0135, 0.4297, 0.0183, 0.0100, left_out.round(4), 0.2005]
    assert left_out == pytest.approx(_left_out(), abs=1e-12)


def _left_out():
    """No selection in scenario A where who dies is left out: P_D and P_0 for constant hazards, patients enumerated."""
    p = np.array([0.05, 0.10, 0.20, 0.30])
    mu, k = -np.log(1 - p), -np.log(0.75)
    seen, stays = mu / (mu + k) * (1 - (1 - p) * 0.75), (1 - p) * 0.75
    chances = Chances((0.0,) * 4, tuple(1 - seen - stays), tuple(seen / (seen + stays)), (0.0,) * 4)
    return lost(Trials(AcceleratedTitration(4, titrate=1)), chances)[0][0]


def test_a_reading_is_the_study_that_states_it():
    both = compare(study(SILENT, "dropout_in_window = { probability = 0.1 }\n"))
    for label, table in {
        "death: replace 50%": death('attributed = 0.5, reading = "replace"'),
        "drop-out: replace": '[window_events]\ndropout = { probability = 0.1, reading = "replace" }',
        "death: exclude": death('reading = "exclude"'),
    }.items():
        stated, found = compare(study(table)), both.sel(window_reading=label)
        for name in ("correct_selection", "no_selection", "overdose_selection", "sample_size", "enrolled"):
            np.testing.assert_allclose(found[f"{name}_by_reading"], stated[name], rtol=0, atol=1e-12)


def test_another_window_has_the_same_hazard_and_what_is_right_stays():
    """Rates 1 - (1 - p)^(60/28), stated as scenarios of their own, in which the third dose is right all the same."""
    p = 1 - (1 - np.array([0.05, 0.10, 0.20, 0.30])) ** (60 / 28)
    longer = study().to_dict()
    longer["scenarios"] = {"A": p.tolist()}
    wanted = compare(dataclasses.replace(study(), scenario_specs=_scenarios(longer))).sel(scenario="A")
    found = silences(study(CLOCK, "[silences]\ndlt_window = 60"), "uncapped")
    read = at(found, "dlt_window", "60 days")
    wanted = wanted.sel(design="uncapped")
    assert read["no_selection"].item() == pytest.approx(wanted["no_selection"].item(), abs=1e-12)
    assert read["correct_selection"].item() == pytest.approx(wanted["selection"][2].item(), abs=1e-12)
    assert at(found, "dlt_window", "28 days")["in_use"].item()


def _scenarios(table):
    return parse_study(tomli_w.dumps(table)).scenario_specs


def test_deaths_of_the_other_window_compete_with_the_rates_there():
    """Closed form at 0.20 in 28 days, 60 days, a death in 35% of them counted as completed: P_D."""
    text = CLOCK, f"[silences]\ndeath_in_window = {{ {LONGER} }}\ndlt_window = 60"
    ds = compare(study(*text)).sel(design="uncapped")
    assert ds.attrs["silences"] == "death 25% (35% in 60 days), another window of 60 days"
    labels = ["60 days: window", "60 days: death dlt", "60 days: death replace", "60 days: death complete"]
    assert ds["window_reading"].to_numpy().tolist()[-5:] == [*labels, "60 days: death exclude"]
    mu, k = -np.log(0.8) * 60 / 28, -np.log(0.65)
    rate = mu / (mu + k) * (1 - np.exp(-mu - k))
    clock = CLOCK.replace("window = 28", "window = 60\nrates_for = 28")
    events = '[window_events]\ndeath = { probability = 0.35, reading = "complete" }'
    stated = study(clock, events)
    assert stated.scenarios["p_observed"].sel(scenario="A")[2].item() == pytest.approx(rate, rel=1e-14)
    wanted = compare(stated).sel(design="uncapped")["no_selection"]
    np.testing.assert_allclose(ds["no_selection_by_reading"].sel(window_reading=labels[-1]), wanted, rtol=0, atol=1e-12)


def test_the_second_page_has_the_range_over_the_readings():
    ds = compare(study(SILENT)).sel(scenario=["A"])
    (sentence,) = window_sentences(ds)
    assert "Elicited: death 25%." in sentence
    (ranges,) = window_ranges(ds, "cap 10", "uncapped")
    assert ranges.groups == (("cap 10", 4), ("uncapped", 4))
    assert ranges.head[1:5] == ("correct", "overdose", "no MTD", "below MTD")
    none, death = ranges.rows
    assert none[0] == "no such event"
    assert death[5::2] == ("6.9 to 34.0", "1.0 to 43.0")  # .0686 to .3404, and .0100 to .4297 in `READINGS`
    over, below = (
        ds[f"{name}_by_reading"].sel(design="uncapped") for name in ("overdose_selection", "patients_below_mtd")
    )
    assert death[6::2] == (
        f"{100 * over.min():.1f} to {100 * over.max():.1f}",
        f"{below.min():.1f} to {below.max():.1f}",
    )
    paragraph, *tables = window_blocks(ds)
    assert "not in the main analysis: death 25%" in paragraph.text
    assert [row[0] for row in tables[0].rows] == ds["window_reading_words"].to_numpy().tolist()
    at = ds.isel(design=0, window_reading=0, scenario=0)
    cells = [float(cell) for cell in tables[0].rows[0][1].split("/")]
    wanted = [
        at[f"{name}_by_reading"].item() for name in ("correct_selection", "overdose_selection", "patients_below_mtd")
    ]
    np.testing.assert_allclose(cells, np.array(wanted) * (100, 100, 1), rtol=0, atol=0.0501)
    assert window_sentences(compare(study())) == window_ranges(compare(study()), "cap 10", "uncapped") == []


def test_what_is_stated_travels():
    whole = study(CLOCK, f"[silences]\ndeath_in_window = {{ {LONGER} }}\ndlt_window = 60")
    again = parse_study(whole.to_toml())
    assert again == whole
    assert again.hash == whole.hash != study(CLOCK).hash


BAD = {
    "": "silences: wanted one of death_in_window, transplantation, dropout_in_window, dlt_window, got none",
    "death_in_window = { attributed = 0.5 }": "silences.death_in_window.probability: missing",
    "death_in_window = { probability = [0.1] }": "silences.death_in_window.probability: wanted 4 probabilities",
    f"death_in_window = {{ {LONGER} }}": "silences.dlt_window: missing; wanted the days of the window",
    "dropout_in_window = { probability = 0.1, attributed = 1 }": "silences.dropout_in_window.attributed: unknown key",
    "dlt_window = 60": "silences.dlt_window: wanted a [clock] beside it",
    "dlt_window = 0": "silences.dlt_window: wanted a number above 0, got 0",
    "death = { probability = 0.1 }": "silences.death: unknown key",
}


@pytest.mark.parametrize("line", BAD)
def test_a_fault_has_its_place(line):
    with pytest.raises(Faults) as caught:
        study(f"[silences]\n{line}")
    assert BAD[line] in str(caught.value)


@pytest.mark.parametrize(("days", "chance", "wanted"), [(60, 0.2, "least"), (14, 0.3, "most")])
def test_an_event_is_no_rarer_in_a_longer_window(days, chance, wanted):
    """0.25 in 28 days; by dose and by scenario, too."""
    for one, other in (
        ("0.25", f"{chance}"),
        ("0.25", f"[0.25, 0.25, {chance}, 0.25]"),
        ("{ scenario = { A = 0.25, D = 0.25 } }", f"{{ scenario = {{ A = 0.25, D = {chance} }} }}"),
    ):
        elicited = f"death_in_window = {{ probability = {one}, longer = {other} }}\ndlt_window = {days}"
        with pytest.raises(Faults, match=rf"silences\.death_in_window\.longer: wanted at {wanted} the probability"):
            study(CLOCK, f"[silences]\n{elicited}")


def test_what_does_not_fit_is_said_beside_what_is_wrong_by_itself():
    """In one round, as far as the tables can be read."""
    with pytest.raises(Faults) as caught:
        study(
            CLOCK.replace("per_month = 2", "per_month = 0"),
            '[window_events]\ndeath = { probability = [0.1, 0.2], reading = "dlt" }',
        )
    for said in ("clock.accrual.per_month: wanted a number above 0", "window_events.death.probability: wanted 4"):
        assert said in str(caught.value)
    with pytest.raises(Faults) as caught:
        study("[silences]\ndlt_window = 60", "[window_events]\ndeath = { probability = 0.1 }")
    for said in ("silences.dlt_window: wanted a [clock] beside it", "window_events.death.reading: missing"):
        assert said in str(caught.value)


def test_no_event_is_stated_and_left_open():
    with pytest.raises(Faults, match=r"silences\.death_in_window: wanted what no other table states"):
        study(SILENT, death('reading = "dlt"'))
    with pytest.raises(Faults, match=r"silences\.dlt_window: wanted other days than the window of \[clock\], 28"):
        study(CLOCK, "[silences]\ndlt_window = 28")
