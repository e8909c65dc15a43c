"""What a report is made from: what is proposed, interims, example trials, and what is attainable from here."""

import dataclasses
import itertools
import sys

import numpy as np
import pytest
import xarray as xr
from small_study import SMALL

from doseopt import BOIN12, Exact, after, judged
from doseopt.amendment.amend import amend
from doseopt.amendment.dossier import gather, proposed
from doseopt.amendment.interims import at_interims
from doseopt.amendment.outlook import beliefs_now, expected
from doseopt.attainable import Rules, bayes_optimal
from doseopt.attainable.from_here import attainable_from
from doseopt.beliefs import ACCURACY
from doseopt.beliefs.of_model import COARSE, belief_of_model, updated
from doseopt.conduct.examples import example_trials
from doseopt.core.beside import Beside
from doseopt.core.parameters import Faults
from doseopt.engines.simulate import Simulate
from doseopt.measures.operating_characteristics import measure
from doseopt.records.replay import Standing
from doseopt.records.trial import Trial
from doseopt.reports.sections.break_even import decision
from doseopt.reports.sections.closing import examples
from doseopt.study.amendment import Proposal
from doseopt.study.file import load_study, parse_study


@pytest.fixture(scope="module")
def study():
    return parse_study(SMALL, "small.toml")


def starts(study, outcomes):
    return {name: after(design, outcomes) for name, design in study.designs.items()}


def standings(study, outcomes):
    return {name: Standing(study.designs[name], start) for name, start in starts(study, outcomes).items()}


def test_the_proposal_of_the_file_and_its_round_trip(study):
    found = study.proposal
    assert (found.registered, found.amended, found.wanted) == ("ATD 6", ("BOIN 9",), 0.5)
    assert found.interims == {"a DLT in the first patient": "1T"}
    again = parse_study(study.to_toml())
    assert again == study
    assert again.proposal == found


def test_every_fault_of_an_amendment_with_its_place():
    text = SMALL[: SMALL.index("[amendment]")] + (
        '[amendment]\nregistered = "ATD 7"\namended = ["ATD 7", "BOIN 8", "BOIN 8"]\nwanted = 1\nwhat = 1\n'
        '[amendment.interims]\n"x y" = "1N 4N"\nbad = 3\n[amendment.statements]\nversions = "1"\n'
    )
    with pytest.raises(Faults) as caught:
        parse_study(text)
    said = str(caught.value)
    for part in (
        "amendment.what: unknown key",
        "amendment.registered: no design 'ATD 7' in the study; did you mean 'ATD 6'?",
        "amendment.amended[1]: no design 'BOIN 8' in the study; did you mean 'BOIN 9'?",
        "amendment.amended[0]: 'ATD 7' is the registered design",
        "amendment.amended[2]: 'BOIN 8' is named twice",
        "amendment.wanted: wanted a number in (0, 1), got 1",
        'amendment.interims."x y": wanted a dose level of 1 to 3, got 4',
        "amendment.interims.bad: wanted text, got 3",
        "amendment.statements.versions: unknown key; did you mean 'version'?",
    ):
        assert part in said, part


def test_without_an_amendment_in_the_file_the_first_design_is_registered():
    plain = dataclasses.replace(load_study(), proposal=None)
    found = proposed(plain)
    assert found.registered == next(iter(plain.designs))
    assert set(found.amended) == set(plain.designs) - {found.registered}
    chosen = proposed(plain, "BOIN 10", ["CRM 10"])
    assert (chosen.registered, chosen.amended) == ("BOIN 10", ("CRM 10",))


def test_names_that_are_no_design(study):
    with pytest.raises(Faults) as caught:
        proposed(study, "ATD", ["BOIN", "BOIN 9"])
    assert "registered: no design 'ATD'" in str(caught.value)
    assert "amended: no design 'BOIN'" in str(caught.value)


