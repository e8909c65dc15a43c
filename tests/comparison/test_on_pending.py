"""Designs that decide on pending patients beside others in a comparison, by the clock of the study."""

from dataclasses import replace

import numpy as np
import pytest
from small_study import SMALL

from doseopt import (
    ExactCalendars,
    ExactPending,
    ExactWherePossible,
    Faults,
    Lattice,
    Simulate,
    compare,
    operating_characteristics,
)
from doseopt.clock.arrivals import Accrual
from doseopt.clock.lattice import Gaps
from doseopt.clock.onset import Onset
from doseopt.engines.duration_pending import duration_law
from doseopt.engines.escalated import escalated_before_dlt
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.comparison import comparison_document
from doseopt.study.clock import Clock
from doseopt.study.file import parse_study
from doseopt.study.on_pending import engine_for, lattice_of

DESIGNS = """
[designs."Rolling six"]
kind = "rolling_six"

[designs."TITE-BOIN 9"]
kind = "tite_boin"
modifiers = [{ kind = "max_patients", n = 9 }]

[designs."TITE-CRM 9"]
kind = "tite_crm"
skeleton = [0.1, 0.25, 0.4]
cohort = 1
weights = "adaptive"
modifiers = [{ kind = "no_skipping" }, { kind = "max_patients", n = 9 }]
"""
CLOCK = """
[clock]
window = 28
follow_up = 60
accrual = { kind = "fixed", per_window = 2 }
"""
TEXT = SMALL.split("[amendment]")[0] + DESIGNS


@pytest.fixture(scope="module")
def study():
    return parse_study(TEXT + CLOCK)


@pytest.fixture(scope="module")
def ds(study):
    return compare(study, ExactWherePossible(simulate=Simulate(400, seed=3)), posteriors=False)


def test_each_is_evaluated_in_time_or_as_ever(ds, study):
    """Equal gaps are exact; adaptive weights, which ask when DLTs occurred, are simulated, and that is said."""
    assert ds["engine"].values.tolist() == ["exact"] * 4 + ["simulated"]
    exact = ExactPending(Lattice(2.0, opened=1.0))(study.designs["TITE-BOIN 9"], study.scenarios)
    chosen = exact["selected"].values[:, None] == np.arange(3)
    assert ds["selection"].sel(design="TITE-BOIN 9").values == pytest.approx(exact["weight"].values @ chosen, abs=1e-14)
    text = " ".join(terminal_text(comparison_document(ds)).plain.split())
    assert "1 design marked ~ simulated, as the rule asks when DLTs occurred: 400 trials a scenario" in text


def test_durations_are_in_days(ds, study):
    """The mean is that of the endings, quantiles and probabilities by a day those of the law in slots."""
    design, scenarios = study.designs["Rolling six"], study.scenarios
    lattice = Lattice(2.0, opened=1.0)
    exact = ExactPending(lattice)(design, scenarios)
    at = ds.sel(design="Rolling six")
    mean = (exact["weight"] * exact["time"]).sum("ending").values
    square = (exact["weight"] * exact["square"]).sum("ending").values
    assert at["duration"].values == pytest.approx(28 * mean)
    assert at["completion"].values == pytest.approx(28 * mean + 32)
    assert at["duration_sd"].values == pytest.approx(28 * np.sqrt(square - mean**2))
    assert (at["duration_mcse"].values == 0).all()
    times, chance = duration_law(design, lattice, Onset("uniform"), scenarios["p_dlt"].values)
    by = chance[:, times * 28 <= 183 + 1e-9].sum(axis=1)
    assert at["done_by"].sel(day=183).values == pytest.approx(by)
    middle = at["duration_quantile"].sel(time_quantile=0.5).values
    for days, row in zip(middle, chance, strict=True):
        assert row[times * 28 < days - 1e-6].sum() < 0.5 <= row[times * 28 <= days + 1e-6].sum() + 1e-12
    asked = (exact["weight"] * exact["decisions"]).sum("ending").values
    waiting = (exact["weight"] * exact["pending"]).sum("ending").values
    assert at["pending_at_decision"].values == pytest.approx(waiting / asked)
    assert np.isnan(ds["pending_at_decision"].sel(design="BOIN 9").values).all()


def test_simulated_durations_have_an_error(ds):
    at = ds.sel(design="TITE-CRM 9")
    assert at["duration_mcse"].values == pytest.approx(at["duration_sd"].values / 20)
    assert (at["done_by"].values >= 0).all()
    assert (np.diff(at["duration_quantile"].values, axis=1) >= 0).all()


