"""Designs that decide on pending patients: exact reference numbers, and their parents with full follow-up."""

import numpy as np
import pytest
from pending_trials import rows, tite_crm, vector

from doseopt import (
    BOIN,
    CRM,
    TITEBOIN,
    TITECRM,
    EnoughAtDose,
    Exact,
    ExactCalendars,
    ExactPending,
    Lattice,
    MaxPatients,
    Modified,
    NoSkipping,
    RollingSix,
    SimulatePending,
    ThreePlusThree,
    TooToxic,
    make_scenarios,
)
from doseopt.clock.lattice import Gaps
from doseopt.clock.onset import Onset
from doseopt.engines.one_trial import OneTrial

TRUTHS = {"A": (0.05, 0.1, 0.2, 0.3), "D": (0.25, 0.35, 0.5, 0.6), "1": (0.0, 0.2, 0.4, 1.0)}


def expected(outcomes):
    """Selection from no dose on, patients, DLTs, and means of what else is counted, in the first scenario."""
    at = outcomes.isel(scenario=0)
    weight = at["weight"].values
    chosen = at["selected"].values[:, None] == np.arange(-1, at.sizes["dose"])
    means = {name: weight @ at[name].values for name in ("time", "turned_away", "decisions", "pending")}
    return {"sel": weight @ chosen, "n": weight @ at["n"].values, "tox": weight @ at["y"].values, **means}


def on_lattice(row, design):
    slots, p = int(row["window_slots"]), vector(row["p"])
    lattice = Lattice(slots, arrival=float(row["arrival_prob_per_slot"]))
    found = expected(ExactPending(lattice)(design, make_scenarios([p], ["one"])))
    assert found["sel"] == pytest.approx([float(row["sel_none"]), *vector(row["sel"])], abs=2e-12)
    assert found["n"] == pytest.approx(vector(row["n"]), abs=1e-9)
    assert found["tox"] == pytest.approx(vector(row["tox"]), abs=1e-9)
    assert found["time"] * slots == pytest.approx(float(row["mean_duration_slots"]), abs=1e-9)
    assert found["turned_away"] == pytest.approx(float(row["mean_turned_away"]), abs=1e-9)


@pytest.mark.parametrize(
    "row", rows("rolling_six_exact"), ids=lambda r: "-".join(list(r.values())[i] for i in (0, 2, 3))
)
def test_rolling_six(row):
    on_lattice(row, RollingSix(doses=4, target=0.25))


@pytest.mark.parametrize(
    "row", rows("titeboin_exact_lattice"), ids=lambda r: "-".join(list(r.values())[i] for i in (0, 3, 4, 5, 6, 7))
)
def test_tite_boin(row):
    estimate = {"smi": "imputed", "ess": "ess"}[row["method"]]
    base = TITEBOIN(doses=4, target=0.25, cohort=int(row["cohort"]), estimate=estimate)
    on_lattice(row, Modified(base, (MaxPatients(n=int(row["N"])),)))


FIXED = [
    *rows("titecrm_exact_fixed", n=("12",)),
    *rows("titecrm_exact_fixed", n=("18",), rate_per_window=("1", "2")),
    *(pytest.param(r, marks=pytest.mark.slow) for r in rows("titecrm_exact_fixed", n=("18",), rate_per_window=("3",))),
    *(pytest.param(r, marks=pytest.mark.slow) for r in rows("titecrm_exact_fixed", n=("24",))),
]
"""All rows; those of more patients, or more of them in a window, take seconds each."""


@pytest.mark.parametrize("row", FIXED, ids=lambda r: "-".join(list(r.values())[i] for i in (0, 4, 5)))
def test_tite_crm(row):
    """Rounded to 10 places in the file, patients to 8."""
    outcomes = ExactPending(Lattice(float(row["rate_per_window"])))(
        tite_crm(row), make_scenarios([vector(row["p"])], ["one"])
    )
    found = expected(outcomes)
    assert found["sel"] == pytest.approx([0, *vector(row["sel"])], abs=1e-8)
    assert found["n"] == pytest.approx(vector(row["n_dose"]), abs=1e-7)
    assert found["tox"] == pytest.approx(vector(row["tox"]), abs=1e-7)


CAP = (NoSkipping(), MaxPatients(n=12))
SKELETON = (0.06, 0.14, 0.25, 0.38)
PARENTS = [
    (Modified(BOIN(doses=4, target=0.25), CAP), Modified(TITEBOIN(doses=4, target=0.25), CAP)),
    (
        Modified(CRM(doses=4, target=0.25, skeleton=SKELETON, cohort=1), CAP),
        Modified(TITECRM(doses=4, target=0.25, skeleton=SKELETON, cohort=1), CAP),
    ),
]


