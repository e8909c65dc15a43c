"""The text fits its width and says what the Dataset says; the long format holds every number once."""

import dataclasses
import io

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

from doseopt.comparison.compare import compare
from doseopt.display.labels import dose_labels, shortened
from doseopt.engines.simulate import Simulate
from doseopt.reports.frames import tidy
from doseopt.reports.render.document import MARK, Table
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.comparison import comparison_document
from doseopt.reports.sections.findings import findings
from doseopt.reports.sections.measures import best
from doseopt.scenarios.specs import RandomScenarios
from doseopt.study.file import load_study


def hand_made(selection, acceptable, *, cap, fewest, engine="exact", planned=10, names=None, error=0.0):
    """Make a small comparison, [design, scenario, dose], from selection probabilities."""
    selection, acceptable = np.array(selection, float), np.array(acceptable, bool)
    d, s, j = selection.shape
    highest = np.where(acceptable, np.arange(j), -1).max(axis=1)
    none = 1 - selection.sum(axis=2)
    correct = (selection * acceptable).sum(axis=2) + none * ~acceptable.any(axis=1)
    over = (selection * (np.arange(j) > highest[:, None])).sum(axis=2)
    size = np.broadcast_to(np.nan_to_num(np.array(cap, float), nan=14.25)[:, None], (d, s))
    values = {
        "selection": (("design", "scenario", "dose"), selection, "1"),
        "no_selection": (("design", "scenario"), none, "1"),
        "correct_selection": (("design", "scenario"), correct, "1"),
        "overdose_selection": (("design", "scenario"), over, "1"),
        "sample_size": (("design", "scenario"), size, "patients"),
        "total_dlts": (("design", "scenario"), size * 0.2, "patients"),
        "patients_above_mtd": (("design", "scenario"), size * 0.1, "patients"),
    }
    variables = {name: (dims, array, {"units": unit}) for name, (dims, array, unit) in values.items()}
    variables |= {f"{name}_mcse": (dims, 0 * a + error, {"units": u}) for name, (dims, a, u) in values.items()}
    variables |= {
        "fewest_patients": (("design", "dose"), np.array(fewest, float), {"units": "patients"}),
        "planned_maximum": ("design", np.array(cap, float), {"units": "patients"}),
        "p_dlt": (("scenario", "dose"), np.linspace(0.05, 0.6, s * j).reshape(s, j), {"units": "1"}),
        "acceptable": (("scenario", "dose"), acceptable),
        "mtd": ("scenario", highest),
    }
    coords = {
        "design": names or [f"D{k}" for k in range(d)],
        "scenario": [f"truth {k}" for k in range(s)],
        "dose": ["10", "30", "90"][:j],
        "dose_value": ("dose", [10.0, 30.0, 90.0][:j], {"units": "mg"}),
    }
    attrs = {"title": "A trial", "target": 0.25, "mtd_rule": "Correct selection: so.", "planned_enrolment": planned}
    attrs |= {"engine": engine, "version": "0", "study": "s", "study_hash": "h", "registry": ""}
    return xr.Dataset(variables, coords, attrs | ({"trials": 400, "seed": 7} if engine == "simulated" else {}))


NEVER = float("nan")
RIGHT = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
SMALL = hand_made(
    [
        [[0.1, 0.2, 0.0], [0.1, 0.3, 0.0], [0.2, 0.0, 0.0]],
        [[0.1, 0.6004, 0.1], [0.0, 0.2, 0.7], [0.5, 0.1, 0.0]],
        [[0.2, 0.6, 0.2], [0.0, 0.3, 0.7], [0.6, 0.4, 0.0]],
    ],
    RIGHT,
    cap=[10, 10, NEVER],
    fewest=[[9, 10, NEVER], [10, 10, 10], [9, 10, 13]],
    names=["3+3 capped", "CRM", "3+3 free"],
)


def said(ds, width=100):
    return terminal_text(comparison_document(ds), width)


@pytest.fixture(scope="module")
def study():
    return load_study("renji-elo-first")


@pytest.fixture(scope="module")
def bundled(study):
    return compare(study)


