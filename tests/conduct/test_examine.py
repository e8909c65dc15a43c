"""What a design does after hypothetical data, and the search for decisions that a reader would question."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from pages import Page
from rich.cells import cell_len
from scipy.stats import beta, binom
from typer.testing import CliRunner

from doseopt import BOIN, CRM, AcceleratedTitration, ThreePlusThree
from doseopt.cli import app
from doseopt.conduct.examine import courses, examine
from doseopt.conduct.questionable import KINDS, Steps, search
from doseopt.core.cohort import format_outcomes
from doseopt.core.state import TrialState
from doseopt.core.trial import advance, selected, step
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, MaxPatients, NoSkipping
from doseopt.engines.graph import build_graph, graph_of
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.examination import examination_document
from doseopt.scenarios import make_scenarios
from doseopt.study.file import load_study

TARGET = 0.25
STUDY = """
title = "small"
target = 0.25
[doses]
labels = ["low", "mid", "high"]
[posterior]
model = "beta"
[scenarios]
"mid" = [0.05, 0.25, 0.50]
"none" = [0.5, 0.6, 0.7]
[designs."3+3"]
kind = "three_plus_three"
[designs."BOIN 12"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 12 }]
"""


def crm(*modifiers, n=12, **options):
    base = CRM(doses=3, target=TARGET, skeleton=(0.06, 0.14, 0.25), **options)
    return Modified(base, (*modifiers, MaxPatients(n=n)))


BRUTE = {
    "boin": Modified(BOIN(doses=3, target=TARGET), (MaxPatients(n=15),)),
    "crm": crm(),
    "3+3": ThreePlusThree(doses=3, target=TARGET),
    "declare": ThreePlusThree(doses=3, target=TARGET, on_descent="declare", confirm_top=False, start=2),
    "graded": AcceleratedTitration(doses=2, target=TARGET, titrate=2, trigger="second_moderate"),
}
TRUTHS = {"mid": ([0.06, 0.25, 0.5], [0.1, 0.2, 0.3]), "toxic": ([0.4, 0.5, 0.65], [0.2, 0.2, 0.2])}


def scenarios(doses):
    p, moderate = (np.array(part)[:, :doses] for part in zip(*TRUTHS.values(), strict=True))
    return make_scenarios(p, list(TRUTHS), ["1", "2", "3"][:doses], p_moderate=moderate)


def questioned(state, at, dlts, size, decision, mtd):
    """The kinds of one step, from their words, in plain arithmetic."""
    n, y = state.n[0].tolist(), state.y[0].tolist()
    if decision.stop[0]:
        if mtd < 0:
            return set()
        found = {"declares_untried"} if n[mtd] == 0 else set()
        return found | ({"declares_toxic"} if y[mtd] >= 2 and y[mtd] / n[mtd] > TARGET + 0.05 + 1e-9 else set())
    to, found = int(decision.dose[0]), set()
    many = (dlts >= 2 and dlts / size >= 2 / 3 - 1e-9) or (y[at] >= 2 and y[at] / n[at] >= 2 / 3 - 1e-9)
    if to > at:
        found |= {"up_after_two_of_three"} if many else set()
        found |= {"up_after_toxic_cohort"} if dlts / size >= TARGET - 1e-9 else set()
    if to < at and dlts == 0:
        found.add("down_after_no_dlt")
    if to >= 2 and not any(n[to - 1 :]):
        found.add("skips")
    if n[to] >= 3 and beta.sf(TARGET, 1 + y[to], 1 + n[to] - y[to]) > 0.95:
        found.add("gives_condemned")
    return found


def walk(design, p, moderate, state, chance, kinds, steps, path, ends):
    """Every course of the trial, one by one, without merging."""
    decision = step(design, state)
    if decision.stop[0]:
        ends.append((chance, kinds))
        return
    at, size = int(decision.dose[0]), int(decision.size[0])
    for k in range(size + 1):
        for m in range(size - k + 1) if design.facts.outcomes.graded else [0]:
            outcome = np.array([[k, m, size - k - m] if design.facts.outcomes.graded else [k, size - k]])
            grade = moderate[at] if design.facts.outcomes.graded else 0.0
            here = math.comb(size, k) * p[at] ** k * (1 - p[at]) ** (size - k)
            here *= math.comb(size - k, m) * grade**m * (1 - grade) ** (size - k - m)
            after = advance(design, state, decision, outcome)
            then = step(design, after)
            mtd = int(selected(design, after, then.stop)[0]) if then.stop[0] else -1
            found = questioned(after, at, k, size, then, mtd)
            word = f"{path} {at + 1}{'N' * (size - k - m)}{'M' * m}{'T' * k}".strip()
            for kind in found:
                key = (*(tuple(a[0].tolist()) for a in (state.n, state.y, state.memory)), at, tuple(outcome[0]))
                steps[kind].setdefault(key, []).append((chance * here, word))
            walk(design, p, moderate, after, chance * here, kinds | found, steps, word, ends)


@pytest.mark.parametrize("name", BRUTE)
def test_the_search_finds_what_going_through_every_trial_finds(name):
    design = BRUTE[name]
    found = search(build_graph(design, edges=True), scenarios(design.facts.doses)).set_index(kind="kind")
    best = dict.fromkeys(KINDS, (0.0, "", ""))
    for truth, (p, moderate) in TRUTHS.items():
        ends, steps = [], {kind: {} for kind in KINDS}
        empty = TrialState.empty(design.facts.doses, len(design.facts.memory))
        walk(design, p, moderate, empty, 1.0, frozenset(), steps, "", ends)
        assert math.fsum(c for c, _ in ends) == pytest.approx(1, abs=1e-12)
        for kind in KINDS:
            one = found.sel(kind=kind)
            assert one["found"].item() == len(steps[kind]), kind
            ever = math.fsum(c for c, kinds in ends if kind in kinds)
            assert one["probability"].sel(scenario=truth).item() == pytest.approx(ever, abs=1e-12), kind
            top = max((c for paths in steps[kind].values() for c, _ in paths), default=0.0)
            if top > best[kind][0]:
                best[kind] = top, truth, {w for paths in steps[kind].values() for c, w in paths if c > top - 1e-14}
    for kind in KINDS:
        one = found.sel(kind=kind)
        chance, truth, words = best[kind]
        assert one["example_probability"].item() == pytest.approx(chance, abs=1e-14)
        assert one["example_scenario"].item() == truth
        assert one["example"].item() in words if chance else one["example"].item() == ""


def counts(design):
    found = search(graph_of(design), scenarios(design.facts.doses))
    return dict(zip(found["kind"].to_numpy().tolist(), found["found"].to_numpy().tolist(), strict=True))


@pytest.mark.parametrize(
    ("cohort", "at_dose", "two_of_three", "toxic_cohort"),
    [
        ((2, 3), (2, 9), True, True),  # in the cohort alone
        ((0, 3), (4, 6), True, False),  # in all at the dose alone
        ((1, 2), (3, 8), False, True),
        ((2, 4), (2, 4), False, True),
        ((1, 1), (1, 1), False, True),  # one DLT is not two
        ((1, 4), (1, 4), False, True),  # exactly at the target of 0.25
        ((1, 5), (1, 5), False, False),
        ((0, 4), (1, 8), False, False),
    ],
)
@pytest.mark.parametrize("up", [True, False])
def test_an_escalation_is_judged_by_its_cohort_and_by_all_at_the_dose(cohort, at_dose, two_of_three, toxic_cohort, up):
    (dlts, size), (y, n) = cohort, at_dose
    one = {"given": 0, "size": size, "dlts": dlts, "highest": 0, "going": True, "dose": int(up), "mtd": -1}
    steps = Steps(
        **{name: np.array([value]) for name, value in one.items()},
        n=np.array([[n, 0]]),
        y=np.array([[y, 0]]),
        admissible=np.ones((1, 2), bool),
        target=0.25,
    )
    assert KINDS["up_after_two_of_three"].found(steps).tolist() == [up and two_of_three]
    assert KINDS["up_after_toxic_cohort"].found(steps).tolist() == [up and toxic_cohort]


@pytest.mark.parametrize("name", ["boin", "crm"])
def test_the_example_is_the_likeliest_in_its_own_scenario(name):
    """Beside a truth without any DLT, under which all ways that have one are impossible, it stays what it is alone."""
    design = BRUTE[name]
    p = [0.06, 0.25, 0.5]
    alone = search(build_graph(design, edges=True), make_scenarios([p], ["mid"]))
    beside = search(build_graph(design, edges=True), make_scenarios([[0.0, 0.0, 0.0], p], ["never", "mid"]))
    in_mid = beside["example_scenario"].to_numpy() == "mid"
    assert in_mid.any()
    assert beside["example"].to_numpy()[in_mid].tolist() == alone["example"].to_numpy()[in_mid].tolist()
    for outcomes, level, chance in zip(
        *(beside[v].to_numpy()[in_mid] for v in ("example", "level", "example_probability")), strict=True
    ):
        each = [(p[int(word[0]) - 1], word.count("T"), len(word) - 1) for word in outcomes.split()]
        assert chance == pytest.approx(math.prod(binom.pmf(y, n, q) for q, y, n in each), abs=1e-14)
        assert level > 0


def test_steps_are_counted_by_whether_the_trial_goes_on_or_declares():
    """One dose, two single patients: two outcomes of the first, after each two of the second."""
    design = Modified(BOIN(doses=1, target=TARGET, cohort=1), (MaxPatients(n=2),))
    found = search(build_graph(design, edges=True), make_scenarios([[0.25]]))
    for kind, steps in zip(KINDS.values(), found["steps"].to_numpy().tolist(), strict=True):
        assert steps == (4 if kind.declares else 2)


def test_the_crm_escalates_incoherently_unless_coherent():
    # It starts below the dose of its prior: after 1 of 3 at level 1 a firm prior still points higher up.
    free = counts(crm(NoSkipping(), n=15, prior_sd=0.4))
    coherent = counts(crm(NoSkipping(), Coherent(), n=15, prior_sd=0.4))
    assert free["up_after_toxic_cohort"] > 0
    assert coherent["up_after_toxic_cohort"] == 0


def test_the_crm_skips_unless_it_may_not_and_may_declare_an_untried_dose():
    free, held = counts(crm()), counts(crm(NoSkipping()))
    assert free["skips"] > 0
    assert held["skips"] == 0
    assert held["declares_untried"] > 0


def test_the_three_plus_three_is_free_of_all_of_these():
    assert set(counts(BRUTE["3+3"]).values()) == {0}


def test_without_de_escalation_the_three_plus_three_may_declare_a_dose_that_nobody_had():
    found = counts(BRUTE["declare"])
    assert found["declares_untried"] > 0
    assert found["up_after_two_of_three"] == 0


def test_boin_goes_down_after_a_cohort_without_dlt():
    # 2/3 at level 2, then down, up again after none, 0/3 there: 2/6 is above its boundary of 0.298
    assert counts(BRUTE["boin"])["down_after_no_dlt"] > 0


def test_a_dose_that_was_excluded_is_never_given():
    assert {counts(design)["gives_inadmissible"] for design in BRUTE.values()} == {0}


@pytest.fixture
def study(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text(STUDY)
    return path


def decisions(ds):
    return {
        f"{b} {c}".strip(): (level, size, stop, mtd)
        for b, c, level, size, stop, mtd in zip(
            *(ds[name].to_numpy().tolist() for name in ("so_far", "cohort", "level", "size", "stop", "mtd")),
            strict=True,
        )
    }


def test_hypothetical_data_under_the_three_plus_three(study):
    # Storer 1989: 0/3 up, 1/3 three more, 2/3 or more down; one dose below the top is confirmed on 6
    found = decisions(examine(load_study(str(study)), "3+3").hypothetical)
    assert found == {
        "1NNN": (2, 3, "", 0),
        "1NNT": (1, 3, "", 0),
        "1NTT": (0, 0, "too_toxic", 0),
        "1TTT": (0, 0, "too_toxic", 0),
        "1NNN 2NNN": (3, 3, "", 0),
        "1NNN 2NNT": (2, 3, "", 0),
        "1NNN 2NTT": (1, 3, "", 0),
        "1NNN 2TTT": (1, 3, "", 0),
        "1NNN 2NNN 3NNN": (3, 3, "", 0),
        "1NNN 2NNN 3NNT": (3, 3, "", 0),
        "1NNN 2NNN 3NTT": (2, 3, "", 0),
        "1NNN 2NNN 3TTT": (2, 3, "", 0),
        "1NNT 1NNN": (2, 3, "", 0),
        "1NNT 1NNT": (0, 0, "too_toxic", 0),
        "1NNT 1NTT": (0, 0, "too_toxic", 0),
        "1NNT 1TTT": (0, 0, "too_toxic", 0),
        "1NNN 2NNT 2NNN": (3, 3, "", 0),
        "1NNN 2NNT 2NNT": (1, 3, "", 0),
        "1NNN 2NNT 2NTT": (1, 3, "", 0),
        "1NNN 2NNT 2TTT": (1, 3, "", 0),
        "1NNN 2NNN 3NNT 3NNN": (0, 0, "complete", 3),
        "1NNN 2NNN 3NNT 3NNT": (2, 3, "", 0),
        "1NNN 2NNN 3NNT 3NTT": (2, 3, "", 0),
        "1NNN 2NNN 3NNT 3TTT": (2, 3, "", 0),
    }


def test_hypothetical_data_under_boin(study):
    # Liu & Yuan 2015, target 0.25: up at or below 0.197, down at or above 0.298; 3 of 3 eliminates
    found = decisions(examine(load_study(str(study)), "BOIN 12").hypothetical)
    assert found["1NNN"] == (2, 3, "", 0)
    assert found["1NNT"] == (1, 3, "", 0)
    assert found["1NTT"] == (1, 3, "", 0)
    assert found["1TTT"] == (0, 0, "too_toxic", 0)
    assert found["1NNN 2NNT"] == (1, 3, "", 0)
    assert found["1NNT 1NNN"] == (2, 3, "", 0)  # 1/6
    assert found["1NNT 1NNT"] == (1, 3, "", 0)  # 2/6


def test_what_is_known_is_the_common_posterior_and_the_own_estimate(study):
    ds = examine(load_study(str(study)), "3+3").hypothetical
    n, y = ds["n"].to_numpy(), ds["y"].to_numpy()
    law = beta(1 + y, 1 + n - y)
    assert np.allclose(ds["mean"], (1 + y) / (2 + n), rtol=0, atol=1e-12)
    assert np.allclose(ds["lower"], law.ppf(0.05), rtol=0, atol=1e-9)
    assert np.allclose(ds["upper"], law.ppf(0.95), rtol=0, atol=1e-9)
    assert np.allclose(ds["p_above_target"], law.sf(0.25), rtol=0, atol=1e-9)
    assert np.allclose(ds["p_over"], law.sf(0.33), rtol=0, atol=1e-9)
    assert np.allclose(ds["own"], np.where(n > 0, y / np.maximum(n, 1), np.nan), equal_nan=True)


def test_courses_follow_the_design_and_end_with_it():
    cases = [format_outcomes(case) for case in courses(Modified(BOIN(doses=4, target=0.3), (MaxPatients(n=4),)))]
    assert cases[:6] == ["1NNN", "1NNT", "1NTT", "1TTT", "1NNN 2N", "1NNN 2T"]
    assert cases[6:] == ["1NNT 1N", "1NNT 1T"]


def run(*arguments):
    return CliRunner().invoke(app, ["examine", *map(str, arguments)])


def test_the_text_keeps_to_its_width_and_says_what_is_found(study):
    result = run(study, "--design", "BOIN 12")
    assert result.exit_code == 0
    assert max(cell_len(line) for line in result.stdout.splitlines()) <= 100
    assert "After 1NNN 2NNN" in result.stdout
    assert "stop, too toxic, no MTD" in result.stdout
    assert "goes down after a cohort without DLT" in result.stdout


@pytest.mark.parametrize("width", [80, 100])
def test_every_bundled_design_fits(width):
    loaded = load_study("renji-elo")
    for name in loaded.designs:
        result = examine(loaded, name)
        text = terminal_text(examination_document(result.hypothetical, result.irrational), width).plain
        assert max(cell_len(line) for line in text.splitlines()) <= width, name


def test_the_page_holds_every_course_and_the_search(study, tmp_path):
    result = run(study, "--design", "BOIN 12", "--html", tmp_path / "page.html")
    assert result.exit_code == 0, result.stderr
    page = Page((tmp_path / "page.html").read_text())
    ds = examine(load_study(str(study)), "BOIN 12").hypothetical
    *courses, kinds = page.tables.values()
    assert sum(len(rows) - 1 for rows in courses) == ds.sizes["case"]
    law = beta(1, 4)  # after 0 of 3 under Beta(1, 1)
    given = f"{100 * law.mean():.0f} ({100 * law.ppf(0.05):.0f}-{100 * law.ppf(0.95):.0f})"
    own = f"{100 * 0.05 / 3.1:.0f}"  # select.mtd of R BOIN: (y + 0.05) / (n + 0.1)
    assert courses[0][1][:4] == ["1NNN", "up: 3 at 2", given, own]
    assert len(kinds) == 1 + len(KINDS)


def test_json_is_one_object_and_null_where_there_is_none(study):
    result = run(study, "--design", "3+3", "--scenario", "mid", "--json")
    read = json.loads(result.stdout)
    assert read["design"] == "3+3"
    last = read["hypothetical"][3]
    assert (last["cohort"], last["level"], last["size"], last["stop"], last["mtd"]) == (
        "1TTT",
        None,
        None,
        "too_toxic",
        None,
    )
    assert read["hypothetical"][0]["doses"][1]["own"] is None
    assert {kind["kind"] for kind in read["irrational"]} == set(KINDS)
    assert all(list(kind["probability"]) == ["mid"] for kind in read["irrational"])
    none = next(kind for kind in read["irrational"] if not kind["found"])
    assert none["example"] is None


def test_tables_are_written_as_csv(study, tmp_path):
    folder = tmp_path / "deep" / "results"
    result = run(study, "--design", "BOIN 12", "--out", folder)
    assert "hypothetical, irrational (.csv)" in result.stdout
    asked, found = pd.read_csv(folder / "hypothetical.csv"), pd.read_csv(folder / "irrational.csv")
    assert len(asked) == 3 * asked["case"].nunique()
    assert len(found) == 2 * len(KINDS)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ([], "design: missing; wanted a design of the study; known: 3+3, BOIN 12"),
        (["--design", "BOIN 13"], "no design 'BOIN 13' in the study; did you mean 'BOIN 12'?"),
        (["--design", "3+3", "--scenario", "mdi"], "no scenario 'mdi' in the study; did you mean 'mid'?"),
    ],
)
def test_wrong_input_is_told(study, arguments, told):
    result = run(study, *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert told in result.stderr


def test_a_file_in_place_of_the_folder_is_told(study):
    result = run(study, "--design", "3+3", "--out", study)
    assert result.exit_code == 2
    assert "wanted a folder" in result.stderr
