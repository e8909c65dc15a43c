"""The decision table of a design that looks at one dose and decides while patients are pending there.

A decision depends on the patients treated at the current dose, n; on the DLTs seen, y; on how many of them are pending;
and it may depend on how long these were followed, summed in DLT windows. With more follow-up it goes from down to stay
to up, so that the follow-up needed says it.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import xarray as xr

from doseopt.conduct.decision_table import MOST, check_patients, chosen, described, entries_of, table_design, varies
from doseopt.core.parameters import Fault, Faults
from doseopt.core.state import FloatArray, IntArray, Pending, TrialState
from doseopt.designs.rolling_six import RollingSix
from doseopt.designs.tite_boin import TITEBOIN
from doseopt.display.pending_table import DU, D, E, H, S, text_of
from doseopt.study.study import Study

type TableDesign = TITEBOIN | RollingSix

WITHOUT_CAP = 12
"""Patients of the table of a design without a cap: there is a line for each number of pending ones."""
HALVINGS = 40
LEAST = 1e-9
"""Follow-up that is missing to that of all windows, when everybody is as good as followed up."""


def pending_table(study: Study, name: str = "", patients: int | None = None) -> xr.Dataset:
    """Return the decision table of a design of a study that decides while patients are pending.

    Parameters
    ----------
    study : Study
    name : str
        Of the design; left out: the first that has a table.
    patients : int, optional
        Largest number of patients at one dose; the design's cap when left out, 12 without one.

    Returns
    -------
    Dataset
        By cell, which is one of the possible (n, y, pending): `least`, the decision without any follow-up of the
        pending patients, and `most`, with nearly all of it, letters of `display.pending_table`; `stay_from` and
        `escalate_from`, the follow-up from which on the dose no longer goes down, and goes up, summed over the pending
        patients in windows, nan where no follow-up changes it; `text`, the decision in words; `whole_cohorts`. By rule,
        `reading` and `source` of the design's description.

    Raises
    ------
    Faults
        If there is no such design, or it has no table, or one without pending patients.

    Examples
    --------
    Yuan et al. 2018, target 0.20: with 1 DLT in 9 and 3 pending, up from 0.77 windows on.

    >>> from doseopt import TITEBOIN, MTDRule, Study
    >>> from doseopt.scenarios.doses import Doses
    >>> study = Study("a trial", 0.2, MTDRule(0.2), Doses(("1", "2")), {}, {"TITE-BOIN": TITEBOIN(doses=2, target=0.2)})
    >>> table = pending_table(study, "TITE-BOIN", patients=9).set_index(cell=["n", "y", "pending"])
    >>> round(table["escalate_from"].sel(cell=(9, 1, 3)).item(), 4)
    0.7731
    """
    name = chosen(study, name)
    design = study.designs[name]
    rule = table_design(design)
    if not isinstance(rule, TITEBOIN | RollingSix):
        wanted = "wanted a design that decides while patients are pending"
        raise Faults([Fault("design", f"{wanted}; of {name!r} see decision_table")], study.name)
    check_patients(patients)
    most = 6 if isinstance(rule, RollingSix) else patients or min(design.facts.cap or WITHOUT_CAP, MOST)
    cells = [(n, y, c) for n in range(1, most + 1) for y in range(n + 1) for c in range(n - y + 1)]
    n, y, c = np.array(cells).T
    least, last = (_decisions(rule, n, y, c, share * c) for share in (0.0, 1 - LEAST))
    stay, escalate = (_needed(rule, n, y, c, least, last, rank) for rank in (S, E))
    cohort = 1 if isinstance(rule, RollingSix) or varies(design) else rule.cohort
    days = None if study.clock is None else study.clock.window
    found = zip(least.tolist(), stay.tolist(), escalate.tolist(), strict=True)
    needed = {"units": "windows"}
    return (
        described(study, name, rule)
        .assign(
            {
                "least": ("cell", least, {"long_name": "decision without follow-up of the pending patients"}),
                "most": ("cell", last, {"long_name": "decision with nearly all of it"}),
                "stay_from": (
                    "cell",
                    stay,
                    needed | {"long_name": "follow-up beyond which the dose no longer goes down"},
                ),
                "escalate_from": ("cell", escalate, needed | {"long_name": "follow-up from which on the dose goes up"}),
                "text": ("cell", [text_of(*one, days) for one in found], {"long_name": "decision"}),
                "whole_cohorts": ("cell", n % cohort == 0, {"long_name": "a multiple of the cohort size"}),
            }
        )
        .assign_coords(
            {
                "n": ("cell", n, {"units": "patients", "long_name": "patients treated at the current dose"}),
                "y": ("cell", y, {"units": "patients", "long_name": "patients with a DLT there"}),
                "pending": ("cell", c, {"units": "patients", "long_name": "patients pending there"}),
            }
        )
        .assign_attrs(cohort=cohort, window=np.nan if days is None else days)
    )


def _decisions(rule: TableDesign, n: IntArray, y: IntArray, c: IntArray, follow_up: FloatArray) -> IntArray:
    """Return the decision of each cell, as the design gives it at the middle one of three doses."""
    middle = dataclasses.replace(rule, doses=3, start=1)
    zero, at = np.zeros_like(n), np.ones_like(n)
    tally, dlts = (np.stack(part, axis=1) for part in ((zero + 3, n - c, zero), (zero, y, zero)))
    there = np.arange(max(int(c.max()), 1)) < c[:, None]
    share = np.where(there, (follow_up / np.maximum(c, 1))[:, None], 0.0)
    state, pending = (
        TrialState(tally, dlts, at, np.zeros((len(n), 0), np.int64)),
        Pending(np.where(there, 1, -1), share),
    )
    given = middle.decide(state, pending)
    closed = ~middle.admissible(state.treated(pending))[:, 1]
    waits = (given.size == 0) & (given.stop == 0)
    return np.select([closed, waits], [DU, H], np.array([D, S, E])[given.dose])


def _needed(
    rule: TableDesign, n: IntArray, y: IntArray, c: IntArray, least: IntArray, last: IntArray, rank: int
) -> FloatArray:
    """Return the follow-up from which on the decision is at least so high, nan where no follow-up changes that."""
    changes = (least < rank) & (last >= rank)
    low, high = np.zeros(len(n)), c.astype(float)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        reached = _decisions(rule, n, y, c, middle) >= rank
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    return np.where(changes, high, np.nan)


def as_object(ds: xr.Dataset) -> dict[str, Any]:
    """Return the table as JSON holds it: one entry for each cell."""
    window = None if np.isnan(ds.attrs["window"]) else ds.attrs["window"]
    cells = entries_of(ds, "n", "y", "pending", "text", "stay_from", "escalate_from")
    return {**ds.attrs, "window": window, "table": cells, "rules": entries_of(ds, "rule", "reading", "source")}
