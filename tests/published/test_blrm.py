"""BLRM: the example of Neuenschwander, Branson & Gsponer 2008, Statistics in Medicine 27:2420.

Data: 3, 4, 5 and 4 patients at the first four doses without DLT, 2 of 2 with a DLT at 25 mg. Their recommendations with
their own intervals: the posterior-mean rule 25 mg, the interval rule 20 mg, Pr(rate > 0.33) at most 0.25: 15 mg.
"""

import itertools

import numpy as np
import pytest
from scipy import integrate
from scipy.special import expit

from doseopt import BLRM
from doseopt.core.parameters import Faults
from doseopt.core.state import NONE, TrialState
from doseopt.core.trial import after
from doseopt.designs.modified import Modified
from doseopt.designs.modifiers import MaxPatients
from doseopt.engines.graph import build_graph
from doseopt.study.file import load_study, parse_study

DOSES = (1.0, 2.5, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 40.0, 50.0, 75.0, 100.0, 150.0, 200.0, 250.0)
PRIOR = {"mean": (2.15, 0.52), "cov": ((0.84**2, 0.134), (0.134, 0.80**2))}


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


def test_the_estimate_is_the_posterior_mean(state):
    np.testing.assert_array_equal(design().estimated(state), design().posterior(state).mean())


def test_the_largest_increment_holds_allocation_back_and_not_the_mtd():
    blrm = design(rule="ewoc", max_increment=1.0)
    state = after(blrm, "1NNN")
    assert DOSES[blrm.decide(state).dose[0]] == 1.0  # 2.5 mg is more than twice 1 mg
    assert DOSES[design(rule="ewoc", max_increment=1.5).decide(state).dose[0]] == 2.5
    assert DOSES[blrm.select(state, np.zeros(1, int))[0]] > 2.5
    tried = design(rule="ewoc", select_untried=False)
    assert DOSES[tried.select(state, np.zeros(1, int))[0]] == 1.0


def test_the_largest_increment_is_counted_from_the_last_dose_and_not_from_the_highest():
    """At most 2.5 times 2.5 mg is 5 mg (5 < 6.25 < 10); back at 1 mg it is 2.5 mg, though 2.5 mg was given before."""
    blrm = design(rule="ewoc", max_increment=1.5)
    assert DOSES[blrm.decide(after(blrm, "1NNN 2NNN")).dose[0]] == 5.0
    assert DOSES[blrm.decide(after(blrm, "1NNN 2NNN 1NNN")).dose[0]] == 2.5


def test_no_admissible_dose_stops_the_trial():
    blrm = design()
    given = blrm.decide(after(blrm, "1TTT 1TTT"))
    assert blrm.facts.stops[given.stop[0] - 1] == "too_toxic"
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
        normal = np.exp(-(((log_a - np.log(0.25)) / 1.5) ** 2 + (log_b / 0.7) ** 2) / 2)
        return likelihood * normal / (2 * np.pi * 1.5 * 0.7)

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


FOUR = (0.15, 0.5, 1.5, 4.5)


def nodes(edges, each):
    """Gauss-Legendre nodes and weights between each two edges."""
    x, w = np.polynomial.legendre.leggauss(each)
    halves = [(b - a) / 2 for a, b in itertools.pairwise(edges)]
    middles = [(a + b) / 2 for a, b in itertools.pairwise(edges)]
    return np.concatenate([h * x + m for h, m in zip(halves, middles, strict=True)]), np.outer(halves, w).ravel()


