"""What is timed: each job once, for `make bench` and for the recorded results alike."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

import doseopt
from benchmarks.speed import cases
from benchmarks.speed.measure import ROOT, Ran, Record, Task, apart, child, command, enough, summary, timed
from doseopt.amendment.amend import amend
from doseopt.calibration import Objective, calibrate
from doseopt.engines.exact import ending_weights
from doseopt.engines.graph import Reach, build_graph, graph_of
from doseopt.measures.quantiles import QUANTILES
from doseopt.models.quadrature import quadrature
from doseopt.models.quadrature.two_parameter_nodes import FINE, nodes_for
from doseopt.study.file import parse_study

CANDIDATES = 100


@dataclass(frozen=True)
class Job:
    """Something to time.

    Parameters
    ----------
    name : str
    call : callable
    per : int
        What the time is divided by.
    warm : bool
        Whether what a first call leaves in the caches may be used; otherwise nothing is cached.
    slow : bool
        Left out by ``--quick``.
    apart : bool
        Whether it is recorded in a Python of its own, with the peak of its memory.
    """

    name: str
    call: Callable[[], Any]
    per: int = 1
    warm: bool = False
    slow: bool = False
    apart: bool = False

    def prepared(self) -> Callable[[], object]:
        """Return what comes before each run, after one run for a warm job."""
        if not self.warm:
            return cases.fresh
        cases.fresh()
        self.call()
        return lambda: None

    def measure(self, repeats: int) -> Record:
        """Return the record, with the counts of what was computed."""
        record, result = timed(self.call, repeats, self.prepared(), self.per)
        return record | counted(result)

    def task(self) -> Task:
        """Return how it is recorded."""
        return Task(self.name, partial(apart, measured, self.name) if self.apart else self.measure, self.slow)


def measured(name: str, repeats: int) -> Record:
    """Return the record of a job, everything loaded."""
    cases.load()
    return next(job for job in JOBS if job.name == name).measure(repeats)


def counted(result: Any) -> Record:
    """Return how large a result is, whatever the machine."""
    if isinstance(result, Reach):
        return {"counts": result.counts()}
    if isinstance(result, doseopt.Policy):
        return {"counts": {"tallies": result.table.tallies.size}}
    if isinstance(result, xr.Dataset):
        measures = sum(name in doseopt.METRICS or name in QUANTILES for name in result)
        return {"counts": {"measures": measures, **result.sizes}}
    return {}


@cache
def _thousand() -> Any:
    return doseopt.make_scenarios(cases.thousand())


@cache
def _tallies() -> Any:
    return cases.tallies()


def _measures() -> Any:
    """All measures of the CRM in 1,000 scenarios, its graph at hand."""
    outcomes = doseopt.Exact()(cases.crm(), _thousand())
    return doseopt.operating_characteristics(doseopt.judged(outcomes, cases.MTD))


def _posteriors(model: Any) -> Any:
    """Mean, sd, 90% interval and two interval probabilities of 2,000 tallies; new arrays, so that none is at hand."""
    n, y = _tallies()
    posterior = quadrature(model).posterior(n.copy(), y.copy())
    answers = [posterior.mean(), posterior.sd(), posterior.quantile(0.05), posterior.quantile(0.95)]
    return np.stack([*answers, posterior.prob(0.16, 0.33), posterior.prob(0.33)])


def _nodes() -> Any:
    """What the first posterior of a two-parameter model costs beyond the others."""
    model = cases.MODELS["two_parameter"]
    return nodes_for(model, model.values, 64, FINE)


def _calibration(executor: Executor | None = None) -> Any:
    """100 CRMs, 4 doses, 24 patients in threes, 200 scenarios; and the attainable for comparison."""
    return calibrate(parse_study(cases.CALIBRATED), "CRM", (), Objective(), CANDIDATES, 1, executor)


def _amendment() -> Any:
    """The registered design against an amended one, 4 patients treated."""
    study = doseopt.load_study()
    return amend(study, doseopt.Trial.from_outcomes("1N 2NNT", study.doses), "ATD+3+3 cap 10", ["CRM 10"])


MANY = 200_000
"""Trials at once, as the largest call of a peer."""


def _simulations() -> list[Job]:
    designs = {"3+3": cases.three_plus_three(), "boin": cases.boin(), "crm": cases.crm(), "blrm": cases.blrm()}
    few = [
        Job(
            f"simulate/{name}/{state}",
            partial(cases.simulate, design),
            cases.SIMULATED,
            state == "warm",
            name == "blrm",
        )
        for name, design in designs.items()
        for state in ("fresh", "warm")
    ]
    return [*few, Job("simulate/boin/many", partial(cases.simulate, cases.boin(), MANY), MANY, warm=True)]


JOBS = (
    *(
        Job(
            f"graph/{name}", partial(build_graph, cases.graph_case(name)), slow=not name.endswith(" 30 x 3"), apart=True
        )
        for name in cases.GRAPHS
    ),
    Job(
        "sweep/endings",
        lambda: ending_weights(graph_of(cases.crm()), _thousand()["p_observed"].to_numpy()),
        warm=True,
    ),
    Job("sweep/measures", _measures, warm=True, slow=True),
    *(
        Job(
            f"posterior/{name}",
            partial(_posteriors, model),
            cases.TALLIES,
            warm=True,
            slow=name in ("two_parameter", "average"),
        )
        for name, model in cases.MODELS.items()
    ),
    Job("posterior/nodes", _nodes, slow=True),
    *_simulations(),
    Job("compare/default", lambda: doseopt.compare(doseopt.load_study()), slow=True, apart=True),
    Job("compare/library", lambda: doseopt.compare(doseopt.load_study("library")), slow=True),
    *(
        Job(f"policy/{name}", partial(cases.policy, name), slow=name != "4_doses_30_in_threes", apart=True)
        for name in cases.POLICIES
    ),
    Job("calibrate/crm", _calibration, CANDIDATES, slow=True),
    Job("amend", _amendment, slow=True),
)


IMPORTS = "import doseopt.comparison.compare, doseopt.attainable"
COMMANDS = {
    "compare": ("compare", "--out", "OUT"),
    "compare --json": ("compare", "--json"),
    "next": ("next", "--outcomes", "1N 2NNT"),
    "check": ("check", "renji-elo"),
    "posterior": ("posterior", "--outcomes", "1N 2NNT 2NNN 3NNN", "--out", "OUT"),
    "report": ("report", "--out", "OUT"),
    "limits": ("limits", "--out", "OUT"),
    "amend": ("amend", "--outcomes", "1N 2NNT", "--amended", "CRM 25", "--out", "OUT"),
}
"""Of the bundled study; OUT is a folder that is empty."""


def cold(name: str, tree: Path = ROOT, watch: bool = False) -> Ran:
    """Run a command from a cold start: imports, tables, data and figures."""
    with tempfile.TemporaryDirectory() as folder:
        return command(*(folder if word == "OUT" else word for word in COMMANDS[name]), tree=tree, watch=watch)


def _cold(name: str, repeats: int) -> Record:
    """Measure a command: its time, until its first table, too, and its memory."""
    runs: list[Ran] = []
    while not enough([run.seconds for run in runs], repeats):
        runs.append(cold(name))
    tables = [run.first_table for run in runs if run.first_table is not None]
    return (
        summary([run.seconds for run in runs], "s")
        | {"processor_median": summary([run.processor for run in runs], "s")["median"]}
        | ({"first_table": summary(tables, "s")["median"]} if tables else {})
        | {"peak_bytes": max(run.peak for run in runs)}
    )


TASKS = (
    *(job.task() for job in JOBS),
    *(Task(f"cold/{name}", partial(_cold, name), slow=name != "check") for name in COMMANDS),
    Task("memory/imports", lambda repeats: summary([child(IMPORTS).peak for _ in range(repeats)], "bytes")),
)
