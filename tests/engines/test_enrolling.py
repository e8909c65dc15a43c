"""Patients who are left out, or replaced up to a cap: against an enumeration of patients, and against drawn times."""

import math

import numpy as np
import oracle
import pytest
from oracle_lost import Chances, lost
from oracle_rules import Stop, Trial

from doseopt import (
    BOIN,
    AcceleratedTitration,
    Coherent,
    CohortsInOrder,
    Exact,
    MaxPatients,
    Modified,
    Simulate,
    ThreePlusThree,
    TooToxic,
    make_scenarios,
)
from doseopt.comparison.lost import enrolled_along
from doseopt.core.parameters import Faults
from doseopt.core.trial import after
from doseopt.designs.modifiers import MaxEnrolled, RunIn
from doseopt.engines.enrolling import enrolling
from doseopt.engines.graph import graph_of
from doseopt.engines.means import means_of

P = {2: (0.10, 0.30), 3: (0.08, 0.20, 0.40)}
MODERATE = 0.3
EXCLUDE, REPLACE, BOTH = {"X": (0.20, 0.25, 0.15)}, {"R": (0.25, 0.20, 0.30)}, {"X": (0.2, 0.1, 0.3), "R": (0.1,) * 3}

DESIGNS = {
    "3+3": (lambda d: ThreePlusThree(doses=d, target=0.25), (), lambda d: oracle.Trials(oracle.ThreePlusThree(d))),
    "3+3 on three": (
        lambda d: ThreePlusThree(doses=d, target=0.25, confirm_top=False, on_descent="six"),
        (),
        lambda d: oracle.Trials(oracle.ThreePlusThree(d, confirm_top=False, on_descent="six")),
    ),
    "titration": (
        lambda d: AcceleratedTitration(doses=d, target=0.25, titrate=2),
        (),
        lambda d: oracle.Trials(oracle.AcceleratedTitration(d, titrate=2)),
    ),
    "titration by moderate toxicity": (
        lambda d: AcceleratedTitration(doses=d, target=0.25, titrate=2, trigger="second_moderate"),
        (),
        lambda d: oracle.Trials(oracle.AcceleratedTitration(d, titrate=2, trigger="second_moderate")),
    ),
    "BOIN 6": (
        lambda d: BOIN(doses=d, target=0.25),
        (MaxPatients(n=6),),
        lambda d: oracle.Trials(oracle.BOIN(d), cap=6),
    ),
    "BOIN 7, modified": (
        lambda d: BOIN(doses=d, target=0.25, cohort=2),
        (MaxPatients(n=7), TooToxic(confidence=0.9), Coherent(), RunIn(levels=2)),
        lambda d: oracle.Trials(
            oracle.BOIN(d, cohort=2), cap=7, too_toxic=(0.9, 0.25), coherent="cohort", run_in=(2, False)
        ),
    ),
}


def scenario(doses, ways):
    """One scenario whose evaluable patients have the rates P, others being lost."""
    truth = make_scenarios([P[doses]], ["A"], p_moderate=[[MODERATE] * doses])
    out, replaced = (np.array([ways.get(kind, (0.0,) * doses)[:doses]]) for kind in "XR")
    per_evaluable = 1 / (1 - replaced) / (1 - out)
    dims = ("scenario", "dose")
    return truth.assign(p_excluded=(dims, out), per_evaluable=(dims, per_evaluable))


def chances(doses, ways, *, replaced):
    none = (0.0,) * doses
    return Chances(
        ways.get("R", none)[:doses] if replaced else none, ways.get("X", none), P[doses], (MODERATE,) * doses
    )


def summary(outcomes):
    weight, doses = outcomes["weight"][0], outcomes.sizes["dose"]
    chosen = [float(weight[outcomes["selected"].to_numpy() == k].sum()) for k in range(-1, doses)]
    return chosen, (weight @ outcomes["n"]).to_numpy().tolist()


