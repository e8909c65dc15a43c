"""The statistical benchmark: its designs are those that peers ran, its bounds hold, and it says the same twice."""

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from peers.reading import assert_operating_characteristics, grouped, read

from benchmarks.statistical import run
from benchmarks.statistical.cells import families, parts_of
from benchmarks.statistical.designs import (
    CALIBRATED,
    COMPLETE,
    OPTIMAL,
    REFERENCES,
    TARGETS,
    design_at,
    names_of,
    published_at,
    study_at,
)
from benchmarks.statistical.figures import steepness
from benchmarks.statistical.tables import Group, groups_of, probability_best, ranking, regret, wins
from doseopt import load_study
from doseopt.comparison.compare import rules
from doseopt.core.state import CONTINUE
from doseopt.core.trial import after, step
from doseopt.designs.modifiers import MaxPatients, RunIn
from doseopt.engines.means import means_of
from doseopt.measures.complete_information import complete_information_benchmark
from doseopt.measures.expected import MEASURES
from doseopt.scenarios import PUBLISHED

TABLES = ("summary", "ranking", "regret", "wins")
KEYS = ["family", "target", "enrolment"]


@pytest.fixture(scope="module")
def reduced(tmp_path_factory):
    """A reduced run, as the command line starts it."""
    folder = tmp_path_factory.mktemp("benchmark")
    assert run.main(["--reduced", "--out", str(folder)]) == 0
    return folder


def table(folder, name):
    return pd.read_csv(folder / f"{name}.csv", keep_default_na=True)


def test_a_second_run_gives_the_same_bytes(reduced, tmp_path):
    figures = [f"{name}.{kind}" for name in ("ranking", "regret", "wins") for kind in ("svg", "png")]
    data = ["benchmark.nc", *(f"{name}.csv" for name in TABLES)]
    assert sorted(path.name for path in reduced.iterdir()) == sorted([*data, *figures])
    ds = run.computed(tmp_path, None, (0.25,), (10, 13), 50)
    again = run.written_data(ds, groups_of(ds), tmp_path)
    assert [path.name for path in again] == data
    for path in again:
        assert path.read_bytes() == (reduced / path.name).read_bytes(), path.name


def test_no_design_beats_the_optimal_policy_over_its_belief(reduced):
    shown = table(reduced, "summary").query("family == 'belief'")
    for _, rows in shown.groupby("enrolment"):
        value = rows.set_index("design")["correct_selection"].drop(COMPLETE)
        assert value.idxmax() == OPTIMAL
        assert value.drop(OPTIMAL).max() < value[OPTIMAL]
        assert value[CALIBRATED] > value["CRM"]  # what it was calibrated for


def test_the_optimal_policy_attains_what_the_readme_says(reduced):
    """69.8% with ten patients, and 60.4% by the CRM of the bundled study, are found by other routes there."""
    shown = table(reduced, "summary").query("family == 'belief' and enrolment == 10").set_index("design")
    assert round(100 * shown.loc[OPTIMAL, "correct_selection"], 1) == 69.8
    assert round(100 * shown.loc["CRM", "correct_selection"], 1) == 60.4


def test_probabilities_sum_to_one():
    study = study_at(0.25)
    p = np.concatenate([rates for _, rates in families(study, 20).values()])
    for name in names_of(study):
        if name != COMPLETE:
            means = means_of(design_at(study, name, 13), p)
            np.testing.assert_allclose(means.selection.sum(axis=1), 1, rtol=0, atol=1e-12)
            assert (means.n.sum(axis=1) <= 13 + 1e-9).all()


def without(design, *kinds):
    return dataclasses.replace(design, modifiers=tuple(m for m in design.modifiers if not isinstance(m, kinds)))


BOIN = grouped([row for row in read("exact_boin_crm.csv") if row["design"] == "BOIN"], "run")
PLAIN = {
    key: rows
    for key, rows in BOIN.items()
    if (rows[0]["cohortsize"], rows[0]["n_earlystop"], rows[0]["extrasafe"], rows[0]["boundMTD"])
    == ("3", "100", "FALSE", "FALSE")
    and float(rows[0]["target"]) in TARGETS
}


@pytest.mark.parametrize("rows", PLAIN.values(), ids=["".join(key) for key in PLAIN])
def test_boin_is_the_peers(rows):
    """R's BOIN 2.7.2 in cohorts of three; it has no single first patient."""
    study = study_at(float(rows[0]["target"]))
    design = without(design_at(study, "BOIN", int(rows[0]["N"])), RunIn)
    assert_operating_characteristics(design, rows, atol=1e-9)


