"""The reach: large graphs of BOIN counted in sets of whole numbers, by formula; and the counts that are recorded."""

import json
from pathlib import Path

import pytest
from oracle_counts import boin_by_table, boin_in_sets, boundaries, further_boundaries

from benchmarks.speed import cases
from doseopt.engines.graph import build_graph

RECORDED = Path(__file__).parents[2] / "benchmarks" / "speed" / "results" / "speed.json"


def test_boundaries_by_formula_are_those_of_the_table():
    table = boundaries(0.25)
    assert {n: row for n, row in further_boundaries(0.25, max(table)).items() if n in table} == table


@pytest.mark.parametrize(("doses", "patients", "cohort"), [(3, 30, 3), (8, 24, 3), (4, 20, 2), (4, 14, 1)])
def test_trials_in_sets_are_those_of_the_other_recursion(doses, patients, cohort):
    wanted = boin_by_table(doses, 0.25, patients, cohort)
    assert boin_in_sets(doses, 0.25, patients, cohort).items() <= wanted.items()


LARGE = {(4, 60, 3): 1_272_173, (4, 40, 1): 3_211_725, (6, 60, 3): 11_565_025}
"""Doses, patients, cohort -> states, as the changelog and the benchmarks state them."""


@pytest.mark.slow
@pytest.mark.parametrize(("problem", "states"), LARGE.items())
def test_large_graphs_of_boin(problem, states):
    doses, patients, cohort = problem
    wanted = boin_in_sets(doses, 0.25, patients, cohort)
    assert wanted["states"] == states
    assert wanted.items() <= build_graph(cases.boin(doses, patients, cohort)).counts().items()


@pytest.fixture(scope="module")
def recorded():
    return {record["name"]: record for record in json.loads(RECORDED.read_text(encoding="utf-8"))["records"]}


def test_recorded_counts_of_large_graphs(recorded):
    """BOIN as counted above; a CRM that never stops early has 4^k paths of k cohorts; the BLRM by its enumeration."""
    for (doses, patients, cohort), states in LARGE.items():
        name = f"BOIN {'' if doses == 4 else f'{doses} doses '}{patients} x {cohort}"
        assert recorded[f"graph/{name}"]["counts"]["states"] == states
    for name, paths in {"30 x 3": 4**10, "30 x 1": 2**30, "45 x 3": 4**15, "6 doses 60 x 3": 4**20}.items():
        assert recorded[f"graph/CRM {name}"]["counts"]["paths"] == paths
    assert recorded["graph/BLRM 30 x 3"]["counts"]["states"] == 4_075


def test_recorded_growth(recorded):
    """Along every axis: BOIN by the recursion above, up to 200,000 states; paths of the CRM, and of the 3+3."""
    boin = 0
    for record in recorded.values():
        if "axis" not in record:
            continue
        axis, x, counts = record["axis"], record["x"], record["counts"]
        doses = x if axis == "doses" else 4
        cohort = {"singles": 1, "cohort": x}.get(axis, 3)
        patients = {"patients": x, "singles": x, "doses": 45}.get(axis, 30)
        if record["design"] == "CRM":
            assert counts["paths"] == (cohort + 1) ** (patients // cohort)
        elif record["design"] == "3+3" and axis != "patients":
            assert counts["paths"] == 10 + 9 * (doses - 1) * 2**doses
        elif record["design"] == "BOIN" and counts["states"] < 200_000:
            assert boin_in_sets(doses, 0.25, patients, cohort).items() <= counts.items()
            boin += 1
    assert boin > 15