@pytest.mark.parametrize(("parent", "design"), PARENTS, ids=["BOIN", "CRM"])
@pytest.mark.parametrize("onset", ["uniform", "constant"])
def test_with_full_follow_up_it_is_its_parent(parent, design, onset):
    """One slot a window: everybody is resolved before the next patient comes."""
    scenarios = make_scenarios(list(TRUTHS.values()), list(TRUTHS))
    ours = ExactPending(Lattice(1.0), Onset(onset))(design, scenarios)
    theirs = Exact()(parent, scenarios)
    named = [endings(outcomes) for outcomes in (ours, theirs)]
    for key in set(named[0]) | set(named[1]):
        assert named[0].get(key, np.zeros(3)) == pytest.approx(named[1].get(key, np.zeros(3)), abs=1e-14)
    entries = [passages(outcomes) for outcomes in (ours, theirs)]
    assert set(entries[0]) == set(entries[1])
    for key, weight in entries[0].items():
        assert weight == pytest.approx(entries[1][key], abs=1e-14)


def endings(outcomes):
    """Weights in each scenario by patients, DLTs, MTD and reason."""
    reasons = outcomes["stop_reason"].values
    each = (outcomes[name].values.tolist() for name in ("n", "y", "selected", "stop"))
    found = {}
    for n, y, k, s, w in zip(*each, outcomes["weight"].values.T, strict=True):
        key = tuple(n), tuple(y), k, str(reasons[s])
        found[key] = found.get(key, 0) + w
    return found


def passages(outcomes):
    """Weights in each scenario by doses given, patients and the dose that is new."""
    each = (outcomes[f"entry_{name}"].values.tolist() for name in ("given", "patients", "dose"))
    weights = outcomes["entry_weight"].values.T.tolist()
    return {(tuple(given), n, dose): w for given, n, dose, w in zip(*each, weights, strict=True)}


def test_with_full_follow_up_rolling_six_selects_as_3_plus_3_with_six_everywhere():
    scenarios = make_scenarios(list(TRUTHS.values()), list(TRUTHS))
    ours = ExactPending(Lattice(1.0))(RollingSix(doses=4, target=0.25), scenarios)
    theirs = Exact()(ThreePlusThree(doses=4, target=0.25, on_descent="six"), scenarios)
    selection = [
        (outcomes["weight"].values @ (outcomes["selected"].values[:, None] == np.arange(-1, 4)))
        for outcomes in (ours, theirs)
    ]
    assert selection[0] == pytest.approx(selection[1], abs=1e-14)
    known = [0.0271821, 0.0971396, 0.2778620, 0.3351858, 0.2626304]
    """Of a recursion apart from the package, with 15.136 patients."""
    assert selection[0][0] == pytest.approx(known, abs=1e-7)
    assert float((ours["weight"] * ours["n"].sum("dose")).sum("ending")[0]) == pytest.approx(15.136, abs=5e-4)


def test_trials_that_are_asked_for_again_are_not_simulated_again(monkeypatch):
    from doseopt import RollingSix, SimulatePending, make_scenarios
    from doseopt.clock.lattice import Gaps
    from doseopt.engines import simulate_pending

    run, asked = simulate_pending.PendingTrials.run, []
    monkeypatch.setattr(simulate_pending.PendingTrials, "run", lambda self: asked.append(1) or run(self))
    engine, truth = SimulatePending(Gaps(per_window=1.75), trials=50, seed=11), make_scenarios([[0.1, 0.3]], ["a"])
    first, again = (engine(RollingSix(doses=2, target=0.25), truth) for _ in range(2))
    assert first.identical(again)
    assert len(asked) == 1
    engine(RollingSix(doses=2, target=0.25), make_scenarios([[0.1, 0.4]], ["a"]))
    assert len(asked) == 2


def test_too_toxic_is_asked_again_when_all_are_followed_up():
    """Enough with two patients, the second halfway through the window: with both DLTs no dose is selected, p^2.

    Pr(p_1 > .25) is 1 - .25^3 = .984 after 2 of 2 under Beta(1, 1), and .844 after 1 of 2: only the first is above .95.
    """
    rules = EnoughAtDose(n=2), TooToxic(prior=(1.0, 1.0)), MaxPatients(n=4)
    design = Modified(TITECRM(1, 0.25, (0.25,), cohort=1), rules)
    scenarios, gaps = make_scenarios([[0.3]]), Gaps(2.0, "fixed")
    for engine in (ExactPending(Lattice(2.0)), ExactCalendars(gaps, calendars=2)):
        found = engine(design, scenarios)
        none = found["selected"].to_numpy() == -1
        assert found["weight"].to_numpy()[0, none].sum() == pytest.approx(0.09, abs=1e-12)
        assert found["weight"].to_numpy()[0, ~none].sum() == pytest.approx(0.91, abs=1e-12)
        assert set(found["stop_reason"].to_numpy()[found["stop"].to_numpy()[none]]) == {"too_toxic"}
    simulated = SimulatePending(gaps, trials=500)(design, scenarios)
    both = simulated["y"].to_numpy().sum(axis=-1) == 2
    assert np.array_equal(simulated["selected"].to_numpy() == -1, both)
    courses = [OneTrial(gaps, Onset("uniform"), np.array([0.3]), number=k).under(design) for k in range(50)]
    assert {(sum(c.dlt) == 2, c.selected, c.stop) for c in courses} == {
        (True, -1, "too_toxic"),
        (False, 0, "enough_at_dose"),
    }
