"""The public standard: the table is what the script writes, and independent recursions find the same numbers."""

import csv
import math
from decimal import Decimal
from pathlib import Path

import numpy as np
import oracle
import oracle_bundled
import oracle_interval
import pytest
from peers.reading import read
from pending_trials import rows as reference_rows
from pending_trials import vector

from doseopt.verify import standard

FOLDER = Path(__file__).parents[2] / "benchmarks"
TEXT = (FOLDER / "exact-oc.csv").read_text(encoding="utf-8")
TABLE = list(csv.DictReader(TEXT.splitlines()))
BY_KEY = {(row["design"], row["scenario"]): row for row in TABLE}
LAST = 0.51e-12
"""Half a unit of the last decimal, and a rounding error."""


def numbers(row, *names):
    return [float(row[name]) for name in names]


def test_what_the_table_holds():
    assert len(TABLE) == len(BY_KEY) == len(standard.designs()) * len(standard.scenarios()) >= 2000
    assert tuple(TABLE[0]) == standard.COLUMNS
    assert {row["format"] for row in TABLE} == {standard.FORMAT}
    for row in TABLE:
        assert sum(numbers(row, *standard.SELECTION)) == pytest.approx(1, abs=5 * LAST)
        assert numbers(row, *standard.RATES) == list(standard.scenarios()[row["scenario"]])
        for dose in standard.DOSES:
            n, y, p = numbers(row, f"patients_{dose}", f"dlts_{dose}", f"p_{dose}")
            assert y == pytest.approx(n * p, abs=2e-12)  # Wald's equation
        for value in (row[name] for name in standard.ANSWERS if row[name]):
            assert len(value.partition(".")[2]) == 12
        assert bool(row["duration"]) == (standard.designs()[row["design"]].lattice is not None)


def test_what_is_right_is_what_the_dictionary_says():
    """Counted here from the rates: closest, ties to the lower; the highest at most at the target."""
    for row in TABLE:
        p, phi = numbers(row, *standard.RATES), float(row["target"])
        closest = 0 if p[0] > phi + 0.10 + 1e-9 else 1 + min(range(4), key=lambda j: (round(abs(p[j] - phi), 9), j))
        highest = sum(rate <= phi + 1e-9 for rate in p)
        assert (int(row["right_closest"]), int(row["right_highest"])) == (closest, highest)
        chosen = numbers(row, *standard.SELECTION)
        for name, right in (("closest", closest), ("highest", highest)):
            assert float(row[f"correct_{name}"]) == pytest.approx(chosen[right], abs=2e-12)
            over = sum(chosen[j] for j in standard.DOSES if j > right and p[j - 1] > phi + 1e-9)
            assert float(row[f"overdose_{name}"]) == pytest.approx(over, abs=5e-12)


def logistic_skeleton(phi, half=0.05, prior_mtd=1, doses=4, intercept=3.0):
    """Lee & Cheung 2009 for logit p = 3 + exp(b) x: neighbours change places at phi +- half."""
    logit = lambda p: math.log(p / (1 - p))  # noqa: E731
    at = {prior_mtd: logit(phi) - intercept}
    up = (logit(phi + half) - intercept) / (logit(phi - half) - intercept)
    for k in range(prior_mtd, doses - 1):
        at[k + 1] = at[k] * up
    for k in range(prior_mtd, 0, -1):
        at[k - 1] = at[k] / up
    return tuple(1 / (1 + math.exp(-intercept - at[k])) for k in range(doses))


def recursion(name):
    """The oracle's trials of a design, by its name; None where another test has it."""
    kind, _, rest = name.partition(" ")
    if kind in ("3+3", "ATD+3+3"):
        return THREE_PLUS_THREE[name]
    if kind in ("TITE-CRM", "TITE-BOIN", "rolling"):
        return None
    logistic, rest = rest.startswith("logistic"), rest.removeprefix("logistic ")
    phi, cap, *words = rest.split()
    target, cap = float(phi), int(cap[1:])
    if kind == "CRM":
        own = {"skeleton": oracle_bundled.skeleton(target, prior_mtd=1)}
        if logistic:
            own = {"skeleton": logistic_skeleton(target), "model": "logistic"}
        rule = oracle.CRM(4, target, cohort=1 if words == ["single"] else 3, **own)
        if words == ["restricted"]:
            rule.select_untried = False
            return oracle.Trials(rule, no_skipping="last", coherent="cohort", too_toxic=(0.95, None), cap=cap)
        return oracle.Trials(rule, no_skipping="last", cap=cap)
    options = {"single": {"cohort": 1}, "titration": {"titration": True}, "extra safe": {"extra_safe": True}}
    made = {"BOIN": oracle.BOIN, "i3+3": oracle_interval.ThreePlusThreeInterval}.get(kind, oracle_interval.Keyboard)
    return oracle.Trials(made(4, target, **options.get(" ".join(words), {})), cap=cap)


def three(**options):
    return oracle.Trials(oracle.ThreePlusThree(4, **options))


def titrated(cap=None, **options):
    return oracle.Trials(oracle.AcceleratedTitration(4, **options), cap=cap)


THREE_PLUS_THREE = {
    "3+3 up only": three(on_descent="declare", confirm_top=False),
    "3+3 top on 3": three(confirm_top=False),
    "3+3 six": three(),
    "3+3 six at once": three(on_descent="six"),
    "ATD+3+3": titrated(titrate=1),
    "ATD+3+3 two doses": titrated(titrate=2),
    "ATD+3+3 N10": titrated(titrate=1, cap=10),
    "ATD+3+3 N10 naming": titrated(titrate=1, cap=10, mtd_at_cap="not_excluded"),
}
SAMPLE = {name: trials for name in standard.designs() if (trials := recursion(name)) is not None}
SLOW = {name for name in SAMPLE if name.startswith("CRM") or "N30" in name}


