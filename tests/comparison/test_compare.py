import json
import math

import numpy as np
import pytest
import xarray as xr

import doseopt
from doseopt import CRM
from doseopt.cli.output import as_json
from doseopt.comparison.compare import compare
from doseopt.comparison.enrolment import CURVES, families
from doseopt.designs.layers import with_cap
from doseopt.designs.modifiers import MaxPatients, NoSkipping
from doseopt.display.simulated import without_errors
from doseopt.engines.budget import TooManyStates
from doseopt.engines.exact import Exact
from doseopt.engines.means import means_of
from doseopt.engines.simulate import Simulate
from doseopt.measures.expected import linear_measures
from doseopt.measures.operating_characteristics import METRICS
from doseopt.measures.quantiles import QUANTILES
from doseopt.reports.sections.benchmark import ONE_DOSE, benchmark
from doseopt.study.file import load_study, parse_study
from doseopt.tabular.netcdf import write_netcdf

SMALL = """
title = "small"
target = 0.25
planned_enrolment = 9
[doses]
labels = ["low", "mid", "high"]
values = [1, 3, 10]
unit = "mg"
[dropout]
rate = 0.2
[scenarios]
"mid" = { p_dlt = [0.05, 0.25, 0.50], reason = "the middle one", source = "made up" }
"none" = [0.5, 0.6, 0.7]
[designs."3+3"]
kind = "three_plus_three"
[designs."BOIN 6"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 6 }]
[designs."BOIN 12"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 12 }]
"""
PER_DOSE = {"selection", "patients", "dlts", "allocation"}
HOUSE = {
    *("selection", "no_selection", "correct_selection", "overdose_selection", "underdose_selection", "patients"),
    *("dlts", "sample_size", "allocation", "overdosed", "patients_above_mtd"),
}


@pytest.fixture(scope="module")
def study():
    return parse_study(SMALL, "small.toml")


@pytest.fixture(scope="module")
def exact(study):
    return compare(study)


@pytest.fixture(scope="module")
def simulated(study):
    return compare(study, Simulate(trials=400, seed=3))


def test_dimensions_and_their_labels(exact):
    assert {"design", "scenario", "dose"} <= set(exact.dims)
    assert exact["design"].to_numpy().tolist() == ["3+3", "BOIN 6", "BOIN 12"]
    assert exact["scenario"].to_numpy().tolist() == ["mid", "none"]
    assert exact["dose"].to_numpy().tolist() == ["low", "mid", "high"]
    assert exact["dose_value"].to_numpy().tolist() == [1, 3, 10]
    assert exact["dose_value"].attrs["units"] == "mg"
    assert exact["reason"].to_numpy().tolist() == ["the middle one", ""]
    assert exact["source"].to_numpy().tolist() == ["made up", ""]


def test_every_measure_is_there_under_its_name(exact):
    assert set(METRICS) >= HOUSE
    for name in METRICS:
        lead = ("design", "scenario")
        further = {"dose"} if name in PER_DOSE else {"stop_reason"} if name == "stopped" else set()
        assert set(exact[name].dims) == {*lead, *further}
        assert set(exact[f"{name}_mcse"].dims) == {*lead, *further}
    for name in QUANTILES:
        assert set(exact[name].dims) == {"design", "scenario", "quantile"}


def test_every_variable_has_a_meaning_and_every_number_a_unit(exact):
    for name, variable in exact.data_vars.items():
        assert variable.attrs.get("long_name"), name
        if name not in ("acceptable", "mtd"):  # a mark and an index
            assert variable.attrs.get("units"), name


def test_the_attributes_say_where_the_numbers_come_from(exact, study):
    assert exact.attrs["version"] == doseopt.__version__
    assert exact.attrs["study_hash"] == study.hash
    assert exact.attrs["engine"] == "exact"
    assert exact.attrs["study"] == "small"
    assert exact.attrs["title"] == "small"
    assert exact.attrs["target"] == 0.25
    assert exact.attrs["mtd_rule"] == study.mtd.describe()
    assert exact.attrs["planned_enrolment"] == 9
    assert exact.attrs["window_events"] == "drop-out 20%, replaced"
    assert "trials" not in exact.attrs


def test_what_is_right_stands_beside_the_numbers(exact):
    assert exact["acceptable"].to_numpy().tolist() == [[False, True, False], [False, False, False]]
    assert exact["mtd"].to_numpy().tolist() == [1, -1]
    np.testing.assert_array_equal(exact["p_dlt"], [[0.05, 0.25, 0.50], [0.5, 0.6, 0.7]])


