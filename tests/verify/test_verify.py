"""`doseopt verify`: every number agrees, a wrong one is found and named, and no number is compared with itself."""

import ast
import csv
import inspect
import json
import re
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
from pages import Page
from typer.testing import CliRunner

import doseopt
from doseopt import TPI
from doseopt.cli import app
from doseopt.core.text import neutral
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.verification import verification_document
from doseopt.verify import CHECKS, about, as_rows, cases, verify
from doseopt.verify.check import Number
from doseopt.verify.pathways import characteristics

REFERENCE = Path(doseopt.__file__).parent / "verify" / "reference"
FAMILIES = sorted({Path(inspect.getfile(check.ours)) for check in CHECKS.values()})
QUICK = ["boin-lambdas", "benchmark"]


def rows_of(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def run(*arguments):
    return CliRunner().invoke(app, ["verify", *map(str, arguments)])


@pytest.fixture(scope="module")
def everything(tmp_path_factory):
    """The command run once, for all checks."""
    out = tmp_path_factory.mktemp("verify") / "numbers.csv"
    result = run("--json", "--out", out)
    return result, json.loads(result.stdout), out


@pytest.mark.parametrize("name", CHECKS)
def test_every_number_agrees(everything, name):
    rows = [row for row in everything[1]["rows"] if row["check"] == name]
    assert rows
    assert [row for row in rows if not row["agrees"]] == []


def test_the_command_says_that_all_agree(everything):
    result, told, _ = everything
    assert (result.exit_code, told["differing"]) == (0, 0)
    assert list(told["checks"]) == list(CHECKS)


def test_every_row_of_the_tables_is_compared(everything):
    """Counted from the files: rows times numbers a row."""
    counted = Counter(row["check"] for row in everything[1]["rows"])
    tables = {path.name: rows_of(path) for path in REFERENCE.glob("*.csv")}
    rates = sum(len(row["prior"].split("|")) for row in tables["dfcrm_getprior.csv"])
    operating = 15  # selection of none and four doses, patients and DLTs by dose and in all
    wanted = {
        "boin-boundaries": 6 * len(tables["boin_boundaries.csv"]),
        "boin-selection": sum(1 + 2 * int(row["K"]) for row in tables["boin_select_mtd.csv"]),
        "crm-fits": sum(5 + int(row["K"]) for row in tables["dfcrm_fits.csv"]),
        "crm-indifference": sum(
            len(row[name].split("|"))
            for row in tables["dfcrm_crmsens.csv"]
            for name in ("iint_lower", "iint_upper", "Hset_lower", "Hset_upper")
        ),
        "boin-exact": operating * sum(row["design"] == "BOIN" for row in tables["exact_boin_crm.csv"]),
        "crm-exact": operating * sum(row["design"] == "CRM" for row in tables["exact_boin_crm.csv"]),
        "boin-titration-exact": operating * len(tables["exact_boin_titration.csv"]),
        "3+3-exact": operating * len(tables["three_plus_three_oc.csv"]),
        "titration-3+3-exact": operating * len(tables["atd_three_plus_three_exact.csv"]),
        "crm-skeletons": rates,
        "interval-decisions": 2 * len(tables["escalation_interval_tables.csv"]),
        "keyboard-boundaries": 3 * len(tables["keyboard_boundaries.csv"]),
        "next-dose": (2 + 4) * len(tables["escalation_next_dose.csv"]),
        "blrm-sas": len(tables["sas_blrm_posterior.csv"]),
        "crm-table-1": len(tables["neuenschwander_table1_crm.csv"]),
        "pathways-viola": len(tables["viola_dtp_nodes.csv"]),
        "pathways-boin": len(tables["boin25_paths_3_doses.csv"]),
        "tite-crm-fits": sum(5 + len(row["level"].split("|")) + int(row["K"]) for row in tables["titecrm_fits.csv"]),
        "tite-boin-next": 3 * (len(tables["titeboin_next_ess.csv"]) - 41),  # said in its note
        "rolling-six": len(tables["rolling_six_table.csv"]),
        "unit-tests": len(
            {tuple(row.values()) for row in tables["escalation_unit_expectations.csv"] if not row["note"]}
        ),
    }
    vignettes = ("crm-posteriors", "crm-next-by-mean")
    assert sum(counted[name] for name in vignettes) == len(tables["trialr_bcrm_posterior.csv"])
    vignettes = ("crmpack-trial", "pathways-crm", "vignettes-simulated")
    assert sum(counted[name] for name in vignettes) == len(tables["crm_vignettes_oc.csv"]) - 1  # said in its note
    left_out = 5  # patients of TPI, said in its note
    assert counted["vignettes-exact"] == len(tables["exact_and_published_oc.csv"]) - left_out
    assert {name: counted[name] for name in wanted} == wanted


def test_the_csv_holds_every_number_that_the_json_does(everything):
    _, told, out = everything
    rows = rows_of(out)
    assert len(rows) == len(told["rows"]) == told["numbers"] > 30_000
    for row, wanted in zip(rows[::97], told["rows"][::97], strict=True):
        assert list(row) == list(wanted)
        assert (row["check"], row["what"]) == (wanted["check"], wanted["what"])
        assert row["theirs"] == neutral(wanted["theirs"], "csv")  # "----" would be a formula
        assert row["ours"] == ("" if wanted["ours"] is None else str(wanted["ours"]))
        assert row["agrees"] == str(wanted["agrees"])


def test_nothing_is_granted_that_is_not_small_or_explained(everything):
    """Beyond the digits printed by the literature, what is granted has a note."""
    for row in everything[1]["rows"]:
        check = CHECKS[row["check"]]
        if row["granted"] > 1e-11 and "." in row["theirs"] and not check.note:
            assert row["granted"] <= 0.51 * 10.0 ** -len(row["theirs"].partition(".")[2]), row


def test_every_table_and_every_kind_of_entry_is_used(monkeypatch):
    used = set()
    peers, published, quoted = cases.peers, cases.published, cases.quoted
    for family in {inspect.getmodule(check.ours) for check in CHECKS.values()}:
        monkeypatch.setattr(family, "peers", lambda file, *rest: (used.add(file), peers(file, *rest))[1], raising=False)
        monkeypatch.setattr(
            family, "quoted", lambda file, *rest: (used.add(file), quoted(file, *rest))[1], raising=False
        )
        monkeypatch.setattr(family, "published", lambda kind: (used.add(kind), published(kind))[1], raising=False)
    for check in CHECKS.values():
        check.cases()
    kinds = set(re.findall(r"^\[\[(\w+)\]\]$", (REFERENCE / "published.toml").read_text(), re.MULTILINE))
    assert used == {path.name for path in REFERENCE.glob("*.csv")} | kinds


@pytest.mark.parametrize("name", CHECKS)
def test_what_we_compute_from_does_not_hold_the_answers(name):
    """What is given shares no column with what is printed, and no given value is a printed number with its digits."""
    for case in CHECKS[name].cases():
        assert not set(case.given) & set(case.printed)
        given = {str(value) for value in case.given.values()}
        assert not given & {text for part in case.printed.values() for text in part if len(text) > 7}


@pytest.mark.parametrize("path", FAMILIES, ids=lambda path: path.stem)
def test_only_the_reading_of_cases_sees_what_is_printed(path):
    """Functions that compute take `given` (and ours); those that name `printed` prepare cases."""
    for function in [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)]:
        names = {n.id for n in ast.walk(function) if isinstance(n, ast.Name)}
        names |= {n.attr for n in ast.walk(function) if isinstance(n, ast.Attribute)}
        if "given" in {argument.arg for argument in function.args.args}:
            assert names.isdisjoint({"printed", "peers", "published", "quoted", "REFERENCE", "open", "read_text"}), (
                function.name
            )


