"""Speed of the exact engine; `make bench` runs it. Medians, with machine and date, are in the README."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import doseopt
from doseopt.engine.exact import ending_weights
from doseopt.engine.graph import build_graph, graph_of
from doseopt.models import quadrature, two_parameter

INTERVAL = doseopt.IndifferenceInterval(prior_mtd=2, halfwidth=0.05)
CRM_30 = doseopt.Modified(
    doseopt.CRM(doses=4, target=0.25, skeleton=INTERVAL),
    (doseopt.NoSkipping(), doseopt.Coherent(), doseopt.MaxPatients(n=30)),
)
BOIN_SINGLE_30 = doseopt.Modified(doseopt.BOIN(doses=4, target=0.25, cohort=1), (doseopt.MaxPatients(n=30),))


BLRM_30 = doseopt.Modified(
    doseopt.BLRM(doses=4, target=0.25, dose_values=(0.15e9, 0.5e9, 1.5e9, 4.5e9), unit="cells", reference_dose=1.5e9),
    (doseopt.MaxPatients(n=30),),
)


@pytest.fixture
def thousand() -> Any:
    return doseopt.make_scenarios(np.sort(np.random.default_rng(1).random((1000, 4)), axis=1))


def test_graph_of_a_crm(benchmark: Callable[..., Any]) -> None:
    """4 doses, 30 patients in threes."""
    graph = benchmark(build_graph, CRM_30)
    assert graph.counts()["states"] == 15226


def test_graph_of_a_blrm(benchmark: Any) -> None:
    """4 doses, 30 patients in threes, nothing cached."""

    def fresh() -> None:
        two_parameter.dose_grids.cache_clear()
        quadrature._engine.cache_clear()

    graph = benchmark.pedantic(build_graph, (BLRM_30,), setup=fresh, rounds=5, warmup_rounds=1)
    assert graph.counts()["states"] == 4075


def test_graph_of_boin_in_single_patients(benchmark: Any) -> None:
    """4 doses, 30 patients one at a time."""
    graph = benchmark.pedantic(build_graph, (BOIN_SINGLE_30,), rounds=7, warmup_rounds=1)
    assert graph.counts()["states"] == 493512


def test_thousand_scenarios_on_the_crm_graph(benchmark: Any, thousand: Any) -> None:
    """The probability of every ending."""
    graph, p = graph_of(CRM_30), thousand["p_observed"].to_numpy()
    weight = benchmark.pedantic(ending_weights, (graph, p), rounds=7, warmup_rounds=1)
    assert abs(weight.sum(axis=1) - 1).max() < 1e-12


def test_all_measures_in_thousand_scenarios(benchmark: Any, thousand: Any) -> None:
    """Every operating characteristic of the CRM, its graph at hand."""
    graph_of(CRM_30)
    rule = doseopt.MTDRule(target=0.25)

    def run() -> Any:
        return doseopt.operating_characteristics(doseopt.judged(doseopt.Exact()(CRM_30, thousand), rule))

    result = benchmark.pedantic(run, rounds=5, warmup_rounds=1)
    assert result.sizes["scenario"] == 1000


def test_default_comparison(benchmark: Any) -> None:
    """The bundled study, nothing cached."""
    study = doseopt.load_study()

    def fresh() -> None:
        graph_of.cache_clear()

    result = benchmark.pedantic(doseopt.compare, (study,), setup=fresh, rounds=7, warmup_rounds=1)
    assert result.sizes["design"] == 8


def test_comparison_of_the_library(benchmark: Any) -> None:
    """Every design of the library on the bundled scenarios, nothing cached."""
    study = doseopt.load_study("library")

    def fresh() -> None:
        graph_of.cache_clear()

    result = benchmark.pedantic(doseopt.compare, (study,), setup=fresh, rounds=3, warmup_rounds=1)
    kinds = {type(getattr(design, "base", design)) for design in study.designs.values()}
    assert kinds == set(doseopt.DESIGNS.values())
    assert result.sizes["scenario"] == 11


def test_cold_start(benchmark: Any, tmp_path: Path) -> None:
    """`doseopt compare` as a process: imports, tables, data and figures."""
    command = [sys.executable, "-m", "doseopt.cli", "compare", "--out", str(tmp_path)]
    benchmark.pedantic(subprocess.run, (command,), {"check": True, "capture_output": True}, rounds=5, warmup_rounds=1)
    assert (tmp_path / "comparison.nc").exists()
