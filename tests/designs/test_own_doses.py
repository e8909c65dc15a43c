"""Designs with doses and a target of their own: what an amendment changes, and how a trial under way goes on."""

import dataclasses

import numpy as np
import pytest

import doseopt
from doseopt import BOIN, CRM, ThreePlusThree
from doseopt.amendment.amend import amend
from doseopt.attainable.attained import limits_of
from doseopt.calibration import calibrate
from doseopt.comparison.compare import compare
from doseopt.comparison.enrolment import families
from doseopt.comparison.silences import silences
from doseopt.conduct.decision_table import decision_table
from doseopt.conduct.examine import examine
from doseopt.conduct.next_dose import next_dose
from doseopt.conduct.pathways import paths
from doseopt.conduct.walk import walk
from doseopt.core.parameters import Faults, declared
from doseopt.core.state import NONE
from doseopt.core.trial import after, step
from doseopt.designs.layers import first_size, layers, with_cap
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, MaxPatients, NoSkipping, TooToxic
from doseopt.designs.on_grid import OnGrid
from doseopt.engines.exact import Exact
from doseopt.engines.outcomes import judged
from doseopt.measures.operating_characteristics import measure
from doseopt.records.trial import Trial
from doseopt.scenarios import MTDRule, make_scenarios
from doseopt.scenarios.doses import Doses
from doseopt.scenarios.specs import FixedScenario
from doseopt.study.file import parse_study
from doseopt.study.study import Study

LEVELS = (1.0, 2.0, 3.0, 4.0)
PLAIN = """
title = "t"
target = 0.25
doses = { labels = ["1", "2", "3", "4", "5", "6"] }
[scenarios]
s = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
[designs."3+3"]
kind = "three_plus_three"
on_descent = "declare"
confirm_top = false
drop = ["6"]
"""


def characteristics(design, p, start=None):
    """P(none, each dose), E[patients at each dose], E[DLTs], of a design in one scenario."""
    outcomes = Exact()(design, make_scenarios([p]), start)
    weight = outcomes["weight"].to_numpy()[0]
    choice = outcomes["selected"].to_numpy()[:, None] == np.arange(NONE, design.facts.doses)
    return weight @ choice, weight @ outcomes["n"].to_numpy(), float(weight @ outcomes["y"].sum("dose").to_numpy())


# Doses dropped and inserted from the start


def test_a_dropped_top_dose_against_published_numbers():
    """3+3 without de-escalation at five doses: Lin & Shih 2001, Biostatistics 2:203; R package AplusB."""
    chosen, n, dlts = characteristics(parse_study(PLAIN).designs["3+3"], (0.1, 0.2, 0.3, 0.4, 0.5, 0.6))
    wanted = [0.093853, 0.264044, 0.324735, 0.219202, 0.081293, 0.016872, 0]
    np.testing.assert_allclose(chosen, wanted, rtol=0, atol=0.5000001e-6)
    assert n[5] == 0
    assert n.sum() == pytest.approx(12.035479, abs=0.5000001e-6)
    assert dlts == pytest.approx(2.705939, abs=0.5000001e-6)


@pytest.mark.parametrize("dropped", range(4))
def test_a_design_without_a_dose_is_the_smaller_design(dropped):
    p = (0.05, 0.15, 0.30, 0.45)
    own = [j for j in range(4) if j != dropped]
    design = OnGrid(ThreePlusThree(doses=3, target=0.25), LEVELS, tuple(own), dropped=(dropped,))
    wide = characteristics(design, p)
    few = characteristics(ThreePlusThree(doses=3, target=0.25), [p[j] for j in own])
    np.testing.assert_allclose(wide[0][[0, *(j + 1 for j in own)]], few[0], rtol=0, atol=1e-14)
    np.testing.assert_allclose(wide[1][own], few[1], rtol=0, atol=1e-14)
    assert wide[0][dropped + 1] == wide[1][dropped] == 0
    assert wide[2] == pytest.approx(few[2], abs=1e-14)


