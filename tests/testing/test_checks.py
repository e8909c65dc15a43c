"""Every conformance check finds the faults that were planted for it, and says what they are."""

import dataclasses
import itertools
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from doseopt import BOIN, CRM
from doseopt.core.design import Phase, Row
from doseopt.core.state import Decision
from doseopt.designs.defaults import Defaults
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import CohortsInOrder, NoSkipping
from doseopt.designs.modifiers.rule import Rule
from doseopt.engines.budget import TooManyStates
from doseopt.measures.metric import Metric
from doseopt.models.curves import Empiric, TwoParameterLogistic
from doseopt.testing import check_design, check_metric, check_model, check_modifier

CALLS = itertools.count()


@dataclass(frozen=True)
class Sound(Defaults):
    """Up one level after a cohort without DLT at the dose, else down; 12 patients."""

    doses: int = 3
    target: float = 0.25

    @property
    def facts(self):
        return dataclasses.replace(super().facts, stops=("full",), ends=True, skips=False)

    def first(self):
        return Decision(np.array([0]), np.array([2]), np.array([0]))

    def decide(self, state):
        clean = state.y[state.at, state.dose] == 0
        dose = np.clip(state.dose + np.where(clean, 1, -1), 0, self.doses - 1)
        return Decision(dose, np.full(len(state), 2), (state.total >= 12).astype(int))

    def select(self, state, stop):
        return state.dose

    def describe(self):
        return [Row("moves", "up after none, else down")]


class Impure(Sound):
    """State outside the design: every other call stays."""

    def decide(self, state):
        given = super().decide(state)
        return given if next(CALLS) % 2 else dataclasses.replace(given, dose=state.dose)


class ByChance(Sound):
    def decide(self, state):
        given = super().decide(state)
        return dataclasses.replace(
            given, dose=np.where(np.random.default_rng().random(len(state)) < 0.5, 0, given.dose)
        )


class KeepsOnItself(Sound):
    """State on the object: what it was asked last."""

    def decide(self, state):
        given = super().decide(state)
        low = getattr(self, "seen", 0) > 200
        object.__setattr__(self, "seen", getattr(self, "seen", 0) + len(state))
        return dataclasses.replace(given, dose=0 * given.dose if low else given.dose)


class ByPosition(Sound):
    """Every third trial of a batch stays."""

    def decide(self, state):
        given = super().decide(state)
        return dataclasses.replace(given, dose=np.where(state.at % 3 == 2, state.dose, given.dose))


class ByBatchSize(Sound):
    def decide(self, state):
        given = super().decide(state)
        return dataclasses.replace(given, size=np.full(len(state), 2 if len(state) < 40 else 1))


class SelectsByNeighbour(Sound):
    """The MTD of one trial is that of the trial beside it."""

    def select(self, state, stop):
        return np.roll(state.dose, 1)


class Skips(Sound):
    def decide(self, state):
        given = super().decide(state)
        return dataclasses.replace(given, dose=np.where(given.dose > state.dose, self.doses - 1, given.dose))


class Excluding(Sound):
    """A dose with two DLTs is excluded, and all above it; never the lowest."""

    def admissible(self, state):
        return ~np.logical_or.accumulate(state.y >= 2, axis=1) | (np.arange(self.doses) == 0)


class GivesInadmissible(Excluding):
    def decide(self, state):
        up = np.minimum(state.highest_tried + 1, self.doses - 1)
        return dataclasses.replace(super().decide(state), dose=up)


class SelectsInadmissible(Excluding):
    def decide(self, state):
        return dataclasses.replace(super().decide(state), dose=0 * state.dose)

    def select(self, state, stop):
        return np.full(len(state), self.doses - 1)


class Remembering(Sound):
    """Keeps the number of cohorts with a DLT."""

    @property
    def facts(self):
        return dataclasses.replace(super().facts, memory=("toxic_cohorts",))

    def remember(self, before, given, outcome):
        return before.memory + (outcome[:, :1] > 0)


class ForgetsAll(Remembering):
    def remember(self, before, given, outcome):
        return np.zeros((len(before), 1), np.int64)


class WrongShape(Remembering):
    def remember(self, before, given, outcome):
        return np.zeros((len(before), 0), np.int64)


class WrongShapeLater(Remembering):
    def remember(self, before, given, outcome):
        return np.repeat(before.memory, 1 + (before.total[0] > 4), axis=1)


class WrongKind(Remembering):
    def remember(self, before, given, outcome):
        return outcome[:, :1] / 2


class ForgetsWhenSplit(Remembering):
    """The memory of a batch with few trials is lost."""

    def remember(self, before, given, outcome):
        kept = super().remember(before, given, outcome)
        return kept if len(before) < 60 else kept * 0


