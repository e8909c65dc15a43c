"""What a comparison says of time: a table, what the pace implies, and a sentence for the first page."""

import numpy as np
import pytest

from doseopt import Simulate
from doseopt.comparison.compare import compare
from doseopt.core.parameters import Faults
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
    # the second three come at 70, 84, 98 and could at 56, 70, 84
    assert "by 7 of 98 days, 7%, at the most (3+3)" in gain
    assert "gains little at this pace" in pace(compared(CLOCK.replace("per_window = 2", "per_window = 0.5")))[1]
    queue = pace(compared(CLOCK.replace(ACCRUAL, "accrual = { per_window = 2 }\nclosed = { queue = 6 }")))
    assert "would be 2 on average" in queue[0]
    assert "gains little at this pace" in queue[1]  # who could be enrolled at once waits in the queue


def test_the_sentence_of_the_first_page():
    (sentence,) = summary_sentences(compared(CLOCK), ["3+3"])
    assert sentence.endswith("at the stated pace: 130 days with 3+3 (by the registered date in 100% of trials).")


def test_patients_enrolled_where_some_are_replaced():
    *readings, table = blocks(Table, time_blocks(compared(REPLACED)))
    counts = ("counted as a DLT", "replaced*", "counted as completed without DLT", "left out and not replaced")
    assert readings[0].head == ("", "3+3")
    assert [row[0] for row in readings[0].rows] == ["no such event", *(f"drop-out 20%, {count}" for count in counts)]
    mu, k = np.log(2), -np.log(0.8)
    stays = mu / (mu + k) * (1 - 0.4) + 0.4
    rate = mu / (mu + k) * (1 - 0.4) / stays
    on = 3 * rate * (1 - rate) ** 2 + (1 - rate) ** 3
    assert table.rows[0][1] == f"{(3 + 3 * on) / stays:.1f}"


def test_times_of_trials_that_are_simulated_as_a_whole_are_drawn_beside_exact_ones():
    ds = compare(parse_study(STUDY + CLOCK), Simulate(trials=50))
    assert "Simulated, since trials are simulated as a whole" in time_blocks(ds)[0].text
    (exact,) = compared(CLOCK)["duration"].values.ravel()
    assert abs(ds["duration"].item() - exact) < 4 * ds["duration_mcse"].item()


def test_nothing_is_said_of_time_without_a_clock():
    ds = compared()
    assert time_blocks(ds) == []
    assert summary_sentences(ds, ["3+3"]) == []


def test_the_whole_comparison_shows_table_pace_and_figure():
    document = comparison_document(compared(CLOCK))
    assert [b.name for b in blocks(Figure, document.blocks)][-1] == "duration"
    assert any("pace" in str(item) for block in blocks(Bullets, document.blocks) for item in block.items)


def made(*replacements):
    """The paragraph above the table."""
    table = CLOCK
    for old, new in replacements:
        assert old in table
        table = table.replace(old, new)
    return time_blocks(compared(table))[0].text


ACCRUAL = 'accrual = { kind = "fixed", per_window = 2 }'


def test_it_is_said_what_is_exact_and_what_is_waited_for():
    assert made().endswith("The first patient's wait counts. Exact.")
    queue = made((ACCRUAL, "accrual = { per_window = 2 }\nclosed = { queue = 2 }"))
    assert "waits if fewer than 2 do, and is lost otherwise" in queue
    assert queue.endswith("Exact.")
    resolved = made((ACCRUAL, f'{ACCRUAL}\nevaluate = "resolved"'))
    assert "until every patient of a cohort has had a DLT or has come to the end of the window" in resolved
    assert "Simulated, since cohorts are decided on once they are resolved (4,000 trials" in resolved
    assert "seed 1; standard error of a mean at most" in resolved
    means = made((ACCRUAL, 'accrual = { per_window = 2 }\nevaluate = "resolved"'))
    assert "Means are exact; quantiles and probabilities are simulated, since cohorts are decided" in means
    uniform = made((ACCRUAL, 'accrual = { kind = "uniform", per_window = 2 }'))
    assert "at gaps that are uniform up to twice their mean" in uniform
    assert "Simulated, since gaps are uniform (4,000" in uniform


PENDING = {
    "{ per_window = 2 }": ("2 patients arrive", "2"),
    '{ kind = "fixed", per_window = 2.5 }': ("2.5 patients arrive", "2"),  # of 11.2 and 22.4 days ago
    '{ kind = "bernoulli", per_slot = 0.5 }': ("2 patients arrive", "1.5"),  # of three slots before, each with 1/2
    '{ kind = "uniform", per_window = 1 }': ("1 patients arrive", "0.65"),  # exp(1/2) - 1
    '{ kind = "dates", dates = [0, 10, 30, 38, 66, 94, 122, 150, 178] }': ("If enrolment", "0.33"),  # 1, 1, 1 of 9
}


@pytest.mark.parametrize("accrual", PENDING)
def test_who_is_pending_at_an_arrival(accrual):
    first, pending = PENDING[accrual]
    found, _ = pace(compared(CLOCK.replace(ACCRUAL, f"accrual = {accrual}")))
    assert found.startswith(first)
    assert found.endswith(f"would be {pending} on average.")


def test_too_few_dates_are_said_with_all_designs():
    table = CLOCK.replace(ACCRUAL, 'accrual = { kind = "dates", dates = [0, 10, 20, 60, 70] }')
    with pytest.raises(Faults) as caught:
        compared(table)
    (fault,) = caught.value.faults
    assert fault.where == "clock.accrual.dates"
    assert "wanted more arrivals than the 5 listed" in fault.message
    assert "'3+3' (up to 6 patients)" in fault.message
