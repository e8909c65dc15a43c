"""Posterior DLT rates as a document: numbers of an independent review, and by hand."""

import numpy as np
import pytest

from doseopt import load_study
from doseopt.comparison.compare import compare
from doseopt.display.panels import in_print
from doseopt.reports.render.document import Figure, Paragraph, Table
from doseopt.reports.sections.estimates import announced, estimates


@pytest.fixture(scope="module")
def found():
    return compare(load_study("renji-elo-first"))


@pytest.fixture(scope="module")
def tables(found):
    return [block for block in estimates(found) if isinstance(block, Table)]


def table_of(tables, word):
    (table,) = [table for table in tables if word in table.caption]
    return table, {row[0]: row[1:] for row in table.rows}


def test_three_scenarios_stand_for_all(found, tables):
    """Right lowest: 0.26 is closer to 0.25 than 0.27; the third of four doses, first of two alike; highest: 0.24."""
    shown = ["MTD 0.15 steep", "MTD 1.5 steep", "MTD 4.5 shallow"]
    assert found["scenario"].to_numpy()[in_print(found)].tolist() == shown
    assert [table.caption.split(":")[0] for table in tables[:3]] == shown
    said = " ".join(block.text for block in estimates(found) if isinstance(block, Paragraph))
    assert "Of the 11 scenarios MTD 0.15 steep, MTD 1.5 steep and MTD 4.5 shallow stand here for all" in said


def test_every_design_at_every_dose(found, tables):
    table = tables[0]
    assert table.groups == (("0.15, true 26", 4), ("0.5, true 48", 4), ("1.5, true 66", 4), ("4.5, true 80", 4))
    assert "means of its 5% and 95% quantiles" in table.caption
    at = found.sel(scenario="MTD 0.15 steep", design="CRM 13").isel(dose=1)
    wanted = [f"{100 * at[f'posterior_{name}'].item():.0f}" for name in ("mean", "lower", "upper", "coverage")]
    row = next(row for row in table.rows if row[0] == "CRM 13")
    assert list(row[5:9]) == wanted == ["39", "18", "62", "87"]


def test_endings_of_the_review(tables):
    """After 1N 2NNN 3NNN 4NNN the fourth dose has .15 (.02 to .41), .10; after 4NNT .30 (.07 to .65), .38."""
    table, rows = table_of(tables, "After typical endings")
    assert table.head == ("", *3 * ("0.15", "0.5", "1.5", "4.5"))
    assert rows["1"][:4] == ("0/1", "0/3", "0/3", "0/3")
    assert (rows["1"][7], rows["1"][11]) == ("15 (2-41)", "10")
    assert rows["3"][:4] == ("0/1", "0/3", "0/3", "1/3")
    assert (rows["3"][7], rows["3"][11]) == ("30 (7-65)", "38")
    assert rows["5"][3] == "-"


def test_what_is_declared_at_an_ending(found, tables):
    table, rows = table_of(tables, "declared after each of these endings")
    assert rows["ATD+3+3 cap 10"][0].startswith("none: ")
    assert [rows[name][2].split(": ")[0] for name in ("CRM 10", "BOIN 10")] == ["4.5", "4.5"]
    assert rows["CRM 25"][0] == "-"
    for name, cells in rows.items():
        shown = sum(float(cell.split(": ")[1]) for cell in cells[:-1] if cell != "-")
        assert shown + float(cells[-1]) == pytest.approx(100, abs=0.4), name
    assert table.notes[0].startswith("Belief: logistic curves")


def test_what_the_endings_owe_to_the_prior(found, tables):
    table, rows = table_of(tables, "Sensitivity to the prior")
    assert [title for title, _ in table.groups] == [
        "mean, x 0.5",
        "mean, x 2",
        "> 1/3, x 0.5",
        "> 1/3, x 2",
    ]
    for k, name, scale in ((0, "mean", 0.5), (1, "mean", 2.0), (2, "over", 0.5), (3, "over", 2.0)):
        wanted = 100 * found[f"ending_{name}_by_prior"].sel(ending="0/1 0/3 0/3 1/3", prior_scale=scale).to_numpy()
        assert rows["0/1 0/3 0/3 1/3"][4 * k : 4 * k + 4] == tuple(f"{v:.0f}" for v in wanted)


