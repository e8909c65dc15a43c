"""The comparison on one screen: its numbers by hand, its length, and what it leaves to `--full`."""

import io

import numpy as np
import pytest
from cli.test_cli import run
from reports.test_tables import SMALL, hand_made
from rich.console import Console

import doseopt
from doseopt.comparison.compare import compare
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.findings import findings
from doseopt.reports.sections.overview import overview_document
from doseopt.study.file import parse_study


@pytest.fixture(scope="module")
def bundled():
    return compare(doseopt.load_study(), posteriors=False)


def table_of(ds):
    return next(block for block in overview_document(ds).blocks if hasattr(block, "rows"))


def test_means_and_worst_by_hand():
    ds = hand_made(
        [[[0.6, 0.2, 0.1], [0.3, 0.5, 0.1]], [[0.5, 0.4, 0.0], [0.2, 0.2, 0.2]]],
        [[1, 0, 0], [0, 1, 0]],
        cap=[12, 12],
        fewest=[[9, 9, 9]] * 2,
        planned=-1,
    )
    table = table_of(ds)
    assert table.head[:5] == ("", "mean", "min", "mean", "max")
    assert [row[1:5] for row in table.rows] == [("55.0", "50.0", "20.0", "30.0"), ("35.0", "20.0", "30.0", "40.0")]
    assert table.head[8:] == ("none", *ds["dose"].to_numpy().tolist())
    assert [row[8:] for row in table.rows] == [("10", "45", "35", "10"), ("25", "35", "30", "10")]
    assert {(0, 1), (0, 3)} <= table.marked  # of means; the worst stand beside them
    assert not {(0, 2), (0, 4), (1, 1), (1, 2), (1, 3), (1, 4)} & table.marked


def test_the_evidence_is_that_of_the_independent_review():
    """Shares that declare on 3 patients or fewer: 56.4 for CRM 10, 46.3 for BOIN 10, none for the registered design."""
    table = table_of(compare(doseopt.load_study("renji-elo-first"), posteriors=False))
    few = {row[0]: row[table.head.index("few")] for row in table.rows}
    assert (few["CRM 10"], few["BOIN 10"], few["ATD+3+3 cap 10"]) == ("56.4", "46.3", "0.0")
    assert "few: % of trials that name a dose on 3 patients there or fewer" in " ".join(table.notes)


def test_where_a_definition_is_stated_the_share_that_meets_it_stands_instead(bundled):
    table = table_of(bundled)
    assert "meets" in table.head
    assert "few" not in table.head
    assert "meets: % of trials that name one which meets the protocol's definition" in " ".join(table.notes)


def test_patients_below_the_mtd_are_those_of_the_independent_review():
    """4.96 for CRM 10, 6.53 for BOIN 13 and 5.63 for the registered design without its cap."""
    table = table_of(compare(doseopt.load_study("renji-elo-first"), posteriors=False))
    below = {row[0]: row[table.head.index("lo")] for row in table.rows}
    assert (below["CRM 10"], below["BOIN 13"], below["ATD+3+3 uncapped"]) == ("5.0", "6.5", "5.6")
    assert "below (lo) and above (hi) the MTD" in " ".join(table.notes)


def test_the_command_prints_one_screen_and_all_of_it_if_asked(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    short, full = run("compare", "renji-elo"), run("compare", "renji-elo", "--full", "--no-posterior")
    assert short.exit_code == full.exit_code == 0
    lines = short.stdout.splitlines()
    assert len(lines) <= 45  # with the posteriors and the files
    assert max(map(len, lines)) <= 100
    assert "Rules, enrolment caps apart" not in short.stdout
    for title in ("Rules, enrolment caps apart", "Scenarios: true DLT rate", "Expected patients with a DLT"):
        assert title in full.stdout


def test_who_is_ahead_where_and_at_what_price():
    assert findings(SMALL)[1] == (
        "CRM selects correctly most often, in 56.7% of trials, averaged over the 3 scenarios; it is ahead or level in "
        "2 (3+3 capped in 1, 3+3 free in 2). Its price: 23.3% overdose, 10.0 patients, 2.0 with a "
        "DLT, 1.0 above the MTD."
    )


def test_the_price_names_the_days_where_the_study_has_a_clock(bundled):
    (said,) = [text for text in findings(bundled) if "Its price" in text]
    days = bundled["completion"].sel(design="CRM 25").mean().item()
    assert said.endswith(f"above the MTD, {days:.0f} days.")


def test_designs_that_decide_alike_are_named_together():
    ds = compare(doseopt.load_study("library"), posteriors=False)
    (said,) = [text for text in findings(ds) if "alike" in text]
    assert said == (
        "BOIN, Keyboard and mTPI-2 decide alike, as do CRM and CRM two-stage, and BLRM and EWOC: the same cohorts and "
        "the same declared dose after every outcome."
    )
    assert not any("alike" in text for text in findings(ds.sel(design=["BOIN", "CRM"])))


def test_what_nobody_can_dispute_stands_first(bundled):
    """Ten patients: 1 + 3 + 3 without a DLT leave three for a dose that six must have had."""
    first = "After 1N 2NNN 3NNN - 7 patients, no DLT - ATD+3+3 cap 10 is certain to end without an MTD."
    assert findings(bundled)[0] == first


def test_nothing_is_said_of_a_design_that_always_declares():
    never = float("nan")
    sure = hand_made([[[0.5, 0.5, 0], [0.5, 0.5, 0]]], [[0, 1, 0], [0, 0, 1]], cap=[12], fewest=[[9, 9, never]])
    assert findings(sure) == ["D0 stops at 12 patients and cannot declare 90 mg the MTD under any truth."]


def test_plain_text(bundled):
    file = io.StringIO()
    Console(file=file).print(terminal_text(overview_document(bundled)), soft_wrap=True)
    assert file.getvalue().isascii()
    assert np.isfinite(bundled["correct_selection"]).all()


def test_designs_that_only_look_alike_in_the_scenarios_do_not_decide_alike():
    """Where nobody has a DLT, targets of 0.25 and 0.35 climb alike: only the graphs tell them apart."""
    study = parse_study(
        'title = "x"\ntarget = 0.25\n[doses]\nlabels = ["a", "b"]\n[scenarios]\nnone = [0.0, 0.0]\n'
        '[designs.one]\nkind = "boin"\nmodifiers = [{ kind = "max_patients", n = 9 }]\n'
        '[designs.two]\nkind = "boin"\ntarget = 0.35\nmodifiers = [{ kind = "max_patients", n = 9 }]\n'
        '[designs.three]\nkind = "boin"\nmodifiers = [{ kind = "max_patients", n = 9 }]\n',
        "x.toml",
    )
    ds = compare(study)
    np.testing.assert_allclose(ds["selection"].sel(design="one"), ds["selection"].sel(design="two"), atol=1e-12)
    assert ds["decides_as"].to_numpy().tolist() == ["one", "two", "one"]


def test_evidence_is_averaged_over_the_scenarios_in_which_a_dose_is_declared():
    patients = [[6.0, np.nan, 3.0], [6.0, 6.0, 3.0], [np.nan] * 3]
    ds = SMALL.assign(declared_patients=(("design", "scenario"), patients, {"units": "patients"}))
    table = table_of(ds)
    assert [row[table.head.index("n")] for row in table.rows] == ["4.5", "5.0", "-"]
