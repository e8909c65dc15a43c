"""Files of a table in the shapes that Excel, R, pandas and people give them."""

import pytest

from doseopt.core.parameters import Faults
from doseopt.tabular.text import MOST, MOST_COLUMNS, MOST_ROWS, read_table

KNOWN = ("patient", "dose_level", "dlt")
ROWS = [{"patient": "101", "dose_level": "1", "dlt": "0"}, {"patient": "102", "dose_level": "2", "dlt": "1"}]
PLAIN = "patient,dose_level,dlt\n101,1,0\n102,2,1\n"


def read(folder, text, encoding="utf-8"):
    path = folder / "data.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
    return read_table(path, KNOWN)


def refused(folder, text, encoding="utf-8"):
    with pytest.raises(Faults) as caught:
        read(folder, text, encoding)
    assert caught.value.title == str(folder / "data.csv")
    return [str(fault) for fault in caught.value.faults]


SPELLINGS = {
    "plain": PLAIN,
    "semicolons": PLAIN.replace(",", ";"),
    "tabs": PLAIN.replace(",", "\t"),
    "bars": PLAIN.replace(",", "|"),
    "blanks": PLAIN.replace(",", " "),
    "blanks after the commas": PLAIN.replace(",", ", "),
    "carriage returns and line feeds": PLAIN.replace("\n", "\r\n"),
    "old Mac": PLAIN.replace("\n", "\r"),
    "no end of the last line": PLAIN.rstrip(),
    "capitals and blanks": PLAIN.replace("patient,dose_level,dlt", " Patient ,Dose Level,DLT "),
    "points": PLAIN.replace("dose_level", "Dose.Level"),
    "Excel's word on the separator": "sep=;\n" + PLAIN.replace(",", ";"),
    "the same, saved once more": "SEP=,,,\r\n" + PLAIN.replace("\n", "\r\n"),
    "empty lines": "\n" + PLAIN.replace("\n", "\n\n") + "\n",
    "empty rows": PLAIN + ",,\n , ,\n",
    "empty columns": PLAIN.replace("\n", ",,\n"),
    "empty columns below the header only": "patient,dose_level,dlt\n101,1,0,\n102,2,1,,\n",
    "empty columns in the header only": "patient,dose_level,dlt,,\n101,1,0\n102,2,1,\n",
    "everything in quotation marks": '"patient","dose_level","dlt"\n"101","1","0"\n"102","2","1"\n',
}
ROW_NAMES = {
    "write.csv": '"","patient","dose_level","dlt"\n"1",101,1,0\n"2",102,2,1\n',
    "write.csv2": '"";"patient";"dose_level";"dlt"\n"1";101;1;0\n"2";102;2;1\n',
    "write.table": '"patient" "dose_level" "dlt"\n"1" 101 1 0\n"2" 102 2 1\n',
    "write.table with commas": '"patient","dose_level","dlt"\n"a",101,1,0\n"b",102,2,1\n',
    "write.table with tabs": '"patient"\t"dose_level"\t"dlt"\n"1"\t101\t1\t0\n"2"\t102\t2\t1\n',
    "pandas": ",patient,dose_level,dlt\n0,101,1,0\n1,102,2,1\n",
}
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]