def test_interims_are_averages_of_exact_results(study):
    """To the last digit by one of the rules for a belief, and within what is stated by the finest."""
    ds = at_interims(study, study.proposal)
    one = np.array([1, 0, 0])
    rules = [
        belief_of_model(study.curve(), one, one, study.mtd.acceptable, None, study.target, k) for k in range(COARSE, 4)
    ]
    rules = [rules[0], *(rule.trimmed for rule in rules[1:])]
    before = {"correct_selection": 0, "no_selection": 0, "sample_size": 1, "total_dlts": 1}
    for name, start in starts(study, "1T").items():
        at = ds.sel(interim="a DLT in the first patient", design=name)
        each = np.empty((len(rules), len(before)))
        for k, belief in enumerate(rules):
            outcomes = judged(Exact()(study.designs[name], belief.scenarios, start), study.mtd)
            means = [measure(outcomes, measured)[0].to_numpy() for measured in before]
            each[k] = belief.weights @ np.array(means).T - list(before.values())
        shown = ("correct_selection", "no_selection", "further_patients", "further_dlts")
        off = np.abs(each - [at[measured].item() for measured in shown])
        assert off.max(axis=1).min() < 1e-10
        assert (off[-1] <= ACCURACY * np.array([1, 1, 6, 6])).all()
    # a DLT in the first patient: that level is filled to 3; BOIN (lambda_d = .298) stays at the lowest dose
    assert ds["level"].to_numpy().tolist() == [[1, 1]]
    assert ds["size"].to_numpy().tolist() == [[2, 3]]


def test_what_is_attainable_from_here_is_what_backward_induction_from_here_finds(study):
    outcomes = "1N 2NNT"
    ds = attainable_from(study, starts(study, outcomes))
    belief = study.believed()
    for name in study.designs:
        at = ds.sel(design=name)
        optimum = bayes_optimal(belief, study.mtd, Rules(int(at["most_patients"])))
        assert at["attainable"].item() == pytest.approx(optimum.value, abs=1e-12)
        assert at["attained"] <= at["attainable"] + 1e-12
        assert at["attained_now"] <= at["attainable_now"] + 1e-12
        # a third route: the best over single patients by plain recursion over the posterior
        now = updated(belief, np.array([1, 3, 0]), np.array([0, 1, 0]))
        best = _best(study, now, np.array([1, 3, 0]), int(at["most_patients"]))
        assert at["attainable_now"].item() == pytest.approx(best, abs=1e-10)


def _best(study, belief, n, most):
    """Value of the best design from here: stop and select the likeliest correct dose, or treat one patient more."""
    right = study.mtd.acceptable(belief.p_dlt)
    right = np.column_stack([~right.any(axis=1), right])
    value = float((belief.weights @ right).max())
    if n.sum() == most:
        return value
    for j in range(min(np.flatnonzero(n).max() + 2, len(n))):
        one = np.eye(len(n), dtype=int)[j]
        chance = float(belief.weights @ belief.p_observed[:, j])
        after_dlt, after_none = (updated(belief, one, one * y) for y in (1, 0))
        value = max(
            value,
            chance * _best(study, after_dlt, n + one, most) + (1 - chance) * _best(study, after_none, n + one, most),
        )
    return value


def test_a_tally_that_no_design_of_the_class_can_have(study):
    ds = attainable_from(study, starts(study, "1NNN 3NNN"))
    assert ds["attainable_now"].isnull().all()
    assert ds["attained_now"].notnull().all()


def test_example_trials_are_trials_of_the_simulation(study):
    found = example_trials(study, standings(study, "1N"), "too toxic", trials=200, seed=3)
    truth = study.scenarios.sel(scenario=["too toxic"])
    for name, start in starts(study, "1N").items():
        outcomes = Simulate(200, 3)(study.designs[name], truth, start).isel(scenario=0)
        n, y = outcomes["n"].to_numpy(), outcomes["y"].to_numpy().sum(axis=1)
        ends = [_ending(trial, start) for trial in found[name].values()]
        seen = {(*row.tolist(), int(dlts)) for row, dlts in zip(n, y, strict=True)}
        assert set(ends) <= seen
        worst = found[name]["worst"]
        assert sum(one["letters"].count("T") for one in worst["steps"]) == y.max() - start.y.sum()
        size = n.sum(axis=1) - start.n.sum()
        assert ("earliest" in found[name]) == (size.min() < size.max())
        earliest = found[name].get("earliest", worst)
        assert sum(one["size"] for one in earliest["steps"]) == size.min()


