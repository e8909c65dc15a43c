"""Templates of a record's tables, and the invented record that is bundled."""

import datetime

import pytest
from cli.test_cli import run

from doseopt import Faults, Trial, load_study
from doseopt.conduct.in_hand import read_trial, window_of
from doseopt.records.adam import LAYOUTS, read_sheets
from doseopt.records.record import read_record
from doseopt.records.status import hold_to, statuses, trial_of, unread
from doseopt.records.template import COLUMNS, example_record, write_template

STUDY = load_study("renji-elo")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_every_column_is_one_that_is_read_and_none_is_missing(layout):
    columns = set(COLUMNS[layout.name])
    assert columns <= set(layout.known)
    assert all(len(columns & set(names)) == 1 for names in layout.required)
    assert set(layout.optional) - columns <= {"AESOC", "AEREL"}


def test_empty_tables_are_read_and_only_rows_are_wanted(tmp_path):
    files = write_template(tmp_path / "new")
    assert [file.name for file in files] == ["adsl.csv", "adae.csv", "adlb.csv", "adeff.csv", "README.md"]
    sheets, warnings = read_sheets(tmp_path / "new")
    assert not warnings
    assert [sheet.warnings for sheet in sheets.values()] == [()] * 4
    with pytest.raises(Faults, match="wanted a row a subject"):
        read_record(tmp_path / "new", STUDY.doses, window_of(STUDY))
    with pytest.raises(Faults, match="wanted a folder without these files"):
        write_template(tmp_path / "new")


@pytest.mark.parametrize(
    ("cutoff", "outcomes"),
    [
        ("2024-04-08", "1N"),
        ("2024-06-10", "1N 2NNT"),
        ("2024-09-23", "1N 2NNT 2NNN"),
        ("2024-12-09", "1N 2NNT 2NNN 3N?"),
        ("2024-12-16", "1N 2NNT 2NNN 3N?14"),
    ],
)
def test_the_example_is_the_trial_of_the_outcome_string(cutoff, outcomes):
    trial = read_trial(STUDY, data=example_record(), cutoff=cutoff)
    stated = read_trial(STUDY, outcomes)
    hold_to(trial, stated)
    assert [each.tolist() for each in trial.tally()] == [each.tolist() for each in stated.tally()]


def test_a_dlt_that_the_example_does_not_have_is_refused():
    trial = read_trial(STUDY, data=example_record(), cutoff="2024-06-10")
    with pytest.raises(Faults, match="patient 4: wanted what the record says, level 2, a DLT"):
        hold_to(trial, Trial.from_outcomes("1N 2NNN", STUDY.doses))


def test_the_example_has_every_kind_of_event_and_is_plainly_invented():
    record = read_record(example_record(), STUDY.doses, window_of(STUDY))
    assert all(subject.name.startswith("INVENTED-") for subject in record.subjects)
    patients = statuses(record)
    left = ["dropout on day 11", "transplantation on day 16", "death on day 20"]
    assert [p.reason for p in patients if not p.evaluable] == left
    assert [(p.name, p.followed) for p in patients if p.evaluable and p.dlt is None] == [("INVENTED-12", 14)]
    planned = STUDY.doses.values
    assert max(abs(p.actual_dose / planned[p.level] - 1) for p in patients) == pytest.approx(0.18)
    late = [s.name for s, p in zip(record.subjects, patients, strict=True) if s.death and p.evaluable and not p.dlt]
    assert late == ["INVENTED-03"]
    assert (unread(record), record.last) == ({}, datetime.date(2024, 12, 16))
    assert record.warnings == trial_of(record).warnings == ("the record is invented, and nobody in it was treated",)


def test_the_command_shows_the_example_and_writes_the_template(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    shown = run("record", "example", "--outcomes", "1N 2NNT", "--cutoff", "2024-06-10", "--json")
    assert shown.exit_code == 0, shown.stderr
    page = run("record", "example", "--html", "page.html")
    assert "The record is invented" in " ".join(page.stdout.split())
    assert "INVENTED-" not in (tmp_path / "page.html").read_text(encoding="utf-8")
    written = run("record", "--template", "new")
    assert written.exit_code == 0, written.stderr
    assert (tmp_path / "new" / "adsl.csv").read_text(encoding="utf-8").startswith("USUBJID,TRT01A,TRTSDT,SAFFL,")
    for words, said in ((("--template", "new"), "without these files"), ((), "template DIR, got neither")):
        refused = run("record", *words)
        assert (refused.exit_code, said in refused.stderr) == (2, True)
    assert "got both" in run("record", "new", "--template", "other").stderr
