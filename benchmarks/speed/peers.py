"""The same jobs as the peers' in peers.csv: exact, and by our own simulation.

peers.csv was measured elsewhere, see peers.txt.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import doseopt
from benchmarks.speed import cases
from benchmarks.speed.measure import Record, Task, timed
from doseopt.conduct.pathways import paths
from doseopt.records.trial import Trial
from doseopt.study.file import parse_study

SOURCE = Path(__file__).with_name("peers.csv")
DESIGNS: dict[str, Any] = {
    "3+3": cases.three_plus_three(),
    "BOIN in threes": cases.boin(),
    "BOIN in single patients": cases.boin(cohort=1),
    "Keyboard in threes": cases.interval(doseopt.Keyboard),
    "mTPI-2 in threes": cases.interval(doseopt.MTPI2),
    "CRM in threes": cases.crm(),
    "CRM in single patients": cases.crm(cohort=1),
    "CRM in threes, logistic": cases.crm(model="logistic"),
    "CRM in threes, free": cases.crm(restricted=False),
}
"""4 doses, 30 patients but for the 3+3. The CRM is restricted as `crmsim` of dfcrm restricts it; free for others."""
PATHS = "3+3, all paths"
SAME_JOB = {
    ("BOIN", "get.oc ncohort=10 cohortsize=3"): "BOIN in threes",
    ("BOIN", "get.oc ncohort=30 cohortsize=1"): "BOIN in single patients",
    ("Keyboard", "get.oc.kb ncohort=10 cohortsize=3"): "Keyboard in threes",
    ("dfcrm", "crmsim n=30 mcohort=3 empiric bayes"): "CRM in threes",
    ("dfcrm", "crmsim n=30 mcohort=1 empiric bayes"): "CRM in single patients",
    ("dfcrm", "crmsim n=30 mcohort=3 logistic bayes"): "CRM in threes, logistic",
    ("simFastBOIN", "BOIN 10 cohorts of 3"): "BOIN in threes",
    ("simFastBOIN", "BOIN 10 cohorts of 3 (200000 at once)"): "BOIN in threes",
    ("simFastBOIN", "BOIN 30 single patients"): "BOIN in single patients",
    ("UBCRM", "ssim3p3"): "3+3",
    ("UBCRM", "ssimCrm nptmax=30 cohortsize=3"): "CRM in threes, free",
    ("bcrm", "threep3 (exact, de-escalation; one call)"): "3+3",
    ("bcrm", "bcrm simulate nmax=30 cohort=3 power exact"): "CRM in threes, free",
    ("escalation", "simulate_trials get_three_plus_three"): "3+3",
    ("escalation", "simulate_trials get_boin %>% stop_at_n(30) cohorts of 3"): "BOIN in threes",
    ("escalation", "simulate_trials get_dfcrm %>% stop_at_n(30) cohorts of 3"): "CRM in threes, free",
    ("escalation", "simulate_trials get_mtpi2 %>% stop_at_n(30) cohorts of 3"): "mTPI-2 in threes",
    ("escalation", "get_dose_paths 3+3 8 cohorts (one call, exact tree)"): PATHS,
    ("clintrials", "ThreePlusThree update loop"): "3+3",
    (
        "clintrials",
        "CRM empiric bayes update loop n=30 cohorts of 3, estimate_var=False",
    ): "CRM in threes, free",
}
STUDY = """
title = "3+3"
target = 0.25
doses = { labels = ["1", "2", "3", "4"] }
[scenarios]
s = [0.05, 0.15, 0.30, 0.45]
[designs."3+3"]
kind = "three_plus_three"
"""
COLUMNS = (
    *("peer", "call", "peer_trials", "peer_seconds", "peer_seconds_per_10000", "design"),
    *("exact_seconds", "simulated_seconds_per_10000", "peer_over_exact"),
)


def _measured(repeats: int, name: str) -> Record:
    """Time the exact operating characteristics in one scenario, nothing cached, and 10,000 simulated trials."""
    record, (graph, *_) = timed(partial(cases.exact, DESIGNS[name]), repeats)
    simulated, _ = timed(partial(cases.simulate, DESIGNS[name]), repeats)
    return record | {"counts": graph.counts(), "simulated_processor_median": simulated["processor_median"]}


def _all_paths(repeats: int) -> Record:
    """Time every path of the 3+3 with its probability: 8 cohorts and 24 patients at most."""
    record, tree = timed(
        lambda: paths(study := parse_study(STUDY), Trial(study.doses), "3+3", cohorts=8, scenario="s"), repeats
    )
    return record | {"counts": {"paths": int(tree["leaf"].sum())}}


TASKS = (
    *(Task(f"peers/{name}", partial(_measured, name=name), slow="single" in name) for name in DESIGNS),
    Task(f"peers/{PATHS}", _all_paths),
)


@cache
def measured_elsewhere() -> tuple[dict[str, str], ...]:
    """Return the rows of peers.csv."""
    with SOURCE.open(encoding="utf-8", newline="") as file:
        return tuple(csv.DictReader(file))


def job(row: dict[str, str]) -> str:
    """Return what here is the same as a peer's call."""
    return SAME_JOB[row["peer"].split()[0], row["call"]]