ABOVE = {"safe": [], "middle": [2], "too toxic": [0, 1, 2]}
"""Indices of the doses above the true MTD."""


def test_the_typical_and_the_worst_example_are_what_they_are_said_to_be(study):
    unlike = 0  # how often the medians are not those of all trials
    for outcomes, (scenario, above) in itertools.product(("1N", "1T"), ABOVE.items()):
        found = example_trials(study, standings(study, outcomes), scenario, trials=300, seed=2)
        truth = study.scenarios.sel(scenario=[scenario])
        for name, start in starts(study, outcomes).items():
            drawn = Simulate(300, 2)(study.designs[name], truth, start).isel(scenario=0)
            n, dlts = drawn["n"].to_numpy(), drawn["y"].to_numpy().sum(axis=1)
            size, selected = n.sum(axis=1), drawn["selected"].to_numpy().tolist()
            most = max(sorted(set(selected)), key=selected.count)
            usual = [k for k in range(300) if selected[k] == most]
            patients, struck = (np.median(counts[usual]) for counts in (size, dlts))
            unlike += (patients, struck) != (np.median(size), np.median(dlts))
            typical, worst = (np.array(_ending(found[name][which], start)) for which in ("typical", "worst"))
            assert found[name]["typical"]["mtd"] == (None if most < 0 else most + 1)
            off = min(abs(size[k] - patients) + abs(dlts[k] - struck) for k in usual)
            assert abs(typical[:-1].sum() - patients) + abs(typical[-1] - struck) == off
            reached = list(zip(dlts.tolist(), n[:, above].sum(axis=1).tolist(), strict=True))
            assert (worst[-1], worst[above].sum()) == max(reached)
    assert unlike


def _ending(trial, start):
    n = start.n[0].copy()
    dlts = int(start.y.sum())
    for one in trial["steps"]:
        n[one["level"] - 1] += one["size"]
        dlts += one["letters"].count("T")
    return (*n.tolist(), dlts)


def test_no_example_of_an_early_stop_where_all_trials_have_the_same_size(study):
    found = example_trials(study, {"BOIN 9": standings(study, "")["BOIN 9"]}, "safe", trials=50)
    assert set(found["BOIN 9"]) == {"typical", "worst"}


def test_a_proposal_needs_no_more_than_two_names():
    assert Proposal("a", ("b",)).in_file() == {"registered": "a", "amended": ["b"], "wanted": 0.6}


def test_the_belief_after_the_data_is_bayes_rule(study):
    prior, now = study.believed(), beliefs_now(study, Trial.from_outcomes("1N 2NNT", study.doses))["the study's belief"]
    by_hand = prior.weights * np.array([(1 - p[0]) * p[1] * (1 - p[1]) ** 2 for p in prior.p_dlt])
    np.testing.assert_allclose(now.weights, by_hand / by_hand.sum(), atol=1e-14)
    start = after(study.designs["BOIN 9"], "1N 2NNT")
    found, selection = expected(study, study.designs["BOIN 9"], now, start)
    outcomes = judged(Exact()(study.designs["BOIN 9"], now.scenarios, start), study.mtd)
    total = float(now.weights @ measure(outcomes, "total_dlts")[0].to_numpy())
    assert found["total_dlts"] == pytest.approx(total, abs=1e-12)
    assert found["further_dlts"] == pytest.approx(total - 1, abs=1e-12)
    assert found["further_patients"] == pytest.approx(found["sample_size"] - 4, abs=1e-12)
    assert selection.sum() == pytest.approx(1, abs=1e-12)


