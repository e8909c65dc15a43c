"""What is computed: exact measures of each design, at each cap and target, in every scenario of every family."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.statistical.designs import (
    CALIBRATED,
    CANDIDATES,
    COMPLETE,
    DOSES,
    calibrated_study,
    design_at,
    names_of,
    published_at,
    study_at,
    tuned,
)
from doseopt.core.design import Design
from doseopt.core.state import FloatArray
from doseopt.engines.means import Means, means_of
from doseopt.measures.complete_information import benchmark_beside
from doseopt.measures.expected import MEASURES, linear_measures
from doseopt.scenarios import GENERATORS, MTDRule
from doseopt.study.study import Study
from doseopt.study.sweep import Cell, Result, seed_of

SEED = 20261125
"""What all seeds are made from, each with what it is for (`seed_of`)."""
BLOCK = 500
"""Scenarios weighed at once: an optimal policy has up to 150,000 endings."""
OTHER_DOSES = (6, 7)


def seed_of_family(family: str, target: float) -> int:
    """Return the seed of a random family."""
    return seed_of(SEED, "scenarios", family, target)


def families(study: Study, draws: int) -> dict[str, tuple[list[str], FloatArray]]:
    """Return the names and true DLT rates [R, D] of the scenarios of each family."""
    doses, target = len(study.doses.labels), study.target
    published = published_at(target, doses)
    fixed = (list(published), np.array(list(published.values())))
    if doses != DOSES:
        return {f"published, {doses} doses": fixed}
    elicited, (believed, _) = study.scenarios, weighed(study)
    found = {"elicited": (elicited["scenario"].to_numpy().tolist(), elicited["p_dlt"].to_numpy())}
    if published:
        found["published"] = fixed
    found["belief"] = (_numbered("belief", len(believed)), believed)
    for family, generator in GENERATORS.items():
        rng = np.random.default_rng(seed_of_family(family, target))
        found[family] = (_numbered(family, draws), generator(doses, target, draws, rng))
    return found


def weighed(study: Study) -> tuple[FloatArray, FloatArray]:
    """Return the curves that a study's belief is integrated with, [R, D], and their weights [R]."""
    belief = study.believed()
    return belief.p_dlt[belief.weights > 0], belief.weights[belief.weights > 0]


def _numbered(family: str, count: int) -> list[str]:
    return [f"{family} {k + 1}" for k in range(count)]


def measured(study: Study, design: str, enrolment: int, draws: int) -> Mapping[str, FloatArray]:
    """Return every measure of a design, the families' scenarios one after the other; a cell of a sweep."""
    p = np.concatenate([rates for _, rates in families(study, draws).values()])
    if design == COMPLETE:
        return _complete(p, study.mtd, enrolment)
    return _exact(design_at(study, design, enrolment), p, study.mtd)


def _exact(design: Design, p: FloatArray, mtd: MTDRule) -> dict[str, FloatArray]:
    blocks = np.split(p, range(BLOCK, len(p), BLOCK))
    parts = [linear_measures(means_of(design, block), block, mtd) for block in blocks]
    return {name: np.concatenate([part[name] for part in parts]) for name in MEASURES}


def _complete(p: FloatArray, mtd: MTDRule, enrolment: int) -> dict[str, FloatArray]:
    """Return what is defined of the complete-information benchmark; nothing where selecting none is correct."""
    right = mtd.acceptable(p)
    selection = benchmark_beside(p, right, np.full((1, len(p)), enrolment), mtd.target)[0]
    unknown = np.full_like(p, np.nan)
    means = Means(np.column_stack([0 * selection[:, 0], selection]), unknown, unknown)
    return linear_measures(means, p, mtd) | {"sample_size": np.where(right.any(axis=1), enrolment, np.nan)}


@dataclass(frozen=True)
class Part:
    """The benchmark at a target and a number of doses."""

    study: Study
    draws: int

    @property
    def designs(self) -> list[str]:
        """Names of the designs and the references."""
        return names_of(self.study)

    def truths(self) -> dict[str, tuple[list[str], FloatArray]]:
        """Return the families' scenarios."""
        return families(self.study, self.draws)

    def weights(self) -> FloatArray:
        """Return what each scenario weighs in means over its family, the families one after the other."""
        return np.concatenate(
            [
                weighed(self.study)[1] if family == "belief" else np.full(len(names), 1 / len(names))
                for family, (names, _) in self.truths().items()
            ]
        )

    def cell(self, design: str, enrolment: int) -> Cell:
        """Return the cell of a design and a cap."""
        name = f"{design}, {enrolment} patients, {len(self.study.doses.labels)} doses, target {self.study.target:g}"
        return Cell(name, measured, self.study, {"design": design, "enrolment": enrolment, "draws": self.draws})


def parts_of(targets: Sequence[float], draws: int) -> list[Part]:
    """Return the parts: four doses, and the published sets of other numbers of doses."""
    return [
        Part(study_at(target, doses), draws)
        for target in targets
        for doses in (DOSES, *OTHER_DOSES)
        if doses == DOSES or published_at(target, doses)
    ]


def calibrations_of(target: float, enrolments: Sequence[int]) -> list[Cell]:
    """Return the calibrations of a target as cells."""
    study = study_at(target)
    return [
        Cell(
            f"{CALIBRATED} {n}, target {target:g}",
            tuned,
            study,
            {"enrolment": n, "candidates": CANDIDATES, "seed": seed_of(SEED, "calibration", target, n)},
        )
        for n in enrolments
    ]


def calibrated_from(target: float, enrolments: Sequence[int], found: Mapping[str, Result]) -> Study:
    """Return the study of the calibrated designs of a target from a sweep of `calibrations_of`."""
    cells = zip(enrolments, calibrations_of(target, enrolments), strict=True)
    return calibrated_study(study_at(target), {n: found[cell.name] for n, cell in cells})