def test_crm_is_the_peers():
    """dfcrm 0.2-2.1, whose MTD may be untried, and which has no safety stop and no single first patient."""
    runs = grouped([row for row in read("exact_boin_crm.csv") if row["design"] == "CRM"], "run")
    for target in ("0.25", "0.3"):
        for n in ("12", "24"):
            rows = runs[(f"CRM/{target}/{n}/3/empiric/TRUE",)]
            assert (rows[0]["nu"], rows[0]["halfwidth"]) == ("2", "0.05")
            design = design_at(study_at(float(target)), "CRM", int(n))
            kept = tuple(m for m in design.modifiers if type(m).__name__ in ("NoSkipping", "Coherent", "MaxPatients"))
            skeleton = dataclasses.replace(design.base.skeleton, prior_mtd=2)
            base = dataclasses.replace(design.base, skeleton=skeleton, select_untried=True)
            assert_operating_characteristics(dataclasses.replace(design, base=base, modifiers=kept), rows, atol=1e-9)


VARIANTS = {
    "A_escalation_only": "3+3 up only",
    "B_deescalate": "3+3 top on 3",
    "C_deescalate_six_everywhere": "3+3 six",
}
PEERS = grouped(read("three_plus_three_oc.csv"), "variant", "peer")


@pytest.mark.parametrize("key", PEERS, ids=" ".join)
def test_three_plus_three_is_the_peers(key):
    """bcrm, escalation and PhIdesign: 24 patients are the most that a 3+3 of four doses can need."""
    assert_operating_characteristics(design_at(study_at(0.25), VARIANTS[key[0]], 25), PEERS[key], atol=1e-9)


def test_the_designs_are_the_bundled_studys():
    bundled, own = load_study("renji-elo-first"), study_at(0.25)
    assert own.belief == bundled.belief
    assert own.doses.values == bundled.doses.values
    assert {name: spec.p_dlt for name, spec in own.scenario_specs.items()} == {
        name: spec.p_dlt for name, spec in bundled.scenario_specs.items()
    }
    assert own.mtd.none_threshold == pytest.approx(bundled.mtd.none_threshold)
    for name, same in (("CRM", "CRM 13"), ("BOIN", "BOIN 25"), ("ATD+3+3", "ATD+3+3 cap 10")):
        cap = bundled.designs[same].facts.cap
        assert rules(design_at(own, name, cap)) == rules(bundled.designs[same])
        assert design_at(own, name, cap).facts.cap == cap


@pytest.mark.parametrize("target", TARGETS)
def test_what_follows_the_target(target):
    study = study_at(target)
    assert study.mtd.none_threshold == pytest.approx(target + 0.10)
    assert {design.facts.target for design in study.designs.values()} == {target}
    assert study.designs["CRM"].base.rates[2] == target
    blrm, before = study.designs["BLRM"].base, study_at(0.25).designs["BLRM"].base
    assert blrm.intervals == pytest.approx((0.64 * target, 1.32 * target))
    odds = np.exp(blrm.mean[0] - before.mean[0])
    assert odds == pytest.approx(target / (1 - target) * 3)  # the prior odds at every dose, relative to those at 1/4


def test_each_published_set_is_run_once():
    run_at = [(t, d, name) for t in TARGETS for d in (4, 6, 7) for name in published_at(t, d)]
    assert sorted(name for _, _, name in run_at) == sorted(name for entry in PUBLISHED.values() for name in entry.rates)
    assert {(t, d) for t, d, name in run_at if name.startswith(("app", "Braun"))} == {(0.25, 4), (0.25, 6)}


def test_other_numbers_of_doses():
    study = study_at(0.30, 6)
    assert "CRM calibrated" not in names_of(study)
    assert study.designs["CRM"].base.rates[3] == 0.30
    blrm = study.designs["BLRM"].base
    assert blrm.dose_values[3] == blrm.reference_dose
    means = means_of(design_at(study, "ATD+3+3", 19), np.array([PUBLISHED["lin_yuan_2020"].rates["LY2020 1"]]))
    assert means.selection.sum() == pytest.approx(1, abs=1e-12)


def test_the_complete_information_benchmark_is_the_published_formula(reduced):
    with xr.open_dataset(reduced / "benchmark.nc") as ds:
        shown = ds["correct_selection"].sel(target=0.25, enrolment=13, design=COMPLETE)
        found = [shown.sel(scenario=name).item() for name in ("MTD 1.5 steep", "too toxic")]
    wanted = complete_information_benchmark([0.02, 0.07, 0.26, 0.57], 13, 0.25)[2]
    assert found[0] == pytest.approx(wanted, abs=5e-5)  # as packed
    assert np.isnan(found[1])


def test_what_the_file_holds(reduced):
    shown = table(reduced, "summary").set_index([*KEYS, "design"])
    with xr.open_dataset(reduced / "benchmark.nc") as ds:
        assert ds["correct_selection"].dtype == np.float64
        assert {"version", "study_hash", "seed", "seeds"} <= ds.attrs.keys()
        assert json.loads(ds.attrs["seeds"]).keys() == {"paoletti, target 0.25", "clertant, target 0.25"}
        for key in (
            ("clertant", 0.25, 10, "CRM"),
            ("published, 6 doses", 0.25, 13, "BOIN"),
            ("belief", 0.25, 13, OPTIMAL),
        ):
            at = dict(zip(("of_family", "target", "enrolment", "design"), key, strict=True))
            for m in MEASURES:
                assert ds[f"mean_{m}"].sel(at).item() == pytest.approx(shown.loc[key, m], abs=5.1e-7)
            family = at.pop("of_family")
            weight = ds["weight"].sel(target=at["target"]).where(ds["family"] == family, 0).fillna(0)
            mean = ds["correct_selection"].sel(at).weighted(weight).mean().item()
            assert mean == pytest.approx(shown.loc[key, "correct_selection"], abs=6e-5)  # as packed