CHEAP = [
    name
    for name in CHECKS
    if name not in ("blrm", "blrm-sas", "crmpack-trial", "vignettes-simulated", "3+3-paths", "crm-exact", "boin-exact")
]


@pytest.mark.parametrize("name", CHEAP)
def test_a_changed_first_digit_of_any_kind_of_answer_is_found(name):
    check = CHECKS[name]
    case = check.cases()[-1]
    for answer, texts in case.printed.items():
        wrong = (f"9{texts[0]}", *texts[1:])
        planted = replace(case, printed={**case.printed, answer: wrong})
        found = [n for n in replace(check, cases=lambda planted=planted: [planted]).numbers(name) if not n.agrees]
        assert [n.theirs for n in found] == [wrong[0]], answer


@pytest.fixture
def planted(tmp_path, monkeypatch):
    """A copy of the numbers in which some are changed."""
    folder = tmp_path / "reference"
    shutil.copytree(REFERENCE, folder)
    monkeypatch.setattr(cases, "REFERENCE", folder)

    def plant(file, old, new):
        text = (folder / file).read_text()
        assert text.count(old) >= 1
        (folder / file).write_text(text.replace(old, new, 1))

    return plant


def test_a_planted_number_is_named_first_and_the_status_is_1(planted):
    planted("published.toml", '"0.078449"', '"0.078450"')
    result = run("--only", "boin-lambdas")
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "1 number differs"
    assert lines[1].startswith("- boin-lambdas, Liu & Yuan 2015 JRSS-C 64:507")
    assert "target 0.10: lambda_e: theirs 0.078450, ours 0.07844898" in " ".join(line.strip() for line in lines[1:4])
    assert lines[-1] == "14 numbers from 1 source: 1 of them differ"