class Enumerated:
    """All trials of a BLRM with the default prior at four doses; posteriors by Gauss-Legendre in (logit p_j, log b).

    The rule's cuts, 0.16, 0.33 and 0.6, are edges between nodes, so that a probability is a sum over whole pieces.
    """

    def __init__(self, **options):
        self.rule, self.feasibility = options.get("rule", "interval"), options.get("feasibility", 0.25)
        self.increment = options.get("max_increment", np.inf)
        self.losses = np.array(options.get("losses", (1, 0, 1, 2)))
        self.margin, self.grids = np.inf, []
        x, cuts = np.log(np.array(FOUR) / 1.5), np.log([0.16 / 0.84, 0.33 / 0.67, 0.6 / 0.4])
        log_b, wb = nodes(np.linspace(-4.2, 4.2, 7), 20)
        for j in range(4):
            eta, we = nodes([-40, -16, -6, -3, *cuts, 1, 4, 12, 30], 24)
            e, b = (part.ravel() for part in np.meshgrid(eta, log_b, indexing="ij"))
            log_a = e - np.exp(b) * x[j]
            weight = np.log(np.outer(we, wb).ravel()) - ((log_a - np.log(0.25)) / 1.5) ** 2 / 2 - (b / 0.7) ** 2 / 2
            keep = weight > weight.max() - 45
            e, z = e[keep], log_a[keep, None] + np.exp(b[keep, None]) * x
            columns = np.stack([*-np.logaddexp(0, -z).T, *-np.logaddexp(0, z).T, weight[keep]])
            above = (e[:, None] > cuts).T
            answers = np.stack([np.ones(len(e)), expit(e), above[0] & ~above[1], *above[1:]], axis=1)
            self.grids.append((columns, answers))

    def posterior(self, n, y):
        """Mean rate, Pr(0.16 < p <= 0.33), Pr(p > 0.33) and Pr(p > 0.6), four of [S, 4]."""
        tally = np.concatenate([y, n - y, np.ones((len(n), 1))], axis=1)
        found = []
        for rows in np.array_split(tally, len(n) // 64 + 1):
            densities = [(rows @ columns, answers) for columns, answers in self.grids]
            sums = [np.exp(f - f.max(axis=1, keepdims=True)) @ answers for f, answers in densities]
            found.append(np.stack([part[:, 1:] / part[:, :1] for part in sums], axis=2))
        return np.concatenate(found).transpose(1, 0, 2)

    def choice(self, last, mean, inside, over, unacceptable):
        """(next dose, MTD), None where no dose is admissible; keeps the least distance from a tie."""
        controlled = self.feasibility < 1
        admissible = [j for j in range(4) if not controlled or over[j] < self.feasibility]
        gaps = list(abs(over - self.feasibility)) if controlled else []
        parts = np.array([1 - inside - over, inside, over - unacceptable, unacceptable])
        scores = {"interval": inside, "mean": -abs(mean - 0.25), "ewoc": np.arange(4.0), "loss": -self.losses @ parts}
        score = scores[self.rule]
        within = [j for j in admissible if FOUR[j] <= FOUR[last] * (1 + self.increment)]
        best = []
        for allowed in (within, admissible):
            ranked = sorted(allowed, key=lambda j: score[j])
            gaps += [score[ranked[-1]] - score[j] for j in ranked[:-1]]
            best.append(ranked[-1] if ranked else None)
        self.margin = min(self.margin, *gaps, 1)
        return best

    def trials(self, patients):
        """All reachable (n, y, dose last given) -> (next dose, MTD), in threes; None to stop, None for no MTD."""
        decided, layer = {}, {((3, 0, 0, 0), (dlts, 0, 0, 0), 0) for dlts in range(4)}
        for treated in range(3, patients + 1, 3):
            states, layer = sorted(layer), set()
            posterior = self.posterior(*(np.array([state[part] for state in states]) for part in (0, 1)))
            for state, *judged in zip(states, *posterior, strict=True):
                best, mtd = self.choice(state[2], *judged)
                dose = best if treated < patients else None
                decided[state] = dose, mtd
                if dose is not None:
                    layer |= {(plus(state[0], dose, 3), plus(state[1], dose, dlts), dose) for dlts in range(4)}
        return decided


def plus(counts, dose, more):
    return (*counts[:dose], counts[dose] + more, *counts[dose + 1 :])


@pytest.mark.parametrize(
    ("patients", "options"),
    [
        (30, {}),
        (18, {"feasibility": 0.6}),
        (18, {"rule": "mean", "feasibility": 0.6}),
        (18, {"rule": "ewoc", "feasibility": 0.4, "max_increment": 2.5}),
        (15, {"rule": "mean", "feasibility": 1.0}),
        (18, {"rule": "loss", "feasibility": 1.0}),
        (18, {"rule": "loss", "losses": (1.0, 0.5, 2.0, 4.0)}),
    ],
)
def test_every_decision_by_an_independent_enumeration(patients, options):
    base = BLRM(doses=4, target=0.25, dose_values=FOUR, unit="x", reference_dose=1.5, **options)
    graph = build_graph(Modified(base, (MaxPatients(n=patients),)), edges=True)
    mtd = dict(zip(graph.ending.tolist(), graph.selected.tolist(), strict=True))
    rows = zip(graph.state.n.tolist(), graph.state.y.tolist(), graph.state.dose.tolist(), strict=True)
    found = {(tuple(n), tuple(y), last): i for i, (n, y, last) in enumerate(rows) if last >= 0}
    enumerated = Enumerated(**options)
    wanted = enumerated.trials(patients)
    assert enumerated.margin > 2e-5  # the two integrals differ by less than 6e-6: no decision hangs on that
    assert found.keys() == wanted.keys()
    for state, i in found.items():
        dose, selected = wanted[state]
        if dose is None:
            assert mtd[i] == (NONE if selected is None else selected), state
        else:
            assert (graph.decision.dose[i], mtd.get(i)) == (dose, None), state
    if patients == 30:
        assert graph.counts()["states"] == len(wanted) + 1 == 4075  # what the benchmark times


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


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"losses": (1.0, 0.0, 1.0, 3.0)}, "losses: is read with rule = 'loss' alone"),
        ({"unacceptable": 0.5}, "unacceptable: is read with rule = 'loss' alone"),
        ({"rule": "loss", "unacceptable": 0.3}, r"unacceptable: wanted more than .* \(0.33\) and less than 1, got 0.3"),
        ({"rule": "loss", "losses": (1.0, 0.0, 1.0)}, "losses: wanted four losses"),
        ({"rule": "loss", "losses": (1.0, 1.0, 1.0, 1.0)}, "losses: wanted four losses, none below 0"),
        ({"rule": "loss", "losses": (-1.0, 0.0, 1.0, 2.0)}, "losses: wanted four losses, none below 0"),
    ],
)
def test_losses_that_are_none_or_not_read_are_refused(given, said):
    with pytest.raises(Faults, match=said):
        BLRM(doses=4, target=0.25, dose_values=FOUR, unit="x", reference_dose=1.5, **given)


def test_losses_in_a_study_file_and_in_words():
    text = load_study().to_toml() + '\n[designs.B]\nkind = "blrm"\nreference_dose = 1.5e9\nrule = "loss"\n'
    study = parse_study(text + 'losses = [1, 0, 1, 3]\nmodifiers = [{ kind = "max_patients", n = 12 }]\n')
    assert study.designs["B"].base.losses == (1.0, 0.0, 1.0, 3.0)
    assert parse_study(study.to_toml()) == study
    (row,) = (row for row in study.designs["B"].describe() if row.rule == "next dose")
    wanted = "the least expected loss, 1 for p <= 0.16, 0 to 0.33, 1 to 0.6, 3 above, ties to the lower"
    assert row.reading == f"of the admissible doses, {wanted}"
