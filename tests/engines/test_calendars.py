"""Calendars of arrivals: exact given one, by enumeration and by numbers of others; and trials in continuous time."""

import dataclasses
import itertools

import numpy as np
import pytest
from pending_trials import CAP, Mini, rows, rule, select, tite_crm, vector

from doseopt import (
    BOIN,
    TITEBOIN,
    TITECRM,
    Exact,
    ExactCalendars,
    ExactPending,
    Faults,
    Lattice,
    MaxPatients,
    Modified,
    MTDRule,
    NoSkipping,
    RollingSix,
    Simulate,
    SimulatePending,
    ThreePlusThree,
    judged,
    make_scenarios,
    operating_characteristics,
)
from doseopt.clock.lattice import Calendar, Gaps
from doseopt.clock.onset import Onset
from doseopt.core.state import CONTINUE, Decision
from doseopt.designs.interval import DOWN
from doseopt.engines.escalated import escalated_before_dlt
from doseopt.engines.pending import Walk
from doseopt.engines.ways import TIME, WEIGHT, Law
from doseopt.measures.first_right import first_right

DAYS = [0.3, 0.5, 1.1, 1.15, 1.6, 2.9, 3.0, 3.4, 4.4, 6.0]
UNIFORM = Onset("uniform")


def enumerate_calendar(days, p, reached):
    """Endings of the small rule of test_pending with patients who come on given days: every history."""
    found = {}

    def end(chance, patients, stop):
        n = tuple(sum(d == k for d, _, _ in patients) for k in (0, 1))
        y = tuple(sum(d == k and x for d, _, x in patients) for k in (0, 1))
        key = n, y, select(n, y, stop), stop
        found[key] = found.get(key, 0.0) + chance

    def follow(chance, patients, stop, now):
        """Give each pending patient an outcome at once."""
        ways = []
        for dose, came, dlt in patients:
            if dlt is not None:
                ways.append([(1.0, dlt)])
                continue
            alive = 1 - reached(now - came, p[dose])
            ways.append([((p[dose] - 1 + alive) / alive, True), ((1 - p[dose]) / alive, False)])
        for way in itertools.product(*ways):
            patients_ = [(d, c, x) for (d, c, _), (_, x) in zip(patients, way, strict=True)]
            end(chance * np.prod([c for c, _ in way]), patients_, stop)

    def meet(number, chance, patients, dose, left):
        now = days[number]
        n = [sum(d == k and x is not None for d, _, x in patients) for k in (0, 1)]
        y = [sum(d == k and bool(x) for d, _, x in patients) for k in (0, 1)]
        waiting = [(d, now - came) for d, came, x in patients if x is None]
        to, size, stop = rule(n, y, waiting, dose) if left == 0 else (dose, left, 0)
        if stop:
            follow(chance, patients, stop, now)
            return
        if size:
            patients, dose, left = [*patients, (to, now, None)], to, size - 1
            if len(patients) == CAP:
                follow(chance, patients, 2 if y[0] < 2 else None, now)
                return
        grow(number, chance, [], patients, dose, left)

    def grow(number, chance, done, rest, dose, left):
        if not rest:
            meet(number + 1, chance, done, dose, left)
            return
        (at, came, dlt), *others = rest
        if dlt is not None:
            grow(number, chance, [*done, rest[0]], others, dose, left)
            return
        before, after = (min(days[number + i] - came, 1.0) for i in (0, 1))
        alive = 1 - reached(before, p[at])
        hazard = (reached(after, p[at]) - 1 + alive) / alive
        grow(number, chance * hazard, [*done, (at, came, True)], others, dose, left)
        free = (at, came, False if after >= 1 else None)
        grow(number, chance * (1 - hazard), [*done, free], others, dose, left)

    meet(0, 1.0, [], -1, 0)
    return found


