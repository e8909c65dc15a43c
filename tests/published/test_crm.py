"""CRM: a complete enumeration, in every reading of its rules."""

import numpy as np
import pytest

from doseopt import CRM
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, EnoughAtDose, MaxPatients, NoSkipping
from doseopt.engines.exact import Exact
from doseopt.engines.graph import graph_of
from doseopt.scenarios import make_scenarios


def assert_digits(found, wanted, digits):
    np.testing.assert_allclose(found, wanted, rtol=0, atol=0.5000001 * 10.0**-digits)


@pytest.mark.parametrize("scope", ["cohort", "dose"])
@pytest.mark.parametrize("relative_to", ["highest", "last"])
def test_complete_enumeration_of_a_trial(scope, relative_to):
    """Braun 2020 and Norris: all outcome paths of one CRM trial, plug-in estimate.

    Cohorts of 2, start at 1, up to the highest tried + 1, globally coherent, stop when n_1 >= 5 or any n >= 10,
    N <= 30. Either reading of coherence, and of "skipping", gives the same numbers here: neither rule ever binds.
    """
    skeleton = (0.03, 0.11, 0.25, 0.42, 0.58, 0.71)
    stops = EnoughAtDose(n=5, dose=1), EnoughAtDose(n=10, dose="any"), MaxPatients(30)
    base = CRM(doses=6, target=0.25, skeleton=skeleton, prior_sd=0.85, cohort=2)
    design = Modified(base, (NoSkipping(relative_to=relative_to), Coherent(scope=scope), *stops))
    graph = graph_of(design)
    assert graph.counts()["paths"] == 22041
    paths = np.bincount(graph.selected, weights=graph.cohort_paths[graph.ending], minlength=6)
    assert paths.tolist() == [6178, 9266, 4864, 1314, 341, 78]
    outcomes = Exact()(design, make_scenarios([skeleton]))
    selection = np.bincount(outcomes["selected"], weights=outcomes["weight"][0], minlength=6)
    assert_digits(selection, [0.010420, 0.248309, 0.560418, 0.172114, 0.008630, 0.000109], 6)
