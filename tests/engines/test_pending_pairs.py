"""Every modifier over every design that decides on pending patients: it is enumerated, or refused with a reason."""

import functools

import numpy as np
import pytest
from oracle_pending import enumerate_trials

from doseopt import (
    TITEBOIN,
    TITECRM,
    BelowLowest,
    BetaSafety,
    Coherent,
    CohortRange,
    CohortsByDLT,
    CohortsByDose,
    CohortsInOrder,
    DemandAtDose,
    DLTsSeen,
    EnoughAtDose,
    EnoughPatients,
    ExactPending,
    Faults,
    Lattice,
    MaxEnrolled,
    MaxPatients,
    MaxRatio,
    Modified,
    NarrowInterval,
    NoSkipping,
    NoSkippingDown,
    Repeated,
    RollingSix,
    RunIn,
    SimulatePending,
    TargetProbability,
    Titrate,
    TooToxic,
    TrialState,
    make_scenarios,
)
from doseopt.clock.lattice import Gaps
from doseopt.core.state import Decision, Pending
from doseopt.core.trial import selected, step
from doseopt.designs.modifiers import MODIFIERS
from doseopt.designs.modifiers.joined import AnyOf

DOSES, CAP = 3, 5
SKELETON, P, MODERATE = (0.06, 0.25, 0.38), (0.2, 0.35, 0.5), (0.15, 0.3, 0.4)
DESIGNS = {
    "tite_crm": TITECRM(DOSES, 0.25, SKELETON, cohort=1),
    "tite_boin": TITEBOIN(DOSES, 0.25, cohort=2, eliminate_from=2, cutoff=0.8),
    "rolling_six": RollingSix(DOSES, 0.25),
}
RULES = {
    "titrate": Titrate(levels=2),
    "titrate next": Titrate(after="next", at_last="next"),
    "titrate pairs": Titrate(cohort=2, levels=2, at_last="fill"),
    "titrate grade2": Titrate(until="grade2"),
    "titrate second_grade2": Titrate(until="second_grade2", cohort=2, levels=2, at_last="next"),
    "titrate three_new": Titrate(after="three_new"),
    "titrate pairs three_new": Titrate(until="grade2", after="three_new", cohort=2),
    "run_in": RunIn(levels=2, top_up=True),
    "no_skipping": NoSkipping(),
    "no_skipping_down": NoSkippingDown(),
    "max_ratio": MaxRatio(ratio=2.0, dose_values=(1.0, 2.0, 6.0)),
    "coherent": Coherent(),
    "coherent dose": Coherent(scope="dose"),
    "beta_safety": BetaSafety(confidence=0.8, from_=2),
    "cohorts_by_dose": CohortsByDose(sizes=(1, 2, 3)),
    "cohorts_by_dlt": CohortsByDLT(before=1, after=2),
    "cohorts_in_order": CohortsInOrder(sizes=(1, 2)),
    "cohort_range": CohortRange(from_=1, to=2),
    "too_toxic": TooToxic(confidence=0.7),
    "too_toxic prior": TooToxic(confidence=0.6, dose="recommended", prior=(1, 1), selects="design"),
    "enough_at_dose": EnoughAtDose(n=3),
    "narrow_interval": NarrowInterval(width=0.6),
    "target_probability": TargetProbability(interval=(0.15, 0.35), probability=0.3),
    "repeated": Repeated(times=2),
    "dlts_seen": DLTsSeen(y=2),
    "enough_patients": EnoughPatients(n=4),
    "below_lowest": BelowLowest(),
    "demand_at_dose": DemandAtDose(n=2),
    "max_patients": MaxPatients(n=4),
    "max_enrolled": MaxEnrolled(n=4),
    "any": AnyOf((Repeated(times=3), DLTsSeen(y=2))),
}
SIZES = "leaves the cohort size open"
REFUSED = {
    "coherent": ("scope: wanted .dose. over a design that decides while patients are pending", tuple(DESIGNS)),
    "cohort_range": ("how many come, and when, is what .clock. accrual says", tuple(DESIGNS)),
    "below_lowest": ("wanted a design with a rule for going down", ("tite_crm", "rolling_six")),
    **{f"cohorts_{name}": (SIZES, ("rolling_six",)) for name in ("by_dose", "by_dlt", "in_order")},
}
"""Rules that are refused: why, and over which designs. `docs/explanation/time.md` says more."""
PAIRS = [(name, rule) for name in DESIGNS for rule in RULES]


def refused(name, rule):
    return rule in REFUSED and name in REFUSED[rule][1]


