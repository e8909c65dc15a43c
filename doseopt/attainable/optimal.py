"""The Bayes-optimal policy: what no design of a class can beat in expectation, by backward induction."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from doseopt.attainable.endings import Likelihoods
from doseopt.attainable.induction import Induction, Problem
from doseopt.attainable.rules import Rules
from doseopt.beliefs import Belief
from doseopt.beliefs.utility import Utility
from doseopt.designs.policy import Policy
from doseopt.designs.policy_table import PolicyTable, code_type
from doseopt.designs.tallies import Course, Tallies, tallies_of
from doseopt.engines.budget import TooManyStates, allowed
from doseopt.scenarios import MTDRule

SHARE = 0.625
"""Of what is allowed, for codes of all tallies and values of those after two cohorts; besides come likelihoods."""
TOGETHER = 150_000_000
"""Bytes of the codes and values of problems that are solved together, if there is more than one."""


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
    max_bytes: int | None = None,
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
    max_bytes : int, optional
        Refuse larger problems; of 4 doses and more than 39 patients one by one, say, or 66 in cohorts of 3, when left
        out: five eighths of what is allowed, 2 GB unless `doseopt.engines.budget.within` says otherwise.
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
    return next(bayes_optimal_each(belief, mtd, [(rules, utility or Utility())], max_bytes, progress))


def bayes_optimal_each(
    belief: Belief,
    mtd: MTDRule,
    problems: Sequence[tuple[Rules, Utility]],
    max_bytes: int | None = None,
    progress: Callable[[float], object] = lambda _: None,
) -> Iterator[Optimum]:
    """Yield the best designs of classes whose cohorts are alike, each under a utility: `bayes_optimal`, but faster.

    What tallies weigh is found once for as many problems as find room together.

    Parameters
    ----------
    belief : Belief
    mtd : MTDRule
    problems : sequence of (Rules, Utility)
        Classes with the same patients, cohorts, start and skipping.
    max_bytes : int, optional
    progress : callable, optional
        As of `bayes_optimal`.

    Yields
    ------
    Optimum
        Of each problem, in order.
    """
    course = problems[0][0].course(belief.doses)
    for rules, _ in problems:
        guard(course, rules, max_bytes)
    likelihoods = Likelihoods(belief, mtd, tallies_of(course))
    done = 0
    while done < len(problems):
        some = _together(problems[done:], likelihoods.tallies)
        values = Induction(likelihoods, some, mtd.target).solve(_shared(progress, done, len(some), len(problems)))
        done += len(some)
        for problem, value in zip(some, values, strict=True):
            toxic = mtd.target if problem.rules.coherent else None
            title = (
                f"Bayes-optimal for {problem.utility.describe()}; belief: {belief.source or 'weighted scenarios'}; "
                f"{problem.rules.describe()}"
            )
            yield Optimum(value, Policy(belief.doses, mtd.target, PolicyTable(course, problem.codes, toxic, title)))


def _shared(progress: Callable[[float], object], done: int, now: int, all_: int) -> Callable[[float], object]:
    """Return what is told the share that is done of some problems, and tells that of all."""
    return lambda share: progress((done + share * now) / all_)


def _together(problems: Sequence[tuple[Rules, Utility]], tallies: Tallies) -> list[Problem]:
    """Return the first problems, as many as find room together, and at least one."""
    found = [Problem(*problems[0], tallies)]
    for each in problems[1:]:
        found.append(Problem(*each, tallies))
        if sum(problem.bytes for problem in found) > TOGETHER:
            return found[:-1]
    return found


def _size(course: Course, rules: Rules) -> int:
    """Return a bound of the bytes that a policy takes while it is found."""
    return course.size(course.doses if rules.coherent else 1, code_type(course.doses)().itemsize)


def guard(course: Course, rules: Rules, max_bytes: int | None = None) -> None:
    """Refuse what would not fit, and say what would."""
    most = round(SHARE * allowed()) if max_bytes is None else max_bytes

    def fits(patients: int, cohort: int) -> Course | None:
        first = min(rules.first_cohort or cohort, patients)
        less = Course(course.doses, patients, cohort, first, course.start, course.skips)
        return less if less.doses <= less.most_doses and _size(less, rules) <= most else None

    if fits(course.patients, course.cohort):
        return
    cohorts = [c for c in (2, 3, 4, 6) if course.cohort < c <= course.patients and fits(course.patients, c)]
    advice = [f"cohorts of {c}" for c in cohorts[:1]]
    fewer = bisect_left(range(1, course.patients), True, key=lambda n: fits(n, course.cohort) is None)
    advice += [f"{fewer} patient{'s' * (fewer > 1)}"] if fewer else []
    patients = f"{course.patients} patient{'s' * (course.patients > 1)}"
    what = f"{course.doses} dose{'s' * (course.doses > 1)} and {patients} in cohorts of {course.cohort}"
    reason = f"takes up to {_gigabytes(_size(course, rules))}, more than {_gigabytes(most)} (max_bytes)"
    if course.doses > course.most_doses:
        reason = f"is refused: with {patients} at most {course.most_doses} doses"
    raise TooManyStates(f"the optimal policy for {what} {reason}" + (f"; take {' or '.join(advice)}" if advice else ""))


def _gigabytes(size: int) -> str:
    return f"{float(f'{size / 1e9:.3g}'):,.10g} GB" if size < 1e15 else "a million GB and more"
