"""What a design attains under a utility, and how accurately that is known."""

from __future__ import annotations

from doseopt.beliefs import Belief
from doseopt.beliefs.utility import Utility
from doseopt.core.design import Design
from doseopt.core.state import FloatArray
from doseopt.engines.budget import TooManyStates
from doseopt.engines.means import means_of
from doseopt.measures.expected import linear_measures, linear_utility
from doseopt.scenarios import MTDRule
from doseopt.scenarios.mtd_rule import planned_of


def attained_by(
    design: Design, belief: Belief, mtd: MTDRule, utility: Utility, kept: bool = False
) -> dict[str, FloatArray]:
    """Return the linear measures of a design in each scenario of a belief, [R] each, and its expected `utility`.

    `kept` says whether its graph is remembered, as the design is asked about again.
    """
    planned = planned_of(belief.scenarios)
    means = means_of(design, belief.p_observed, scenarios=belief.scenarios, kept=kept)
    found = linear_measures(means, belief.p_dlt, mtd, planned)
    return found | {"utility": linear_utility(found, belief.p_dlt, mtd, utility, planned)}


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
        return float(belief.error(attained_by(design, belief, mtd, utility or Utility())["utility"]))
    except TooManyStates:
        return float("nan")