def test_law_of_the_duration_has_the_moments_of_the_endings(study):
    for lattice in (Lattice(2.5, opened=1.0), Lattice(2.0, arrival=0.5)):
        for onset in (Onset("uniform"), Onset("weibull", late=0.7)):
            design = study.designs["TITE-BOIN 9"]
            exact = ExactPending(lattice, onset)(design, study.scenarios)
            times, chance = duration_law(design, lattice, onset, study.scenarios["p_dlt"].values)
            assert chance.sum(axis=1) == pytest.approx(1, abs=2e-12)
            for power, name in ((1, "time"), (2, "square")):
                mean = (exact["weight"] * exact[name]).sum("ending").values
                assert chance @ times**power == pytest.approx(mean, abs=1e-8)


def test_slots_of_a_clock():
    clock = Clock(28, Accrual("fixed", per_window=2.5), visits=(7, 14, 60))
    assert lattice_of(clock) == Lattice(2.5, opened=1.0)
    assert lattice_of(replace(clock, known="at_visit")) == Lattice(2.5, visits=(0.25, 0.5), opened=1.0)


def test_at_random_arrivals_are_simulated_and_said(study):
    clock = replace(study.clock, accrual=Accrual("poisson", per_window=2))
    engine = engine_for(
        replace(study, clock=clock), ExactWherePossible(simulate=Simulate(50)), study.designs["Rolling six"]
    )
    outcomes = engine(study.designs["Rolling six"], study.scenarios)
    assert outcomes.attrs["engine"] == "simulated"
    assert outcomes.attrs["why"] == "patients come in no slots"


def test_without_a_clock_it_is_refused():
    with pytest.raises(Faults, match="decides while patients are pending; wanted a \\[clock\\]"):
        compare(parse_study(TEXT))


def test_beside_events_that_count_as_dlts_the_hazards_are_constant():
    """Of two constant hazards the first event has a constant one, too; of other laws it has another law."""
    events = '[window_events]\ndeath = { probability = 0.2, reading = "dlt" }\n'
    study = parse_study(EXACT + CLOCK + events)
    found = compare(study, ENGINE, posteriors=False)
    exact = ExactPending(Lattice(2.0, opened=1.0), Onset("constant"))(study.designs["TITE-BOIN 9"], study.scenarios)
    chosen = exact["selected"].values[:, None] == np.arange(3)
    assert found["selection"].sel(design="TITE-BOIN 9").values == pytest.approx(exact["weight"].values @ chosen)
    seen = 1 - 0.8 * (1 - study.scenarios["p_dlt"].values)
    assert study.scenarios["p_observed"].values == pytest.approx(seen, abs=1e-12)
    other = parse_study(EXACT + CLOCK + 'onset = { kind = "uniform" }\n' + events)
    uniform = compare(other, ENGINE, posteriors=False).sel(design="TITE-BOIN 9")
    assert other.scenarios["p_observed"].values == pytest.approx(seen, abs=1e-12)
    assert 1e-4 < np.abs(uniform["selection"].values - found["selection"].sel(design="TITE-BOIN 9").values).max() < 0.1


@pytest.mark.parametrize(
    "accrual",
    ['{ kind = "bernoulli", per_slot = 0.4 }\n    slots = 1', '{ kind = "fixed", per_month = 0.55 }'],
    ids=["slots as long as the window", "gaps longer than the window"],
)
def test_where_nobody_is_ever_pending_trials_are_those_that_wait_and_take_as_long(accrual):
    """TITE-BOIN is BOIN then, early stops and their days included."""
    text = f"""
    title = "slots"
    target = 0.25
    [doses]
    labels = ["1", "2", "3"]
    [clock]
    window = 28
    accrual = {accrual}
    onset = {{ kind = "uniform" }}
    [scenarios]
    a = [0.05, 0.25, 0.5]
    b = [0.42, 0.55, 0.68]
    [designs."BOIN"]
    kind = "boin"
    modifiers = [{{ kind = "max_patients", n = 12 }}]
    [designs."TITE-BOIN"]
    kind = "tite_boin"
    modifiers = [{{ kind = "max_patients", n = 12 }}]
    """
    found = compare(parse_study(text), posteriors=False)
    for name in ("selection", "patients", "duration", "duration_sd", "duration_quantile", "done_by", "completed_by"):
        waits, decides = (found[name].sel(design=which).to_numpy() for which in ("BOIN", "TITE-BOIN"))
        np.testing.assert_allclose(decides, waits, rtol=1e-8, atol=1e-7, err_msg=name)


