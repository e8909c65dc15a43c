"""The record of a trial: what is read, in the spellings that come, and every refusal with its file, line and column."""

import datetime
import os
import re

import pytest
from records.record_files import ADAE, ADSL, DOSES, TABLES, WINDOW, write

from doseopt import Faults
from doseopt.records.record import read_record


def read(folder):
    return read_record(folder, DOSES, WINDOW)


def faults_of(folder):
    with pytest.raises(Faults) as caught:
        read(folder)
    return [str(fault) for fault in caught.value.faults]


def test_what_is_read(tmp_path):
    record = read(write(tmp_path))
    assert [subject.name for subject in record.subjects] == ["S-1", "S-2", "S-3", "S-4", "S-5"]
    assert record.numbers["S-3"] == 3
    first, second, third, *_ = record.subjects
    assert (first.level, first.treated, first.female, first.age) == (0, datetime.date(2024, 3, 1), True, 45)
    assert (second.level, second.actual_dose, second.population) == (1, 0.41e9, "ACLF")
    assert third.day(third.transplantation) == 18
    assert record.last == datetime.date(2024, 5, 20)
    assert [(e.subject, e.day, e.grade, e.serious, e.related, e.dlt) for e in record.events] == [
        ("S-1", 0, 2, False, True, False),
        ("S-1", -10, 3, False, False, False),
        ("S-2", 1, 1, False, True, False),
        ("S-2", 10, 3, True, True, True),
        ("S-3", 13, 4, True, False, False),
    ]
    assert [e.is_emergent() for e in record.events] == [True, False, True, True, True]
    assert [(m.parameter, m.visit, round(m.value, 9), m.draw) for m in record.measurements][:2] == [
        ("BILI", "0", 12.0, "2024-03-01 08:00:00"),
        ("CREAT", "0", 1.8, "2024-03-01 08:00:00"),
    ]
    assert [(m.subject, m.visit, m.value) for m in record.improvements] == [("S-1", "28", 1), ("S-2", "28", 0)]


def test_what_a_reader_must_know(tmp_path):
    record = read(write(tmp_path, adsl=("0.41e9", "0.4e9")))
    assert record.warnings == ("not treated (SAFFL = N), and left out: 1 subject",)
    record = read(write(tmp_path, adsl=("0.41e9", "0.35e9")))
    assert record.warnings[1:] == () or "outside the study's tolerance of 20%" in record.warnings[0]


def test_an_actual_dose_outside_the_tolerance_is_warned_of(tmp_path):
    record = read(write(tmp_path, adsl=("0.41e9", "0.35e9")))
    assert any("S-2: the actual dose 3.5e+08 cells is -30% from the planned 5e+08" in w for w in record.warnings)


def spelt(text, separator=",", comma=False):
    """Write a table with another separator, decimal commas and names in small letters."""
    header, *rows = text.strip().split("\n")
    rows = [row.replace(".", ",") if comma and "2024" not in row.split(",")[0] else row for row in rows]
    cells = [row.split(",") for row in text.strip().split("\n")[1:]]
    changed = [[c.replace(".", ",") if comma and c.replace(".", "").isdigit() else c for c in row] for row in cells]
    return "\n".join([separator.join(header.lower().split(",")), *(separator.join(row) for row in changed)])


@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
@pytest.mark.parametrize(("separator", "comma"), [(",", False), (";", True), ("\t", False), ("\t", True)])
def test_separators_decimal_commas_a_mark_of_order_and_small_letters(tmp_path, separator, comma, mark):
    usual = read(write(tmp_path))
    other = tmp_path / "other"
    other.mkdir()
    for name, text in TABLES.items():
        (other / name.upper()).write_bytes(mark + spelt(text, separator, comma).encode())
    found = read(other)
    for part in ("events", "measurements", "improvements"):
        ours, theirs = ([vars(one) | {"where": ""} for one in getattr(each, part)] for each in (usual, found))
        assert ours == theirs
    assert [vars(s) | {"where": ""} for s in found.subjects] == [vars(s) | {"where": ""} for s in usual.subjects]


def test_extra_columns_and_files_are_named(tmp_path):
    tables = TABLES | {
        "adsl.csv": ADSL.replace("SAFFL", "SAFFL,SITE", 1).replace(",Y,", ",Y,x,").replace(",N,", ",N,x,")
    }
    (tmp_path / "adcm.csv").write_text("a")
    record = read(write(tmp_path, tables))
    assert "files that are not read: 'adcm.csv'" in record.warnings
    assert "adsl.csv: columns that are not read: 'SITE'" in record.warnings


