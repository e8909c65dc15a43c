"""The price of each rule to the best design that keeps it."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
import xarray as xr

from doseopt.attainable.accuracy import error_of
from doseopt.attainable.optimal import bayes_optimal_each, guard
from doseopt.attainable.rules import Rules
from doseopt.beliefs import Belief
from doseopt.beliefs.utility import Utility
from doseopt.core.progress import Progress, in_percent
from doseopt.designs.modifiers import TooToxic
from doseopt.designs.tallies import Course
from doseopt.display.attained import ATTAINABLE, reasons
from doseopt.engines.budget import TooManyStates
from doseopt.scenarios import MTDRule

RULES: dict[str, Callable[[Rules], Rules]] = {
    "skipping allowed": lambda r: dataclasses.replace(r, no_skipping=False),
    ATTAINABLE: lambda r: r,
    "cohorts of 2": lambda r: _cohorts(r, 2),
    "cohorts of 3": lambda r: _cohorts(r, 3),
    "1 patient, then cohorts of 3": lambda r: dataclasses.replace(r, cohort=3, first_cohort=1),
    "coherent": lambda r: dataclasses.replace(r, coherent=True),
    "no early stop": lambda r: dataclasses.replace(r, early_stop=False),
    "MTD among doses tried": lambda r: dataclasses.replace(r, select_untried=False),
    "safety stop at 95%": lambda r: dataclasses.replace(r, too_toxic=TooToxic(0.95)),
    "cohorts of 3, coherent, MTD tried, safety stop": lambda r: dataclasses.replace(
        _cohorts(r, 3), coherent=True, select_untried=False, too_toxic=TooToxic(0.95)
    ),
}
"""What is changed in the attainable (one patient at a time, no skipping, stopping free), by its name."""


def _cohorts(rules: Rules, size: int) -> Rules:
    """Return the rules with larger cohorts; the first one has no more patients than the trial."""
    return dataclasses.replace(rules, cohort=size, first_cohort=min(size, rules.patients))


def price_of_rules(
    belief: Belief,
    mtd: MTDRule,
    patients: Sequence[int],
    utility: Utility | None = None,
    start: int = 1,
    progress: Progress = lambda _: None,
    known: Mapping[Rules, tuple[float, float]] = MappingProxyType({}),
) -> xr.Dataset:
    """Return what the best design attains under each of `RULES`, and what the rule costs.

    Parameters
    ----------
    belief : Belief
    mtd : MTDRule
    patients : sequence of int
        Most patients, one column each.
    utility : Utility, optional
    start : int
        Level of the first cohort, counted from 1.
    progress : callable, optional
        Told the rules that are solved together when their turn comes, and how much of that is done.
    known : mapping of Rules to (float, float)
        Classes whose optimum under this utility, and its error, need not be found.

    Returns
    -------
    Dataset
        `optimum` (rule, enrolment): expected utility of the best design; nan where the problem is too large.
        `optimum_error` (rule, enrolment): its error as an integral (`error_of`).
        `price` (rule, enrolment): that of one patient at a time, minus this one; negative where the rule is a freedom.
        The attribute `not_computed` says which rules are too large, and what would not be (`reasons`).
    """
    refused: dict[str, str] = {}
    optimum, error = np.full((2, len(RULES), len(patients)), np.nan)
    for k, n in enumerate(patients):
        too_large, alike = {}, defaultdict[Course, dict[str, Rules]](dict)
        for name, change in RULES.items():
            rules, at = change(Rules(n, start=start)), (list(RULES).index(name), k)
            if rules in known:
                optimum[at], error[at] = known[rules]
                continue
            course = rules.course(belief.doses)
            try:
                guard(course, rules)
            except TooManyStates as reason:
                too_large[name] = str(reason)
            else:
                alike[course][name] = rules
        for some in alike.values():
            step = f"{', '.join(some)}; {n} patients"
            progress(step)
            problems = [(rules, utility or Utility()) for rules in some.values()]
            optima = bayes_optimal_each(belief, mtd, problems, progress=in_percent(progress, step))
            for name, best in zip(some, optima, strict=True):
                at = list(RULES).index(name), k
                optimum[at], error[at] = best.value, error_of(best.design, belief, mtd, utility)
        if len(too_large) == len(RULES):
            too_large = {"every rule": too_large["cohorts of 3"]}
        refused |= {f"{name}, {n} patients": reason for name, reason in too_large.items()}
    price = optimum[list(RULES).index(ATTAINABLE)] - optimum
    units = {"units": "1"}
    return xr.Dataset(
        {
            "optimum": (("rule", "enrolment"), optimum, units | {"long_name": "expected utility of the best design"}),
            "optimum_error": (
                ("rule", "enrolment"),
                error,
                units | {"long_name": "its difference by a coarser rule"},
            ),
            "price": (("rule", "enrolment"), price, units | {"long_name": "expected utility that the rule costs"}),
        },
        coords={"rule": list(RULES), "enrolment": list(patients)},
        attrs={"not_computed": reasons(refused)},
    )