def test_a_planted_number_of_a_table(planted, tmp_path):
    planted("keyboard_boundaries.csv", "0.05,0.05,0.95,1,0,1,1", "0.05,0.05,0.95,1,0,1,")
    result = run("--only", "keyboard-boundaries", "--json", "--out", tmp_path / "v.csv")
    assert result.exit_code == 1
    (wrong,) = [row for row in json.loads(result.stdout)["rows"] if not row["agrees"]]
    assert (wrong["what"], wrong["theirs"], wrong["ours"]) == ("target 0.2, n 1: eliminate_ge", "", 1)
    assert wrong["difference"] is None  # no number in JSON says infinity
    (wrong,) = [row for row in rows_of(tmp_path / "v.csv") if row["agrees"] == "False"]
    assert wrong["difference"] == "inf"


def test_a_missing_number_differs(planted):
    planted("published.toml", '"0.0023 0.0692 ', '"0.0023 ')
    assert run("--only", "benchmark").exit_code == 1


def test_many_differences_are_counted_and_some_spelled_out(planted):
    text = (cases.REFERENCE / "keyboard_boundaries.csv").read_text()
    (cases.REFERENCE / "keyboard_boundaries.csv").write_text(re.sub(r"(?m)(?<=\d),\d+,(?=\d*$)", ",77,", text))
    result = run("--only", "keyboard-boundaries")
    assert result.exit_code == 1
    assert result.stdout.startswith("72 numbers differ\n")
    assert "and 52 more; --out writes all" in result.stdout


def test_only():
    numbers = verify(QUICK)
    assert list(dict.fromkeys(n.check for n in numbers)) == sorted(QUICK, key=list(CHECKS).index)
    result = run("--only", QUICK[0], "--only", QUICK[1])
    assert result.exit_code == 0
    assert result.stdout.splitlines()[-1].startswith(f"{len(numbers)} numbers from 2 sources: all agree")


def test_the_page_holds_a_row_for_each_source(tmp_path):
    result = run("--only", "boin-lambdas", "--html", tmp_path / "page.html")
    assert result.exit_code == 0, result.stderr
    ((head, row),) = Page((tmp_path / "page.html").read_text()).tables.values()
    said = dict(zip(head, row, strict=True))
    assert (said["check"], said["numbers"]) == ("boin-lambdas", "14")
    assert float(said["theirs"]) == pytest.approx(float(said["ours"]), abs=5e-7)


def test_what_differs_is_marked_and_said_why(planted):
    planted("published.toml", '"0.078449"', '"0.078450"')
    text = run("--only", "boin-lambdas").stdout
    assert "for what is granted; * further off than that" in " ".join(text.split())
    assert re.search(r"^boin-lambdas .* 1e-06\* +5e-07$", text, re.MULTILINE)


