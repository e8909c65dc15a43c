"""BOIN12: published scores and decisions, an independent recursion, simulation, and the promises of a design."""

import csv
import dataclasses
from pathlib import Path

import numpy as np
import oracle_efficacy
import pytest
from scipy.stats import beta, rankdata

import doseopt
from doseopt import (
    BOIN12,
    Exact,
    Faults,
    MaxPatients,
    Modified,
    Simulate,
    Titrate,
    after,
    make_scenarios,
)
from doseopt.core.cohort import Cohort
from doseopt.engines.exact import edge_weights, state_weights
from doseopt.engines.graph import build_graph
from doseopt.testing import check_design

REFERENCE = Path(doseopt.__file__).parent / "verify" / "reference"
TEXTS = {name: (REFERENCE / f"boin12_{name}.csv").read_text().splitlines() for name in ("next", "rds")}
ROWS = {name: list(csv.DictReader(text)) for name, text in TEXTS.items()}
"""Of the R package escalation 0.2.3, whose scores are those of Lin et al. 2020, Table 3."""
LETTERS = {("1", "0"): "T", ("1", "1"): "B", ("0", "1"): "E", ("0", "0"): "N"}
P, Q = [[0.1, 0.2, 0.4], [0.3, 0.45, 0.6], [0.02, 0.05, 0.1]], [[0.2, 0.45, 0.5], [0.1, 0.1, 0.1], [0.3, 0.3, 0.35]]
SMALL = {"flat": {}, "other utilities": {"u2": 30.0, "u3": 50.0}}


def capped(doses=3, patients=12, **keys):
    return Modified(BOIN12(doses=doses, target=0.35, **keys), (MaxPatients(n=patients),))


def selection(outcomes):
    levels = range(-1, outcomes.sizes["dose"])
    chosen = [(outcomes["weight"] * (outcomes["selected"] == k)).sum("ending") for k in levels]
    return np.stack([each.to_numpy() for each in chosen], axis=1)


@pytest.mark.parametrize("row", ROWS["next"], ids=lambda row: row["id"])
def test_next_dose_of_the_peer(row):
    dose, *each = (row[name].split("|") for name in ("dose", "tox", "eff"))
    letters = "".join(LETTERS[both] for both in zip(*each, strict=True))
    cohorts = [Cohort(int(dose[i]), letters[i : i + 3]) for i in range(0, len(dose), 3)]
    design = BOIN12(doses=4, target=0.35, enough=10_000)  # the peer leaves it to others when a trial ends
    state = after(design, cohorts)
    given = design.decide(state)
    assert (given.stop[0], given.dose[0] + 1) == (0, int(row["next_dose"]))
    wanted = [float(each) for each in row["desirability"].split("|")]
    assert 100 * design.desirability(state)[0] == pytest.approx(wanted, abs=1e-8)


def test_scores_of_the_paper():
    """All rows of Lin et al. 2020, Table 3, as the peer makes it; E where the design calls a dose inadmissible."""
    scores = BOIN12(doses=5, target=0.35).scores((0, 3, 6, 9))
    found = dict(zip(zip(scores.n, scores.y, scores.e, strict=True), scores.score, strict=True))
    rows = [row for row in ROWS["rds"] if row["config"].startswith("Lin2020")]
    assert len(rows) == 89
    for row in rows:
        score = found[int(row["Patients"]), int(row["Toxicity"]), int(row["Efficacy"])]
        assert ("E" if np.isnan(score) else score) == (row["RDS"] if row["RDS"] == "E" else float(row["RDS"]))


def test_scores_of_other_utilities_as_the_peer_means_them():
    """With u2 + u3 = 80 its table takes x = (u3 e + u2 (n - y))/100, whoever had both: all its rows, by that formula.

    Admissibility and benchmark are the design's. The design itself tells who had both, and ranks more rows.
    """
    design = BOIN12(doses=5, target=0.30, phi_e=0.20, u2=30.0, u3=50.0)
    cells = [(n, y, e) for n in (0, 3, 6) for y in range(n + 1) for e in range(n + 1)]
    scores = design.scores((0, 3, 6))
    told = zip(scores.n, scores.y, scores.e, np.isnan(scores.score), strict=True)
    out = {(n, y, e) for n, y, e, nan in told if nan}
    good = [cell for cell in cells if cell not in out]
    events = [(50 * e + 30 * (n - y)) / 100 for n, y, e in good]
    tails = [beta.sf(design.benchmark / 100, 1 + x, 1 + n - x) for x, (n, _, _) in zip(events, good, strict=True)]
    found = dict(zip(good, rankdata(np.round(tails, 12)), strict=True))
    rows = [row for row in ROWS["rds"] if not row["config"].startswith("Lin2020")]
    assert len(rows) == 27
    for row in rows:
        cell = int(row["Patients"]), int(row["Toxicity"]), int(row["Efficacy"])
        assert str(found.get(cell, "E")).removesuffix(".0") == row["RDS"]


@pytest.mark.parametrize("keys", SMALL.values(), ids=SMALL)
def test_exact_as_an_independent_recursion(keys):
    doses = 2 if keys else 3
    p_each, q_each = ([row[:doses] for row in rows] for rows in (P, Q))
    oracle = oracle_efficacy.BOIN12(doses, 0.35, cap=12, **keys)
    outcomes = Exact()(capped(doses, **keys), make_scenarios(p_each, p_eff=q_each))
    chosen = selection(outcomes)
    patients, dlts = ((outcomes["weight"] * outcomes[k]).sum("ending").to_numpy() for k in ("n", "y"))
    for r, (p, q) in enumerate(zip(p_each, q_each, strict=True)):
        for ours, theirs in zip((chosen, patients, dlts), oracle.characteristics(p, q), strict=True):
            assert ours[r] == pytest.approx(theirs, abs=1e-12)


