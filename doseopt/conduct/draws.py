"""Draws from the posterior that a trial's data lead to, as one DataTree that ArviZ reads, by either route."""

from __future__ import annotations

from typing import Any

import xarray as xr

from doseopt.conduct.question import Question
from doseopt.scenarios.doses import Doses

COHORT = 3
"""Patients of the next cohort whose DLTs are predicted."""


def sampled(asked: Question, doses: Doses, seed: int, progress: bool = False) -> tuple[xr.DataTree, dict[str, Any]]:
    """Sample by NUTS, and say how well that went."""
    from doseopt.models.nuts.draws import diagnose
    from doseopt.models.nuts.pymc import sample

    tree = sample(asked.curve, *_tally(asked), seed=seed, progress=progress, **_labels(asked, doses))
    found = diagnose(tree)
    about = {
        "seed": seed,
        "sampler": str(tree.attrs["sampler"]),
        "max_rhat": found.max_rhat,
        "min_ess_bulk": found.min_ess_bulk,
        "min_ess_tail": found.min_ess_tail,
        "divergences": found.divergences,
        "diagnostics": found.words(),
    }
    return tree, about | {name: tree.attrs[name] for name in ("external_weight",) if name in tree.attrs}


def drawn(asked: Question, doses: Doses, seed: int) -> xr.DataTree:
    """Draw independently from the posterior by quadrature."""
    from doseopt.models.nuts.independent import draw_independently

    return draw_independently(asked.curve, *_tally(asked), seed=seed, **_labels(asked, doses))


def _tally(asked: Question) -> tuple[Any, Any]:
    return asked.counted.given.n, asked.counted.given.y


def _labels(asked: Question, doses: Doses) -> dict[str, Any]:
    return {
        "at": asked.counted.given.doses,
        "weights": asked.counted.given.weights,
        "struck": asked.counted.given.struck,
        "next_cohort": COHORT,
        "labels": doses.labels,
        "values": doses.values,
        "unit": doses.unit or None,
    }