def test_an_unknown_name_is_refused_with_the_nearest(tmp_path):
    out = tmp_path / "v.csv"
    result = run("--only", "boin-lambda", "--only", "zzz", "--out", out)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert "no check is called 'boin-lambda'; did you mean 'boin-lambdas'?" in result.stderr
    assert "no check is called 'zzz'; known: " in result.stderr
    assert not out.exists()


def test_a_folder_is_no_file(tmp_path):
    result = run("--only", "mtd", "--out", tmp_path)
    assert result.exit_code == 2
    assert "--out: wanted a file, got the folder" in result.stderr


def test_the_table_keeps_to_its_width_and_names_versions(everything):
    rows, told = everything[1]["rows"], everything[1]
    lines = terminal_text(verification_document(rows, told)).plain.splitlines()
    assert max(map(len, lines)) <= 100
    assert not any(line.endswith(" ") for line in lines)
    assert lines[-1] == (
        f"{told['numbers']:,} numbers from {len(told['sources'])} sources: "
        "all agree within the digits given or the difference granted"
    )
    assert lines[-2].startswith(f"doseopt {doseopt.__version__}, Python 3.")
    text = "\n".join(lines)
    for name, check in CHECKS.items():
        assert re.search(rf"^{re.escape(name)} ", text, re.MULTILINE), name
        assert check.note[:30] in text
    for source in told["sources"]:
        assert f"\n- {source}" in text


def test_the_page_names_every_table_with_its_package_and_version(everything):
    page = (REFERENCE / "README.md").read_text()
    for path in REFERENCE.glob("*.csv"):
        assert f"| `{path.name}` |" in page
    for row in everything[1]["rows"]:
        if row["version"]:
            assert f"{row['source']} {row['version']}" in page


@pytest.mark.parametrize(
    ("theirs", "ours", "granted", "agrees"),
    [
        ("0.25", 0.254, 0.005, True),
        ("0.25", 0.256, 0.005, False),
        ("E", "E", 0.0, True),
        ("E", "D", 0.0, False),
        ("", None, 0.0, True),
        ("-", None, 0.0, True),
        ("", 3, 0.0, False),
        ("3", None, 9.0, False),
        ("x", 3.0, 9.0, False),
        ("0.1", float("nan"), 9.0, False),
    ],
)
def test_what_agrees(theirs, ours, granted, agrees):
    assert Number("c", "s", "", "", "w", theirs, ours, granted).agrees is agrees


def test_where_a_verdict_of_dtpcrm_is_taken_it_stops_and_the_exact_rule_does_not():
    """At these nodes Pr(DLT rate at dose 1 > 0.3) lies between 0.70 and 0.72, and dtpcrm's approximation above."""
    (case,) = CHECKS["pathways-viola"].cases()
    exact = CHECKS["pathways-viola"].ours({"path": case.given["path"]} | {"exact": True})["next"]
    differing = [
        (path, ours)
        for path, ours, theirs in zip(case.given["path"], exact, case.printed["next"], strict=True)
        if ours != theirs
    ]
    assert len(differing) == 9
    assert {ours for _, ours in differing} == {"1"}


def test_what_is_said_about_the_run():
    numbers = verify(["mtd"])
    assert about(numbers)["numbers"] == len(as_rows(numbers)) == 1
    assert about(numbers)["sources"] == ["Yan et al. 2020"]


def test_tpi_with_smaller_intervals_gives_all_that_its_paper_simulated():
    """All of scenario 1 of Ji 2007, patients too, with K1 = 0.6 and K2 = 1, which were fitted to it."""
    rows = [row for row in rows_of(REFERENCE / "exact_and_published_oc.csv") if row["case"] == "TPI"]
    design = Modified(TPI(doses=8, target=0.25, k1=0.6, k2=1.0), (MaxPatients(30),))
    found = characteristics(design, json.loads(rows[0]["inputs"])["p"])
    for row in rows:
        assert abs(found[row["quantity"]] - float(row["theirs"])) <= float(row["granted"]), row["quantity"]
    assert len(rows) == 9