OWN = """
title = "own doses"
target = 0.25
[doses]
labels = ["1", "2", "4"]
values = [1.0, 2.0, 4.0]
unit = "mg"
insertable = [3.0]
[posterior]
reference_dose = 2.0
[scenarios]
a = [0.05, 0.15, 0.45]
b = [0.10, 0.30, 0.50]
[designs."3+3"]
kind = "three_plus_three"
modifiers = [{ kind = "max_patients", n = 12 }]
[designs."3+3 without 4"]
kind = "three_plus_three"
drop = ["4"]
modifiers = [{ kind = "max_patients", n = 12 }]
[designs."3+3 inserting"]
kind = "three_plus_three"
drop = ["1"]
inserts = true
modifiers = [{ kind = "max_patients", n = 12 }]
[designs."CRM"]
kind = "crm"
target = 0.30
insert = ["3"]
skeleton = { prior_mtd = 2, halfwidth = 0.05 }
modifiers = [{ kind = "max_patients", n = 12 }, { kind = "no_skipping" }]
[designs."BOIN"]
kind = "boin"
target = 0.30
drop = ["2"]
insert = ["3"]
start = 2
modifiers = [{ kind = "too_toxic" }, { kind = "max_patients", n = 12 }, { kind = "coherent" }]
selection = { kind = "crm", skeleton = [0.1, 0.3, 0.5] }
"""


@pytest.fixture(scope="module")
def study():
    return parse_study(OWN)


def test_an_inserted_dose_is_a_dose_of_the_design(study):
    """The CRM of four doses on the truth that the study's curve gives between the planned doses."""
    scenarios = study.scenarios
    assert scenarios["dose"].to_numpy().tolist() == ["1", "2", "3", "4"]
    crm = CRM(doses=4, target=0.30, skeleton=study.designs["CRM"].base.base.base.skeleton)
    plain = Modified(crm, (NoSkipping(), MaxPatients(n=12)))
    for rates in scenarios["p_dlt"].to_numpy():
        both = (characteristics(study.designs["CRM"], rates), characteristics(plain, rates))
        for found, wanted in zip(*both, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-14)


def test_what_a_design_is_given_is_its_own(study):
    boin = study.designs["BOIN"]
    assert boin.facts.doses == 4
    assert layers(boin).grid.planned == (0, 2, 3)
    assert layers(boin).grid.dropped == (1,)
    assert layers(boin).grid.base.base.base == BOIN(doses=3, target=0.30, start=2)
    assert int(boin.first().dose[0]) == 2, "start level 2 is the second dose of its own"
    text = OWN.replace('kind = "boin"\n', 'kind = "blrm"\nreference_dose = 2.0\n').replace("start = 2\n", "")
    assert layers(parse_study(text).designs["BOIN"]).grid.base.base.base.dose_values == (1.0, 3.0, 4.0)


def test_insertion_in_the_course_never_takes_a_dropped_dose():
    base = ThreePlusThree(doses=2, target=0.25)
    between = OnGrid(base, (1.0, 2.0, 3.0, 4.0, 5.0), (0, 4), inserts=True, dropped=(2,))
    state = after(between, "1NNN 5NTT")
    assert int(step(between, state).dose[0]) == 3, "the highest insertable dose below the one excluded"
    none = OnGrid(base, (1.0, 2.0, 3.0), (0, 2), inserts=True, dropped=(1,))
    assert int(step(none, after(none, "1NNN 3NTT")).dose[0]) == 0


# The study file


def test_a_study_survives_writing_and_reading(study):
    again = parse_study(study.to_toml())
    assert again == study
    assert again.hash == study.hash
    tables = study.to_dict()["designs"]
    assert tables["3+3 without 4"]["drop"] == ["4"]
    assert tables["BOIN"]["insert"] == ["3"]
    assert tables["BOIN"]["target"] == 0.30
    assert "target" not in tables["BOIN"]["selection"]
    assert not any("above" in m or "target" in m for m in tables["BOIN"]["modifiers"])
    assert tables["3+3 inserting"]["inserts"]
    assert not {"drop", "insert", "inserts", "target"} & set(tables["3+3"])
    without = parse_study(PLAIN)
    assert parse_study(without.to_toml()) == without
    for said, else_ in (('drop = ["4"]', 'drop = ["2"]'), ('insert = ["3"]\nstart', "start"), ("0.30\nd", "0.31\nd")):
        assert OWN.count(said) == 1
        other = OWN.replace(said, else_).replace(
            "[0.1, 0.3, 0.5]", "[0.1, 0.3]" if else_ == "start" else "[0.1, 0.3, 0.5]"
        )
        assert parse_study(other).hash != study.hash