@pytest.mark.parametrize("kind", ["exact", "simulated"])
def test_laws_between_the_measures(kind, request):
    data = request.getfixturevalue(kind)

    def close(one, two):
        np.testing.assert_allclose(*xr.align(one, two), rtol=0, atol=1e-9)

    one = xr.ones_like(data["no_selection"])
    close(data["selection"].sum("dose") + data["no_selection"], one)
    close(data["patients"].sum("dose"), data["sample_size"])
    close(data["dlts"].sum("dose"), data["total_dlts"])
    close(data["allocation"].sum("dose"), one)
    close(data["stopped"].sum("stop_reason"), one)
    p = data["p_dlt"]
    stays = np.log(1 - p) / (np.log(1 - p) + np.log(0.8)) * (1 - 0.8 * (1 - p)) + 0.8 * (
        1 - p
    )  # DLT first, or to the end
    close(data["enrolled"], (data["patients"] / stays).sum("dose"))
    close(data["correct_selection"].sel(scenario="mid"), data["selection"].sel(scenario="mid", dose="mid"))
    close(data["overdose_selection"].sel(scenario="mid"), data["selection"].sel(scenario="mid", dose="high"))
    close(data["underdose_selection"].sel(scenario="mid"), data["selection"].sel(scenario="mid", dose="low"))
    close(data["correct_selection"].sel(scenario="none"), data["no_selection"].sel(scenario="none"))
    close(data["patients_above_mtd"].sel(scenario="none"), data["sample_size"].sel(scenario="none"))
    close(data["patients_above_mtd"].sel(scenario="mid"), data["patients"].sel(scenario="mid", dose="high"))
    if kind == "exact":
        close(data["dlts"], data["patients"] * data["p_observed"])  # Wald


def test_the_complete_information_benchmark_stands_beside_each_design(exact):
    beside = exact.sel(scenario="mid")
    for design in exact["design"].to_numpy():
        at = beside.sel(design=design)
        size = float(at["sample_size"])
        low = int(size + 1e-9)
        part = max(size - low, 0)
        ends = [doseopt.complete_information_benchmark([0.05, 0.25, 0.50], n, 0.25) for n in (low, low + 1)]
        each = (1 - part) * ends[0] + part * ends[1]
        np.testing.assert_allclose(at["benchmark_selection"], each, atol=1e-12)
        assert at["benchmark_correct_selection"].item() == pytest.approx(each[1], abs=1e-12)
        index = 1 - 3 * (0.20 * each[0] + 0.25 * each[2]) / 0.45
        assert at["benchmark_accuracy_index"].item() == pytest.approx(index, abs=1e-12)
        correct = at["correct_selection"].item()
        assert at["regret_to_benchmark"].item() == pytest.approx(each[1] - correct, abs=1e-12)
        assert at["ratio_to_benchmark"].item() == pytest.approx(correct / each[1], abs=1e-12)
    none = exact.sel(scenario="none")
    for name in ("selection", "correct_selection", "accuracy_index"):
        assert none[f"benchmark_{name}"].isnull().all()
    assert none["ratio_to_benchmark"].isnull().all()


def test_exact_results_have_no_monte_carlo_error(exact):
    for name in METRICS:
        assert (exact[f"{name}_mcse"].fillna(0) == 0).all()


def test_a_reason_that_a_design_does_not_know_has_probability_zero(exact):
    stopped = exact["stopped"].transpose("design", "scenario", "stop_reason")
    assert exact["stop_reason"].to_numpy().tolist() == ["complete", "max_patients", "too_toxic"]
    assert (stopped.sel(design="3+3", stop_reason="max_patients") == 0).all()
    assert (stopped.sel(design="BOIN 6", stop_reason="complete") == 0).all()


def test_caps_and_fewest_patients_by_hand(exact):
    cap = exact["planned_maximum"].to_numpy()
    assert np.isnan(cap[0])
    assert cap[1:].tolist() == [6, 12]
    fewest = exact["fewest_patients"].transpose("design", "dose").to_numpy()
    # 3+3: 3 + 3 toxic + 3 back; 3 + 3 + 3 toxic + 3 back; 3 + 3 + 6
    assert fewest[0].tolist() == [9, 12, 12]
    # BOIN selects at its cap; three levels of three need nine
    assert fewest[1][:2].tolist() == [6, 6]
    assert math.isnan(fewest[1][2])
    assert fewest[2].tolist() == [12, 12, 12]


def test_size_of_the_graphs(exact):
    for name in ("states", "edges", "endings", "paths"):
        counts = exact[name].to_numpy()
        assert (counts >= 1).all()
        assert counts[1] < counts[2]
    # 3+3 with six at the MTD: 154 outcome paths at three doses (R precautionary)
    assert exact["paths"].sel(design="3+3") == 154


