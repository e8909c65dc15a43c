"""The swimmer plot: bars and marks are the days of the record, on every shape of trial."""

import datetime

import numpy as np
import pytest
from figure_checks import assert_legible, written
from records.record_files import DOSES, WINDOW, write

from doseopt.plots.swimmer import MARKS, swimmer_figure
from doseopt.records.outcomes import courses
from doseopt.records.record import read_record
from doseopt.scenarios.doses import Doses


@pytest.fixture
def record(tmp_path):
    return read_record(write(tmp_path), DOSES, WINDOW)


def large(folder, doses, each):
    """A record of many: every third dies, is transplanted or leaves, every fourth has a DLT or a serious event."""
    rng = np.random.default_rng(3)
    subjects, events = (
        ["USUBJID;DOSELEV;TRTSDT;SAFFL;DTHDT;TRANSDT;EOSDT"],
        ["USUBJID;AEDECOD;ASTDT;ATOXGR;DLTFL;AESER"],
    )
    start = datetime.date(2024, 1, 1)
    for k in range(doses * each):
        treated = start + datetime.timedelta(11 * k)
        ends = [""] * 3
        if k % 3 == 0:
            ends[k % 9 // 3] = treated + datetime.timedelta(int(rng.integers(0, 61)))
        subjects.append(f"S{k};{k // each + 1};{treated};Y;{';'.join(map(str, ends))}")
        if k % 4 == 0:
            onset, dlt = treated + datetime.timedelta(int(rng.integers(0, 28))), "NY"[k % 8 == 0 and k % 3 > 0]
            events.append(f"S{k};Fever;{onset};3;{dlt};Y")
    tables = {"adsl.csv": "\n".join(subjects), "adae.csv": "\n".join(events)}
    values = tuple(1.7**j for j in range(doses))
    return read_record(write(folder, tables), Doses(tuple(f"{v:.3g}" for v in values), values, "mg"), WINDOW)


def test_courses_are_those_of_the_record(record):
    """Until 20 May: S-1 left on day 60, S-2 is on day 40, S-3 transplanted on 18, S-4 on 35, S-5 begins."""
    found = courses(record)
    assert found["days"].values.tolist() == [60, 40, 18, 35, 0]
    assert found["end"].values.tolist() == ["over", "open", "transplantation", "open", "open"]
    assert found["pending"].values.tolist() == [False, False, False, False, True]
    marks = zip(*(found[name].values.tolist() for name in ("marked", "day", "kind")), strict=True)
    assert list(marks) == [(2, 10, "dlt"), (3, 13, "serious")]


def test_a_death_on_the_last_day_shown_is_shown(tmp_path):
    record = read_record(write(tmp_path, adsl=("CLF,,,,2024-04-30", "CLF,,2024-04-30,,")), DOSES, WINDOW)
    assert courses(record)["end"].values.tolist()[0] == "death"
    assert courses(record, until=59)["end"].values.tolist()[0] == "over"


def bars(ax):
    """Row and length of each bar, and whether it is hatched."""
    each = [(path.get_extents(), bool(c.get_hatch())) for c in ax.collections for path in c.get_paths()]
    return sorted((round((box.y0 + box.y1) / 2, 9), box.x1, hatched) for box, hatched in each)


def test_bars_and_marks_are_drawn_where_they_are(record):
    figure = swimmer_figure(courses(record))
    _, first, second = figure.axes
    assert bars(first) == [(0, 60, False)]
    assert bars(second) == [(0, 40, False), (1, 18, False), (2, 35, False), (3, 0, True)]
    lines = [line for line in second.lines if line.get_marker() != "None"]
    drawn = {(line.get_marker(), *point) for line in lines for point in zip(*line.get_data(), strict=True)}
    look = {kind: one["marker"] for kind, (_, one) in MARKS.items()}
    ends = {(look["open"], 40, 0), (look["transplantation"], 18, 1), (look["open"], 35, 2), (look["open"], 0, 3)}
    assert drawn == ends | {(look["dlt"], 10, 0), (look["serious"], 13, 1)}


@pytest.mark.parametrize(("doses", "each"), [(1, 1), (4, 6), (7, 3), (3, 20)])
def test_every_shape_of_trial(tmp_path, doses, each):
    figure = swimmer_figure(courses(large(tmp_path, doses, each)))
    texts = [text for text, _ in written(figure)]
    assert sum(text.endswith("subject)") or text.endswith("subjects)") for text in texts) == doses
    assert_legible(figure)


def test_many_subjects_of_a_dose_are_one_area_sorted_by_how_their_follow_up_ended(tmp_path):
    """The area is the days of all; deaths stand last, at their days, and each end that is marked stands once."""
    ds = courses(large(tmp_path, 2, 200))
    figure = swimmer_figure(ds)
    assert figure.get_size_inches()[1] < 8
    assert_legible(figure)
    assert "More than 140 subjects" in " ".join(text for text, _ in written(figure)).replace("\n", " ")
    for level, ax in enumerate(figure.axes[1:]):
        here = ds.isel(subject=ds["level"].values == level)
        corners = [path.vertices for area in ax.collections for path in area.get_paths()]
        shoelace = [abs((x * np.roll(y, -1) - np.roll(x, -1) * y).sum()) / 2 for x, y in (c.T for c in corners)]
        assert sum(shoelace) == pytest.approx(here["days"].sum().item())
        marked = {line.get_marker(): line.get_xdata() for line in ax.lines if line.get_marker() != "None"}
        for kind in ("death", "transplantation", "left"):
            wanted = here["days"].values[here["end"].values == kind]
            assert sorted(marked[MARKS[kind][1]["marker"]]) == sorted(wanted.tolist())
        assert MARKS["serious"][1]["marker"] not in marked


def test_doses_without_values_are_named(tmp_path):
    record = read_record(write(tmp_path), Doses(("0.15", "0.5", "1.5")), WINDOW)
    assert "dose 0.5 (4 subjects)" in [text for text, _ in written(swimmer_figure(courses(record)))]


def test_the_unit_of_a_dose_has_its_power_of_ten(record):
    texts = [text for text, _ in written(swimmer_figure(courses(record)))]
    assert "0.15 ×10⁹ cells (1 subject)" in texts
    assert "5, pending" in texts
