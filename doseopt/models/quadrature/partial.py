"""Patients who count in part: a weight w in the likelihood 1 - w p of no DLT so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from doseopt.core.distinct import unique_rows
from doseopt.core.state import BoolArray, FloatArray, IntArray

AT_ONCE = 128
"""Trials at a time, so that their likelihoods stay in the fast memory of a processor."""


@dataclass(frozen=True, eq=False)
class Partial:
    """The patients of U trials who have been followed for a part of the window and had no DLT.

    Parameters
    ----------
    dose : int array [U, P]
        The dose of each, -1 where there are fewer than P.
    weight : float array [U, P]
        w of each, in [0, 1].
    """

    dose: IntArray
    weight: FloatArray

    def __getitem__(self, rows: IntArray | BoolArray) -> Partial:
        return Partial(self.dose[rows], self.weight[rows])

    @property
    def patients(self) -> IntArray:
        """How many count in part, [U]."""
        return np.asarray((self.dose >= 0).sum(axis=1))

    def kinds(self) -> tuple[IntArray, IntArray]:
        """Return a row of each kind, and the kind of each row, whatever order its patients stand in."""
        _, weight = np.unique(self.weight, return_inverse=True)
        code = np.where(
            self.dose >= 0, 1 + self.dose * (1 + weight.max(initial=0)) + weight.reshape(self.dose.shape), 0
        )
        return unique_rows([np.zeros(len(code), np.int64), *np.sort(code, axis=1).T])

    def likelihood(self, p: FloatArray) -> FloatArray:
        """Return prod (1 - w p) at nodes with DLT rates p [G, D], [U, G]."""
        product, of_dose = np.ones((len(self.dose), len(p))), np.ascontiguousarray(p.T)
        weight = np.where(self.dose >= 0, self.weight, 0.0)
        room = np.empty((min(AT_ONCE, len(product)), len(p)))
        for first in range(0, len(product), AT_ONCE):
            part = product[first : first + AT_ONCE]
            factor = room[: len(part)]
            for k in range(weight.shape[1]):
                rows = slice(first, first + AT_ONCE)
                np.take(of_dose, self.dose[rows, k], axis=0, out=factor, mode="wrap")  # -1 is nobody, of weight 0
                factor *= weight[rows, k, None]
                part *= np.subtract(1, factor, out=factor)
        return product

    def log_likelihood(self, p: FloatArray, owner: IntArray) -> FloatArray:
        """Return the sum of log(1 - w p) of the owners' patients, p [Q, D] and owner [Q]: [Q]."""
        dose, weight = self.dose[owner], self.weight[owner]
        rate = np.take_along_axis(p, np.maximum(dose, 0), axis=1)
        return np.asarray(np.log1p(-np.where(dose >= 0, weight, 0.0) * np.minimum(rate, LARGEST)).sum(axis=1))


LARGEST = 1 - 2.0**-53
"""DLT rate, so that a patient without a DLT keeps a likelihood."""