def lines_of(text, start):
    """The lines of a section, by the start of its heading."""
    lines = text.split("\n")
    first = next(k for k, line in enumerate(lines) if line.startswith(start))
    rest = lines[first + 1 :]
    return rest[: rest.index("")] if "" in rest else rest


def test_every_line_fits_and_no_line_ends_in_a_space(bundled, study):
    long = bundled.assign_coords(
        design=[f"A design whose name says far too much about it, number {k}" for k in range(8)],
        scenario=[f"a scenario 名前 with a name of no modest length, number {k}" for k in range(11)],
    )
    simulated = compare(
        dataclasses.replace(study, designs=dict(list(study.designs.items())[:2])), Simulate(trials=50, seed=1)
    )
    many = compare(
        dataclasses.replace(
            study,
            designs=dict(list(study.designs.items())[:3]),
            scenario_specs={"random": RandomScenarios("paoletti", 200, 1)},
        )
    )
    for ds in (bundled, long, simulated, many, SMALL, SMALL.isel(design=[0], scenario=[1])):
        for width in (100, 80):
            file = io.StringIO()
            Console(file=file, width=200).print(said(ds, width), soft_wrap=True)
            printed = file.getvalue().rstrip("\n").split("\n")
            wide = [line for line in printed if sum(1 + (ord(c) > 0x2E80) for c in line) > width]
            assert not wide
            assert not [line for line in printed if line != line.rstrip()]
            assert len(printed) > 20


def test_plain_text_without_a_terminal(bundled):
    file = io.StringIO()
    Console(file=file).print(said(bundled), soft_wrap=True)
    assert file.getvalue().rstrip("\n") == said(bundled).plain
    assert "\x1b" not in file.getvalue()
    assert file.getvalue().isascii()


def test_the_best_of_each_column_is_marked_as_printed():
    text = said(SMALL).plain
    correct = lines_of(text, "Correct selection (")
    assert [row.split() for row in correct if row[:1] in "3C"] == [
        ["3+3", "capped", "20.0", "0.0", "80.0*", "33.3"],
        ["CRM", "60.0*", "70.0*", "40.0", "56.7*"],  # 60.04 and 60.00 print alike
        ["3+3", "free", "60.0*", "70.0*", "0.0", "43.3"],
    ]
    overdose = lines_of(text, "Overdose selection")
    assert [row.split()[-4:] for row in overdose if row[:1] in "3C"] == [
        ["0.0*", "0.0", "20.0*", "6.7*"],  # nothing to mark where all are equal
        ["10.0", "0.0", "60.0", "23.3"],
        ["20.0", "0.0", "100.0", "40.0"],
    ]
    assert "*" not in "".join(lines_of(text, "Expected patients (nothing"))


def test_selecting_none_is_best_where_nothing_else_is_right():
    none = lines_of(said(SMALL).plain, "No selection")
    assert [row.split()[-4:] for row in none if row[:1] in "3C"] == [
        ["70.0", "60.0", "80.0*", "65.0"],
        ["20.0", "10.0", "40.0", "15.0"],
        ["0.0*", "0.0*", "0.0", "0.0*"],
    ]


@pytest.mark.parametrize(
    ("values", "direction", "marked"),
    [
        ([1.0, 3.0, 3.0], 1, [1, 2]),
        ([1.0, 3.0, np.nan], -1, [0]),
        ([2.0, 2.0], 1, []),
        ([5.0], 1, []),
        ([1.0, 2.0], 0, []),
    ],
)
def test_what_is_marked(values, direction, marked):
    assert best(np.array(values), direction) == marked


