"""What the library itself refuses is `Faults`, whatever type came; lists, arrays and NumPy numbers are taken."""

import dataclasses
import datetime
import math

import numpy as np
import pytest
from small_study import SMALL

from doseopt import BOIN, CRM, DESIGNS
from doseopt.attainable.attained import limits_of
from doseopt.beliefs import BELIEFS
from doseopt.beliefs.utility import Utility
from doseopt.comparison.compare import compare
from doseopt.conduct.next_dose import next_dose
from doseopt.conduct.posterior import analyse
from doseopt.core.parameters import Faults, declared
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MODIFIERS, CohortsByDose, EnoughAtDose, MaxPatients
from doseopt.designs.on_grid import OnGrid
from doseopt.designs.selecting import Selecting
from doseopt.engines.exact import Exact
from doseopt.engines.graph import build_graph
from doseopt.engines.simulate import ExactWherePossible, Simulate
from doseopt.models.choice import PosteriorModel
from doseopt.models.skeleton import IndifferenceInterval
from doseopt.records.trial import Trial
from doseopt.scenarios import TRANSFORMS, MTDRule, make_scenarios
from doseopt.scenarios.doses import Doses
from doseopt.scenarios.specs import FixedScenario
from doseopt.study.file import load_study, parse_study
from doseopt.study.study import Study


def rule_of(design):
    return design.base if isinstance(design, Modified) else design


OBJECTS = [
    *(rule_of(cls.example()) for cls in DESIGNS.values()),
    *(cls.example() for cls in MODIFIERS.values()),
    Doses(("a", "b"), (1.0, 2.0), "mg"),
    MTDRule(0.25),
    PosteriorModel(),
    Utility(),
    IndifferenceInterval(2, 0.05),
    BELIEFS["logistic"](2.0, 1.0),
    BELIEFS["scenarios"](),
    BELIEFS["generator"]("paoletti", 1),
    TRANSFORMS["actual_dose"](0.1),
    TRANSFORMS["misattribution"](0.1, 0.1),
    TRANSFORMS["mixture"]((0.1, 0.2), 0.5),
]
VALUES = [
    *(None, True, -1, 0, 1, 4, 10**30, 10**400, -(10**400), math.nan, math.inf, 0.5, 1e-320, 1e300, 3 + 4j),
    *("", "x", "a\n", b"x", [], [[]], [1, 2], [0.1, 0.2, 0.3, 0.4], [None], ["a", "a"], [""], [math.nan] * 4),
    *([1e308] * 4, [10**400, 10**401], [True, False], ((1, 0), (0, 1)), {}, {1, 2}, {"a": 1}, range(3), object, len),
    *(np.int64(3), np.float64(0.25), np.float32(0.25), np.bool_(True), np.array(3), np.array("x"), np.array([])),
    *(np.array([0.1, 0.2, 0.3, 0.4]), np.eye(2), np.datetime64("2020"), datetime.date(2020, 1, 1)),
]


@pytest.mark.parametrize("thing", OBJECTS, ids=lambda thing: type(thing).__name__)
@pytest.mark.parametrize("value", VALUES, ids=lambda value: repr(value)[:30])
@pytest.mark.filterwarnings("error")
def test_any_value_of_any_parameter_is_taken_or_refused(thing, value):
    for name in declared(type(thing)):
        try:
            made = dataclasses.replace(thing, **{name: value})
        except Faults:
            continue
        assert not isinstance(getattr(made, name), list | np.generic | np.ndarray)
        assert hash(made) == hash(dataclasses.replace(made))
        if hasattr(made, "describe"):
            assert made.describe()


def test_lists_and_arrays_of_numpy_give_the_same_design():
    plain = CRM(doses=3, target=0.25, skeleton=(0.1, 0.2, 0.3), cohort=2)
    for skeleton in ([0.1, 0.2, 0.3], np.array([0.1, 0.2, 0.3])):
        assert CRM(doses=np.int64(3), target=np.float64(0.25), skeleton=skeleton, cohort=np.int8(2)) == plain
    assert Modified(plain, [MaxPatients(n=np.int32(9))]) == Modified(plain, (MaxPatients(n=9),))
    assert CohortsByDose(sizes=np.array([1, 2])) == CohortsByDose(sizes=[1, 2]) == CohortsByDose(sizes=(1, 2))
    assert Doses(["a", "b"], np.array([1.0, 2.0]), "mg") == Doses(("a", "b"), (1.0, 2.0), "mg")
    assert FixedScenario(np.array([0.1, 0.2])) == FixedScenario([0.1, 0.2]) == FixedScenario((0.1, 0.2))
    assert EnoughAtDose(n=6, dose=np.int64(2)).describe() == EnoughAtDose(n=6, dose=2).describe()


