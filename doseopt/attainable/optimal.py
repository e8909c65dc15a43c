"""The Bayes-optimal policy: what no design of a class can beat in expectation, by backward induction."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from scipy.special import comb

from doseopt.attainable.endings import Ending, Endings
from doseopt.attainable.rules import Rules
from doseopt.beliefs import Belief
from doseopt.beliefs.utility import Utility
from doseopt.core.state import BoolArray, FloatArray, IntArray
from doseopt.designs.policy import Policy
from doseopt.designs.policy_table import STOP, TOO_TOXIC, TREAT, Codes, PolicyTable, code, code_type
from doseopt.designs.tallies import Course, Part, Tallies, tallies_of
from doseopt.engines.budget import TooManyStates
from doseopt.scenarios import MTDRule

MAX_BYTES = 1_250_000_000
"""Of the codes of all tallies and the values of those after two cohorts; besides come the likelihoods (`KEPT`)."""
TIE = 1e-12
"""Advantages up to this count as none: a trial that gains nothing by going on stops."""


@dataclass(frozen=True)
class Optimum:
    """The best of a class of designs.

    Attributes
    ----------
    value : float
        Expected utility.
    design : Policy
        One that attains it.
    """

    value: float
    design: Policy


def bayes_optimal(
    belief: Belief,
    mtd: MTDRule,
    rules: Rules,
    utility: Utility | None = None,
    max_bytes: int = MAX_BYTES,
    progress: Callable[[float], object] = lambda _: None,
) -> Optimum:
    """Find the design of a class with the highest expected utility.

    Parameters
    ----------
    belief : Belief
        Scenarios with weights.
    mtd : MTDRule
        What is a correct selection, and the target.
    rules : Rules
        The class. One patient at a time, without coherence and with stopping free, is the *attainable*: it bounds every
        design that sees tallies, with the same cap and start and no dose skipped, whatever its cohorts.
    utility : Utility, optional
        The probability of correct selection when left out.
    max_bytes : int
        Refuse larger problems: of 4 doses and more than 39 patients one by one, say, or 66 in cohorts of 3.
    progress : callable, optional
        Told the share of the work that is done.

    Returns
    -------
    Optimum
        Its value is reproduced by the exact engine within 1e-9. Of moves that are worth the same within 1e-12 the trial
        stops if that is one of them, and else takes the lowest dose; of selections, none and then the lowest dose.

    Raises
    ------
    Faults
        If a rule is outside its domain.
    TooManyStates
        With what to do about it. However little memory is wanted, at most `Course.most_doses` are possible: 62 doses
        with 1 patient, 30 with 3, 18 with 10, 12 with 30.

    Notes
    -----
    The tally is sufficient: V(t) = max(stop, max_j sum_k C(c, k) V(t + k DLTs among c at dose j)), where V is weighed
    with the likelihood sum_r w_r prod_j p_rj^y_j (1 - p_rj)^(n_j - y_j), so that no posterior is normalised. Optimal is
    the policy under this belief and utility, and for no other.

    References
    ----------
    Bellman R (1957), Dynamic Programming; Bartroff J, Lai TL (2010), Statistical Science 25:245.

    Examples
    --------
    The only dose is right in the first two truths. Best is to declare it unless its one patient has a DLT, which is
    right with probability (0.9 + 0.75 + 0.9) / 3.

    >>> from doseopt import Belief, MTDRule, Rules, bayes_optimal, make_scenarios
    >>> belief = Belief(make_scenarios([[0.1], [0.25], [0.9]]))
    >>> round(bayes_optimal(belief, MTDRule(target=0.25, none_above=0.35), Rules(patients=1)).value, 4)
    0.85
    """
    course = rules.course(belief.doses)
    wanted = Utility() if utility is None else utility
    _guard(course, rules, max_bytes)
    tallies = tallies_of(course)
    endings = Endings(belief, mtd, wanted, tallies, rules.select_untried, rules.too_toxic)
    solver = _Solver(tallies, endings, rules, mtd.target)
    value = solver.solve(progress)
    title = (
        f"Bayes-optimal for {wanted.describe()}; belief: {belief.source or 'weighted scenarios'}; {rules.describe()}"
    )
    table = PolicyTable(course, solver.codes, mtd.target if rules.coherent else None, title)
    return Optimum(value, Policy(belief.doses, mtd.target, table))


def _guard(course: Course, rules: Rules, allowed: int) -> None:
    """Refuse what would not fit, and say what would."""

    def size(course: Course) -> int:
        return course.size(course.doses if rules.coherent else 1, code_type(course.doses)().itemsize)

    def fits(patients: int, cohort: int) -> Course | None:
        first = min(rules.first_cohort or cohort, patients)
        less = Course(course.doses, patients, cohort, first, course.start, course.skips)
        return less if less.doses <= less.most_doses and size(less) <= allowed else None

    if fits(course.patients, course.cohort):
        return
    cohorts = [c for c in (2, 3, 4, 6) if course.cohort < c <= course.patients and fits(course.patients, c)]
    advice = [f"cohorts of {c}" for c in cohorts[:1]]
    fewer = bisect_left(range(1, course.patients), True, key=lambda n: fits(n, course.cohort) is None)
    advice += [f"{fewer} patient{'s' * (fewer > 1)}"] if fewer else []
    patients = f"{course.patients} patient{'s' * (course.patients > 1)}"
    what = f"{course.doses} dose{'s' * (course.doses > 1)} and {patients} in cohorts of {course.cohort}"
    reason = f"takes up to {_gigabytes(size(course))}, more than {_gigabytes(allowed)} (max_bytes)"
    if course.doses > course.most_doses:
        reason = f"is refused: with {patients} at most {course.most_doses} doses"
    raise TooManyStates(f"the optimal policy for {what} {reason}" + (f"; take {' or '.join(advice)}" if advice else ""))


def _gigabytes(size: int) -> str:
    return f"{float(f'{size / 1e9:.3g}'):,.10g} GB" if size < 1e15 else "a million GB and more"


type Values = dict[int, list[FloatArray]]
"""By patients in the lower part: one matrix of values for each variant (see `PolicyTable.codes`)."""


@dataclass
class _Solver:
    """Backward induction, one number of patients after the other."""

    tallies: Tallies
    endings: Endings
    rules: Rules
    target: float
    codes: Codes = field(init=False)

    def __post_init__(self) -> None:
        variants = self.tallies.course.doses if self.rules.coherent else 1
        self.codes = np.zeros((variants, self.tallies.size), code_type(self.tallies.course.doses))

    def solve(self, progress: Callable[[float], object]) -> float:
        """Fill the codes, and return the value of the empty trial."""
        course = self.tallies.course
        later: Values = {}
        done = 0
        for stage in range(len(course.totals) - 1, -1, -1):
            now: Values = {}
            for a in self.tallies.splits(stage):
                now[a] = self._matrix(stage, a, later)
                done += now[a][0].size
                progress(done / self.tallies.size)
            later = now
        part = self.tallies.lower if course.start <= self.tallies.lower.high else self.tallies.upper
        nobody = np.zeros(1, np.int64)
        value = self._treated(later, course.first_cohort, course.start - 1, 0, 0, part, nobody)
        return float(value[0, 0])

    def _matrix(self, stage: int, a: int, later: Values) -> list[FloatArray]:
        """Return the values of one matrix of tallies, and note the codes."""
        course, doses = self.tallies.course, self.tallies.course.doses
        ending = self.endings.at(course.totals[stage], a)
        last = stage == len(course.totals) - 1
        value, move = self._stopped(ending, last or self.rules.early_stop)
        slack = TIE * ending.mass
        variants: list[FloatArray] = []
        numbers = self.tallies.matrix(stage, a)
        for dose in range(doses):
            allowed = np.zeros((1, 1), bool) if last else self._allowed(course.totals[stage], a, dose)
            if allowed.any():
                q = self._next(stage, a, dose, later)
                better = (q > value + slack) & allowed & ~ending.forced[:, None]
                value = np.where(better, q, value)
                move[better] = TREAT + dose
            if len(self.codes) > 1 or dose == doses - 1:
                self.codes[len(variants), numbers] = code(move, ending.selected, doses).ravel()
                variants.append(value)
        return variants

    def _stopped(self, ending: Ending, may_stop: bool) -> tuple[FloatArray, IntArray]:
        """Return the values and moves of trials that stop here."""
        forced = np.broadcast_to(ending.forced[:, None], ending.value.shape)
        value = ending.value if may_stop else np.where(forced, ending.value, -np.inf)
        return value, np.where(forced, TOO_TOXIC, STOP)

    def _next(self, stage: int, a: int, dose: int, later: Values) -> FloatArray:
        """Return the value of treating the next cohort at a dose, a matrix."""
        course, size = self.tallies.course, self.tallies.course.sizes[stage + 1]
        part, patients = self.tallies.lower, a
        if dose >= part.high:
            part, patients = self.tallies.upper, course.totals[stage] - a
        return self._treated(later, size, dose, a, patients, part, part.keys[part.rows(patients)])

    def _treated(
        self, later: Values, size: int, dose: int, a: int, patients: int, part: Part, keys: IntArray
    ) -> FloatArray:
        """Return the sum over DLTs of (orders of patients) x (value after the cohort)."""
        below = part is self.tallies.lower
        after = later[a + size if below else a]
        q: FloatArray = np.zeros(0)
        for y in range(size + 1):
            toxic = self.rules.coherent and y / size >= self.target  # a product may exceed a whole number
            values = after[dose if toxic else -1]
            found, known = part.find(patients + size, keys + part.step(dose, size, y))
            child = values[found] if below else values[:, found]
            child = np.where(known[:, None] if below else known, child, 0.0) if not known.all() else child
            q = comb(size, y) * child if y == 0 else q + comb(size, y) * child
        return q

    def _allowed(self, total: int, a: int, dose: int) -> BoolArray:
        """Return where a dose may be given, broadcastable to the matrix of tallies."""
        lower, upper = self.tallies.lower, self.tallies.upper
        if not self.rules.no_skipping:
            return np.ones((1, 1), bool)
        if total == a:  # nobody in the upper part
            highest = _highest(lower.n[lower.rows(a)], lower.low)
            return (dose <= highest + 1)[:, None]
        highest = _highest(upper.n[upper.rows(total - a)], upper.low)
        return (dose <= highest + 1)[None, :]


def _highest(n: IntArray, low: int) -> IntArray:
    """Return the highest dose with patients in each row."""
    return np.asarray(np.where(n > 0, np.arange(low, low + n.shape[1]), -1).max(axis=1, initial=-1))
