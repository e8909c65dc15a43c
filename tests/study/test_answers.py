"""What a study answers: its scenarios, made once, its designs by name, and how trials of a design end."""

import numpy as np
import pytest

from doseopt import BOIN, MaxPatients, Modified, Simulate, after, load_study, operating_characteristics
from doseopt.core.parameters import Faults

STUDY = load_study()


def test_scenarios_are_made_once_and_cannot_be_written_to():
    assert STUDY.scenarios is STUDY.scenarios
    with pytest.raises(ValueError, match="read-only"):
        STUDY.scenarios["p_dlt"][0, 0] = 0.5


def test_evaluated_designs_end_as_the_published_recursion_of_one_cohort_says():
    """A BOIN of one cohort of 3 stops: n = 3 at level 1, P(y DLTs) binomial in its true rate."""
    design = Modified(BOIN(doses=4, target=0.25), (MaxPatients(n=3),))
    found = operating_characteristics(STUDY.evaluate(design))
    p = STUDY.scenarios["p_dlt"].to_numpy()[:, 0]
    np.testing.assert_allclose(found["total_dlts"], 3 * p, atol=1e-12)
    np.testing.assert_allclose(found["sample_size"], 3, atol=1e-12)


def test_a_design_by_its_name_from_where_a_trial_stands_by_either_engine():
    # BOIN, target 0.25: 0/3 is up; the cap of 10 leaves one patient, at level 4
    start = after(STUDY.designs["BOIN 10"], "1NNN 2NNN 3NNN")
    p = STUDY.scenarios["p_dlt"].to_numpy()[:, 3]
    for outcomes, off in (
        (STUDY.evaluate("BOIN 10", start), 1e-12),
        (STUDY.evaluate("BOIN 10", start, Simulate(2000, 1)), 5 * np.sqrt(0.25 / 2000)),
    ):
        found = operating_characteristics(outcomes)
        np.testing.assert_allclose(found["sample_size"], 10, atol=1e-12)
        np.testing.assert_allclose(found["total_dlts"], p, atol=off)


def test_designs_are_chosen_by_name_all_faults_at_once():
    assert list(STUDY.choose()) == list(STUDY.designs)
    assert list(STUDY.choose(["CRM 10", "BOIN 10"])) == ["CRM 10", "BOIN 10"]
    with pytest.raises(Faults, match=r"(?s)no design 'CRM 11'.*did you mean.*no design 'x'"):
        STUDY.choose(["CRM 11", "x"])