@pytest.mark.parametrize("kind", doseopt.DESIGNS)
def test_a_target_of_its_own_in_every_kind(kind):
    design = doseopt.DESIGNS[kind].example()
    base, modifiers = (design.base, design.modifiers) if isinstance(design, Modified) else (design, ())
    assert "target" in declared(type(base))
    own = dataclasses.replace(base, target=0.35)
    whole = Modified(own, modifiers) if modifiers else own
    doses = Doses(tuple("abcdef"[: base.facts.doses]), LEVELS[: base.facts.doses], "mg")
    specs = {"s": FixedScenario((0.08, 0.18, 0.28, 0.42)[: base.facts.doses])}
    made = Study("t", 0.25, MTDRule(0.25), doses, specs, {kind: whole})
    table = made.to_dict()["designs"][kind]
    assert table["target"] == 0.35
    if kind != "policy":  # its table stands in a file of its own
        again = parse_study(made.to_toml())
        assert again.designs[kind].facts.target == 0.35
        assert again.designs == made.designs
        without = parse_study(dataclasses.replace(made, designs={kind: design}, target=base.facts.target).to_toml())
        assert without.designs[kind].facts.target == base.facts.target


def test_what_takes_its_target_from_the_design_takes_the_designs_own(study):
    parts = layers(study.designs["BOIN"])
    assert parts.rule.target == parts.grid.facts.target == 0.30
    assert {m.above for m in parts.modifiers if isinstance(m, TooToxic)} == {0.30}
    assert {m.target for m in parts.modifiers if isinstance(m, Coherent)} == {0.30}
    assert parts.selector.target == 0.30


def faults(text):
    with pytest.raises(Faults) as caught:
        parse_study(text)
    return {fault.where: fault.message for fault in caught.value.faults}


def test_faults_have_their_place_all_at_once():
    found = faults(
        OWN
        + """
[designs.A]
kind = "three_plus_three"
drop = ["11", 2, "3", "4", "4"]
insert = ["2", "33", "4.5"]
inserts = true
target = 1.5
[designs.B]
kind = "boin"
drop = ["1", "2", "4"]
[designs.C]
kind = "boin"
drop = "1"
insert = 3
[designs.D]
kind = "crm"
skeleton = [0.1, 0.2, 0.3]
drop = ["1"]
modifiers = [{ kind = "max_patients", n = 12 }]
[designs.E]
kind = "boin"
selection = { kind = "boin", drop = ["1"] }
"""
    )
    wanted = {
        "designs.A.drop[0]": "no planned dose '11'; did you mean '1'?",
        "designs.A.drop[1]": "wanted a label in quotes, got 2; did you mean '2'?",
        "designs.A.drop[2]": "'3' is insertable: the design does not use it unless insert or inserts says so",
        "designs.A.drop[4]": "named twice: '4'",
        "designs.A.insert[0]": "'2' is planned: the design uses it unless drop says otherwise",
        "designs.A.insert[1]": "no insertable dose '33'; did you mean '3'?",
        "designs.A.insert[2]": "no insertable dose '4.5'; known: 3",
        "designs.A.inserts": "wanted insert (doses from the start) or inserts (one after an exclusion), got both",
        "designs.A.target": "wanted a number in (0, 1), got 1.5",
        "designs.B.drop": "wanted at least one planned dose left, got all of them dropped",
        "designs.C.drop": "wanted a list of labels of doses, e.g. [\"1\"], got '1'",
        "designs.C.insert": 'wanted a list of labels of doses, e.g. ["1"], got 3',
        "designs.D.skeleton": "wanted 2 rates, one a dose, got 3",
        "designs.E.selection.drop": "unknown key; a selection is the rule of one design alone",
    }
    for where, message in wanted.items():
        assert message in found[where], where
    assert set(found) <= {*wanted, "designs.E.modifiers"}


