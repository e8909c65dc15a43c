"""The accuracy of a design under a utility."""

from __future__ import annotations

from doseopt.beliefs import Belief
from doseopt.beliefs.utility import Utility
from doseopt.core.design import Design
from doseopt.engines.budget import TooManyStates
from doseopt.engines.exact import Exact
from doseopt.engines.outcomes import judged
from doseopt.measures.expected import expected_utility
from doseopt.scenarios import MTDRule


def error_of(design: Design, belief: Belief, mtd: MTDRule, utility: Utility | None = None) -> float:
    """Return the error of a design's expected utility under a continuous belief.

    Parameters
    ----------
    design : Design
    belief : Belief
    mtd : MTDRule
    utility : Utility, optional
        The probability of correct selection when left out.

    Returns
    -------
    float
        By how much the belief's coarser rule has it otherwise; of an optimal policy, also the error of its optimum. 0
        if averages are sums; nan if the graph is too large.
    """
    if belief.check is None:
        return 0.0
    try:
        outcomes = judged(Exact()(design, belief.scenarios), mtd)
    except TooManyStates:
        return float("nan")
    return float(belief.error(expected_utility(outcomes, utility or Utility()).to_numpy()))
