"""The command that shows the record of a trial: its pages hold the numbers of the record, and no identifiers."""

import json
import re
import resource
import subprocess
import sys
import zipfile

import arviz as az
import pytest
import xarray as xr
from cli.test_cli import run
from conduct.test_endpoints import made_up as made_up_draws
from docx import Document as Docx
from pages import Page
from pypdf import PdfReader
from records.large_record import large_record
from records.record_files import write

CONTROLS = '\n[historical]\nday = 60\nsurvivors = 130\nn = 200\nsource = "a registry"\n'
STUDY = """
title = "A record"
target = 0.25
[doses]
labels = ["0.15", "0.5", "1.5"]
values = [0.15e9, 0.5e9, 1.5e9]
unit = "cells"
tolerance = 0.2
[clock]
window = 28
accrual = { per_month = 1 }
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 12 }]
"""
READING = "[window_events]\ntransplantation = { probability = 0.1, reading = 'replace' }\n"


made_up = made_up_draws
"""A fixture: draws that no sampler had to make."""


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return path


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "tables").mkdir()
    return write(tmp_path / "tables")


def lines(result):
    assert result.exit_code == 0, result.stderr
    return [" ".join(line.split()) for line in result.stdout.splitlines()]


def test_the_page_holds_the_numbers_of_the_record(study, folder, tmp_path):
    shown = lines(run("record", folder, "--study", study, "--out", tmp_path / "out", "--html", tmp_path / "page.html"))
    for line in (
        "0.5 4 2 1 1 1",
        "- Subject 3: transplantation on day 18; not evaluable: the study states no reading.",
        "- Subject 5 is pending, on day 0 of 28.",
        "any 1 (100%) [1] 2 (50%) [3] - 3 (60%) [4]",
        "any 3 to 100% 7 to 93% - 15 to 95%",
        "- Abdominal pain 0 1 (25%) [1] - 1 (20%) [1]",
        "3 0.5 13 18 Hepatic failure 4 no NOT RECOVERED",
        "(14, 28] 4 0 1 100.0%",
        "an event 75.0% 2 to 99% beta product",
        "1 0.15 0 32 34 37",
        "How little this says: with 2 subjects the 95% interval of improvement spans 97 percentage points.",
        "28 1 of 1 (3 to 100%) 0 of 1 (0 to 98%) - 1 of 2 (1 to 99%) 83%",
    ):
        assert line in shown, line
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Course of each subject" in page
    for text in (page, *shown):
        assert not any(f"S-{k}" in text for k in range(1, 7)), "an identifier"


SEVEN = {
    "adsl.csv": """
USUBJID;TRT01A;TRTSDT;SAFFL;POPULATION;DTHDT;TRANSDT
=cmd|' /C calc'!A0;3;2024-01-01;Y;B-cell;;
"a;b";7;2024-02-01;Y;B-cell;2024-03-02;2024-03-02
"@x";25;2024-03-01;Y;T-cell;;
p4;26;2024-04-01;Y;;2024-04-01;
p5;450;2024-05-01;Y;;;
""",
    "adae.csv": """
USUBJID;AEDECOD;AESOC;ASTDT;AENDT;AETOXGR;AESER;AEREL;TRTEMFL;AEOUT;AESDTH;DLTFL
"@x";"=HYPERLINK(""http://x"";""y"")";"+Soc";2024-03-05;2024-03-06;3;Y;Y;Y;RECOVERED;N;Y
"@x";Nausea;Gut;2024-03-05;2024-03-06;2;N;Y;Y;RECOVERED;N;N
"@x";Nausea;Gut;2024-03-05;2024-03-06;3;N;Y;Y;RECOVERED;N;N
p4;Death NOS;General;2024-04-01;;5;Y;N;Y;FATAL;Y;N
""",
}
"""Five subjects at seven uneven doses of another study: two events of a term on one day, a transplantation on the day
of death, a death on the day of treatment, two doses with nobody, and texts that a spreadsheet would run."""