@pytest.mark.parametrize(
    "death",
    ['reading = "replace"', 'reading = "exclude", attributed = 0.3', 'reading = "complete", attributed = 0.5'],
)
@pytest.mark.parametrize("rules", ["", ', { kind = "max_enrolled", n = 11 }'], ids=["evaluable", "enrolled"])
def test_where_nobody_is_ever_pending_patients_leave_as_in_trials_that_wait(death, rules):
    """TITE-BOIN is BOIN, cohorts of which nobody is left, places that are given again and caps included."""
    event = f"[window_events]\ndeath = {{ probability = 0.3, {death} }}\n"
    rules = f'modifiers = [{{ kind = "max_patients", n = 9 }}{rules}]'
    designs = "".join(f'[designs."{name}"]\nkind = "{kind}"\n{rules}\n' for name, kind in PAIR.items())
    text = f"{TEXT.split('[designs')[0]}{event}{designs}"
    study = with_clock(text, '{ kind = "fixed", per_month = 0.55 }')
    found = compare(study, posteriors=False)
    assert found["engine"].values.tolist() == ["exact", "exact"]
    for name in ("selection", "patients", "dlts", "enrolled", "patients_before_first_right"):
        waits, decides = (found[name].sel(design=which).to_numpy() for which in PAIR)
        np.testing.assert_allclose(decides, waits, rtol=0, atol=1e-11, err_msg=name)


def test_of_patients_at_random_who_may_leave_trials_are_simulated_with_their_errors():
    event = '[window_events]\ndeath = { probability = 0.3, reading = "replace" }\n'
    study = with_clock(EXACT + event, '{ kind = "poisson", per_window = 2 }', "calendars = 6")
    found = compare(study, ENGINE, posteriors=False)
    pending = ["Rolling six", "TITE-BOIN 9", "TITE-CRM 9"]
    assert found["engine"].sel(design=pending).values.tolist() == ["simulated"] * 3
    assert "patients may leave the window, and come in no slots" in found.attrs["simulated_as"]
    assert (found["selection_mcse"].sel(design=pending).max("dose") > 0).all()
    for name in ("enrolled_sd", "more_than_planned", "duration", "escalated_before_dlt"):
        assert np.isfinite(found[name].sel(design=pending)).all(), name


PAIR = {"BOIN": "boin", "TITE-BOIN": "tite_boin"}


@pytest.mark.parametrize(
    ("clock", "said"),
    [
        ("closed = { queue = 2 }", "clock.closed: wanted 'lost', as a design decides while patients are pending, got"),
        ("stagger = { sentinel_days = 7 }", "clock.stagger.sentinel_days: wanted 0, as a design decides while"),
    ],
)
def test_what_of_a_clock_is_not_served_is_said_and_never_passed_over(clock, said):
    with pytest.raises(Faults) as caught:
        compare(parse_study(f"{TEXT}{CLOCK}{clock}\n"), posteriors=False)
    assert said in str(caught.value)


def with_clock(text, accrual, more=""):
    return parse_study(f"{text}\n[clock]\nwindow = 28\naccrual = {accrual}\n{more}\n")


EXACT = TEXT.replace('weights = "adaptive"', "")
ENGINE = ExactWherePossible(simulate=Simulate(300, seed=3))


def test_listed_arrivals_at_equal_gaps_are_fixed_accrual():
    """Exact given the one calendar that there is; the days of its trials are simulated."""
    days = [14 * k for k in range(1, 41)]
    fixed, listed = (
        compare(with_clock(EXACT, accrual), ENGINE, posteriors=False)
        for accrual in ('{ kind = "fixed", per_window = 2 }', f'{{ kind = "dates", dates = {days} }}')
    )
    assert listed["engine"].values.tolist() == ["exact"] * 5
    same = ("selection", "patients", "dlts", "turned_away", "closed_days", "pending_at_decision")
    for name in (*same, "decided_while_pending", "escalated_before_dlt", "correct_selection_if_waiting"):
        np.testing.assert_allclose(listed[name].values, fixed[name].values, rtol=0, atol=1e-11, err_msg=name)
    designs = ["Rolling six", "TITE-BOIN 9", "TITE-CRM 9"]
    ahead = (fixed["duration"] - listed["duration"]).sel(design=designs)  # a DLT is known at once, in continuous time
    error = 4 * listed["duration_mcse"].sel(design=designs)
    assert ((ahead > -error) & (ahead < 14 + error)).all()
    assert (error > 0).all()


def test_listed_arrivals_that_end_before_trials_do_are_said():
    with pytest.raises(Faults, match=r"clock.accrual.dates: wanted more arrivals than the 4 listed: after the last, a"):
        compare(with_clock(TEXT, '{ kind = "dates", dates = [1, 20, 43, 84] }'), ENGINE, posteriors=False)


