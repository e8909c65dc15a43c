"""Sums over the endings of a large graph: likelihoods of the lower doses times those of the higher ones.

The likelihood of a tally is the product of both, and each has far fewer kinds than there are tallies: with 7 doses and
51 patients 3 million endings are made of 0.3 million kinds. The paths are a sparse matrix between the two, so that an
ending costs two multiplications a scenario, and an exponential is taken of kinds only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from doseopt.core.distinct import unique_rows
from doseopt.core.progress import tell
from doseopt.core.state import FloatArray, IntArray
from doseopt.engines.exact import log_rates, seen_by
from doseopt.engines.graph import Reach

ROOM = 1 << 21
"""Likelihoods of kinds at a time: 16 MB, of which four arrays are held."""
FEWEST = 16
"""Scenarios at a time, at least."""
LOOKED_AT = 10_000
"""Endings by which it is seen where to cut."""


def scenarios_at_once(kinds: int) -> int:
    """Return how many scenarios are weighed at a time."""
    return max(ROOM // kinds, FEWEST)


def sums(graph: Reach, chosen: IntArray, p: FloatArray, p_beside: FloatArray | None = None) -> FloatArray:
    """Return probabilities of what is chosen, expected patients and expected DLTs, side by side, [R, C (1 + D) + 2 D].

    Parameters
    ----------
    graph : Reach
        Of states that hold how many patients had which outcome.
    chosen : int array [C, E]
        The MTD that each of several designs declares at the endings, -1 for none.
    p, p_beside : float array [R, D]
        As of `exact.state_weights`.
    """
    from scipy.sparse import csr_array

    doses, beside = graph.design.facts.doses, p_beside is not None
    cut = _cut(graph, beside)
    low, high = slice(0, cut), slice(cut, doses)
    first, row = unique_rows([*chosen, *_columns(graph, graph.ending, low, beside)])
    other, column = unique_rows(_columns(graph, graph.ending, high, beside))
    paths = csr_array((graph.paths[graph.ending], (row, column)), shape=(len(first), len(other)))
    lower, higher = graph.packed[graph.ending[first]], graph.packed[graph.ending[other]]
    declared = [each[:, None] == np.arange(-1, doses) for each in chosen[:, first]]
    below = np.concatenate([*declared, lower.n[:, low], lower.y[:, low]], axis=1).astype(float)
    above = np.concatenate([higher.n[:, high], higher.y[:, high]], axis=1).astype(float)
    halves = ((low, graph.ending[first]), (high, graph.ending[other]))
    counts = [(half, np.concatenate(seen_by(graph, rows, beside, half), axis=1)) for half, rows in halves]
    found = np.empty((len(p), below.shape[1] + above.shape[1]))
    step = scenarios_at_once(len(first) + len(other))
    for some in (slice(at, at + step) for at in range(0, len(p), step)):
        tell(f"weighed, {some.start / len(p):.0%}")
        q = p_beside[some] if p_beside is not None else None
        one, two = (_likelihood(each, np.concatenate(log_rates(p[some], q, half), axis=1)) for half, each in counts)
        seen = two * (paths.T @ one)
        one *= paths @ two
        found[some] = np.concatenate([one.T @ below, seen.T @ above], axis=1)
    ends = np.cumsum([(1 + doses) * len(chosen), cut, cut, doses - cut])
    selection, n_low, y_low, n_high, y_high = np.split(found, ends, axis=1)
    return np.concatenate([selection, n_low, n_high, y_low, y_high], axis=1)


def _cut(graph: Reach, beside: bool) -> int:
    """Return how many doses are the lower ones, so that the half of more kinds has few."""
    some, doses = graph.ending[:: 1 + len(graph.ending) // LOOKED_AT], graph.design.facts.doses
    kinds = [
        max(len(unique_rows(_columns(graph, some, part, beside))[0]) for part in (slice(0, cut), slice(cut, doses)))
        for cut in range(1, doses + 1)
    ]
    return 1 + int(np.argmin(kinds))


def _columns(graph: Reach, rows: IntArray, doses: slice, beside: bool) -> Iterator[IntArray]:
    """Yield what the likelihood at some doses is made of, a column after the other; one of zeros first."""
    yield np.zeros(len(rows), np.int64)
    packing = graph.packed.packing
    for j in range(packing.doses)[doses]:
        for part in (packing.n, packing.y, packing.memory)[: 2 + beside]:
            yield graph.packed.numbers(part[j], rows)


def _likelihood(counts: FloatArray, rates: FloatArray) -> FloatArray:
    """Return the likelihood of what some doses saw, [Q, R], of counts [Q, C] and log rates [R, C]."""
    log = counts @ rates.T
    return np.asarray(np.exp(log, out=log))
