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
    no DLT), and so on; the last has what is left. `chances` makes them of what scenarios state.

    Parameters
    ----------
    letters : str
        One a category, as in outcome strings.
    names : tuple of str
    dlt : tuple of bool
        Which categories are a DLT.
    evaluable : tuple of bool
        Which categories count in the tally.
    beside : str
        What scenarios state of patients beside the DLT rates: `p_moderate`, the probability of a moderate toxicity
        given no DLT; or `p_eff`, that of efficacy, which is taken to be independent of the DLT. Empty for nothing.

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
    beside: str = ""

    def __len__(self) -> int:
        """Return the number of categories."""
        return len(self.letters)

    @property
    def graded(self) -> bool:
        """Whether moderate toxicities are told from none."""
        return "M" in self.letters

    @property
    def efficacy(self) -> bool:
        """Whether patients with efficacy are told from those without."""
        return "E" in self.letters

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
        own = (names + self.names, none + self.dlt, none + self.evaluable)
        return OutcomeSpace(letters + self.letters, *own, self.beside)

    def counts(self, letters: str) -> tuple[int, ...]:
        """Count patients by category; a letter that is not told apart here counts in the last, efficacy as none.

        >>> TOXICITY.counts("TBEN"), EFFICACY.counts("TBEN")
        ((2, 2), (1, 1, 1, 1))
        """
        told = letters if self.efficacy else letters.replace("B", "T")
        known = [told.count(letter) for letter in self.letters[:-1]]
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

    def with_efficacy(self, outcome: IntArray) -> IntArray:
        """Return the patients with efficacy of each cohort, [S, K] -> [S]."""
        return np.asarray(outcome[:, self.letters.index("B")] + outcome[:, self.letters.index("E")])

    def chances(self, p: FloatArray, beside: FloatArray | None = None) -> tuple[FloatArray, ...]:
        """Return the chances of categories that count, but the last, from the DLT rates and what is stated beside.

        >>> EFFICACY.probabilities(*EFFICACY.chances(np.array(0.2), np.array(0.5))).round(12).tolist()
        [0.1, 0.1, 0.4, 0.4]
        """
        if beside is None:
            return (p,)
        if not self.efficacy:
            return p, beside
        toxicity_alone = p * (1 - beside)
        left = 1 - toxicity_alone
        return toxicity_alone, np.where(left > 0, p * beside / np.where(left > 0, left, 1), 0.0), beside

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
    "TMN", ("DLT", "moderate toxicity", "no or mild toxicity"), (True, False, False), (True, True, True), "p_moderate"
)
"""A DLT, a moderate toxicity (grade 2 or worse without DLT), or neither."""
EFFICACY = OutcomeSpace(
    "TBEN",
    ("DLT alone", "DLT and efficacy", "efficacy alone", "neither"),
    (True, True, False, False),
    (True, True, True, True),
    "p_eff",
)
"""A DLT, efficacy, both or neither; letters as in Brock et al. 2017."""


def mean_utility(p: FloatArray | float, q: FloatArray | float, u2: float, u3: float) -> FloatArray:
    """Return the mean utility of a patient with rates p of a DLT and q of efficacy, independent, elementwise.

    Efficacy alone is worth 100, neither u2, both u3, a DLT alone 0 (Lin et al. 2020).

    >>> mean_utility(0.35, 0.25, 40, 60).round(12).item()
    41.0
    """
    return np.asarray(100 * q * (1 - p) + u2 * (1 - p) * (1 - q) + u3 * p * q)