def test_a_column_that_may_be_meant_for_another_is_named_with_it(tmp_path):
    record = read(write(tmp_path, adsl=("TRANSDT", "TRANSDTC")))
    assert "adsl.csv: columns that are not read: 'TRANSDTC' (is it TRANSDT?)" in record.warnings


def test_parameters_that_are_not_read_are_named(tmp_path):
    record = read(write(tmp_path, adlb=("SODIUM", "AST")))
    assert "adlb.csv: parameters that are not read: 'AST'" in record.warnings


def test_only_subjects_and_events_are_needed(tmp_path):
    record = read(write(tmp_path, {"adsl.csv": ADSL, "adae.csv": ADAE}))
    assert record.measurements == record.improvements == ()


def test_levels_and_other_names_of_columns(tmp_path):
    levels = ADSL.replace("TRT01A", "DOSELEV").replace(",0.15,", ",1,").replace(",0.5,", ",2,")
    other = ADAE.replace("AETOXGR", "ATOXGR").replace("AEREL", "AREL").replace("AEBODSYS", "AESOC")
    record = read(write(tmp_path, TABLES | {"adsl.csv": levels, "adae.csv": other}))
    assert [s.level for s in record.subjects] == [0, 1, 1, 1, 1]
    assert record.events[0].system == "General disorders"


def test_what_was_known_at_a_cut_off(tmp_path):
    """On 25 April S-5 is not treated yet, the transplantation of S-3 and the end of her event are not known."""
    record = read(write(tmp_path, adsl=("38,F,CLF,,,", "38,F,CLF,,,2024-04-25"))).until(datetime.date(2024, 4, 25))
    assert record.last == datetime.date(2024, 4, 25)
    assert [s.name for s in record.subjects] == ["S-1", "S-2", "S-3", "S-4"]
    assert [s.transplantation for s in record.subjects] == [None, None, None, datetime.date(2024, 4, 25)]
    assert [(e.subject, e.end) for e in record.events] == [
        ("S-1", 2),
        ("S-1", None),
        ("S-2", None),
        ("S-2", None),
        ("S-3", None),
    ]
    assert len(record.measurements) == 6
    early = record.until(datetime.date(2024, 3, 7))
    assert [(e.subject, e.end) for e in early.events] == [("S-1", 2), ("S-1", None)]
    assert (len(early.measurements), len(early.improvements)) == (5, 0)


