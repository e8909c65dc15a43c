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