class NeverStops(Sound):
    def decide(self, state):
        return dataclasses.replace(super().decide(state), stop=np.zeros(len(state), np.int64))


class UnknownReason(Sound):
    def decide(self, state):
        given = super().decide(state)
        return dataclasses.replace(given, stop=7 * given.stop)


class Silent(Sound):
    def describe(self):
        return []


@pytest.mark.parametrize("sound", [Sound(), Remembering(), Modified(Skips(doses=4), (NoSkipping(),))])
def test_sound_designs_pass(sound):
    assert check_design(sound).counts()["endings"] > 0


HIDDEN, BEYOND = "draws at random or keeps something", "depends on more than the state"


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (Impure, rf"wanted decide\(\) to answer alike when asked twice; got another answer after n=.*{HIDDEN}"),
        (ByChance, rf"wanted decide\(\) to answer alike when (asked twice|a fresh copy is asked); .*{HIDDEN}"),
        (KeepsOnItself, rf"wanted decide\(\) to answer alike when a fresh copy is asked; .*{HIDDEN}"),
        (ByPosition, rf"wanted decide\(\) to answer alike when the batch is .*; got another answer after n=.*{BEYOND}"),
        (ByBatchSize, rf"wanted decide\(\) to answer alike when the batch is .*{BEYOND}"),
        (SelectsByNeighbour, rf"wanted select\(\) to answer alike when the batch is .*{BEYOND}"),
        (
            Skips,
            r"no untried dose skipped.*; got level 3, the highest tried being 1, after n=\[2, 0, 0\], y=\[0, 0, 0\]",
        ),
        (ForgetsAll, "memory 'toxic_cohorts' to differ between trials; got 0 in all: it is lost"),
        (WrongShape, r"remember\(\) to give whole numbers of shape \(3, 1\) .*; got int64 of shape \(3, 0\).*is lost"),
        (WrongShapeLater, r"remember\(\) to give whole numbers of shape \(\d+, 1\) .*; got int64 of shape \(\d+, 2\)"),
        (WrongKind, r"remember\(\) to give whole numbers .*; got float64"),
        (ForgetsWhenSplit, rf"wanted remember\(\) to answer alike when the batch is .*{BEYOND}"),
        (UnknownReason, r"wanted a stop code of 0 to 1, for \('full',\); got 7 after n="),
        (Silent, r"wanted describe\(\) to give rows; got \[\]"),
    ],
)
def test_planted_faults_of_designs_are_found(broken, told):
    with pytest.raises(AssertionError, match=told):
        check_design(broken())


def test_an_inadmissible_dose_is_found_whether_given_or_selected():
    with pytest.raises(
        ValueError, match=r"GivesInadmissible broke its own rule: .* it gives dose level \d to 2; wanted"
    ):
        check_design(GivesInadmissible())
    with pytest.raises(ValueError, match="SelectsInadmissible selects dose level 3, which it calls inadmissible"):
        check_design(SelectsInadmissible())


def test_a_design_that_never_stops_is_found():
    with pytest.raises(TooManyStates, match="simulate it"):
        check_design(NeverStops(), max_states=20_000)


def test_a_design_with_one_dose_that_never_stops_is_found_before_its_paths_overflow():
    with pytest.raises(TooManyStates):
        check_design(NeverStops(doses=1))


# Modifiers


