"""Designs side by side have the expectations that each has alone, and no more states than all of them."""

import numpy as np
import pytest

from doseopt import BOIN, CRM, AcceleratedTitration, MaxPatients, Modified, NoSkipping, build_graph
from doseopt.engines.budget import TooManyStates
from doseopt.engines.means import means_of_each
from doseopt.engines.several import Several, means_of_several

P, MODERATE = np.array([[0.05, 0.2, 0.45], [0.3, 0.4, 0.5]]), np.array([[0.1, 0.2, 0.3], [0.0, 0.1, 0.5]])


def titration(trigger, after_dlt, cap):
    """Courses by the size of the titration cohort, two designs each that declare another MTD at the cap, in turn."""
    courses = [
        [
            AcceleratedTitration(
                doses=3, target=0.25, titration_cohort=n, trigger=trigger, after_dlt=after_dlt, mtd_at_cap=at
            )
            for at in ("definition", "not_excluded")[:: 1 if n % 2 else -1]
        ]
        for n in (1, 2, 3)
    ]
    return [[Modified(d, (MaxPatients(n=cap),)) for d in designs] for designs in courses] if cap else courses


def cohorts_of(rule):
    return [[Modified(rule(size), (NoSkipping(), MaxPatients(n=11)))] for size in (1, 2, 3)]


COURSES = {
    "titration": titration("first_dlt", "fill", 10),
    "titration without a cap": titration("first_dlt", "three_new", None),
    "moderate toxicities": titration("second_moderate", "three_new", 10),
    "BOIN": cohorts_of(lambda size: BOIN(doses=3, target=0.25, cohort=size)),
    "CRM": cohorts_of(lambda size: CRM(doses=3, target=0.25, skeleton=(0.1, 0.25, 0.4), cohort=size)),
}


@pytest.mark.parametrize("courses", COURSES.values(), ids=COURSES)
def test_each_design_has_the_expectations_that_it_has_alone(courses):
    found = means_of_several(courses, P, MODERATE, 10_000)
    alone = [means for designs in courses for means in means_of_each(designs, P, p_beside=MODERATE)]
    assert len(found) == len(alone)
    for one, other in zip(found, alone, strict=True):
        for part in ("selection", "n", "y"):
            np.testing.assert_allclose(getattr(one, part), getattr(other, part), rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize("courses", COURSES.values(), ids=COURSES)
def test_the_graph_of_all_is_theirs_side_by_side(courses):
    several = Several(tuple(designs[0] for designs in courses))
    found = build_graph(several, several.starts, edges=True)
    which = found.state.memory[:, -1]
    for k, designs in enumerate(courses):
        alone, rows = build_graph(designs[0], edges=True), which == k
        np.testing.assert_array_equal(found.state.n[rows], alone.state.n)
        np.testing.assert_array_equal(found.state.y[rows], alone.state.y)
        np.testing.assert_array_equal(found.paths[rows], alone.paths)
        np.testing.assert_array_equal(found.decision.stop[rows], alone.decision.stop)
        assert (which[found.source] == k).sum() == alone.edges


def test_too_many_states_of_all_together_are_refused():
    with pytest.raises(TooManyStates):
        means_of_several(COURSES["titration"], P, MODERATE, 50)
