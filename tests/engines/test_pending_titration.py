"""Titration that looks at grade 2, or leaves patients out, over designs that decide on pending patients."""

import numpy as np
import pytest
from pending_trials import CONSTANT, scenarios_of

from doseopt import (
    TITEBOIN,
    TITECRM,
    Exact,
    ExactCalendars,
    ExactPending,
    Lattice,
    MaxPatients,
    Modified,
    RollingSix,
    SimulatePending,
    Titrate,
    make_scenarios,
)
from doseopt.clock.lattice import Gaps
from doseopt.clock.onset import Onset
from doseopt.designs.waiting import made_to_wait
from doseopt.engines.duration_pending import duration_law
from doseopt.engines.escalated import escalated_before_dlt
from doseopt.engines.ways import fates_of

RATES = [(0.2, 0.35, 0.5), (0.05, 0.1, 0.3), (0.2, 0.35, 0.5), (0.4, 0.5, 0.6)]
MODERATE = [(0.15, 0.3, 0.4), (0.15, 0.3, 0.4), (0.0, 0.5, 1.0), (0.15, 0.3, 0.4)]
SCENARIOS = make_scenarios(RATES, p_moderate=MODERATE)
UNIFORM = Onset("uniform")
DESIGNS = {
    "tite_crm": TITECRM(3, 0.25, (0.06, 0.25, 0.38), cohort=1),
    "tite_boin": TITEBOIN(3, 0.25),
    "rolling_six": RollingSix(3, 0.25),
}
WAYS = {
    "grade2": Titrate(until="grade2"),
    "second, pairs": Titrate(until="second_grade2", cohort=2, at_last="fill"),
    "three_new": Titrate(after="three_new", levels=2),
    "both": Titrate(until="grade2", after="three_new", cohort=2, at_last="next"),
}


def laid(name, way, most=9):
    return Modified(DESIGNS[name], (WAYS[way], MaxPatients(n=most)))


def ends(outcomes, scenario):
    """Probability of each ending."""
    at, found = outcomes.isel(scenario=scenario), {}
    each = (at[part].values.tolist() for part in ("n", "y", "selected", "stop", "weight"))
    for n, y, mtd, stop, weight in zip(*each, strict=True):
        key = tuple(n), tuple(y), mtd, outcomes["stop_reason"].values[stop]
        found[key] = found.get(key, 0) + weight
    return {key: weight for key, weight in found.items() if weight > 1e-15}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", DESIGNS)
def test_with_everybody_followed_up_it_is_the_titration_over_the_parent(name, way):
    design = laid(name, way)
    found, wanted = ExactPending(Lattice(1.0))(design, SCENARIOS), Exact()(made_to_wait(design), SCENARIOS)
    for scenario in range(len(RATES)):
        assert ends(found, scenario) == pytest.approx(ends(wanted, scenario), abs=1e-12)
        assert sum(ends(found, scenario).values()) == pytest.approx(1, abs=1e-12)


def test_by_hand():
    """Two patients, TITE-BOIN in pairs: the second goes up after neither; whoever comes in between is turned away.

    The first has a DLT in the first half of the window with probability 0.1, in the second 0.1; it is moderate in 0.3
    of the rest, and then the second patient is given the same dose after the whole window.
    """
    design = Modified(TITEBOIN(2, 0.25, cohort=2), (Titrate(until="grade2"), MaxPatients(n=2)))
    scenarios = make_scenarios([(0.2, 0.4)], p_moderate=[(0.3, 0.9)])
    outcomes = ExactPending(Lattice(2.0))(design, scenarios).isel(scenario=0)
    up = outcomes["n"].values[:, 1] == 1
    assert outcomes["weight"].values[up].sum() == pytest.approx(0.8 * 0.7, abs=1e-13)
    assert (outcomes["weight"] * outcomes["turned_away"]).sum().item() == pytest.approx(0.9, abs=1e-13)


