"""Designs that decide while patients are pending: exact, nothing cached, beside the time that peers take to simulate.

The peers' seconds are those of the files of tests/engines/reference that end in `_oc`: measured elsewhere and once, for
so many trials in one scenario.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

import doseopt
from benchmarks.speed import cases
from benchmarks.speed.measure import Record, Task, timed

REFERENCE = Path(__file__).parents[2] / "tests" / "engines" / "reference"
BLOCK = 100
"""Scenarios at a time, as a comparison takes them."""


def tite_crm(patients: int) -> Any:
    """Return TITE-CRM with single patients, no dose skipped."""
    skeleton = doseopt.IndifferenceInterval(prior_mtd=2, halfwidth=0.05)
    base = doseopt.TITECRM(doses=4, target=cases.TARGET, skeleton=skeleton, cohort=1)
    return doseopt.Modified(base, (doseopt.NoSkipping(), doseopt.MaxPatients(n=patients)))


def tite_boin(patients: int) -> Any:
    """Return TITE-BOIN in threes."""
    base = doseopt.TITEBOIN(doses=4, target=cases.TARGET)
    return doseopt.Modified(base, (doseopt.MaxPatients(n=patients),))


@dataclass(frozen=True)
class Case:
    """A design on a lattice, in so many scenarios."""

    design: Any
    lattice: doseopt.Lattice
    scenarios: int = 1


CASES = {
    "tite_crm_18_2_a_window_1000_scenarios": Case(tite_crm(18), doseopt.Lattice(2.0), 1000),
    "tite_crm_24_2_a_window": Case(tite_crm(24), doseopt.Lattice(2.0)),
    "tite_crm_18_4_a_window": Case(tite_crm(18), doseopt.Lattice(4.0)),
    "tite_boin_24_in_threes_3_slots": Case(tite_boin(24), doseopt.Lattice(3.0)),
    "rolling_six_8_slots_half_of_them_with_a_patient": Case(
        doseopt.RollingSix(doses=4, target=cases.TARGET), doseopt.Lattice(8.0, arrival=0.5)
    ),
}


def selection(case: Case) -> Any:
    """Return the probabilities of each selection, from no dose on, in each scenario, and the last outcomes."""
    rates = cases.thousand(case.scenarios) if case.scenarios > 1 else np.array([cases.TRUTH])
    engine, found, outcomes = doseopt.ExactPending(case.lattice), [], None
    for first in range(0, len(rates), BLOCK):
        outcomes = engine(case.design, doseopt.make_scenarios(rates[first : first + BLOCK]))
        chosen = outcomes["selected"].to_numpy()[:, None] == np.arange(-1, case.design.facts.doses)
        found.append(outcomes["weight"].to_numpy() @ chosen)
    return np.concatenate(found), outcomes


def _measured(repeats: int, name: str) -> Record:
    record, (_, outcomes) = timed(partial(selection, CASES[name]), repeats)
    return record | {"counts": {key: int(outcomes.attrs[key]) for key in ("states", "endings")}}


def peers() -> list[dict[str, str]]:
    """Return what peers simulated: design, trials, seconds, and seconds for 10,000 trials."""
    found = []
    for name in ("titecrm_oc", "titeboin_oc"):
        for row in csv.DictReader((REFERENCE / f"{name}.csv").read_text(encoding="utf-8").splitlines()):
            if row["seconds"] != "NA":
                scaled = 10_000 / int(row["ntrial"]) * float(row["seconds"])
                found.append(
                    {key: row[key] for key in ("design", "scenario", "ntrial", "seconds")} | {"10,000": f"{scaled:.0f}"}
                )
    return found


def markdown(records: dict[str, Record], machine: str) -> str:
    """Return what was measured beside the peers' times as a page."""
    lines = [
        "# Designs that decide while patients are pending",
        "",
        "Exact, in one scenario unless said, 4 doses, nothing cached: processor seconds, medians on",
        f"{machine}.",
        "",
        "| case | seconds | states | endings |",
        "| --- | --- | --- | --- |",
    ]
    for name in CASES:
        if found := records.get(f"pending/{name}"):
            counts = found["counts"]
            cells = f"{found['processor_median']:.3g} | {counts['states']:,} | {counts['endings']:,}"
            lines.append(f"| {name.replace('_', ' ')} | {cells} |")
    lines += [
        "",
        "Peers simulate: R dfcrm 0.2-2.1 (`titesim`, 18 patients) and TITEgBOIN 0.4.0 (24 in threes), measured",
        "elsewhere and once, for one scenario. 10,000 trials leave a standard error of 0.5 percentage points at 50%.",
        "",
        "| design | scenario | trials | seconds | seconds for 10,000 trials |",
        "| --- | --- | --- | --- | --- |",
        *(f"| {' | '.join(row.values())} |" for row in peers()),
    ]
    return "\n".join(lines) + "\n"


TASKS = tuple(Task(f"pending/{name}", partial(_measured, name=name), slow=True) for name in CASES)
