"""Designs that decide on pending patients beside others in a comparison, by the clock of the study."""

from dataclasses import replace

import numpy as np
import pytest
from small_study import SMALL

from doseopt import ExactPending, ExactWherePossible, Faults, Lattice, Simulate, compare
from doseopt.clock.arrivals import Accrual
from doseopt.clock.onset import Onset
from doseopt.comparison.on_pending import engine_for, lattice_of
from doseopt.engines.duration_pending import duration_law
from doseopt.reports import terminal_text
from doseopt.reports.sections.comparison import comparison_document
from doseopt.study.clock import Clock
from doseopt.study.file import parse_study

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


def test_without_a_clock_or_with_patients_replaced_it_is_refused(study):
    with pytest.raises(Faults, match="decides while patients are pending; wanted a \\[clock\\]"):
        compare(parse_study(TEXT))
    events = '[window_events]\ndeath = { probability = 0.2, reading = "replace" }\n'
    with pytest.raises(Faults, match="wanted events that count as DLTs"):
        compare(parse_study(TEXT + CLOCK + events))


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


def test_listed_arrivals_are_not_served():
    listed = CLOCK.replace('{ kind = "fixed", per_window = 2 }', '{ kind = "dates", dates = [1, 2, 3, 4] }')
    with pytest.raises(Faults, match=r"clock.accrual.kind: wanted arrivals of kind 'fixed' or 'poisson' or 'uniform'"):
        compare(parse_study(TEXT + listed), ExactWherePossible(simulate=Simulate(20, seed=3)), posteriors=False)
