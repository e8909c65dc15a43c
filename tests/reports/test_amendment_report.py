"""The amendment report: its sections, its numbers, its gaps, and the three renderings of it."""

import dataclasses
import functools
import re

import numpy as np
import pytest
import xarray as xr
from pypdf import PdfReader
from reports.reading import numbers, read_html, words_of_docx
from reports.word_checks import faults_of_docx
from small_study import SMALL

from doseopt.amendment.dossier import gather, proposed
from doseopt.display.outlook import STUDY_MODEL
from doseopt.records.trial import Trial
from doseopt.reports.amendment import SECTIONS as SECTIONS_OF_THE_REPORT
from doseopt.reports.amendment import amendment_report
from doseopt.reports.render.document import Document, Gap, Heading, Table
from doseopt.reports.render.docx import write_docx
from doseopt.reports.render.html import write_html
from doseopt.reports.render.pdf import write_pdf
from doseopt.reports.sections.checklist import ITEMS
from doseopt.reports.sections.holds import holds
from doseopt.reports.sections.summary import ahead, summary
from doseopt.reports.sections.words import statement
from doseopt.study.amendment import STATEMENTS
from doseopt.study.file import parse_study

SECTIONS = (
    "Summary",
    "How far this holds",
    "Posterior DLT rates at each dose",
    "The ladder of amendments",
    "The registered design, rule by rule",
    "The proposed designs",
    "Data so far and DLT rate at each dose",
    "Operating characteristics",
    "Like for like, and by other definitions of right",
    "Operating characteristics from the data so far",
    "Distance from what is attainable",
    "What would change the decision",
    "Sensitivity to the readings of the protocol",
    "Limitations",
    "Example trials",
    "Reproduction",
    "Checklist",
)
COMMAND = "doseopt amend study.toml --outcomes '1N 2NNT'"


@pytest.fixture(scope="module")
def study():
    return parse_study(SMALL, "small.toml")


def dossier_of(study, outcomes):
    return gather(study, Trial.from_outcomes(outcomes, study.doses), proposed(study))


@pytest.fixture(scope="module")
def interim(study):
    return dossier_of(study, "1N 2NNT")


@pytest.fixture(scope="module")
def prospective(study):
    return dossier_of(study, "")


@pytest.fixture(scope="module", params=["interim", "prospective"])
def case(request):
    dossier = request.getfixturevalue(request.param)
    return dossier, made(dossier)


@functools.cache
def made(dossier):
    return amendment_report(dossier, COMMAND)


@pytest.fixture(scope="module")
def rendered(case, tmp_path_factory):
    """The report in each format, once for all that is asked of it."""
    folder = tmp_path_factory.mktemp("report")
    writers = {"html": write_html, "docx": write_docx, "pdf": write_pdf}
    return {kind: write(case[1], folder / f"r.{kind}") for kind, write in writers.items()}


def texts(document):
    return " ".join(str(getattr(block, "text", getattr(block, "items", ""))) for block in document.blocks)


def table(document, start):
    return next(block for block in document.blocks if isinstance(block, Table) and block.caption.startswith(start))


def test_sections_in_order(case):
    assert case[1].sections == SECTIONS


def test_the_three_renderings_hold_the_same_numbers(rendered):
    web = " ".join(read_html(rendered["html"]).text)
    word = words_of_docx(rendered["docx"])
    pages = PdfReader(rendered["pdf"]).pages
    printed = numbers(" ".join(page.extract_text() for page in pages))
    assert numbers(web) == numbers(word)
    # a PDF also holds the numbers drawn in its figures, and breaks words of its text
    assert set(numbers(word)) <= set(printed)
    assert len(numbers(word)) > 300


def test_no_head_is_broken_and_no_row_alone_in_docx(rendered):
    assert faults_of_docx(rendered["docx"]) == []


def test_the_report_can_be_used_without_seeing_it(rendered):
    tags = read_html(rendered["html"]).tags
    kinds = [tag for tag, _ in tags]
    assert ("html", {"lang": "en"}) in tags
    scopes = [attrs.get("scope") for tag, attrs in tags if tag == "th"]
    assert set(scopes) == {"col", "colgroup", "row"}
    heads = kinds.count("table")
    assert heads == kinds.count("caption") == kinds.count("thead") > 20
    above = [part.split("tbody")[0].split().count("tr") for part in " ".join(kinds).split("thead")[1:]]
    assert scopes.count("row") == kinds.count("tr") - sum(above)
    root = PdfReader(rendered["pdf"]).trailer["/Root"]
    assert root["/Lang"] == "en"
    assert b"<pdfuaid:part>1</pdfuaid:part>" in root["/Metadata"].get_data()