REFUSED = {
    "an event of an unknown subject": (
        {"adae": ("S-3,Hepatic", "S-9,Hepatic")},
        "adae.csv, line 6: USUBJID: wanted a subject of adsl.csv, got 'S-9'; did you mean 'S-6'?",
    ),
    "a measurement of an unknown subject": (
        {"adlb": ("S-1,2024-03-08", "T,2024-03-08")},
        "adlb.csv, line 7: USUBJID: wanted a subject of adsl.csv, got 'T'; known: S-1, S-2, S-3, S-4, S-5, S-6",
    ),
    "an improvement of an unknown subject": (
        {"adeff": ("S-2", "S2")},
        "adeff.csv, line 3: USUBJID: wanted a subject of adsl.csv, got 'S2'; did you mean 'S-2'?",
    ),
    "grade 0": (
        {"adae": (",2,N,POSSIBLE", ",0,N,POSSIBLE")},
        "adae.csv, line 2: AETOXGR: wanted a CTCAE grade, 1 to 5, got '0'",
    ),
    "grade 6": (
        {"adae": (",2,N,POSSIBLE", ",6,N,POSSIBLE")},
        "adae.csv, line 2: AETOXGR: wanted a CTCAE grade, 0 to 5, got '6'",
    ),
    "no grade": (
        {"adae": (",2,N,POSSIBLE", ",,N,POSSIBLE")},
        "adae.csv, line 2: AETOXGR: wanted a CTCAE grade, 1 to 5, got ''",
    ),
    "an onset before treatment that is treatment-emergent": (
        {"adae": ("NOT RELATED,N", "NOT RELATED,Y")},
        "adae.csv, line 3: TRTEMFL: wanted N: the onset is 10 days before treatment (2024-03-01), got 'Y'",
    ),
    "a DLT after the window": (
        {"adae": ("2024-04-20,2024-05-01", "2024-05-09,2024-05-11")},
        "adae.csv, line 5: DLTFL: wanted N: day 29 is outside the DLT window of 28 days, got 'Y'",
    ),
    "a DLT before treatment": (
        {"adae": ("NOT RELATED,N,NOT RECOVERED,N,N", "NOT RELATED,N,NOT RECOVERED,N,Y")},
        "adae.csv, line 3: DLTFL: wanted N: day -10 is outside the DLT window of 28 days, got 'Y'",
    ),
    "a DLT of a subject who is not evaluable": (
        {"adsl": ("M,ACLF,,,,,,2", "M,ACLF,N,,,,,2")},
        "adae.csv, line 5: DLTFL: wanted N: the subject is not evaluable (EVALFL = N in adsl.csv, line 3), got 'Y'",
    ),
    "a DLT of a subject who was not treated": (
        {"adae": ("S-2,Abdominal", "S-6,Abdominal")},
        "adae.csv, line 5: DLTFL: wanted N: the subject was not treated (SAFFL = N), got 'Y'",
    ),
    "a dose that the study does not know": (
        {"adsl": ("S-4,0.5", "S-4,5")},
        "adsl.csv, line 5: TRT01A: wanted a planned dose of the study, got '5'; known: 0.15, 0.5, 1.5",
    ),
    "an actual dose in another unit": (
        {"adsl": ("0.41e9", "0.41")},
        "adsl.csv, line 3: ACTDOSE: wanted a dose in cells near the planned 5e+08, got '0.41', about 10^-9 times that: "
        "another unit, or a slip of the decimal point?",
    ),
    "two subjects with one identifier": (
        {"adsl": ("S-4,", "S-3,")},
        "adsl.csv, line 5: USUBJID: 'S-3' stands already in adsl.csv, line 4, wanted one row a subject",
    ),
    "a date that does not exist": (
        {"adsl": ("2024-04-15", "2024-04-31")},
        "adsl.csv, line 5: TRTSDT: wanted a date such as 2024-03-31, the year first, got '2024-04-31'",
    ),
    "a part of a date": (
        {"adae": ("2024-04-11", "2024-04")},
        "adae.csv, line 4: ASTDT: wanted a date such as 2024-03-31, the year first, got '2024-04'",
    ),
    "no date of onset": ({"adae": ("2024-04-11", "")}, "adae.csv, line 4: ASTDT: wanted the date of onset, got ''"),
    "an event that ends before it begins": (
        {"adae": ("2024-03-03", "2024-02-03")},
        "adae.csv, line 2: AENDT: wanted a date from the onset on (2024-03-01), got '2024-02-03'",
    ),
    "no date of treatment": (
        {"adsl": ("2024-04-15", "")},
        "adsl.csv, line 5: TRTSDT: wanted the date of treatment, got ''",
    ),
    "a death before treatment": (
        {"adsl": ("CLF,,,2024-04-30", "CLF,,2024-04-11,")},
        "adsl.csv, line 4: DTHDT: wanted a date from the treatment on (2024-04-12), got '2024-04-11'",
    ),
    "a transplantation after death": (
        {"adsl": ("CLF,,,2024-04-30", "CLF,,2024-04-29,2024-04-30")},
        "adsl.csv, line 4: TRANSDT: wanted a date up to that of death (2024-04-29), got '2024-04-30'",
    ),
    "a unit that is not known for the parameter": (
        {"adlb": ("205.2,umol/L", "205.2,mmol/L")},
        "adlb.csv, line 2: AVALU: wanted a unit of BILI: mg/dL or umol/L, got 'mmol/L'",
    ),
    "no unit": (
        {"adlb": ("205.2,umol/L", "205.2,")},
        "adlb.csv, line 2: AVALU: wanted a unit of BILI: mg/dL or umol/L, got ''",
    ),
    "a value in another unit than said": (
        {"adlb": ("22,g/L", "22,g/dL")},
        "adlb.csv, line 6: AVAL: wanted a value of ALB in [0.5, 10] g/dL, got '22'",
    ),
    "no number": ({"adlb": ("2.5,", "<2.5,")}, "adlb.csv, line 4: AVAL: wanted a number for INR, got '<2.5'"),
    "a visit that is no day": (
        {"adeff": ("S-2,28", "S-2,four")},
        "adeff.csv, line 3: AVISITN: wanted the day of the visit, a number, got 'four'",
    ),
    "an answer that is none": (
        {"adeff": ("IMPROVED,N", "IMPROVED,better")},
        "adeff.csv, line 3: AVALC: wanted Y or N, positive or negative, got 'better'",
    ),
    "causality in other words": (
        {"adae": ("POSSIBLE", "PERHAPS")},
        "adae.csv, line 2: AEREL: wanted Y or N, or a word such as 'possible', 'not related', got 'PERHAPS'",
    ),
    "a flag that is none": (
        {"adae": ("POSSIBLE,Y,RECOVERED,N,N", "POSSIBLE,Y,RECOVERED,N,X")},
        "adae.csv, line 2: DLTFL: wanted 1 or 0 (yes or no), got 'X'",
    ),
    "a DLT of one who had left": (
        {"adsl": ("ACLF,,,,,,2", "ACLF,,,,2024-04-19,LOST TO FOLLOW-UP,2")},
        "adae.csv, line 5: DLTFL: wanted N: the subject had left on day 9 (adsl.csv, line 3), got 'Y'",
    ),
    "a death without its date": (
        {"adsl": ("ACLF,,,,,,2", "ACLF,,,,2024-04-21,DEATH,2")},
        "adsl.csv, line 3: DTHDT: wanted the date of the death that DCSREAS states, got ''",
    ),
    "a fatal event of one who did not die": (
        {"adae": (",4,Y", ",5,Y")},
        "adae.csv, line 6: AETOXGR: wanted a date of death (DTHDT) in adsl.csv beside it, got '5'",
    ),
    "neither treated nor not": (
        {"adsl": ("2024-04-15,Y", "2024-04-15,")},
        "adsl.csv, line 5: SAFFL: wanted Y or N, got ''",
    ),
    "a sex": ({"adsl": (",38,F", ",38,X")}, "adsl.csv, line 5: SEX: wanted F or M, got 'X'"),
    "an age": ({"adsl": (",38,F", ",380,F")}, "adsl.csv, line 5: AGE: wanted years in [0, 130], got '380'"),
    "a column that lacks": (
        {"adae": ("DLTFL", "DLTFLAG")},
        "adae.csv, line 1: wanted a column DLTFL; is it 'DLTFLAG'?",
    ),
    "either of two columns": (
        {"adsl": ("TRT01A", "TRT01P")},
        "adsl.csv, line 1: wanted a column TRT01A or DOSELEV; is it 'TRT01P'?",
    ),
    "a column that stands twice": ({"adsl": ("AGE", "SEX")}, "adsl.csv, line 1: column SEX stands twice"),
    "a row that does not fit": (
        {"adeff": ("S-2,28,IMPROVED,N", "S-2,28")},
        "adeff.csv, line 3: wanted as many fields as the header has, 4, got 2",
    ),
}


