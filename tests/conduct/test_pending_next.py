"""The next dose of designs that decide on pending patients, from outcome strings with days of follow-up."""

import numpy as np
import pytest

from doseopt.conduct.in_hand import window_of
from doseopt.conduct.next_dose import next_dose
from doseopt.core.parameters import Faults
from doseopt.core.state import Pending, TrialState
from doseopt.records.trial import Trial
from doseopt.reports.render.terminal import terminal_text
from doseopt.reports.sections.next_dose import next_document
from doseopt.study.file import parse_study

STUDY = """
title = "Pending patients"
target = 0.2
[doses]
labels = ["1", "2", "3"]
[clock]
window = 100
accrual = { per_month = 2 }
[designs."TITE-BOIN"]
kind = "tite_boin"
modifiers = [{ kind = "max_patients", n = 24 }]
[designs."rolling six"]
kind = "rolling_six"
[designs."BOIN"]
kind = "boin"
modifiers = [{ kind = "max_patients", n = 24 }]
"""


@pytest.fixture(scope="module")
def study():
    return parse_study(STUDY)


def ask(study, outcomes):
    return next_dose(study, Trial.from_outcomes(outcomes, study.doses, window_of(study)))


@pytest.mark.parametrize(("days", "dose"), [((25, 26, 25), "1"), ((26, 26, 26), "2")])
def test_the_published_follow_up_decides(study, days, dose):
    """Yuan et al. 2018, target 0.20: after 1 DLT in 9 with 3 pending up from 0.77 windows of follow-up on."""
    pending = "".join(f"?{d}" for d in days)
    found = ask(study, f"1NNT 1NNN 1{pending}")
    one = found["designs"]["TITE-BOIN"]
    assert (one["action"], one["dose"], one["size"], one["on_pending"]) == ("treat", dose, 3, True)
    assert found["designs"]["BOIN"]["action"] == "wait"


def test_what_is_said_of_the_pending_names_who_counts_them(study):
    trial = Trial.from_outcomes("1NN?40", study.doses, window_of(study))

    def said(*designs):
        return " ".join(str(terminal_text(next_document(next_dose(study, trial, designs)))).split())

    assert "Pending, counted by TITE-BOIN and rolling six only: 3 (40 of 100 days)" in said()
    assert "Pending, not counted: 3 (40 of 100 days)" in said("BOIN")


def test_the_answer_is_that_of_the_rule(study):
    state = TrialState(np.array([[2, 0, 0]]), np.zeros((1, 3), int), np.zeros(1, int), np.zeros((1, 0), int))
    rule = study.designs["rolling six"]
    given = rule.decide(state, Pending(np.array([[0]]), np.array([[0.4]])))
    one = ask(study, "1NN?40")["designs"]["rolling six"]
    assert (one["level"], one["size"]) == (given.dose[0] + 1, given.size[0]) == (1, 1)


GRADED = (
    STUDY
    + """
[designs."Titrated"]
kind = "tite_boin"
modifiers = [{ kind = "titrate", until = "grade2" }, { kind = "max_patients", n = 24 }]
"""
)


def test_a_titration_says_why_it_waits():
    study = parse_study(GRADED)
    trial = Trial.from_outcomes("1N 2?40", study.doses, window_of(study))
    said = " ".join(str(terminal_text(next_document(next_dose(study, trial, ["Titrated"])))).split())
    assert "Titrated: wait for 1 patient" in said
    assert "a moderate toxicity counts when the DLT window of its patient is over" in said
    assert ask(study, "1N 2M")["designs"]["Titrated"]["titration"] is None


ADAPTIVE = """
[designs."Adaptive"]
kind = "tite_crm"
skeleton = [0.1, 0.2, 0.4]
cohort = 1
weights = "adaptive"
modifiers = [{ kind = "max_patients", n = 24 }]
"""
DAYS = """patient,dose,treated,dlt_date
1,1,2026-01-01,
2,1,2026-01-10,2026-02-09
3,1,2026-01-20,2026-03-31
4,1,2026-04-11,
5,1,2026-05-11,
"""


def test_adaptive_weights_take_the_days_of_the_dlts(tmp_path):
    """Two DLTs at 0.3 and 0.7: after half a window w = (1 + 0.2/0.4)/3, after a fifth (0.2/0.3)/3."""
    study = parse_study(STUDY + ADAPTIVE)
    (tmp_path / "days.csv").write_text(DAYS)
    trial = Trial.from_csv(tmp_path / "days.csv", study.doses, window_of(study), "2026-05-31")
    found = next_dose(study, trial, ["Adaptive"])["designs"]["Adaptive"]
    weights = [1.5 / 3, 2 / 9]
    node, weight = np.polynomial.legendre.leggauss(400)
    b, sd = 8 * node, np.sqrt(1.34)
    f = np.array([0.1, 0.2, 0.4])[:, None] ** np.exp(b)
    like = np.exp(-(b**2) / (2 * sd**2)) * f[0] ** 2 * (1 - f[0]) * np.prod([1 - w * f[0] for w in weights], axis=0)
    mean = (weight * like * b).sum() / (weight * like).sum()
    assert found["estimated"] == pytest.approx(np.array([0.1, 0.2, 0.4]) ** np.exp(mean), abs=1e-8)


def test_without_a_dlt_adaptive_weights_are_linear_and_the_day_of_one_is_asked_for():
    study = parse_study(STUDY + ADAPTIVE)
    linear = parse_study(STUDY + ADAPTIVE.replace("adaptive", "linear"))
    both = [ask(each, "1NNN 2?40")["designs"]["Adaptive"] for each in (study, linear)]
    assert both[0] == both[1]
    with pytest.raises(Faults, match="patient 2 had a DLT, and on which day is not known"):
        ask(study, "1NT?40")


def test_how_long_they_were_followed_is_asked_for(study):
    with pytest.raises(Faults) as caught:
        ask(study, "1NN?")
    assert {fault.where.split(".")[1] for fault in caught.value.faults} == {"TITE-BOIN", '"rolling six"'}
    assert all("patient 3 is pending, and for how long is not known" in fault.message for fault in caught.value.faults)
    assert (
        next_dose(study, Trial.from_outcomes("1NN?", study.doses, window_of(study)), ["BOIN"])["designs"]["BOIN"][
            "action"
        ]
        == "wait"
    )
