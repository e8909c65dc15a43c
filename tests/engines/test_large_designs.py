"""Designs too large for exact calculation: refused before the memory is taken, simulated beside exact ones."""

import io
import math
import re
import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
import xarray as xr
from rich.console import Console

import doseopt
from doseopt.comparison import evaluate as evaluation
from doseopt.comparison.compare import compare
from doseopt.core import trial
from doseopt.core.compiled import loops
from doseopt.core.parameters import Faults
from doseopt.core.remembered import forget
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import CohortsInOrder, EnoughAtDose, MaxPatients, RunIn
from doseopt.engines import budget, simulate
from doseopt.engines import graph as graph_module
from doseopt.engines.budget import TooManyStates, work_of
from doseopt.engines.cohort_outcomes import cohort_outcomes
from doseopt.engines.exact import Exact
from doseopt.engines.graph import build_graph, forget_larger, graph_of, reach_of
from doseopt.engines.growing import Growing
from doseopt.engines.simulate import ExactWherePossible, Simulate
from doseopt.plots.drawings import _with_error
from doseopt.reports.frames import tidy
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.comparison import comparison_document
from doseopt.reports.sections.findings import findings
from doseopt.study.file import parse_study

STUDY = """
title = "one large design"
target = 0.25
planned_enrolment = 24
[doses]
labels = ["low", "mid", "high"]
values = [1, 3, 10]
unit = "mg"
[scenarios]
"mid" = [0.05, 0.25, 0.50]
"high" = [0.02, 0.08, 0.25]
[designs."3+3"]
kind = "three_plus_three"
[designs."BOIN 6"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 6 }]
[designs."BOIN 24"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 24 }]
[designs."Keyboard 24"]
kind = "keyboard"
modifiers = [{ kind = "max_patients", n = 24 }]
"""
LARGE = ["BOIN 24", "Keyboard 24"]
STATES = 400
"""More than the 3+3 and BOIN 6 have, fewer than the others."""


def where_possible(trials=2000, seed=4):
    return ExactWherePossible(Exact(max_states=STATES), Simulate(trials, seed))


@pytest.fixture(scope="module")
def study():
    return parse_study(STUDY, "large.toml")


@pytest.fixture(scope="module")
def both(study):
    return compare(study, where_possible())


# The guard


def designs():
    boin = Modified(doseopt.BOIN(doses=5, target=0.25), (MaxPatients(n=36),))
    single = Modified(doseopt.BOIN(doses=2, target=0.25, cohort=1), (MaxPatients(n=40),))
    table = Modified(doseopt.BOIN(doses=12, target=0.25), (MaxPatients(n=30),))
    return {"boin": boin, "single patients": single, "twelve doses": table}


@pytest.mark.parametrize("route", ["compiled", "numpy"])
@pytest.mark.parametrize("name", designs())
@pytest.mark.parametrize("allowed", [200_000, 1_000_000, 4_000_000, 50_000_000])
def test_no_graph_takes_more_memory_than_allowed_whether_it_is_refused_or_not(name, allowed, route, monkeypatch):
    found = loops() if route == "compiled" else None
    monkeypatch.setattr("doseopt.engines.growing.compiled", lambda steps: found)
    monkeypatch.setattr("doseopt.designs.selection.compiled", lambda steps: found)
    design = designs()[name]
    refused_for(design, 50_000_000)  # what is loaded and kept once: a rule's tables, and loops that are compiled
    tracemalloc.start()
    refused = refused_for(design, allowed)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= allowed + 100_000
    if refused:
        assert allowed < 50_000_000
        assert "max_patients" in refused
        assert "compare --simulate" in refused


def refused_for(design, allowed):
    """The message that a graph is refused with, or none."""
    try:
        build_graph(design, max_bytes=allowed)
    except TooManyStates as error:
        return str(error)
    return ""