def group(correct, names=("a", "b", "c")):
    """A group of three designs and as many scenarios as columns."""
    data = xr.Dataset(
        {m: (("design", "scenario"), np.array(correct, float)) for m in MEASURES},
        coords={"design": list(names), "scenario": [f"s{k}" for k in range(len(correct[0]))]},
    )
    return Group("paoletti", 0.25, 10, data.assign(weight=("scenario", np.ones(len(correct[0])))))


def test_ranks_wins_and_regrets_by_hand():
    groups = [group([[0.4, 0.5, 0.9], [0.6, 0.5, 0.4], [0.6, 0.5, 0.4]])]
    ranks = ranking(groups).set_index("design")
    assert ranks["rank"].tolist() == [1, 2, 2]
    assert ranks["difference"].tolist() == pytest.approx([0, -0.1, -0.1])
    # differences .2, 0, -.5: their mean is -.1, their variance (.09 + .01 + .16) / 2
    assert ranks["standard_error"].tolist() == pytest.approx([0, np.sqrt(0.13 / 3), np.sqrt(0.13 / 3)])
    assert wins(groups)["share"].tolist() == pytest.approx([(1 / 3 + 1) / 3, (1 / 2 + 1 / 3) / 3, (1 / 2 + 1 / 3) / 3])
    lacking = regret(groups).set_index("design")
    assert lacking["reference"].unique().tolist() == ["best design"]
    assert lacking["q50"].tolist() == pytest.approx([0, 0, 0])
    assert lacking["most"].tolist() == pytest.approx([0.2, 0.5, 0.5])
    assert lacking["q75"].tolist() == pytest.approx([0.1, 0.25, 0.25])


def test_the_probability_of_being_best_by_hand():
    """Of two scenarios the first is drawn twice, once or never with probability 1/4, 1/2, 1/4."""
    found = probability_best(group([[0.9, 0.1], [0.3, 0.3], [0.1, 0.8]]))
    assert sum(found.values()) == pytest.approx(1)
    # within four standard errors of 2,000 draws: c leads if the second is drawn twice, else a
    assert found[0] == pytest.approx(0.75, abs=4 * np.sqrt(0.75 * 0.25 / 2000))
    assert found[1] == 0
    shared = probability_best(group([[0.9, 0.1], [0.3, 0.3], [0.9, 0.1]]))  # b leads if the second is drawn twice
    assert shared[0] == shared[2] == pytest.approx(found[0] / 2)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["--reduced"], "--out: wanted a folder with --reduced"),
        (["--workers", "0"], "--workers: wanted at least 1, got 0"),
        (["--reduced", "--calibrate", "--out", "x"], "--calibrate: wanted without --reduced"),
        (["--out", __file__], "--out: wanted a folder, got the file"),
        (["--workers", "two"], "invalid int value: 'two'"),
    ],
)
def test_faults_of_the_command_line(given, message, capsys):
    with pytest.raises(SystemExit) as caught:
        run.main(given)
    assert caught.value.code == 2
    assert message in capsys.readouterr().err


def test_caps_are_the_only_difference():
    parts = parts_of((0.25,), 5)
    assert [len(part.study.doses.labels) for part in parts] == [4, 6]
    ten, thirteen = (design_at(parts[0].study, "CRM", n) for n in (10, 13))
    assert without(ten, MaxPatients) == without(thirteen, MaxPatients)
    keys = [part.cell(name, n).key for part in parts for n in (10, 13) for name in part.designs]
    assert len(set(keys)) == len(keys)


def test_steepness_by_hand():
    """The mean step to the neighbours; at the ends there is one, and where no dose is right the lowest counts."""
    p = np.array([[0.1, 0.2, 0.5, 0.6]] * 4)
    assert steepness(p, np.array([1, 0, 3, -1])) == pytest.approx([0.2, 0.1, 0.1, 0.1])


@pytest.mark.parametrize("target", TARGETS)
def test_no_design_gives_up_after_the_first_dlt(target):
    """A DLT in a single first patient, or in one of three, must not end a trial: it would be the set-up's doing."""
    study = study_at(target)
    for name in names_of(study):
        if name not in REFERENCES:
            design = design_at(study, name, 10)
            first = "1T" if design.first().size[0] == 1 else "1NNT"
            assert step(design, after(design, first)).stop[0] == CONTINUE, name
