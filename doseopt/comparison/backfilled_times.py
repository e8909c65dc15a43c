"""Times of the trials of designs that backfill lower doses, and how many patients are backfilled."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from doseopt.core.design import Design
from doseopt.core.state import FloatArray
from doseopt.study.on_pending import Engine, backfilling_for
from doseopt.study.study import Study


def times_of_backfilling(
    study: Study, engine: Engine, design: Design, days: Sequence[float], levels: Sequence[float]
) -> dict[str, FloatArray]:
    """Return how long simulated trials take, whom they turn away, and how many patients are backfilled.

    Parameters
    ----------
    study : Study
    engine : Simulate or ExactWherePossible
        That the comparison is made with.
    design : Design
    days : sequence of float
        By which it is said how many trials are done.
    levels : sequence of float
        Of the quantiles.

    Returns
    -------
    dict of str to float array [R, ..]
        By the names of `in_time.TIMES`, in days, and of `in_time.BACKFILLED`.
    """
    assert study.clock is not None
    clock, outcomes = study.clock, backfilling_for(study, engine)(design, study.scenarios)
    root, extra = np.sqrt(outcomes.attrs["trials"]), outcomes["backfilled"].sum("dose").to_numpy()
    decided, followed = (clock.window * outcomes[name].to_numpy() for name in ("time", "followed_up"))
    completed, away = followed + clock.after_window, outcomes["turned_away"].mean("ending").to_numpy()
    found = {"turned_away": away, "closed_days": away / clock.arrivals.rate}  # until the next comes
    for name, by, each in (("duration", "done_by", decided), ("completion", "completed_by", completed)):
        found[name], found[f"{name}_sd"] = each.mean(axis=1), each.std(axis=1)
        found[f"{name}_quantile"] = np.quantile(each, levels, axis=1, method="inverted_cdf").T
        found[by] = (each[:, :, None] <= np.array(days)).mean(axis=1)
    found["duration_mcse"] = found["duration_sd"] / root
    return found | {"backfilled": extra.mean(axis=1), "backfilled_mcse": extra.std(axis=1) / root}
