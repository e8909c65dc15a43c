"""Prior times likelihood of many tallies at the nodes of a grid, as products of few factors.

The likelihood is a product: of what was seen at each dose, and of what patients add who count in part. Of each factor
there are few kinds, whose values at the nodes are tabled. Products are summed over the nodes at once, and not kept; in
compiled loops only over the nodes near the mode of each tally.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from doseopt.core.compiled import compiled
from doseopt.core.distinct import unique_rows
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.models.quadrature.partial import AT_ONCE, Partial

NEAR = 1e-17
"""Least product, of the largest of a tally, that compiled loops do not leave out."""
STRIDE = 8
"""They look for large products at one node in so many."""


@dataclass(frozen=True, eq=False)
class Products:
    """Prior times likelihood after U tallies at G nodes, products of F factors.

    Parameters
    ----------
    tables : float array [K, G]
        Values of the kinds of all factors, over the largest of each kind.
    log_largest : float array [K]
        Logarithms of these.
    kinds : int array [U, F]
    """

    tables: FloatArray
    log_largest: FloatArray
    kinds: IntArray

    def __getitem__(self, rows: BoolArray) -> Products:
        return Products(self.tables, self.log_largest, self.kinds[rows])

    def log_scale(self) -> FloatArray:
        """Return the logarithm of what the values are over, [U]."""
        return np.asarray(self.log_largest[self.kinds].sum(axis=1))

    def values(self, rows: slice, nodes: IntArray | slice) -> FloatArray:
        """Return the values of some tallies at some nodes."""
        tables, (first, *others) = self.tables[:, nodes], self.kinds[rows].T
        found = tables[first]
        for kind in others:
            found *= tables[kind]
        return np.asarray(found)

    def sums(self, columns: FloatArray) -> FloatArray:
        """Return the sums over the nodes of the values times columns [G, C]: [U, C]."""
        if compiled(len(self.kinds)):
            from doseopt.models.quadrature import loops

            return np.asarray(
                loops.sum_products(self.tables, self.kinds, np.ascontiguousarray(columns.T), NEAR, STRIDE)
            )
        found = np.empty((len(self.kinds), columns.shape[1]))
        for first in range(0, len(found), AT_ONCE):
            rows = slice(first, first + AT_ONCE)
            np.matmul(self.values(rows, slice(None)), columns, out=found[rows])
        return found


def products(
    log_prior: FloatArray, log_p: FloatArray, log_q: FloatArray, n: IntArray, y: IntArray, partial: Partial | None
) -> Products:
    """Return prior times likelihood after tallies.

    Parameters
    ----------
    log_prior : float array [G]
        Of the nodes' shares.
    log_p, log_q : float array [G, D]
        Logarithms of the DLT rates, and of their complements.
    n, y : int array [U, D]
        Patients and DLTs.
    partial : Partial, optional
        Patients of these trials who count in part.
    """
    tables, kinds, count = [], [], 0
    for dose in range(n.shape[1]):
        first, kind = unique_rows([n[:, dose], y[:, dose]])
        dlts, others = y[first, dose, None], (n - y)[first, dose, None]
        tables.append(dlts * log_p[:, dose] + others * log_q[:, dose])
        kinds.append(kind + count)
        count += len(first)
    tables[0] += log_prior
    log_f = np.concatenate(tables)
    largest = log_f.max(axis=1)
    log_f -= largest[:, None]
    values = np.exp(log_f, out=log_f)
    if partial is not None:
        first, kind = partial.kinds()
        values = np.concatenate([values, partial[first].likelihood(np.exp(log_p))])
        largest = np.append(largest, np.zeros(len(first)))
        kinds.append(kind + count)
    return Products(values, largest, np.stack(kinds, axis=1))
