"""Whether two designs decide alike: the same cohorts, and the same MTD, after every outcome."""

from __future__ import annotations

import numpy as np

from doseopt.core.state import CONTINUE, BoolArray, IntArray
from doseopt.engines.graph import Graph


def decide_alike(one: Graph, other: Graph) -> bool:
    """Tell whether two designs give the same cohorts and declare the same dose, whatever the patients show.

    Both graphs are walked side by side from their start: a pair of states is what the same patients lead to under each
    design. Reasons to stop may differ, and so may states that are told apart by memory only.

    Parameters
    ----------
    one, other : Graph
        From the same start, with the same outcome categories.

    Examples
    --------
    In cohorts of three a target of 0.3 makes Keyboard and mTPI-2 the same rule.

    >>> from doseopt import MTPI2, Keyboard, MaxPatients, Modified, build_graph
    >>> designs = (Keyboard(doses=2, target=0.3), MTPI2(doses=2, target=0.3))
    >>> decide_alike(*(build_graph(Modified(design, (MaxPatients(n=9),)), edges=True) for design in designs))
    True
    """
    if one.design.facts.comers != other.design.facts.comers:
        return False
    edges, further = _Edges(one), _Edges(other)
    a = b = np.zeros(1, np.int64)
    while len(a):
        goes_on = one.decision.stop[a] == CONTINUE
        if not _same(one, other, a, b, goes_on):
            return False
        a, b = a[goes_on], b[goes_on]
        if not len(a):
            break
        pairs = np.column_stack([one.target[edges.after(a)], other.target[further.after(b)]])
        a, b = np.unique(pairs, axis=0).T
    return True


def _same(one: Graph, other: Graph, a: IntArray, b: IntArray, goes_on: BoolArray) -> bool:
    """Tell whether both do the same in each pair of states."""
    if not np.array_equal(goes_on, other.decision.stop[b] == CONTINUE):
        return False
    next_same = all(
        np.array_equal(getattr(one.decision, part)[a[goes_on]], getattr(other.decision, part)[b[goes_on]])
        for part in ("dose", "size")
    )
    return next_same and np.array_equal(_selected(one, a[~goes_on]), _selected(other, b[~goes_on]))


def _selected(graph: Graph, states: IntArray) -> IntArray:
    """Return the MTD declared in states where the trial stops."""
    return graph.selected[np.searchsorted(graph.ending, states)]


class _Edges:
    """The edges of a graph by the state that they leave, each state's in the order of the cohort's outcomes."""

    def __init__(self, graph: Graph) -> None:
        self.order = np.argsort(graph.source, kind="stable")
        self.first = np.searchsorted(graph.source[self.order], np.arange(len(graph.state) + 1))

    def after(self, states: IntArray) -> IntArray:
        """Return the edges that leave some states, in order."""
        count = self.first[states + 1] - self.first[states]
        start = np.repeat(self.first[states] - np.cumsum(count) + count, count)
        return self.order[start + np.arange(count.sum())]