def test_calendars_are_averaged_and_the_error_over_them_is_said():
    study = with_clock(EXACT, '{ kind = "poisson", per_window = 2 }', "calendars = 6")
    found = compare(study, ENGINE, posteriors=False)
    pending = ["Rolling six", "TITE-BOIN 9", "TITE-CRM 9"]
    assert found["engine"].sel(design=pending).values.tolist() == ["exact given calendars"] * 3
    assert found["trials"].sel(design=pending).values.tolist() == [6] * 3
    design = study.designs["TITE-CRM 9"]
    outcomes = ExactCalendars(Gaps(2.0), calendars=6, seed=3)(design, study.scenarios)
    expected = operating_characteristics(study.judge(outcomes))
    for name in ("correct_selection", "correct_selection_mcse", "sample_size_mcse", "total_dlts_mcse"):
        values = found[name].sel(design="TITE-CRM 9").values
        assert values == pytest.approx(expected[name].values, abs=1e-12), name
    as_read = found["correct_by_naming_mcse"].sel(naming="as read", design=pending)
    assert as_read.values == pytest.approx(found["correct_selection_mcse"].sel(design=pending).values, abs=1e-12)
    plain = np.sqrt(found["correct_selection"] * (1 - found["correct_selection"]) / 300).sel(design=pending)
    assert ((found["correct_selection_mcse"].sel(design=pending) < plain) | (plain == 0)).all()
    assert (found["duration_mcse"].sel(design=pending) > 0).all()
    closed = found["turned_away"] * 14
    assert found["closed_days"].sel(design=pending).values == pytest.approx(
        closed.sel(design=pending).values, rel=0.3, abs=1e-9
    )
    text = " ".join(terminal_text(comparison_document(found)).plain.split())
    assert "3 designs marked ~ exact given each of 6 calendars of arrivals that are drawn, seed 3: the error is" in text
    assert "Largest Monte Carlo standard error" in text


def test_beside_each_stands_the_same_design_with_full_follow_up():
    """TITE-BOIN that waits is BOIN, a design of the study; the prices and savings are stated in the block of times."""
    boin = '[designs."BOIN"]\nkind = "boin"\nmodifiers = [{ kind = "max_patients", n = 9 }]\n'
    found = compare(parse_study(f"{TEXT}{boin}{CLOCK}"), ENGINE, posteriors=False)
    waits, boin = found.sel(design="TITE-BOIN 9"), found.sel(design="BOIN")
    for name in ("correct_selection", "overdose_selection", "sample_size", "total_dlts", "duration", "turned_away"):
        assert waits[f"{name}_if_waiting"].values == pytest.approx(boin[name].values, abs=1e-10), name
        assert np.isnan(boin[f"{name}_if_waiting"].values).all()
    assert (waits["duration"] < waits["duration_if_waiting"]).all()
    text = " ".join(terminal_text(comparison_document(found)).plain.split())
    assert "Decisions on pending patients, in % of decisions and of trials" in text


def test_what_is_decided_before_it_is_known(ds, study):
    """In slots exact; a patient who is turned away stands for the days to the next one, 14 at equal gaps."""
    rates = study.scenarios["p_dlt"].values
    for name in ("Rolling six", "TITE-BOIN 9"):
        at, design = ds.sel(design=name), study.designs[name]
        early = escalated_before_dlt(design, Lattice(2.0, opened=1.0), Onset("uniform"), rates)
        assert at["escalated_before_dlt"].values == pytest.approx(early, abs=1e-14)
        assert at["closed_days"].values == pytest.approx(14 * at["turned_away"].values, abs=1e-12)
        exact = ExactPending(Lattice(2.0, opened=1.0))(design, study.scenarios)
        asked, some = ((exact["weight"] * exact[n]).sum("ending").values for n in ("decisions", "while_pending"))
        assert at["decided_while_pending"].values == pytest.approx(some / asked)
    drawn = ds.sel(design="TITE-CRM 9")
    share = drawn["escalated_before_dlt"].values
    assert drawn["escalated_before_dlt_mcse"].values == pytest.approx(np.sqrt(share * (1 - share) / 400))
    assert np.isnan(ds["escalated_before_dlt"].sel(design="BOIN 9").values).all()


def test_visits_of_trials_that_are_followed_in_no_slots_are_not_passed_over():
    clock = 'visits = [7, 14, 28]\nknown = "at_visit"'
    for more in ("", "calendars = 3"):
        study = with_clock(TEXT, '{ kind = "poisson", per_window = 2 }', f"{clock}\n{more}")
        with pytest.raises(Faults, match=r"clock\.known: wanted 'at_event', as trials in no slots"):
            compare(study, ENGINE, posteriors=False)


def test_where_listed_arrivals_end_before_trials_that_wait_their_days_are_not_known():
    """Eight patients at equal gaps of half a window, one after the other, would need 15 of the listed arrivals."""
    alone = '[designs."TITE-CRM 9"]' + EXACT.split('[designs."TITE-CRM 9"]')[1]
    text = f"{SMALL.split('[designs')[0]}{alone}"
    days = [14 * k for k in range(1, 13)]
    found = compare(with_clock(text, f'{{ kind = "dates", dates = {days} }}'), ENGINE, posteriors=False)
    assert found["duration"].notnull().all()
    assert found["correct_selection_if_waiting"].notnull().all()
    assert found["duration_if_waiting"].isnull().all()
