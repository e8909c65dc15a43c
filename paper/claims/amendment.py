"""The registered design against amended ones, from the start and at an interim; averages over what is believed then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from doseopt.amendment.outlook import MOST, beliefs_now
from doseopt.beliefs import Belief
from doseopt.core.cohort import Cohort, parse_outcomes
from doseopt.core.design import Design
from doseopt.core.state import CONTINUE, TrialState
from doseopt.core.trial import after, step
from doseopt.designs.layers import with_cap
from doseopt.display.outlook import STUDY_MODEL
from doseopt.engines.means import means_of
from doseopt.measures.expected import linear_measures
from doseopt.models.quadrature import quadrature
from doseopt.records.trial import Trial
from paper.claims.protocol import CELLS
from paper.material import LARGEST, Material

MEASURES = ("correct_selection", "overdose_selection", "no_selection", "sample_size", "total_dlts")
BELIEF = "the study's belief"


def claims(material: Material) -> dict[str, Any]:
    """Return averages over what is believed, at the start and at the interim."""
    proposal = material.study.proposal
    assert proposal is not None
    cohorts = parse_outcomes(material.interim, len(material.study.doses.labels))
    found = {when: _moment(material, given) for when, given in (("start", ()), ("interim", cohorts))}
    names = list(found["start"]["rows"])
    return {
        **found,
        "table": [{"name": name} | {when: found[when]["rows"][name] for when in found} for name in names],
        "outcomes": material.interim,
        "wanted": proposal.wanted,
        "most": _most(material),
        "known": _known(material, cohorts),
    }


def _most(material: Material) -> int:
    return LARGEST if material.is_reduced else MOST


def _moment(material: Material, cohorts: tuple[Cohort, ...]) -> dict[str, Any]:
    """Return what each design attains from a state of the trial on."""
    study, proposal = material.study, material.study.proposal
    assert proposal is not None
    names = [proposal.registered, material.roles["uncapped"], *proposal.amended]
    beliefs = beliefs_now(study, Trial.from_cohorts(cohorts, study.doses))
    rows = {name: _row(material, study.designs[name], cohorts, beliefs) for name in dict.fromkeys(names)}
    return {
        "rows": rows,
        "by": {role: rows[name] for role, name in material.roles.items() if name in rows},
        "always": _always(rows, proposal.registered),
    }


def _tally(material: Material, cohorts: tuple[Cohort, ...]) -> tuple[np.ndarray, np.ndarray]:
    doses = len(material.study.doses.labels)
    n, y = np.zeros(doses, np.int64), np.zeros(doses, np.int64)
    for cohort in cohorts:
        n[cohort.level - 1] += len(cohort.letters)
        y[cohort.level - 1] += cohort.counts()[0]
    return n, y


def _average(design: Design, belief: Belief, start: TrialState, material: Material) -> dict[str, float]:
    means = means_of(design, belief.p_observed, start)
    values = linear_measures(means, belief.p_dlt, material.study.mtd)
    return {name: float(belief.mean(values[name])) for name in MEASURES}


def _row(
    material: Material, design: Design, cohorts: tuple[Cohort, ...], beliefs: Mapping[str, Belief]
) -> dict[str, Any]:
    start = after(design, cohorts)
    treated, seen = int(start.n.sum()), int(start.y.sum())
    each = {which: _average(design, belief, start, material) for which, belief in beliefs.items()}
    row: dict[str, Any] = dict(each[STUDY_MODEL])
    correct = {which: part["correct_selection"] for which, part in each.items()}
    row |= {"further": row["sample_size"] - treated, "further_dlts": row["total_dlts"] - seen}
    row |= {"believed": correct[BELIEF], "least": min(correct.values()), "most": max(correct.values())}
    row |= {"by_belief": list(correct.values()), "needed": _needed(material, design, start, beliefs[STUDY_MODEL])}
    return row | _next(material, design, start)


def _needed(material: Material, design: Design, start: TrialState, belief: Belief) -> int | None:
    """Return the smallest enrolment cap that reaches the wanted probability, in cohorts; None if none does."""
    proposal = material.study.proposal
    assert proposal is not None
    treated = int(start.n.sum()) or int(design.first().size[0])
    for cap in range(treated, _most(material) + 1, 3):
        if _average(with_cap(design, cap), belief, start, material)["correct_selection"] >= proposal.wanted:
            return cap
    return None


def _next(material: Material, design: Design, start: TrialState) -> dict[str, Any]:
    """Return the dose of the next cohort, and its size."""
    given = step(design, start)
    values = np.array(material.study.doses.values or ()) / CELLS
    going = given.stop[0] == CONTINUE
    return {"next": f"{values[int(given.dose[0])]:g}" if going else "stop", "size": int(given.size[0]) if going else 0}


def _always(rows: Mapping[str, dict[str, Any]], registered: str) -> dict[str, Any]:
    """Return under how many of the beliefs every other design selects correctly more often than the registered one."""
    gain = np.array([r["by_belief"] for name, r in rows.items() if name != registered]) - rows[registered]["by_belief"]
    return {"beliefs": int((gain > 0).all(axis=0).sum()), "of": gain.shape[1], "least": gain.min(), "most": gain.max()}


def _known(material: Material, cohorts: tuple[Cohort, ...]) -> dict[str, Any]:
    """Return the posterior DLT rates at the interim under the study's model."""
    n, y = _tally(material, cohorts)
    posterior = quadrature(material.study.curve()).posterior(n[None], y[None])
    ends = {"lower": posterior.quantile(0.05)[0], "upper": posterior.quantile(0.95)[0]}
    return {"patients": int(n.sum()), "dlts": int(y.sum()), "mean": posterior.mean()[0], **ends}
