import dataclasses

import numpy as np
import pytest
import tomli_w
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from doseopt import BOIN, CRM, AcceleratedTitration, ThreePlusThree
from doseopt.beliefs import LogisticFamily
from doseopt.beliefs.utility import Utility
from doseopt.clock.arrivals import Accrual
from doseopt.clock.duration import Stagger
from doseopt.clock.onset import Onset
from doseopt.core.definition import Definition
from doseopt.core.parameters import Faults
from doseopt.core.text import name_fault
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, EnoughAtDose, MaxPatients, NoSkipping, RunIn, TooToxic
from doseopt.endpoints.historical import Historical
from doseopt.models.choice import PosteriorModel
from doseopt.models.skeleton import IndifferenceInterval
from doseopt.scenarios import ActualDose, Misattribution, Mixture, MTDRule
from doseopt.scenarios.obd_rule import OBDRule
from doseopt.scenarios.specs import FixedScenario, RandomScenarios
from doseopt.study.amendment import Proposal
from doseopt.study.clock import Clock
from doseopt.study.departure import Departure, Event
from doseopt.study.eligibility import Eligibility
from doseopt.study.file import DEFAULT_STUDY, load_study, parse_study
from doseopt.study.populations import Populations
from doseopt.study.silences import ElicitedEvent, Silences
from doseopt.study.study import Doses, Study
from doseopt.study.window_events import WindowEvents

# The bundled protocol


def bundled():
    return load_study()


def test_the_default_study_is_the_registered_protocol():
    study = bundled()
    assert study == load_study("renji-elo") == load_study(DEFAULT_STUDY)
    assert study.name == "renji-elo"
    assert study.registry == "NCT05727722"
    assert study.planned_enrolment == 10
    assert study.target == 0.25
    assert study.mtd == MTDRule(target=0.25, rule="closest", none_above=0.35)
    assert study.doses == Doses(("0.15", "0.5", "1.5", "4.5"), (0.15e9, 0.5e9, 1.5e9, 4.5e9), "cells", 0.20)


def test_the_registered_rule_is_read_as_documented():
    rule = AcceleratedTitration(
        doses=4,
        target=0.25,
        titrate=1,
        titration_cohort=1,
        trigger="first_dlt",
        after_dlt="fill",
        on_descent="three_then_six",
        confirm_top=True,
        mtd_at_cap="definition",
    )
    designs = bundled().designs
    assert designs["ATD+3+3 uncapped"] == rule
    assert designs["ATD+3+3 cap 10"] == Modified(rule, (MaxPatients(n=10),))


@pytest.mark.parametrize("cap", [10, 13, 25])
def test_crm_and_boin_begin_alike_select_alike_and_have_the_same_caps(cap):
    designs = bundled().designs
    crm = CRM(doses=4, target=0.25, skeleton=IndifferenceInterval(3, 0.05), cohort=3, select_untried=False)
    too_toxic = TooToxic(confidence=0.95)
    assert designs[f"CRM {cap}"] == Modified(
        crm, (RunIn(levels=1), NoSkipping(), Coherent(), too_toxic, MaxPatients(n=cap))
    )
    assert designs[f"BOIN {cap}"] == Modified(
        BOIN(doses=4, target=0.25, cohort=3), (RunIn(levels=1), MaxPatients(n=cap))
    )


def test_no_other_design_is_compared_and_none_stops_early_for_enough_patients():
    designs = bundled().designs
    assert len(designs) == 10
    for design in designs.values():
        assert design.facts.ends
        assert not any(isinstance(m, EnoughAtDose) for m in getattr(design, "modifiers", ()))
        assert design.facts.doses == 4


def test_the_scenarios_put_the_mtd_at_each_dose_twice_and_beyond_both_ends():
    study = bundled()
    scenarios = study.scenarios
    assert scenarios.sizes == {"scenario": 11, "dose": 4}
    assert all(len(reason) > 30 for reason in scenarios["reason"].to_numpy())
    named = dict(zip(scenarios["scenario"].to_numpy().tolist(), study.mtd.mtd(scenarios["p_dlt"]), strict=True))
    for label, level in zip(study.doses.labels, range(4), strict=True):
        assert named[f"MTD {label} steep"] == named[f"MTD {label} shallow"] == level
    assert named["too toxic"] == -1
    p = scenarios["p_dlt"].to_numpy()
    assert (np.diff(p, axis=1) > 0).all()
    assert p[[0, 1]].max() < 0.25
    for label in study.doses.labels:
        steep, shallow = (scenarios["p_dlt"].sel(scenario=f"MTD {label} {kind}") for kind in ("steep", "shallow"))
        assert float(steep[-1] - steep[0]) > float(shallow[-1] - shallow[0])


