"""BOIN beside the paper and R, whose numbers are `doseopt.verify`'s: where two options meet."""

from test_behaviour import answer

from doseopt import BOIN
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients


def seen(outcomes, cap=30, **options):
    return answer(Modified(BOIN(doses=4, target=0.30, **options), (MaxPatients(n=cap),)), outcomes)


def test_titration_does_not_fill_a_dose_that_is_eliminated():
    # Pr(p > 0.3 | 1 of 1) = 1 - 0.3^2 = 0.91
    assert seen("1N 2T", titration=True) == (2, 2)
    assert seen("1N 2T", titration=True, eliminate_from=1, cutoff=0.92) == (2, 2)
    assert seen("1N 2T", titration=True, eliminate_from=1, cutoff=0.90) == (1, 3)
    assert seen("1T", titration=True, eliminate_from=1, cutoff=0.90) == ("too_toxic", None)


def test_titration_with_cohorts_of_one_has_nothing_to_fill():
    assert seen("1N 2T", titration=True, cohort=1) == (1, 1)
    assert seen("1N 2N 3N 4N", titration=True, cohort=1) == (4, 1)
    assert seen("1N 2N 3N 4N", titration=True, cohort=2) == (4, 1)


def test_the_bound_of_the_mtd_is_lambda_d_and_not_the_target():
    # lambda_d = 0.3585; the estimates (y + 0.05)/(n + 0.1) at dose 2 are 0.336 of 2 in 6 and 0.445 of 4 in 9
    assert seen("1NNN 2NNT 2NNT", cap=9, bounded=True) == ("max_patients", 2)
    assert seen("1NNN 2NNT 2NNT 2NTT", cap=12) == ("max_patients", 2)
    assert seen("1NNN 2NNT 2NNT 2NTT", cap=12, bounded=True) == ("max_patients", 1)