def test_another_study_of_seven_doses(tmp_path):
    doses = 'labels = ["3", "7", "10", "25", "26", "100", "450"]\nvalues = [3, 7, 10, 25, 26, 100, 450]\nunit = "mg/kg"'
    text = re.sub(r"labels.*?unit = .cells.", doses, STUDY, flags=re.DOTALL).replace("window = 28", "window = 21")
    path = tmp_path / "seven.toml"
    path.write_text(text + '[window_events]\ndeath = { probability = 0.1, reading = "replace" }\n')
    (tmp_path / "tables").mkdir()
    shown = lines(run("record", write(tmp_path / "tables", SEVEN), "--study", path, "--out", tmp_path / "out"))
    for line in (
        "25 1 1 1 0 0",
        "26 1 0 0 0 1",
        "100 0 0 0 0 0",
        "450 1 0 0 1 0",
        "any 0 0 - 1 (100%) [3]",
        "any 1 (100%) [1] - 0 2 (40%) [4]",
        "any 1 to 84% 1 to 84% - 16 to 99%",  # of Beta(1, 2) and Beta(2, 1): 1 - .975^.5 ..., .025^.5 to .975^.5
        "- Nausea 0 0 - 1 (100%) [2]",
        "- Subject 4: death on day 0; not evaluable.",
    ):
        assert line in shown, line
    page = (tmp_path / "out" / "record.html").read_text(encoding="utf-8")
    assert "=HYPERLINK(&quot;http://x&quot;" in page or '=HYPERLINK("http://x"' in page
    assert "cmd|" not in page, "an identifier"


def test_what_is_not_recorded_is_told(study, folder):
    write(folder, adae=("2,N,POSSIBLE", "2,N,"))
    shown = " ".join(lines(run("record", folder, "--study", study, "--html", study.parent / "page.html")))
    assert "Not recorded, and not counted: of 1 event, whether related." in shown


@pytest.mark.parametrize("columns", [40, 60, 80])
def test_it_fits_the_terminal(study, folder, columns, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(columns))
    result = run("record", folder, "--study", study, "--html", study.parent / "p.html")
    assert [line for line in result.stdout.partition("Written to")[0].splitlines() if len(line) > columns] == []


def test_controls_are_compared_in_three_ways(study, folder):
    """Nobody of five has died, one followed to day 60: 1 or 5 survivors of 5; E = -ln .65 (60 + 40 + 18 + 35) / 60."""
    study.write_text(STUDY + CONTROLS)
    shown = " ".join(lines(run("record", folder, "--study", study, "--html", study.parent / "page.html")))
    assert "130 of 200 controls lived on day 60 (a registry)." in shown
    assert f"p = {1 - 0.35**5:.3f} if all who are censored died, {0.65**5:.3f} if all live" in shown
    assert "0 deaths seen, 1.10 expected, Pr(Poisson of as few) = 0.333, an approximation" in shown


def test_controls_are_random_beside_a_treated_rate_that_is(study, folder):
    """Nobody has died; alive count 1 + (40 + 18 + 35) / 60 = 2.55, of the worst 1 of 5, of the best all of them."""
    study.write_text(STUDY + CONTROLS + "weight = 0.5\n")
    shown = " ".join(lines(run("record", folder, "--study", study, "--html", study.parent / "page.html")))
    mean, least = 3.55 / 4.55, 2 / 7
    assert "learns from their counts to the power 0.5 (weight 0.5 of a power prior)" in shown
    assert f"2.5 0 {100 * mean:.1f} {100 * (mean - 66 / 102):+.1f} (" in shown
    assert f"dead 1.0 4 {100 * least:.1f} {100 * (least - 66 / 102):+.1f} (" in shown
    assert "with who counts as alive" in shown
    assert "How little this says: the 95% interval of the difference spans" in shown


def test_what_the_models_say_is_in_json(study, folder):
    study.write_text(STUDY + CONTROLS)
    found = json.loads(run("record", folder, "--study", study, "--json").stdout)
    assert found["against_controls"]["data_vars"]["no"]["data"] == [0, 4, 0, 1]
    assert found["improvement_averaged"]["data_vars"]["assessed"]["data"] == [1, 1, 0]
    study.write_text(STUDY)
    assert json.loads(run("record", folder, "--study", study, "--json").stdout)["against_controls"] is None


def test_improvement_is_averaged_over_two_models(study, folder):
    """Of 1 of 1 at the lowest dose and 0 of 1 at the second one: 1/6 if flat; rising, 6 of p1 (1 - p2) over the three
    ordered, 3! times 1/60 = 1/10: 3/8 of the weight."""
    shown = " ".join(lines(run("record", folder, "--study", study, "--html", study.parent / "page.html")))
    assert "the probability that improvement rises with the dose from 50% to 37.5%" in shown
    assert "with other prior weights from 75% to 64% and from 25% to 17%" in shown