def test_no_bundled_scenario_holds_a_tie():
    for p in bundled().scenarios["p_dlt"].to_numpy():
        for target in (0.20, 0.25, 0.30):
            distance = np.sort(np.abs(p - target))
            assert distance[1] - distance[0] > 1e-6


# Writing and reading


RATES = st.integers(0, 1000).map(lambda k: k / 1000)
INNER = st.integers(1, 999).map(lambda k: k / 1000)
TARGETS = st.integers(10, 50).map(lambda k: k / 100)
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8).filter(
    lambda name: name_fault(name) is None
)


def rates(doses, elements=RATES):
    return st.lists(elements, min_size=doses, max_size=doses).map(tuple)


def scenarios(doses, has_values):
    transforms = [
        st.none(),
        st.builds(Misattribution, background=RATES, attributed=RATES),
        st.builds(Mixture, other=rates(doses), weight=RATES),
    ]
    if has_values:
        transforms.append(st.builds(ActualDose, tolerance=st.sampled_from([0.1, 0.2, 0.5])))
    fixed = st.builds(
        FixedScenario,
        p_dlt=rates(doses, INNER).map(sorted).map(tuple),
        p_moderate=rates(doses),
        reason=NAMES | st.just(""),
        source=NAMES | st.just(""),
        transform=st.one_of(transforms),
    )
    drawn = st.builds(RandomScenarios, st.sampled_from(["paoletti", "clertant"]), st.integers(1, 3), st.integers(0, 9))
    return st.dictionaries(NAMES, fixed | drawn if doses > 1 else fixed, min_size=1, max_size=3)


def bases(doses):
    shared = {"doses": st.just(doses), "target": TARGETS, "start": st.integers(1, doses)}
    descent = st.sampled_from([("three_then_six", True), ("six", False), ("declare", False)])
    cap = st.sampled_from(["definition", "not_excluded"])
    three = st.builds(
        lambda d, **k: ThreePlusThree(on_descent=d[0], confirm_top=d[1], **k), descent, mtd_at_cap=cap, **shared
    )
    titration = st.builds(
        AcceleratedTitration,
        titrate=st.integers(0, doses),
        titration_cohort=st.integers(1, 6),
        after_dlt=st.sampled_from(["fill", "three_new"]),
        **shared,
    )
    skeleton = st.builds(IndifferenceInterval, st.integers(1, doses), st.just(0.04))
    skeleton |= st.sets(INNER, min_size=doses, max_size=doses).map(sorted).map(tuple)
    crm = st.builds(
        CRM,
        skeleton=skeleton,
        model=st.sampled_from(["empiric", "logistic"]),
        prior_sd=st.sampled_from([0.5, 1.0, 2.0]),
        estimate=st.sampled_from(["plugin", "mean"]),
        select_untried=st.booleans(),
        cohort=st.integers(1, 4),
        **shared,
    )
    boin = st.builds(
        BOIN,
        saf=st.sampled_from([0.5, 0.6]),
        tie=st.sampled_from(["deescalate", "stay"]),
        bounded=st.booleans(),
        extra_safe=st.booleans(),
        cohort=st.integers(1, 4),
        **shared,
    )
    return st.one_of(three, titration, crm, boin)


def designs(doses):
    rules = st.lists(
        st.one_of(
            st.builds(NoSkipping, relative_to=st.sampled_from(["last", "highest"])),
            st.builds(Coherent, scope=st.sampled_from(["cohort", "dose"]), target=st.none() | TARGETS),
            st.builds(TooToxic, confidence=st.sampled_from([0.9, 0.95]), above=st.none() | TARGETS),
            st.builds(EnoughAtDose, n=st.integers(3, 9), dose=st.sampled_from(["recommended", "any", 1])),
        ),
        max_size=3,
        unique=True,
    )

    def capped(base, rules, n):
        return Modified(base, (*rules, MaxPatients(n=n)))

    return st.dictionaries(NAMES, st.builds(capped, bases(doses), rules, st.integers(6, 30)), min_size=1, max_size=3)


