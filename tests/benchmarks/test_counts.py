"""How much the engine computes, whatever the machine: states, edges, endings, paths, posteriors, tallies.

Each count has a source of its own, a closed form or an enumeration written here, but for those of `golden/counts.csv`.
"""

import csv
import itertools
import math
from pathlib import Path

import numpy as np
import oracle
import pytest
from oracle_counts import boin_by_table, enumerated, treated

import doseopt
from benchmarks.speed import cases
from benchmarks.speed.jobs import JOBS
from doseopt.designs.tallies import tallies_of
from doseopt.engines.graph import build_graph
from doseopt.models.quadrature.one_parameter import OneParameterQuadrature

GOLDEN = Path(__file__).parents[1] / "golden" / "counts.csv"


def by_oracle(rule, **modifiers):
    """The designs of the second statement, which shares no line with the package."""
    trials = oracle.Trials(rule, **modifiers)

    def decide(layer):
        answers = [trials.decide(oracle.Trial(*trial)) for trial in layer]
        return [None if isinstance(a, oracle.Stop) else (a.dose, a.size) for a in answers]

    return enumerated(((0,) * rule.doses, (0,) * rule.doses, -1), treated, decide)[0]


@pytest.mark.parametrize("doses", range(1, 9))
def test_three_plus_three(doses):
    assert build_graph(cases.three_plus_three(doses)).counts() == by_oracle(oracle.ThreePlusThree(doses))


@pytest.mark.parametrize("patients", [6, 9, 12, 18])
def test_three_plus_three_with_a_cap(patients):
    wanted = by_oracle(oracle.ThreePlusThree(4), cap=patients)
    assert build_graph(cases.three_plus_three(4, patients)).counts() == wanted


def test_paths_of_the_three_plus_three_in_closed_form():
    """A dose is passed in 2 ways (0/3; 1/3 then 0/3) and failed in 5 (2 or 3 of 3; 1/3 then 1 to 3 of 3).

    Coming down to the highest of h passed doses: six there, 1 way on; three there, and of three more 2 ways to stop and
    2 to go further down. So F(h) = 3 * 2^(h-1) + 2 F(h-1) = 2^(h-1) (2 + 3h), F(0) = 1, and a trial fails at level
    h + 1 or passes the top: 5 (F(0) + .. + F(D-1)) + F(D) = 10 + 9 (D - 1) 2^D. R precautionary 0.2.6-1 has the same.
    """
    found = [build_graph(cases.three_plus_three(doses)).counts()["paths"] for doses in range(1, 9)]
    assert found == [10 + 9 * (doses - 1) * 2**doses for doses in range(1, 9)]
    assert found == [10, 46, 154, 442, 1162, 2890, 6922, 16138]


@pytest.mark.parametrize(
    ("doses", "patients", "cohort"),
    [(3, 30, 3), (4, 30, 3), (8, 30, 3), (4, 36, 3), (4, 30, 2), (4, 30, 6), (4, 15, 1)],
)
def test_boin(doses, patients, cohort):
    assert build_graph(cases.boin(doses, patients, cohort)).counts() == boin_by_table(doses, 0.25, patients, cohort)


@pytest.mark.slow
def test_boin_in_thirty_single_patients():
    """What the benchmark times."""
    wanted = boin_by_table(4, 0.25, 30, 1)
    assert build_graph(cases.boin(cohort=1)).counts() == wanted
    assert wanted["states"] == 493_512


@pytest.mark.parametrize(("doses", "patients", "paths"), [(4, 18, 1669), (5, 30, 282_586)])
def test_published_paths_of_boin(doses, patients, paths):
    """Enumerations independent of this project; here by R's table and by the engine."""
    design = doseopt.Modified(doseopt.BOIN(doses=doses, target=0.3), (doseopt.MaxPatients(n=patients),))
    wanted = boin_by_table(doses, 0.3, patients, 3)
    assert build_graph(design).counts() == wanted
    assert wanted["paths"] == paths


