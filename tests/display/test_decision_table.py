"""The boundaries and row names of a decision table where they are easily wrong."""

import pytest

from doseopt.conduct.decision_table import decision_table
from doseopt.display.decision_table import last_row, row_name
from doseopt.study.file import parse_study

STUDY = """
title = "t"
target = 0.30
doses = { labels = ["a", "b"] }
[scenarios]
s = [0.1, 0.3]
[designs.BOIN]
kind = "boin"
eliminate_from = 1
cutoff = 0.9
modifiers = [{ kind = "max_patients", n = 6 }]
[designs.own]
kind = "table"
decisions = ["2: E S D", "3: E S D DU"]
modifiers = [{ kind = "max_patients", n = 3 }]
[designs.flat]
kind = "table"
decisions = ["2: E S D", "3: E S D D"]
modifiers = [{ kind = "max_patients", n = 3 }]
"""


def test_a_dose_that_is_eliminated_is_de_escalated_from():
    # Pr(p > 0.30 | 1 of 1) = 0.91: the first DLT eliminates, and no y only de-escalates
    at = decision_table(parse_study(STUDY), "BOIN").sel(n=1)
    assert at["decision"].to_numpy().tolist()[:2] == ["E", "DU"]
    assert (at["deescalate"].item(), at["eliminate"].item()) == (1, 1)


@pytest.mark.parametrize(("name", "last", "wanted"), [("own", 3, "y = 3"), ("flat", 2, "y = 2 or more")])
def test_a_row_stands_for_more_only_if_there_are_more(name, last, wanted):
    ds = decision_table(parse_study(STUDY), name)
    assert last_row(ds) == last
    assert row_name(ds, last) == wanted
    assert row_name(ds, 1) == "y = 1"
