"""3+3 and accelerated titration: numbers of the literature and of independent enumerations."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from doseopt.core.state import CONTINUE, NONE
from doseopt.core.trial import after, selected, step
from doseopt.designs import AcceleratedTitration, ThreePlusThree
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.engines.exact import Exact
from doseopt.engines.graph import graph_of
from doseopt.scenarios import make_scenarios

WITHOUT = {"on_descent": "declare", "confirm_top": False}
TOP_WITH_THREE = {"confirm_top": False}
SIX_EVERYWHERE = {}


def exact(design, p, moderate=None):
    """P(none, 1..D), E[n_j], E[DLT]."""
    moderate = None if moderate is None else [moderate]
    outcomes = Exact()(design, make_scenarios([p], p_moderate=moderate))
    weight = outcomes["weight"].to_numpy()[0]
    choice = outcomes["selected"].to_numpy()[:, None] == np.arange(NONE, design.facts.doses)
    return weight @ choice, weight @ outcomes["n"].to_numpy(), float(weight @ outcomes["y"].sum("dose").to_numpy())


def assert_digits(found, wanted, digits):
    np.testing.assert_allclose(found, wanted, rtol=0, atol=0.5000001 * 10.0**-digits)


@pytest.mark.parametrize(
    ("variant", "selection", "patients", "dlts"),
    [
        (WITHOUT, [0.093853, 0.264044, 0.324735, 0.219202, 0.081293, 0.016872], 12.035479, 2.705939),
        (TOP_WITH_THREE, [0.100411, 0.284582, 0.333492, 0.203332, 0.061311, 0.016872], 14.188035, 3.150041),
    ],
)
def test_five_doses(variant, selection, patients, dlts):
    """Lin & Shih 2001, Biostatistics 2:203 (formulas); R package AplusB; an independent tree."""
    found = exact(ThreePlusThree(doses=5, target=0.25, **variant), (0.1, 0.2, 0.3, 0.4, 0.5))
    assert_digits(found[0], selection, 6)
    assert_digits(found[1].sum(), patients, 6)
    assert_digits(found[2], dlts, 6)


@pytest.mark.parametrize(
    ("variant", "selection", "patients", "total"),
    [
        (WITHOUT, [0.026558, 0.181262, 0.400635, 0.299799, 0.091746], [3.4061, 3.8698, 3.4246, 1.6543], 12.354843),
        (
            TOP_WITH_THREE,
            [0.027846, 0.200402, 0.425146, 0.254860, 0.091746],
            [3.9390, 4.8785, 4.0487, 1.6543],
            14.520665,
        ),
        (
            SIX_EVERYWHERE,
            [0.027847, 0.200591, 0.429108, 0.278410, 0.064044],
            [3.9396, 4.8879, 4.1064, 1.8498],
            14.783672,
        ),
    ],
)
def test_four_doses(variant, selection, patients, total):
    """Exact: enumeration independent of this project, at least two implementations agreeing."""
    found = exact(ThreePlusThree(doses=4, target=0.25, **variant), (0.05, 0.15, 0.30, 0.45))
    assert_digits(found[0], selection, 6)
    assert_digits(found[1], patients, 4)
    assert_digits(found[1].sum(), total, 6)


def test_number_of_outcome_paths():
    """R package precautionary 0.2.6-1 (Norris), 1 to 10 doses, six patients at the MTD."""
    found = [graph_of(ThreePlusThree(doses=d, target=0.25)).counts()["paths"] for d in range(1, 11)]
    assert found == [10, 46, 154, 442, 1162, 2890, 6922, 16138, 36874, 82954]


@pytest.mark.parametrize(
    ("options", "cap", "selection", "patients", "total"),
    [
        ({}, None, [0.015762, 0.200591, 0.435829, 0.282771, 0.065047], [2.2190, 4.9645, 4.1707, 1.8787], 13.232958),
        ({"on_descent": "six"}, None, [0.015762, 0.200591, 0.435829, 0.282771, 0.065047], None, 13.234436),
        ({}, 10, [0.508606, 0.095098, 0.308047, 0.088250, 0.000000], None, 9.879338),
        ({"trigger": "first_moderate"}, None, [0.016971, 0.200591, 0.435157, 0.282335, 0.064947], None, None),
    ],
    ids=["uncapped", "filled to six at once", "cap 10", "one grade-2 toxicity"],
)
def test_registered_protocol(options, cap, selection, patients, total):
    """Exact: independent trees; P(grade 2 | no DLT) = 0.10 where it matters."""
    design = AcceleratedTitration(doses=4, target=0.25, **options)
    if cap is not None:
        design = Modified(design, (MaxPatients(cap),))
    found = exact(design, (0.05, 0.15, 0.30, 0.45), (0.1, 0.1, 0.1, 0.1))
    assert_digits(found[0], selection, 6)
    if patients is not None:
        assert_digits(found[1], patients, 4)
    if total is not None:
        assert_digits(found[1].sum(), total, 6)


@pytest.mark.parametrize(
    ("p", "cap", "selection", "total"),
    [
        ((0.05, 0.10, 0.20, 0.30), None, [0.0135, 0.0971, 0.2822, 0.3404, 0.2667], 14.011),
        ((0.05, 0.10, 0.20, 0.30), 10, [0.5609, 0.0647, 0.2383, 0.1362, 0.0000], 9.912),
        ((0.02, 0.04, 0.06, 0.08), None, [0.0020, 0.0175, 0.0371, 0.0723, 0.8711], 13.822),
        ((0.02, 0.04, 0.06, 0.08), 10, [0.7580, 0.0226, 0.1048, 0.1145, 0.0000], 9.985),
    ],
)
def test_registered_protocol_with_its_planned_enrolment(p, cap, selection, total):
    """The fact to reproduce of the protocol's design page: a plain recursion over outcomes."""
    design = AcceleratedTitration(doses=4, target=0.25)
    design = design if cap is None else Modified(design, (MaxPatients(cap),))
    found = exact(design, p)
    assert_digits(found[0], selection, 4)
    assert_digits(found[1].sum(), total, 3)


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
    ("outcomes", "dose", "mtd"),
    [("1NNN", 2, None), ("1NNN 2NNN 3NNT", 3, None), ("1NNN 2NNN 3NNT 3NTN", None, 2)],
)
def test_conduct(outcomes, dose, mtd):
    """R package escalation 0.2.3, 3+3 with 5 doses; None: it does not say, or goes on.

    Dose 2 had 3 patients then: the package declares it as it stands (``on_descent = "declare"``).
    """
    design = ThreePlusThree(doses=5, target=0.25, **WITHOUT)
    state = after(design, outcomes)
    decision = step(design, state)
    if mtd is None:
        assert decision.stop[0] == CONTINUE
        assert decision.dose[0] + 1 == dose
    else:
        assert decision.stop[0] != CONTINUE
        assert selected(design, state, decision.stop)[0] + 1 == mtd