EVENTS = [
    None,
    WindowEvents(dropout=Departure(0.1, "replace")),
    WindowEvents(
        death=Event(0.2, "replace", 0.5), transplantation=Event(0.1, "dlt"), dropout=Departure(0.1, "complete")
    ),
]
CLOCKS = [
    None,
    Clock(28.0, Accrual(per_month=2.0)),
    Clock(
        28.0,
        Accrual("fixed", per_window=1.0),
        follow_up=60.0,
        visits=(1, 14, 28, 60),
        start="2024-03-01",
        registered_completion="2025-12-31",
        onset=Onset("visits", shares=(0.2, 0.5, 0.3)),
        stagger=Stagger(14.0, 7.0, 1.0),
    ),
    Clock(28.0, Accrual("bernoulli", per_slot=0.25), slots=14, closed={"queue": 2}),
    Clock(28.0, Accrual("uniform", per_month=1.5), evaluate="resolved", also_per_month=(1.0,)),
    Clock(28.0, Accrual("dates", dates=(0, 3.5, 40))),
    Clock(28.0, Accrual("dates", dates=("2024-03-04", "2024-04-01")), start="2024-03-01"),
]


@st.composite
def studies(draw):
    count = draw(st.integers(1, 5))
    has_values = draw(st.booleans())
    doses = Doses(
        labels=tuple(f"d{i}" for i in range(count)),
        values=tuple(float(3**i) for i in range(count)) if has_values else None,
        unit="mg" if has_values else draw(st.sampled_from(["", "mg"])),
        tolerance=draw(st.sampled_from([None, 0.0, 0.2])),
    )
    target = draw(TARGETS)
    rule = draw(st.sampled_from(["closest", "highest_below", "interval"]))
    return Study(
        title=draw(NAMES),
        target=target,
        mtd=MTDRule(target, rule, 0.1, None if rule == "interval" else draw(st.none() | st.just(0.6))),
        doses=doses,
        scenario_specs=draw(scenarios(count, has_values and count > 1)),
        designs=draw(designs(count)),
        registry=draw(st.sampled_from(["", "NCT1"])),
        planned_enrolment=draw(st.none() | st.integers(1, 99)),
        window_events=draw(st.sampled_from(EVENTS)),
        clock=draw(st.sampled_from(CLOCKS)),
    )


def scenario_names_differ(study):
    try:
        return study.scenarios is not None
    except Faults:
        return False


@settings(deadline=None, derandomize=True, max_examples=100)
@given(studies())
def test_a_study_survives_writing_and_reading(study):
    assume(scenario_names_differ(study))
    text = study.to_toml()
    again = parse_study(text)
    assert again == study
    assert again.hash == study.hash
    assert again.to_toml() == text
    np.testing.assert_array_equal(again.scenarios["p_observed"], study.scenarios["p_observed"])


def test_the_bundled_study_survives_writing_and_reading():
    study = bundled()
    again = parse_study(study.to_toml())
    assert again == study
    assert again.hash == study.hash


CHANGES = {
    "title": "another",
    "target": 0.3,
    "mtd": MTDRule(0.25, "interval"),
    "obd": OBDRule(phi_t=0.35),
    "registry": "NCT1",
    "planned_enrolment": 12,
    "populations": Populations({"CLF": 0.4, "ACLF": 0.6}),
    "window_events": WindowEvents(death=Event(0.1, "replace")),
    "clock": Clock(28, Accrual(per_month=2)),
    "silences": Silences(death_in_window=ElicitedEvent(0.1)),
    "historical": Historical(60, 130, 200, "a registry"),
    "eligibility": Eligibility(judged=("no active infection",)),
    "posterior": PosteriorModel(model="beta", a=0.5),
    "doses": Doses(("a", "b", "c"), (1.0, 2.0, 4.0), "mg"),
    "scenario_specs": {"s": FixedScenario((0.1, 0.2, 0.31))},
    "designs": {"3+3": ThreePlusThree(doses=3, target=0.25, confirm_top=False)},
    "belief": LogisticFamily(location=2.0, location_sd=1.0),
    "utility": Utility(per_dlt=0.1),
    "definition": Definition(6, "1/6"),
    "also": {"below": MTDRule(0.25, "highest_below")},
    "proposal": Proposal("3+3", ("3+3",), statements={"reason": "new data"}),
}
SMALL = Study(
    "small",
    0.25,
    MTDRule(0.25),
    Doses(("a", "b", "c")),
    {"s": FixedScenario((0.1, 0.2, 0.3))},
    {"3+3": ThreePlusThree(doses=3, target=0.25)},
)
RESPONDING = {"s": FixedScenario((0.1, 0.2, 0.3), p_eff=(0.2, 0.3, 0.4))}


