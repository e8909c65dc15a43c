"""Historical controls: how many of them survived to a day, and survival compared with theirs in three ways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import chdtrc, pdtr

from doseopt.core.parameters import Fault, check, param
from doseopt.core.state import FloatArray
from doseopt.core.text import text_fault
from doseopt.endpoints.life_table import MOST_DAYS
from doseopt.endpoints.proportions import MOST, Proportion
from doseopt.endpoints.survival import Survival


def _no_source(value: object) -> str | None:
    if not isinstance(value, str) or not value.strip():
        return f"wanted where the counts come from, got {value!r}"
    return text_fault(value)


@dataclass(frozen=True)
class LogRank:
    """The one-sample log-rank test against an exponential curve through the survival of the controls.

    Parameters
    ----------
    observed : int
        Deaths.
    expected : float
        The sum of the controls' cumulative hazard over the follow-up of each subject.
    """

    observed: int
    expected: float

    @property
    def chi_square(self) -> float:
        """(O - E)^2 / E, NaN without follow-up."""
        return (self.observed - self.expected) ** 2 / self.expected if self.expected else np.nan

    @property
    def p_two_sided(self) -> float:
        """Of the chi-square distribution with one degree of freedom."""
        return float(chdtrc(1, self.chi_square))

    @property
    def p_fewer(self) -> float:
        """Pr(Poisson(E) <= O): of so few deaths. An approximation, as follow-up ends at death."""
        return float(pdtr(self.observed, self.expected))


@dataclass(frozen=True)
class AtDay:
    """What the counts at the day say, from the fewest survivors that are possible to the most.

    Parameters
    ----------
    survivors : tuple of int
        If all who are censored died, and if all live: the same where nobody is.
    n : int
    p_more : tuple of float
        Exact binomial probability of as many survivors or more at the controls' rate, taken as known.
    above : tuple of float
        Posterior probability that survival is above that of the controls, both under uniform priors.
    """

    survivors: tuple[int, int]
    n: int
    p_more: tuple[float, float]
    above: tuple[float, float]

    @property
    def exact(self) -> bool:
        """Whether nobody is censored, so that the two of each pair are one."""
        return self.survivors[0] == self.survivors[1]


@dataclass(frozen=True)
class Historical:
    """Survival of historical controls, as a study states it.

    Parameters
    ----------
    day : float
    survivors, n : int
        So many of so many lived on that day; neither none nor all.
    source : str
        Where the counts come from.
    weight : float
        Of these counts in [0, 1], as a power prior, when their rate is random.
    improved, assessed : int, optional
        So many controls improved clinically, of so many assessed; of all where that is left out.

    Raises
    ------
    Faults
        With everything that is wrong.

    Examples
    --------
    Of 200 controls 130 lived on day 60; of 8 patients 7 do:

    >>> controls = Historical(60, 130, 200, "made up")
    >>> seen = Survival([60, 60, 60, 60, 60, 60, 60, 21], [0, 0, 0, 0, 0, 0, 0, 1])
    >>> at_day, test = controls.at_day(seen), controls.log_rank(seen)
    >>> at_day.survivors, round(at_day.p_more[0], 4), round(at_day.above[0], 4)
    ((7, 7), 0.1691, 0.8753)
    >>> test.observed, round(test.expected, 4), round(test.p_fewer, 4)
    (1, 3.1663, 0.1757)
    """

    day: float = param(kind=float, low=0, high=MOST_DAYS, open_low=True, doc="day of survival")
    survivors: int = param(kind=int, low=1, high=MOST, doc="controls who lived so long")
    n: int = param(kind=int, low=2, high=MOST, doc="controls")
    source: str = param(kind=str, custom=_no_source, doc="where the counts come from")
    weight: float = param(1.0, low=0, high=1, doc="of the counts, as a power prior")
    improved: int | None = param(None, kind=int, low=0, high=MOST, optional=True, doc="controls who improved")
    assessed: int | None = param(None, kind=int, low=1, high=MOST, optional=True, doc="controls assessed for that")

    @property
    def improvement(self) -> tuple[int, int] | None:
        """So many who improved, of so many; None where it is not stated."""
        return None if self.improved is None else (self.improved, self.n if self.assessed is None else self.assessed)

    def __post_init__(self) -> None:
        """Check the declared parameters, alone and together."""
        check(self, self._faults)

    def _faults(self) -> list[Fault]:
        found = []
        if self.survivors >= self.n:
            why = "as a curve through none or all says no hazard"
            found.append(Fault("survivors", f"wanted fewer than n = {self.n}, {why}, got {self.survivors}"))
        if self.assessed is not None and self.improved is None:
            found.append(Fault("assessed", "says nothing without improved; wanted how many of them improved"))
        if self.improvement is not None and self.improvement[0] > self.improvement[1]:
            found.append(Fault("improved", f"wanted at most the {self.improvement[1]} assessed, got {self.improved}"))
        return found

    @property
    def rate(self) -> float:
        """Survival at the day."""
        return self.survivors / self.n

    def hazard(self, days: FloatArray) -> FloatArray:
        """Return the cumulative hazard at some days, of an exponential curve through the rate."""
        return np.asarray(-np.log(self.rate) * days / self.day)

    def log_rank(self, seen: Survival) -> LogRank:
        """Return the one-sample log-rank test of what was seen up to the day."""
        days, died = seen.times
        expected = float(self.hazard(np.minimum(days, self.day)).sum())
        return LogRank(int((died & (days <= self.day)).sum()), expected)

    def at_day(self, seen: Survival) -> AtDay:
        """Return what the counts at the day say, by the exact binomial test and with a random control."""
        dead, alive, censored = seen.known(self.day)
        n = dead + alive + censored
        counts = Proportion([alive, alive + censored], n)
        p = [float(p) for p in counts.p_at_least(self.rate)]
        above = [float(p) for p in counts.above_control(self.survivors, self.n, self.weight)]
        return AtDay((alive, alive + censored), n, (p[0], p[1]), (above[0], above[1]))
