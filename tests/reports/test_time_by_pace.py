"""Paces beside the one stated, in the report."""

from reports.test_time import CLOCK, blocks, compared

from doseopt.reports.render.document import Table
from doseopt.reports.sections.time import summary_sentences, time_blocks


def test_other_paces_by_hand():
    """A patient every 28 days, window 28: three take 28, 56 and 84, who is decided on at 112 meets the next arrival.

    Six take 112 + 3 * 28 - 28 + 28 = 196; with probability 1/2 each: 154 on average, 32 more until day 60 of the last.
    """
    month = 30.4375
    ds = compared(CLOCK + f"also_per_month = [{month / 28}]")
    _, table = blocks(Table, time_blocks(ds))
    assert table.groups == (("mean days", 2), ("by day 670", 2))
    assert table.rows == (("3+3", "186", "130", "100.0", "100.0"),)
    (sentence,) = summary_sentences(ds, ["3+3"])
    assert "at the stated pace: 130 days with 3+3 " in sentence
    assert sentence.endswith("At 1.09 patients a month 186 days with 3+3.")