@pytest.mark.parametrize("name", CHANGES)
def test_whatever_a_study_says_shows_in_its_hash(name):
    before = dataclasses.replace(SMALL, scenario_specs=RESPONDING) if name == "obd" else SMALL
    changed = dataclasses.replace(before, **{name: CHANGES[name]})
    assert changed != before
    assert changed.hash != before.hash


def test_what_may_be_inserted_shows_in_the_hash():
    values = ("a", "b", "c"), (1.0, 2.0, 4.0), "mg"
    plain = dataclasses.replace(SMALL, doses=Doses(*values))
    changed = dataclasses.replace(SMALL, doses=Doses(*values, plan=Doses(*values, insertable=(3.0,))))
    assert changed != plain
    assert changed.hash != plain.hash


def test_every_field_of_a_study_is_covered_above():
    assert set(CHANGES) == {f.name for f in dataclasses.fields(Study) if f.compare}


def test_the_name_of_the_file_does_not_show_in_the_hash():
    renamed = dataclasses.replace(SMALL, name="elsewhere")
    assert renamed == SMALL
    assert renamed.hash == SMALL.hash


def test_whole_numbers_and_order_of_keys_do_not_show_in_the_hash():
    document = SMALL.to_dict() | {"scenarios": {"s": [0, 0.2, 1]}}
    floats = dict(reversed(SMALL.to_dict().items())) | {"scenarios": {"s": [0.0, 0.2, 1.0]}}
    one, two = (parse_study(tomli_w.dumps(d)) for d in (document, floats))
    assert one == two
    assert one.hash == two.hash


def test_the_hash_is_the_same_in_another_process():
    # A digest of the text, not Python's salted hash; changing it would orphan written results.
    scheme, _, digits = SMALL.hash.partition(":")
    assert scheme == "h2"
    assert len(digits) == 16
    assert int(digits, 16) >= 0
    assert parse_study(SMALL.to_toml()).hash == SMALL.hash


def test_a_file_says_defaults_only_where_they_matter():
    assert SMALL.to_dict() == {
        "title": "small",
        "target": 0.25,
        "doses": {"labels": ["a", "b", "c"]},
        "scenarios": {"s": [0.1, 0.2, 0.3]},
        "designs": {"3+3": {"kind": "three_plus_three"}},
    }


def test_random_scenarios_are_numbered_and_repeatable():
    study = dataclasses.replace(SMALL, scenario_specs={"r": RandomScenarios("paoletti", 3, 7)})
    rows = study.scenarios
    assert rows["scenario"].to_numpy().tolist() == ["r 1", "r 2", "r 3"]
    assert set(rows["source"].to_numpy()) == {"generator paoletti, seed 7"}
    np.testing.assert_array_equal(rows["p_dlt"], study.scenarios["p_dlt"])
    other = dataclasses.replace(SMALL, scenario_specs={"r": RandomScenarios("paoletti", 3, 8)})
    assert (rows["p_dlt"].to_numpy() != other.scenarios["p_dlt"].to_numpy()).all()


def test_what_is_judged_is_the_drug_and_what_is_weighed_is_the_record():
    # p' = 1 - (1 - p)(1 - a m)
    spec = FixedScenario((0.1, 0.2, 0.3), transform=Misattribution(background=0.2, attributed=0.5))
    rows = dataclasses.replace(SMALL, scenario_specs={"s": spec}).scenarios
    np.testing.assert_allclose(rows["p_dlt"][0], [0.1, 0.2, 0.3])
    np.testing.assert_allclose(rows["p_observed"][0], [1 - 0.9 * 0.9, 1 - 0.8 * 0.9, 1 - 0.7 * 0.9])