def test_a_method_that_is_none_is_refused(study, folder):
    result = run("record", folder, "--study", study, "--method", "nut", "--json")
    assert result.exit_code == 2
    assert "method: wanted quadrature or nuts, got 'nut'" in result.stderr


def test_a_cut_off_leaves_out_what_came_later(study, folder):
    found = json.loads(run("record", folder, "--study", study, "--cutoff", "2024-04-19", "--json").stdout)
    assert (found["patients"], found["dlts"], found["last"]) == ([1, 0, 0], [0, 0, 0], "2024-04-19")
    whole = json.loads(run("record", folder, "--study", study, "--json").stdout)
    assert (whole["patients"], whole["dlts"]) == ([1, 2, 0], [0, 1, 0])
    assert [event["subject"] for event in whole["serious"]] == [2, 3]
    assert (found["unread"], whole["unread"]) == ([], [3])


def test_before_anybody_was_treated(study, folder):
    shown = lines(run("record", folder, "--study", study, "--cutoff", "2024-01-01", "--html", study.parent / "p.html"))
    assert "Nobody had been treated." in shown


def test_a_reading_of_the_study_counts(study, folder):
    study.write_text(STUDY + READING.replace("replace", "complete"))
    found = json.loads(run("record", folder, "--study", study, "--json").stdout)
    assert (found["patients"], found["unread"]) == ([1, 3, 0], [])


def test_an_event_without_a_reading_is_told_on_the_page_and_asked_for_by_a_tally(study, folder):
    shown = " ".join(lines(run("record", folder, "--study", study, "--html", study.parent / "page.html")))
    assert "How 1 subject who left the DLT window without a DLT may count is not stated" in shown
    assert "wanted [window_events] transplantation = { probability = P, reading = R } in the study" in shown
    result = run("record", folder, "--study", study, "--outcomes", "1N 2TN 3N")
    assert result.exit_code == 2
    said = " ".join(result.stderr.split())
    assert "adsl.csv, line 4: patient S-3 left the DLT window without a DLT (transplantation on day 18)" in said
    assert "EVALFL = Y or N in adsl.csv" in said


def test_an_actual_dose_off_is_told_without_the_name(study, folder):
    write(folder, adsl=("0.41e9", "0.35e9"))
    shown = " ".join(lines(run("record", folder, "--study", study, "--html", study.parent / "page.html")))
    assert "Subject 2: the actual dose 3.5e+08 cells is -30% from the planned 5e+08" in shown


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--cutoff", "20/05/2024"], "cutoff: wanted a date such as 2024-03-31, the year first, got '20/05/2024'"),
        (["--study", "library"], "clock.window: missing; wanted the days of the DLT window in the study file"),
    ],
)
def test_what_is_wrong_is_said(folder, study, options, told):
    result = run("record", folder, "--study", study, *options)
    assert result.exit_code == 2
    assert told in result.stderr


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ("1N 2NN", "patient 2: wanted what the record says, level 2, a DLT (adsl.csv, line 3), got level 2, no DLT"),
        ("1N 2TT", "patient 3: wanted what the record says, level 2, no DLT (adsl.csv, line 5), got level 2, a DLT"),
    ],
)
def test_a_tally_with_a_dlt_that_the_tables_do_not_have_or_without_one_is_refused(study, folder, outcomes, told):
    study.write_text(STUDY + READING)
    at = ["record", folder, "--study", study, "--cutoff", "2024-05-13", "--json"]
    assert run(*at, "--outcomes", "1N 2TN").exit_code == 0
    result = run(*at, "--outcomes", outcomes)
    assert result.exit_code == 2
    assert told in result.stderr


def test_faults_of_the_tables_have_file_line_and_column(study, folder):
    write(folder, adae=(",4,Y", ",7,Y"), adlb=("umol/L", "U"))
    result = run("record", folder, "--study", study, "--json")
    assert result.exit_code == 2
    assert "adae.csv, line 6: AETOXGR: wanted a CTCAE grade, 0 to 5, got '7'" in result.stderr
    assert "adlb.csv, line 2: AVALU: wanted a unit of BILI" in result.stderr


YELLOW = """
[eligibility]
include = [
    { variable = "AGE", relation = "<=", value = 49, unit = "years" },
    { variable = "BILI", relation = "<", value = 10, unit = "mg/dL", population = "CLF" },
]
judged = ["no active infection"]
"""


