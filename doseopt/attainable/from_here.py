"""Attainment of designs from where a trial stands."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import numpy as np
import xarray as xr

from doseopt.attainable.attained import averages, best_of
from doseopt.beliefs import Belief, integrated
from doseopt.beliefs.of_model import updated
from doseopt.core.design import Design
from doseopt.core.parameters import Faults
from doseopt.core.progress import Progress
from doseopt.core.state import FloatArray, TrialState
from doseopt.designs.unfinished import Unfinished, under
from doseopt.designs.waiting import made_to_wait
from doseopt.display.attained import reasons
from doseopt.engines.budget import TooManyStates
from doseopt.engines.means import means_of
from doseopt.measures.expected import linear_measures, linear_utility
from doseopt.scenarios.mtd_rule import planned_of
from doseopt.study.study import Study


def attainable_from(
    study: Study,
    starts: Mapping[str, TrialState],
    progress: Progress = lambda _: None,
    going: Mapping[str, Design] | None = None,
) -> xr.Dataset:
    """Return what designs attain of what is attainable, from the start of the trial and from where it stands.

    Designs that decide while patients are pending are taken to wait. An optimal policy goes on optimally from any tally
    of its class, as Bayes' rule says what is believed there.

    Parameters
    ----------
    study : Study
    starts : mapping of str to TrialState
        Designs by name, and where their trials stand, a batch of one each.
    progress : callable, optional
    going : mapping of str to Design, optional
        The designs as their trials go on, amid cohorts or not; the study's when left out.

    Returns
    -------
    Dataset
        attrs: `error`, the largest of what follows, as integrals. (design): `most_patients`; `attained`, expected
        utility under the study's belief, and `attainable`, that of the best design of its class (see `limits_of`), nan
        if the class is too large (the attribute `not_computed` says why, a line for each design, and what is not);
        `attained_now` and `attainable_now`, the same under the belief after the data, from the data on, nan if no
        trial of the class comes to the tally.

    Raises
    ------
    TooManyStates
        If a design is too large.
    """
    designs = {name: made_to_wait(study.designs[name]) for name in starts}
    belief, attained, best, refused = averages(
        study, designs, lambda name: progress(f"what is attainable: {name}"), best_of
    )
    if len(attained) < len(designs):
        raise TooManyStates(reasons(refused))
    rows, errors = {}, []
    for name, start in starts.items():
        rules, row = attained[name]
        optimum = best[rules]
        now = updated(belief, start.n[0], start.y[0])
        standing = designs[name] if going is None else going[name]
        worth, error = worth_from(standing, now, start, study)
        values = [row["utility"], np.nan, worth, np.nan]
        errors += [row["utility_error"], error]
        if optimum is not None:
            values[1] = optimum.optimum.value
            best_now = under(optimum.optimum.design, standing)
            seen = start.with_memory(np.zeros((1, 0), np.int64))
            seen = best_now.start if isinstance(best_now, Unfinished) else seen
            with suppress(Faults):  # a tally that no trial of the class comes to
                values[3], error = worth_from(best_now, now, seen, study)
            errors += [optimum.error, error]
        rows[name] = [row["most_patients"], *values]
    texts = {
        "most_patients": ("patients", "most patients that a trial can have"),
        "attained": ("1", "expected utility under the belief"),
        "attainable": ("1", "expected utility of the best design of the class"),
        "attained_now": ("1", "expected utility under the belief after the data, from the data on"),
        "attainable_now": ("1", "the same of the best design of the class"),
    }
    columns = zip(texts.items(), np.array(list(rows.values())).T, strict=True)
    data = {key: ("design", column, {"units": unit, "long_name": text}) for (key, (unit, text)), column in columns}
    attrs = {"belief": belief.source, "utility": study.utility.describe(), "mtd_rule": study.mtd.describe()}
    attrs |= {"not_computed": reasons(refused)}
    return xr.Dataset(data, coords={"design": list(rows)}, attrs=attrs | {"error": float(np.nanmax(errors))})


def worth_from(design: Design, belief: Belief, start: TrialState, study: Study) -> tuple[float, float]:
    """Return the expected utility of a design from a state on, under what is believed there, and its error."""
    planned = planned_of(belief.scenarios)

    def utility(belief: Belief) -> FloatArray:
        measures = linear_measures(
            means_of(design, belief.p_observed, start, scenarios=belief.scenarios), belief.p_dlt, study.mtd, planned
        )
        return linear_utility(measures, belief.p_dlt, study.mtd, study.utility, planned)

    belief, values = integrated(belief, utility)
    return float(belief.mean(values)), float(belief.error(values))
