"""Exact trials with pending patients: plain enumeration, the second route, and the parents with full follow-up."""

import dataclasses
from dataclasses import dataclass

import numpy as np
import pytest
from oracle_pending import enumerate_trials
from pending_trials import CAP, Mini, rule, select

from doseopt import ExactPending, Faults, Lattice, ThreePlusThree, TrialState, make_scenarios
from doseopt.clock.onset import Onset
from doseopt.core.state import Decision
from doseopt.engines import packed
from doseopt.engines.budget import TooManyStates
from doseopt.engines.escalated import escalated_before_dlt


def credited_at(visits):
    return lambda share: max([0.0, *(v for v in (*visits, 1.0) if v <= share + 1e-9)])


LATTICES = [
    Lattice(1.0),
    Lattice(2.0),
    Lattice(3.0),
    Lattice(2.5),
    Lattice(2.0, arrival=0.5),
    Lattice(3.0, arrival=0.3),
    Lattice(4.0, visits=(0.25, 0.6)),
    Lattice(3.0, arrival=0.6, visits=(0.4,)),
]
TRUTHS = [(0.1, 0.3), (0.45, 0.6)]
SHARES = Onset("visits", shares=(0.5, 0.1, 0.4), ends=(0.3, 0.5, 1.0))


def compare_to(found, outcomes, scenario):
    """Hold outcomes of one scenario to what was enumerated."""
    at = outcomes.isel(scenario=scenario)
    each = [at[name].values.tolist() for name in ("n", "y", "selected", "stop", "weight")]
    ends = {(tuple(n), tuple(y), k, s + 1): w for n, y, k, s, w in zip(*each, strict=True) if w > 0}
    assert ends == pytest.approx(found.ends, abs=1e-13)
    names = {
        "time": "time",
        "square": "square",
        "turned_away": "turned",
        "decisions": "decisions",
        "pending": "pending",
        "while_pending": "while_pending",
    }
    for name, theirs in names.items():
        assert float((at["weight"] * at[name]).sum()) == pytest.approx(getattr(found, theirs), abs=1e-12), name
    for dose in (0, 1):
        here = at["entry_weight"].values * (at["entry_dose"].values == dose)
        for patients in range(CAP):
            chance = here[at["entry_patients"].values == patients].sum()
            assert chance == pytest.approx(found.firsts.get((dose, patients), 0.0), abs=1e-13)


@pytest.mark.parametrize("lattice", LATTICES, ids=str)
@pytest.mark.parametrize(
    "onset", [Onset("uniform"), SHARES, Onset("constant"), Onset("weibull", late=0.7)], ids=lambda o: o.kind
)
def test_plain_enumeration(lattice, onset):
    scenarios = make_scenarios(TRUTHS, ["a", "b"])
    routes = [ExactPending(lattice, onset, by_scenario=True)(Mini(), scenarios)]
    if onset.kind in ("uniform", "visits"):
        routes.append(ExactPending(lattice, onset)(Mini(), scenarios))
    for k, p in enumerate(TRUTHS):
        found = enumerate_trials(
            rule,
            select,
            2,
            CAP,
            lattice.slots,
            lattice.arrival,
            lambda share, rate: float(onset.reached(np.array(share), np.array(rate))),
            p,
            lattice.window,
            credited_at(lattice.visits) if lattice.visits else None,
        )
        assert found.mass == pytest.approx(1, abs=1e-12)
        hasty = escalated_before_dlt(Mini(), lattice, onset, np.array([p]))
        assert hasty == pytest.approx([found.escalated], abs=1e-13)
        assert lattice.slots == 1 or found.escalated > 1e-3
        for outcomes in routes:
            compare_to(found, outcomes, k)


def test_from_a_state_on_patients_before_it_count_without_weight():
    """From one patient without a DLT at the lower dose on, another cohort being due."""
    begun = TrialState(np.array([[1, 0]]), np.array([[0, 0]]), np.array([0]), np.array([[1]]))
    outcomes = ExactPending(Lattice(1.0))(Mini(), make_scenarios([(0.3, 0.5)], ["one"]), begun)
    weight = outcomes["weight"].values[0]
    assert weight.sum() == pytest.approx(1, abs=1e-14)
    n, y = outcomes["n"].values, outcomes["y"].values
    assert (n[:, 0] >= 1).all()
    assert (weight @ y).tolist() == pytest.approx((weight @ n - [1, 0]) * [0.3, 0.5])


@dataclass(frozen=True)
class Waiting(Mini):
    """Waits for ever once nobody is pending."""

    def decide(self, state, pending=None):
        return Decision(np.zeros(len(state), int), np.zeros(len(state), int), np.zeros(len(state), int))


@dataclass(frozen=True)
class Endless(Mini):
    """Goes on for ever at the lower dose."""

    facts = dataclasses.replace(Mini.facts, cap=None, ends=False)

    def decide(self, state, pending=None):
        return Decision(np.zeros(len(state), int), np.ones(len(state), int), np.zeros(len(state), int))


ONE = make_scenarios([(0.3, 0.5)], ["one"])


def test_what_has_no_end_is_refused():
    with pytest.raises(Faults, match="Waiting: waits although nobody is pending"):
        ExactPending(Lattice(2.0))(Waiting(), ONE)
    with pytest.raises(TooManyStates, match="more than 63 patients at a dose; it has no rule that ends every trial"):
        ExactPending(Lattice(1.0))(Endless(), ONE)
    wanted = "2 doses, at most 5 patients.*3 slots in a window, have .* states, more than max_states = 9; take fewer"
    with pytest.raises(TooManyStates, match=wanted):
        ExactPending(Lattice(3.0), max_states=9)(Mini(), ONE)
    with pytest.raises(Faults, match="wanted one that decides while patients are pending"):
        ExactPending(Lattice(3.0))(ThreePlusThree(doses=2, target=0.25), ONE)
    with pytest.raises(Faults, match="wanted at most 31 for 2 doses, got 40"):
        ExactPending(Lattice(40.0))(Mini(), ONE)


def test_a_walk_is_made_once_for_any_scenarios(monkeypatch):
    engine = ExactPending(Lattice(3.0, arrival=0.45))
    first = engine(Mini(), ONE)
    monkeypatch.setattr("doseopt.engines.exact_pending.Walk", None)
    again = engine(Mini(), make_scenarios([(0.1, 0.2), (0.3, 0.5)], ["other", "one"]))
    assert again["weight"].values[1] == pytest.approx(first["weight"].values[0], abs=1e-15)


def test_equal_states_are_merged_whatever_their_keys_are(monkeypatch):
    """Of two words, by a hash that tells them apart or by one that does not."""
    rng = np.random.default_rng(1)
    words, sums = rng.integers(0, 9, (2, 400)) << 40, rng.random((3, 1, 400))
    for hashing in (packed.MIX, 0):
        monkeypatch.setattr(packed, "MIX", hashing)
        found, summed = packed.merge(words, sums)
        assert len(np.unique(found, axis=1).T) == found.shape[1] == len(np.unique(words, axis=1).T)
        for column, here in zip(found.T, np.moveaxis(summed, -1, 0), strict=True):
            assert here == pytest.approx(sums[..., (column == words.T).all(axis=1)].sum(axis=-1))