@pytest.mark.parametrize(
    ("outcomes", "options", "ledger"),
    [
        ("1N 2N 3N 4N 4NN", {"titrate": 4}, [1, 2, 3, 4, 4, 4]),
        ("1N 2T 2NN", {"titrate": 4}, [1, 2, 2, 2]),
        ("1M 2N 3M 3NN", {"titrate": 4, "trigger": "second_moderate"}, [1, 2, 3, 3, 3]),
        ("1N 2N 3NNN", {"titrate": 2}, [1, 2, 3, 3, 3]),
        ("1N 2T 2NN", {"titrate": 2}, [1, 2, 2, 2]),
    ],
    ids=["clean", "DLT at 2", "grade 2 at 1 and at 3", "clean, cap 2", "DLT at cap 2"],
)
def test_ledgers_of_accelerated_titration(outcomes, options, ledger):
    """Simon et al. 1997, JNCI 89:1138, in the reading of the design page: doses in order, cohorts of 3, 4 doses."""
    design = AcceleratedTitration(doses=4, target=0.25, **options)
    given, so_far = [], ""
    for cohort in outcomes.split():
        decision = step(design, after(design, so_far)) if so_far else design.first()
        assert decision.stop[0] == CONTINUE
        given += [int(decision.dose[0]) + 1] * int(decision.size[0])
        so_far += f" {cohort}"
    assert given == ledger


def test_probability_of_escalating_crosses_one_half():
    """q^3 + 3 p q^5 = 1/2 at p = 0.29720 (design page, from Lin & Shih 2001)."""
    design = ThreePlusThree(doses=2, target=0.25, **WITHOUT)
    below, above = (1 - exact(design, (p, 1.0))[0][0] for p in (0.297195, 0.297205))
    assert above < 0.5 < below


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
