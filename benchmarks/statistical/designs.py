"""The designs of the benchmark: from the study files in `studies`, at a target, a number of doses and a cap."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w
from scipy.special import logit

from doseopt import BLRM
from doseopt.attainable import Rules, bayes_optimal
from doseopt.calibration import calibrate
from doseopt.core.design import Design
from doseopt.core.state import FloatArray
from doseopt.designs.layers import layers, tunable, with_cap, with_rule, with_values
from doseopt.scenarios import PUBLISHED
from doseopt.study.file import load_study, parse_study
from doseopt.study.study import Study

STUDIES = Path(__file__).parent / "studies"
TARGETS = (0.20, 0.25, 0.30)
ENROLMENTS = (10, 13, 19, 25, 31)
DOSES = 4
CALIBRATED, OPTIMAL, COMPLETE = "CRM calibrated", "Bayes-optimal", "complete information"
REFERENCES = (OPTIMAL, COMPLETE)
"""What is attainable; not proposals."""
CANDIDATES = 300
"""Budget of each calibration."""


def published_at(target: float, doses: int) -> dict[str, tuple[float, ...]]:
    """Return the published scenarios of so many doses whose own target is nearest to this one of `TARGETS`."""
    return {
        name: rates
        for entry in PUBLISHED.values()
        if min(TARGETS, key=lambda t: abs(t - entry.target)) == target
        for name, rates in entry.rates.items()
        if len(rates) == doses
    }


def study_at(target: float, doses: int = DOSES, folder: Path = STUDIES) -> Study:
    """Return the study of the designs at a target; with four doses the calibrated designs are in it.

    Skeletons, safety rules and the belief's location follow the target by themselves. The BLRM's target interval is
    scaled with it, and its prior moved on the logit scale, so that the same dose is expected to be at the target. With
    another number of doses J, neighbours differ threefold, and the prior MTD and the reference dose are of level
    J // 2 + 1, as with four.
    """
    document: dict[str, Any] = tomllib.loads((folder / "designs.toml").read_text(encoding="utf-8"))
    base = document["target"]
    document["target"] = target
    if doses != DOSES:
        middle, levels = doses // 2 + 1, range(1, doses + 1)
        values = [3.0 ** (level - middle) for level in levels]
        document["doses"] = {"labels": [str(level) for level in levels], "values": values, "unit": "reference doses"}
        document["scenarios"] = {name: list(rates) for name, rates in published_at(target, doses).items()}
        document["designs"]["CRM"]["skeleton"]["prior_mtd"] = middle
        document["designs"]["BLRM"]["reference_dose"] = 1.0
        del document["belief"]
    study = parse_study(tomli_w.dumps(document), "designs.toml")
    designs = {name: _moved(design, base, target) for name, design in study.designs.items()}
    if doses == DOSES and (file := calibrated_file(target, folder)).is_file():
        designs |= load_study(file).designs
    return dataclasses.replace(study, designs=designs)


def _moved(design: Design, base: float, target: float) -> Design:
    """Return a BLRM with prior and target interval moved from one target to another, any other design as it is."""
    rule = layers(design).rule
    if not isinstance(rule, BLRM):
        return design
    intervals = tuple(round(end * target / base, 4) for end in rule.intervals)
    moved = with_values(design, {"mean_log_a": rule.mean[0] + float(logit(target) - logit(base))})
    return with_rule(moved, lambda blrm: dataclasses.replace(blrm, intervals=intervals))


def names_of(study: Study) -> list[str]:
    """Return the designs of a study and the references, each once, whatever their caps."""
    own = [name for name in study.designs if not name.startswith(CALIBRATED)]
    if len(study.doses.labels) != DOSES:
        return [*own, COMPLETE]
    place = own.index("CRM") + 1
    return [*own[:place], CALIBRATED, *own[place:], *REFERENCES]


def design_at(study: Study, name: str, enrolment: int) -> Design:
    """Return a design with a cap; the optimal policy is found."""
    if name == OPTIMAL:
        return bayes_optimal(study.believed(), study.mtd, Rules(enrolment)).design
    if name == CALIBRATED:
        return study.designs[f"{CALIBRATED} {enrolment}"]
    design = study.designs[name]
    return with_cap(design, enrolment)


def calibrated_file(target: float, folder: Path = STUDIES) -> Path:
    """Return where the calibrated designs of a target are."""
    return folder / f"crm-calibrated-{round(100 * target)}.toml"


def tuned(study: Study, enrolment: int, candidates: int, seed: int) -> Mapping[str, FloatArray]:
    """Return the parameters of the CRM that select correctly most often under the study's belief; a cell of a sweep."""
    alone = dataclasses.replace(study, designs={"CRM": design_at(study, "CRM", enrolment)})
    found = calibrate(alone, "CRM", candidates=candidates, seed=seed)
    best = found.dataset.isel(candidate=found.dataset.attrs["chosen"])["value"]
    return {name: np.array(best.sel(parameter=name)) for name in best["parameter"].to_numpy().tolist()}


def calibrated_study(study: Study, values: Mapping[int, Mapping[str, FloatArray]]) -> Study:
    """Return the study of the calibrated designs, from their tuned parameters by cap."""
    designs = {}
    for n, row in values.items():
        default = design_at(study, "CRM", n)
        chosen = {t.name: t.rounded(row[t.name].item()) for t in tunable(default) if t.name in row}
        designs[f"{CALIBRATED} {n}"] = with_values(default, chosen)
    title = f"CRM calibrated at target {study.target:g}, a design for each cap: about {CANDIDATES} candidates each"
    return dataclasses.replace(study, title=title, designs=designs)
