"""Figures of endpoints: lines, marks and numbers are those of the record, legible on every shape of trial."""

import datetime

import numpy as np
import pytest
from figure_checks import assert_legible, written
from plots.test_swimmer import large
from records.record_files import DOSES, WINDOW, write

from doseopt.conduct.improvement import improvement_by_dose
from doseopt.conduct.survival import survival_curve
from doseopt.endpoints.historical import Historical
from doseopt.plots.improvement import improvement_figure
from doseopt.plots.liver import liver_figure
from doseopt.plots.survival_curve import survival_figure
from doseopt.records.liver import liver_courses
from doseopt.records.record import read_record

CONTROLS = Historical(60, 130, 200, "made up")
SHAPES = [(1, 1), (4, 6), (7, 3), (7, 1), (4, 60)]


@pytest.fixture
def record(tmp_path):
    return read_record(write(tmp_path), DOSES, WINDOW)


def measured(folder, doses, each):
    """A large record with visits to the end of each subject's course, and improvement but at the fourth dose."""
    bare = large(folder, doses, each)
    rng = np.random.default_rng(5)
    values, answers = ["USUBJID;ADT;AVISITN;PARAMCD;AVAL;AVALU"], ["USUBJID;AVISITN;PARAMCD;AVALC"]
    for s in bare.subjects:
        last = min((d for d in (s.death, s.transplantation, s.end) if d), default=datetime.date.max)
        bilirubin = rng.uniform(3, 20)
        for visit in (0, 7, 14, 28, 60):
            date = s.treated + datetime.timedelta(visit)
            bilirubin *= rng.uniform(0.75, 1.1)
            drawn = {"BILI": (bilirubin, "mg/dL"), "INR": (1 + bilirubin / 10, ""), "CREAT": (1.3, "mg/dL")}
            drawn |= {"SODIUM": (132, "mmol/L"), "ALB": (3, "g/dL")}
            if date <= last:
                values += [f"{s.name};{date};{visit};{code};{v:.3f};{unit}" for code, (v, unit) in drawn.items()]
        if s.level != 3:
            answers.append(f"{s.name};28;IMPROVED;{'YN'[int(rng.random() > 0.2 + 0.08 * s.level)]}")
    for name, rows in (("adlb.csv", values), ("adeff.csv", answers)):
        (folder / name).write_text("\n".join(rows), encoding="utf-8")
    head, *subjects = (folder / "adsl.csv").read_text(encoding="utf-8").split("\n")
    sexed = [f"{head};SEX", *(f"{row};F" for row in subjects)]
    (folder / "adsl.csv").write_text("\n".join(sexed), encoding="utf-8")
    return read_record(folder, bare.doses, WINDOW)


@pytest.mark.parametrize(("doses", "each"), SHAPES)
def test_every_shape_of_trial_is_legible(tmp_path, doses, each):
    record = measured(tmp_path, doses, each)
    for figure in (
        survival_figure(survival_curve(record, CONTROLS)),
        liver_figure(liver_courses(record)),
        improvement_figure(improvement_by_dose(record)),
    ):
        assert_legible(figure)


def test_survival_is_drawn_with_its_numbers(record):
    """Nobody of five died; one was followed to day 60: a beta product from 2.5% on."""
    figure = survival_figure(survival_curve(record, CONTROLS))
    (ax,) = figure.axes
    _, curve, *_ = ax.lines
    assert curve.get_xydata().tolist() == [[0, 100], [60, 100]]
    texts = [text for text, _ in written(figure)]
    assert "treated on day 60:\n100% (3 to 100%)" in texts
    assert any(text.startswith("controls on day 60:\n65% (58 to 7") for text in texts)


def test_without_controls_there_is_no_band(record):
    figure = survival_figure(survival_curve(record))
    assert not any("controls" in text for text, _ in written(figure))


def test_a_curve_that_is_not_followed_to_the_day_says_so(record):
    early = record.until(record.subjects[0].treated.replace(day=19))
    texts = [text for text, _ in written(survival_figure(survival_curve(early, CONTROLS)))]
    assert "treated:\nfollowed to day 18" in texts


def test_a_line_a_subject_in_the_panel_of_its_dose(tmp_path):
    ds = liver_courses(measured(tmp_path, 4, 3))
    figure = liver_figure(ds)
    panels = figure.axes[1:]
    assert len(panels) == 3 * 4
    for k, ax in enumerate(panels):
        score, level = ds["score"].values[k // 4], k % 4
        (lines,) = ax.collections
        assert len(lines.get_segments()) == 3
        drawn = np.concatenate(lines.get_segments())[:, 1]
        wanted = ds["value"].sel(score=score).values[ds["level"].values == level]
        assert drawn.tolist() == wanted.tolist()


def test_improvement_is_drawn_where_it_is(record):
    ds = improvement_by_dose(record)
    figure = improvement_figure(ds)
    ax = figure.axes[1]
    observed, averaged, unseen = ax.lines
    assert observed.get_xdata().tolist() == [100, 0]
    assert averaged.get_xdata() == pytest.approx(100 * ds["mean"].values[:2])
    assert unseen.get_xdata() == pytest.approx(100 * ds["mean"].values[2:])
    texts = [text for text, _ in written(figure)]
    assert {"1 of 1 (3 to 100%)", "0 of 1 (0 to 98%)", "nobody assessed"} <= set(texts)


def test_of_many_subjects_medians_and_bands_are_drawn(tmp_path):
    ds = liver_courses(measured(tmp_path, 1, 50))
    figure = liver_figure(ds)
    assert_legible(figure)
    panels = figure.axes[1:]
    for ax, score in zip(panels, ds["score"].values, strict=True):
        wide, middle = (area.get_paths()[0].vertices for area in ax.collections)
        (median,) = ax.lines
        for day, height in median.get_xydata():
            here = ds["value"].sel(score=score).values[ds["day"].values == day]
            assert height == pytest.approx(np.nanmedian(here))
            for area, limits in ((wide, (0.1, 0.9)), (middle, (0.25, 0.75))):
                at = area[area[:, 0] == day, 1]
                assert [at.min(), at.max()] == pytest.approx(np.nanquantile(here, limits))