def test_faults_where_no_dose_is_insertable():
    wanted = 'wanted doses.insertable too, e.g. insertable = "midpoints", which is 1.41, 2.83; got none'
    assert faults(OWN.replace("insertable = [3.0]\n", ""))["designs.CRM.insert[0]"] == wanted
    assert "takes numbers" in faults(PLAIN.replace('drop = ["6"]', 'insert = ["7"]'))['designs."3+3".insert[0]']


def test_faults_where_the_doses_are_wrong():
    found = faults(OWN.replace("[1.0, 2.0, 4.0]", "[1.0, 2.0]").replace('["2"]', "[2]"))
    assert found["doses.values"] == "wanted 3 values, one a label, got 2"
    assert found["designs.BOIN.drop[0]"] == "wanted a label in quotes, got 2"
    assert not any("skeleton" in where for where in found)


# Everything else takes such designs


@pytest.fixture(scope="module")
def tree(study):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("doseopt.amendment.outlook.MOST", 18)
        return amend(study, Trial.from_outcomes("1NNN 2NNT", study.doses), "3+3", ["3+3 without 4", "BOIN", "CRM"])


def test_amendment(study, tree):
    now, start = tree["now"].to_dataset(), tree["start"].to_dataset()
    p = study.scenarios["p_dlt"].to_numpy()
    for node, outcomes in ((now, "1NNN 2NNT"), (start, "")):
        assert "correct_selection_of_all" in node
        same = node.sel(design=["3+3", "3+3 without 4"])
        np.testing.assert_array_equal(same["correct_selection_own_target"], same["correct_selection"])
        for name in ("BOIN", "CRM"):
            # closest to the target: of planned doses 0.15 in a and 0.30 in b at 0.25, 0.30 in b at 0.30
            chosen = node["selection"].sel(design=name).to_numpy()
            planned, at = np.array([0, 1, 3]), np.arange(2)
            for target, part in ((0.25, "correct_selection"), (0.30, "correct_selection_own_target")):
                right = planned[abs(p[:, planned] - target).argmin(axis=1)]
                np.testing.assert_allclose(node[part].sel(design=name), chosen[at, right], atol=1e-12)
            of_all = chosen[at, abs(p - 0.25).argmin(axis=1)]
            np.testing.assert_allclose(node["correct_selection_of_all"].sel(design=name), of_all, atol=1e-12)
            assert outcomes or node["selection"].sel(design="BOIN", dose="2").sum() == 0
    assert now["further_patients"].max() <= 6 + 1e-9, "12 patients, of which 6 are treated"
    average = tree["average"].to_dataset().sel(belief="the study's belief")
    weights = [average["selection"].sel(design="CRM", dose=d).item() for d in ("1", "2", "4")]
    assert average["correct_selection"].sel(design="CRM").item() <= sum(weights) + 1e-12, "judged on planned doses"
    following = tree["next"].to_dataset().sel(design="BOIN")
    assert (following["level"].item(), following["size"].item()) == (3, 3), "as from level 1 with 0 of 3"


def test_the_enrolment_curve_counts_everybody(study, tree):
    """At 6 patients, of which 3 are at its own doses, the trial is over; the design's own cap is not in the way."""
    curve = tree["enrolment"]["correct_selection"].sel(design="BOIN")
    design = with_cap(study.designs["BOIN"], 6)
    start = after(design, "1NNN 2NNT")
    over = step(design, start)
    assert design.facts.stops[over.stop[0] - 1] == "max_patients"
    assert len(np.unique(curve.sel(enrolment=[9, 12, 15, 18]).to_numpy().round(12))) == 4


