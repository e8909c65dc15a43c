"""Densities of logits on lines, from which quantiles are read: those of a sum over all nodes, and of another rule."""

import numpy as np
import pytest

from doseopt.models.quadrature import quadrature
from doseopt.models.quadrature.two_parameter import BESIDE, RIGHT
from doseopt.models.quadrature.two_parameter_lines import at_logits
from doseopt.models.quadrature.two_parameter_nodes import FINE, nodes_for
from tests.models.test_two_parameter_nodes import CORNERS, DATA, DOSES, drawn
from tests.oracle_posterior import FineGrid

EACH = [(prior, data) for i, prior in enumerate(CORNERS) for k, data in enumerate(list(DATA)[:4]) if (i + k) % 4 == 1]


@pytest.mark.parametrize("prior", CORNERS)
def test_weights_are_those_of_the_sinc_interpolant_of_all_nodes(prior):
    """Also at the nodes of a line that the tiles of a tally do not reach."""
    nodes, (n, y) = nodes_for(CORNERS[prior], DOSES, 32, FINE), drawn(24, 100, 5)
    tallies = np.column_stack([y, n - y, np.ones(len(n))])
    answers, weights = nodes.answers(tallies), nodes.on_lines(tallies, BESIDE)
    good = answers.off_below < RIGHT
    assert good.sum() > 10
    log_f = np.einsum("uc,tcn->utn", tallies[good], nodes.columns[:, :-1]).reshape(good.sum(), -1)
    f = np.exp(log_f - answers.log_evidence[good, None])
    for line, weight, eta in zip(nodes.lines, weights, np.moveaxis(nodes.logits, 2, 0), strict=True):
        logits, found = line.logits[::5], weight[good, ::5] / answers.total[good, None]
        width = line.line.step / nodes.stretch.du(logits)
        wanted = f @ np.sinc((logits - eta.reshape(-1, 1)) / nodes.step) * (width / nodes.step)
        np.testing.assert_allclose(found, wanted, rtol=0, atol=RIGHT / 5)


def test_a_node_of_a_line_on_one_in_z_has_its_density():
    nodes = nodes_for(CORNERS["as bundled"], DOSES, 32, FINE)
    line, logits = nodes.lines[2], nodes.logits[:1, :, 2:3].copy()  # the reference dose: the same logits for every w
    logits += line.logits[np.searchsorted(line.logits, logits[0, 5, 0])] - logits[0, 5, 0]
    (some,), values = at_logits([line], logits, nodes.step)
    place = np.searchsorted(line.logits[some], logits[0, 5, 0] - 1e-9)
    at = values.reshape(12, 12, -1)[:, :, place] / (np.pi * line.share[some][place])
    np.testing.assert_allclose(at, np.broadcast_to(np.arange(12) == 5, (12, 12)), rtol=0, atol=1e-9)


def test_few_nodes_of_the_lines_are_reached():
    """By the tiles that count for tallies that are alike: about half of them."""
    nodes, (n, y) = nodes_for(CORNERS["as bundled"], DOSES, 32, FINE), drawn(24, 500, 6)
    _, counts = nodes.near(np.column_stack([y, n - y, np.ones(len(n))]), BESIDE)
    summed, reached = np.zeros((500, len(nodes.sign)), int), []
    for rows, tiles in nodes.side_by_side(counts):
        summed[rows, tiles] += 1
        some, values = at_logits(nodes.lines, nodes.logits[tiles], nodes.step)
        reached += [values.shape[1]] * len(rows)
        assert sum(part.stop - part.start for part in some) == values.shape[1]
    assert summed.max() == 1
    assert summed[counts].all()
    assert summed.sum() < 2 * counts.sum()
    assert np.mean(reached) < 0.6 * sum(line.line.size for line in nodes.lines)


@pytest.mark.parametrize(("prior", "data"), EACH)
def test_quantiles_on_the_corners_by_an_independent_rule(prior, data):
    model, (n, y) = CORNERS[prior], map(np.array, DATA[data])
    posterior = quadrature(model).posterior(n[None], y[None])
    for level, dose in ((0.05, 0), (0.95, 3)):
        rate = posterior.quantile(level)[0, dose]
        assert FineGrid(model, n, y, rate).cdf()[dose] == pytest.approx(level, abs=3e-7)