B = np.linspace(-9, 9, 721) * cases.SD
SIMPSON = np.where(np.arange(721) % 2, 4.0, 2.0) * np.exp(-0.5 * (B / cases.SD) ** 2)


def closest_by_simpson(skeleton, target):
    """The dose whose plug-in rate is closest to the target: tallies to doses, by Simpson's rule over +-9 sd."""
    log_p = np.exp(B)[:, None] * np.log(skeleton)
    with np.errstate(divide="ignore"):
        log_q = np.maximum(np.log(-np.expm1(log_p)), -1e300)

    def doses(n, y):
        log_density = y @ log_p.T + (n - y) @ log_q.T
        weight = SIMPSON * np.exp(log_density - log_density.max(axis=1, keepdims=True))
        b = weight @ B / weight.sum(axis=1)
        return np.abs(np.array(skeleton) ** np.exp(b)[:, None] - target).argmin(axis=1)

    return doses


def crm_by_simpson(skeleton, target, patients, cohort, restricted):
    """A CRM from level 1; restricted: at most one level up, and none after a cohort with y/n >= target."""
    closest = closest_by_simpson(skeleton, target)

    def after(trial, dose, size, dlts):
        return *treated(trial, dose, size, dlts), restricted and dlts / size >= target

    def decide(layer):
        if layer[0][2] < 0:
            return [(0, cohort)]
        wanted = closest(np.array([trial[0] for trial in layer]), np.array([trial[1] for trial in layer]))
        if sum(layer[0][0]) >= patients:
            return [None] * len(layer)
        highest = [last + (not toxic) if restricted else len(skeleton) for _, _, last, toxic in layer]
        return [(min(dose, most), cohort) for dose, most in zip(wanted.tolist(), highest, strict=True)]

    nothing = (0,) * len(skeleton)
    return enumerated((nothing, nothing, -1, False), after, decide)


SKELETON = (0.156741, 0.25, 0.354500, 0.460343)
"""R dfcrm 0.2-2.1, `getprior(0.05, 0.25, 2, 4)`, to six digits."""


