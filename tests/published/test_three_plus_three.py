"""3+3 and accelerated titration: facts beside the numbers of others, which are `doseopt.verify`'s."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doseopt import AcceleratedTitration, ThreePlusThree
from doseopt.core.state import CONTINUE
from doseopt.core.trial import after, selected, step
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.engines.exact import Exact
from doseopt.engines.graph import graph_of
from doseopt.scenarios import make_scenarios
from doseopt.verify.trials import operating


def test_ten_patients_never_declare_the_top_dose():
    """Without a DLT it takes 1 + 3 + 3 + 6 = 13 evaluable patients."""
    design = AcceleratedTitration(doses=4, target=0.25)
    outcomes = Exact()(design, make_scenarios([[0.0] * 4]))
    certain = outcomes.isel(ending=outcomes["weight"].to_numpy()[0] > 0)
    assert certain["n"].to_numpy().tolist() == [[1, 3, 3, 6]]
    for cap, declared in ((10, False), (12, False), (13, True)):
        graph = graph_of(Modified(design, (MaxPatients(cap),)))
        assert (3 in graph.selected.tolist()) is declared


@pytest.mark.parametrize(
    ("options", "cap"), [({}, 99), ({"on_descent": "six"}, 99), ({}, 10)], ids=["uncapped", "six at once", "cap 10"]
)
def test_grade_2_changes_nothing_where_it_ends_no_titration(options, cap):
    design = Modified(AcceleratedTitration(doses=4, target=0.25, **options), (MaxPatients(cap),))
    alone, with_moderate = (operating(design, (0.05, 0.15, 0.30, 0.45), m) for m in (None, (0.1,) * 4))
    for name, value in alone.items():
        np.testing.assert_allclose(with_moderate[name], value, rtol=0, atol=1e-12)


SKIPPED = [
    # a dose below an excluded one is "declared the MTD as it stands", whatever came last
    ({"on_descent": "declare", "confirm_top": False}, "1NNN 3NTT 2NNN", (1, 0, "complete")),
    ({"on_descent": "declare", "confirm_top": False}, "1NNN 2NNN 3NTT 4NNN", (1, 0, "complete")),
    ({"on_descent": "declare", "confirm_top": False}, "1NNN 3NTT 2NNT", (1, 0, "complete")),
    ({"on_descent": "declare", "confirm_top": False}, "3NTT 1NNN", (1, 0, "complete")),
    # "filled to 6 at once", or "to 3 and then to 6"
    ({"on_descent": "six"}, "1NNN 3NTT 2N", (1, 5, "")),
    ({"on_descent": "six"}, "3NTT 1NNN", (1, 6, "")),
    ({}, "1NNN 3NTT 2N", (1, 2, "")),
    ({}, "1NNN 3NTT 2NNN", (1, 3, "")),
    ({}, "3NTT 1NNN", (1, 3, "")),
]


@pytest.mark.parametrize(("variant", "outcomes", "wanted"), SKIPPED)
def test_a_dose_below_an_excluded_one_by_its_own_words(variant, outcomes, wanted):
    design = ThreePlusThree(doses=5, target=0.3, **variant)
    state = after(design, outcomes)
    given = step(design, state)
    reason = "" if given.stop[0] == CONTINUE else design.facts.stops[given.stop[0] - 1]
    size = int(given.size[0]) if not reason else 0
    assert (int(given.dose[0]), size, reason) == wanted
    if reason:
        assert selected(design, state, given.stop)[0] == wanted[0]


@given(st.data())
def test_no_de_escalation_is_read_from_the_tallies_alone(data):
    """Once a dose is excluded, the order of the cohorts changes nothing in what is declared."""
    design = ThreePlusThree(doses=5, target=0.3, on_descent="declare", confirm_top=False)
    cohort = st.builds("{}{}".format, st.integers(1, 5), st.text("NT", min_size=1, max_size=4))
    cohorts = [*data.draw(st.lists(cohort, max_size=6)), f"{data.draw(st.integers(1, 5))}TT"]
    answers = []
    for order in (cohorts, data.draw(st.permutations(cohorts))):
        state = after(design, " ".join(order))
        stop = step(design, state).stop
        assert stop[0] != CONTINUE
        answers.append((int(stop[0]), int(selected(design, state, stop)[0])))
    assert answers[0] == answers[1]