@pytest.mark.parametrize("kind", ["uniform", "constant"])
def test_given_the_calendar_every_history(kind):
    """At the cap the rule is asked when all is known: two DLTs at the lower dose are its first reason then, too."""
    onset, p = Onset(kind), (0.35, 0.5)
    law = Law(onset) if kind == "uniform" else Law(onset, np.array([p]))
    ends = Walk(Mini(), Calendar(np.array(DAYS)), law).ends()
    weight = ends.sums[WEIGHT, 0]
    if kind == "uniform":
        weight = weight * np.prod(np.array(p) ** ends.y * (1 - np.array(p)) ** (ends.n - ends.y), axis=1)
    assert weight.sum() == pytest.approx(1, abs=1e-13)
    found = {}
    for (n, y, _, stop), chance in enumerate_calendar(
        DAYS, p, lambda share, rate: float(onset.reached(np.array(share), np.array(rate)))
    ).items():
        asked = stop if sum(n) < CAP else rule(list(n), list(y), [], 0)[2]
        key = n, y, select(n, y, asked), asked
        found[key] = found.get(key, 0.0) + chance
    each = zip(ends.n.tolist(), ends.y.tolist(), ends.selected.tolist(), ends.stop.tolist(), weight, strict=True)
    assert {(tuple(n), tuple(y), k, s): w for n, y, k, s, w in each} == pytest.approx(found, abs=1e-13)


def test_time_of_the_last_outcome_by_a_fine_grid():
    """Two patients at 0.3 and 0.5 whose DLTs are uniform in the window: the later of the times that they are known."""
    design = Modified(RollingSix(doses=1, target=0.25), (MaxPatients(n=2),))
    p = 0.4
    ends = Walk(design, Calendar(np.array([0.3, 0.5, 9.0])), Law(UNIFORM, np.array([[p]]))).ends()
    u = (np.arange(4000) + 0.5) / 4000
    one, two = (np.where(u < p, u / p, 1.0) + day for day in (0.3, 0.5))
    assert ends.sums[WEIGHT].sum() == pytest.approx(1)
    assert ends.sums[TIME].sum() == pytest.approx(np.maximum(one[:, None], two[None, :]).mean(), abs=1e-6)


@pytest.mark.parametrize(
    "row",
    [
        *rows("titecrm_poisson_conditional", rate_per_window=("1", "2")),
        *(pytest.param(r, marks=pytest.mark.slow) for r in rows("titecrm_poisson_conditional", rate_per_window=("4",))),
    ],
    ids=lambda r: r["scenario"] + r["rate_per_window"],
)
def test_poisson_arrivals(row):
    """Selection over drawn calendars, each exact, against another draw of calendars."""
    prior = rows("titecrm_exact_fixed")[0]["prior"]
    design = tite_crm(row | {"prior": prior})
    outcomes = ExactCalendars(Gaps(float(row["rate_per_window"])), calendars=12)(
        design, make_scenarios([vector(row["p"])], ["one"])
    )
    found = operating_characteristics(judged(outcomes, MTDRule(target=0.25))).isel(scenario=0)
    error = np.hypot(found["selection_mcse"].values, vector(row["se_sel"]))
    assert (np.abs(found["selection"].values - vector(row["sel"])) < 4 * error).all()


@pytest.mark.parametrize("onset", [UNIFORM, Onset("weibull", late=0.7)], ids=lambda onset: onset.kind)
def test_averages_over_calendars_and_their_error_are_those_of_walks_through_each(onset):
    design = Modified(TITEBOIN(doses=4, target=0.25, cohort=1), (MaxPatients(n=7),))
    engine = ExactCalendars(Gaps(2.0), onset, calendars=5, seed=3)
    outcomes = judged(engine(design, SCENARIOS), MTDRule(target=0.25))
    found = operating_characteristics(outcomes).assign(first_right(outcomes))
    rows = SCENARIOS["p_dlt"].values
    each = {name: [] for name in ("selection", "sample_size", "total_dlts", "overdosed_60", "first")}
    for ends, weight, entries in engine.each(design, rows):
        assert weight.sum(axis=1) == pytest.approx(1, abs=1e-12)
        each["selection"].append(weight @ (ends.selected[:, None] == np.arange(4)))
        each["sample_size"].append(weight @ ends.n.sum(axis=1))
        each["total_dlts"].append(weight @ ends.y.sum(axis=1))
        above = [10 * ends.n[:, right:].sum(axis=1) > 6 * ends.n.sum(axis=1) for right in (3, 1)]
        each["overdosed_60"].append([chance @ high for chance, high in zip(weight, above, strict=True)])
        _, dose, patients = (entries[f"entry_{name}"][1] for name in ("given", "dose", "patients"))
        at = entries["entry_weight"][1][0] * ((dose == 2) | (dose == -1)) * ~entries["entry_given"][1][:, 2]
        each["first"].append(at @ patients)
    names = {"first": "patients_before_first_right"}
    for name, values in each.items():
        mean, error = (found[names.get(name, name) + end].values for end in ("", "_mcse"))
        mean, error = (mean[0], error[0]) if name == "first" else (mean, error)
        assert mean == pytest.approx(np.mean(values, axis=0), abs=1e-12), name
        assert error == pytest.approx(np.std(values, axis=0, ddof=1) / np.sqrt(5), abs=1e-12), name
        assert np.max(error) > 0