def test_simulated_within_four_standard_errors():
    design, scenarios, trials = capped(patients=18), make_scenarios(P, p_eff=Q), 20_000
    exact, drawn = selection(Exact()(design, scenarios)), selection(Simulate(trials=trials)(design, scenarios))
    assert np.abs(exact - drawn).max() <= 4 * np.sqrt(0.25 / trials)
    assert (np.abs(exact - drawn) <= 4 * np.sqrt(exact * (1 - exact) / trials) + 1e-9).all()


@pytest.mark.parametrize("keys", SMALL.values(), ids=SMALL)
def test_two_routes_to_the_weights(keys):
    """By the tally, and edge by edge over who had both."""
    graph = build_graph(capped(**keys), edges=True)
    p, q = np.array(P), np.array(Q)
    by_tally = state_weights(graph, p, np.arange(len(graph.state)), q)
    assert np.abs(by_tally - edge_weights(graph, p, q)).max() < 1e-14


def test_where_all_respond_it_is_a_matter_of_toxicity_and_where_none_do_it_ends():
    scenarios = make_scenarios([[0, 0], [0, 0], [1, 1]], p_eff=[[1, 1], [0, 0], [1, 1]])
    outcomes = Exact()(capped(2, patients=18), scenarios)
    assert selection(outcomes)[1:].tolist() == [[1, 0, 0], [1, 0, 0]]
    assert selection(outcomes)[0, 0] == 0
    reasons = outcomes["stop_reason"].to_numpy()[outcomes["stop"]]
    for row, reason in ((1, "none_admissible"), (2, "too_toxic")):
        assert outcomes["weight"].to_numpy()[row] @ (reasons == reason) == 1


def test_a_futile_dose_is_given_on_the_way_down_and_no_toxic_one():
    """Dose 1 has no response in nine: Pr(p_E < .25) = .94. Two DLTs in three at dose 2 lead down to it all the same."""
    design = BOIN12(doses=3, target=0.35)
    state = after(design, "1NNN 1NNN 1NNN 2TTN")
    assert not design.worthwhile(state)[0, 0]
    assert design.decide(state).dose.tolist() == [0]
    assert design.facts.stops[design.decide(after(design, "1TTT"))[[0]].stop[0] - 1] == "too_toxic"


def test_it_keeps_the_promises_of_a_design():
    check_design(BOIN12.example())
    check_design(capped(patients=9, select_by="desirability"))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"target": 0.8, "tox": 1.4}, "tox: wanted tox * target below 1"),
        ({"target": 0.3, "u2": 101.0}, "u2: wanted a number in [0, 100]"),
        ({"target": 0.3, "u2": 0.0, "u3": 0.0}, "u2: wanted u2 or u3 above 0"),
        ({"target": 0.3, "phi_e": 1.0}, "phi_e: wanted a number in (0, 1)"),
    ],
)
def test_what_makes_no_design_is_refused(keys, message):
    with pytest.raises(Faults) as raised:
        BOIN12(doses=3, **keys)
    assert message in str(raised.value)


def test_a_titration_that_leaves_patients_out_is_refused():
    with pytest.raises(Faults, match="over a design that looks at efficacy"):
        Modified(BOIN12(doses=3, target=0.3), (Titrate(after="three_new"), MaxPatients(n=12)))


def test_scenarios_without_efficacy_are_refused():
    with pytest.raises(Faults, match=r"looks at efficacy; wanted p_eff in every scenario, missing in 'S2'"):
        Exact()(capped(), make_scenarios(P[:2], p_eff=[Q[0], [np.nan] * 3]))


@dataclasses.dataclass(frozen=True)
class NextDose(BOIN12):
    """BOIN12 that declares the dose it would give next, and not the OBD."""

    def select(self, state, stop):
        going_on = dataclasses.replace(self, enough=1000)
        given = BOIN12.decide(going_on, state)
        return np.where(given.stop > 0, -1, given.dose)


@pytest.mark.parametrize(
    ("design", "theirs"),
    [
        (BOIN12(doses=5, target=0.35, explore_from=99), (0.573, 0.213)),
        (NextDose(doses=5, target=0.35), (0.496, 0.237)),
    ],
)
def test_two_programs_that_disagree_differ_in_what_is_declared(design, theirs):
    """Doses 2 and 3, 10,000 trials each, in github.com/brockk/escalation/issues/8: trialdesign.org without further
    exploration declares the OBD; R's escalation, without `select_boin12_obd`, the dose that would be next."""
    truth = make_scenarios([[0.03, 0.17, 0.35, 0.50, 0.65]], p_eff=[[0.12, 0.39, 0.43, 0.55, 0.65]])
    outcomes = Simulate(trials=40_000, seed=20261129)(Modified(design, (MaxPatients(n=36),)), truth)
    for dose, share in zip((1, 2), theirs, strict=True):
        ours = float((outcomes["selected"].to_numpy() == dose).mean())
        assert abs(ours - share) <= 4 * np.sqrt(share * (1 - share) * (1 / 10_000 + 1 / 40_000)) + 0.0005