@pytest.mark.parametrize("text", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("encoding", ENCODINGS)
def test_one_table_in_every_spelling(tmp_path, text, encoding):
    table = read(tmp_path, text, encoding)
    assert [row.cells for row in table.rows] == ROWS
    assert table.names == KNOWN
    assert not table.unnamed
    assert not table.warnings


@pytest.mark.parametrize("text", ROW_NAMES.values(), ids=ROW_NAMES)
def test_row_names_are_no_column(tmp_path, text):
    table = read(tmp_path, text)
    assert [row.cells for row in table.rows] == ROWS
    assert table.unnamed


def test_row_names_without_quotation_marks_are_read_where_they_cannot_be_anything_else(tmp_path):
    text = "patient;dose_level;dlt\n1;A;1;0\n2;B;2;1\n3;C;2;0\n"
    assert [row.cells["patient"] for row in read(tmp_path, text).rows] == ["A", "B", "C"]
    # a last column without a name, or decimal commas, would look the same
    numbered = text.replace("A", "1").replace("B", "2").replace("C", "3")
    for unclear in (text.replace(";", ","), numbered, text.replace("3;", "4;"), text.replace("3;C;2;0\n", "")):
        assert all("wanted as many fields" in str(row.faults[0]) for row in read(tmp_path, unclear).rows)


def test_decimal_commas_between_commas_say_what_to_do(tmp_path):
    table = read(tmp_path, "patient,dose_level,dlt\n101,0,5,0\n")
    assert str(table.rows[0].faults[0]) == (
        "line 2: wanted as many fields as the header has, 3, got 4; decimal commas want fields separated by ;, row "
        "names want a column or none"
    )
    assert not table.decimal_comma
    assert read(tmp_path, PLAIN.replace(",", ";")).decimal_comma


def test_letters_of_western_europe_are_read_and_warned_of(tmp_path):
    table = read(tmp_path, PLAIN.replace("101", "Müller"), "cp1252")
    assert table.rows[0].cells["patient"] == "Müller"
    assert "was read as Windows-1252" in table.warnings[0]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"PK\x03\x04" + bytes(50), "Excel workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "old Excel workbook"),
        (b"\x1f\x8b\x08\x00", "compressed"),
        (b"%PDF-1.7", "PDF"),
        (b"PAR1", "Parquet"),
        (b"patient,dose_level,dlt\n\x00\x01\x02", "this is no text"),
        (bytes(range(1, 256)), "this is no text"),
        (b"\xff\xfe1", "this is no text"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "this is no text"),
    ],
)
def test_what_is_no_text_says_what_it_is_and_the_way_out(tmp_path, data, said):
    (fault,) = refused(tmp_path, data)
    assert fault.startswith("cannot be read: ")
    assert said in fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        # either mark would swallow the patients that follow it
        (PLAIN + '103,2,"0\n104,2,1\n', "line 4: a quotation mark opens here that is not closed"),
        (PLAIN + '"103,2,1\n"104,2,1\n', "line 4: a quotation mark opens here that is not closed"),
        (PLAIN + "x" * 140_000 + ",1,0\n", "line 4: wanted fields of at most 131072 letters"),
        ("x" * (MOST + 1), "cannot be read: wanted at most 2,000,000 bytes"),
        ("patient" + "," * MOST_COLUMNS, "line 1: wanted at most 1000 columns, got 1001"),
        (PLAIN + "1,1,0\n" * MOST_ROWS, "line 20002: wanted at most 20000 rows"),
    ],
    ids=["not closed", "closed by the next one", "long field", "long file", "wide", "many rows"],
)
def test_what_cannot_be_split_is_one_fault(tmp_path, text, fault):
    (found,) = refused(tmp_path, text)
    assert found.startswith(fault)


def test_a_comment_may_have_lines_but_may_not_hold_patients(tmp_path):
    header = "patient,dose_level,dlt,comment\n"
    assert len(read(tmp_path, header + '101,1,0,"fever,\nthen well"\n102,1,0,\n').rows) == 2
    (row,) = read(tmp_path, header + '101,1,0,"fever\n102,1,1,"\n').rows
    assert str(row.faults[0]).startswith("line 2: a field holds what looks like rows")


def test_rows_are_named_by_the_line_where_they_begin(tmp_path):
    table = read(tmp_path, '\nsep=,\npatient,dose_level,dlt,c\n\n1,1,0,"a\nb"\n2,1,0,\n')
    assert table.where == "line 3"
    assert [row.where for row in table.rows] == ["line 5", "line 7"]


def test_a_folder_and_a_missing_file_cannot_be_read(tmp_path):
    for path in (tmp_path, tmp_path / "none.csv", "a\0b"):
        with pytest.raises(Faults, match="cannot be read: "):
            read_table(path, KNOWN)


@pytest.mark.parametrize(("row", "count"), [("101,1", 2), ("101,1,0,9", 4)])
def test_a_row_that_does_not_fit_says_both_counts(tmp_path, row, count):
    (fault,) = read(tmp_path, f"patient,dose_level,dlt\n{row}\n").rows[0].faults
    assert f"wanted as many fields as the header has, 3, got {count}" in fault.message


def test_a_misspelt_column_is_not_missing_too(tmp_path):
    table = read(tmp_path, PLAIN.replace("patient", "patiet"))
    (fault,) = table.header_faults(KNOWN, KNOWN, ["patiet"])
    assert "did you mean 'patient'" in fault.message