def test_who_deviates_is_named_with_the_distance_and_nobody_is_dropped(study, folder):
    """S-2, S-3 and S-5 are 50, 61 and 55; of CLF S-1 has 205.2 / 17.1 = 12 mg/dL, S-3 and S-4 no value."""
    study.write_text(STUDY + READING + YELLOW)
    shown = lines(run("record", folder, "--study", study, "--html", study.parent / "page.html"))
    for line in (
        "Criteria that the tables can check: age <= 49 years; total bilirubin < 10 mg/dL (CLF).",
        "1 0.15 total bilirubin < 10 mg/dL (CLF) total bilirubin 12 mg/dL 2 mg/dL",
        "2 0.5 age <= 49 years age 50 years 1 years",
        "3 0.5 age <= 49 years age 61 years 12 years",
        "3 0.5 total bilirubin < 10 mg/dL (CLF) no BILI up to day 0",
        "4 0.5 total bilirubin < 10 mg/dL (CLF) no BILI up to day 0",
        "- no active infection",
        "0.5 4 2 1 1 1",
    ):
        assert line in shown, line
    head = shown.index("dose DLT/n mean 90% interval > 25% DLT/n mean 90% interval > 25%")
    rows = [line.split() for line in shown[head + 2 : head + 5]]
    assert [(row[0], row[1], row[-6]) for row in rows] == [
        ("0.15", "0/1", "0/0"),
        ("0.5", "1/2", "0/1"),
        ("1.5", "0/0", "0/0"),
    ]


def test_what_is_said_without_them_is_the_answer_of_the_tables_without_their_rows(study, folder):
    study.write_text(STUDY + READING + YELLOW)
    found = json.loads(run("record", folder, "--study", study, "--json").stdout)["eligibility"]
    kept = [
        row for row in (folder / "adsl.csv").read_text().splitlines() if row[:3] not in ("S-1", "S-2", "S-3", "S-5")
    ]
    (folder / "adsl.csv").write_text("\n".join(kept))
    for name in ("adae.csv", "adlb.csv", "adeff.csv"):
        (folder / name).write_text((folder / name).read_text().splitlines()[0])
    other = json.loads(run("next", study, "--data", folder, "--cutoff", "2024-05-20", "--json").stdout)
    assert [f["subject"] for f in found["deviations"]] == [1, 2, 3, 5]
    assert [f["subject"] for f in found["unknown"]] == [3, 4]
    assert found["without"]["doses"] == other["doses"]
    assert found["without"]["designs"] == other["designs"]
    assert found["with"]["doses"][1]["n"] == 2
    assert found["judged"] == ["no active infection"]


def test_a_tally_that_is_asked_for_is_asked_for_here(study, folder):
    study.write_text(STUDY + YELLOW)
    shown = " ".join(lines(run("record", folder, "--study", study, "--html", study.parent / "page.html")))
    assert "With and without the 4 subjects who deviate: no tally before it is stated" in shown
    assert "S-3" not in shown
    assert json.loads(run("record", folder, "--study", study, "--json").stdout)["eligibility"]["without"] is None


def written(folder):
    """The texts of all renderings in a folder, and of the figures."""
    pdf = "".join(page.extract_text() for page in PdfReader(folder / "record.pdf").pages)
    with zipfile.ZipFile(folder / "record.docx") as docx:
        word = docx.read("word/document.xml").decode()
    plain = {name: (folder / name).read_text(encoding="utf-8") for name in ("record.html", "swimmer.svg")}
    return plain | {"pdf": pdf, "docx": word}


DATES = ("2024-03-01", "2024-04-10", "2024-04-12", "2024-04-15", "2024-04-20", "2024-04-30")


def test_identifiers_and_dates_are_shown_where_they_are_asked_for_and_nowhere_else(study, folder):
    study.write_text(STUDY + READING + YELLOW)
    out = study.parent / "out"
    hidden = run("record", folder, "--study", study, "--out", out)
    texts = written(out) | {"terminal": hidden.stdout, "json": run("record", folder, "--study", study, "--json").stdout}
    for text in texts.values():
        assert not [word for word in (*(f"S-{k}" for k in range(1, 7)), *DATES) if word in text]
    asked = ("record", folder, "--study", study, "--identifiers")
    shown = lines(run(*asked, "--out", out))
    assert "2 S-2 0.5 2024-04-10 - - -" in shown
    assert "3 S-3 0.5 2024-04-12 - 2024-04-30 -" in shown
    assert "2 S-2 2024-04-20 0.5 10 21 Abdominal pain 3 yes RECOVERED" in shown
    texts = written(out)
    assert "S-3" not in texts.pop("swimmer.svg")
    for text in texts.values():
        assert "S-3" in text
        assert "2024-04-30" in text
    assert json.loads(run(*asked, "--json").stdout)["identifiers"]["3"] == "S-3"