@pytest.mark.parametrize("most", [None, 5, 9])
@pytest.mark.parametrize("ways", [EXCLUDE, REPLACE, BOTH], ids=["exclude", "replace", "both"])
@pytest.mark.parametrize("doses", [2, 3])
@pytest.mark.parametrize("name", DESIGNS)
def test_every_patient_enumerated(name, doses, ways, most):
    """Selection and evaluable patients, and the law of those enrolled; replacement alone needs no enumeration."""
    rule, modifiers, second = DESIGNS[name]
    capped = () if most is None else (MaxEnrolled(n=most),)
    design = Modified(rule(doses), (*modifiers, *capped)) if modifiers or capped else rule(doses)
    truth = scenario(doses, ways)
    trials = second(doses)
    wanted, patients, law = lost(trials, chances(doses, ways, replaced=most is not None), most)
    found, evaluable = summary(Exact()(design, truth))
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-13)
    np.testing.assert_allclose(evaluable, patients, rtol=1e-13)
    enrols = enrolling(design, truth)
    if most is not None:
        probability = enrolled_along(graph_of(enrols), truth).probability[0]
        np.testing.assert_allclose([probability[k] for k in law], list(law.values()), rtol=0, atol=1e-13)
    if enrols is not design:  # by Wald's identity an evaluable patient costs so many
        mean = float(enrolled_along(graph_of(enrols), truth).mean[0])
        assert mean == pytest.approx(float(np.array(patients) @ truth["per_evaluable"][0].to_numpy()), rel=1e-12)


def test_expectations_alone_are_the_same():
    design = Modified(BOIN(doses=3, target=0.25), (MaxPatients(n=9), MaxEnrolled(n=11)))
    truth = scenario(3, BOTH)
    chosen, patients = summary(Exact()(design, truth))
    means = means_of(design, truth["p_observed"].to_numpy(), scenarios=truth)
    np.testing.assert_allclose(means.selection[0], chosen, rtol=0, atol=1e-14)
    np.testing.assert_allclose(means.n[0], patients, rtol=1e-13)


def drawn(trials, p, death, dropout, most, rng):
    """One trial with exponential times of a DLT, of a death, which is left out, and of a drop-out, who is replaced."""
    nothing = (0,) * trials.doses
    trial, enrolled = Trial(nothing, nothing), 0
    while not isinstance(answer := trials.decide(trial), Stop):
        places = evaluable = dlts = 0
        while places < answer.size:
            if most is not None and enrolled == most:
                break
            enrolled += 1
            rates = [-math.log1p(-risk) for risk in (p[answer.dose], death, dropout)]
            times = [rng.exponential(1 / rate) for rate in rates]
            first = min(range(3), key=times.__getitem__) if min(times) < 1 else 3
            places += first != 2
            evaluable += first in (0, 3)
            dlts += first == 0
        if evaluable:
            trial = trials.treated(trial, answer._replace(size=evaluable), dlts)
        if most is not None and enrolled == most and not isinstance(trials.decide(trial), Stop):
            return (trials.rule.mtd(trial) if sum(trial.n) else None), enrolled
    return answer.mtd, enrolled


@pytest.mark.parametrize("most", [None, 12])
def test_drawn_times_of_competing_events(most):
    """Selection and patients enrolled of 3+3 and BOIN within four standard errors of 4,000 trials."""
    from doseopt.clock.competing import meet

    p, rng, size = P[3], np.random.default_rng(7), 4_000
    met = meet(np.array([p]), [0.25, 0.10], ["exclude", "replace"], [0.0, 0.0])
    dims = ("scenario", "dose")
    truth = make_scenarios([p], ["A"]).assign(
        p_observed=(dims, met.rate), p_excluded=(dims, met.excluded), per_evaluable=(dims, met.per_evaluable)
    )
    capped = () if most is None else (MaxEnrolled(n=most),)
    three = ThreePlusThree(doses=3, target=0.25)
    boin = Modified(BOIN(doses=3, target=0.25), (MaxPatients(n=9), *capped))
    for design, trials in (
        (Modified(three, capped) if capped else three, oracle.Trials(oracle.ThreePlusThree(3))),
        (boin, oracle.Trials(oracle.BOIN(3), cap=9)),
    ):
        found = [drawn(trials, p, 0.25, 0.10, most, rng) for _ in range(size)]
        wanted, _ = summary(Exact()(design, truth))
        for k, chance in zip((None, 0, 1, 2), wanted, strict=True):
            share = sum(mtd == k for mtd, _ in found) / size
            assert abs(share - chance) < 4 * math.sqrt(chance * (1 - chance) / size)
        law = enrolled_along(graph_of(enrolling(design, truth)), truth)
        number = np.array([enrolled for _, enrolled in found])
        assert abs(number.mean() - law.mean[0]) < 4 * law.sd[0] / math.sqrt(size)
        for k, chance in enumerate(law.probability[0]):
            assert abs((number == k).mean() - chance) < 4 * math.sqrt(max(chance, 1 / size) / size)
        assert law.probability.sum() == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("most", [None, 10])