BASE = BOIN(doses=2, target=0.25)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Modified(None, ()), "base: wanted a design, got None"),
        (lambda: Modified(BOIN, ()), "base: wanted a design, got <class"),
        (lambda: Modified(BASE, 5), "modifiers: wanted a list of modifiers, got 5"),
        (lambda: Modified(BASE, MaxPatients(n=9)), "modifiers: wanted a list of modifiers, got MaxPatients"),
        (lambda: Modified(BASE, ["x"]), r"modifiers\[0\]: wanted a modifier, got 'x'"),
        (lambda: Modified(BASE, [MaxPatients]), r"modifiers\[0\]: wanted a modifier, got <class"),
        (lambda: Selecting(BASE, "CRM"), "selector: wanted a design, or what selects among doses, got 'CRM'"),
        (lambda: OnGrid("BOIN", (1.0, 2.0), (0, 1)), "base: wanted a design, got 'BOIN'"),
        (lambda: CRM(doses="4", target=None, skeleton=3), r"doses: wanted a whole number in \[1, 1000\], got '4'"),
    ],
)
def test_what_is_no_design_or_modifier_is_named(make, said):
    with pytest.raises(Faults, match=said):
        make()


STUDY = {
    "title": "t",
    "target": 0.25,
    "mtd": MTDRule(0.25),
    "doses": Doses(("a", "b")),
    "scenario_specs": {"s": FixedScenario((0.1, 0.2))},
    "designs": {"b": BASE},
}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"title": 3}, "title: wanted text, got 3"),
        ({"target": "x"}, r"target: wanted a number in \(0, 1\)"),
        ({"mtd": "closest"}, "mtd: wanted a MTDRule, got 'closest'"),
        ({"doses": 4}, "doses: wanted a Doses, got 4"),
        ({"designs": BASE}, "designs: wanted a mapping of names, got BOIN"),
        ({"designs": {"b": "BOIN"}}, "designs.b: wanted a design, got 'BOIN'"),
        ({"designs": {"": BASE}}, "designs: wanted a name, got ''"),
        ({"designs": {3: BASE}}, "designs: wanted text, got 3"),
        ({"designs": {"b": BOIN(doses=3, target=0.25)}}, "designs.b: wanted 2 doses, as the study has, got 3"),
        ({"scenario_specs": [0.1, 0.2]}, "scenario_specs: wanted a mapping of names, got"),
        ({"scenario_specs": {"a\x1b[2J": FixedScenario((0.1, 0.2))}}, r"scenario_specs: .* got U\+001B"),
    ],
)
def test_a_study_names_what_is_wrong_with_its_parts(change, said):
    assert Study(**STUDY).scenarios.sizes == {"scenario": 1, "dose": 2}
    with pytest.raises(Faults, match=said):
        Study(**STUDY | change)


@pytest.mark.parametrize("name", ["reason", "source"])
@pytest.mark.parametrize("text", ["a\x1b[2J", "a\u202eb", "x" * 30_000, 5, None])
def test_the_texts_of_a_scenario_are_held_to_what_those_of_a_file_are(name, text):
    with pytest.raises(Faults, match=rf"^FixedScenario: 1 fault\n  {name}: wanted "):
        FixedScenario((0.1, 0.2), **{name: text})


@pytest.mark.parametrize("sd", [-1.0, 1001.0, 1e308, math.inf, math.nan])
def test_a_belief_is_as_wide_as_levels_can_be(sd):
    with pytest.raises(Faults, match=r"location_sd: wanted a number in \[0, 1000\]"):
        BELIEFS["logistic"](2.0, sd)


WHOLE = parse_study(SMALL)
DATA = Trial.from_outcomes("1N", WHOLE.doses)
CALLS = {
    "study of compare": compare,
    "engine": lambda value: compare(WHOLE, 0 if value is None else value),
    "max_states": lambda value: Exact(max_states=value),
    "settled": lambda value: Exact(settled=value),
    "exact": lambda value: ExactWherePossible(exact=value),
    "simulate": lambda value: ExactWherePossible(simulate=value),
    "design of a graph": build_graph,
    "states of a graph": lambda value: build_graph(BASE, max_states=value),
    "study of next_dose": lambda value: next_dose(value, DATA),
    "data of next_dose": lambda value: next_dose(WHOLE, value),
    "designs of next_dose": lambda value: next_dose(WHOLE, DATA, designs=value),
    "outcomes": lambda value: Trial.from_outcomes(value, WHOLE.doses),
    "study of limits_of": limits_of,
    "study of analyse": lambda value: analyse(value, DATA),
    "data of analyse": lambda value: analyse(WHOLE, value),
    "study of a file": load_study,
    "text of a study": parse_study,
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize(
    "value", [None, b"x", {"a": 1}, math.nan, 3 + 4j, object()], ids=lambda value: type(value).__name__
)
def test_an_argument_of_another_kind_is_refused(call, value):
    with pytest.raises(Faults, match="wanted"):
        call(value)


def test_an_engine_that_sees_no_end_says_what_to_add(monkeypatch):
    monkeypatch.setattr("doseopt.engines.simulate.MOST_COHORTS", 20)
    scenarios = make_scenarios([[0.1, 0.2]])
    with pytest.raises(Faults, match="max_patients"):
        Simulate(2)(BASE, scenarios)