def test_the_renderings_hold_the_same_tables_with_heads_that_are_repeated(study, folder):
    """Safety tables as the field has them: subjects n (%), events in brackets, classes before their terms."""
    out = study.parent / "out"
    assert run("record", folder, "--study", study, "--out", out).exit_code == 0
    drawn = ("swimmer", "survival", "liver", "improvement")
    names = {"record.html", "record.docx", "record.pdf", *(f"{n}.{kind}" for n in drawn for kind in ("svg", "png"))}
    assert {path.name for path in out.iterdir()} == names
    page, word = Page((out / "record.html").read_text(encoding="utf-8")), Docx(out / "record.docx")
    tables = [[[cell.text for cell in row.cells] for row in table.rows] for table in word.tables]
    assert tables == list(page.tables.values())
    assert all(table.rows[0]._tr.xpath("./w:trPr/w:tblHeader") for table in word.tables)
    assert [p.text for p in word.paragraphs if p.style.name == "Heading 1"][:3] == [
        "Data so far",
        "Adverse events",
        "Survival",
    ]
    assert len(word.inline_shapes) == len(drawn)
    terms = page.tables["Subjects (%) with treatment-emergent adverse events [events], by class and term"]
    assert terms == [
        ["class, term", "0.15 (n = 1)", "0.5 (n = 4)", "1.5 (n = 0)", "all (n = 5)"],
        ["General disorders", "1 (100%) [1]", "1 (25%) [1]", "-", "2 (40%) [2]"],
        ["- Fever", "1 (100%) [1]", "1 (25%) [1]", "-", "2 (40%) [2]"],
        ["Gastrointestinal disorders", "0", "1 (25%) [1]", "-", "1 (20%) [1]"],
        ["- Abdominal pain", "0", "1 (25%) [1]", "-", "1 (20%) [1]"],
        ["Hepatobiliary disorders", "0", "1 (25%) [1]", "-", "1 (20%) [1]"],
        ["- Hepatic failure", "0", "1 (25%) [1]", "-", "1 (20%) [1]"],
    ]
    pdf = "".join(each.extract_text() for each in PdfReader(out / "record.pdf").pages)
    assert all(cell.replace(" ", "") in pdf.replace(" ", "") for row in terms for cell in row)


def test_the_example_is_called_invented_in_every_output(tmp_path):
    shown = run("record", "example", "--out", tmp_path / "out")
    texts = written(tmp_path / "out") | {"terminal": shown.stdout, "json": run("record", "example", "--json").stdout}
    assert {name for name, text in texts.items() if "invented" not in text} == set()
    assert not any("INVENTED-0" in text for text in texts.values())


def test_the_draws_of_nuts_are_written_as_arviz_reads_them(study, folder, tmp_path, made_up):
    study.write_text(STUDY + CONTROLS)
    (folder / "adeff.csv").write_text("USUBJID,AVISITN,PARAMCD,AVALC\nS-1,28,IMPROVED,Y\n")
    run_ok = run("record", folder, "--study", study, "--method", "nuts", "--out", tmp_path / "out")
    assert run_ok.exit_code == 0, run_ok.stderr
    for name in ("survival", "improvement"):
        tree = xr.open_datatree(tmp_path / "out" / f"{name}.nc")
        assert "rate" in " ".join(az.summary(tree).index)
        assert tree.attrs["title"] == "A record"
        assert tree.attrs["study_hash"].startswith("h")


def test_without_a_folder_for_them_no_files_are_written(study, folder, tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    assert run("record", folder, "--study", study).exit_code == 0
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("asked", [(), ("--json",), ("--html", "page.html")])
def test_a_thousand_subjects_with_ten_thousand_events_take_five_seconds(tmp_path, asked):
    """Seconds of the processor, of 30 million additions as 0.4 of them, so that a busy machine is no fault."""
    large_record(tmp_path / "tables")
    steps = "import time; t = time.process_time(); sum(range(3 * 10**7)); print(time.process_time() - t)"
    unit = float(subprocess.run([sys.executable, "-c", steps], capture_output=True, text=True).stdout) / 0.4
    command = [sys.executable, "-m", "doseopt", "record", str(tmp_path / "tables"), *asked]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert subprocess.run(command, cwd=tmp_path, capture_output=True).returncode == 0
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime) / unit < 5