def test_the_guard_does_not_refuse_what_fits_easily():
    design = designs()["boin"]
    tracemalloc.start()
    graph = build_graph(design, edges=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert build_graph(design, max_bytes=2 * peak).counts() == graph.counts()


@pytest.mark.parametrize(("route", "times"), [("compiled", 1.7), ("numpy", 1.9)])
def test_the_memory_that_is_predicted_is_about_what_is_held(route, times, monkeypatch):
    found = loops() if route == "compiled" else None
    monkeypatch.setattr("doseopt.engines.growing.compiled", lambda steps: found)
    monkeypatch.setattr("doseopt.designs.selection.compiled", lambda steps: found)
    design = Modified(doseopt.BOIN(doses=4, target=0.25), (MaxPatients(n=48),))
    refused_for(design, 50_000_000)
    tracemalloc.start()
    graph = build_graph(design)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert build_graph(design, max_bytes=int(times * peak)).counts() == graph.counts()
    assert refused_for(design, peak)


def test_a_layer_is_refused_before_it_is_made(monkeypatch):
    made = []
    treat = Growing.treat
    monkeypatch.setattr(Growing, "treat", lambda self, layer, *given: made.append(layer) or treat(self, layer, *given))
    with pytest.raises(TooManyStates):
        build_graph(designs()["boin"], max_bytes=1_000_000)
    refused_at = len(made)
    made.clear()
    build_graph(designs()["boin"], edges=True)
    assert refused_at < len(made) - 1


def test_edges_that_have_no_room_are_refused_before_they_are_made(monkeypatch):
    design, made = designs()["single patients"], []
    build = graph_module._build
    monkeypatch.setattr(graph_module, "_build", lambda *given: made.append(given[-1]) or build(*given))
    monkeypatch.setattr(graph_module, "SMALL", 0)
    forget()
    counts, whole = reach_of(design).counts(), build_graph(design, edges=True)
    held = sum(
        part.nbytes for part in (whole.source, whole.target, whole.category_counts, whole.state.n, whole.state.y)
    )
    made.clear()
    room = int(1.3 * held)
    assert reach_of(design, max_bytes=room).counts() == counts
    with pytest.raises(TooManyStates, match="max_bytes"):
        graph_of(design, max_bytes=room)
    assert made == [0]
    assert graph_of(design, max_bytes=10 * held).counts() == counts


def growing():
    six = {"doses": 6, "target": 0.25}
    crm = doseopt.CRM(**six, skeleton=(0.05, 0.1, 0.18, 0.25, 0.35, 0.45))
    singles = CohortsInOrder(sizes=(1,) * 12 + (6,) * 8)
    return {
        "boin": Modified(doseopt.BOIN(**six), (MaxPatients(n=36),)),
        "crm": Modified(crm, (MaxPatients(n=27),)),
        "single patients, then sixes": Modified(crm, (singles, MaxPatients(n=24))),
        "run-in": Modified(doseopt.BOIN(doses=2, target=0.25, cohort=1), (RunIn(levels=2), MaxPatients(n=60))),
        "enough at a dose": Modified(doseopt.BOIN(**six), (EnoughAtDose(n=6), MaxPatients(n=60))),
        "enough at a dose of a crm": Modified(crm, (EnoughAtDose(n=9), MaxPatients(n=36))),
        "enough of few doses": Modified(doseopt.BOIN(doses=3, target=0.25), (EnoughAtDose(n=12), MaxPatients(n=60))),
    }


@pytest.mark.parametrize("name", growing())
def test_a_graph_that_has_as_many_states_as_allowed_is_not_refused_for_its_growth(name):
    design = growing()[name]
    states = build_graph(design).counts()["states"]
    assert build_graph(design, max_states=states).counts()["states"] == states


def test_a_graph_that_will_be_far_too_large_is_refused_early():
    design = Modified(doseopt.BOIN(doses=12, target=0.25), (MaxPatients(n=90),))
    tracemalloc.start()
    told = refused_for(design, budget.MAX_BYTES)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "would have about" in told
    assert peak < budget.MAX_BYTES / 4


def larger():
    boin = Modified(doseopt.BOIN(doses=9, target=0.3), (EnoughAtDose(n=18), MaxPatients(n=60)))  # simFastBOIN's first
    crm = doseopt.CRM(doses=6, target=0.25, skeleton=(0.05, 0.1, 0.18, 0.25, 0.35, 0.45))
    return {"boin that stops at enough": boin, "crm": Modified(crm, (MaxPatients(n=60),))}


@pytest.mark.parametrize("name", larger())
def test_a_size_that_will_not_fit_is_known_by_a_tenth_of_it(name):
    told = refused_for(larger()[name], budget.MAX_BYTES)
    assert int(re.search(r"has, by \d+ patients, ([\d,]+) states", told)[1].replace(",", "")) < budget.MAX_STATES / 10
    assert re.search("with max_patients = [45]. it would fit", told)


@pytest.mark.parametrize("name", ["boin", "crm", "enough at a dose of a crm"])
@pytest.mark.parametrize("allowed", [300_000, 1_500_000])
def test_the_cap_that_is_advised_fits(name, allowed):
    design = growing()[name]
    cap = int(re.search(r"with max_patients = (\d+) it would fit", refused_for(design, allowed))[1])
    assert 0 < cap < design.facts.cap
    less = tuple(MaxPatients(n=cap) if isinstance(each, MaxPatients) else each for each in design.modifiers)
    assert not refused_for(replace(design, modifiers=less), allowed)


@pytest.mark.parametrize("power", [2, 5, 8])
def test_a_power_of_the_patients_is_continued_as_one(power):
    sizes = [(m, m**power) for m in range(1, 31)]
    assert budget.growth_by_power(sizes, 60) == pytest.approx(2**power)


def test_a_parabola_of_the_logarithms_is_continued_to_its_top():
    sizes = [(m, round(math.exp(0.4 * m - m * m / 200))) for m in range(20, 31)]
    before = [(15, round(math.exp(6 - 225 / 200))), *sizes]
    assert budget.growth_by_bend(before, 40) == pytest.approx(math.exp(8 - 7.5), rel=1e-2)
    assert budget.growth_by_bend(before, 99) == pytest.approx(math.exp(8 - 7.5), rel=1e-2)


@pytest.mark.parametrize(("size", "categories"), [(1, 2), (3, 2), (6, 2), (1, 3), (4, 3)])
def test_cohort_outcomes_are_all_ways_in_their_order(size, categories):
    ways, orders = cohort_outcomes(size, categories)
    assert len({tuple(w) for w in ways.tolist()}) == len(ways)
    assert (ways.sum(axis=1) == size).all()
    assert orders.sum() == categories**size
    assert ways.tolist() == sorted(ways.tolist())


def test_a_large_cohort_takes_no_time():
    ways, _ = cohort_outcomes(100, 3)
    assert len(ways) == 101 * 102 // 2


# Pieces give the same


def test_a_rule_asked_in_pieces_gives_the_same_graph(monkeypatch):
    design = Modified(doseopt.CRM(doses=3, target=0.25, skeleton=(0.1, 0.2, 0.35)), (MaxPatients(n=15),))
    whole = build_graph(design, edges=True)
    monkeypatch.setattr(trial, "PIECE", 7)
    parts = build_graph(design, edges=True)
    for name in ("paths", "cohort_paths", "ending", "selected", "source", "target"):
        np.testing.assert_array_equal(getattr(parts, name), getattr(whole, name))
    np.testing.assert_array_equal(parts.state.n, whole.state.n)


def test_trials_simulated_in_pieces_are_the_same_trials(monkeypatch, study):
    design = study.designs["BOIN 24"]
    whole = Simulate(301, 5)(design, study.scenarios)
    monkeypatch.setattr(simulate, "ROWS", 50)
    xr.testing.assert_identical(Simulate(301, 5)(design, study.scenarios), whole)


def test_a_few_scenarios_at_a_time_give_the_same_comparison(monkeypatch, study, both):
    monkeypatch.setattr(evaluation, "FIRST", 1)
    monkeypatch.setattr(evaluation, "BLOCK", 1)
    xr.testing.assert_allclose(compare(study, where_possible()), both, rtol=0, atol=1e-12)


# Exact and simulated side by side


def test_what_can_be_exact_is_exact_and_the_rest_is_simulated(study, both):
    assert both["engine"].to_numpy().tolist() == ["exact", "exact", "simulated", "simulated"]
    assert both["trials"].to_numpy().tolist() == [np.inf, np.inf, 2000, 2000]
    assert (both.attrs["engine"], both.attrs["trials"], both.attrs["seed"]) == ("exact and simulated", 2000, 4)
    exact, drawn = compare(study), compare(study, Simulate(2000, 4))
    for name in ("correct_selection", "selection", "sample_size", "total_dlts", "correct_selection_mcse"):
        np.testing.assert_array_equal(both[name][:2], exact[name][:2])
        np.testing.assert_array_equal(both[name][2:], drawn[name][2:])
    assert np.isnan(both["states"][2:]).all()
    assert np.isnan(both["fewest_patients"][2:]).all()
    np.testing.assert_array_equal(both["states"][:2], exact["states"][:2])


def test_the_monte_carlo_error_is_that_of_a_proportion(both):
    p = both["correct_selection"]
    wanted = np.sqrt(p * (1 - p) / 2000).to_numpy()
    wanted[:2] = 0
    np.testing.assert_allclose(both["correct_selection_mcse"], wanted, rtol=1e-9, atol=1e-15)


def test_simulated_numbers_are_near_the_exact_ones(study, both):
    exact = compare(study)
    for name in ("correct_selection", "overdose_selection", "total_dlts", "patients_above_mtd"):
        gap = np.abs(both[name] - exact[name]).to_numpy()
        assert (gap <= 4.5 * both[f"{name}_mcse"].to_numpy() + 1e-12).all(), name


def test_a_curve_is_simulated_from_the_first_cap_that_is_too_large(both):
    error = both["correct_selection_by_enrolment_mcse"].sel(family="BOIN", scenario="mid").to_numpy() > 0
    assert error.any()
    assert not error[0]
    assert (np.diff(error.astype(int)) >= 0).all()
    for cap in (6, 24):
        curve = both["correct_selection_by_enrolment"].sel(family="BOIN", enrolment=cap)
        np.testing.assert_allclose(curve, both["correct_selection"].sel(design=f"BOIN {cap}"), rtol=0, atol=1e-12)


def test_a_design_is_tried_once(study, monkeypatch):
    tried = []

    def refuse(design, *_):
        tried.append(design)
        raise TooManyStates("too large")

    monkeypatch.setattr(Exact, "__call__", lambda self, design, *given: refuse(design))
    one = ExactWherePossible(simulate=Simulate(20, 1))
    for _ in range(3):
        one(study.designs["BOIN 24"], study.scenarios)
    assert tried == [study.designs["BOIN 24"]]


def test_what_cannot_be_simulated_either_is_refused_by_name(study):
    engine, why = ExactWherePossible(Exact(max_states=STATES, settled=True)), r"^BOIN 24: the graph of this design \(3 "
    found = compare(study, engine)
    assert re.match(why, found.attrs["not_computed"])
    assert "BOIN 24" not in found["design"]
    with pytest.raises(TooManyStates, match=why):
        compare(study.only(["BOIN 24"]), engine)
    with pytest.raises(TooManyStates, match="add a max_patients modifier"):
        where_possible()(doseopt.BOIN(doses=2, target=0.25), study.scenarios.isel(dose=[0, 1]))


def test_the_parameters_of_a_simulation_are_checked():
    with pytest.raises(Faults, match="trials"):
        Simulate(0)
    with pytest.raises(Faults, match="seed"):
        Simulate(10, -1)


# Said in tables, figures and files


def test_the_text_says_what_is_simulated_and_how_well(both):
    text = terminal_text(comparison_document(both)).plain
    told = " ".join(text.split())
    assert (
        "2 designs marked ~ simulated, as the exact calculation would be too large: 2,000 trials a scenario, seed 4"
        in told
    )
    assert "difference of less than two or three of them" in told
    assert "~ BOIN 24" in text
    assert "~ BOIN 6" not in text
    assert "Largest Monte Carlo standard error: 1." in text
    designs = text[text.index("Designs: enrolment cap") :]
    row = next(line for line in designs.splitlines() if line.startswith("~ Keyboard 24"))
    assert row.split()[3:] == ["24", "-", "-", "-", "-", "-"]


def test_the_text_of_an_exact_comparison_speaks_of_no_error(study):
    text = terminal_text(comparison_document(compare(study))).plain
    assert "~" not in text
    assert "standard error" not in text


def test_all_simulated_since_too_large_or_since_asked(study):
    large = {name: study.designs[name] for name in LARGE}
    forced = terminal_text(comparison_document(compare(replace(study, designs=large), where_possible()))).plain
    assert "simulated, as the exact calculation would be too large: 2,000 trials" in " ".join(forced.split())
    asked = terminal_text(comparison_document(compare(study, Simulate(100, 9)))).plain
    assert "simulated: 100 trials a scenario, seed 9" in asked
    assert "too large" not in asked


def test_findings_say_nothing_of_what_a_simulation_cannot_know(study, both):
    barred = [text for text in findings(both) if "cannot declare" in text]
    assert not [text for text in barred if text.startswith(tuple(LARGE))]
    assert not [text for text in findings(both) if "decide alike" in text]
    assert any(text.startswith("BOIN 6 stops at 6 patients and cannot declare high") for text in findings(both))
    average = findings(both)[-1]
    assert "BOIN 24 in " in average
    assert "(simulated, standard error 0." in average or "(simulated, standard error 1)" in average


def test_the_long_format_says_which_engine(both):
    frame = tidy(both)
    each = frame[frame["measure"] == "correct_selection"].groupby("design")["engine"].unique()
    assert {name: value.tolist() for name, value in each.items()} == {
        "3+3": ["exact"],
        "BOIN 6": ["exact"],
        **{name: ["simulated"] for name in LARGE},
    }
    assert set(frame.loc[frame["measure"] == "p_dlt", "engine"]) == {""}


def test_figures_name_simulated_designs_with_their_error(study, both):
    names = _with_error(both)["design"].to_numpy().tolist()
    assert names[:2] == ["3+3", "BOIN 6"]
    largest = 100 * both["correct_selection_mcse"].max("scenario").to_numpy()
    assert [name.split("se ")[1] for name in names[2:]] == [f"{error:.1g})" for error in largest[2:]]
    exact = compare(study)
    assert _with_error(exact) is exact


def test_a_mixed_comparison_is_written_and_read(both, tmp_path):
    both.to_netcdf(tmp_path / "both.nc")
    again = xr.load_dataset(tmp_path / "both.nc")
    assert again["engine"].to_numpy().tolist() == both["engine"].to_numpy().tolist()
    file = io.StringIO()
    Console(file=file, width=100).print(terminal_text(comparison_document(again)), soft_wrap=True)
    assert file.getvalue().rstrip("\n") == terminal_text(comparison_document(both)).plain


def blrm(sd, rho, cap):
    cov = ((sd * sd, rho * sd * sd), (rho * sd * sd, sd * sd))
    base = doseopt.BLRM(4, 0.25, (10.0, 20.0, 40.0, 80.0), reference_dose=40.0, unit="mg", mean=(-1.0, 0.0), cov=cov)
    return Modified(base, (MaxPatients(n=cap),))


def test_a_design_whose_posteriors_are_too_much_work_is_refused(monkeypatch):
    vague = blrm(3.0, 0.99, 1000)
    text = STUDY.replace('["low", "mid", "high"]', '["a", "b", "c", "d"]').replace("[1, 3, 10]", "[1, 3, 10, 30]")
    text = text.replace("0.25, 0.50]", "0.25, 0.50, 0.60]").replace("0.08, 0.25]", "0.08, 0.25, 0.40]")
    scenarios = parse_study(text).scenarios
    calls = []
    monkeypatch.setattr(budget, "work_of", lambda design, *many: calls.append(many[0]) or work_of(design, *many))
    with pytest.raises(TooManyStates, match="nodes of posteriors allow; lower its max_patients, use larger"):
        build_graph(vague, edges=True)
    assert sum(calls) < 300
    with pytest.raises(TooManyStates, match="lower max_patients, simulate fewer trials or scenarios, or take a prior"):
        Simulate(2000, 1)(vague, scenarios)


def test_work_is_counted_in_nodes(monkeypatch):
    design = blrm(1.0, 0.0, 12)
    states = len(build_graph(design, edges=True).state)
    each = design.facts.nodes(12)
    monkeypatch.setattr(budget, "MAX_WORK", states * each)
    assert len(build_graph(design, edges=True).state) == states
    monkeypatch.setattr(budget, "MAX_WORK", states * each - 1)
    with pytest.raises(TooManyStates, match="states whose posteriors take"):
        build_graph(design, edges=True)


def test_a_rule_that_takes_no_posterior_has_no_work():
    assert work_of(doseopt.BOIN(doses=8, target=0.25), 1000, 24) == 0


def test_a_graph_is_refused_one_byte_below_what_it_could_need():
    design = doseopt.ThreePlusThree(doses=3, target=0.25)
    held = budget.Needed(words=1, kept=10, edges=20, layer=10, arrivals=30)
    needed = budget.bytes_needed(design, held)
    budget.Budget(design, 0, 100, needed).ask_ahead(3, 10, held, held)
    with pytest.raises(TooManyStates, match=r"more than the .* GB of max_bytes"):
        budget.Budget(design, 0, 100, needed - 1).ask_ahead(3, 10, held, held)


def test_bytes_are_a_budget_beyond_which_a_design_is_simulated(study):
    small = ExactWherePossible(Exact(max_bytes=100_000), Simulate(50, 1))
    assert small(study.designs["BOIN 24"], study.scenarios).attrs["engine"] == "simulated"
    assert small(study.designs["BOIN 6"], study.scenarios).attrs["engine"] == "exact"
    with pytest.raises(Faults, match="max_bytes"):
        Exact(max_bytes=0)


def test_a_graph_larger_than_all_that_are_remembered_is_forgotten_alone():
    """The steps of a ladder need its room."""
    base = doseopt.BOIN(doses=4, target=0.25, cohort=1)
    small, large = (Modified(base, (MaxPatients(n=patients),)) for patients in (6, 30))
    found = [reach_of(large)]
    assert found[0].state.total.max() == 30  # unpacked it is larger, as is seen when the next one comes
    found.insert(0, reach_of(small))
    assert all(reach_of(design) is each for design, each in zip((small, large), found, strict=True))
    forget_larger()
    assert [reach_of(design) is each for design, each in zip((small, large), found, strict=True)] == [True, False]
    forget()