PROMISED = {
    "an event of an unknown subject": ("adae", "USUBJID", ("an event of an unknown subject",)),
    "a measurement of an unknown subject": ("adlb", "USUBJID", ("a measurement of an unknown subject",)),
    "an improvement of an unknown subject": ("adeff", "USUBJID", ("an improvement of an unknown subject",)),
    "a grade outside 1 to 5": ("adae", "AETOXGR", ("grade 0", "grade 6")),
    "an onset before treatment marked treatment-emergent": (
        *("adae", "TRTEMFL", ("an onset before treatment that is treatment-emergent",)),
    ),
    "a DLT flag outside the window": ("adae", "DLTFL", ("a DLT after the window", "a DLT before treatment")),
    "a DLT flag on a subject who is not evaluable": ("adae", "DLTFL", ("a DLT of a subject who is not evaluable",)),
    "a dose that the study does not know": ("adsl", "TRT01A", ("a dose that the study does not know",)),
    "two subjects with one identifier": ("adsl", "USUBJID", ("two subjects with one identifier",)),
    "a date that does not exist": ("adsl", "TRTSDT", ("a date that does not exist",)),
    "a unit that is not known for the parameter": ("adlb", "AVALU", ("a unit that is not known for the parameter",)),
}
"""The refusals that a record promises: table, column and the changes that show each. An actual dose outside the
tolerance is warned of (above), a DLT in the tally and not in the file refused (`test_status`, `cli/test_record`)."""


@pytest.mark.parametrize("promise", PROMISED)
def test_every_refusal_that_is_promised_has_files_that_trigger_it(tmp_path, promise):
    table, column, keys = PROMISED[promise]
    for key in keys:
        (fault,) = faults_of(write(tmp_path, **REFUSED[key][0]))
        assert re.match(rf"{table}\.csv, line \d+: {column}: ", fault)


@pytest.mark.parametrize("what", REFUSED)
def test_each_refusal_has_its_file_line_and_column(tmp_path, what):
    changes, wanted = REFUSED[what]
    assert faults_of(write(tmp_path, **changes)) == [wanted]