def test_the_first_table_says_what_becomes_of_100_trials(case):
    dossier, document = case
    rows = {row[0]: row for row in table(document, "What becomes of 100 trials").rows}
    average = dossier.amendment["average"].to_dataset().sel(belief=STUDY_MODEL)
    assert list(rows) == ["ATD 6", "BOIN 9"]
    for name, row in rows.items():
        at = average.sel(design=name)
        trials = [100 * at[m].item() for m in ("correct_selection", "overdose_selection", "no_selection")]
        assert row[1:4] == tuple(f"{value:.0f}" for value in trials)
        patients = ("further_patients", "further_dlts", "patients_below_mtd", "patients_above_mtd")
        assert row[4:] == (*(f"{at[m].item():.1f}" for m in patients), name.split()[1])


def test_the_first_page_shows_the_two_best_of_many_proposed_designs(prospective):
    """Three more, each worse than BOIN 9 by a known amount: the registered one and the best two stay."""
    average = prospective.amendment["average"].to_dataset()
    more = [average.sel(design=["BOIN 9"]).assign_coords(design=[name]) for name in ("B", "C")]
    for k, one in enumerate(more):
        more[k] = one.assign(correct_selection=one["correct_selection"] - (0.01, 0.02)[k])
    tree = prospective.amendment.copy(deep=True)
    tree["average"] = xr.DataTree(xr.concat([average, *more], "design"))
    proposal = dataclasses.replace(prospective.proposal, amended=("C", "B", "BOIN 9"))
    dossier = dataclasses.replace(prospective, amendment=tree, proposal=proposal)
    assert ahead(dossier, tree["average"].to_dataset().sel(belief=STUDY_MODEL)) == ["BOIN 9", "B", "C"]


def test_every_abbreviation_is_spelled_out_once(case):
    spelled = (
        "DLT: dose-limiting toxicity; MTD: maximum tolerated dose; ATD: accelerated titration design; BOIN: Bayesian "
        "optimal interval design."
    )
    assert texts(case[1]).count(spelled) == 1


def test_the_price_is_complete(case):
    dossier, document = case
    average = dossier.amendment["average"].to_dataset().sel(belief=STUDY_MODEL)
    change = average.sel(design="BOIN 9") - average.sel(design="ATD 6")
    for name, what in (
        ("sample_size", "patients"),
        ("total_dlts", "DLTs"),
        ("patients_above_mtd", "patients above the MTD"),
        ("patients_below_mtd", "patients below it"),
    ):
        value, size = change[name].item(), f"{abs(change[name].item()):.1f}"
        more = "as many" if size == "0.0" else f"{size} {'more' if value > 0 else 'fewer'}"
        assert f"{more} {what}" in texts(document)


def test_what_is_next_in_words_where_it_differs(interim, prospective):
    # 1/3 at level 2: the 3+3 fills the level, BOIN with phi = .25 goes down (lambda_d = .298)
    said = "For the next patients: ATD 6: 2 patients at 2 mg; BOIN 9: 3 patients at 1 mg."
    assert said in texts(made(interim))
    assert "For the next patients" not in texts(made(prospective))


def test_the_tables_by_scenario_are_those_of_the_tree(case):
    dossier, document = case
    ds = dossier.amendment["start"].to_dataset()
    shown = table(document, "Probability of correct selection")
    for row in shown.rows:
        exact = 100 * ds["correct_selection"].sel(design=row[0]).to_numpy()
        np.testing.assert_allclose([float(cell) for cell in row[1:]], [*exact, exact.mean()], atol=0.0501)


def test_plain_words_come_from_the_results(interim):
    text = texts(made(interim))
    average = interim.amendment["average"].to_dataset().sel(belief=STUDY_MODEL)
    first = average.sel(design="ATD 6")
    said = f"With at most 6 patients the registered design names no dose in {100 * first['no_selection'].item():.0f} of"
    assert said in text
    now = interim.amendment["now"].to_dataset().sel(scenario=interim.truth, design="ATD 6")
    assert f"it declares none in {100 * now['no_selection'].item():.1f}%" in text


def test_overdose_is_said_to_be_what_is_counted(case):
    said = "Overdose: a dose above the highest correct one whose true DLT rate is above the target."
    assert said in texts(case[1])


