"""What not waiting gains, in sentences and a table, from made-up numbers."""

import numpy as np
import pytest
import xarray as xr

from doseopt.reports.sections.not_waiting import gains, not_waiting, pace_blocks

MONTH = 30.4375
PACES = [0.5, 1.0, 2.0, 4.0]


def made(saved, correct, overdose=(0.0,) * 4, error=0.0, paces=PACES, own=0):
    """W takes 20 months at every pace; T saves so many, and selects so many points more, in two scenarios."""
    month = np.array([[[20.0] * 2, [20.0 - s] * 2] for s in saved])
    gain = {"correct": np.array(correct) / 100, "overdose": np.array(overdose) / 100}
    ds = xr.Dataset(coords={"design": ["W", "T"], "scenario": ["a", "b"], "waits_as": ("design", ["", "W"])})
    ds.attrs.update(window=28.0, arrivals_per_window=PACES[own] * 28 / MONTH)
    ds["duration"] = (("design", "scenario"), MONTH * month[own])
    for which, value in gain.items():
        ds[f"{which}_gain"] = ("design", [np.nan, value[own]])
        ds[f"{which}_gain_mcse"] = ("design", [np.nan, error / 100])
    if paces:
        ds = ds.assign_coords(pace=paces)
        ds["duration_at_pace"] = (("pace", "design", "scenario"), MONTH * month)
        for which, value in gain.items():
            both = np.array([[0.5, 0.5 + v] for v in value])
            ds[f"{which}_gain_at_pace"] = (("pace", "design"), both - 0.5)
            ds[f"{which}_gain_at_pace_mcse"] = (("pace", "design"), np.full(both.shape, error / 100))
            name = f"{which}_selection_at_pace"
            ds[name] = (("pace", "design", "scenario"), np.repeat(both[..., None], 2, axis=2))
    return ds


def test_what_is_gained_at_the_own_pace():
    ds = made([4.0, 3, 2, 1], [-0.5, 0, 0, 0], [1.25, 0, 0, 0])
    assert not_waiting(ds)[0] == (
        "At 0.5 patients a month T, which does not wait, saves 4.0 months (20%) over W, with 0.5 points less correct "
        "and 1.2 points more overdose selection."
    )
    simulated = not_waiting(made([-1.0, 0, 0, 0], [0.04] * 4, error=0.123))[0]
    assert simulated == (
        "At 0.5 patients a month T, which does not wait, takes 1.0 months (5%) more than W, with as much correct and "
        "as much overdose selection (of the same simulated patients, standard error 0.1)."
    )


@pytest.mark.parametrize(
    ("saved", "correct", "overdose", "where"),
    [
        ([1, 2, 3, 4], [0, 0, 0, -1.9], [0] * 4, "from 2 on"),
        ([4, 3, 2, 1], [0] * 4, [0] * 4, "up to 1"),
        ([1, 1, 1, 1], [0] * 4, [0] * 4, "at none"),
        ([3, 3, 3, 3], [0] * 4, [-5] * 4, "at all"),
        ([3, 3, 3, 3], [0, -2.1, 0, 0], [0] * 4, "at 0.5, 2 and 4"),
        ([3, 3, 3, 3], [0] * 4, [0, 0, 2.1, 0], "at 0.5, 1 and 4"),
    ],
)
def test_where_it_pays(saved, correct, overdose, where):
    text = not_waiting(made(saved, correct, overdose))[1]
    assert f"Of 0.5, 1, 2 and 4 patients a month, not waiting pays for T {where}. It pays where it saves" in text
    assert f"Months saved: T {saved[0]:.1f} ({5 * saved[0]}%) at 0.5 and {saved[3]:.1f} ({5 * saved[3]}%) at 4." in text


def test_nothing_saved_is_said_without_a_sign():
    text = not_waiting(made([-0.01, 0, 0, -0.04], [-0.01] * 4))
    assert text[0].startswith(
        "At 0.5 patients a month T, which does not wait, takes as long as W, with as much correct"
    )
    assert text[1].endswith("Months saved: T 0.0 (0%) at 0.5 and 0.0 (0%) at 4.")
    assert pace_blocks(made([-0.01] * 4, [-0.01] * 4))[1].rows[0][4:] == ("0.0", "0", "0.0", "0.0")


def test_one_pace_says_nothing_of_others_and_listed_arrivals_have_none():
    ds = made([4.0] * 4, [0.0] * 4, paces=[])
    assert len(not_waiting(ds)) == 1
    del ds.attrs["arrivals_per_window"]
    assert not_waiting(ds)[0].startswith("T, which does not wait, saves 4.0 months")
    assert [np.isnan(gain.pace) for gain in gains(ds)] == [True]


def test_nothing_is_said_without_numbers():
    ds = made([4.0] * 4, [0.0] * 4, paces=[])
    for lacking in (ds.drop_vars("correct_gain"), ds.assign(duration=ds["duration"] * np.nan)):
        assert not_waiting(lacking) == gains(lacking) == pace_blocks(lacking) == []


def test_the_table_has_a_row_a_pace_and_marks_where_it_pays():
    selection, gained = pace_blocks(made([4, 3, 2, 1], [1.0] * 4, [-0.5] * 4, error=0.2))
    assert selection.rows[1] == ("T", *["51.0"] * 4, *["49.5"] * 4)
    assert gained.rows[1] == ("T", "W", "1", "20.0", "3.0", "15", "+1.0", "-0.5")
    assert gained.marked == {(0, 4), (1, 4)}
    assert gained.notes[1].endswith("standard error at most 0.2.")