# The registered protocol: a fact to reproduce

FACT = {
    ("uncapped", ".05 .10 .20 .30"): (0.0971, 0.2822, 0.3404, 0.2667, 0.0135, 14.011),
    ("cap 10", ".05 .10 .20 .30"): (0.0647, 0.2383, 0.1362, 0.0000, 0.5609, 9.912),
    ("uncapped", ".02 .04 .06 .08"): (0.0175, 0.0371, 0.0723, 0.8711, 0.0020, 13.822),
    ("cap 10", ".02 .04 .06 .08"): (0.0226, 0.1048, 0.1145, 0.0000, 0.7580, 9.985),
}
REGISTERED = """
title = "registered"
target = 0.25
[doses]
labels = ["0.15", "0.5", "1.5", "4.5"]
[scenarios]
".05 .10 .20 .30" = [0.05, 0.10, 0.20, 0.30]
".02 .04 .06 .08" = [0.02, 0.04, 0.06, 0.08]
[designs.uncapped]
kind = "accelerated_titration"
[designs."cap 10"]
kind = "accelerated_titration"
modifiers = [{ kind = "max_patients", n = 10 }]
"""


@pytest.fixture(scope="module")
def registered():
    return compare(parse_study(REGISTERED))


@pytest.mark.parametrize(("design", "scenario"), FACT)
def test_the_registered_protocol_has_the_known_probabilities(registered, design, scenario):
    *selection, none, patients = FACT[design, scenario]
    found = registered.sel(design=design, scenario=scenario)
    np.testing.assert_allclose(found["selection"], selection, rtol=0, atol=1e-4)
    assert found["no_selection"].item() == pytest.approx(none, abs=1e-4)
    assert found["sample_size"].item() == pytest.approx(patients, abs=1e-3)


def test_ten_patients_cannot_declare_the_top_dose_under_any_truth(registered):
    fewest = registered["fewest_patients"]
    # 1 + 3 toxic + 5 back; 1 + 3 + 3 toxic + 3 back; 1 + 3 + 3 + 3 toxic + 3 back; 1 + 3 + 3 + 6
    assert fewest.sel(design="uncapped").to_numpy().tolist() == [9, 10, 13, 13]
    # the cap can stop the trial on 1 + 3 + 6, with 1.5 proven
    assert fewest.sel(design="cap 10").to_numpy()[:3].tolist() == [9, 10, 10]
    assert np.isnan(fewest.sel(design="cap 10", dose="4.5"))
    assert (registered["selection"].sel(design="cap 10", dose="4.5") == 0).all()


def test_the_registered_cap_is_in_the_bundled_comparison():
    data = compare(load_study())
    assert data["fewest_patients"].sel(design="ATD+3+3 uncapped", dose="4.5") == 13
    assert np.isnan(data["fewest_patients"].sel(design="ATD+3+3 cap 10", dose="4.5"))
    assert (data["over_planned"].sel(design="ATD+3+3 uncapped") > 0).any()
    assert (data["over_planned"].sel(design="ATD+3+3 cap 10") == 0).all()
    # the bundled caps of CRM and BOIN make families
    assert data["family"].to_numpy().tolist() == ["CRM", "BOIN"]
    assert {10, 13, 25} <= set(data["enrolment"].to_numpy().tolist())


# Families


def test_designs_that_differ_by_their_cap_only_are_a_family(study, exact):
    found = families(study.designs)
    assert {label: caps for label, (_, caps) in found.items()} == {"BOIN": {6: "BOIN 6", 12: "BOIN 12"}}
    assert exact["family"].to_numpy().tolist() == ["BOIN"]
    assert exact["enrolment"].to_numpy().tolist() == [3, 6, 9, 12]
    between = compare(parse_study(SMALL.replace("n = 12", "n = 9")))
    for cap, name, of in ((6, "BOIN 6", exact), (9, "BOIN 12", between), (12, "BOIN 12", exact)):
        for measure in CURVES:
            curve = exact[f"{measure}_by_enrolment"].sel(family="BOIN", enrolment=cap)
            np.testing.assert_array_equal(curve, of[measure].sel(design=name), err_msg=measure)
    assert exact["sample_size_by_enrolment"].attrs["units"] == "patients"


def test_no_family_no_curves():
    data = compare(parse_study(SMALL.replace("n = 12", "n = 6")))
    assert "family" not in data.dims