def rows(records: dict[str, Record], theirs: Sequence[dict[str, str]] | None = None) -> list[dict[str, str]]:
    """Return each peer's call, those of peers.csv unless given, beside our times for the same job, where measured."""
    found = []
    for peer in measured_elsewhere() if theirs is None else theirs:
        design = job(peer)
        ours = records.get(f"peers/{design}")
        if ours is None:
            continue
        once = not peer["cpu_seconds_per_10000"]
        theirs = float(peer["cpu_seconds"] if once else peer["cpu_seconds_per_10000"])
        exact = ours["processor_median"]
        simulated = "" if once else f"{ours['simulated_processor_median']:.3g}"
        values = (
            *(peer["peer"], peer["call"], peer["trials"], peer["cpu_seconds"], peer["cpu_seconds_per_10000"], design),
            *(f"{exact:.3g}", simulated, f"{theirs / exact:.2g}"),
        )
        found.append(dict(zip(COLUMNS, values, strict=True)))
    return found


ELSEWHERE = "The peers' were measured elsewhere, on another machine and once (`peers.txt`)."


def markdown(found: Sequence[dict[str, str]], machine: str, theirs: str = ELSEWHERE) -> str:
    """Return the table as a page, with where and how the peers were measured."""
    two = " The last column compares two machines: read its order of magnitude." if theirs == ELSEWHERE else ""
    lines = [
        "# Beside other software",
        "",
        f"Processor seconds for one scenario at 4 doses and 30 patients. {theirs}",
        "They are of 10,000 replicates, or of one call where the peer is exact, too.",
        f"Ours: medians on {machine}; nothing cached.",
        f"Exact replaces the replicates: it has no Monte Carlo error.{two}",
        "",
        "Where the last column is about 1 or less, as for single patients, 10,000 replicates are as quick as the",
        "exact answer or quicker; compiled simulators of a table (1.1 ms for 10,000 trials, `peers.txt`) are so in",
        "threes, too. Exact is worth its time where half a percentage point of Monte Carlo error is not small beside",
        "the differences between designs; where many scenarios are asked about, as the graph is made once; and where",
        "somebody else is to find the same number. `accuracy.md` says what the same accuracy takes by simulation.",
        "",
        "| peer | call | peer, 10,000 replicates | the same job here | exact | simulated, 10,000 | peer / exact |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for row in found:
        time = row["peer_seconds_per_10000"] or f"{row['peer_seconds']} (exact)"
        cells = (row["peer"], row["call"], time, row["design"], row["exact_seconds"])
        last = (row["simulated_seconds_per_10000"] or "-", _rounded(row["peer_over_exact"]))
        lines.append("| " + " | ".join((*cells, *last)) + " |")
    return "\n".join(lines) + "\n"


def _rounded(ratio: str) -> str:
    return f"{float(ratio):,.0f}" if float(ratio) >= 10 else f"{float(ratio):.1f}"
