"""BLRM: Neuenschwander, Branson & Gsponer 2008, Statistics in Medicine 27:2420, section 4 (17 doses cut to 15).

Data: 3, 4, 5 and 4 patients at the first four doses without DLT, 2 of 2 with a DLT at 25 mg. Their recommendations with
their own intervals: the posterior-mean rule 25 mg, the interval rule 20 mg, Pr(rate > 0.33) at most 0.25: 15 mg.
"""

import numpy as np
import pytest
from scipy import integrate, stats

from doseopt.designs import BLRM
from doseopt.engine.graph import build_graph
from doseopt.modified import Modified
from doseopt.modifiers import MaxPatients
from doseopt.parameters import Faults
from doseopt.state import NONE, TrialState
from doseopt.study_file import load_study, parse_study
from doseopt.trial import after

DOSES = (1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 75.0, 100.0, 150.0, 200.0, 250.0)
PRIOR = {"mean": (2.15, 0.52), "cov": ((0.84**2, 0.134), (0.134, 0.80**2))}
# published.md: posterior means by quadrature, agreeing between two implementations
MEAN = [0.011562, 0.029481, 0.061286, 0.127215, 0.191820, 0.252684, 0.308866, 0.360137, 0.448625, 0.520698]


def design(**options):
    return BLRM(doses=15, dose_values=DOSES, unit="mg", reference_dose=250.0, **PRIOR, **({"target": 0.30} | options))


@pytest.fixture(scope="module")
def state():
    n, y = np.zeros((2, 1, 15), int)
    n[0, :4], n[0, 6], y[0, 6] = [3, 4, 5, 4], 2, 2
    return TrialState(n, y, np.array([6]), np.zeros((1, 0), int))


@pytest.mark.parametrize(
    ("options", "wanted"),
    [
        ({"rule": "mean", "feasibility": 1.0, "intervals": (0.20, 0.35)}, 25.0),
        ({"rule": "interval", "intervals": (0.20, 0.35)}, 20.0),
        ({"rule": "ewoc", "overdose": 0.33}, 15.0),
        # from 10 mg at most a doubling; the last dose given was 25 mg
        ({"rule": "ewoc", "overdose": 0.33, "max_increment": 1.0}, 15.0),
    ],
)
def test_the_recommended_dose(state, options, wanted):
    given = design(**options).decide(state)
    assert DOSES[given.dose[0]] == wanted
    assert DOSES[design(**options).select(state, given.stop)[0]] == wanted


def test_the_posterior_mean(state):
    np.testing.assert_allclose(design().estimated(state)[0, :10], MEAN, atol=6e-7)


def test_the_largest_increment_holds_allocation_back_and_not_the_mtd():
    blrm = design(rule="ewoc", max_increment=1.0)
    state = after(blrm, "1NNN")
    assert DOSES[blrm.decide(state).dose[0]] == 1.0  # 2.5 mg is more than twice 1 mg
    assert DOSES[design(rule="ewoc", max_increment=1.5).decide(state).dose[0]] == 2.5
    assert DOSES[blrm.select(state, np.zeros(1, int))[0]] > 2.5
    tried = design(rule="ewoc", select_untried=False)
    assert DOSES[tried.select(state, np.zeros(1, int))[0]] == 1.0


def test_no_admissible_dose_stops_the_trial():
    blrm = design()
    given = blrm.decide(after(blrm, "1TTT 1TTT"))
    assert blrm.stops[given.stop[0] - 1] == "too_toxic"
    assert blrm.select(after(blrm, "1TTT 1TTT"), given.stop)[0] == NONE


def test_the_rule_by_an_independent_integral():
    """The default design of the bundled study's doses after 1NNN 2NNT 2NNT: Pr by two-dimensional quadrature."""
    blrm = BLRM(doses=4, target=0.25, dose_values=(0.15, 0.5, 1.5, 4.5), unit="x", reference_dose=1.5)
    state = after(blrm, "1NNN 2NNT 2NNT")
    x = np.log(np.array([0.15, 0.5, 1.5, 4.5]) / 1.5)
    n, y = state.n[0], state.y[0]

    def density(log_a, log_b):
        p = 1 / (1 + np.exp(-(log_a + np.exp(log_b) * x)))
        likelihood = np.prod(p**y * (1 - p) ** (n - y))
        return likelihood * stats.norm.pdf(log_a, np.log(0.25), 1.5) * stats.norm.pdf(log_b, 0, 0.7)

    def mass(j, low, high):
        def line(log_b):
            cut = [
                np.log(r / (1 - r)) - np.exp(log_b) * x[j] if 0 < r < 1 else 12 * np.sign(r - 0.5) for r in (low, high)
            ]
            return integrate.quad(lambda a: density(a, log_b), cut[0], cut[1], epsabs=1e-10, limit=200)[0]

        return integrate.quad(line, -3.5, 3.5, epsabs=1e-8, limit=100)[0]

    whole = mass(0, 0, 1)
    over = np.array([mass(j, 0.33, 1) for j in range(4)]) / whole
    inside = np.array([mass(j, 0.16, 0.33) for j in range(4)]) / whole
    np.testing.assert_allclose(blrm.posterior(state).prob(0.33)[0], over, atol=2e-5)
    assert blrm.admissible(state)[0].tolist() == (over < 0.25).tolist()
    assert blrm.decide(state).dose[0] == np.where(over < 0.25, inside, -1).argmax()


def test_the_graph_is_of_the_size_that_the_benchmark_times():
    values = (0.15e9, 0.5e9, 1.5e9, 4.5e9)
    base = BLRM(doses=4, target=0.25, dose_values=values, unit="cells", reference_dose=1.5e9)
    assert build_graph(Modified(base, (MaxPatients(n=30),))).counts()["states"] == 4075


def test_the_study_file_gives_doses_and_unit_and_wants_a_reference_dose():
    text = load_study().to_toml() + '\n[designs.B]\nkind = "blrm"\nreference_dose = 1.5e9\n'
    text += 'modifiers = [{ kind = "max_patients", n = 12 }]\n'
    study = parse_study(text)
    assert study.designs["B"].base.dose_values == (0.15e9, 0.5e9, 1.5e9, 4.5e9)
    again = parse_study(study.to_toml())
    assert again == study
    assert "dose_values" not in study.to_toml()
    with pytest.raises(Faults, match=r"designs.B.reference_dose: missing; wanted the reference dose d\*"):
        parse_study(text.replace('kind = "blrm"\nreference_dose = 1.5e9\n', 'kind = "blrm"\n'))


def test_what_a_blrm_refuses():
    with pytest.raises(Faults, match=r"(?s)dose_values: wanted 4 values.*unit: missing"):
        BLRM(doses=4, target=0.25, dose_values=(1.0, 2.0), reference_dose=1.0)
