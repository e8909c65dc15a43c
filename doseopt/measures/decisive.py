"""Accuracy of the posterior where it decides: what it says of the dose declared, against what is true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import xarray as xr

from doseopt.core.design import Design
from doseopt.core.state import NONE, BoolArray, FloatArray, IntArray
from doseopt.measures.endings import TOO_HIGH, Endings
from doseopt.measures.estimates import Estimates
from doseopt.measures.estimation import Said, labelled, means_given, own_estimates

GIVEN = {
    "declared_p_right": "expected posterior probability that the declared dose is right",
    "declared_right": "probability that the declared dose is right",
    "declared_right_brier": "Brier score of the posterior probability that the declared dose is right",
    "declared_over": f"probability that the true rate of the declared dose is above {TOO_HIGH:.3g}",
    "declared_over_brier": f"Brier score of the posterior probability of a rate above {TOO_HIGH:.3g} there",
}
"""Given that a dose is declared."""
OWN = {
    "own_minus_posterior": "expected estimate of the design's own method at the declared dose, minus posterior mean",
    "own_from_posterior": "expected distance of the design's own estimate at the declared dose from the posterior mean",
}
"""Given that a dose is declared, and the design makes an estimate there."""
MTD_BRIER = "Brier score of the posterior probabilities that none, and that each dose, is right: their sum of squares"


class Declared(NamedTuple):
    """What the common posterior says at the declared dose after each ending, and what is true, [L, E] or [R, E]."""

    said: tuple[FloatArray, FloatArray]
    """Posterior probabilities that the dose is right, and that its rate is above `TOO_HIGH`."""
    true: tuple[FloatArray, FloatArray]
    """1 where it is so."""
    made: BoolArray
    """Where a dose is declared and the posterior was computed."""
    computed: BoolArray
    rank: IntArray
    at: IntArray
    right: BoolArray
    """Which doses are right, [R, 1, D]."""


def declared_of(endings: Endings, outcomes: xr.Dataset, estimates: Estimates) -> Declared:
    """Return what is said and true of the declared dose after some endings; arguments as of `decisive_accuracy`."""
    right = outcomes["acceptable"].transpose("scenario", "dose").to_numpy()[:, None]
    high = outcomes["p_dlt"].transpose("scenario", "dose").to_numpy()[:, None] > TOO_HIGH
    rank, selected = estimates.rank(endings.n, endings.y), endings.selected
    computed = rank < estimates.done
    rank, at = np.where(computed, rank, 0), np.where(selected == NONE, 0, selected)
    said = estimates.right[rank, 1 + at], estimates.over[rank, at]
    scenario = np.arange(len(right))[:, None]
    true = right[scenario, 0, at].astype(float), high[scenario, 0, at].astype(float)
    return Declared(said, true, computed & (selected != NONE), computed, rank, at, right)


def decisive_accuracy(outcomes: xr.Dataset, design: Design, estimates: Estimates) -> xr.Dataset:
    """Return how accurate the common posterior is where it decides, (scenario), with Monte Carlo errors.

    With q the posterior probability of an event and o = 1 where it is true, 0 otherwise, the Brier score is the mean of
    (q - o)^2: 0 at best, 1/4 for a q of 1/2 whatever happens. The posterior is calibrated in the large where the means
    of q and of o agree.

    Parameters
    ----------
    outcomes : Dataset
        Of the design, judged; one of those that the estimates were made for.
    design : Design
    estimates : Estimates
        With a definition of what is right.

    Returns
    -------
    Dataset
        `GIVEN` and `OWN`, and `mtd_brier`, of the probabilities of none and each dose after every ending. Endings whose
        posterior was not computed are left out.

    References
    ----------
    Brier 1950, Monthly Weather Review 78:1.

    Examples
    --------
    With one dose 3+3 declares it after 0 or 1 DLT in six patients. Under independent uniform rates the posteriors of
    these have 0.951 and 0.756 below 0.35: at a rate of 0.3 that is right.

    >>> from doseopt import Exact, MTDRule, ThreePlusThree, make_scenarios
    >>> from doseopt.beliefs.right import Definitions
    >>> from doseopt.engines.outcomes import judged
    >>> from doseopt.models.beta import BetaBinomial
    >>> design, rule = ThreePlusThree(doses=1, target=0.25), MTDRule(0.25)
    >>> outcomes = judged(Exact()(design, make_scenarios([[0.3]], ["one"])), rule)
    >>> estimates = Estimates(BetaBinomial(1), [outcomes], definitions=Definitions((rule,), (0,)))
    >>> estimates.run()
    >>> found = decisive_accuracy(outcomes, design, estimates)
    >>> p0, p1 = 0.7**6, 6 * 0.3 * 0.7**5
    >>> q0, q1 = 1 - 0.65**7, 1 - 0.65**7 - 7 * 0.35 * 0.65**6
    >>> wanted = (p0 * (1 - q0) ** 2 + p1 * (1 - q1) ** 2) / (p0 + p1)
    >>> abs(found.declared_right_brier.item() - wanted) < 1e-9
    True
    """

    def say(some: Endings) -> Iterator[Said]:
        there = declared_of(some, outcomes, estimates)
        (said, over), (is_right, is_over), right, declared = there.said, there.true, there.right, there.made
        yield (
            declared,
            {
                "declared_p_right": said,
                "declared_right": is_right,
                "declared_right_brier": (said - is_right) ** 2,
                "declared_over": is_over,
                "declared_over_brier": (over - is_over) ** 2,
            },
        )
        own = np.take_along_axis(own_estimates(some, design), there.at[..., None], axis=-1)[..., 0]
        apart = np.nan_to_num(own - estimates.mean[there.rank, there.at])
        yield declared & ~np.isnan(own), {"own_minus_posterior": apart, "own_from_posterior": np.abs(apart)}
        truth = np.concatenate([~right.any(axis=-1, keepdims=True), right], axis=-1)
        yield there.computed, {"mtd_brier": ((estimates.right[there.rank] - truth) ** 2).sum(axis=-1)}

    result = means_given(Endings.of(outcomes), say)
    texts = {name: f"{text}, given that one is declared" for name, text in (GIVEN | OWN).items()}
    return labelled(outcomes, result, texts | {"mtd_brier": MTD_BRIER})
