"""Weighted scenarios: what is believed of the DLT rates before the trial."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import xarray as xr

from doseopt.beliefs.logistic import LogisticFamily
from doseopt.core.parameters import Fault, Faults, are_numbers, check, param
from doseopt.core.state import FloatArray, IntArray
from doseopt.scenarios.dataset import make_scenarios
from doseopt.scenarios.generators import GENERATORS


@dataclass(frozen=True, eq=False)
class Belief:
    """Scenarios and how much each is believed.

    Parameters
    ----------
    scenarios : Dataset
        Of `doseopt.make_scenarios`: patients are weighed with `p_observed`, right and wrong are judged by `p_dlt`.
    weight : float array [R], optional
        Not negative; scaled to sum to 1. Left out: all scenarios weigh the same.
    source : str
        Where it comes from, in words.
    check : float array [R], optional
        Of a continuous belief, whose averages are integrals: the weights of a coarser rule. It has scenarios of its
        own, of weight 0 otherwise.
    finer : function of nothing to Belief, optional
        The same continuous belief by finer rules; None for the finest, and where averages are sums.

    Raises
    ------
    Faults
        If the weights do not fit the scenarios.

    Examples
    --------
    Two truths, the first believed three times as much.

    >>> from doseopt import Belief, make_scenarios
    >>> belief = Belief(make_scenarios([[0.1, 0.2], [0.3, 0.6]], names=["mild", "steep"]), weight=[3, 1])
    >>> belief.weight.tolist()
    [0.75, 0.25]
    """

    scenarios: xr.Dataset
    weight: FloatArray | None = None
    source: str = ""
    check: FloatArray | None = None
    finer: Callable[[], Belief] | None = None

    def __post_init__(self) -> None:
        """Check the weights, and scale them."""
        object.__setattr__(self, "weight", self._scaled(self.weight))
        if self.check is not None:
            object.__setattr__(self, "check", self._scaled(self.check))

    def _scaled(self, given: FloatArray | None) -> FloatArray:
        count = self.scenarios.sizes["scenario"]
        weight = np.ones(count) if given is None else np.asarray(given, float)
        right = weight.shape == (count,) and bool(np.all(weight >= 0)) and 0 < weight.sum() < np.inf
        if not right:
            message = f"wanted {count} numbers of at least 0, one a scenario and not all 0, got {_shown(weight)}"
            raise Faults([Fault("weight", message)], "Belief")
        return np.asarray(weight / weight.sum())

    def mean(self, values: FloatArray) -> FloatArray:
        """Return averages over the belief, of values [R, ...] by scenario."""
        return np.asarray(self.weights @ values)

    def error(self, values: FloatArray) -> FloatArray:
        """Return by how much the coarser rule has other averages, to show their errors; 0 if they are sums.

        Over 74 random beliefs the largest error of a design's averages was at most twice the largest that is shown.
        """
        return np.zeros(values.shape[1:]) if self.check is None else np.abs((self.weights - self.check) @ values)

    @cached_property
    def refined(self) -> Belief:
        """The same by the next finer rule, made once for the averages of many designs; itself if none is finer."""
        return self if self.finer is None else self.finer()

    @cached_property
    def trimmed(self) -> Belief:
        """The same without the lightest scenarios of each rule, which weigh at most `LIGHTEST` together."""
        rules = [rule for rule in (self.weights, self.check) if rule is not None]
        kept = np.unique(np.concatenate([_heaviest(rule) for rule in rules]))
        check = None if self.check is None else self.check[kept]
        return dataclasses.replace(
            self, scenarios=self.scenarios.isel(scenario=kept), weight=self.weights[kept], check=check
        )

    def as_sum(self) -> Belief:
        """Return a belief with the same averages and fewer scenarios: without its coarser rule, and finer ones."""
        kept = np.flatnonzero(self.weights)
        return Belief(self.scenarios.isel(scenario=kept), self.weights[kept], self.source)

    @property
    def weights(self) -> FloatArray:
        """The weights [R], which sum to 1."""
        assert self.weight is not None
        return self.weight

    @property
    def doses(self) -> int:
        """Number of doses."""
        return int(self.scenarios.sizes["dose"])

    @property
    def p_dlt(self) -> FloatArray:
        """True DLT rates [R, D], by which right and wrong are judged."""
        return np.asarray(self.scenarios["p_dlt"].to_numpy())

    @property
    def p_observed(self) -> FloatArray:
        """The rates that patients are weighed with [R, D]."""
        return np.asarray(self.scenarios["p_observed"].to_numpy())


ACCURACY = 2e-4
"""Errors of averages of probabilities that are small enough: tables show steps of 1e-3."""
LIGHTEST = 1e-6
"""Weight of the scenarios that averages are refined without: half of a rule for two parameters weighs less."""


def integrated(
    belief: Belief, values: Callable[[Belief], FloatArray], largest: npt.ArrayLike = 1.0
) -> tuple[Belief, FloatArray]:
    """Return a belief by rules that are fine enough for the averages of some values, and the values.

    Parameters
    ----------
    belief : Belief
    values : function of Belief to float array [R, M]
        By scenario, whatever the others are.
    largest : float or float array [M]
        What the values can be at most, e.g. the patients of a trial: errors are relative to it.
    """
    found = values(belief)
    while belief.finer is not None and np.nanmax(belief.error(found) / np.asarray(largest, float)) > ACCURACY:
        finer = belief.refined.trimmed
        belief, found = finer, _completed(finer, values, belief, found)
    return belief, found


def _completed(belief: Belief, values: Callable[[Belief], FloatArray], before: Belief, known: FloatArray) -> FloatArray:
    """Return values by scenario, of which some are known: the coarser rule was the finer one of the belief before."""
    places = {told: k for k, told in enumerate(_told(before))}
    place = np.array([places.get(told, -1) for told in _told(belief)])
    new = np.flatnonzero(place < 0)
    found: FloatArray = known[place]
    if len(new):
        found[new] = values(Belief(belief.scenarios.isel(scenario=new)))
    return found


def _told(belief: Belief) -> list[bytes]:
    """Return all that is said of each scenario."""
    each = [belief.scenarios[name].to_numpy() for name in belief.scenarios.data_vars]
    rows = np.column_stack([part.reshape(len(part), -1) for part in each])
    told: list[bytes] = rows.view(f"V{rows.shape[1] * rows.itemsize}")[:, 0].tolist()
    return told


def _heaviest(weight: FloatArray) -> IntArray:
    """Return the scenarios of a rule without its lightest ones."""
    order = np.argsort(weight)
    return order[np.cumsum(weight[order]) > LIGHTEST]


def _shown(weight: FloatArray) -> str:
    return str(weight.tolist()) if weight.size <= 8 else f"{weight.size} numbers"


def belief_of_rates(p_dlt: npt.ArrayLike, weight: npt.ArrayLike | None = None, source: str = "") -> Belief:
    """Return a belief of DLT rates: a stated set, or draws of a generator or of a posterior.

    Parameters
    ----------
    p_dlt : float array [..., D]
        E.g. ``tree["posterior"]["p_dlt"]`` (chain, draw, dose) of a fitted posterior; all axes but the last count
        scenarios.
    weight : float array [R], optional
    source : str

    Examples
    --------
    >>> from doseopt import belief_of_rates
    >>> belief_of_rates([[0.1, 0.3], [0.2, 0.4]]).weights.tolist()
    [0.5, 0.5]
    """
    rates = np.asarray(p_dlt, float)
    return Belief(
        make_scenarios(rates.reshape(-1, rates.shape[-1])), None if weight is None else np.asarray(weight), source
    )


def _weights_fault(value: object) -> str | None:
    if value is None:
        return None
    if are_numbers(value) and all(w >= 0 for w in value) and 0 < sum(value) < math.inf:
        return None
    return f"wanted numbers of at least 0, one a scenario and not all 0, got {value!r}"


@dataclass(frozen=True)
class StatedBelief:
    """The scenarios of the study, with weights.

    Parameters
    ----------
    weights : tuple of float, optional
        One a scenario, in the order of the study; all the same when left out.
    """

    weights: tuple[float, ...] | None = param(None, kind=tuple, custom=_weights_fault, doc="one number a scenario")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def describe(self) -> str:
        """Say the belief in one sentence."""
        return f"the study's scenarios, {'equal' if self.weights is None else 'stated'} weights"


@dataclass(frozen=True)
class DrawnBelief:
    """Curves drawn from a published generator.

    Parameters
    ----------
    generator : {"paoletti", "clertant"}
    seed, count : int
    """

    generator: str = param(kind=str, choices=tuple(GENERATORS), doc="published generator of curves")
    seed: int = param(kind=int, low=0, doc="seed of the draws")
    count: int = param(400, low=1, high=100_000, doc="number of curves")

    def __post_init__(self) -> None:
        """Check the parameters."""
        check(self)

    def rates(self, doses: int, target: float) -> FloatArray:
        """Return the curves, [count, doses]."""
        return GENERATORS[self.generator](doses, target, self.count, np.random.default_rng(self.seed))

    def describe(self) -> str:
        """Say the belief in one sentence."""
        return f"{self.count} curves of generator {self.generator}, seed {self.seed}"


type BeliefSpec = StatedBelief | DrawnBelief | LogisticFamily

BELIEFS: dict[str, type] = {"scenarios": StatedBelief, "generator": DrawnBelief, "logistic": LogisticFamily}
"""Name in study files -> kind of belief."""
