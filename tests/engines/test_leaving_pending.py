"""Trials with pending patients who die or leave: plain enumeration, simulation, and the parents with full follow-up."""

from functools import partial

import numpy as np
import pytest
from oracle_leaving_pending import Setting, follow
from pending_trials import CAP, CONSTANT, Mini, rule, scenarios_of, select

from doseopt import ExactPending, Lattice, SimulatePending
from doseopt.clock.lattice import Gaps
from doseopt.clock.onset import Onset
from doseopt.engines.duration_pending import duration_law
from doseopt.engines.escalated import escalated_before_dlt
from doseopt.engines.ways import fates_of

TRUTHS = [(0.1, 0.3), (0.4, 0.55)]
EVENTS = {
    "complete": ((0.3, "complete", 0.0),),
    "half a DLT, else complete": ((0.3, "complete", 0.5),),
    "replace": ((0.3, "replace", 0.0),),
    "exclude": ((0.3, "exclude", 0.25),),
    "all": ((0.1, "dlt", 0.0), (0.15, "complete", 0.0), (0.2, "replace", 0.3), (0.2, "exclude", 0.0)),
}

CASES = [(Lattice(2.0), name) for name in EVENTS] + [(Lattice(1.0), "all"), (Lattice(3.0), "half a DLT, else complete")]
CASES = [(*case, 1) for case in CASES] + [(Lattice(2.0, arrival=0.6), name, 2) for name in ("replace", "exclude")]


@pytest.mark.parametrize(("lattice", "name", "upper"), CASES, ids=str)
def test_plain_enumeration(lattice, name, upper):
    """At the events' own probabilities, of equal hazards in every slot; also as patients come or not in each."""
    events, mini = EVENTS[name], Mini(upper)
    scenarios = scenarios_of(events, TRUTHS)
    outcomes = ExactPending(lattice, CONSTANT)(mini, scenarios)
    fates, p = fates_of(scenarios, CONSTANT), np.array(TRUTHS)
    hasty = escalated_before_dlt(mini, lattice, CONSTANT, p, fates=fates)
    times, law = duration_law(mini, lattice, CONSTANT, p, fates=fates)
    for k, truth in enumerate(TRUTHS):
        found = follow(
            partial(rule, upper=upper), select, 2, CAP, Setting(truth, events, lattice.slots, lattice.arrival)
        )
        assert sum(found.ends.values()) == pytest.approx(1, abs=1e-12)
        at = outcomes.isel(scenario=k)
        each = [at[name].values.tolist() for name in ("n", "y", "selected", "stop", "weight")]
        ends = {}
        for n, y, mtd, stop, w in zip(*each, strict=True):
            key = (tuple(n), tuple(y), mtd, stop + 1)
            ends[key] = ends.get(key, 0.0) + w
        for key in {*ends, *found.ends}:
            assert ends.get(key, 0.0) == pytest.approx(found.ends.get(key, 0.0), abs=1e-12), key
        for name, theirs in {
            "time": "time",
            "turned_away": "turned",
            "decisions": "decisions",
            "pending": "pending",
        }.items():
            assert float((at["weight"] * at[name]).sum()) == pytest.approx(getattr(found, theirs), abs=1e-11), name
        wald = (at["weight"] * (at["n"] * at["per_evaluable"]).sum("dose")).sum()
        assert float(wald) == pytest.approx(found.enrolled, abs=1e-11)
        assert hasty[k] == pytest.approx(found.escalated, abs=1e-12)
        ours = dict(zip((times * lattice.slots).round(6).tolist(), law[k].tolist(), strict=True))
        for slot in {*ours, *found.durations}:
            assert ours.get(slot, 0.0) == pytest.approx(found.durations.get(slot, 0.0), abs=1e-12)
        for dose in (0, 1):
            here = at["entry_weight"].values * (at["entry_dose"].values == dose)
            for patients in range(CAP):
                chance = here[at["entry_patients"].values == patients].sum()
                assert chance == pytest.approx(found.firsts.get((dose, patients), 0.0), abs=1e-12)


@pytest.mark.parametrize("onset", [CONSTANT, Onset("uniform"), Onset("weibull", late=0.7)], ids=lambda o: o.kind)
def test_simulation_in_continuous_time_is_the_lattice_at_equal_gaps(onset):
    scenarios = scenarios_of(EVENTS["all"], TRUTHS, onset)
    exact = ExactPending(Lattice(3.0), onset)(Mini(), scenarios)
    trials = 20_000
    drawn = SimulatePending(Gaps(3.0, "fixed"), onset, trials=trials)(Mini(), scenarios)
    wald = (drawn["n"] * drawn["per_evaluable"]).sum("dose").mean("ending")
    assert wald.values == pytest.approx(drawn["enrolled"].mean("ending").values, abs=0.08)
    for name in ("selected", "stop", "turned_away", "decisions", "pending"):
        mean, theirs = (exact["weight"] * exact[name]).sum("ending"), drawn[name].mean("ending")
        error = drawn[name].std("ending") / np.sqrt(trials)
        assert (np.abs(mean - theirs) < 4 * error + 1e-9).all(), name
    patients = (exact["weight"] * exact["n"]).sum("ending") - drawn["n"].mean("ending")
    assert (np.abs(patients) < 4 * drawn["n"].std("ending") / np.sqrt(trials)).all()