def test_gains_are_proposed_minus_registered(case):
    dossier, document = case
    average = dossier.amendment["average"].to_dataset().sel(belief=STUDY_MODEL)
    change = average.sel(design="BOIN 9") - average.sel(design="ATD 6")
    gain, dlts = 100 * change["correct_selection"].item(), change["further_dlts"].item()
    assert f"{gain:+.1f} points with BOIN 9" in texts(document)
    assert f"{abs(dlts):.1f} {'more' if dlts >= 0 else 'fewer'} DLTs)" in texts(document)
    right = dossier.amendment["start"]["correct_selection"]
    gains = 100 * (right.sel(design="BOIN 9") - right.sel(design="ATD 6")).to_numpy()
    row, over, below = table(document, "Proposed minus registered").rows
    np.testing.assert_allclose([float(cell) for cell in row[1:]], [*gains, gains.mean()], atol=0.0501)
    assert [each[0] for each in (row, over, below)] == [
        f"BOIN 9: {x}" for x in ("correct", "overdose", "below the MTD")
    ]
    change = dossier.amendment["start"]["patients_below_mtd"].diff("design").mean().item()
    assert float(below[-1]) == pytest.approx(change, abs=0.0501)


def test_where_a_proposed_design_is_worse_is_said_on_the_first_page(case):
    dossier, document = case
    right = dossier.amendment["now"]["correct_selection"]
    before, after = (100 * right.sel(design=name, scenario="too toxic").item() for name in ("ATD 6", "BOIN 9"))
    assert after < before
    summary = texts(Document("", {}, document.blocks[:7]))
    assert f"at worst in {after:.1f}% instead of {before:.1f}% (BOIN 9" in summary


def test_what_cannot_be_declared_from_here(interim, prospective):
    # ATD 6: with four treated and two to come no level gets six patients. BOIN 9: three at level 1, two at level 2
    assert [row[4] for row in table(made(interim), "What differs").rows] == ["1, 2 and 4", "4"]
    assert "From here it cannot declare 1 mg, 2 mg or 4 mg the MTD, whatever the truth." in texts(made(interim))
    # from the start: level 1 is filled to six after a DLT; level 2 gets five at most. BOIN 9: 1 + 3 + 3 + 2
    assert [row[4] for row in table(made(prospective), "What differs").rows] == ["2 and 4", "none"]


def with_values(dossier, node, name, change):
    """The dossier with a measure of its amendment changed: `change` alters it in place."""
    tree = dossier.amendment.copy(deep=True)
    ds = tree[node].to_dataset()
    ds[name] = ds[name].copy(deep=True)
    change(ds[name])
    tree[node] = xr.DataTree(ds)
    return dataclasses.replace(dossier, amendment=tree)


def said_of(dossier):
    """The sentences of the first two pages."""
    return " ".join([*summary(dossier)[-1].items, *holds(dossier)[0].items])


def test_a_dose_that_can_be_declared_however_seldom_is_not_among_those_that_cannot(prospective):
    def once(selection):
        selection.loc[{"design": "ATD 6", "scenario": "safe"}] = [0.0, 1e-12, 0.0]
        selection.loc[{"design": "ATD 6", "scenario": "middle"}] = [0.0, 0.0, 0.3]
        selection.loc[{"design": "ATD 6", "scenario": "too toxic"}] = [0.0, 0.0, 0.0]

    text = said_of(with_values(prospective, "now", "selection", once))
    assert "From here it cannot declare 1 mg the MTD, whatever the truth." in text

    def each(selection):
        selection.loc[{"design": "ATD 6", "scenario": "too toxic"}] = [1e-12, 1e-12, 1e-12]

    assert "cannot declare" not in said_of(with_values(prospective, "now", "selection", each))


def gain(values):
    """What sets the correct selection of BOIN 9 to that of ATD 6 and so much more."""

    def change(right):
        for place, more in enumerate(values):
            where = {right.dims[1]: place} if right.dims[0] == "design" else {right.dims[0]: place}
            right[{**where, "design": 1}] = right[{**where, "design": 0}] + more

    return change


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ([-0.0004, 0.1, 0.2], None),
        ([-0.0006, 0.1, 0.2], '"safe"'),
        ([0.1, -0.0004, -0.0006], '"too toxic"'),
        ([-0.0006, 0.0, -0.0007], '"safe" and "too toxic"'),
    ],
)
def test_less_often_is_a_difference_that_is_seen_in_print(interim, change, named):
    """A difference below 0.05 points is none: from there on it rounds to 0.1."""
    text = said_of(with_values(interim, "now", "correct_selection", gain(change)))
    none = "In no scenario does a proposed design select correctly less often than the registered one."
    price = f"The price: in {named} a proposed design selects correctly less often"
    assert (none in text) == (named is None)
    assert (price in text) == (named is not None)


