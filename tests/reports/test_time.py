"""What a comparison says of time: a table, what the pace implies, and a sentence for the first page."""

import numpy as np
import pytest

from doseopt import compare
from doseopt.reports.render.document import Bullets, Figure, Table
from doseopt.reports.sections.comparison import comparison_document
from doseopt.reports.sections.time import pace, summary_sentences, time_blocks
from doseopt.study.file import parse_study

STUDY = """
title = "one dose"
target = 0.25
planned_enrolment = 6
[doses]
labels = ["only"]
[scenarios]
"even" = [0.5]
[designs."3+3"]
kind = "three_plus_three"
"""
CLOCK = """
[clock]
window = 28
follow_up = 60
start = "2024-03-01"
registered_completion = "2025-12-31"
accrual = { kind = "fixed", per_window = 2 }
"""
REPLACED = '[window_events]\ndropout = { probability = 0.2, reading = "replace" }'


def compared(*tables):
    return compare(parse_study("\n".join([STUDY, *tables])))


def blocks(kind, found):
    return [block for block in found if isinstance(block, kind)]


def test_times_worked_out_by_hand():
    """A patient every 14 days, window 28: three take 14, 28, 42 and end at 70; the next three 70, 84, 98 and 126.

    3+3 goes on with probability 1/2, so 98 days on average, 32 more until day 60 of the last; while closed, after 42,
    the arrival at 56 is lost.
    """
    ds = compared(CLOCK)
    (table,) = blocks(Table, time_blocks(ds))
    assert table.rows == (("3+3", "98", "98", "70", "70", "126", "100.0", "100.0", "130", "100.0", "14", "0.5"),)
    assert ds["duration_sd"].item() == pytest.approx(28)


def test_what_the_pace_implies():
    found, gain = pace(compared(CLOCK))
    assert found.startswith("2 patients arrive in a window of 28 days")
    assert found.endswith("would be 1 on average.")  # of 14 days ago; the one of 28 is through
    assert "can gain at this pace" in gain
    assert "by 7 of 98 days at the most (3+3)" in gain  # the second three come at 70, 84, 98 and could at 56, 70, 84
    assert "gains little at this pace" in pace(compared(CLOCK.replace("per_window = 2", "per_window = 0.5")))[1]


def test_the_sentence_of_the_first_page():
    (sentence,) = summary_sentences(compared(CLOCK), ["3+3"])
    assert sentence.endswith("at the stated pace: 3+3 130 days (by the registered date in 100% of trials).")


def test_patients_enrolled_where_some_are_replaced():
    *readings, table = blocks(Table, time_blocks(compared(REPLACED)))
    counts = ("counted as a DLT", "replaced*", "counted as completed without DLT")
    assert readings[0].head == ("", "3+3")
    assert [row[0] for row in readings[0].rows] == ["no such event", *(f"drop-out 20%, {count}" for count in counts)]
    mu, k = np.log(2), -np.log(0.8)
    stays = mu / (mu + k) * (1 - 0.4) + 0.4
    rate = mu / (mu + k) * (1 - 0.4) / stays
    on = 3 * rate * (1 - rate) ** 2 + (1 - rate) ** 3
    assert table.rows[0][1] == f"{(3 + 3 * on) / stays:.1f}"


def test_nothing_is_said_of_time_without_a_clock():
    ds = compared()
    assert time_blocks(ds) == []
    assert summary_sentences(ds, ["3+3"]) == []


def test_the_whole_comparison_shows_table_pace_and_figure():
    document = comparison_document(compared(CLOCK))
    assert [b.name for b in blocks(Figure, document.blocks)][-1] == "duration"
    assert any("pace" in str(item) for block in blocks(Bullets, document.blocks) for item in block.items)