def test_a_trial_replayed_by_an_amended_design(study):
    found = Trial.from_outcomes("1NNN 2NNT", study.doses).after(study.designs["BOIN"]).departures
    assert found[1] == "cohort 2 (2NNT): the design gives 3 patients at level 3"
    assert after(study.designs["BOIN"], "1NNN 2NNT").n[0].tolist() == [3, 3, 0, 0]


def test_comparison_limits_and_conduct(study):
    ds = compare(study)
    assert not ds["selection"].sel(design="BOIN", dose="2").any()
    assert not ds["patients"].sel(design="3+3 without 4", dose=["3", "4"]).any()
    correct, _ = measure(judged(Exact()(study.designs["CRM"], study.scenarios), study.mtd), "correct_selection")
    np.testing.assert_allclose(ds["correct_selection"].sel(design="CRM"), correct, atol=1e-15)
    small = parse_study(OWN.replace("n = 12", "n = 6"))
    found = limits_of(small).dataset
    assert (found["regret"].sel(design=list(small.designs)) >= -1e-12).all()
    said = next_dose(study, Trial.from_outcomes("1NNN 2NNT", study.doses))["designs"]
    assert said["BOIN"]["dose"] == "3"
    assert "not a dose of the design" in said["BOIN"]["inadmissible"][0]["why"]
    for name in study.designs:
        told = walk(study, Trial(study.doses), name, "a")
        assert told["steps"]
        assert examine(study, name).hypothetical.sizes["case"] > 0
        assert paths(study, Trial(study.doses), name, 2)
    assert decision_table(study, "BOIN").attrs["target"] == 0.30
    assert silences(study, "3+3 without 4")["own_factor"].to_numpy().tolist()[:2] == ["on_descent", "confirm_top"]
    with pytest.raises(Faults, match="all of them and no other"):
        calibrate(study, "CRM")
    with pytest.raises(Faults, match="all of them and no other"):
        calibrate(parse_study(PLAIN), "3+3")


def test_caps_make_a_family(study):
    text = OWN + OWN[OWN.index('[designs."BOIN"]') :].replace('"BOIN"', '"BOIN 9"').replace("n = 12", "n = 9")
    assert families(parse_study(text).designs)["BOIN"][1] == {9: "BOIN 9", 12: "BOIN"}


def test_a_design_says_what_patients_at_other_doses_are(study):
    rows = {row.rule: row.reading for row in study.designs["BOIN"].describe()}
    assert rows["doses"] == "levels 1, 3, 4 of the study's 4, which the rules count as 1 to 3"
    assert "count towards the enrolment cap, not in the design's tally" in rows["patients at other doses"]
    assert "doses" not in {row.rule for row in study.designs["CRM"].describe()}, "it uses every dose"


def test_a_policy_with_a_cap_of_its_own_stands_on_a_grid_and_a_cap_laid_over_it_does_not():
    belief = doseopt.belief_of_rates(np.array([[0.1, 0.25, 0.4], [0.05, 0.1, 0.25]]))
    policy = doseopt.bayes_optimal(belief, MTDRule(0.25), doseopt.Rules(9, cohort=3)).design
    placed = OnGrid(policy, (1.0, 2.0, 3.0, 4.0), (0, 2, 3))
    assert (placed.facts.doses, placed.facts.cap) == (4, 9)
    assert step(placed, after(placed, "")).dose.tolist() == [0]
    with pytest.raises(Faults, match="wanted the enrolment cap over the grid"):
        OnGrid(Modified(BOIN(doses=3, target=0.25), (MaxPatients(n=9),)), (1.0, 2.0, 3.0, 4.0), (0, 2, 3))


def test_the_first_cohort_of_a_design_on_a_grid_is_what_is_laid_over_its_own_doses():
    own = Modified(BOIN(doses=3, target=0.25), (doseopt.CohortsByDose(sizes=(1, 2, 3)),))
    placed = Modified(OnGrid(own, (1.0, 2.0, 3.0, 4.0), (0, 2, 3)), (MaxPatients(n=9),))
    assert first_size(placed) == placed.first().size.item() == 1
    assert first_size(Modified(BOIN(doses=3, target=0.25), (MaxPatients(n=9),))) == 3
