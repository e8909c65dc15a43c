"""Outcome space: how a patient can respond, and the only statement of it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from doseopt.core.state import FloatArray, IntArray


@dataclass(frozen=True)
class OutcomeSpace:
    """The ways a patient can respond, in the order in which they are looked for; the last is none of those before.

    The chance of a category is stated given none of those before it: for a DLT p, for a moderate toxicity P(moderate |
    no DLT), and so on; the last has what is left.

    Parameters
    ----------
    letters : str
        One a category, as in outcome strings.
    names : tuple of str
    dlt : tuple of bool
        Which categories are a DLT.
    evaluable : tuple of bool
        Which categories count in the tally.

    Examples
    --------
    >>> GRADED.counts("TNMN")
    (1, 1, 2)
    >>> GRADED.probabilities(0.2, 0.5).tolist()
    [0.2, 0.4, 0.4]
    """

    letters: str
    names: tuple[str, ...]
    dlt: tuple[bool, ...]
    evaluable: tuple[bool, ...]

    def __len__(self) -> int:
        """Return the number of categories."""
        return len(self.letters)

    @property
    def graded(self) -> bool:
        """Whether moderate toxicities are told from none."""
        return "M" in self.letters

    @property
    def lost(self) -> int:
        """Number of categories that do not count in the tally; they stand before all others."""
        return self.evaluable.count(False)

    @property
    def replaces(self) -> bool:
        """Whether patients are told who are replaced within their cohort; they are the first category."""
        return "R" in self.letters

    @property
    def tallied(self) -> bool:
        """Whether a tally says how many patients were in each category."""
        return len(self) == 2

    def losing(self, letters: str) -> OutcomeSpace:
        """Return the space in which patients can also be lost: R, replaced, or X, left out of the tally.

        >>> TOXICITY.losing("RX").probabilities(0.2, 0.5, 0.25).round(12).tolist()
        [0.2, 0.4, 0.1, 0.3]
        """
        names, none = tuple(LOST[letter] for letter in letters), (False,) * len(letters)
        return OutcomeSpace(letters + self.letters, names + self.names, none + self.dlt, none + self.evaluable)

    def counts(self, letters: str) -> tuple[int, ...]:
        """Count patients by category; a letter that is not told apart here counts in the last."""
        known = [letters.count(letter) for letter in self.letters[:-1]]
        return (*known, len(letters) - sum(known))

    def fillings(self, patients: int) -> list[str]:
        """Return what some patients can turn out to have, in no order, the best first."""
        return ["".join(way) for way in itertools.combinations_with_replacement(self.letters[::-1], patients)]

    def evaluated(self, outcome: IntArray) -> IntArray:
        """Return the patients of each cohort that count in the tally, [S, K] -> [S]."""
        return np.asarray(sum(column for column, counts in zip(outcome.T, self.evaluable, strict=True) if counts))

    def dlts(self, outcome: IntArray) -> IntArray:
        """Return the DLTs of each cohort, [S, K] -> [S]."""
        return np.asarray(sum(column for column, is_dlt in zip(outcome.T, self.dlt, strict=True) if is_dlt))

    def probabilities(self, *chances: FloatArray | float) -> FloatArray:
        """Return the probability of each category, [..., K], from the chances of all but the last."""
        found, left = [], np.ones_like(np.asarray(chances[0], float))
        for chance in chances:
            found.append(left * chance)
            left = left * (1 - np.asarray(chance))
        return np.stack([*found, left], axis=-1)

    def draw(self, u: FloatArray, *chances: FloatArray) -> IntArray:
        """Return the category of patients whose tolerances are u: the lower, the earlier the category."""
        category, edge, left = np.zeros(u.shape, np.int64), np.zeros_like(u), np.ones_like(u)
        for chance in chances:
            edge, left = edge + left * chance, left * (1 - chance)
            category += u >= edge
        return category


LOST = {"R": "not evaluable, replaced", "X": "not evaluable, left out"}
"""Patients who do not count in the tally."""
TOXICITY = OutcomeSpace("TN", ("DLT", "no DLT"), (True, False), (True, True))
"""A DLT, or none."""
GRADED = OutcomeSpace(
    "TMN", ("DLT", "moderate toxicity", "no or mild toxicity"), (True, False, False), (True, True, True)
)
"""A DLT, a moderate toxicity (grade 2 or worse without DLT), or neither."""
