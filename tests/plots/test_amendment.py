"""The figures of an amendment show the numbers of the data, with nothing cut off or written over."""

import re
from itertools import combinations

import numpy as np
import pytest
import xarray as xr
from comparison.test_readings import STUDY
from matplotlib.text import Text
from plots.test_plots import overlap, random_comparison, written

from doseopt.amendment.amend import amend
from doseopt.comparison.silences import MEASURES, silences
from doseopt.display.outlook import STUDY_MODEL
from doseopt.plots.amendment import conditional_figure, enrolment_needed_figure, summary_figure
from doseopt.plots.readings import silences_figure
from doseopt.plots.registered import looks_of
from doseopt.plots.save import save_figure
from doseopt.records.trial import Trial
from doseopt.study.file import load_study, parse_study

CONDITIONAL = ("correct_selection", "no_selection", "overdose_selection", "patients_below_mtd")
FIGURES = {"summary": summary_figure, "conditional": conditional_figure, "needed": enrolment_needed_figure}
BELIEFS = [STUDY_MODEL, "prior sd halved", "prior sd doubled", "model empiric", "the study's belief"]


def random_tree(designs, scenarios, levels=4, seed=1, long=False, outcomes="1N 2NNT"):
    """Make a tree of any size from random numbers; the last two designs differ by their planned enrolment only."""
    ds = random_comparison(designs, scenarios, levels, seed, long)
    rng = np.random.default_rng(seed)
    size = (designs, len(BELIEFS))
    dims = ("design", "belief")
    rates = ("correct_selection", "no_selection", "overdose_selection")
    average = xr.Dataset(
        {name: (dims, rng.random(size)) for name in rates}
        | {name: (dims, 5 * rng.random(size)) for name in ("patients_below_mtd", "further_dlts")},
        {"design": ds["design"], "belief": BELIEFS},
    )
    caps = np.arange(4, 41, 3)
    curve = np.sort(rng.uniform(0.1, 0.9, (designs, len(caps))), axis=1)
    curve[0, :2] = np.nan
    curve[-1] = curve[designs - 2]
    planned = rng.integers(8, 30, designs).astype(float)
    enrolment = xr.Dataset(
        {
            "correct_selection": (("design", "enrolment"), curve),
            "overdose_selection": (("design", "enrolment"), 0.4 * (1 - curve)),
            "patients_below_mtd": (("design", "enrolment"), 9 * curve),
            "planned_maximum": ("design", planned),
        },
        {"design": ds["design"], "enrolment": caps},
    )
    tree = xr.DataTree.from_dict({"now": ds, "start": ds, "average": average, "enrolment": enrolment})
    tree.attrs = {"registered": str(ds["design"].to_numpy()[designs // 2]), "outcomes": outcomes}
    return tree


@pytest.fixture(scope="module")
def over():
    """A trial that is over: nothing can be correct but no MTD, in every design."""
    return amend(load_study(), Trial.from_outcomes("1T 1TTT", load_study().doses), "BOIN 10", ["BOIN 13", "CRM 10"])


TREES = {
    "two designs, one scenario": random_tree(2, 1),
    "six designs, twelve scenarios": random_tree(6, 12, seed=2),
    "many scenarios": random_tree(5, 40, seed=3),
    "long names": random_tree(6, 12, seed=4, long=True),
    "prospective": random_tree(4, 3, seed=5, outcomes=""),
    "over": None,
}


def check_texts(figure):
    texts = written(figure)
    width, height = figure.get_size_inches() * figure.dpi
    assert len(texts) > 5
    assert [t for t, b in texts if b[0] < -0.5 or b[1] < -0.5 or b[2] > width + 0.5 or b[3] > height + 0.5] == []
    smaller = [(t, (b[0] + 0.5, b[1] + 0.5, b[2] - 0.5, b[3] - 0.5)) for t, b in texts]
    assert [(a[0], b[0]) for a, b in combinations(smaller, 2) if overlap(a[1], b[1])] == []
    assert width / figure.dpi == pytest.approx(6.3)
    assert height / figure.dpi < 14
    assert min(t.get_fontsize() for t in figure.findobj(Text)) >= 6.5


@pytest.mark.parametrize("name", FIGURES)
@pytest.mark.parametrize("case", TREES)
def test_no_text_overlaps_or_is_cut_off(name, case, over):
    check_texts(FIGURES[name](over if TREES[case] is None else TREES[case]))


def in_order(tree, node):
    """A node with the registered design first."""
    ds = tree[node].to_dataset()
    first = tree.attrs["registered"]
    return ds.sel(design=[first, *(name for name in ds["design"].to_numpy() if name != first)])


@pytest.mark.parametrize("case", ["two designs, one scenario", "six designs, twelve scenarios", "prospective"])
def test_the_summary_prints_the_averages_over_the_studys_model(case):
    tree = TREES[case]
    average = in_order(tree, "average")
    figure = summary_figure(tree)
    scales = {"correct_selection": 100, "overdose_selection": 100, "no_selection": 100}
    scales |= {"patients_below_mtd": 1, "further_dlts": 1}
    for ax, (name, scale) in zip(figure.axes, scales.items(), strict=True):
        expected = scale * average[name].sel(belief=STUDY_MODEL).to_numpy()
        assert [text.get_text() for text in ax.texts] == [f"{value:.1f}" for value in expected]
        marks = [line for line in ax.lines if line.get_marker() in ("s", "o")]
        np.testing.assert_allclose([line.get_xdata()[0] for line in marks], expected)
        assert [line.get_marker() for line in marks] == ["s", *"o" * (len(expected) - 1)]
        spread = [line.get_xdata() for line in ax.lines if line.get_marker() == "|"]
        rest = scale * average[name].sel(belief=BELIEFS[1:])
        np.testing.assert_allclose(spread, np.stack([rest.min("belief"), rest.max("belief")], axis=1))
    assert figure.axes[0].get_yticklabels()[0].get_text() == tree.attrs["registered"]
    said = " ".join(" ".join(text.get_text() for text in figure.texts).split())
    assert "Line: the lowest to the highest under 4 other beliefs." in said
    assert ("before the first patient" if case == "prospective" else "the data so far, 1N 2NNT") in said


def test_the_conditional_figure_prints_each_design_in_each_scenario():
    tree = TREES["six designs, twelve scenarios"]
    now = in_order(tree, "now")
    _, *axes = conditional_figure(tree).axes
    for ax, name in zip(axes, CONDITIONAL, strict=True):
        scale, digits = (1, 1) if name == "patients_below_mtd" else (100, 0)
        values = scale * now[name].transpose("design", "scenario").to_numpy()
        values = values[:, ~np.isnan(values).any(axis=0)]
        assert values.shape[1] == (12 if scale == 100 else (now["mtd"] >= 0).sum())
        assert [text.get_text() for text in ax.texts] == [f"{value:.{digits}f}" for value in values.ravel()]
        marks = [line for line in ax.lines if line.get_marker() not in ("None", "")]
        np.testing.assert_allclose([line.get_xdata() for line in marks], values)
        for d, value in enumerate(values):
            joins = np.concatenate([ends for ends, _ in joined(ax)[d]])
            expected = np.stack([values[0], value], axis=1)
            np.testing.assert_allclose(joins[np.lexsort(joins.T)], expected[np.lexsort(expected.T)])
    labels = [label.get_text().split("\n") for label in axes[0].get_yticklabels()]
    assert [first for first, _ in labels] == now["scenario"].to_numpy().tolist()
    mtd = now["mtd"].to_numpy()
    assert [second for _, second in labels] == ["no dose is right" if j < 0 else f"true MTD {j + 1}" for j in mtd]


def joined(ax):
    """Where the lines begin and end that join each design to the registered one, [line, 2], with their style."""
    lines = [line for line in ax.lines if line.get_linewidth() == 1.3]
    assert all(np.isnan(line.get_xdata().reshape(-1, 3)[:, 2]).all() for line in lines)  # they are parted
    each = [(line.get_xdata().reshape(-1, 3)[:, :2], line.get_linestyle()) for line in lines]
    return list(zip(each[::2], each[1::2], strict=True))


def test_solid_is_better_and_dotted_worse():
    tree = TREES["six designs, twelve scenarios"]
    now = in_order(tree, "now")
    right = (now["mtd"] >= 0).to_numpy()
    for ax, name in zip(conditional_figure(tree).axes[1:], CONDITIONAL, strict=True):
        scale = 1 if name == "patients_below_mtd" else 100
        values = scale * now[name].transpose("design", "scenario").to_numpy()
        known = ~np.isnan(values).any(axis=0)
        sign = np.broadcast_to(
            {"correct_selection": 1, "no_selection": np.where(right, -1, 1)}.get(name, -1), right.shape
        )
        for value, ((solid, line), (dotted, dots)) in zip(values, joined(ax), strict=True):
            assert line == "-" != dots
            better = sign * (value - values[0]) > 0
            for drawn, some in ((solid, better), (dotted, ~better)):
                np.testing.assert_allclose(drawn, np.stack([values[0], value], axis=1)[some & known])


def test_many_scenarios_are_means_by_true_mtd():
    tree = TREES["many scenarios"]
    now = in_order(tree, "now")
    ax = conditional_figure(tree).axes[1]
    mtd = now["mtd"].to_numpy()
    groups = [j for j in [*range(4), -1] if (mtd == j).any()]
    means = [100 * now["correct_selection"].to_numpy()[:, mtd == j].mean(axis=1) for j in groups]
    assert [text.get_text() for text in ax.texts] == [f"{value:.0f}" for value in np.stack(means, axis=1).ravel()]
    counts = [int(re.search(r"(\d+) scenarios?$", label.get_text())[1]) for label in ax.get_yticklabels()]
    assert counts == [(mtd == j).sum() for j in groups]


def test_from_the_start_the_figure_says_so():
    figure = conditional_figure(TREES["two designs, one scenario"], "start")
    assert "from the start of the trial" in " ".join(text.get_text() for text in figure.texts)


def test_the_enrolment_figure_has_one_line_for_designs_of_the_same_curve():
    tree = TREES["six designs, twelve scenarios"]
    ds = in_order(tree, "enrolment")
    average = 100 * tree["average"]["correct_selection"].sel(belief=STUDY_MODEL)
    ax, *costs = enrolment_needed_figure(tree).axes
    texts = [text.get_text() for text in ax.texts]
    for name in ds["design"].to_numpy().tolist():
        planned = f"{ds['planned_maximum'].sel(design=name).item():.0f}"
        called = name if planned in name else f"{name} (≤ {planned})"
        assert f"{called}: {average.sel(design=name).item():.0f}%" in texts
    ends = [text.split("\n") for text in texts if text.endswith(" with 40")]
    last = ds["correct_selection"].sel(enrolment=40)
    assert [names for *names, _ in ends] == [["D 3"], ["D 0"], ["D 1"], ["D 2"], ["D 4", "D 5"]]
    assert [reached for *_, reached in ends] == [
        f"{100 * last.sel(design=names[0]).item():.0f}% with 40" for names in ends
    ]
    line = next(line for line in ax.lines if line.get_linewidth() == 1.9)
    drawn = dict(zip(line.get_xdata().tolist(), line.get_ydata().tolist(), strict=True))
    exact = 100 * ds["correct_selection"].sel(design="D 3")
    planned = ds["planned_maximum"].sel(design="D 3").item()
    grid = {x: exact.sel(enrolment=x).item() for x in exact["enrolment"].to_numpy().tolist()}
    assert drawn == pytest.approx(grid | {planned: average.sel(design="D 3").item()})
    for cost, (name, factor) in zip(costs, (("overdose_selection", 100), ("patients_below_mtd", 1)), strict=True):
        shown = [line.get_ydata() for line in cost.lines]
        wanted = [factor * ds[name].sel(design=f"D {d}") for d in (3, 0, 1, 2, 4)]
        np.testing.assert_allclose(shown, wanted)


def test_without_planned_enrolments_nothing_is_marked():
    tree = random_tree(3, 2)
    tree["enrolment"] = xr.DataTree(tree["enrolment"].to_dataset().drop_vars("planned_maximum"))
    figure = enrolment_needed_figure(tree)
    assert [line for line in figure.axes[0].lines if line.get_marker() != "None"] == []
    assert "Markers" not in " ".join(text.get_text() for text in figure.texts)


def test_a_trial_that_is_over_is_all_or_nothing(over):
    _, *axes = conditional_figure(over).axes
    assert {text.get_text() for text in axes[1].texts} == {"100"}
    assert {text.get_text() for text in axes[2].texts} == {"0"}
    assert [text.get_text() for text in summary_figure(over).axes[2].texts] == ["100.0"] * 3
    assert [text.get_text() for text in summary_figure(over).axes[4].texts] == ["0.0"] * 3
    labels = [label.get_text() for label in axes[0].get_yticklabels()]
    assert labels[0] == "flat\ntrue MTD 4.5"


@pytest.fixture(scope="module")
def readings():
    return silences(parse_study(STUDY), "ATD 10")


def test_the_tornado_has_a_bar_and_a_number_for_each_reading(readings):
    figure = silences_figure(readings)
    check_texts(figure)
    scales = dict.fromkeys(("correct_selection", "overdose_selection"), (100, 1))
    scales |= {"patients_below_mtd": (1, 1), "sample_size": (1, 1)}
    used = readings["in_use"].to_numpy()
    order = np.argsort(-abs(readings["effect_correct_selection"].to_numpy()).round(9), kind="stable")
    factors = readings["factor"].to_numpy()[order]
    for ax, (name, (scale, digits)) in zip(figure.axes, scales.items(), strict=True):
        means = scale * readings[name].mean("scenario", skipna=False).to_numpy()
        rows = [k for f in factors for k in np.flatnonzero((readings["factor_of"] == f).to_numpy() & ~used)]
        expected = means[[k for k in rows if not np.isnan(means[k])]]
        base = means[used][0]
        assert [text.get_text() for text in ax.texts] == [f"{value:.{digits}f}" for value in expected]
        bars = [(box.x0, box.x1) for box in (path.get_extents() for path in ax.collections[0].get_paths())]
        np.testing.assert_allclose(bars, [sorted((base, value)) for value in expected], atol=1e-12)
        assert ax.get_title(loc="left").endswith(f"in use: {base:.{digits}f}")
    labels = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    in_use = [y for y, label in enumerate(labels) if label.endswith("(in use)")]
    for ax in figure.axes:
        (dots,) = (line for line in ax.lines if line.get_marker() == "o")
        assert dots.get_ydata().tolist() == in_use
    assert labels[labels.index("what the planned enrolment means") + 1 :][:2] == [
        "a hard cap of 10 (in use)",
        "an estimate: no cap",
    ]
    said = " ".join(" ".join(text.get_text() for text in figure.texts).split())
    assert "only together with another reading: a dose below one that is too toxic: declared as it stands." in said
    assert "means over 1 scenario." in said


def test_a_silence_without_a_reading_that_stands_alone_is_only_in_the_subtitle(readings):
    alone = readings["in_use"] | (readings["factor_of"] != "after_dlt")
    figure = silences_figure(readings.assign({name: readings[name].where(alone) for name in MEASURES}))
    check_texts(figure)
    assert "a titration dose with a DLT" not in [label.get_text() for label in figure.axes[0].get_yticklabels()]
    said = " ".join(" ".join(text.get_text() for text in figure.texts).split())
    assert "a titration dose with a DLT: 3 new patients count instead" in said


def test_the_same_bytes_twice(readings, tmp_path):
    tree = TREES["two designs, one scenario"]
    drawn = {name: lambda draw=draw: draw(tree) for name, draw in FIGURES.items()}
    drawn["silences"] = lambda: silences_figure(readings)
    for name, draw in drawn.items():
        first, second = (save_figure(draw(), tmp_path / folder, name) for folder in ("a", "b"))
        assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def test_no_two_designs_look_alike():
    tree = xr.DataTree()
    tree.attrs = {"registered": "r"}
    looks = looks_of(tree, ["r", *map(str, range(20))])
    assert len({(colour, marker) for colour, _, marker in looks}) == len({(c, str(line)) for c, line, _ in looks}) == 21
