"""What happens in the DLT window, as a study file states it."""

import pytest

from doseopt.core.parameters import Faults
from doseopt.study.file import parse_study


def test_an_event_that_is_no_table_is_told_to_be_one():
    text = 'title = "t"\ntarget = 0.25\n[doses]\nlabels = ["1"]\n[window_events]\ndeath = 1.2\n'
    with pytest.raises(Faults, match=r"window_events.death: wanted a table, got 1.2"):
        parse_study(text, "t.toml")