DECLARED = {  # Pr(rate > 1/3 | data) and share above 25%, of the review, in percent
    "ATD+3+3 cap 10": (7.5, 3),
    "ATD+3+3 uncapped": (8.5, 4),
    "CRM 10": (22.6, 36),
    "CRM 13": (20.0, 31),
    "CRM 25": (17.4, 29),
    "BOIN 10": (16.9, 20),
    "BOIN 13": (14.9, 22),
    "BOIN 25": (15.0, 24),
}


def test_the_declared_dose(tables):
    _, rows = table_of(tables, "The dose declared, given that one is")
    for name, (over, doubtful) in DECLARED.items():
        assert float(rows[name][0]) == over
        assert round(float(rows[name][2])) == doubtful


def test_the_screen_says_between_what_the_declared_dose_ranges(found):
    (block,) = announced(found)
    assert "Pr(rate > 1/3 | data) averages 7.5% (ATD+3+3 cap 10) to 22.6% (CRM 10). " in block.text


def test_a_design_that_declares_none_has_no_posterior_of_a_declared_dose(found):
    ds = found.copy()
    ds["declared_p_over"] = ds["declared_p_over"].where(ds["design"] != "CRM 10")
    _, rows = table_of([b for b in estimates(ds) if isinstance(b, Table)], "The dose declared, given")
    assert rows["CRM 10"][:2] == ("-", "-")


def test_what_is_not_counted_is_said(found):
    ds = found.copy()
    for name in ("ending_probability", "ending_declared", "endings_not_shown"):
        ds[name] = ds[name].where(ds["design"] != "CRM 25")
    table, rows = table_of([b for b in estimates(ds) if isinstance(b, Table)], "declared after each")
    assert set(rows["CRM 25"]) == {"-"}
    assert table.notes[-1].startswith("Without numbers:")


def test_accuracy_is_the_mean_over_the_scenarios(found, tables):
    _, rows = table_of(tables, "coverage of the 90% interval")
    at = found.sel(design="BOIN 25").mean("scenario")
    for k, (name, how) in enumerate((("bias", "+.1f"), ("rmse", ".1f"), ("coverage", ".1f"))):
        wanted = tuple(format(100 * v, how) for v in at[f"posterior_{name}"].to_numpy())
        assert rows["BOIN 25"][4 * k : 4 * k + 4] == wanted


def test_two_figures_and_nothing_without_posteriors(found):
    assert [block.name for block in estimates(found) if isinstance(block, Figure)] == ["reliability", "estimates"]
    bare = found.drop_vars("posterior_mean")
    assert (estimates(bare), announced(bare)) == ([], [])


def test_a_scenario_without_a_right_dose_counts_only_if_no_other_is_left(found):
    none = found.isel(scenario=[10, 10, 10, 10])
    assert in_print(none).tolist() == [0]
    few = found.isel(scenario=[10, 0, 1])
    assert in_print(few).tolist() == [0, 1, 2]
    assert np.isin(in_print(found), np.flatnonzero(found["mtd"] >= 0)).all()


def test_simulated_tables_state_their_largest_error(found):
    ds = found.copy()
    for name, error in (("posterior_mean", 0.011), ("posterior_coverage", 0.022), ("declared_doubtful", 0.033)):
        ds[f"{name}_mcse"] = ds[f"{name}_mcse"] + error
    tables = [block for block in estimates(ds) if isinstance(block, Table)]
    assert [note.split(": ")[1] for note in tables[0].notes] == [
        "1.10 percentage points (mean)",
        "2.20 percentage points (covers)",
    ]
    table, _ = table_of(tables, "The dose declared, given")
    assert [note.split(": ")[1] for note in table.notes] == ["3.30 percentage points (exceeds 25%)"]
    assert [block.notes for block in estimates(found)[5:8]] == [(), (), ()]