def test_a_few_scenarios_get_a_column_each_and_many_a_summary():
    many = hand_made(
        np.tile([[[0.5, 0.2, 0.1]], [[0.1, 0.2, 0.6]]], (1, 13, 1)),
        [[1, 0, 0]] * 5 + [[0, 0, 1]] * 8,
        cap=[10, 10],
        fewest=np.full((2, 3), 9),
    )
    correct = lines_of(said(many).plain, "Correct selection (")
    assert correct[0].split() == ["mean", "min", "Q1", "median", "Q3", "max"]
    assert correct[2].split() == ["D0", "25.4", "10.0", "10.0", "10.0", "50.0", "50.0"]
    assert correct[3].split() == ["D1", "40.8*", "10.0", "10.0", "60.0*", "60.0*", "60.0*"]
    few = lines_of(said(many.isel(scenario=range(12))).plain, "Correct selection (")
    assert few[0].split() == [*"abcdefghijkl", "mean"]


def test_each_selection_probability_is_in_the_text(bundled):
    text = said(bundled).plain
    section = text[text.index("Selection of no dose") : text.index("Posterior DLT rates at each dose")]
    rows = [line.split() for line in section.split("\n") if line.startswith("CRM 25")]
    shown = [float(v.removesuffix(MARK)) for row in rows for v in row[2:]]
    none, each = bundled["no_selection"].sel(design="CRM 25"), bundled["selection"].sel(design="CRM 25")
    np.testing.assert_allclose(shown, 100 * np.column_stack([none, each]).ravel(), atol=0.0501)


def test_simulated_results_say_so():
    ds = hand_made([[[0.2, 0.5, 0.1]]], [[0, 1, 0]], cap=[10], fewest=[[NEVER] * 3], engine="simulated", error=0.0123)
    text = said(ds).plain
    assert "simulated: 400 trials a scenario, seed 7" in text
    assert "Largest Monte Carlo standard error: 1.23 percentage points" in text
    assert "Largest Monte Carlo standard error: 0.012 patients" in text
    assert findings(ds) == []  # trials that did not happen to declare a dose do not show that none can
    assert "Monte Carlo standard error" not in said(SMALL).plain


def test_findings():
    assert findings(SMALL) == [
        "3+3 capped stops at the 10 patients planned and cannot declare 90 mg the MTD under any truth. "
        "In the 2 scenarios with a right dose it declares none in 60.0% to 70.0% of trials, in 2 of the 2 in more than "
        "half. 3+3 free, without a cap, needs at least 13 patients to declare 90 mg. "
        "With the same cap, CRM can declare it.",
        "CRM selects correctly most often, in 56.7% of trials, averaged over the 3 scenarios; it is ahead or level in "
        "2 (3+3 capped in 1, 3+3 free in 2). Its price: 23.3% overdose, 10.0 patients, 2.0 with a "
        "DLT, 1.0 above the MTD.",
        "Averaged over the 3 scenarios, the designs capped at the 10 patients planned select correctly: "
        "CRM in 56.7% (overdose 23.3%) and 3+3 capped in 33.3% (overdose 6.7%) of trials.",
    ]


def test_findings_say_no_more_than_the_numbers():
    only = SMALL.isel(design=[0], scenario=[2])
    assert findings(only) == [
        "3+3 capped stops at the 10 patients planned and cannot declare 90 mg the MTD under any truth."
    ]
    free = SMALL.isel(design=[2])
    assert findings(free) == []
    assert "Findings" not in said(free).plain
    twice = hand_made([[[0.2, 0, 0]]], [[0, 1, 0]], cap=[12], fewest=[[9, NEVER, NEVER]])
    assert findings(twice) == [
        "D0 stops at 12 patients and cannot declare 30 or 90 mg the MTD under any truth. "
        "In the one scenario with a right dose it declares none in 80.0% of trials."
    ]


def test_the_registered_protocol_cannot_declare_its_top_dose(bundled):
    _, first, *_ = findings(bundled)
    assert first.startswith("ATD+3+3 cap 10 stops at the 10 patients planned and cannot declare 4.5 x10^9 cells")
    assert "ATD+3+3 uncapped, without a cap, needs at least 13 patients" in first