def test_who_is_left_out_is_known_when_others_come():
    """A pair up, of whom the first has a DLT: nobody comes until the other is followed up, and two new ones count."""
    design = Modified(TITEBOIN(2, 0.25, cohort=2), (Titrate(after="three_new", cohort=2), MaxPatients(n=4)))
    outcomes = ExactPending(Lattice(2.0))(design, make_scenarios([(1.0, 1.0)])).isel(scenario=0)
    assert set(ends(outcomes.expand_dims("scenario"), 0)) == {((4, 0), (4, 0), 0, "max_patients")}
    # the third who comes is turned away if the DLT of the second is seen in the second half of the window
    assert (outcomes["weight"] * outcomes["turned_away"]).sum().item() == pytest.approx(0.5, abs=1e-13)
    crm = TITECRM(2, 0.25, (0.1, 0.25), cohort=1)  # which by itself waits for nobody
    design = Modified(crm, (Titrate(after="three_new", cohort=2), MaxPatients(n=3)))
    outcomes = ExactPending(Lattice(2.0))(design, make_scenarios([(1.0, 1.0)])).isel(scenario=0)
    assert (outcomes["weight"] * outcomes["turned_away"]).sum().item() == pytest.approx(0.5, abs=1e-13)


@pytest.mark.parametrize("name", DESIGNS)
def test_what_is_said_of_time_is_that_of_simulated_trials(name):
    design, p, beside = laid(name, "both", 7), np.array(RATES), np.array(MODERATE)
    exact, lattice = ExactPending(Lattice(2.0))(design, SCENARIOS), Lattice(2.0)
    mean = (exact["weight"] * exact["time"]).sum("ending").values
    times, chance = duration_law(design, lattice, UNIFORM, p, moderate=beside)
    assert chance @ times == pytest.approx(mean, abs=1e-10)
    hasty = escalated_before_dlt(design, lattice, UNIFORM, p, moderate=beside)
    drawn = SimulatePending(Gaps(2.0, "fixed"), UNIFORM, 4000)(design, SCENARIOS)
    turned = (exact["weight"] * exact["turned_away"]).sum("ending").values
    for found, variable in ((hasty, "escalated_before_dlt"), (turned, "turned_away")):
        error = drawn[variable].std("ending").values / np.sqrt(4000)
        assert (np.abs(drawn[variable].mean("ending").values - found) <= 4.5 * error + 1e-9).all()


def test_calendars_at_equal_gaps_are_the_lattice():
    design = laid("tite_boin", "both", 7)
    found = ExactCalendars(Gaps(2.0, "fixed"), UNIFORM, 2)(design, SCENARIOS)
    wanted = ExactPending(Lattice(2.0))(design, SCENARIOS)
    for scenario in range(len(RATES)):
        assert ends(found, scenario) == pytest.approx(ends(wanted, scenario), abs=1e-12)


@pytest.mark.parametrize("reading", ["complete", "replace", "exclude"])
def test_where_other_events_happen(reading):
    """A patient who is followed up, or counts as such, may have had a moderate toxicity; one who is lost has none."""
    design = Modified(TITEBOIN(2, 0.25, cohort=2), (Titrate(until="grade2", cohort=2), MaxPatients(n=4)))
    scenarios = scenarios_of(((0.3, reading, 0.0),), [(0.1, 0.3), (0.4, 0.55)])
    scenarios["p_moderate"] = (("scenario", "dose"), np.array([(0.2, 0.4), (0.3, 0.1)]))
    assert fates_of(scenarios, CONSTANT) is not None
    exact = ExactPending(Lattice(2.0), CONSTANT)(design, scenarios)
    drawn = SimulatePending(Gaps(2.0, "fixed"), CONSTANT, 4000)(design, scenarios)
    for scenario in range(2):
        found, share = ends(exact, scenario), ends(drawn, scenario)
        assert sum(found.values()) == pytest.approx(1, abs=1e-12)
        for key in found.keys() | share.keys():
            chance = found.get(key, 0)
            assert abs(share.get(key, 0) - chance) <= 4.5 * np.sqrt(chance * (1 - chance) / 4000) + 1e-3
