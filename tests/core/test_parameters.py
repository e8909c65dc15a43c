import math
from dataclasses import FrozenInstanceError, dataclass

import pytest

from doseopt.core.parameters import Domain, Fault, Faults, check, declared, faults_of, nearest, param


@dataclass(frozen=True)
class Rule:
    rate: float = param(kind=float, low=0, high=1, open_low=True, doc="a rate")
    patients: int = param(3, low=1)
    how: str = param("mean", choices=("mean", "plugin"))
    strict: bool = param(False)
    limit: float | None = param(None, kind=float, low=0, high=1, optional=True)
    note: str = "not declared"

    def __post_init__(self):
        check(self)


@pytest.mark.parametrize(
    ("domain", "value", "wanted"),
    [
        (Domain(float, 0, 1), 0, None),
        (Domain(float, 0, 1), 1.0, None),
        (Domain(float, 0, 1), 1.5, "wanted a number in [0, 1], got 1.5"),
        (Domain(float, 0, 1, open_low=True), 0.0, "wanted a number in (0, 1], got 0.0"),
        (Domain(float, 0, 1, open_high=True), 1, "wanted a number in [0, 1), got 1"),
        (Domain(float, 0), -1.0, "wanted a number of at least 0, got -1.0"),
        (Domain(float, 0, open_low=True), 0.0, "wanted a number above 0, got 0.0"),
        (Domain(float), "x", "wanted a number, got 'x'"),
        (Domain(float), math.nan, "wanted a number, got nan"),
        (Domain(float), math.inf, "wanted a number, got inf"),
        (Domain(float, 0, 1), True, "wanted a number in [0, 1], got True"),
        (Domain(int, 1), 2, None),
        (Domain(int, 1), 2.0, "wanted a whole number of at least 1, got 2.0"),
        (Domain(int, 1), True, "wanted a whole number of at least 1, got True"),
        (Domain(int, 1), None, "wanted a whole number of at least 1, got None"),
        (Domain(int, 1, optional=True), None, None),
        (Domain(bool), 1, "wanted true or false, got 1"),
        (Domain(bool), True, None),
        (Domain(str), 3, "wanted text, got 3"),
        (Domain(str, choices=("up", "down")), "up", None),
        (
            Domain(str, choices=("upward", "down")),
            "upwards",
            "wanted one of 'upward', 'down', got 'upwards'; did you mean 'upward'?",
        ),
        (Domain(str, choices=("up", "down")), "zzz", "wanted one of 'up', 'down', got 'zzz'"),
        (Domain(str, choices=("up", "down")), ["up"], "wanted one of 'up', 'down', got ['up']"),
        (Domain(object, custom=lambda v: None if v == 7 else "wanted seven"), 8, "wanted seven"),
    ],
)
def test_a_fault_says_what_was_wanted_and_what_came(domain, value, wanted):
    assert domain.fault(value) == wanted


def test_all_faults_of_an_object_come_together():
    with pytest.raises(Faults) as caught:
        Rule(rate=0.0, patients=0, how="mode", strict="no", limit=2.0)
    assert [f.where for f in caught.value.faults] == ["rate", "patients", "how", "strict", "limit"]
    lines = str(caught.value).splitlines()
    assert lines[0] == "Rule: 5 faults"
    assert lines[1] == "  rate: wanted a number in (0, 1], got 0.0"
    assert len(lines) == 6


def test_one_fault_is_counted_as_one():
    with pytest.raises(Faults) as caught:
        Rule(rate=2.0)
    assert str(caught.value) == "Rule: 1 fault\n  rate: wanted a number in (0, 1], got 2.0"


def test_faults_between_parameters_stand_beside_the_single_ones():
    rule = Rule(rate=0.5)
    with pytest.raises(Faults) as caught:
        check(rule, [Fault("patients", "too many")])
    assert caught.value.faults == (Fault("patients", "too many"),)


def test_faults_without_a_title_are_their_lines():
    assert str(Faults([Fault("a.b", "wrong"), Fault("", "all wrong")])) == "a.b: wrong\nall wrong"


def test_a_valid_object_is_frozen_and_keeps_its_values():
    rule = Rule(rate=0.25)
    assert (rule.patients, rule.how, rule.strict, rule.limit) == (3, "mean", False, None)
    with pytest.raises(FrozenInstanceError):
        rule.patients = 4


def test_only_declared_fields_are_declared():
    assert list(declared(Rule)) == ["rate", "patients", "how", "strict", "limit"]
    assert declared(Rule)["rate"].metadata["doc"] == "a rate"
    assert faults_of(Rule, {"note": 3, "patients": 0}) == [
        Fault("patients", "wanted a whole number of at least 1, got 0")
    ]


@pytest.mark.parametrize(
    ("inner", "prefix", "outer"),
    [("n", "modifiers", "modifiers.n"), ("[2]", "rates", "rates[2]"), ("", "designs", "designs")],
)
def test_a_path_grows_outwards(inner, prefix, outer):
    assert Fault(inner, "m").under(prefix) == Fault(outer, "m")


def test_the_nearest_name_is_offered_or_else_all_of_them():
    assert nearest("skeletn", ["skeleton", "prior_sd"]) == "; did you mean 'skeleton'?"
    assert nearest("zzz", ["skeleton", "prior_sd"]) == "; known: skeleton, prior_sd"
    assert nearest("zzz", []) == ""