SCENARIOS = make_scenarios([(0.05, 0.15, 0.3, 0.45), (0.25, 0.35, 0.5, 0.6)], ["C", "D"])
DESIGNS = {
    "rolling six": RollingSix(doses=4, target=0.25),
    "TITE-BOIN": Modified(TITEBOIN(doses=4, target=0.25, cohort=1), (MaxPatients(n=12),)),
}


def selection(outcomes):
    chosen = outcomes["selected"].values[..., None] == np.arange(-1, 4)
    weights = outcomes["weight"].values[:, None, :]
    return (weights @ (chosen if chosen.ndim == 3 else chosen[None]))[:, 0]


@pytest.mark.parametrize("name", DESIGNS)
@pytest.mark.parametrize("onset", [UNIFORM, Onset("weibull", late=0.7)], ids=lambda onset: onset.kind)
def test_simulated_trials_agree_with_exact_ones_at_equal_gaps(name, onset):
    """Arrivals begin one gap later, and a DLT is known at once, not at the end of its slot: half a gap at the most."""
    trials = 4_000
    simulated = SimulatePending(Gaps(2.5, "fixed"), onset, trials, seed=5)(DESIGNS[name], SCENARIOS)
    exact = ExactPending(Lattice(2.5, opened=1.0), onset)(DESIGNS[name], SCENARIOS)
    known = selection(exact)
    error = np.sqrt(known * (1 - known) / trials) + 1e-4
    assert (np.abs(selection(simulated) - known) < 4 * error).all()
    hasty = simulated["escalated_before_dlt"].values
    expected = escalated_before_dlt(DESIGNS[name], Lattice(2.5, opened=1.0), onset, SCENARIOS["p_dlt"].values)
    error = np.sqrt(expected * (1 - expected) / trials)
    assert (np.abs(hasty.mean(axis=1) - expected) < 4 * error).all()
    assert (expected > 0.001).all()
    for measure in ("turned_away", "decisions", "pending", "while_pending", "closed"):
        values = simulated[measure].values
        mean, error = values.mean(axis=1), values.std(axis=1) / np.sqrt(trials)
        expected = (exact["weight"] * exact[measure]).sum("ending").values
        tolerance = 4 * error + (0.02 * expected if name == "rolling six" else 0)  # its last decision is due at an end
        assert (np.abs(mean - expected) < tolerance + 1e-9).all(), measure
    late = (exact["weight"] * exact["time"]).sum("ending").values - simulated["time"].values.mean(axis=1)
    assert (late > -0.1).all()
    assert (late < 0.4).all()


@dataclasses.dataclass(frozen=True)
class LikeTITEgBOIN(TITEBOIN):
    """Also waits where it wants to go below the lowest dose and patients are pending, as TITEgBOIN does."""

    def decide(self, state, pending=None):
        given, here = super().decide(state, pending), pending.dose == state.dose[:, None]
        n, s = (tally[state.at, state.dose] for tally in (state.treated(pending).n, state.y))
        c, follow_up = here.sum(axis=1), np.where(here, pending.share, 0.0).sum(axis=1)
        fractions = s / np.maximum(n, 1), self._fraction(n, s, c, follow_up)
        down = np.any([self.compare(fraction) == DOWN for fraction in fractions], axis=0)
        waits = down & (state.dose == 0) & (c > 0) & (given.stop == CONTINUE)
        return Decision(given.dose, np.where(waits, 0, given.size), given.stop)


PEERS = [*(row for row in rows("titeboin_oc") if row["design"] == "TITE-BOIN"), *rows("titecrm_oc")]
"""Simulated by TITEgBOIN and dfcrm. dfcrm's cells share one seed, so that what is off in one may be so in all."""