def test_designs_that_differ_by_more_than_their_cap_are_no_family():
    base = CRM(doses=3, target=0.25, skeleton=(0.1, 0.2, 0.3))
    designs = {
        "one": doseopt.Modified(base, (MaxPatients(n=6),)),
        "two": doseopt.Modified(base, (NoSkipping(), MaxPatients(n=9))),
    }
    assert families(designs) == {}


def test_the_order_of_modifiers_does_not_part_a_family():
    base = CRM(doses=3, target=0.25, skeleton=(0.1, 0.2, 0.3))
    designs = {
        "one": doseopt.Modified(base, (doseopt.Coherent(), MaxPatients(n=6), NoSkipping())),
        "two": doseopt.Modified(base, (NoSkipping(), doseopt.Coherent(), MaxPatients(n=9))),
    }
    (family,) = families(designs).values()
    assert family[1] == {6: "one", 9: "two"}


def test_another_cap_replaces_the_old_one():
    design = doseopt.Modified(CRM(doses=3, target=0.25, skeleton=(0.1, 0.2, 0.3)), (NoSkipping(), MaxPatients(n=6)))
    assert with_cap(design, 9).modifiers == (NoSkipping(), MaxPatients(n=9))


# Engines


def test_simulation_gives_the_same_layout(exact, simulated):
    assert set(exact.data_vars) - set(simulated.data_vars) <= {"states", "edges", "endings", "paths"}
    assert set(simulated.data_vars) <= set(exact.data_vars)
    for name in simulated.data_vars:
        assert simulated[name].dims == exact[name].dims, name
        assert simulated[name].attrs == exact[name].attrs, name
    assert simulated.attrs["engine"] == "simulated"
    assert simulated.attrs["trials"] == 400
    assert simulated.attrs["seed"] == 3
    assert np.isnan(simulated["fewest_patients"]).all()  # a simulation cannot show what is impossible


def test_simulation_has_monte_carlo_errors_and_agrees_within_them(exact, simulated):
    for name in ("correct_selection", "sample_size", "total_dlts"):
        error = simulated[f"{name}_mcse"].sel(design="BOIN 12", scenario="mid")
        if name != "sample_size":
            assert error > 0
        assert abs(simulated[name] - exact[name]).max() <= 5 * simulated[f"{name}_mcse"].max() + 1e-12
    assert simulated["sample_size_mcse"].sel(design="3+3", scenario="mid") > 0


def test_the_default_engine_is_exact(study, exact):
    xr.testing.assert_identical(compare(study, Exact()), exact)


def test_progress_names_each_design_in_turn(study):
    seen = []
    compare(study, progress=seen.append)
    assert seen == ["3+3", "BOIN 6", "BOIN 12", "definitions and naming rules", "enrolment curves"]


# On disk and on the wire


def test_netcdf_round_trip(exact, tmp_path):
    path = write_netcdf(exact, tmp_path / "comparison.nc")
    with xr.open_dataset(path, engine="netcdf4") as stored:
        again = stored.load()
    assert list(tmp_path.iterdir()) == [path]
    assert set(again.variables) == set(exact.variables)
    for name in exact.variables:
        assert again[name].dims == exact[name].dims
        np.testing.assert_array_equal(again[name].to_numpy(), exact[name].to_numpy(), err_msg=name)
        for key, value in exact[name].attrs.items():
            assert again[name].attrs[key] == value
    assert dict(again.attrs) == dict(exact.attrs)


@pytest.mark.parametrize("kind", ["exact", "simulated"])
def test_json_is_one_valid_object_with_null_for_nan(kind, request):
    data = request.getfixturevalue(kind)

    def refuse(constant):
        raise AssertionError(f"{constant} is not JSON")

    found = json.loads(as_json(data), parse_constant=refuse)
    assert set(found) >= {"dims", "coords", "data_vars", "attrs"}
    assert set(found["data_vars"]) == set(data.data_vars)
    fewest = np.array(data["fewest_patients"].to_numpy())
    wanted = [[None if np.isnan(v) else v for v in row] for row in fewest.tolist()]
    assert found["data_vars"]["fewest_patients"]["data"] == wanted
    assert found["data_vars"]["acceptable"]["data"][0] == [False, True, False]
    assert found["attrs"]["study_hash"] == data.attrs["study_hash"]
    np.testing.assert_array_equal(found["data_vars"]["selection"]["data"], data["selection"])


@pytest.mark.parametrize("number", [np.float64, np.float32, object])
def test_the_json_of_an_array_is_that_of_its_numbers(number):
    values = np.array([[0.1, np.nan], [-np.inf, 2.0]], number)
    assert as_json(values) == as_json([[float(values[0, 0]), None], [None, 2.0]])
    assert as_json({"none": np.array(np.nan, number), "empty": values[:0]}) == '{"none": null, "empty": []}'