SAME = """
title = "one"
target = 0.2
{mtd}
{posterior}
{belief}
[doses]
labels = ["a", "b", "c"]
values = [{values}]
unit = "mg"
[scenarios]
{scenarios}
[designs.A]
kind = "boin"
{start}
modifiers = [{modifiers}]
[designs.T]
kind = "table"
decisions = [{decisions}]
modifiers = [{{ kind = "max_patients", n = 6 }}]
"""
BARE = {
    "mtd": "",
    "posterior": "",
    "belief": "",
    "values": "1, 2, 4",
    "scenarios": "s = [0, 0.2, 0.31]\nt = [0.1, 0.2, 0.5]",
    "start": "",
    "modifiers": '{ kind = "no_skipping" }, { kind = "max_patients", n = 9 }',
    "decisions": '"3: E S D DU", "6: E E S D D DU DU"',
}


def said(**parts):
    return parse_study(SAME.format(**BARE | parts)).hash


@pytest.mark.parametrize(
    "parts",
    [
        {"values": "1.0, 2e0, 4.00"},
        {"scenarios": "t = [0.10, 0.2, 0.5]\ns = [-0.0, 0.2, 0.31]"},
        {"start": "start = 1\ncohort = 3"},
        {"modifiers": '{ n = 9, kind = "max_patients" }, { kind = "no_skipping" }'},
        {"decisions": '"6: E  E S D D DU DU", "3:E S D DU"'},
        {"mtd": "[mtd]\nnone_above = 0.3"},
        {"mtd": '[mtd]\nrule = "closest"\nhalfwidth = 0.1'},
        {"posterior": "[posterior]\nreference_dose = 2"},
        {"posterior": '[posterior]\nmodel = "blrm"\nreference_dose = 2.0\ncov = [[2.25, 0], [0, 0.48999999999999994]]'},
        {"belief": '[belief]\nkind = "scenarios"'},
        {"belief": '[belief]\nkind = "scenarios"\nweights = [3, 3]'},
    ],
)
def test_what_is_no_difference_does_not_show_in_the_hash(parts):
    assert said(**parts) == said()


@pytest.mark.parametrize(
    "parts",
    [
        {"values": "1, 2, 5"},
        {"scenarios": "s = [0, 0.2, 0.31]\nt = [0.1, 0.2, 0.50001]"},
        {"start": "start = 2"},
        {"modifiers": '{ kind = "no_skipping" }, { kind = "max_patients", n = 12 }'},
        {"modifiers": '{ kind = "max_patients", n = 9 }'},
        {"decisions": '"3: E S S DU", "6: E E S D D DU DU"'},
        {"mtd": "[mtd]\nnone_above = 0.35"},
        {"mtd": '[mtd]\nrule = "interval"'},
        {"posterior": "[posterior]\nreference_dose = 4"},
        {"belief": '[belief]\nkind = "scenarios"\nweights = [1, 3]'},
    ],
)
def test_what_is_a_difference_shows_in_the_hash(parts):
    assert said(**parts) != said()


def test_a_study_without_truths_has_a_hash_of_its_own():
    text = SAME.format(**BARE)
    bare = text[: text.index("[scenarios]")] + text[text.index("[designs.A]") :]
    assert parse_study(bare).hash == parse_study(parse_study(bare).to_toml()).hash != said()


def test_weights_of_scenarios_go_with_their_names():
    one = said(belief='[belief]\nkind = "scenarios"\nweights = [1, 3]')
    turned = {"scenarios": "t = [0.1, 0.2, 0.5]\ns = [0, 0.2, 0.31]"}
    assert said(belief='[belief]\nkind = "scenarios"\nweights = [6, 2]', **turned) == one
    assert said(belief='[belief]\nkind = "scenarios"\nweights = [1, 3]', **turned) != one


def test_whole_numbers_too_large_for_a_float_are_told_apart():
    seed = 'r = {{ generator = "paoletti", count = 3, seed = {} }}'
    one, two = (said(scenarios=seed.format(n)) for n in (2**60, 2**60 + 1))
    assert one != two