@pytest.mark.parametrize("row", PEERS, ids=lambda r: "-".join(list(r.values())[i] for i in (0, 1, 3, 8, 9)))
def test_trials_that_peers_simulated(row):
    """Selection, of none too, within four standard errors of both simulations."""
    trials, theirs = 3_000, int(row["ntrial"])
    if row["design"] == "TITE-CRM":
        skeleton = tuple(vector(row["prior"]))
        base = TITECRM(doses=4, target=0.25, skeleton=skeleton, cohort=1, weights=row["scheme"])
        design = Modified(base, (NoSkipping(), MaxPatients(n=18)))
        gaps, onset = Gaps(float(row["rate_per_window"]), row["accrual"]), UNIFORM
    else:
        base = LikeTITEgBOIN(doses=4, target=float(row["target"]), estimate="ess")
        design = Modified(base, (MaxPatients(n=24),))
        gaps, onset = Gaps(float(row["accrual_per_window"])), Onset("weibull", late=float(row["late_fraction"]))
    outcomes = SimulatePending(gaps, onset, trials, seed=7)(design, make_scenarios([vector(row["p"])], ["one"]))
    found = selection(outcomes)[0]
    known = np.array([1 - vector(row["sel"]).sum(), *vector(row["sel"])])
    pooled = (trials * found + theirs * known) / (trials + theirs)
    error = np.sqrt(pooled * (1 - pooled) * (1 / trials + 1 / theirs))
    assert (np.abs(found - known) < 4 * error + 5e-4).all()


def test_the_same_patients_as_in_trials_that_wait():
    """At a pace so slow that nobody is ever pending each simulated trial is that of the parent."""
    cap = (MaxPatients(n=12),)
    ours = SimulatePending(Gaps(0.5, "fixed"), trials=500)(DESIGNS["TITE-BOIN"], SCENARIOS)
    theirs = Simulate(trials=500)(Modified(BOIN(doses=4, target=0.25, cohort=1), cap), SCENARIOS)
    for name in ("n", "y", "selected", "stop"):
        assert ours[name].values.tolist() == theirs[name].values.tolist(), name
    assert entries_of(ours) == entries_of(theirs)


def entries_of(outcomes):
    """Weights of the entries by what they are, in whatever order they come."""
    kinds = np.column_stack([outcomes[name].to_numpy() for name in ("entry_given", "entry_patients", "entry_dose")])
    weights = outcomes["entry_weight"].transpose("entry", "scenario").to_numpy()
    return dict(zip(map(tuple, kinds.tolist()), weights.tolist(), strict=True))


def test_dlts_come_when_the_law_says():
    """The share of the window that a uniform number stands for is where the law of the onset reaches it."""
    u = np.array([0.01, 0.1, 0.2, 0.29, 0.3, 0.8])
    for onset in (
        UNIFORM,
        Onset("constant"),
        Onset("weibull", late=0.8),
        Onset("visits", shares=(0.4, 0.6), ends=(0.5, 1.0)),
    ):
        share = onset.when(u, np.array(0.3))
        assert share[4:].tolist() == [1, 1]
        assert onset.reached(share[:4], np.array(0.3)) == pytest.approx(u[:4])


def test_who_does_not_decide_on_pending_patients_is_refused():
    for engine in (ExactCalendars(Gaps(1.0)), SimulatePending(Gaps(1.0))):
        with pytest.raises(Faults, match="wanted one that decides while patients are pending"):
            engine(ThreePlusThree(doses=4, target=0.25), SCENARIOS)


@pytest.mark.parametrize(
    "row", [r for r in rows("titeboin_oc") if r["design"] != "TITE-BOIN"], ids=lambda row: row["scenario"]
)
def test_full_follow_up_that_a_peer_simulated(row):
    """BOIN's exact selection within four standard errors of TITEgBOIN's."""
    design = Modified(BOIN(doses=4, target=float(row["target"])), (MaxPatients(n=int(row["N"])),))
    found = selection(Exact()(design, make_scenarios([vector(row["p"])], ["one"])))[0, 1:]
    error = np.sqrt(found * (1 - found) / int(row["ntrial"]))
    assert (np.abs(found - vector(row["sel"])) < 4 * error).all()
