"""Who deviates from the criteria of eligibility and by what: counted by hand on a made record."""

import dataclasses

import pytest
from records.record_files import ADSL, DOSES, TABLES, WINDOW, write
from small_study import SMALL

from doseopt.conduct.eligible import Finding, findings
from doseopt.records.record import read_record
from doseopt.study.eligibility import Condition, Criterion, Eligibility
from doseopt.study.file import parse_study
from doseopt.study.populations import Populations

STUDY = parse_study(SMALL)
WEIGHED = ADSL.replace("SEX,", "SEX,WEIGHTBL,").replace(",F,", ",F,60,").replace(",M,", ",M,40,")
DRAWN = """
USUBJID,ADT,AVISITN,PARAMCD,AVAL,AVALU,ANRHI
S-1,2024-02-25,,BILI,100,umol/L,20
S-1,2024-03-01,0,BILI,205.2,umol/L,20
S-1,2024-03-02,1,BILI,10,umol/L,20
S-3,2024-04-12,0,BILI,205.2,umol/L,
S-1,2024-03-01,0,PTA,45,%,
S-1,2024-03-01,0,INR,1.4,,
S-2,2024-04-10,0,PLAT,19,10^9/L,
S-3,2024-04-12,0,INR,1.6,,
S-4,2024-04-15,0,PTA,41,%,
S-4,2024-04-15,0,PLAT,20,K/uL,
"""
OLD = Criterion((Condition("AGE", "<=", 50, "years"),))
HEAVY = Criterion((Condition("WEIGHTBL", ">", 40, "kg"),))
YELLOW = Criterion((Condition("BILI", "<", 10, "ULN"),), "CLF")
CLOTTING = Criterion((Condition("PTA", "<=", 40, "%"), Condition("INR", ">=", 1.5)), "CLF")
FEW = Criterion((Condition("PLAT", "<", 20, "10^9/L"),))


@pytest.fixture
def record(tmp_path):
    return read_record(write(tmp_path, TABLES | {"adsl.csv": WEIGHED, "adlb.csv": DRAWN}), DOSES, WINDOW)


def study(shares=None, **criteria):
    populations = None if shares is None else Populations(shares)
    return dataclasses.replace(STUDY, eligibility=Eligibility(**criteria), populations=populations)


def found(record, **criteria):
    return [(f.subject, f.found, f.by) for f in findings(study(**criteria), record)]


def test_a_value_on_the_other_side_of_a_bound_deviates_by_the_distance(record):
    """S-3 is 61 and S-5 55 years old; S-2 is 50, which is allowed."""
    assert findings(study(include=(OLD,)), record) == [
        Finding(3, "0.5", "age <= 50 years", "age 61 years", "11 years"),
        Finding(5, "0.5", "age <= 50 years", "age 55 years", "5 years"),
    ]


def test_a_value_at_a_bound_that_is_to_be_passed_deviates_by_nothing(record):
    assert found(record, include=(HEAVY,)) == [(k, "body weight 40 kg", "0 kg") for k in (2, 3, 5)]


def test_a_criterion_of_a_population_is_for_its_subjects_and_the_last_value_before_treatment_counts(record):
    """Of CLF are S-1, S-3 and S-4; S-1 has 205.2 / 20 = 10.26 on day 0, S-3 no limit of normal, S-4 no value."""
    assert found(record, include=(YELLOW,)) == [
        (1, "total bilirubin 10.26 ULN", "0.26 ULN"),
        (3, "no ANRHI of BILI", ""),
        (4, "no BILI up to day 0", ""),
    ]


def test_one_of_several_conditions_is_enough_and_an_unknown_one_leaves_it_open(record):
    """S-1 fails both; the INR of S-3 is enough without PTA; the PTA of S-4 is not, and there is no INR."""
    assert found(record, include=(CLOTTING,)) == [
        (1, "PTA 45%; INR 1.4", "5%; 0.1"),
        (4, "no INR up to day 0", ""),
    ]


def test_what_excludes_deviates_where_it_holds(record):
    """S-2 has 19 and S-4 20 platelets, in another unit; nothing is known of the others."""
    assert found(record, exclude=(FEW,)) == [
        (1, "no PLAT up to day 0", ""),
        (2, "platelets 19 10^9/L", "1 10^9/L"),
        (3, "no PLAT up to day 0", ""),
        (5, "no PLAT up to day 0", ""),
    ]
    assert findings(study(exclude=(FEW,)), record)[1].criterion == "excluded: platelets < 20 10^9/L"


def test_any_of_several_conditions_excludes(record):
    either = Criterion((Condition("AGE", ">", 60, "years"), Condition("PLAT", "<", 20, "10^9/L")))
    assert found(record, exclude=(either,)) == [
        (1, "no PLAT up to day 0", ""),
        (2, "platelets 19 10^9/L", "1 10^9/L"),
        (3, "age 61 years", "1 years"),
        (5, "no PLAT up to day 0", ""),
    ]


def test_a_subject_of_no_population_that_criteria_name_is_told(tmp_path):
    unknown = WEIGHED.replace("61,M,40,CLF", "61,M,40,").replace("38,F,60,CLF", "38,F,60,ALF")
    record = read_record(write(tmp_path, TABLES | {"adsl.csv": unknown, "adlb.csv": DRAWN}), DOSES, WINDOW)
    assert [f.found for f in findings(study({"CLF": 0.5, "ACLF": 0.5}, include=(YELLOW,)), record)] == [
        "total bilirubin 10.26 ULN",
        "population not recorded",
        "population 'ALF' is none of the study",
    ]
    assert found(record, include=(YELLOW,)) == [
        (1, "total bilirubin 10.26 ULN", "0.26 ULN"),
        (3, "population not recorded", ""),
    ]
    assert findings(study(include=(YELLOW,)), record)[1].criterion == "those of CLF"


def test_a_variable_of_the_subject_that_is_not_recorded_is_not_known(tmp_path):
    record = read_record(write(tmp_path, adsl=(",45,F", ",,F")), DOSES, WINDOW)
    assert found(record, include=(OLD, HEAVY))[:2] == [(1, "no AGE", ""), (1, "no WEIGHTBL", "")]


def test_what_only_a_clinician_can_judge_is_not_checked(record):
    assert found(record, judged=("no active infection",)) == []