def laid(name, rule, most=CAP):
    cap = () if rule in ("max_patients",) else (MaxPatients(n=most),)
    return Modified(DESIGNS[name], (RULES[rule], *cap))


def test_all_kinds_are_paired():
    assert {name.split()[0] for name in RULES} - {"any"} == set(MODIFIERS)


@pytest.mark.parametrize(("name", "rule"), [pair for pair in PAIRS if refused(*pair)])
def test_it_is_refused(name, rule):
    with pytest.raises(Faults, match=REFUSED[rule][0]):
        laid(name, rule)


@pytest.mark.parametrize(("name", "rule"), [pair for pair in PAIRS if not refused(*pair)])
def test_all_histories(name, rule):
    """Exact without the truth, exact by scenario, every history by itself, and simulated within 4.5 errors."""
    design, lattice, scenarios = laid(name, rule), Lattice(2.0), make_scenarios([P], ["one"], p_moderate=[MODERATE])
    found = enumerated(design, 2, 1.0)
    assert sum(found.values()) == pytest.approx(1, abs=1e-12)
    for by_scenario in (False, True):
        outcomes = ExactPending(lattice, by_scenario=by_scenario)(design, scenarios)
        assert ends(outcomes) == pytest.approx(found, abs=1e-13)
    drawn = SimulatePending(Gaps(2.0, "fixed"), trials=TRIALS)(design, scenarios)
    share = ends(drawn)
    assert set(share) <= set(found)
    for key, chance in found.items():
        assert abs(share.get(key, 0) - chance) <= 4.5 * np.sqrt(chance * (1 - chance) / TRIALS) + 1 / TRIALS


TRIALS = 1500


@pytest.mark.parametrize(
    "rule", ["repeated", "any", "cohorts_in_order", "below_lowest", "titrate second_grade2", "titrate pairs three_new"]
)
def test_patients_in_slots(rule):
    """A cohort of two is open before its second patient comes."""
    design = laid("tite_boin", rule, 4)
    found = enumerated(design, 2, 0.4)
    outcomes = ExactPending(Lattice(2.0, arrival=0.4))(design, make_scenarios([P], ["one"], p_moderate=[MODERATE]))
    assert ends(outcomes) == pytest.approx(found, abs=1e-13)


def enumerated(design, slots, arrival):
    """Probability of each ending: patients, DLTs, MTD and reason."""
    memory = (0,) * len(design.facts.memory)

    @functools.cache
    def rule(resolved, dlts, pending, dose, kept):
        dose_of, share = ([each[k] for each in pending] for k in (0, 1))
        given = step(design, one(resolved, dlts, dose, kept), Pending(np.array([dose_of], int), np.array([share])))
        dose, size, stop = (int(part[0]) for part in (given.dose, given.size, given.stop))
        if stop and pending and design.facts.open_to_the_end:
            return dose, 0, 0
        return dose, size, stop

    def ask(resolved, dlts, pending, dose, kept):
        return rule(resolved, dlts, tuple(pending), dose, kept)

    def select(n, y, stop, kept, dose):
        return int(selected(design, one(n, y, dose, kept), np.array([stop]))[0])

    def remember(kept, resolved, dlts, dose, given):
        if not memory:
            return memory
        decision = Decision(np.array([given[0]]), np.array([given[1]]), np.zeros(1, int))
        unknown = np.zeros((1, len(design.facts.outcomes)), int)
        return tuple(design.remember(one(resolved, dlts, dose, kept), decision, unknown)[0].tolist())

    def moderate(kept, dose):
        """The one moderate toxicity more, where the last cohort opened is one of the titration."""
        if not (design.facts.outcomes.graded and kept[-1]):
            return ((1.0, kept),)
        return ((1 - MODERATE[dose], kept), (MODERATE[dose], (kept[0] + 1, *kept[1:])))

    cap = design.facts.cap
    uniform = lambda share, p: share * p  # noqa: E731
    more = {"memory": memory, "remember": remember, "moderate": moderate}
    return enumerate_trials(ask, select, DOSES, cap, slots, arrival, uniform, P, **more).ends


def one(n, y, dose, kept):
    return TrialState(np.array([n]), np.array([y]), np.array([dose]), np.array([kept], int).reshape(1, -1))


def ends(outcomes):
    at, found = outcomes.isel(scenario=0), {}
    each = (at[part].values.tolist() for part in ("n", "y", "selected", "stop", "weight"))
    for n, y, mtd, stop, weight in zip(*each, strict=True):
        key = tuple(n), tuple(y), mtd, stop + 1
        found[key] = found.get(key, 0) + weight
    return {key: weight for key, weight in found.items() if weight > 0}