@pytest.mark.parametrize(
    ("trials", "left"), [((math.inf, math.inf), {"b_mcse"}), ((math.inf, 9.0), {"a_mcse", "b_mcse"})]
)
def test_errors_are_left_out_where_all_is_exact_and_they_are_nothing(trials, left):
    each = {"a_mcse": ("design", [0.0, np.nan]), "b_mcse": ("design", [0.0, 0.1])}
    data = xr.Dataset(each, {"trials": ("design", list(trials))})
    assert set(without_errors(data).data_vars) == left


def test_the_json_says_the_rules_of_each_design_and_its_cap_among_them(exact, study):
    told = json.loads(as_json(exact))["coords"]
    capped = dict(
        zip(told["design"]["data"], zip(told["rules"]["data"], told["cap_rule"]["data"], strict=True), strict=True)
    )
    assert list(capped) == list(study.designs)
    for name, (rules, cap) in capped.items():
        most = study.designs[name].facts.cap
        wanted = "" if most is None else f"enrolment: at most {most} evaluable patients; the last cohort is truncated"
        assert cap == wanted
        assert rules.splitlines().count(wanted) == (most is not None)
        assert len(rules.splitlines()) == len(study.designs[name].describe()) > 1
    assert {bool(cap) for _, cap in capped.values()} == {True, False}


def test_a_file_that_cannot_be_written_whole_is_not_written_at_all(exact, tmp_path):
    from doseopt.cli.output import write_whole

    target = tmp_path / "data.csv"
    target.write_text("old")

    def half(path):
        path.write_text("half")
        raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        write_whole(target, half)
    assert [p.name for p in tmp_path.iterdir()] == ["data.csv"]
    assert target.read_text() == "old"
    write_whole(target, lambda path: path.write_text("new"))
    assert target.read_text() == "new"


def test_a_design_with_more_outcome_paths_than_a_whole_number_holds_is_written(tmp_path):
    text = """
title = "long"
target = 0.25
doses = { labels = ["a", "b"] }
scenarios = { s = [0.1, 0.3] }
[designs.B]
kind = "boin"
cohort = 1
modifiers = [{ kind = "max_patients", n = 80 }]
"""
    ds = compare(parse_study(text))
    assert ds["paths"].item() > 2**64
    ds.to_netcdf(tmp_path / "long.nc")
    assert xr.load_dataset(tmp_path / "long.nc")["paths"].item() == ds["paths"].item()


def test_one_dose_has_no_accuracy_index_and_no_benchmark():
    """The index would be the probability of selecting none, and the benchmark would always select the dose."""
    study = parse_study(
        """
title = "one dose"
target = 0.25
doses = { labels = ["a"] }
[scenarios]
safe = [0.1]
[designs.BOIN]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 6 }]
"""
    )
    result = compare(study)
    blank = ("accuracy_index", "allocation_index", "benchmark_accuracy_index", "benchmark_correct_selection")
    for name in (*blank, "benchmark_selection", "regret_to_benchmark"):
        assert np.isnan(result[name]).all(), name
    assert benchmark(result)[1].text == ONE_DOSE
    design = study.designs["BOIN"]
    lean = linear_measures(means_of(design, np.array([[0.1]])), np.array([[0.1]]), study.mtd)
    assert np.isnan(lean["accuracy_index"]).all()
    assert lean["correct_selection"][0] == pytest.approx(result["correct_selection"].item(), abs=1e-12)


LARGE = f"""{SMALL}[designs."BOIN 400"]
kind = "boin"
cohort = 1
modifiers = [{{ kind = "max_patients", n = 400 }}]
[amendment]
registered = "3+3"
amended = ["BOIN 12", "BOIN 400"]
"""


def test_a_design_that_is_too_large_does_not_keep_the_others_from_being_compared(study):
    large = parse_study(LARGE, "large.toml")
    found, others = compare(large, Exact(settled=True)), compare(study, Exact(settled=True))
    assert found["design"].to_numpy().tolist() == ["3+3", "BOIN 6", "BOIN 12"]
    assert found.attrs["not_computed"].startswith("BOIN 400: ")
    assert found.attrs["study_hash"] == large.hash
    xr.testing.assert_allclose(found, others, rtol=0, atol=0)
    assert large.only(["3+3", "BOIN 12"]).proposal.amended == ("BOIN 12",)
    assert large.only(["BOIN 12", "BOIN 400"]).proposal is None
    with pytest.raises(TooManyStates, match=r"^BOIN 400: "):
        compare(large.only(["BOIN 400"]), Exact(settled=True))
