"""Example trials of designs: a typical one, the worst, and the earliest stop of many simulated ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from doseopt.conduct.walk import account
from doseopt.engines.outcomes import judged
from doseopt.engines.patients import Patients
from doseopt.engines.simulate import Simulate
from doseopt.records.replay import Standing
from doseopt.scenarios import above_mtd
from doseopt.study.study import Study

TRIALS, SEED = 1000, 1


def example_trials(
    study: Study,
    standings: Mapping[str, Standing],
    scenario: str,
    trials: int = TRIALS,
    seed: int = SEED,
) -> dict[str, dict[str, dict[str, Any]]]:
    """Return three trials of each design out of many simulated ones; all designs meet the same patients.

    Parameters
    ----------
    study : Study
    standings : mapping of str to Standing
        Designs by name, as their trials go on, and from where.
    scenario : str
        The truth.
    trials, seed : int

    Returns
    -------
    dict
        design -> "typical", "worst" and "earliest" -> the trial as `conduct.walk` tells it. Typical: of the trials with
        the most frequent selection, the one whose numbers of patients and of DLTs are closest to their medians. Worst:
        the one with most DLTs, then with most patients above the true MTD. Earliest: the one that stops with fewest
        patients; left out if none stops with fewer than another. Of several alike the first.
    """
    truth = study.scenarios.sel(scenario=[scenario])
    found = {}
    for name, standing in standings.items():
        outcomes = judged(Simulate(trials, seed)(standing.design, truth, standing.state), study.mtd).isel(scenario=0)
        patients = Patients(trials, np.random.SeedSequence(seed))
        each = {what: int(k) for what, k in _chosen(outcomes).items()}
        found[name] = {what: account(study, standing, name, scenario, patients, k) for what, k in each.items()}
    return found


def _chosen(outcomes: xr.Dataset) -> dict[str, Any]:
    """Return the numbers of the trials."""
    n, dlts = outcomes["n"].to_numpy(), outcomes["y"].to_numpy().sum(axis=1)
    size, selected = n.sum(axis=1), outcomes["selected"].to_numpy()
    right, p_dlt = outcomes["acceptable"].to_numpy(), outcomes["p_dlt"].to_numpy()
    above = n[:, above_mtd(p_dlt, right, float(outcomes.attrs["target"]))].sum(axis=1)
    values, counts = np.unique(selected, return_counts=True)
    usual = np.flatnonzero(selected == values[counts.argmax()])
    off = np.abs(size[usual] - np.median(size[usual])) + np.abs(dlts[usual] - np.median(dlts[usual]))
    early = {"earliest": np.lexsort((np.arange(len(size)), size))[0]} if size.min() < size.max() else {}
    return early | {
        "typical": usual[off.argmin()],
        "worst": np.lexsort((-above, -dlts))[0],
    }