@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.slow) if n in SLOW else n for n in SAMPLE])
def test_a_recursion_of_its_own_finds_the_same(name):
    """Two scenarios of each design, others for each."""
    places = list(standard.scenarios())
    first = list(standard.designs()).index(name)
    for scenario in (places[first % len(places)], places[(7 * first + 3) % len(places)]):
        row = BY_KEY[name, scenario]
        found = np.concatenate(SAMPLE[name].evaluate(standard.scenarios()[scenario]))
        printed = numbers(row, *standard.SELECTION, *standard.PATIENTS, *standard.DLTS)
        np.testing.assert_allclose(found, printed, rtol=0, atol=2e-12)


def slots_of(row):
    filled = float(row["arrival_prob_per_slot"])
    return f"k{int(row['window_slots'])}" + (f" q{filled:g}" if filled < 1 else "")


PENDING = [
    *((f"rolling six {slots_of(row)}", row, 5.1e-11) for row in reference_rows("rolling_six_exact")),
    *(
        (f"TITE-BOIN {'imputed' if row['method'] == 'smi' else 'ess'} 0.25 N{row['N']} {slots_of(row)}", row, 5.1e-11)
        for row in reference_rows("titeboin_exact_lattice", cohort=("3",))
    ),
    *(
        (f"TITE-CRM 0.25 N{row['n']} k{row['rate_per_window']}", row | {"n": row["n_dose"], "sel_none": "0"}, 5.1e-9)
        for row in reference_rows("titecrm_exact_fixed")
    ),
]
"""Computed apart from the package, by recursions that share no line with it; rounded to 10 or 8 places."""
COVERED = [each for each in PENDING if (each[0], each[1]["scenario"]) in BY_KEY]


@pytest.mark.parametrize(("name", "theirs", "rounded"), COVERED, ids=lambda v: v if isinstance(v, str) else "")
def test_designs_for_pending_patients(name, theirs, rounded):
    row = BY_KEY[name, theirs["scenario"]]
    assert numbers(row, *standard.RATES) == vector(theirs["p"]).tolist()
    found = numbers(row, *standard.SELECTION)
    assert found == pytest.approx([float(theirs["sel_none"]), *vector(theirs["sel"])], abs=max(rounded / 50, 2e-12))
    for names, column in ((standard.PATIENTS, "n"), (standard.DLTS, "tox")):
        assert numbers(row, *names) == pytest.approx(vector(theirs[column]), abs=rounded)
    if "mean_duration_slots" in theirs:
        windows = float(theirs["mean_duration_slots"]) / int(theirs["window_slots"])
        assert float(row["duration"]) == pytest.approx(windows, abs=5.1e-11)


def test_every_kind_of_pending_design_is_covered():
    kinds = {name.split(" k")[0] for name, *_ in COVERED}
    wanted = {"rolling six", "TITE-BOIN imputed 0.25 N12", "TITE-BOIN ess 0.25 N12", "TITE-CRM 0.25 N12"}
    assert kinds == wanted
    assert len(COVERED) > 30


def test_packages_of_others_where_they_ran_the_same():
    """R's BOIN 2.7.2 and dfcrm 0.2-2.1 decided in these recursions; bcrm, escalation and PhIdesign the 3+3."""
    checked = 0
    for theirs in read("exact_boin_crm.csv"):
        phi, n, cohort = float(theirs["target"]), theirs["N"], theirs["cohortsize"]
        plain = theirs["n_earlystop"] == "100" and theirs["extrasafe"] != "TRUE" and theirs["boundMTD"] != "TRUE"
        if theirs["design"] != "BOIN" or not plain:
            continue
        row = BY_KEY.get((f"BOIN {phi:.2f} N{n}" + " single" * (cohort == "1"), f"peers {theirs['scenario']}"))
        if row is not None:
            names = ("sel_none", *(f"{stem}_{j}" for stem in ("sel", "n", "tox") for j in standard.DOSES))
            printed = numbers(row, *standard.SELECTION, *standard.PATIENTS, *standard.DLTS)
            assert numbers(theirs, *names) == pytest.approx(printed, abs=2e-12)
            checked += 1
    assert checked > 20


def assert_same_rows(lines):
    """Rows of the table, but for a unit of the last decimal: where a sum is a tie there, it is rounded either way."""
    known = {tuple(cells[:3]): cells for cells in csv.reader(TEXT.splitlines())}
    for cells in csv.reader(lines):
        for came, wanted in zip(cells, known[tuple(cells[:3])], strict=True):
            assert came == wanted or abs(Decimal(came) - Decimal(wanted)) <= Decimal("1e-12"), cells[:3]


@pytest.mark.slow
def test_the_script_writes_the_table(tmp_path):
    from benchmarks.exact_oc import main

    assert main(["--out", str(tmp_path / "again.csv")]) == 0
    lines = (tmp_path / "again.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) == len(TEXT.splitlines())
    assert_same_rows(lines)


@pytest.mark.parametrize("name", list(standard.designs())[::9])
def test_rows_that_are_written_again_are_the_same(name):
    from benchmarks.exact_oc import text_of

    chosen = list(standard.scenarios())[:4]
    found = zip(chosen, standard.answers(name, chosen), strict=True)
    lines = text_of([{column: (BY_KEY[name, s] | row)[column] for column in standard.COLUMNS} for s, row in found])
    assert len(lines.splitlines()) == 1 + len(chosen)
    assert_same_rows(lines.splitlines())