def test_the_simulator_draws_the_same_trials(most):
    capped = () if most is None else (MaxEnrolled(n=most),)
    design = Modified(
        AcceleratedTitration(doses=3, target=0.25, titrate=2, trigger="first_moderate"), (MaxPatients(n=9), *capped)
    )
    truth = scenario(3, BOTH)
    exact, simulated = Exact()(design, truth), Simulate(trials=5_000, seed=2)(design, truth)
    wanted, patients = summary(exact)
    for k, chance in enumerate(wanted):
        share = float((simulated["selected"][0] == k - 1).mean())
        assert abs(share - chance) < 4 * math.sqrt(chance * (1 - chance) / 5_000)
    np.testing.assert_allclose(simulated["n"][0].mean("ending"), patients, rtol=0.06)
    for dose in range(-1, 3):  # who comes to a dose, and how many patients were before
        entries = [(e["entry_weight"][0] * (e["entry_dose"] == dose)).to_numpy() for e in (exact, simulated)]
        chance, share = (float(each.sum()) for each in entries)
        assert abs(share - chance) <= 4 * math.sqrt(max(chance * (1 - chance), 1 / 5_000) / 5_000)


def test_one_dose_by_hand():
    """Cohorts of 2, of whom each is left out with 1/2: 1 or 2 evaluable with 2/3 and 1/3, both lost counting for none.

    Two patients are enough: 2 at once with 1/3; else 1, and then the cap leaves one place: enrolled 1, 2, ... with 1/2,
    1/4, ... more. Enrolled in all: 2 E[cohorts of two] + E[singles] = 2 x 4/3 + 2/3 x 2 = 4 = 2 / (1/2).
    """
    design = Modified(BOIN(doses=1, target=0.25, cohort=2), (MaxPatients(n=2),))
    dims = ("scenario", "dose")
    truth = make_scenarios([[0.0]], ["none"]).assign(p_excluded=(dims, [[0.5]]), per_evaluable=(dims, [[2.0]]))
    law = enrolled_along(graph_of(enrolling(design, truth)), truth)
    assert law.mean[0] == pytest.approx(4, rel=1e-13)
    assert law.probability[0, 2] == pytest.approx(1 / 4, rel=1e-13)  # both of the first two
    assert law.probability[0, 3] == pytest.approx(1 / 2 * 1 / 2, rel=1e-13)  # one of them, and the next
    capped = Modified(design.base, (MaxPatients(n=2), MaxEnrolled(n=3)))
    outcomes = Exact()(capped, truth)
    full = outcomes["weight"][0][outcomes["n"].sum("dose").to_numpy() == 2].sum()
    assert float(full) == pytest.approx(1 / 4 + 1 / 4, rel=1e-13)  # of three the third can be one of two, no second


def test_a_cohort_without_an_evaluable_patient_is_none_of_the_first():
    """Sizes 1, 2 in order, a patient left out with 1/2, three evaluable at most: the first has one in the end."""
    design = Modified(BOIN(doses=1, target=0.25), (CohortsInOrder(sizes=(1, 2)), MaxPatients(n=3)))
    dims = ("scenario", "dose")
    truth = make_scenarios([[0.0]], ["none"]).assign(p_excluded=(dims, [[0.5]]), per_evaluable=(dims, [[2.0]]))
    graph = graph_of(enrolling(design, truth))
    assert set(graph.state.total.tolist()) == {0, 1, 2, 3}
    assert set(graph.decision.size[graph.state.total == 1].tolist()) == {2}


def test_without_losses_it_is_a_cap_on_patients():
    one, other = (Modified(BOIN(doses=3, target=0.25), (cap,)) for cap in (MaxPatients(n=9), MaxEnrolled(n=9)))
    truth = make_scenarios([P[3]], ["A"])
    first, second = (summary(Exact()(design, truth)) for design in (one, other))
    assert first == second
    assert enrolling(other, truth) is other
    assert enrolling(one, scenario(3, REPLACE)) is one  # a transform of the rates
    assert other.facts.max_enrolled == other.facts.cap == 9


def test_trials_that_end_once_settled_select_the_same():
    design, truth = Modified(BOIN(doses=3, target=0.25), (MaxPatients(n=9), MaxEnrolled(n=10))), scenario(3, BOTH)
    assert summary(Exact(settled=True)(design, truth))[0] == pytest.approx(
        summary(Exact()(design, truth))[0], abs=1e-13
    )


def test_from_amid_a_trial_it_is_refused():
    design = Modified(BOIN(doses=3, target=0.25), (MaxPatients(n=9),))
    for engine in (Exact(), Simulate(trials=10)):
        with pytest.raises(Faults, match=r"window_events: wanted a trial from its first patient on"):
            engine(design, scenario(3, EXCLUDE), after(design, "1NNN"))
    assert Exact()(design, scenario(3, REPLACE), after(design, "1NNN")).sizes["scenario"] == 1
