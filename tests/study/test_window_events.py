"""What happens in the DLT window, as a study file states it."""

import pytest

from doseopt.core.parameters import Faults
from doseopt.study.departure import Departure
from doseopt.study.file import parse_study


def test_an_event_that_is_no_table_is_told_to_be_one():
    text = 'title = "t"\ntarget = 0.25\n[doses]\nlabels = ["1"]\n[window_events]\ndeath = 1.2\n'
    with pytest.raises(Faults, match=r"window_events.death: wanted a table, got 1.2"):
        parse_study(text, "t.toml")


@pytest.mark.parametrize("table", ["window_events", "clock", "silences", "mtd.definition", "posterior"])
def test_the_keys_of_what_is_no_table_are_not_missing(table):
    """One fault, not one for each key that the table would have."""
    text = f'{table} = 3\ntitle = "t"\ntarget = 0.25\n[doses]\nlabels = ["1"]\n[designs.B]\nkind = "boin"\n'
    text += 'modifiers = [{ kind = "max_patients", n = 6 }]\n'
    with pytest.raises(Faults) as caught:
        parse_study(text, "t.toml")
    assert [fault.where for fault in caught.value.faults] == [table]
    assert "wanted a table, got 3" in str(caught.value)


@pytest.mark.parametrize(
    ("given", "longer"),
    [(0.5, 0.75), ((0.5, 0.2), (0.75, 0.36)), ({"scenario": {"a": 0.5}}, {"scenario": {"a": 0.75}})],
)
def test_an_event_in_a_window_twice_as_long_is_survived_twice(given, longer):
    """Half leave each of two windows: a quarter is left."""
    found = Departure(given, "replace").over(2).probability
    assert found == (pytest.approx(longer) if not isinstance(longer, dict) else longer)


def test_a_window_that_nobody_stays_in_to_its_end():
    """1 - .001^1000 is 1 to all digits, and a probability below 1 all the same."""
    found = Departure((0.999, 0.0), "replace").over(1000).probability
    assert 1 - 1e-15 < found[0] < 1
    assert found[1] == 0


def test_the_same_hazard_over_sixty_days():
    """15% in 28 days: 1 - .85^(60/28) = 29.4%."""
    assert Departure(0.15, "replace").over(60 / 28).probability == pytest.approx(0.2941, abs=5e-5)


FAULTY = """
title = "faults of many tables"
target = 0.25
[doses]
labels = ["1", "2", "3"]
[populations]
shares = { CLF = 0.5, ACLF = 0.6 }
[clock]
window = 60
follow_up = 28
start = "2026-03-01"
registered_completion = "2025-12-31"
accrual = { kind = "poisson", per_month = 0 }
[window_events]
death = { probability = [0.1, 0.2], reading = "replace" }
transplantation = { probability = { CLF = 0.1, ACFL = 0.2 }, reading = "dlt" }
dropout = { reading = "exclude" }
[silences]
dropout_in_window = { probability = { scenario = { A = 0.1, C = 0.2 } } }
[scenarios]
"A" = [0.1, 1.2, 0.3]
"B" = [0.1, 0.2, 0.3]
[designs.crm]
kind = "boin"
cohort = 0
"""
PLACES = {
    "populations.shares": "got a sum of 1.1",
    "clock.window": "wanted at most the follow-up of 28 days",
    "clock.start": "wanted a date before the registered completion",
    "clock.accrual.per_month": "above 0",
    "window_events.death.probability": "wanted 3 probabilities, one a dose, got 2",
    "window_events.transplantation.probability.ACFL": "wanted one of CLF, ACLF",
    "window_events.dropout.probability": "missing",
    "silences.dropout_in_window.probability.scenario.C": "no such scenario",
    "scenarios.A[1]": "in [0, 1]",
    "designs.crm.cohort": "wanted a whole number",
}


def test_what_does_not_fit_is_told_beside_the_faults_of_other_tables():
    with pytest.raises(Faults) as caught:
        parse_study(FAULTY)
    said = {fault.where: fault.message for fault in caught.value.faults}
    assert {where: message for where, message in PLACES.items() if message not in said.get(where, "")} == {}
    assert len(caught.value.faults) == len(set(caught.value.faults))


def test_nothing_is_said_of_what_is_wrong_by_itself():
    """Populations, dates and a window that are not known: what depends on them is not known, either."""
    text = FAULTY.replace("{ CLF = 0.5, ACLF = 0.6 }", '"half"').replace("window = 60", "window = 0")
    text = text.replace("[silences]", "[silences]\ndlt_window = 28")
    with pytest.raises(Faults) as caught:
        parse_study(text)
    places = [fault.where for fault in caught.value.faults]
    assert not {"window_events.transplantation.probability", "silences.dlt_window"} & {*places}
    assert places.count("clock.window") == 1
