"""TITE-BOIN: its published table, the R package TITEgBOIN, and BOIN once nobody is pending."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest

import doseopt
from doseopt import BOIN, TITEBOIN, TrialState
from doseopt.core.state import Pending
from doseopt.testing import check_design

REFERENCE = Path(__file__).parent / "reference" / "titeboin_published_table.csv"
PUBLISHED = list(csv.DictReader(REFERENCE.read_text().splitlines()))
"""Yuan et al. 2018 (as in PMC9260438, Table 1), target 0.20."""
PEERS = Path(doseopt.__file__).parent / "verify" / "reference" / "titeboin_next_ess.csv"
NEXT = list(csv.DictReader(PEERS.read_text().splitlines()))
"""TITEgBOIN 0.4.0 `next_TITE_QuasiBOIN`: at dose 3 of 4, three patients without DLT at each of doses 1 and 2."""


def ask(design, n, s, c, stft, at=1, below=3):
    """Return the decision, and the doses that are open, after n, s, c at a dose with `below` patients at each lower."""
    tally = [below] * at + [n - c] + [0] * (design.doses - at - 1)
    dlts = [0] * at + [s] + [0] * (design.doses - at - 1)
    state = TrialState(np.array([tally]), np.array([dlts]), np.array([at]), np.zeros((1, 0), int))
    pending = Pending(np.full((1, c), at), np.full((1, c), stft / max(c, 1)))
    return design.decide(state, pending), design.admissible(state.treated(pending))[0]


def letter(design, n, s, c, stft):
    """Return the decision as the published table writes it: X also closes the dose."""
    given, open_ = ask(design, n, s, c, stft)
    if given.size[0] == 0:
        return "H"
    return "X" if not open_[1] else "DSE"[given.dose[0]]


def cells():
    """Return n, s, c, STFT and the decision of every cell of the published table, at both sides of a threshold."""
    for row in PUBLISHED:
        n = int(row["treated"])
        dlts = range(int(row["dlt"][2:]), n + 1) if row["dlt"].startswith(">=") else [int(row["dlt"])]
        sign, bound = re.fullmatch(r"(<=|>=|)(\d+)", row["pending"]).groups()
        for s in dlts:
            counts = {"<=": range(int(bound) + 1), ">=": range(int(bound), n - s + 1), "": [int(bound)]}[sign]
            for c in (c for c in counts if c <= n - s):
                if row["stft_threshold"]:
                    better, worse = re.fullmatch(r"(.) if STFT >=? [\d.]+ else (.)", row["decision"]).groups()
                    yield n, s, c, float(row["stft_threshold"]) + 0.01, better
                    yield n, s, c, float(row["stft_threshold"]) - 0.01, worse
                else:
                    lost = row["column_read_from"].startswith("rule")  # then no threshold would be seen, either
                    yield from (
                        (n, s, c, stft * c, row["decision"]) for stft in ((0.99,) if lost else (0.0, 0.4, 0.99))
                    )


@pytest.mark.parametrize(("n", "s", "c", "stft", "wanted"), list(cells()))
def test_published_table(n, s, c, stft, wanted):
    assert letter(TITEBOIN(doses=3, target=0.2), n, s, c, stft) == wanted


@pytest.mark.parametrize(
    ("s", "c", "least"),
    [(1, 3, 0.7731), (1, 4, 2.1506), (2, 1, 0.5198), (2, 2, 1.5894), (2, 3, 2.6590), (2, 4, 3.7286)],
)
def test_smallest_follow_up_by_the_formula(s, c, least):
    """Solved by hand for p = lambda_e (s = 1) and p = lambda_d (s = 2), nine patients, target 0.20."""
    found = [letter(TITEBOIN(doses=3, target=0.2), 9, s, c, least + off) for off in (-1e-4, 1e-4)]
    assert found == (["S", "E"] if s == 1 else ["D", "S"])


def test_the_r_package_with_the_effective_sample_size():
    """It suspends before it looks at s/n >= lambda_d, in 41 rows; the published table goes down there."""
    other = 0
    for row in NEXT:
        n, s, c = (int(row[name]) for name in ("cur_n", "cur_y", "cur_pending"))
        design = TITEBOIN(doses=4, target=float(row["target"]), estimate="ess")
        given, open_ = ask(design, n, s, c, float(row["stft"]), at=2)
        closed = (np.flatnonzero(~open_) + 1).tolist()
        assert row["eliminated_from"] == (str(closed[0]) if closed else "NA")
        if row["suspend"] == "1" and 2 * c > n and s / n >= design.lambda_d:
            other += 1
            assert given.dose[0] == 1
            continue
        assert (given.size[0] == 0) == (row["suspend"] == "1")
        assert given.size[0] == 0 or given.dose[0] + 1 == int(row["next_dose"])
    assert other == 41


@pytest.mark.parametrize("estimate", ["imputed", "ess"])
@pytest.mark.parametrize("tie", ["deescalate", "stay"])
def test_with_nobody_pending_it_is_boin(estimate, tie):
    """Also at y/n equal to a boundary, which rounding must not decide."""
    boin, tite = BOIN(4, 0.25, tie=tie), TITEBOIN(4, 0.25, tie=tie, estimate=estimate)
    rng = np.random.default_rng(1)
    n = rng.integers(0, 13, (2000, 4))
    state = TrialState(n, rng.binomial(n, 0.3), n.argmax(axis=1), np.zeros((2000, 0), int))
    wanted, stop = boin.decide(state), np.zeros(2000, int)
    for pending in (None, Pending(np.full((2000, 2), -1), np.zeros((2000, 2))), Pending(n[:, :0], n[:, :0] / 1)):
        given = tite.decide(state, pending)
        assert all(np.array_equal(getattr(given, part), getattr(wanted, part)) for part in ("dose", "size", "stop"))
    assert np.array_equal(tite.select(state, stop), boin.select(state, stop))
    assert np.array_equal(tite.estimated(state), boin.estimated(state), equal_nan=True)


def test_from_how_many_patients_enrolment_is_suspended():
    """The second of single patients waits for the first unless suspension begins with three."""
    for first, size in ((1, 0), (2, 3), (3, 3)):
        assert ask(TITEBOIN(3, 0.25, suspend_from=first), 1, 0, 1, 0.5)[0].size.tolist() == [size]
    assert ask(TITEBOIN(3, 0.25, suspend_from=3), 3, 0, 2, 1.5)[0].size.tolist() == [0]


def test_without_any_follow_up_the_effective_sample_size_knows_nothing():
    design = TITEBOIN(3, 0.25, estimate="ess", suspend_from=3)
    assert ask(design, 1, 0, 1, 0.0)[0].dose.tolist() == [1]
    assert ask(design, 1, 0, 1, 0.1)[0].dose.tolist() == [2]


def test_pending_patients_count_where_doses_are_eliminated():
    """Pr(p > .25 | Beta(4, 1 + n - 3)) is .9624 for n = 5 and .9294 for n = 6, whoever of them is pending."""
    design = TITEBOIN(3, 0.25)
    assert [ask(design, 3 + c, 3, c, 0.0)[1].tolist() for c in (2, 3)] == [[True, False, False], [True, True, True]]
    given, _ = ask(design, 5, 3, 2, 0.0, at=0)
    assert design.facts.stops[given.stop[0] - 1] == "too_toxic"


@pytest.mark.parametrize(
    "given", [{}, {"estimate": "ess"}, {"suspend_from": 3, "cohort": 1}, {"titration": True}, {"extra_safe": True}]
)
def test_it_keeps_the_promises_of_a_design(given):
    design = TITEBOIN.example()
    check_design(type(design)(TITEBOIN(doses=4, target=0.25, **given), design.modifiers))