MORE = {
    "adsl.csv": "USUBJID,DOSELEV,TRTSDT,SAFFL,WEIGHTBL\nS-1,1,2024-03-01,Y,61.5\n",
    "adae.csv": ADAE.strip().split("\n")[0],
    "adlb.csv": "USUBJID,ADT,AVISITN,PARAMCD,AVAL,AVALU,ANRHI\nS-1,2024-03-01,0,BILI,205.2,umol/L,17.1\n",
}


def test_body_weight_and_the_upper_limit_of_normal_are_read(tmp_path):
    record = read(write(tmp_path, MORE))
    assert (record.subjects[0].weight, record.measurements[0].upper) == (61.5, 1)


def test_body_weights_and_limits_of_normal_that_nobody_has_are_refused(tmp_path):
    assert faults_of(write(tmp_path, MORE, adsl=("61.5", "615"))) == [
        "adsl.csv, line 2: WEIGHTBL: wanted kg in [0, 500], got '615'"
    ]
    for wrong in ("x", "1e6"):
        assert faults_of(write(tmp_path, MORE, adlb=("17.1", wrong))) == [
            "adlb.csv, line 2: ANRHI: wanted the upper limit of normal of BILI in [0.171, 1710] umol/L, got "
            + repr(wrong)
        ]


def test_everything_that_is_wrong_is_said_at_once(tmp_path):
    first, second = {"adsl": ("2024-04-15", "15/04/2024"), "adae": (",4,Y", ",7,Y")}, {"adlb": ("umol/L", "U")}
    found = faults_of(write(tmp_path, **first, **second, adeff=("IMPROVED,N", "IMPROVED,?")))
    assert [fault.split(":")[0] for fault in found] == [
        "adsl.csv, line 5",
        "adae.csv, line 6",
        "adlb.csv, line 2",
        "adeff.csv, line 3",
    ]


def test_events_of_a_subject_whose_own_row_is_wrong_are_not_called_unknown(tmp_path):
    assert len(faults_of(write(tmp_path, adsl=("2024-04-10", "10.04.2024")))) == 1


@pytest.mark.parametrize("name", ["adsl.csv", "adae.csv"])
def test_a_table_that_lacks(tmp_path, name):
    assert faults_of(write(tmp_path, {k: v for k, v in TABLES.items() if k != name})) == [f"{name}: missing"]


def test_two_files_of_one_table(tmp_path):
    (tmp_path / "ADSL.txt").write_text(ADSL)
    assert faults_of(write(tmp_path)) == ["adsl.csv: wanted one file, got 'ADSL.txt' and 'adsl.csv'"]


def test_what_is_no_folder(tmp_path):
    with pytest.raises(Faults, match=r"wanted a folder with adsl.csv and adae.csv in it: No such file"):
        read(tmp_path / "nowhere")


def test_an_excel_workbook_is_told_from_text(tmp_path):
    write(tmp_path)
    (tmp_path / "adlb.csv").write_bytes(b"PK\x03\x04...")
    assert faults_of(tmp_path)[0].startswith("adlb.csv: cannot be read: this is an Excel workbook")


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda path: path.mkdir(), "cannot be read: Is a directory"),
        (os.mkfifo, "cannot be read: this is a device or a pipe"),
        (lambda path: path.symlink_to(path), "cannot be read: Too many levels of symbolic links"),
        (lambda path: path.symlink_to("/dev/zero"), "cannot be read: this is a device or a pipe"),
        (lambda path: path.write_bytes(b"USUBJID\0,x\n"), "cannot be read: this is no text"),
        (
            lambda path: path.touch() or os.truncate(path, 100_000_001),
            "cannot be read: wanted at most 100,000,000 bytes",
        ),
    ],
    ids=["folder", "pipe", "circle", "device", "binary", "huge"],
)
def test_what_lies_in_the_place_of_a_table_is_told(tmp_path, make, said):
    write(tmp_path)
    (tmp_path / "adlb.csv").unlink()
    make(tmp_path / "adlb.csv")
    (fault,) = faults_of(tmp_path)
    assert fault.startswith(f"adlb.csv: {said}")


def test_nobody_was_treated(tmp_path):
    tables = {"adsl.csv": "USUBJID,DOSELEV,TRTSDT,SAFFL\n", "adae.csv": ADAE.strip().split("\n")[0]}
    assert faults_of(write(tmp_path, tables)) == [
        "adsl.csv: wanted a row a subject, one of them treated (SAFFL = Y) at least"
    ]
