"""Criteria of eligibility in a study file: what is read and written, and every fault of the table at once."""

import pytest
from small_study import SMALL

from doseopt import Faults
from doseopt.study.eligibility import Condition, Criterion, Eligibility
from doseopt.study.file import parse_study

TABLE = """
[populations]
shares = { CLF = 0.5, ACLF = 0.5 }
[eligibility]
include = [
    { variable = "AGE", relation = ">=", value = 18, unit = "years" },
    { variable = "BILI", relation = "<", value = 10, unit = "ULN", population = "CLF" },
    { any = [
        { variable = "PTA", relation = "<=", value = 40, unit = "%" },
        { variable = "INR", relation = ">=", value = 1.5 },
    ], population = "CLF" },
    { variable = "BILI", relation = ">=", value = 85, unit = "μmol/L", population = "ACLF" },
]
exclude = [{ variable = "PLAT", relation = "<", value = 20, unit = "x10^9/L" }]
judged = ["no active infection"]
"""


def stating(table):
    return parse_study(f"{SMALL}\n{table}")


def faults_of(table):
    with pytest.raises(Faults) as caught:
        stating(table)
    return [str(fault) for fault in caught.value.faults]


def test_criteria_are_read_and_written():
    study = stating(TABLE)
    assert study.eligibility == Eligibility(
        include=(
            Criterion((Condition("AGE", ">=", 18, "years"),)),
            Criterion((Condition("BILI", "<", 10, "ULN"),), "CLF"),
            Criterion((Condition("PTA", "<=", 40, "%"), Condition("INR", ">=", 1.5)), "CLF"),
            Criterion((Condition("BILI", ">=", 85, "μmol/L"),), "ACLF"),
        ),
        exclude=(Criterion((Condition("PLAT", "<", 20, "x10^9/L"),)),),
        judged=("no active infection",),
    )
    assert study.eligibility.describe()[2:] == [
        "PTA <= 40% or INR >= 1.5 (CLF)",
        "total bilirubin >= 85 μmol/L (ACLF)",
        "excluded: platelets < 20 x10^9/L",
    ]
    again = parse_study(study.to_toml())
    assert (again, again.hash) == (study, study.hash)


def test_a_study_without_them_states_none():
    assert parse_study(SMALL).eligibility is None


def test_everything_that_is_wrong_is_said_at_once_with_its_path_and_the_nearest_right_name():
    found = faults_of("""
[eligibility]
includes = []
include = [
    { variable = "BILLI", relation = "<", value = 10, unit = "ULN" },
    { variable = "BILI", relation = "below", value = 10, unit = "mg/dl" },
    { variable = "BILI", relation = "<", value = 85, unit = "umol" },
    { variable = "BILI", relation = "<", value = 85000, unit = "umol/L", populations = "CLF" },
    { variable = "AGE", relation = ">=", value = "18", unit = "years" },
    { variable = "AGE", relation = ">=", value = 18, unit = "months" },
    { relation = ">=", value = 18 },
    { any = [{ variable = "INR", relation = ">", value = 1.5 }] },
    { unit = "%", any = [
        { variable = "INR", relation = ">", value = 1.5 }, { variable = "PTA", relation = "<", value = 40 }
    ] },
    "grown up",
]
exclude = "pregnant"
judged = [3, " "]
""")  # fmt: skip
    assert found == [
        "eligibility.includes: unknown key; did you mean 'include'?",
        "eligibility.exclude: wanted a list, as "
        '[{ variable = "AGE", relation = ">=", value = 18, unit = "years" }], got \'pregnant\'',
        "eligibility.include[0].variable: wanted one of 'AGE', 'WEIGHTBL', 'BILI', 'CREAT', 'ALB', 'SODIUM', 'INR', "
        "'PTA', 'PLAT', 'PAO2FIO2', got 'BILLI'; did you mean 'BILI'?",
        "eligibility.include[1].relation: wanted one of '<', '<=', '>', '>=', got 'below'",
        "eligibility.include[2].unit: wanted a unit of BILI: mg/dL or umol/L or ULN, got 'umol'; did you mean "
        "'umol/L'?",
        "eligibility.include[3].populations: unknown key; did you mean 'population'?",
        "eligibility.include[3].value: wanted a value of BILI in [0.171, 1710] umol/L, got 85000",
        "eligibility.include[4].value: wanted a number, got '18'",
        "eligibility.include[5].unit: wanted a unit of AGE: years, got 'months'",
        "eligibility.include[6].variable: missing; wanted what is asked for",
        "eligibility.include[7].any: wanted a list of two conditions at least, as "
        '[{ variable = "AGE", relation = ">=", value = 18, unit = "years" }], '
        "got [{'variable': 'INR', 'relation': '>', 'value': 1.5}]",
        "eligibility.include[8].unit: unknown key; known: any, population",
        "eligibility.include[8].any[1].unit: wanted a unit of PTA: % or ULN, got ''",
        "eligibility.include[9]: wanted a table, got 'grown up'",
        "eligibility.judged[0]: wanted text, got 3",
        "eligibility.judged[1]: wanted the words of a criterion, got nothing",
    ]


@pytest.mark.parametrize("table", ["eligibility = {}", "eligibility = 3"])
def test_a_table_without_criteria_is_none(table):
    with pytest.raises(Faults, match=r"eligibility.*wanted (a table|include, exclude or judged)"):
        parse_study(f"{table}\n{SMALL}")


def test_a_population_is_one_of_the_study():
    assert faults_of(TABLE.replace('unit = "ULN", population = "CLF"', 'unit = "ULN", population = "CLFF"')) == [
        "eligibility.include[1].population: wanted one of the study, got 'CLFF'; did you mean 'CLF'?"
    ]


@pytest.mark.parametrize(
    ("relation", "holds"), [("<", (True, False, False)), ("<=", (True, True, False)), (">", (False, False, True))]
)
def test_a_bound_holds_on_its_own_side(relation, holds):
    one = Condition("AGE", relation, 65, "years")
    assert tuple(one.holds(age) for age in (64, 65, 66)) == holds
    assert Condition("AGE", ">=", 65, "years").holds(65)


def test_a_value_is_compared_in_the_unit_of_the_bound():
    """5 mg/dL of bilirubin are 85.5 umol/L, and 4 times a limit of 1.25; 26.66 kPa of 200 mmHg."""
    assert Condition("BILI", ">", 85, "umol/L").measured(5.0, None) == pytest.approx(85.5)
    assert Condition("BILI", "<", 10, "ULN").measured(5.0, 1.25) == 4
    assert Condition("BILI", "<", 10, "ULN").measured(5.0, None) is None
    assert Condition("PAO2FIO2", "<", 26.7, "kPa").measured(200, None) == pytest.approx(26.6644)
    assert Condition("AGE", "<", 26, "years").measured(20, None) == 20
