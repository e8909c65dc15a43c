"""What each design does after outcomes seen: the next cohort as (level, patients), or the end as (reason, MTD).

The answers come from the rules as published and as registered, not from the code.
"""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate

from doseopt import BOIN, CRM, AcceleratedTitration, ThreePlusThree
from doseopt.core.cohort import Cohort
from doseopt.core.state import NONE
from doseopt.core.trial import after, selected, step
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, EnoughAtDose, MaxPatients, NoSkipping, RunIn, TooToxic
from doseopt.models.skeleton import IndifferenceInterval


def answer(design, outcomes):
    state = after(design, outcomes)
    given = step(design, state)
    if given.stop[0]:
        mtd = selected(design, state, given.stop)[0]
        return design.facts.stops[given.stop[0] - 1], None if mtd == NONE else int(mtd) + 1
    return int(given.dose[0]) + 1, int(given.size[0])


def table(designs, rows):
    """One test for each design and row; a row says what each design of the table answers, or all alike."""
    cases = []
    for outcomes, *wanted in rows:
        for (name, design), want in zip(designs.items(), wanted * (len(designs) // len(wanted)), strict=True):
            cases.append(pytest.param(design, outcomes, want, id=f"{name}:{outcomes or 'first'}"))
    return pytest.mark.parametrize(("design", "outcomes", "wanted"), cases)


# 3+3: without de-escalation (1), with it and the top dose accepted on three (2), six at the MTD everywhere (3)

THREE = {
    "variant 1": ThreePlusThree(doses=4, target=0.25, on_descent="declare", confirm_top=False),
    "variant 2": ThreePlusThree(doses=4, target=0.25, confirm_top=False),
    "variant 3": ThreePlusThree(doses=4, target=0.25),
}
NONE_RIGHT = ("too_toxic", None)


@table(
    THREE,
    [
        ("", (1, 3)),
        ("1NNN", (2, 3)),
        ("1NNT", (1, 3)),
        ("1NNT 1NNN", (2, 3)),
        ("1NNT 1NNT", NONE_RIGHT),
        ("1NTT", NONE_RIGHT),
        ("1TTT", NONE_RIGHT),
        ("1NNN 2NNN 3NNT", (3, 3)),
        ("1NNN 2NTT", ("complete", 1), (1, 3), (1, 3)),
        ("1NNN 2NTT 1NNN", ("complete", 1)),
        ("1NNN 2NTT 1NNT", ("complete", 1)),
        ("1NNN 2NTT 1NTT", NONE_RIGHT),
        ("1NNT 1NNN 2NTT", ("complete", 1)),
        ("1NNN 2NNN 3NNT 3NTN", ("complete", 2), (2, 3), (2, 3)),  # R escalation: MTD 2, stop, for variant 1
        ("1NNN 2NNN 3NTT 2NNN", ("complete", 2)),
        ("1NNN 2NNN 3NTT 2NTT", ("complete", 1), (1, 3), (1, 3)),
        ("1NNN 2NNT 2NNN 3NTT", ("complete", 2)),
        ("1NNN 2NNN 3NNN 4NNN", ("complete", 4), ("complete", 4), (4, 3)),
        ("1NNN 2NNN 3NNN 4NNT", (4, 3)),
        ("1NNN 2NNN 3NNN 4NNT 4NNN", ("complete", 4)),
        ("1NNN 2NNN 3NNN 4NNN 4NNN", ("complete", 4)),
        ("1NNN 2NNN 3NNN 4NNN 4NTT", ("complete", 3), (3, 3), (3, 3)),
        ("1NNN 2NNN 3NNN 4TTT", ("complete", 3), (3, 3), (3, 3)),
        ("1NNN 2NNN 3NNN 4TTT 3NNT", ("complete", 3)),
        ("1NNN 2NNN 3NNN 4TTT 3NTT", ("complete", 2), (2, 3), (2, 3)),
    ],
)
def test_three_plus_three(design, outcomes, wanted):
    assert answer(design, outcomes) == wanted


@table(
    {
        "definition": Modified(ThreePlusThree(doses=4, target=0.25), (MaxPatients(n=10),)),
        "not excluded": Modified(ThreePlusThree(doses=4, target=0.25, mtd_at_cap="not_excluded"), (MaxPatients(n=10),)),
    },
    [
        ("1NNN 2NNN 3NNN", (4, 1)),
        ("1NNN 2NNN 3NNN 4N", ("max_patients", None), ("max_patients", 4)),
        ("1NNT 1NNN 2NNN 3N", ("max_patients", 1), ("max_patients", 3)),
        ("1NNN 2NNN 3NTT 2N", ("max_patients", None), ("max_patients", 2)),
        ("1NNN 2NTT 1NNT", ("complete", 1)),
        ("1NTT", NONE_RIGHT),
    ],
)
def test_three_plus_three_at_the_cap(design, outcomes, wanted):
    assert answer(design, outcomes) == wanted


def test_three_plus_three_starting_higher_goes_down_below_the_start():
    design = ThreePlusThree(doses=4, target=0.25, start=3)
    assert answer(design, "") == (3, 3)
    assert answer(design, "3NTT") == (2, 3)
    assert answer(design, "3NTT 2NNN") == (2, 3)
    assert answer(design, "3NTT 2NNN 2NNN") == ("complete", 2)


# Accelerated titration


def ledger(design, outcome, patients):
    """Levels given, patient by patient, where outcome(i, level) is the i-th patient's letter."""
    cohorts, levels = [], []
    while len(levels) < patients:
        level, size = answer(design, cohorts)
        assert isinstance(level, int)
        letters = "".join(outcome(len(levels) + k, level) for k in range(size))
        cohorts.append(Cohort(level, letters))
        levels += [level] * size
    assert len(levels) == patients
    return levels


def titration(titrate, trigger="first_dlt", **options):
    return AcceleratedTitration(doses=4, target=0.25, titrate=titrate, trigger=trigger, **options)


CLEAN = "NNNNNN"


@pytest.mark.parametrize(
    ("design", "letters", "wanted"),
    [
        (titration(4), CLEAN, [1, 2, 3, 4, 4, 4]),
        (titration(3), CLEAN, [1, 2, 3, 4, 4, 4]),
        (titration(4), "NTNN", [1, 2, 2, 2]),
        (titration(4, "second_moderate"), "MNMNN", [1, 2, 3, 3, 3]),
        (titration(4, "second_moderate"), "MNNNNN", [1, 2, 3, 4, 4, 4]),
        (titration(4, "first_moderate"), "NMNN", [1, 2, 2, 2]),
        (titration(4, "second_moderate"), "NTNN", [1, 2, 2, 2]),
        (titration(2), CLEAN[:5], [1, 2, 3, 3, 3]),
        (titration(2), "NTNN", [1, 2, 2, 2]),
        (titration(1), CLEAN[:4], [1, 2, 2, 2]),
        (titration(1), "TNN", [1, 1, 1]),
        (titration(0), CLEAN, [1, 1, 1, 2, 2, 2]),
        (titration(2, titration_cohort=2), "NNNNNNN", [1, 1, 2, 2, 3, 3, 3]),
    ],
)
def test_ledger_of_a_titration(design, letters, wanted):
    assert ledger(design, lambda i, level: letters[i], len(letters)) == wanted


REGISTERED = {
    "uncapped": titration(1),
    "cap 10": Modified(titration(1), (MaxPatients(n=10),)),
}


@table(
    REGISTERED,
    [
        ("", (1, 1)),
        ("1N", (2, 3)),
        ("1T", (1, 2)),  # filled to 3, the first patient counted
        ("1T 1NN", (1, 3)),
        ("1T 1NT", NONE_RIGHT),
        ("1T 1NN 1NNN", (2, 3)),
        ("1T 1NN 1NNT", NONE_RIGHT),
        ("1N 2NNN", (3, 3)),
        ("1N 2NNT", (2, 3)),
        ("1N 2NTT", (1, 2)),  # down to a level with one patient: to 3, then to 6
        ("1N 2NTT 1NN", (1, 3)),
        ("1N 2NTT 1NT", (1, 3)),
        ("1N 2NTT 1TT", NONE_RIGHT),
        ("1N 2NTT 1NN 1NNN", ("complete", 1)),
        ("1N 2NTT 1NN 1NTT", NONE_RIGHT),
        ("1N 2NNN 3NNN", (4, 3)),
        ("1N 2NNN 3NNN 4NNN", (4, 3), ("max_patients", None)),
        ("1N 2NNN 3NNN 4NNT", (4, 3), ("max_patients", None)),
        ("1N 2NNN 3NNT", (3, 3)),
        ("1N 2NNN 3NTT", (2, 3)),
        ("1N 2NNN 3NTT 2NNN", ("complete", 2)),
    ],
)
def test_the_registered_protocol(design, outcomes, wanted):
    assert answer(design, outcomes) == wanted


def test_the_registered_protocol_needs_thirteen_patients_to_declare_the_top_dose():
    assert answer(titration(1), "1N 2NNN 3NNN 4NNN 4NNN") == ("complete", 4)  # 1 + 3 + 3 + 6


@table(
    {
        "fill": titration(2),
        "three new": titration(2, after_dlt="three_new"),
        "six at once": titration(2, on_descent="six"),
        "declare": titration(2, on_descent="declare", confirm_top=False),
    },
    [
        ("1T", (1, 2), (1, 3), (1, 2), (1, 2)),
        ("1N 2T", (2, 2), (2, 3), (2, 2), (2, 2)),
        ("1N 2T 2NNN", (2, 2), (3, 3), (2, 2), (2, 2)),
        ("1N 2N 3NTT", (2, 2), (2, 2), (2, 5), ("complete", 2)),
        ("1N 2N 3NNN 4NTT", (3, 3), (3, 3), (3, 3), ("complete", 3)),
        ("1N 2N 3NNN 4NNN", (4, 3), (4, 3), (4, 3), ("complete", 4)),
    ],
)
def test_readings_of_the_titration(design, outcomes, wanted):
    assert answer(design, outcomes) == wanted


def test_three_new_patients_alone_can_prove_a_dose():
    design = titration(2, after_dlt="three_new")
    # 1 DLT in the titration patient and 1 in six new ones: at most 1 of at least 6 among those that count
    assert answer(design, "1N 2T 2NNT 2NNN") == (3, 3)
    assert answer(design, "1N 2T 2NNT 2NNN 3TTT") == ("complete", 2)
    assert answer(design, "1N 2T 2NTT") == (1, 2)
    assert answer(titration(2), "1N 2T 2NT") == (1, 2)
    # titration has ended at level 1: the cohort at level 2, of 3, counts, and 2 of 3 exclude the level
    assert answer(design, "1T 1NNN") == (2, 3)
    assert answer(design, "1T 1NNN 2NTT") == (1, 3)


# BOIN: the boundary tables of R BOIN 2.7.2 (phi = .25: up at 0 to 5 patients with 0 DLTs, 6 with 1; down at 1 of 3,
# 2 of 4 to 6; eliminated at 3 of 3)

BOIN25 = BOIN(doses=4, target=0.25)


@table(
    {"boin": BOIN25},
    [
        ("", (1, 3)),
        ("1NNN", (2, 3)),
        ("1NNT", (1, 3)),  # down, at the lowest
        ("1NTT", (1, 3)),
        ("1TTT", NONE_RIGHT),
        ("1NNT 1NNN", (2, 3)),
        ("1NNT 1NNT", (1, 3)),
        ("1NNNT", (1, 3)),  # 1 of 4: stay
        ("1NNN 2NNT", (1, 3)),
        ("1NNN 2TTT", (1, 3)),
        ("1NNN 2TTT 1NNN", (1, 3)),  # 0 of 6 wants up, level 2 is eliminated
        ("1NNN 2NTT 1NNN", (2, 3)),
        ("1NNN 2NNN 3NNN 4NNN", (4, 3)),
        ("1NNN 2NNN 3NNN 4TTT", (3, 3)),
    ],
)
def test_boin(design, outcomes, wanted):
    assert answer(design, outcomes) == wanted


def test_boin_eliminates_from_the_published_counts():
    # X at phi = .25: - - 3 3 4 4 4 5 5 6 6 6 7 7 7 8 8 8 9 9 9 ... patients 3 to 12
    for n, least in zip(range(3, 13), [3, 3, 3, 4, 4, 4, 5, 5, 6, 6], strict=True):
        assert answer(BOIN25, f"1{'T' * least}{'N' * (n - least)}") == NONE_RIGHT
        assert answer(BOIN25, f"1{'T' * (least - 1)}{'N' * (n - least + 1)}")[0] == 1


def test_boin_follows_the_published_trial():
    # phi = .30, five doses; R escalation
    cohorts = ["1NNN", "2NNN", "3NTT", "2NTN", "3NNN", "3NNN", "4TTT", "3NTN", "3NNT", "3TNN"]
    design = BOIN(doses=5, target=0.30)
    found = [answer(design, " ".join(cohorts[:k])) for k in range(1, 11)]
    assert found == [(level, 3) for level in (2, 3, 2, 3, 3, 4, 3, 3, 3, 3)]


@table(
    {"R titration": BOIN(doses=4, target=0.25, titration=True)},
    [
        ("", (1, 1)),
        ("1N", (2, 1)),
        ("1N 2N", (3, 1)),
        ("1T", (1, 2)),  # the dose of the first DLT is filled to the cohort size
        ("1N 2T", (2, 2)),
        ("1N 2T 2NN", (1, 3)),  # 1 of 3: down
        ("1N 2T 2TT", (1, 3)),
        ("1N 2N 3N 4N", (4, 2)),  # so is the top dose
        ("1N 2N 3N 4N 4NN", (4, 3)),
        ("1N 2N 3N 4T", (4, 2)),
        ("1N 2N 3T 3NN 2N", (3, 3)),  # titration is over: full cohorts
    ],
)
def test_boin_with_its_own_titration(design, outcomes, wanted):
    assert answer(design, outcomes) == wanted


@table(
    {
        "one level": Modified(BOIN25, (RunIn(levels=1), MaxPatients(n=13))),
        "three levels": Modified(BOIN25, (RunIn(levels=3), MaxPatients(n=13))),
        "topped up": Modified(BOIN25, (RunIn(levels=3, top_up=True), MaxPatients(n=13))),
    },
    [
        ("", (1, 1)),
        ("1T", (1, 3), (1, 3), (1, 2)),
        ("1T 1NN", (1, 3)),
        ("1N", (2, 3), (2, 1), (2, 1)),
        ("1N 2T", (1, 3), (1, 3), (2, 2)),
        ("1N 2N", (3, 3), (3, 1), (3, 1)),
        ("1N 2N 3N", (4, 3)),
        ("1N 2N 3T", (2, 3), (2, 3), (3, 2)),
        ("1N 2NNN 3NNN 4NNN", (4, 3)),
        ("1N 2NNN 3NNN 4NNN 4N", (4, 2)),
        ("1N 2NNN 3NNN 4NNN 4NNN", ("max_patients", 4)),
    ],
)
def test_boin_after_a_run_in(design, outcomes, wanted):
    assert answer(design, outcomes) == wanted


def test_a_run_in_from_a_higher_dose_ends_at_the_top():
    design = Modified(BOIN(doses=4, target=0.25, start=3), (RunIn(levels=3), MaxPatients(n=13)))
    assert [answer(design, seen) for seen in ("", "3N", "3N 4N")] == [(3, 1), (4, 1), (4, 3)]


def test_boin_ties_at_the_upper_boundary():
    # tox such that lambda_d is 1/3 to the last bits is rare; the option only changes an exact tie
    down, stay = BOIN(doses=2, target=0.25), BOIN(doses=2, target=0.25, tie="stay")
    n, y = np.array([3, 4, 6]), np.array([1, 1, 2])
    np.testing.assert_array_equal(down.moves(n, y), stay.moves(n, y))
    assert round(down.lambda_e, 6) == 0.196801
    assert round(down.lambda_d, 6) == 0.298392


def test_boin_extra_safe_stops_earlier_at_the_lowest_dose():
    # Pr(p > .25 | 3 of 6) = 0.929, between 0.90 and 0.95
    outcomes = "1NNT 1NTT"
    assert answer(BOIN25, outcomes) == (1, 3)
    assert answer(BOIN(doses=4, target=0.25, extra_safe=True), outcomes) == NONE_RIGHT
    assert answer(BOIN(doses=4, target=0.25, extra_safe=True, offset=0.0), outcomes) == (1, 3)


def test_boin_selects_the_published_mtd():
    # Yan et al. 2020: n = 3 3 15 9 0, y = 0 0 4 4 0
    design = Modified(BOIN(doses=5, target=0.30), (MaxPatients(n=30),))
    outcomes = f"1NNN 2NNN 3{'T' * 4}{'N' * 11} 4{'T' * 4}{'N' * 5}"
    assert answer(design, outcomes) == ("max_patients", 3)


# CRM: the posterior mean of b by adaptive quadrature


def recommended(design, outcomes):
    """Level closest to the target at the posterior mean of b (empiric model), computed apart from the package."""
    state = after(design, outcomes)
    n, y, s = state.n[0], state.y[0], np.array(design.rates)

    def f(b):
        p = s ** math.exp(b)
        return math.exp(-(b**2) / (2 * design.prior_sd**2)) * float(np.prod(p**y * (1 - p) ** (n - y)))

    total, first = (integrate.quad(lambda b, k=k: b**k * f(b), -8, 8, limit=300, points=[0])[0] for k in (0, 1))
    return int(np.abs(s ** math.exp(first / total) - design.facts.target).argmin()) + 1


SKELETON = IndifferenceInterval(3, 0.05)
PLAIN = CRM(doses=4, target=0.25, skeleton=SKELETON)
STEEP = CRM(doses=4, target=0.25, skeleton=(0.02, 0.05, 0.10, 0.25))


@pytest.mark.parametrize("design", [PLAIN, STEEP], ids=["plain", "steep"])
@pytest.mark.parametrize(
    "outcomes",
    ["1N", "1T", "1NNN", "1NNT", "1N 2NNN", "1N 2NNT", "1N 2NTT", "1N 2NNN 3NNT", "1N 2NNN 3NTT 2NNN", "3NTT 1NNT"],
)
def test_crm_recommends_the_dose_closest_to_the_target(design, outcomes):
    assert answer(design, outcomes) == (recommended(design, outcomes), 3)


def test_crm_published():
    # Manual of R dfcrm: recommends 2. Cheung 2011, Table 3.2: final dose 4.
    manual = CRM(doses=6, target=0.2, skeleton=(0.05, 0.10, 0.20, 0.35, 0.50, 0.70))
    assert answer(manual, "3N 4N 4T 3N 3N 4T 3T 2N 2N 2N") == (2, 3)
    cheung = CRM(doses=5, target=0.25, skeleton=(0.05, 0.12, 0.25, 0.40, 0.55), model="logistic", cohort=1)
    outcomes = "3N 5N 5T 3N 4N 4N 5N 5N 5T 5N 5T 4T 4N 4N 4N 4N 4N 4T 4N 4N"
    assert answer(cheung, outcomes) == (4, 1)


RULES = (RunIn(levels=1), NoSkipping(), Coherent(), TooToxic(confidence=0.95), MaxPatients(n=10))


def test_crm_without_modifiers_skips_and_escalates_after_toxicity():
    # What the modifiers below have to hold back.
    assert recommended(STEEP, "1NNN") == 4
    assert recommended(STEEP, "1NNN 2NNN 3NNN 2NNT") > 2
    assert recommended(STEEP, "1NNN 2NNT") == 3


@table(
    {"all rules": Modified(STEEP, RULES), "in another order": Modified(STEEP, RULES[::-1])},
    [
        ("", (1, 1)),
        ("1N", (2, 3)),  # not skipped
        ("1N 2NNN", (3, 3)),
        ("1N 2NNT", (2, 3)),  # 1 of 3 is at or above the target: no escalation
        ("1N 2NNT 2NNN", (3, 3)),
        ("1N 2NNN 3NNN", (4, 3)),
        ("1N 2NNN 3NNN 4NNN", ("max_patients", 4)),
        ("1N 2NNN 3NNN 4N", (4, 2)),
    ],
)
def test_crm_with_modifiers(design, outcomes, wanted):
    assert answer(design, outcomes) == wanted


def test_coherence_of_the_cohort_and_of_the_dose():
    cohort, dose = (Modified(STEEP, (Coherent(scope=scope), NoSkipping())) for scope in ("cohort", "dose"))
    # 1 of 3 in the last cohort; 1 of 6 at the dose
    assert answer(cohort, "1NNN 2NNN 2NNT") == (2, 3)
    assert answer(dose, "1NNN 2NNN 2NNT") == (3, 3)
    # 0 of 1 in the last cohort; 2 of 7 at the dose
    higher = CRM(doses=4, target=0.25, skeleton=(0.001, 0.002, 0.05, 0.25))
    cohort, dose = (Modified(higher, (Coherent(scope=scope), NoSkipping())) for scope in ("cohort", "dose"))
    outcomes = "1NNNNNNNNN 2NNT 2NNT 2N"
    assert recommended(higher, outcomes) > 2
    assert answer(cohort, outcomes) == (3, 3)
    assert answer(dose, outcomes) == (2, 3)


def chance_that_the_lowest_dose_is_above(design, outcomes, rate):
    """Pr(p_1 > rate) in the empiric model by adaptive quadrature; p_1 > rate where b is below a cut."""
    state = after(design, outcomes)
    n, y, s = state.n[0], state.y[0], np.array(design.rates)

    def f(b):
        p = s ** math.exp(b)
        return math.exp(-(b**2) / (2 * design.prior_sd**2)) * float(np.prod(p**y * (1 - p) ** (n - y)))

    cut = math.log(math.log(rate) / math.log(s[0]))
    below, above = (integrate.quad(f, *ends, limit=300)[0] for ends in ((-9, cut), (cut, 6)))
    return below / (below + above)


def test_crm_stops_when_the_lowest_dose_is_too_toxic_after_the_last_cohort_too():
    found = set()
    for base, outcomes in [
        (PLAIN, "1TTT"),
        (PLAIN, "1NTT"),
        (PLAIN, "1T 1TTT"),
        (STEEP, "1TTT"),
        (STEEP, "1T 1TTT 1TTT"),
    ]:
        stops = chance_that_the_lowest_dose_is_above(base, outcomes, 0.25) > 0.95
        patients = sum(len(c) - 1 for c in outcomes.split())
        for cap in (patients, patients + 3):
            reason = answer(Modified(base, (MaxPatients(n=cap), TooToxic(confidence=0.95))), outcomes)[0]
            assert (reason == "too_toxic") == stops
        found.add(stops)
    assert found == {True, False}
    assert answer(Modified(PLAIN, (TooToxic(), MaxPatients(n=3))), "1NNN")[0] == "max_patients"


def test_crm_may_select_an_untried_dose_unless_told_otherwise():
    untried = Modified(STEEP, (NoSkipping(), MaxPatients(n=3)))
    tried = Modified(
        CRM(doses=4, target=0.25, skeleton=(0.02, 0.05, 0.10, 0.25), select_untried=False), untried.modifiers
    )
    assert answer(untried, "1NNN") == ("max_patients", 4)
    assert answer(tried, "1NNN") == ("max_patients", 1)


def test_crm_estimates_by_plug_in_or_mean():
    plugin, mean = (CRM(doses=4, target=0.25, skeleton=SKELETON, estimate=e) for e in ("plugin", "mean"))
    state = after(plugin, "1N 2NNT")
    # Jensen: the two estimates differ; each recommends the dose closest to the target by its own
    assert np.abs(plugin.estimated(state) - mean.estimated(state)).max() > 0.01
    for design in (plugin, mean):
        assert answer(design, "1N 2NNT")[0] == np.abs(design.estimated(state)[0] - 0.25).argmin() + 1


# Enough patients at a dose


def enough(**options):
    return Modified(BOIN25, (EnoughAtDose(**options), MaxPatients(n=30)))


@table(
    {
        "recommended": enough(n=6),
        "any": enough(n=6, dose="any"),
        "level 2": enough(n=6, dose=2),
        "staying": enough(n=6, only_if_staying=True),
        "any, staying": enough(n=6, dose="any", only_if_staying=True),
    },
    [
        ("1NNN", (2, 3)),
        ("1NNT 1NNN", (2, 3), ("enough_at_dose", 1), (2, 3), (2, 3), (2, 3)),  # six at 1, the next goes to 2
        (
            "1NNT 1NNT",
            ("enough_at_dose", 1),
            ("enough_at_dose", 1),
            (1, 3),
            ("enough_at_dose", 1),
            ("enough_at_dose", 1),
        ),
    ],
)
def test_enough_at_dose(design, outcomes, wanted):
    assert answer(design, outcomes) == wanted


def test_enough_at_dose_looks_where_the_next_cohort_would_go():
    # 1 of 6 at level 1 (up), 2 of 6 at level 2 (down to level 1, which has six)
    outcomes = "1NNN 2NNT 1NNT 2NNT"
    assert answer(BOIN25, outcomes) == (1, 3)
    assert answer(enough(n=6), outcomes)[0] == "enough_at_dose"
    assert answer(enough(n=7), outcomes) == (1, 3)
    assert answer(enough(n=6, only_if_staying=True), outcomes) == (1, 3)  # it would move
    assert answer(enough(n=6, dose=3), outcomes) == (1, 3)
    assert answer(enough(n=6, dose=2), outcomes)[0] == "enough_at_dose"


def test_no_design_stops_before_it_begins():
    for design in (enough(n=1), enough(n=1, dose="any"), Modified(PLAIN, (TooToxic(confidence=0.01),))):
        assert answer(design, "") == (1, 3)


def test_levels_rise_by_one_in_the_trials_above():
    # The ledgers of a clean trial, to the cap: each design climbs a level at a time.
    for design in (Modified(STEEP, RULES), Modified(BOIN25, (RunIn(levels=2), MaxPatients(n=10)))):
        levels = ledger(design, lambda i, level: "N", 10)
        assert all(b - a in (0, 1) for a, b in pairwise(levels))
        assert levels[0] == 1
        assert max(levels) == 4


def test_a_dose_below_an_excluded_one_is_filled_to_six_though_the_top_dose_is_not():
    design = ThreePlusThree(doses=3, target=0.25, start=2, confirm_top=False)
    assert answer(design, "2NTT 1NNN") == (1, 3)
    assert answer(design, "2NNN 3NNN") == ("complete", 3)