@pytest.mark.parametrize(
    ("least", "said"),
    [
        (0.0006, "Under each of these beliefs every proposed design selects correctly more often than the"),
        (0.0004, "Under each of these beliefs every proposed design selects correctly at least as often as"),
        (-0.0004, "Under each of these beliefs every proposed design selects correctly at least as often as"),
        (
            -0.0006,
            "Under at least one of these beliefs BOIN 9 selects correctly less often than the",
        ),
    ],
)
def test_over_beliefs_more_or_less_often_is_a_difference_that_is_seen_in_print(interim, least, said):
    beliefs = interim.amendment["average"].sizes["belief"]
    changed = with_values(interim, "average", "correct_selection", gain([0.1, least, *[0.2] * (beliefs - 2)]))
    assert said in said_of(changed)


def test_an_overdose_is_defined_by_the_true_rate(case):
    """A dose above the highest right one whose rate is above the target: not every dose where none is right."""
    _, document = case
    wanted = "Overdose: a dose above the highest correct one whose true DLT rate is above the target."
    assert wanted in texts(document)
    assert "any dose where only selecting none" not in texts(document)


def test_many_scenarios_are_shown_by_their_true_mtd(study):
    text = SMALL.replace("[scenarios]", '[scenarios]\nr = { generator = "paoletti", count = 30, seed = 1 }')
    dossier = dossier_of(parse_study(text, "many.toml"), "1N")
    document = made(dossier)
    shown = table(document, "Probability of correct selection")
    mtd = dossier.comparison["mtd"].to_numpy()
    assert len(shown.head) == 2 + len(set(mtd.tolist()))
    right = dossier.amendment["start"]["correct_selection"].sel(design="BOIN 9").to_numpy()
    first = min(set(mtd.tolist()) - {-1})
    assert float(shown.rows[1][1]) == pytest.approx(100 * right[mtd == first].mean(), abs=0.0501)
    assert table(document, "The 33 scenarios by their true MTD")


def test_other_definitions_and_units_are_shown_where_they_differ(study):
    text = SMALL.replace('kind = "boin"', 'kind = "boin"\ntarget = 0.35') + "\n[utility]\nper_dlt = 0.1\n"
    document = made(dossier_of(parse_study(text, "other.toml"), "1N"))
    assert table(document, "Correct selection (%), judged at each design's own target")
    assert "BOIN 9, of another target, judged by the same." in texts(document)
    assert table(document, "Attained and attainable (expected utility)")


def test_what_only_investigators_know_is_a_gap_and_never_a_sentence(case):
    _, document = case
    gaps = [block.text for block in document.blocks if isinstance(block, Gap)]
    assert len(gaps) == 10
    assert gaps[0].startswith("criteria of a recommendation ([amendment] criteria).")
    assert "the definition of a dose-limiting toxicity." in gaps
    assert "Version 1.2 of 3 March 2026." in texts(document)
    assert not any("version and date" in gap for gap in gaps)


def test_the_checklist_answers_every_item_with_a_section_that_exists_or_leaves_it_to_the_investigators(case):
    _, document = case
    rows = table(document, "What guidelines ask for").rows
    assert len(rows) == len(ITEMS)
    for _, _, answer in rows:
        assert answer.split("; ")[0] in (*SECTIONS, "not answered: for the investigators")
    answers = {row[1]: row[2] for row in rows}
    assert answers["committees, ethics approval and consent"] == "not answered: for the investigators"
    assert answers["who reviews safety data"] == "not answered: for the investigators"
    assert answers["protocol version and date"] == "The registered design, rule by rule"
    reasons = "important changes after the trial began, with reasons"
    assert answers[reasons] == "The proposed designs; in part not answered: for the investigators"
    sources = " ".join(row[0] for row in rows)
    for guideline in ("SPIRIT-DEFINE", "CONSORT-DEFINE", "ADEMP", "ICH E20", "FDA 2019", "FDA Bayesian"):
        assert guideline in sources


def test_each_statement_stands_in_the_one_section_that_says_so(case):
    dossier, _ = case
    found = []
    for section in SECTIONS_OF_THE_REPORT:
        blocks = section.build(dossier)
        printed = {key for key in STATEMENTS if statement(dossier, key) in blocks}
        assert printed == {key for keys in section.stated.values() for key in keys}, section.title
        found += sorted(printed)
    assert sorted(found) == sorted(STATEMENTS)


