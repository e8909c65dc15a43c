"""CRM: numbers of the literature, of R's dfcrm and of independent enumerations."""

import numpy as np
import pytest
from published.reading import assert_printed, entries

from doseopt.core.state import TrialState
from doseopt.designs import CRM
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import Coherent, EnoughAtDose, MaxPatients, NoSkipping
from doseopt.engines.exact import Exact
from doseopt.engines.graph import graph_of
from doseopt.models.quadrature import quadrature
from doseopt.models.skeleton import IndifferenceInterval
from doseopt.scenarios import make_scenarios


def tally(doses, levels, dlts):
    """The state after patients at levels 1..D, one after another."""
    levels, dlts = np.array(levels) - 1, np.array(dlts)
    n, y = np.bincount(levels, minlength=doses)[None], np.bincount(levels, weights=dlts, minlength=doses)[None]
    return TrialState(n, y.astype(np.int64), levels[-1:], np.zeros((1, 0), np.int64))


def assert_digits(found, wanted, digits):
    np.testing.assert_allclose(found, wanted, rtol=0, atol=0.5000001 * 10.0**-digits)


def test_a_trial_of_twenty_patients():
    """Cheung 2011, Dose Finding by the Continual Reassessment Method, Table 3.2."""
    (entry,) = entries("trial")
    skeleton = (0.05, 0.12, 0.25, 0.40, 0.55)
    design = CRM(doses=5, target=0.25, skeleton=skeleton, model="logistic", intercept=3.0, prior_sd=1.34**0.5, cohort=1)
    levels, dlts = entry["levels"], entry["dlts"]
    states = TrialState.concatenate([tally(5, levels[: i + 1], dlts[: i + 1]) for i in range(20)])
    assert_printed(quadrature(design.curve).posterior(states.n, states.y).theta_mean(), entry["printed"]["b"])
    recommended = design.decide(states).dose + 1
    assert recommended[:-1].tolist() == levels[1:]
    assert recommended[-1] == 4


MANUAL = {"skeleton": (0.05, 0.10, 0.20, 0.35, 0.50, 0.70), "doses": 6, "target": 0.2}
MANUAL_TALLY = tally(6, [3, 4, 4, 3, 3, 4, 3, 2, 2, 2], [0, 0, 1, 0, 0, 1, 1, 0, 0, 0])


@pytest.mark.parametrize(
    ("model", "estimate", "plugin"),
    [
        ("empiric", -0.21217153, [0.08865295, 0.15530093, 0.27205388, 0.42778978, 0.57084622, 0.74939583]),
        ("logistic", -0.11011161, [0.08910298, 0.16038967, 0.28313704, 0.43986818, 0.57756796, 0.74492980]),
    ],
)
def test_example_of_the_dfcrm_manual(model, estimate, plugin):
    """R dfcrm 0.2-2.1, `help(crm)`.

    Its integrals come from R's `integrate` at the default relative tolerance: good to about 1e-6 (reference README).
    """
    design = CRM(**MANUAL, model=model, prior_sd=1.34**0.5)
    posterior = quadrature(design.curve).posterior(MANUAL_TALLY.n, MANUAL_TALLY.y)
    assert abs(posterior.theta_mean()[0] - estimate) <= 1e-6
    np.testing.assert_allclose(posterior.plugin()[0], plugin, rtol=0, atol=1e-6)
    if model == "empiric":
        assert abs(posterior.theta_variance()[0] - 0.15759553) <= 1e-6
        assert design.decide(MANUAL_TALLY).dose[0] + 1 == 2


@pytest.mark.parametrize("entry", entries("skeleton"), ids=lambda entry: entry["case"])
def test_skeletons(entry):
    """Lee & Cheung 2009, Clinical Trials 6:227; R dfcrm 0.2-2.1 `getprior`."""
    interval = IndifferenceInterval(entry["prior_mtd"], entry["halfwidth"])
    assert_printed(interval.rates(entry["target"], entry["doses"], entry["model"], 3.0), entry["printed"]["rates"])


def test_exact_operating_characteristics():
    """Exact: enumeration under the rules of R dfcrm's `crmsim(restrict = TRUE)`, plug-in, 6 cohorts of 3."""
    base = CRM(doses=4, target=0.30, skeleton=IndifferenceInterval(prior_mtd=2, halfwidth=0.05))
    design = Modified(base, (NoSkipping(), Coherent(), MaxPatients(18)))
    outcomes = Exact()(design, make_scenarios([[0.05, 0.15, 0.30, 0.45]]))
    weight = outcomes["weight"].to_numpy()[0]
    selection = weight @ (outcomes["selected"].to_numpy()[:, None] == np.arange(4))
    assert_digits(selection, [0.010872, 0.169473, 0.457547, 0.362108], 6)
    assert_digits(weight @ outcomes["n"].to_numpy(), [3.911655, 5.301630, 6.030672, 2.756042], 6)
    assert_digits(weight @ outcomes["y"].sum("dose").to_numpy(), 4.040248, 6)


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
    weight = Exact()(design, make_scenarios([skeleton]))["weight"].to_numpy()[0]
    selection = np.bincount(graph.selected, weights=weight, minlength=6)
    assert_digits(selection, [0.010420, 0.248309, 0.560418, 0.172114, 0.008630, 0.000109], 6)