def test_what_cannot_be_proposed(study):
    one = dataclasses.replace(study, designs={"ATD 6": study.designs["ATD 6"]}, proposal=None)
    with pytest.raises(Faults, match="designs: wanted a second one, to be proposed instead of ATD 6, got none"):
        proposed(one)
    with pytest.raises(Faults, match="amended: BOIN 9 is named twice"):
        proposed(study, "", ["BOIN 9", "BOIN 9"])


@pytest.mark.parametrize("wrong", ['registered = ["ATD 6"]', "registered = { a = 1 }", 'amended = [["BOIN 9"]]'])
def test_designs_that_are_no_names(wrong):
    with pytest.raises(Faults, match="no design"):
        parse_study(SMALL[: SMALL.index("[amendment]")] + f"[amendment]\n{wrong}\n")


LEFT_OUT = """
title = "two doses, and who dies is left out"
target = 0.25
[doses]
labels = ["1", "2"]
[window_events]
death = { probability = 0.2, reading = "exclude" }
[scenarios]
one = [0.25, 0.45]
[designs."3+3"]
kind = "three_plus_three"
[designs."BOIN"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 6 }]
"""


@pytest.mark.slow
def test_a_study_that_leaves_patients_out_has_a_report_that_says_what_cannot_be_told():
    study = parse_study(LEFT_OUT)
    dossier = gather(study, Trial(study.doses), Proposal("3+3", ("BOIN",)))
    (trials,), (points,) = examples(dossier), decision(dossier)
    assert "left out" in trials.text
    assert "left out" in points.text
    assert dossier.amendment["average"]["correct_selection"].notnull().all()


def test_what_is_attainable_beside_a_design_that_decides_on_pending_patients_is_that_of_the_one_that_waits():
    clock = '[clock]\nwindow = 28\naccrual = { kind = "fixed", per_window = 2 }\n'
    events = LEFT_OUT[LEFT_OUT.index("[window_events]") : LEFT_OUT.index("[scenarios]")]
    tite = '[designs.TITE]\nkind = "tite_boin"\nmodifiers = [{ kind = "max_patients", n = 6 }]\n'
    study = parse_study(LEFT_OUT.replace(events, clock) + tite)
    found = attainable_from(study, starts(study.only(["BOIN"]), "") | {"TITE": after(study.designs["BOIN"], "")})
    waits, decides = (found.sel(design=name, drop=True) for name in ("BOIN", "TITE"))
    for name in ("most_patients", "attained", "attainable"):
        assert decides[name].item() == waits[name].item()


def test_designs_that_look_at_efficacy_are_proposed_only_by_name(study):
    plain = dataclasses.replace(study, proposal=None)
    with_efficacy = dataclasses.replace(plain, designs={**plain.designs, "BOIN12": BOIN12(doses=3, target=0.25)})
    assert proposed(with_efficacy) == proposed(plain)
    assert proposed(with_efficacy, "", ["BOIN12"]).amended == ("BOIN12",)
    with pytest.raises(Faults, match="BOIN12: wanted a design that looks at DLTs only"):
        amend(with_efficacy, Trial(plain.doses), proposed(plain).registered, ["BOIN12"])


@pytest.mark.skipif(sys.platform != "linux", reason="a process is copied on Linux alone")
def test_what_other_processes_compute_is_what_this_one_would(study, two, monkeypatch):
    trial = Trial.from_outcomes("1N 2NNT", study.doses)
    each = []
    for processes in (1, 2, 3):
        monkeypatch.setattr(Beside, "processes", processes)
        each.append(gather(study, trial, proposed(study)))
    alone, *others = each
    for beside in others:
        for part in ("comparison", "silences", "attainable", "decided", "break_even"):
            xr.testing.assert_identical(getattr(beside, part), getattr(alone, part))
        for node in alone.amendment.children:
            xr.testing.assert_identical(beside.amendment[node].to_dataset(), alone.amendment[node].to_dataset())
        assert beside.readings == alone.readings