@pytest.mark.parametrize(
    ("patients", "cohort", "restricted"), [(30, 3, True), (30, 6, True), (21, 3, False), (18, 2, True), (12, 1, True)]
)
def test_crm(patients, cohort, restricted, monkeypatch):
    """Estimates after each tally but the empty one: the graph asks for no other, and for few to all digits."""
    asked, few = [], []
    roughly, posterior = OneParameterQuadrature.roughly, OneParameterQuadrature.posterior

    def counting(self, n, y, plugin):
        asked.append(np.unique(np.concatenate([n, y], axis=1), axis=0))
        return roughly(self, n, y, plugin)

    def counting_few(self, n, y):
        few.extend(n)
        return posterior(self, n, y)

    monkeypatch.setattr(OneParameterQuadrature, "roughly", counting)
    monkeypatch.setattr(OneParameterQuadrature, "posterior", counting_few)
    design = cases.crm(patients=patients, cohort=cohort, restricted=restricted)
    wanted, seen = crm_by_simpson(SKELETON, 0.25, patients, cohort, restricted)
    found = build_graph(design).counts()
    assert found == wanted
    assert found["paths"] == (cohort + 1) ** (patients // cohort)  # it never stops early
    tallies = {trial[:2] for trial in seen if sum(trial[0])}
    rows = np.concatenate(asked)
    assert len(np.unique(rows, axis=0)) == len(tallies)
    assert len(few) < len(tallies) / 1000


def test_published_paths_of_a_crm():
    """Braun 2020 and Norris: 22,041 paths; stop when n_1 >= 5 or any n >= 10, cohorts of 2, 30 patients at most."""
    skeleton = (0.03, 0.11, 0.25, 0.42, 0.58, 0.71)
    stops = doseopt.EnoughAtDose(n=5, dose=1), doseopt.EnoughAtDose(n=10, dose="any"), doseopt.MaxPatients(n=30)
    base = doseopt.CRM(doses=6, target=0.25, skeleton=skeleton, prior_sd=0.85, cohort=2)
    design = doseopt.Modified(base, (doseopt.NoSkipping(relative_to="highest"), *stops))
    assert build_graph(design).counts()["paths"] == 22_041


def tried(doses, most, cohort):
    """Tallies of k = 0, 1, .. cohorts at some doses of which the lowest 1, 2, .. or all were tried.

    k cohorts of c at a dose can have 0 to ck DLTs, so the generating function of a dose that was tried is
    g(x) = sum_k (ck + 1) x^k, and the answer the coefficients of g + g^2 + .. + g^D.
    """
    g = [0, *(cohort * k + 1 for k in range(1, most + 1))]
    power, total = [1] + [0] * most, [0] * (most + 1)
    for _ in range(doses):
        power = product(power, g)
        total = [a + b for a, b in zip(total, power, strict=True)]
    return total


def product(a, b):
    return [sum(a[i] * b[k - i] for i in range(k + 1)) for k in range(len(a))]


@pytest.mark.parametrize("name", cases.POLICIES)
def test_tallies_of_the_optimal_policies(name):
    """All tallies of the lower half of the doses by all of the upper half, no dose skipped within a half.

    The numbering keeps the halves apart, so it has some tallies more than trials can have: those with an untried dose
    at the top of the lower half, below a tried one.
    """
    doses, rules = cases.POLICIES[name]
    most = rules.patients // rules.cohort
    lower, upper = tried(doses // 2, most, rules.cohort), tried(doses - doses // 2, most, rules.cohort)
    size = tallies_of(rules.course(doses)).size
    assert size == sum(product(lower, [1, *upper[1:]]))
    assert size > sum(tried(doses, most, rules.cohort))


@pytest.mark.parametrize(("doses", "patients", "cohort"), [(2, 4, 1), (3, 6, 2), (1, 5, 1)])
def test_the_closed_form_by_listing(doses, patients, cohort):
    listed = 0
    for n in itertools.product(range(0, patients + 1, cohort), repeat=doses):
        reached = [k > 0 for k in n]
        if 0 < sum(n) <= patients and reached == sorted(reached, reverse=True):
            listed += math.prod(k + 1 for k in n)
    assert sum(tried(doses, patients // cohort, cohort)) == listed


def golden_designs():
    """One of each kind that waits: trials of the others have no states without a clock."""
    found = {kind: design.example() for kind, design in doseopt.DESIGNS.items()}
    return {k: each for k, each in found.items() if not each.facts.in_time} | {"blrm, timed": cases.blrm()}


def test_golden_counts():
    """Regression only: the counts as the package had them when this file was written, of no independent source."""
    with GOLDEN.open(encoding="utf-8", newline="") as file:
        wanted = {row.pop("design"): {name: int(count) for name, count in row.items()} for row in csv.DictReader(file)}
    found = {name: build_graph(design).counts() for name, design in golden_designs().items()}
    assert found == wanted
    blrm = found["blrm, timed"]
    assert blrm["states"] == 4_075  # by an independent enumeration in published/test_blrm.py
    assert blrm["edges"] == 4 * (blrm["states"] - blrm["endings"])  # 0 to 3 DLTs in each next cohort


def test_what_is_counted_is_what_is_timed():
    """The graphs of the jobs are those of this file."""
    graphs = {job.name: job.call.args[0] for job in JOBS if job.name.startswith("graph/")}
    assert graphs["graph/CRM 30 x 3"] == cases.crm()
    assert graphs["graph/BOIN 30 x 1"] == cases.boin(cohort=1)
    assert graphs["graph/BLRM 30 x 3"] == cases.blrm()
    assert graphs.keys() == {f"graph/{name}" for name in cases.GRAPHS}