@dataclass(frozen=True)
class Broken(Rule):
    """A rule that does what is asked of it by the tests."""

    does: str = "nothing"

    phase: ClassVar[Phase] = Phase.RESTRICT

    def __call__(self, state, given):
        if self.does == "raises":
            return dataclasses.replace(given, dose=np.minimum(given.dose + 1, state.n.shape[1] - 1))
        if self.does == "halves":
            return dataclasses.replace(given, dose=given.dose // 2)
        if self.does == "stops":
            return dataclasses.replace(given, stop=np.ones(len(state), np.int64))
        if self.does == "neighbour":
            return dataclasses.replace(given, dose=np.minimum(given.dose, np.roll(state.y.sum(axis=1), 1)))
        return given

    def describe(self):
        return [Row("broken", self.does)]


class BrokenSize(Broken):
    phase: ClassVar[Phase] = Phase.SIZE

    def __call__(self, state, given):
        return dataclasses.replace(given, dose=0 * given.dose, size=given.size)


class BrokenCap(Broken):
    phase: ClassVar[Phase] = Phase.CAP
    ends: ClassVar[bool] = True
    stops: ClassVar[tuple[str, ...]] = ("full",)

    def __call__(self, state, given):
        return dataclasses.replace(given, size=given.size + 1, stop=(state.total >= 9).astype(int))


def test_a_rule_that_does_nothing_passes():
    check_modifier(Broken(), BOIN(doses=3, target=0.25))


@pytest.mark.parametrize(
    ("modifier", "told"),
    [
        (
            Broken(does="raises"),
            "only a lower dose from a modifier of phase RESTRICT offered level 1.*; got dose level 2",
        ),
        (Broken(does="halves"), "a ceiling that does not depend on the dose proposed"),
        (Broken(does="stops"), "only a lower dose from a modifier of phase RESTRICT"),
        (BrokenSize(), "only another size, of a patient at least from a modifier of phase SIZE offered level 2"),
        (BrokenCap(), "only a smaller cohort, or a reason to stop that it declares from a modifier of phase CAP"),
    ],
)
def test_planted_faults_of_modifiers_are_found(modifier, told):
    with pytest.raises(AssertionError, match=told):
        check_modifier(modifier, CRM.example().base)


def test_a_modifier_that_looks_at_other_trials_is_found():
    with pytest.raises(AssertionError, match=BEYOND):
        check_modifier(Broken(does="neighbour"), CRM.example().base)


def test_memory_that_a_modifier_does_not_use_is_found():
    with pytest.raises(AssertionError, match="memory 'cohorts' to differ between trials"):
        check_modifier(CohortsInOrder(sizes=(2,)), CRM.example().base)


# Models


@dataclass(frozen=True)
class Twisted(Empiric):
    """Another curve in PyTensor than in NumPy."""

    def log_dlt_rate(self, theta, xp):
        return super().log_dlt_rate(theta, xp) * (1 if xp is np else 1 + 1e-6)


class Positive(Empiric):
    def log_dlt_rate(self, theta, xp):
        return -super().log_dlt_rate(theta, xp)


class Infinite(Empiric):
    def log_dlt_rate(self, theta, xp):
        return super().log_dlt_rate(theta, xp) * xp.where(theta > 1, np.inf, 1.0)


class Shapeless(Empiric):
    def log_dlt_rate(self, theta, xp):
        return super().log_dlt_rate(theta, xp)[..., :2]


class Crossing(Empiric):
    """The rates of the upper doses change places."""

    def log_dlt_rate(self, theta, xp):
        return super().log_dlt_rate(theta, xp) * xp.where(theta > 0.5, np.array([1.0, 1.0, 3.0]), 1.0)


class Unstable(Empiric):
    """Another prior whenever it is asked: quadrature then belongs to another model than the statement."""

    def prior(self):
        return dataclasses.replace(super().prior(), mean=(next(CALLS) / 100,))


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (Twisted, "NumPy and PyTensor to agree within 1e-10; got a difference of"),
        (Positive, "log DLT rates of at most 0"),
        (Infinite, "finite log DLT rates"),
        (Shapeless, r"log DLT rates of shape \(5, 8, 3\); got \(5, 8, 2\)"),
        (Crossing, "DLT rates in the order of the doses for all parameters; got another order at"),
        (Unstable, "wanted a posterior mean of .* within 1e-06 after n=.*; got"),
    ],
)
def test_planted_faults_of_models_are_found(broken, told):
    with pytest.raises(AssertionError, match=told):
        check_model(broken((0.1, 0.25, 0.4), 1.0))


def test_doses_of_a_model_may_stand_in_any_order_and_its_prior_may_be_correlated():
    check_model(TwoParameterLogistic((3.0, 1.0, 10.0), "mg", 3.0, (-1.0, 0.2), ((2.0, -0.5), (-0.5, 0.8))))


# Measures


def _size(endings, truth):
    return endings.total


def _uses_weight(endings, truth):
    return endings.weight * 1.0


def _uses_neighbours(endings, truth):
    return endings.total / endings.total.sum(axis=1, keepdims=True)


def _writes(endings, truth):
    endings.n[:] += 1
    return endings.n.sum(axis=-1) / 100


@pytest.mark.parametrize(
    ("metric", "told"),
    [
        (Metric(_size, "", "x", -1), "wanted units"),
        (Metric(_size, "patients", "", -1), "wanted a long_name"),
        (Metric(_size, "1", "x", -1), "wanted values of -2 to 1, the unit being '1'"),
        (
            Metric(lambda e, t: e.total.mean(axis=1, keepdims=True), "patients", "x", -1),
            "wanted a value at each ending",
        ),
        (Metric(lambda e, t: np.where(e.selected >= 0, e.total, np.nan), "patients", "x", -1), "wanted finite values"),
        (Metric(_uses_weight, "1", "x", -1), "the same value for an ending of another weight"),
        (Metric(_uses_neighbours, "1", "x", -1), "the same value for an ending alone"),
        (Metric(_writes, "1", "x", -1), "the outcomes left as they are"),
    ],
)
def test_planted_faults_of_measures_are_found(metric, told):
    with pytest.raises(AssertionError, match=told):
        check_metric(metric)