def test_simulated_numbers_say_so(case):
    dossier, document = case
    assert "20,000 trials a scenario, seed 1" in texts(document)
    for name, start in (("selects_differently", "probability"), ("correct_selection_gain", "correct selection")):
        caption = table(document, f"Simulated, not exact: {start}").caption
        error = float(dossier.amendment["paired"][f"{name}_mcse"].max())
        assert caption.endswith(f"Monte Carlo standard error at most {100 * error:.2f} points")


def test_data_and_conflict(interim):
    document = made(interim)
    text = texts(document)
    assert "4 evaluable patients so far, 1 with a DLT: 1N 2NNT" in text
    assert "Every cohort so far is one that the registered design would have given" in text
    assert "two-sided probability" in text
    tally = [row[1] for row in table(document, "DLT rate (%)").rows]
    assert tally == ["0/1", "1/3", "0/0"]


def test_departures_from_the_registered_design_are_named(study):
    dossier = dossier_of(study, "1N 3N")
    document = made(dossier)
    assert "Departure from the registered design: cohort 2 (3N)" in texts(document)


def test_interims_of_the_study_file_are_worked_through_before_the_first_patient(prospective, interim):
    assert interim.interims is None
    ds = prospective.interims
    rows = table(made(prospective), "At interims").rows
    assert [row[0] for row in rows] == [f"a DLT in the first patient (1T): {name}" for name in ("ATD 6", "BOIN 9")]
    assert rows[0][1] == f"{100 * ds['correct_selection'].item(0):.1f}"


def test_a_trial_that_is_over(study):
    document = made(dossier_of(study, "1T 1TT"))
    assert "Under the registered design the trial is over; it names no dose in 100 of 100 trials" in texts(document)
    assert "For the next patients" not in texts(document)  # both stop: 3 DLTs in 3 patients at the lowest dose
    assert "ATD 6: the trial is over" in texts(document)
    assert table(document, "Example trials").rows[0][2] == "none"


def test_how_to_reproduce(case):
    dossier, document = case
    start = next(k for k, b in enumerate(document.blocks) if isinstance(b, Heading) and b.text == "Reproduction")
    said = " ".join(str(getattr(block, "text", "")) for block in document.blocks[start:])
    assert COMMAND in said
    assert dossier.study.hash in said
    assert re.search(r"numpy \d+\.\d+", said)


@pytest.mark.parametrize("case", ["interim"], indirect=True)
def test_the_same_dossier_gives_the_same_bytes(case, rendered, tmp_path):
    again = amendment_report(case[0], COMMAND)
    for kind, write in (("html", write_html), ("pdf", write_pdf)):
        assert write(again, tmp_path / f"again.{kind}").read_bytes() == rendered[kind].read_bytes()


def test_designs_are_grouped_by_what_their_rules_are_and_what_differs_is_printed(study):
    """Equal but for the cap: one table, each cap by its name. Equal in every printed digit is not equal."""
    boin = """
    [designs."BOIN 6"]
    kind = "boin"
    modifiers = [{ kind = "run_in", levels = 1 }, { kind = "max_patients", n = 6 }]
    [designs."almost BOIN 6"]
    kind = "boin"
    saf = 0.600000001
    modifiers = [{ kind = "run_in", levels = 1 }, { kind = "max_patients", n = 6 }]
    [amendment]
    """
    several = parse_study(SMALL.replace("[amendment]\n", boin, 1).replace('amended = ["BOIN 9"]', ""), "small.toml")
    document = made(dossier_of(several, "1N"))
    tables = [block for block in document.blocks if isinstance(block, Table) and block.caption.startswith("Rules of")]
    assert [t.caption for t in tables] == [
        "Rules of ATD 6",
        "Rules of BOIN 9 and BOIN 6",
        "Rules of almost BOIN 6",
    ]
    both = {row[0]: row[1] for row in tables[1].rows}
    assert both["enrolment, BOIN 9"].startswith("at most 9 ")
    assert both["enrolment, BOIN 6"].startswith("at most 6 ")
    assert "enrolment" not in both
    assert len(both) == len(tables[1].rows) == len(tables[2].rows) + 1


def test_what_is_attainable_but_too_large_is_said_with_the_way_out(interim):
    line = "what is attainable with one patient at a time: the policy takes 4,300 GB; take cohorts of 4"
    nothing = interim.attainable["attainable"] * np.nan
    ds = interim.attainable.assign(attainable=nothing, attainable_now=nothing).assign_attrs(not_computed=line)
    document = made(dataclasses.replace(interim, attainable=ds))
    assert f"Not computed, because too large: {line}." in texts(document)
    assert "Not computed" not in texts(made(interim))