def test_dose_labels():
    values = {"dose_value": ("dose", [1.5e8, 4.5e9], {"units": "cells"})}
    assert dose_labels(xr.Dataset(coords={"dose": ["0.15", "4.5"], **values})) == (["0.15", "4.5"], "x10^9 cells")
    assert dose_labels(xr.Dataset(coords={"dose": ["low", "high"], **values}))[0][1] == "high (4.5e+09 cells)"
    assert dose_labels(xr.Dataset(coords={"dose": ["1", "2"], **values}))[0][0] == "1 (1.5e+08 cells)"
    assert dose_labels(xr.Dataset(coords={"dose": ["1", "2"]})) == (["level 1", "level 2"], "")


@pytest.mark.parametrize("width", [6, 9, 14, 20])
def test_shortened_labels_fit_and_differ(width):
    labels = ["CRM 10", *(f"the same start, variant {k} of the same end" for k in range(20)), "the sa..end", "x" * 50]
    short = shortened(labels, width)
    assert len(set(short)) == len(labels)
    assert all(len(label) <= width for label in short)
    assert short[0] == "CRM 10"


def test_tidy_has_every_number_once(bundled):
    frame = tidy(bundled)
    assert list(frame.columns) == ["design", "scenario", "dose", "measure", "value", "mcse", "units", "engine"]
    assert not frame.duplicated(["design", "scenario", "dose", "measure"]).any()
    indexed = frame.set_index(["measure", "design", "scenario", "dose"]).sort_index()
    for name in ("selection", "patients"):
        for d in ("CRM 13", "ATD+3+3 uncapped"):
            for dose in ("0.15", "4.5"):
                row = indexed.loc[(name, d, "mild", dose)]
                assert row["value"] == float(bundled[name].sel(design=d, scenario="mild", dose=dose))
                assert row["units"] == bundled[name].attrs["units"]
                assert row["mcse"] == 0
    assert (frame["measure"] == "selection").sum() == 8 * 11 * 4
    assert indexed.loc[("correct_selection", "BOIN 25", "flat", ""), "value"] == float(
        bundled["correct_selection"].sel(design="BOIN 25", scenario="flat")
    )
    assert indexed.loc[("sample_size_quantile[0.5]", "BOIN 25", "flat", ""), "value"] == 25
    reason = str(bundled["stop_reason"].to_numpy()[0])
    assert indexed.loc[(f"stopped[{reason}]", "CRM 10", "flat", ""), "value"] == float(
        bundled["stopped"].sel(design="CRM 10", scenario="flat", stop_reason=reason)
    )
    assert indexed.loc[("acceptable", "", "mild", "4.5"), "value"] == 1


def test_other_observed_rates_are_mentioned():
    assert "p_observed" not in said(SMALL.assign(p_observed=SMALL["p_dlt"])).plain
    shifted = SMALL["p_dlt"] + xr.DataArray([0.0, 0.01, 0.01], dims="scenario")
    text = said(SMALL.assign(p_observed=shifted)).plain
    assert "In 2 scenarios DLTs are recorded at other rates than the true ones (p_observed)." in text


def test_a_table_wider_than_a_page_is_cut_between_groups_and_keeps_all_cells():
    """Forty columns of ten letters in groups of four: every cell once, the name in each part, marks at their cells."""
    head = ("", *(f"column {k:03d}" for k in range(40)))
    rows = tuple((f"row {r}", *(f"{r}.{k:08d}" for k in range(40))) for r in range(2))
    groups = tuple((f"group {k}", 4) for k in range(10))
    wide = Table("wide", head, rows, marked=frozenset({(1, 39)}), groups=groups, notes=("note",))
    parts = wide.parts()
    assert len(parts) > 1
    assert all(part.head[0] == "" and part.rows[1][0] == "row 1" for part in parts)
    assert tuple(cell for part in parts for cell in part.rows[1][1:]) == rows[1][1:]
    assert [group for part in parts for group in part.groups] == list(groups)
    assert [part.notes for part in parts] == [()] * (len(parts) - 1) + [("note",)]
    (column,) = [c for part in parts for _, c in part.marked]
    assert parts[-1].rows[1][column] == "1.00000038"
    narrow = Table("narrow", ("", "a", "why"), (("b", "1", "word " * 100),), texts=(0, -1))
    assert narrow.parts() == (narrow,)
